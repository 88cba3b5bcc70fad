// The pane of one job; what it says to the kernel and hears from it is described in
// views/job.py.
import { drawn } from "./draw.js";
import { button, h } from "./element.js";
import { table } from "./facts.js";
import { hex } from "./look.js";
import { Screen, runs } from "./screen.js";
import { duration, size } from "./words.js";

const ACK = 1 << 16; // acknowledge this many bytes at a time
export const PATIENCE = 1000; // ms to wait for what the kernel owes us
const QUEUED = "queued: the kernel is busy";

/** One picture of a job. It knows nothing that the kernel did not say. */
export class Pane {
  constructor(model) {
    this.model = model;
    this.page = Array.from(crypto.getRandomValues(new Uint8Array(8)), hex).join("");
    this.screen = new Screen();
    this.start = this.have = this.acked = this.seq = this.skew = this.lost = this.cost = 0;
    this.waiting = new Map(); // actions that the kernel has not answered
    this.follow = true;
    this.build();
    this.show();
    this.showTail();
    this.ready();
    this.clock = setInterval(() => this.showTime(), PATIENCE);
  }

  build() {
    const act = (name, action) => button(name, (pressed) => this.act(action, pressed));
    this.badge = h("span", { class: "ipyproc-status", role: "status" });
    this.name = h("b", {});
    this.command = h("code", {});
    this.facts = h("small", {});
    this.signals = h("div", {}, act("Interrupt", "interrupt"), act("Terminate", "terminate"), act("Kill", "kill"));
    this.saver = button("Save output", () => this.save());
    this.above = h("p", {});
    this.output = h("div", { class: "ipyproc-output", role: "log", tabindex: "0" });
    this.input = h("input", { autocomplete: "off", spellcheck: "false" });
    const label = h("label", {}, "Standard input", this.input);
    this.form = h("form", {}, label, h("button", {}, "Send"), act("Close stdin", "close_stdin"));
    this.message = h("p", { role: "status" });
    this.after = h("div", {});
    const head = h("header", {}, this.badge, this.name, this.command, this.facts, h("div", {}, this.signals, this.saver));
    // Keys pressed in the pane are not the notebook's, and a dollar begins no formula.
    const attributes = { class: "ipyproc-job tex2jax_ignore mathjax_ignore", "data-lm-suppress-shortcuts": "true" };
    this.section = h("section", attributes, head, this.above, this.output, this.form, this.message, this.after);
    this.section.onkeydown = (event) => event.stopPropagation();
    this.output.onscroll = () => {
      const { scrollHeight, scrollTop, clientHeight } = this.output;
      this.follow = scrollHeight - scrollTop - clientHeight < 8;
    };
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.act("send", this.form, { text: this.input.value + "\n" });
      this.input.value = "";
    };
  }

  show() {
    const state = (this.state = this.model.get("state"));
    const { name, command, dir, pid, status, text, ran, stdin, facts } = state;
    this.section.setAttribute("aria-label", `Job ${name}`);
    Object.assign(this.section.dataset, { name, pid, status, good: text === "exit status 0" });
    if (this.badge.textContent !== text) this.badge.textContent = text;
    this.name.textContent = name;
    this.command.textContent = command;
    this.command.title = dir ? `${command}\nin ${dir}` : command;
    this.output.setAttribute("aria-label", `Output of ${name}`);
    this.signals.hidden = ran !== null;
    if (!stdin) this.form.remove();
    this.showTime();
    if (facts && !this.after.firstChild) this.after.append(table(facts));
    if (ran !== null) clearInterval(this.clock);
    this.settle();
  }

  showTime() {
    const { pid, started, ran } = this.state;
    const text = `pid ${pid} · ${ran ?? duration(Date.now() / 1000 + this.skew - started)}`;
    if (this.facts.textContent !== text) this.facts.textContent = text;
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
    if (page !== this.page) return;
    if (kind === "begin" && message.seq === this.asked) this.begin(message);
    if (kind === "saved") this.saved(message, buffers);
    if (kind === "done") this.done(message);
  }

  /** Tell the kernel what is here; it answers with where it goes on. */
  ready(wait = 2 * PATIENCE) {
    this.lost ||= Date.now();
    this.asked = ++this.seq;
    this.send("ready", { have: this.start ? null : this.have, seq: this.asked });
    clearTimeout(this.again);
    this.again = setTimeout(() => this.ready(2 * wait), wait);
  }

  begin({ offset, clock }) {
    clearTimeout(this.again);
    this.lost = 0;
    this.skew = clock - Date.now() / 1000;
    // What is here goes without a hole from start to have, or is not needed any more.
    if (offset < this.start || offset > this.have) {
      const { gone, lines } = this.screen;
      this.screen = new Screen();
      this.screen.gone = [...gone, ...lines];
      this.start = this.have = offset;
      if (offset) this.skip(offset);
    }
    this.acked = offset;
    this.showTime();
    this.settle();
  }

  /** Show bytes from `offset` on, as far as they are not here. */
  take(offset, streams, buffers) {
    const data = buffers?.[0];
    const bytes = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : [];
    const end = offset + bytes.length;
    if (end <= this.have) return;
    if (offset > this.have) {
      this.skip(offset - this.have);
      this.start = this.have = offset;
    }
    let at = 0;
    for (const [stream, length] of streams) {
      const from = Math.max(at, this.have - offset);
      at += length;
      if (from < at) this.screen.feed(stream, bytes.subarray(from, at));
    }
    this.have = end;
    this.settle();
  }

  skip(count) {
    this.screen.note(`… ${size(count)} not shown here; “Save output” has everything …`);
  }

  /** Draw soon; when all has been printed, see that all is here. */
  settle() {
    const { total } = this.state;
    clearTimeout(this.checking);
    if (total !== null && this.have >= total) this.screen.finish();
    else if (total !== null) this.checking = setTimeout(() => this.lost || this.ready(), 2 * PATIENCE);
    // What takes long to draw is drawn less often, so that the page stays responsive.
    this.frame ??= setTimeout(() => requestAnimationFrame((start) => {
      this.frame = null;
      this.draw();
      this.cost = performance.now() - start;
    }), 2 * this.cost);
  }

  draw() {
    const { screen, output } = this;
    const { lines, changed } = screen;
    this.seen ||= this.section.isConnected;
    const end = lines.length - (lines.at(-1)?.chars.length === 0);
    for (const line of screen.gone.splice(0).concat(lines.slice(end))) {
      line.element?.remove();
      line.element = null;
    }
    let first = end;
    while (first && !lines[first - 1].element) first -= 1;
    for (const line of lines.slice(first, end)) {
      output.append((line.element = h("div", {})));
      changed.add(line);
    }
    for (const line of changed) if (line.element) this.paint(line);
    changed.clear();
    output.hidden = !output.firstChild;
    this.saver.hidden = !this.have;
    this.above.textContent = screen.dropped ? `${screen.dropped.toLocaleString("en")} lines above are not shown` : "";
    if (this.follow) output.scrollTop = output.scrollHeight;
    if (!this.lost && this.have - this.acked >= ACK) this.send("ack", { offset: (this.acked = this.have) });
  }

  paint(line) {
    line.element.replaceChildren(...(line.chars.length ? runs(line).map(drawn) : [h("br", {})]));
    line.element.className = line.looks.some((look) => look.startsWith("stderr")) ? "stderr" : "";
  }

  send(action, rest) {
    this.model.send({ action, page: this.page, ...rest });
  }

  act(action, pressed, rest) {
    const seq = ++this.seq;
    pressed.setAttribute("aria-busy", "true");
    this.waiting.set(seq, [pressed, setTimeout(() => this.say(QUEUED), PATIENCE / 2)]);
    this.send(action, { seq, ...rest });
  }

  done({ seq, error }) {
    const [pressed, timer] = this.waiting.get(seq) ?? [];
    clearTimeout(timer);
    pressed?.removeAttribute("aria-busy");
    this.waiting.delete(seq);
    this.say(error);
  }

  say(text) {
    this.message.textContent = text;
  }

  save() {
    clearTimeout(this.saving?.timer);
    this.saving = { parts: [], offset: 0, total: null, tries: 20 };
    this.askForMore();
  }

  askForMore() {
    const { saving } = this;
    this.send("save", { offset: saving.offset });
    clearTimeout(saving.timer);
    // An answer may be lost where a cell prints too much: ask again, but not for ever.
    saving.timer = setTimeout(() => {
      this.say(QUEUED);
      if (saving.tries--) this.askForMore();
    }, 5 * PATIENCE);
  }

  saved({ after, offset, total }, buffers) {
    const { saving } = this;
    if (after !== saving?.offset) return;
    saving.total ??= total;
    if (offset > after) saving.parts.push(`\n[${size(offset - after)} were not kept]\n`);
    saving.parts.push(new Blob(buffers));
    saving.offset = offset + saving.parts.at(-1).size;
    if (saving.offset < saving.total) {
      this.say(`saving: ${Math.floor((100 * saving.offset) / saving.total)} %`);
      return this.askForMore();
    }
    clearTimeout(saving.timer);
    this.saving = null;
    this.say("");
    const href = URL.createObjectURL(new Blob(saving.parts, { type: "text/plain" }));
    h("a", { href, download: this.state.name.replace(/[^\w.-]+/g, "_") + ".txt" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60 * PATIENCE);
  }

  stop() {
    for (const timer of [this.again, this.checking, this.clock]) clearTimeout(timer);
  }
}
