// The pane of one job; what it says to the kernel and hears from it is described in
// views/widgets/job.py.
import { Asking, PATIENCE } from "./asking.js";
import { button, h, say } from "./element.js";
import { table } from "./facts.js";
import { Output } from "./output.js";
import { Saving } from "./saving.js";
import { Usage } from "./usage.js";
import { duration } from "./words.js";

const ACK = 1 << 16; // acknowledge this many bytes at a time
const LOOK = 5 * PATIENCE; // how often to say that somebody looks
const GONE = "the kernel is gone: no more will be known of this job";

/** One picture of a job. It knows nothing that the kernel did not say. */
export class Pane {
  constructor(model) {
    this.model = model;
    this.message = h("p", { role: "status" });
    this.asking = new Asking(model, this.message, () => this.leave("kernel gone", GONE));
    this.page = this.asking.page;
    this.start = this.have = this.acked = this.seq = this.skew = this.lost = this.looked = 0;
    this.build();
    this.clock = setInterval(() => this.tick(), PATIENCE);
    this.sight = new IntersectionObserver((seen) => {
      this.inSight = seen.at(-1).isIntersecting;
      this.output.sighted(this.inSight);
      this.tick();
    });
    this.sight.observe(this.section);
    this.show();
    this.showTail();
    this.ready();
  }

  build() {
    const { asking } = this;
    const act = (name, action) => button(name, (pressed) => asking.act(action, pressed));
    this.badge = h("span", { class: "ipyproc-status", role: "status" });
    this.tag = h("span", { class: "ipyproc-tag" });
    this.name = h("b", {});
    this.command = h("code", {});
    this.facts = h("small", {});
    this.signals = h("div", {}, act("Interrupt", "interrupt"), act("Terminate", "terminate"), act("Kill", "kill"));
    this.saver = button("Save output", () => this.save());
    this.usage = new Usage(
      this.model.get("signals"),
      (...given) => asking.act(...given),
      () => this.look(),
    );
    this.output = new Output(() => this.drawn());
    this.input = h("input", { autocomplete: "off", spellcheck: "false" });
    const label = h("label", {}, "Standard input", this.input);
    const send = h("button", {}, "Send");
    this.form = h("form", {}, label, send, act("Close stdin", "close_stdin"));
    this.after = h("div", {});
    const right = h("div", {}, this.signals, this.saver);
    const head = h("header", {}, this.badge, this.tag, this.name, this.command, this.facts, right);
    // Keys pressed in the pane are not the notebook's, and a dollar begins no formula.
    const attributes = { class: "ipyproc-job tex2jax_ignore mathjax_ignore", "data-lm-suppress-shortcuts": "true" };
    const { above, log } = this.output;
    const parts = [head, this.usage.element, above, log, this.form, this.message, this.after];
    this.section = h("section", attributes, ...parts);
    this.section.onkeydown = (event) => event.stopPropagation();
    this.form.onsubmit = (event) => {
      event.preventDefault();
      asking.act("send", send, { text: this.input.value + "\n" });
      this.input.value = "";
    };
  }

  show() {
    const state = (this.state = this.model.get("state"));
    const { name, command, dir, pid, status, text, success, ran, stdin, facts, timed_out } = state;
    const over = ran !== null;
    this.section.setAttribute("aria-label", `Job ${name}`);
    this.section.style.setProperty("--rows", this.model.get("height") ?? "");
    Object.assign(this.section.dataset, { name, pid, status, good: success === true });
    say(this.badge, text);
    say(this.tag, [timed_out ? "timed out" : "", this.left].filter(Boolean).join(" · "));
    this.name.textContent = name;
    this.command.textContent = command;
    this.command.title = dir ? `${command}\nin ${dir}` : command;
    this.output.log.setAttribute("aria-label", `Output of ${name}`);
    this.usage.status = status;
    this.signals.hidden = over;
    if (over) this.usage.element.remove();
    if (!stdin) this.form.remove();
    this.tick();
    if (facts && !this.after.firstChild) this.after.append(table(facts));
    if (over) clearInterval(this.clock);
    this.settle();
  }

  /** What goes on even if nothing is heard: time passes, and somebody looks. */
  tick() {
    const { pid, started, ran } = this.state;
    say(this.facts, `pid ${pid} · ${ran ?? duration(Date.now() / 1000 + this.skew - started)}`);
    this.usage.show();
    const due = Date.now() - this.looked >= LOOK && !this.gone;
    if (ran === null && this.inSight && due && !document.hidden) this.look();
  }

  /** Ask for what the job uses, and find out whether there is a kernel. */
  look() {
    this.looked = Date.now();
    this.send("look", { tree: this.usage.element.open });
  }

  /** Show what the synced state holds of the output, unless the stream brings it. */
  showTail() {
    const { offset, streams, data } = this.model.get("tail");
    if (this.lost || !this.asked) this.take(offset, streams, [data]);
  }

  heard(message, buffers) {
    const { kind, pages, page, after, offset, streams } = message;
    if (kind === "output" && (pages.includes(this.page) || pages.includes("*"))) {
      const gap = after > this.have;
      if (gap && !this.lost) this.ready();
      // A kernel that is too busy to mend the gap still sends: then show what comes.
      if (!gap || Date.now() - this.lost > PATIENCE) this.take(offset, streams, buffers);
    }
    if (kind === "forget") this.forgotten = true;
    if (kind === "usage") this.usage.heard(message);
    if (page !== this.page) return;
    if (kind === "begin" && message.seq === this.asked) this.begin(message);
    if (kind === "saved") this.saving?.heard(message, buffers);
    if (kind === "done") this.asking.done(message);
  }

  /** Tell the kernel what is here; it answers with where it goes on. */
  ready(wait = 2 * PATIENCE) {
    this.lost ||= Date.now();
    this.asked = ++this.seq;
    this.send("ready", { have: this.start ? null : this.have, seq: this.asked });
    clearTimeout(this.again);
    if (!this.gone) this.again = setTimeout(() => this.ready(2 * wait), wait);
  }

  begin({ offset, clock }) {
    clearTimeout(this.again);
    this.lost = 0;
    this.skew = clock - Date.now() / 1000;
    // What is here goes without a hole from start to have, or is not needed any more.
    if (offset < this.start || offset > this.have) {
      this.output.clear();
      this.start = this.have = offset;
      if (offset) this.output.skip(offset);
    }
    this.acked = offset;
    this.tick();
    this.settle();
  }

  /** Show bytes from `offset` on, as far as they are not here. */
  take(offset, streams, buffers) {
    const data = buffers?.[0];
    const bytes = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : [];
    const end = offset + bytes.length;
    if (end <= this.have) return;
    if (offset > this.have) {
      this.output.skip(offset - this.have);
      this.start = this.have = offset;
    }
    let at = 0;
    for (const [stream, length] of streams) {
      const from = Math.max(at, this.have - offset);
      at += length;
      if (from < at) this.output.screen.feed(stream, bytes.subarray(from, at));
    }
    this.have = end;
    this.settle();
  }

  /** Draw soon; when all has been printed, see that all is here. */
  settle() {
    const { total } = this.state;
    clearTimeout(this.checking);
    if (total !== null && this.have >= total) this.output.screen.finish();
    else if (total !== null && !this.gone) this.checking = setTimeout(() => this.lost || this.ready(), 2 * PATIENCE);
    this.output.soon();
  }

  drawn() {
    this.saver.hidden = !this.have;
    if (!this.lost && this.have - this.acked >= ACK) this.send("ack", { offset: (this.acked = this.have) });
  }

  send(action, rest) {
    this.asking.send(action, rest);
  }

  save() {
    this.saving?.stop();
    this.saving = new Saving(
      this.state.name,
      (offset) => this.send("save", { offset }),
      (text) => say(this.message, text),
    );
  }

  /** Show only what is known by now, and say why. */
  leave(tag, reason) {
    if (this.gone) return;
    this.gone = this.section.dataset.gone = true;
    this.left = tag;
    this.stop();
    this.show();
    if (this.state.ran === null) say(this.message, reason);
    for (const control of this.section.querySelectorAll("button, input, select")) control.disabled = true;
    this.saver.title = reason;
  }

  stop() {
    for (const timer of [this.again, this.checking, this.clock]) clearTimeout(timer);
    this.asking.stop();
    this.saving?.stop();
    this.sight.disconnect();
  }
}
