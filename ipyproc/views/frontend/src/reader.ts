// What looks in all that a job printed: the entry of a library that a page gets when somebody
// looks (library.ts).
import { copied, selected } from "./copy.js";
import { h, say } from "./dom.js";
import { Filling } from "./fill.js";
import { Finding } from "./find.js";
import type { Model } from "./model.js";
import { Notice } from "./notice.js";
import { type Clock, Past } from "./past.js";
import type { FromKernel, JobState, Save } from "./protocol.js";
import type { Requests } from "./request.js";
import { Saving } from "./save.js";

declare const STYLE: string; // reader.css, put in by build.mjs

export type Format = NonNullable<Save["format"]>;

/** The pane as its reader sees it. */
export interface Pane {
  readonly model: Pick<Model, "on" | "off">;
  readonly requests: Requests;
  state(): JobState;
  /** How many bytes were printed, as far as is known. */
  have(): number;
  /** Shows other lines in the place of the log, and a note above; null: the log again. */
  swap(other: [log: HTMLElement, note: HTMLElement] | null): void;
  /** The log itself. */
  readonly log: HTMLElement;
  readonly node: HTMLElement;
  /** Draws the log anew, for its size is another. */
  draw(): void;
  /** The find field was closed. */
  closed(): void;
}

/** Finds lines, shows what is around them, and when lines came. */
export class Reader {
  private past: Past | null = null;
  private readonly find: Finding;
  private saving?: Saving;
  private filling?: Filling;
  private readonly notice: Notice;
  private clock = 0; // which of the clocks is shown

  constructor(private readonly pane: Pane) {
    const { model, requests } = pane;
    const host = {
      go: (offset: number) => this.open().go(offset),
      only: (lines: [number, string][] | null, index: number) => this.only(lines, index),
      marked: () => this.find.mark((this.past?.log ?? pane.log).children),
      closed: () => this.closed(),
    };
    model.on("msg:custom", this.heard);
    this.notice = new Notice(model, pane.node);
    this.find = new Finding(model, requests, host, () => pane.state().total !== null);
  }

  /** The find field. */
  get form(): HTMLElement {
    return this.find.form;
  }

  look(): void {
    this.find.open();
  }

  /** Shows what is above so many lines at the end. */
  above(lines: number): void {
    this.open().goToEnd(this.pane.have(), lines);
  }

  /** More was printed. */
  printed(): void {
    this.past?.printed(this.pane.have());
  }

  private open(): Past {
    if (this.past) return this.past;
    const { model, requests, log } = this.pane;
    const drawn = (lines: HTMLElement[]) => this.find.mark(lines);
    const past = new Past(model, requests, () => this.leave(), drawn, this.clocks[this.clock]);
    past.log.setAttribute("aria-label", log.getAttribute("aria-label") ?? "");
    past.log.style.height = `${log.offsetHeight}px`;
    this.pane.swap([past.log, past.note]);
    this.past = past;
    return past;
  }

  /** Shows the log again, at its end. */
  leave(): void {
    if (!this.past) return;
    this.clock = 0;
    this.past.stop();
    this.past = null;
    this.pane.swap(null);
    this.find.mark(this.pane.log.children);
  }

  private only(lines: [number, string][] | null, index: number): void {
    if (lines) this.open().only(lines, index);
    else if (!this.clock) this.leave();
  }

  private closed(): void {
    if (this.clock) this.past?.again();
    else this.leave();
    this.pane.closed();
  }

  private readonly clocks: Clock[] = [
    null,
    (elapsed) => `${elapsed.toFixed(2).padStart(8)} s`,
    (elapsed) => new Date((this.pane.state().started + elapsed) * 1000).toTimeString().slice(0, 8),
  ];

  /** Shows when each line came: since the start, then the time of day, then not at all. */
  next(): string {
    this.clock = (this.clock + 1) % this.clocks.length;
    if (!this.clock && this.form.hidden) this.leave();
    else {
      const { past } = this;
      const here = this.open();
      here.clock = this.clocks[this.clock]!;
      if (past) past.again();
      else here.goToEnd(this.pane.have());
    }
    return this.shows;
  }

  /** What the times are that are shown. */
  get shows(): string {
    return ["", "since the start", "the time of day"][this.clock]!;
  }

  /** Copies what is selected, or all that is shown. */
  async copy(): Promise<void> {
    const log = this.past?.log ?? this.pane.log;
    const text = selected(log);
    const count = log.childElementCount;
    const done = await copied(text ?? [...log.children].map((line) => line.textContent).join("\n"));
    const what = text === null ? `${count.toLocaleString("en")} lines` : "the selection";
    say(this.pane.requests.message, done ? `copied ${what}` : "the browser does not let this page copy");
  }

  /** Saves all that was printed, as a file of the user's. */
  save(format: Format): void {
    const { requests } = this.pane;
    this.saving?.stop();
    this.saving = new Saving(
      `${this.pane.state().name}.${format}`,
      (offset) => requests.send({ action: "save", offset, format }),
      (text) => say(requests.message, text),
    );
  }

  fill(pressed: HTMLElement): void {
    this.filling ??= new Filling(this.pane.node, this.form, pressed, () => this.pane.draw());
    this.filling.toggle();
  }

  /** Sets whether the end of the job will be a notification. */
  bell(pressed: HTMLElement): void {
    this.notice.toggle(pressed);
  }

  /** The state of the job has changed. */
  changed(): void {
    this.notice.look(this.pane.state());
  }

  private readonly heard = (message: FromKernel, buffers?: DataView[]): void => {
    if (message.kind === "saved" && message.page === this.pane.requests.page)
      void this.saving?.heard(message, buffers ?? []);
  };

  stop(): void {
    this.find.stop();
    this.past?.stop();
    this.saving?.stop();
    this.filling?.stop();
    this.pane.model.off("msg:custom", this.heard);
  }
}

export function open(pane: Pane): Reader {
  if (!document.querySelector("style[data-ipyproc-reader]"))
    document.head.append(h("style", { "data-ipyproc-reader": "" }, STYLE));
  return new Reader(pane);
}
