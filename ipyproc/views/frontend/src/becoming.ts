// A pane whose log becomes a terminal: once, when the kernel says so.
import { say } from "./dom.js";
import type { Feed, FeedTraits } from "./feed.js";
import type { Keyboard } from "./keyboard.js";
import { library } from "./library.js";
import type { Model } from "./model.js";
import type { Output } from "./output.js";
import type { Requests } from "./request.js";
import type * as terminal from "./terminal.js";
import type { Terminal } from "./terminal.js";

const LATE = 500; // ms after which what is there is shown

export interface TerminalTraits extends FeedTraits {
  screen_reader: boolean;
}

/** Puts a terminal into the place of the log, with the same screen. */
export class Becoming {
  private terminal?: Terminal;
  private begun = false;
  private library?: typeof terminal; // once it is here
  private stopped = false;
  private over = false; // whether the terminal knows that the job has ended
  private late?: number; // a timer
  private keyboard?: Keyboard;

  constructor(
    private readonly model: Model<TerminalTraits>,
    private readonly requests: Requests,
    private readonly feed: Feed,
    private readonly output: Output,
    /** Is called whenever all has been drawn. */
    private readonly drawn: () => void,
    /** Is called once, when the terminal is there. */
    private readonly done: () => void,
    /** Asks for the keyboard, while another session has it. */
    private readonly take: () => void,
  ) {}

  update(): void {
    const { terminal, ran, elsewhere } = this.model.get("state");
    if (!terminal) return;
    if (this.terminal) Object.assign(this.terminal, { size: terminal, elsewhere });
    else if (!this.begun) void this.become();
    else this.open();
    if (ran === null || this.over) return;
    this.over = this.terminal !== undefined;
    this.terminal?.finish();
  }

  private async become(): Promise<void> {
    this.begun = true;
    try {
      this.library = await library("terminal", this.model, this.requests);
      this.open();
    } catch (error) {
      if (this.stopped || this.requests.closed) return;
      say(this.requests.message, `this page cannot show a terminal, so this stays a log (${error})`);
      this.feed.ready();
    }
  }

  /** Opens it once all is there: what is not on the page yet cannot be measured. */
  private open(): void {
    const { requests, output, library } = this;
    const { terminal: size, elsewhere } = this.model.get("state");
    if (!library || !size || this.stopped || !output.log.parentElement?.clientWidth) return;
    const keyboard = new library.Keyboard(this.model, requests, (text) => say(requests.message, text));
    this.keyboard = keyboard;
    const terminal = library.open({
      size,
      font: getComputedStyle(output.log),
      reader: this.model.get("screen_reader"),
      drawn: () => {
        this.show();
        this.drawn();
      },
      typed: (text) => keyboard.type(text),
      answered: (text) => keyboard.answer(text),
      fits: ([rows, columns], focused) => void requests.post({ action: "fits", rows, columns, focused }),
      left: () => this.leave(),
      take: this.take,
    });
    terminal.elsewhere = elsewhere;
    this.terminal = terminal;
    terminal.element.setAttribute("aria-label", `Terminal of ${this.model.get("state").name}`);
    // Until it has something to show it is measured, and not seen.
    terminal.element.dataset.hidden = "true";
    output.log.after(terminal.element);
    terminal.opened();
    this.feed.to(terminal);
    this.late = setTimeout(() => this.show(), LATE);
  }

  /** Swaps the log for the terminal. */
  private show(): void {
    const { output, terminal } = this;
    clearTimeout(this.late);
    if (!terminal?.element.dataset.hidden) return;
    const pane = terminal.element.parentElement!;
    const focused = pane.contains(document.activeElement);
    delete terminal.element.dataset.hidden;
    output.log.remove();
    output.above.remove();
    this.done();
    if (focused) terminal.focus();
    if (this.model.get("state").ran !== null) terminal.finish();
  }

  /** Gives the keyboard back to the notebook. */
  private leave(): void {
    const around = this.terminal!.element.closest("section")!.parentElement?.closest<HTMLElement>("[tabindex]");
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    around?.focus();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.late);
    this.keyboard?.stop();
    // What it shows stays as it is, where it is.
    this.terminal?.finish();
  }
}
