// The field for the standard input: what was sent comes back, and keys do what they do in a terminal.
import { h, say } from "./dom.js";
import type { Requests } from "./request.js";

const MOST = 100; // lines that come back

export class Input {
  readonly form: HTMLFormElement;
  private readonly field = h("input", { autocomplete: "off", spellcheck: "false" });
  private readonly send = h("button", {}, "Send");
  private readonly close: HTMLButtonElement;
  private readonly sent: string[] = [];
  private at = 0; // which of them is in the field
  private draft = ""; // what was typed and not sent

  /** What was sent last, if it may be seen: not among the output, for that is the job's alone. */
  readonly echo = h("p", { class: "ipyproc-sent" });

  /** Stands in the place of all that while another session has the keyboard. */
  readonly notice: HTMLElement;
  private readonly taker: HTMLButtonElement;

  constructor(private readonly requests: Requests) {
    this.taker = requests.button("Take keyboard", "take");
    this.notice = h("p", {}, "Read only: the keyboard is elsewhere", this.taker);
    this.close = requests.button("Close stdin", "close_stdin");
    this.form = h("form", {}, h("label", {}, "Standard input", this.field), this.send, this.close);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.enter(`${this.field.value}\n`);
      this.field.value = "";
    };
    this.field.onkeydown = (event) => this.key(event);
    this.field.onpaste = (event) => this.paste(event);
  }

  remove(): void {
    this.form.remove();
    this.echo.remove();
  }

  private enter(text: string): void {
    this.requests.act(this.send, { action: "send", text });
    if (this.field.type !== "password") {
      const line = text.replace(/\n$/, "");
      if (line && line !== this.sent.at(-1)) this.sent.push(line);
      if (this.sent.length > MOST) this.sent.shift();
      say(this.echo, `› ${line.replaceAll("\n", "\n› ")}`);
    } else say(this.echo, "");
    this.at = this.sent.length;
  }

  private key(event: KeyboardEvent): void {
    const { field } = this;
    const up = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const control = event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey && event.key;
    if (up && this.sent[this.at + up] === undefined && up < 0) return;
    if (up) {
      if (this.at === this.sent.length) this.draft = field.value;
      this.at = Math.min(this.at + up, this.sent.length);
      field.value = this.sent[this.at] ?? this.draft;
    } else if (control === "c" && field.selectionStart === field.selectionEnd) {
      this.requests.act(this.send, { action: "interrupt" });
    } else if (control === "d") {
      // As in a terminal: what was typed is sent as it is, and without that it is the end.
      if (field.value) this.enter(field.value);
      else this.requests.act(this.close, { action: "close_stdin" });
      field.value = "";
    } else return;
    event.preventDefault();
  }

  /** Sends the lines that are pasted, as if they were typed; the last one stays. */
  private paste(event: ClipboardEvent): void {
    const { field } = this;
    const text = event.clipboardData?.getData("text").replace(/\r\n?/g, "\n") ?? "";
    if (!text.includes("\n")) return;
    event.preventDefault();
    const { value, selectionStart: from, selectionEnd: to } = field;
    const all = value.slice(0, from ?? value.length) + text + value.slice(to ?? value.length);
    const end = all.lastIndexOf("\n") + 1;
    this.enter(all.slice(0, end));
    field.value = all.slice(end);
  }

  /** Asks for the keyboard, while another session has it. */
  readonly take = () => this.taker.click();

  /** Hides the field while another session has the keyboard, with what was typed there. */
  set elsewhere(on: boolean) {
    const focused = this.taker === document.activeElement;
    this.form.hidden = on;
    this.notice.hidden = !on;
    if (focused) this.field.focus();
  }

  /** Hides what is typed while the job asks for a password, and never shows it later. */
  mask(masked: boolean): void {
    const type = masked ? "password" : "text";
    if (this.field.type === type) return;
    if (!masked) this.field.value = "";
    this.field.type = type;
  }
}
