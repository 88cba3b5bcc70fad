// A part of all that was printed: what is around a place, wherever that is.
import { Asking } from "./asking.js";
import { button, h, say } from "./dom.js";
import { size } from "./format.js";
import { lineElement } from "./lines.js";
import type { Model } from "./model.js";
import type { Piece, Read } from "./protocol.js";
import type { Requests } from "./request.js";
import { Screen } from "./screen.js";

const MOST = 5000; // lines that are here at a time
const NEAR = 300; // pixels from the end of what is here at which more is fetched
const FAR = 1 << 17; // bytes behind the end after which to go there at once
const NEWLINE = 10;

/** When a line came, as it is shown; null: not at all. */
export type Clock = ((elapsed: number) => string) | null;

export class Past {
  readonly log = h("div", { class: "ipyproc-output", role: "log", "aria-live": "off", tabindex: "0" });
  private readonly where = h("span", {});
  readonly note = h(
    "p",
    {},
    this.where,
    button("Back to the end", () => this.leave()),
  );
  private start = 0;
  private end = 0;
  private total = 0;
  private place: number | null = null; // what is to be in view
  private left: number | null = null; // lines below what is to be in view
  private follows = false;
  private before = false; // whether what is asked for comes before what is here
  private barred = false; // whether nothing before it is kept
  private readonly asking: Asking<Read>;

  constructor(
    model: Pick<Model, "on" | "off">,
    requests: Requests,
    private readonly leave: () => void,
    /** Is called with the elements of new lines. */
    private readonly drawn: (lines: HTMLElement[]) => void,
    public clock: Clock = null,
  ) {
    this.asking = new Asking<Read>(model, requests, (piece, data) => this.show(piece, data));
    this.log.style.overflowAnchor = "none"; // it is ours to keep what is in view there
    this.log.onscroll = () => this.scrolled();
  }

  /** Shows the line at an offset. */
  go(offset: number): void {
    this.place = offset;
    this.left = null;
    this.follows = false;
    const there = this.line(offset);
    if (there && !this.asking.waits) this.mark(there);
    else this.begin(offset, false);
  }

  /** Shows the end, or what is so many lines above it; follows it if it is the end. */
  goToEnd(total: number, above = 0): void {
    this.place = null;
    this.left = above || null;
    this.follows = !above;
    this.begin(total, true);
  }

  /** Shows these lines only, one of which is the current one. */
  only(lines: [number, string][], index: number): void {
    this.asking.drop();
    this.place = lines[index]?.[0] ?? null;
    this.follows = false;
    this.start = 0;
    this.end = this.total = lines.at(-1)?.[0] ?? 0;
    const elements = lines.map(([offset, text]) => h("div", { "data-at": offset }, text || h("br", {})));
    this.log.replaceChildren(...elements);
    say(this.where, "lines that match ");
    this.drawn(elements);
    const current = elements[index];
    if (current) this.mark(current);
  }

  /** Shows again what is here. */
  again(): void {
    if (this.place !== null) this.begin(this.place, false);
    else if (this.follows) this.goToEnd(this.total);
    else this.begin(Number(this.top()?.dataset.at ?? this.start), false);
  }

  /** More was printed. */
  printed(total: number): void {
    this.total = Math.max(this.total, total);
    if (!this.follows || this.asking.waits || this.end >= total) return;
    if (total - this.end > FAR) this.begin(total, true);
    else this.ask(this.end, false);
  }

  private begin(offset: number, before: boolean): void {
    this.log.replaceChildren();
    this.start = this.end = offset;
    this.barred = false;
    this.ask(offset, before);
  }

  private ask(offset: number, before: boolean): void {
    this.before = before;
    this.asking.ask({ action: "read", offset, before, times: this.clock !== null });
  }

  private line(offset: number): HTMLElement | null {
    return this.log.querySelector(`[data-at="${offset}"]`);
  }

  /** The first line in view. */
  private top(): HTMLElement | undefined {
    const { top } = this.log.getBoundingClientRect();
    return ([...this.log.children] as HTMLElement[]).find((line) => line.getBoundingClientRect().bottom > top);
  }

  private show({ offset, total, streams, times }: Piece, data?: DataView): void {
    const { log } = this;
    const bytes = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array();
    const time = (n: number) => (this.clock && times?.[n] !== undefined ? this.clock(times[n]) : "");
    const lines = drawn(offset, streams, bytes, time);
    this.total = total;
    if (this.before && log.firstChild) {
      const height = log.scrollHeight;
      log.prepend(...lines);
      log.scrollTop += log.scrollHeight - height;
    } else if (lines.length) {
      // The last line may have gone on.
      for (const line of [...log.children] as HTMLElement[]) if (Number(line.dataset.at) >= offset) line.remove();
      log.append(...lines);
      const whole = bytes.at(-1) === NEWLINE;
      this.end = whole ? offset + bytes.length : Number(lines.at(-1)!.dataset.at);
    }
    if (this.before || this.start > offset) this.start = offset;
    if (this.before && !bytes.length) this.barred = true;
    this.trim(!this.before);
    this.drawn(lines);
    this.settle(bytes.length > 0);
  }

  private get hasMore(): boolean {
    return this.start > 0 && !this.barred;
  }

  /** Brings into view what is to be there, or fetches it. */
  private settle(came: boolean): void {
    const { log, left, place } = this;
    const [start, end, total] = [this.start, this.end, this.total].map(size);
    say(this.where, this.barred ? `nothing before ${start} is kept ` : `${start} to ${end} of ${total} `);
    if (left !== null) {
      const line = log.children[log.childElementCount - left];
      if (!line && came && this.hasMore) {
        this.ask(this.start, true);
        return;
      }
      bring(log, line ?? log.firstElementChild, 0);
      this.left = null;
    } else if (place !== null) {
      const line = this.line(place);
      if (line) this.mark(line);
    } else if (this.follows) log.scrollTop = log.scrollHeight;
    if (came) this.fetch();
  }

  private mark(line: Element): void {
    const { log } = this;
    log.querySelector("[aria-current]")?.removeAttribute("aria-current");
    line.setAttribute("aria-current", "true");
    bring(log, line, 0.5);
  }

  /** Fetches what will be in view soon. */
  private fetch(): void {
    const { log } = this;
    if (this.asking.waits) return;
    const below = log.scrollHeight - log.scrollTop - log.clientHeight;
    if (log.scrollTop < NEAR && this.hasMore) this.ask(this.start, true);
    else if (below < NEAR && this.end < this.total) this.ask(this.end, false);
  }

  private scrolled(): void {
    const { log } = this;
    const below = log.scrollHeight - log.scrollTop - log.clientHeight;
    if (!this.asking.waits) this.follows = below < 8 && this.end >= this.total;
    this.fetch();
  }

  /** Removes what is far away. */
  private trim(first: boolean): void {
    const { log } = this;
    while (log.childElementCount > MOST) {
      const line = (first ? log.firstElementChild : log.lastElementChild) as HTMLElement;
      if (first) {
        log.scrollTop -= line.offsetHeight;
        this.start = Number((line.nextElementSibling as HTMLElement).dataset.at);
      } else this.end = Number(line.dataset.at);
      line.remove();
    }
  }

  stop(): void {
    this.asking.stop();
  }
}

/** Scrolls a log so that a line is at its top (0), or in the middle (0.5). */
function bring(log: HTMLElement, line: Element | null, where: number): void {
  if (!line) return;
  const { top, height } = line.getBoundingClientRect();
  log.scrollTop += top - log.getBoundingClientRect().top - (log.clientHeight - height) * where;
}

/** Returns the lines of what was printed from an offset on. */
function drawn(
  offset: number,
  streams: Piece["streams"],
  bytes: Uint8Array,
  time: (n: number) => string,
): HTMLElement[] {
  const screen = new Screen(bytes.length + 2, Number.POSITIVE_INFINITY);
  const places: [number, string][] = [];
  let [at, begin, count] = [0, 0, 0];
  for (const [stream, length] of streams) {
    for (const end = at + length; at < end; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const next = newline < 0 || newline >= end ? end : newline + 1;
      screen.feed(stream, bytes.subarray(at, next));
      while (places.length < screen.lines.length) places.push([offset + begin, time(count)]);
      at = next;
      if (bytes[at - 1] === NEWLINE) {
        begin = at;
        count += 1;
      }
    }
  }
  screen.finish();
  return screen.lines.map((line, n) => {
    const element = lineElement(line);
    const [place, text] = places[n] ?? [offset + begin, ""];
    element.dataset.at = String(place);
    if (text) element.dataset.time = text;
    return element;
  });
}
