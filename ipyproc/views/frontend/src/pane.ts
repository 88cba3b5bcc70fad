// The pane of one job.
import { button, h, say } from "./dom.js";
import { duration } from "./format.js";
import type { Model, Token } from "./model.js";
import { Output } from "./output.js";
import type { Begin, FromKernel, JobState, Streams, Tail } from "./protocol.js";
import { PATIENCE, Requests } from "./request.js";
import { Saving } from "./save.js";
import { stateTable } from "./state_table.js";
import { Usage } from "./usage.js";

const ACK = 1 << 16; // acknowledge this many bytes at a time
const LOOK = 5 * PATIENCE; // how often to say that somebody looks
const GONE = "the kernel is gone: no more will be known of this job";

export interface JobTraits extends Token {
  state: JobState;
  tail: Tail;
  height: number | null;
  signals: string[];
}

/** One view of a job. It knows nothing that the kernel did not say. */
export class Pane {
  readonly section: HTMLElement;
  readonly output: Output;
  forgotten = false; // whether the kernel has cleared the job
  private readonly requests: Requests;
  private readonly usage: Usage;
  private readonly sight: IntersectionObserver;
  private readonly badge = h("span", { class: "ipyproc-status", role: "status" });
  private readonly tag = h("span", { class: "ipyproc-tag" });
  private readonly name = h("b", {});
  private readonly command = h("code", {});
  private readonly facts = h("small", {});
  private readonly signals: HTMLElement;
  private readonly saver: HTMLButtonElement;
  private readonly form: HTMLFormElement;
  private readonly message = h("p", { role: "status" });
  private readonly after = h("div", {});
  private state: JobState;
  private saving?: Saving;
  private gone = false; // whether the kernel is
  private left = ""; // the tag that says why
  private inSight = false;
  private looked = 0; // when this last said that somebody looks
  private skew = 0; // seconds by which the kernel's clock is ahead
  // The output is here from start to have.
  private start = 0;
  private have = 0;
  private acked = 0;
  private lost = 0; // when a gap was found that is not mended yet, or 0
  private seq = 0;
  private asked = 0; // the number of the last `ready`
  private clock?: number;
  private again?: number;
  private checking?: number;

  constructor(private readonly model: Model<JobTraits>) {
    const requests = new Requests(model, this.message, () => this.leave("kernel gone", GONE));
    this.requests = requests;
    this.state = model.get("state");
    const act = (name: string, action: "interrupt" | "terminate" | "kill" | "close_stdin") =>
      button(name, (pressed) => requests.act(pressed, { action }));
    this.signals = h("div", {}, act("Interrupt", "interrupt"), act("Terminate", "terminate"), act("Kill", "kill"));
    this.saver = button("Save output", () => this.save());
    this.usage = new Usage(model.get("signals"), requests, () => this.look());
    this.output = new Output(() => this.drawn());
    this.form = this.inputForm(act("Close stdin", "close_stdin"));
    const right = h("div", {}, this.signals, this.saver);
    const head = h("header", {}, this.badge, this.tag, this.name, this.command, this.facts, right);
    // Keys pressed in the pane are not the notebook's, and a dollar begins no formula.
    const attributes = { class: "ipyproc-job tex2jax_ignore mathjax_ignore", "data-lm-suppress-shortcuts": "true" };
    const { above, log } = this.output;
    const parts = [head, this.usage.element, above, log, this.form, this.message, this.after];
    this.section = h("section", attributes, ...parts);
    this.section.onkeydown = (event) => event.stopPropagation();
    this.clock = setInterval(() => this.tick(), PATIENCE);
    this.sight = new IntersectionObserver((seen) => {
      this.inSight = seen.at(-1)!.isIntersecting;
      this.output.sighted(this.inSight);
      this.tick();
    });
    this.sight.observe(this.section);
    this.show();
    this.showTail();
    this.ready();
  }

  private inputForm(close: HTMLButtonElement): HTMLFormElement {
    const input = h("input", { autocomplete: "off", spellcheck: "false" });
    const send = h("button", {}, "Send");
    const form = h("form", {}, h("label", {}, "Standard input", input), send, close);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.requests.act(send, { action: "send", text: `${input.value}\n` });
      input.value = "";
    };
    return form;
  }

  show(): void {
    this.state = this.model.get("state");
    const { name, command, dir, pid, status, text, success, ran, stdin, facts, timed_out } = this.state;
    const over = ran !== null;
    this.section.setAttribute("aria-label", `Job ${name}`);
    this.section.style.setProperty("--rows", String(this.model.get("height") ?? ""));
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
    if (facts && !this.after.firstChild) this.after.append(stateTable(facts));
    if (over) clearInterval(this.clock);
    this.settle();
  }

  /** What goes on even if the kernel says nothing: time passes, and somebody looks. */
  private tick(): void {
    const { pid, started, ran } = this.state;
    say(this.facts, `pid ${pid} · ${ran ?? duration(Date.now() / 1000 + this.skew - started)}`);
    this.usage.show();
    const due = Date.now() - this.looked >= LOOK && !this.gone;
    if (ran === null && this.inSight && due && !document.hidden) this.look();
  }

  /** Asks for what the job uses, and finds out whether there is a kernel. */
  look(): void {
    this.looked = Date.now();
    this.requests.send({ action: "look", tree: this.usage.element.open });
  }

  /** Shows what the synced state holds of the output, unless the stream brings it. */
  showTail(): void {
    const { offset, streams, data } = this.model.get("tail");
    if (this.lost || !this.asked) this.take(offset, streams, [data]);
  }

  heard(message: FromKernel, buffers?: DataView[]): void {
    const { page } = this.requests;
    if (message.kind === "output" && (message.pages.includes(page) || message.pages.includes("*"))) {
      const gap = message.after > this.have;
      if (gap && !this.lost) this.ready();
      // A kernel that is too busy to mend the gap still sends: then show what comes.
      if (!gap || Date.now() - this.lost > PATIENCE) this.take(message.offset, message.streams, buffers);
    }
    if (message.kind === "forget") this.forgotten = true;
    if (message.kind === "usage") this.usage.heard(message);
    if (!("page" in message) || message.page !== page) return;
    if (message.kind === "begin" && message.seq === this.asked) this.begin(message);
    if (message.kind === "saved") this.saving?.heard(message, buffers ?? []);
    if (message.kind === "done") this.requests.done(message);
  }

  /** Tells the kernel what is here; it answers with where it goes on. */
  private ready(wait = 2 * PATIENCE): void {
    this.lost ||= Date.now();
    this.asked = ++this.seq;
    this.requests.send({ action: "ready", have: this.start ? null : this.have, seq: this.asked });
    clearTimeout(this.again);
    if (!this.gone) this.again = setTimeout(() => this.ready(2 * wait), wait);
  }

  private begin({ offset, clock }: Begin): void {
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

  /** Shows bytes from `offset` on, as far as they are not here. */
  private take(offset: number, streams: Streams, buffers?: DataView[]): void {
    const data = buffers?.[0];
    const bytes = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array();
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

  /** Draws soon; when the job has printed all, makes sure that all is here. */
  settle(): void {
    const { total } = this.state;
    clearTimeout(this.checking);
    if (total !== null && this.have >= total) this.output.screen.finish();
    else if (total !== null && !this.gone) this.checking = setTimeout(() => this.lost || this.ready(), 2 * PATIENCE);
    this.output.soon();
  }

  private drawn(): void {
    this.saver.hidden = !this.have;
    if (this.lost || this.have - this.acked < ACK) return;
    this.acked = this.have;
    this.requests.send({ action: "ack", offset: this.have });
  }

  private save(): void {
    this.saving?.stop();
    this.saving = new Saving(
      this.state.name,
      (offset) => this.requests.send({ action: "save", offset }),
      (text) => say(this.message, text),
    );
  }

  /** Shows only what is known by now, and says why. */
  leave(tag: string, reason: string): void {
    if (this.gone) return;
    this.gone = true;
    this.section.dataset.gone = "true";
    this.left = tag;
    this.stop();
    this.show();
    if (this.state.ran === null) say(this.message, reason);
    const controls = this.section.querySelectorAll<HTMLButtonElement>("button, input, select");
    for (const control of controls) control.disabled = true;
    this.saver.title = reason;
  }

  stop(): void {
    for (const timer of [this.again, this.checking, this.clock]) clearTimeout(timer);
    this.requests.stop();
    this.saving?.stop();
    this.sight.disconnect();
  }
}
