// The output of a job: what its screen shows, as elements.
import { button, h, say } from "./dom.js";
import type { Sink } from "./feed.js";
import { size } from "./format.js";
import type { Line } from "./grid.js";
import { paint } from "./lines.js";
import type { Begin } from "./protocol.js";
import { Screen } from "./screen.js";

const AT_ONCE = 100; // lines to draw at a time
const SLICE = 10; // ms of a frame in which to begin to draw
const RARELY = 1000; // ms from one drawing to the next while nobody sees it
const GESTURE = 1000; // ms for which a log goes on scrolling after its reader did something
const GESTURES = ["wheel", "touchmove", "keydown", "pointerdown", "pointermove"];

// The outputs that have something to draw take turns, those of all panes of this module.
const waiting = new Set<Output>();
let cost = 0;
let due = false; // whether a turn will come

/** Draws soon; the longer drawing takes, the less often, so that the page stays responsive. */
function soon(output: Output): void {
  waiting.add(output);
  if (due) return;
  due = true;
  setTimeout(() => requestAnimationFrame(turn), 2 * cost);
}

function turn(): void {
  const start = performance.now();
  for (const output of waiting) {
    waiting.delete(output);
    output.draw();
    cost = performance.now() - start;
    if (cost > SLICE) break;
  }
  due = false;
  for (const output of waiting) soon(output);
}

/** A log that follows its end until the reader scrolls away. */
export class Output implements Sink {
  private readonly note = h("span", {});
  /** Leads to what is above the first line. */
  readonly more = button("Show", () => {});
  readonly above = h("p", { hidden: "" }, this.note, this.more);
  readonly log = h("div", { class: "ipyproc-output", role: "log", tabindex: "0" });
  screen = new Screen();
  follow = true;
  private touched = 0; // when the reader did something to the log, or it still scrolled
  private inSight = true;
  private notes: [Line, number][] = []; // lines that say how many bytes are left out there
  private lost = 0; // bytes left out above the first line
  private later: number | null = null;
  private hiddenAt = -1;
  private hidden: Line | null = null; // the last line that is hidden, if it is still there
  /** Is called when the reader has scrolled to the first line, and something is above it. */
  reached?: () => void;

  /** `afterwards` is called whenever all has been drawn. */
  constructor(private readonly afterwards: () => void) {
    const touched = (event: Event) => {
      const passes = event.type === "pointermove" && !(event as PointerEvent).buttons;
      if (!passes) this.touched = Date.now();
    };
    for (const gesture of GESTURES) this.log.addEventListener(gesture, touched, { passive: true });
    this.log.onscroll = () => this.scrolled();
  }

  /** Follows the end, or not any more if it was the reader who scrolled. */
  private scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    const now = Date.now();
    if (scrollHeight - scrollTop - clientHeight < 8) this.follow = true;
    else if (scrollTop || now - this.touched < GESTURE) {
      this.follow = false;
      this.touched = now;
      if (!scrollTop && !this.above.hidden) this.reached?.();
    } else if (this.follow) this.soon(); // what is put elsewhere on the page begins at its top
  }

  feed(stream: string, bytes: Uint8Array): void {
    this.screen.feed(stream, bytes);
  }

  finish(): void {
    this.screen.finish();
  }

  /** Begins again with nothing; lines `above` and bytes `before` are left out. */
  clear({ offset, above = 0, before = 0 }: Begin): void {
    const { gone, lines } = this.screen;
    this.screen = new Screen();
    this.screen.gone = [...gone, ...lines];
    this.notes = [];
    this.screen.dropped = above;
    // What comes with it is of before, too.
    if (offset <= this.hiddenAt) queueMicrotask(() => this.hide(this.hiddenAt));
    this.lost = before;
  }

  /** Hides all that is there, up to an offset, in this pane only. */
  hide(offset: number): void {
    this.hiddenAt = offset;
    this.hidden = this.screen.lines.at(-1) ?? null;
    for (const line of this.screen.lines) line.element?.remove();
    for (const line of this.screen.lines) line.element = null;
    this.draw();
  }

  skip(count: number): void {
    this.screen.note(`… ${size(count)} not shown here; “Save output” has everything …`);
    this.notes.push([this.screen.lines.at(-1)!, count]);
  }

  /** What is not shown above the first line, also after the notes about it are gone. */
  private get missing(): string {
    const { dropped, lines } = this.screen;
    for (let note = this.notes[0]; note && !lines.includes(note[0]); note = this.notes[0]) {
      this.lost += note[1];
      this.notes.shift();
    }
    const above = [this.lost && size(this.lost), dropped && `${dropped.toLocaleString("en")} lines`];
    const parts = above.filter(Boolean);
    if (this.hidden && !parts.length) return "What was printed before is hidden here";
    return parts.length ? `${parts.join(" and ")} above are not shown` : "";
  }

  /** Draws at the next turn if it is in sight, and once in a while if not. */
  soon(): void {
    if (this.inSight) soon(this);
    else this.later ??= setTimeout(() => soon(this), RARELY);
  }

  /** Sets whether somebody can see it, as far as the page scrolls. */
  sighted(inSight: boolean): void {
    this.inSight = inSight;
    if (inSight && this.later) soon(this);
  }

  draw(): void {
    const { screen, log } = this;
    clearTimeout(this.later ?? undefined);
    this.later = null;
    const { lines, changed } = screen;
    const end = lines.length - (lines.at(-1)?.chars.length === 0 ? 1 : 0);
    for (const line of screen.gone.splice(0).concat(lines.slice(end))) {
      line.element?.remove();
      line.element = null;
    }
    // From the end upwards: in a flood the others are gone before anybody sees them.
    let left = AT_ONCE;
    let next: HTMLElement | null = null;
    const first = this.hidden ? lines.indexOf(this.hidden) + 1 : 0;
    for (let n = end - 1; n >= first && left; n--) {
      const line = lines[n]!;
      if (!line.element) {
        log.insertBefore((line.element = h("div", {})), next);
        changed.add(line);
        left -= 1;
      }
      next = line.element;
    }
    if (!left) this.soon();
    for (const line of changed) if (line.element) paint(line.element, line);
    changed.clear();
    log.hidden = !log.firstChild;
    say(this.note, this.missing);
    this.above.hidden = !this.note.textContent;
    if (this.follow) log.scrollTop = log.scrollHeight;
    this.afterwards();
  }
}
