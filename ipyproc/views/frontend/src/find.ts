// A field that finds lines in all that was printed: the kernel searches, the pane goes there.
import { Asking } from "./asking.js";
import { button, h, say } from "./dom.js";
import type { Model } from "./model.js";
import type { Find, Found } from "./protocol.js";
import type { Requests } from "./request.js";

const PAUSE = 150; // ms without a key after which to look
const AGAIN = 1000; // ms after which to look in what was printed since
const LINES = 200; // lines that match, at a time
const MARKS = "ipyproc-found";

export interface Host {
  /** Goes to the line at an offset. */
  go(offset: number): void;
  /** Shows these lines instead of all, the one at an offset among them; null: all again. */
  only(lines: [number, string][] | null, index: number): void;
  /** Marks in all lines anew what was found. */
  marked(): void;
  closed(): void;
}

export class Finding {
  readonly field = h("input", { "aria-label": "Find in output", autocomplete: "off", spellcheck: "false" });
  private readonly count = h("small", { class: "ipyproc-found", role: "status" });
  private readonly only = h("input", { type: "checkbox" });
  private readonly regex = h("input", { type: "checkbox" });
  readonly form = h(
    "form",
    { class: "ipyproc-find", role: "search", hidden: "" },
    this.field,
    this.count,
    button("Previous", () => this.step(-1)),
    button("Next", () => this.step(1)),
    h("label", {}, this.only, "only matching lines"),
    h("label", {}, this.regex, "regular expression"),
    button("Close", () => this.close()),
  );
  private readonly asking: Asking<Find>;
  private index = 0;
  private found = 0;
  private shown = ""; // which lines are shown
  private timer?: number;
  private pattern: RegExp | null = null;
  private readonly marks = new Map<Element, Range[]>();

  constructor(
    model: Pick<Model, "on" | "off">,
    requests: Requests,
    private readonly host: Host,
    private readonly over: () => boolean,
  ) {
    this.asking = new Asking<Find>(model, requests, (found) => this.heard(found));
    this.field.oninput = () => this.soon(PAUSE, () => this.look());
    this.only.onchange = this.regex.onchange = () => this.look();
    this.form.onsubmit = (event) => event.preventDefault();
    this.form.onkeydown = (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        this.close();
      }
      if (event.key === "Enter" && event.target === this.field) this.step(event.shiftKey ? -1 : 1);
    };
  }

  open(): void {
    this.form.hidden = false;
    this.field.focus();
    this.field.select();
    if (this.field.value) this.look();
  }

  private soon(pause: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, pause);
  }

  /** Looks from the beginning on. */
  private look(): void {
    this.index = this.found = 0;
    this.shown = "";
    this.pattern = this.expression();
    this.host.marked();
    say(this.count, "");
    if (this.field.value) this.ask();
    else {
      this.asking.drop();
      this.host.only(null, 0);
    }
  }

  private ask(): void {
    clearTimeout(this.timer);
    const text = this.field.value;
    const index = this.only.checked ? Math.max(0, this.index - LINES / 2) : this.index;
    const lines = this.only.checked ? LINES : 1;
    this.asking.ask({ action: "find", text, regex: this.regex.checked, index, lines } as Omit<Find, "page" | "seq">);
  }

  private step(by: number): void {
    if (!this.found) {
      this.look();
      return;
    }
    this.index = (this.index + by + this.found) % this.found;
    this.shown = "";
    this.ask();
  }

  private heard({ count, over, index, lines, error }: Found): void {
    this.found = count;
    this.field.ariaInvalid = error ? "true" : null;
    this.count.title = error;
    const many = count.toLocaleString("en") + (over ? "" : "…");
    const place = `${(this.index + 1).toLocaleString("en")} of ${many}`;
    say(this.count, error ? "no regular expression" : count ? place : over ? "nothing found" : "…");
    const key = this.only.checked ? `${index} ${lines.length} ${this.index}` : `${this.index}`;
    if (lines.length && key !== this.shown) {
      this.shown = key;
      if (this.only.checked) this.host.only(lines, this.index - index);
      else this.host.go(lines[0]![0]);
    } else if (over && !count) this.host.only(this.only.checked ? [] : null, 0);
    if (over && !this.over() && !this.form.hidden) this.soon(AGAIN, () => this.ask());
  }

  /** What to mark; the kernel's regular expressions are not quite the page's. */
  private expression(): RegExp | null {
    const text = this.field.value;
    if (!text) return null;
    try {
      return new RegExp(this.regex.checked ? text : text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "giu");
    } catch {
      return null;
    }
  }

  /** Marks what was found in lines, and takes the marks from those that are gone. */
  mark(lines: Iterable<Element>): void {
    if (!("highlights" in CSS)) return;
    let all = CSS.highlights.get(MARKS);
    if (!all) CSS.highlights.set(MARKS, (all = new Highlight()));
    const drop = (line: Element) => {
      for (const range of this.marks.get(line) ?? []) all.delete(range);
      this.marks.delete(line);
    };
    for (const line of [...this.marks.keys()]) if (!line.isConnected) drop(line);
    for (const line of lines) {
      drop(line);
      const ranges = this.pattern ? [...matches(line, this.pattern)] : [];
      for (const range of ranges) all.add(range);
      if (ranges.length) this.marks.set(line, ranges);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.asking.drop();
    this.form.hidden = true;
    this.shown = "";
    this.pattern = null;
    this.host.closed();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.asking.stop();
    this.pattern = null;
    this.mark([...this.marks.keys()]);
  }
}

/** Where a pattern matches in a line. */
function* matches(line: Element, pattern: RegExp): Generator<Range> {
  const nodes: [Text, number][] = [];
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let length = 0;
  for (let node = walker.nextNode() as Text | null; node; node = walker.nextNode() as Text | null) {
    nodes.push([node, length]);
    length += node.length;
  }
  const at = (offset: number): [Text, number] => {
    const [node, start] = nodes.findLast(([, start]) => start <= offset)!;
    return [node, offset - start];
  };
  for (const { 0: text, index } of (line.textContent ?? "").matchAll(pattern)) {
    if (!text || !nodes.length) continue;
    const range = document.createRange();
    range.setStart(...at(index));
    range.setEnd(...at(index + text.length));
    yield range;
  }
}
