// One stream that writes to a grid, and its escape sequences: the twin of
// _jobs/output/parser.py.
import type { Grid } from "./grid.js";
import { type Attributes, Pen } from "./sgr.js";

const PENDING = 256; // of an escape sequence whose end has not come
const STRING = 2100; // of an operating system command

const PRINTABLE = /[^\x00-\x1f\x7f-\x9f]+/y;
const ESCAPE = /\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))/y;
const STRING_END = /[\n\x07\x18\x1a\x1b\x9c]/g;
const DECEPTIVE = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g;

const DOWN: Record<string, number> = { A: -1, F: -1, B: 1, E: 1 };
const RIGHT: Record<string, number> = { C: 1, D: -1 };

// What does more than end a line or set a style.
const OTHERS = /[\v\f]|\x1b(?!\[[\d;:]*m)/;
const LONG = 500; // characters that are surely no more than one line

/** What one stream writes to a grid, on which other streams may write, too. */
export class Stream {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  private readonly pen: Pen;
  private pending = ""; // the beginning of an escape sequence
  private string: string | null = null; // of an operating system command, so far

  constructor(
    name: string,
    private readonly grid: Grid<Attributes>,
  ) {
    this.pen = new Pen(name);
  }

  feed(data: Uint8Array, more: boolean): void {
    const text = this.pending + this.decoder.decode(data, { stream: more });
    this.pending = "";
    this.write(text, 0, text.indexOf("\n") + 1);
    this.write(text, this.skip(text), text.length);
  }

  /** Passes over lines that later ones push off the screen at once; returns where to go on. */
  private skip(text: string): number {
    const { grid } = this;
    const start = text.indexOf("\n") + 1;
    let at = text.length;
    for (let line = grid.most.lines; line >= 0 && at > start; line--) at = text.lastIndexOf("\n", at - 1);
    const over = text.slice(start, at);
    const lines = over.split("\n");
    if (at <= start || this.string !== null || !grid.isAtEnd || OTHERS.test(text)) return start;
    if (lines.some(({ length }) => length > LONG)) return start;
    for (const [, parameters = ""] of over.matchAll(/\x1b\[(.*?)m/g)) this.pen.sgr(parameters);
    grid.dropped += lines.length;
    return at + 1;
  }

  private write(text: string, from: number, end: number): void {
    for (let at = from; at < end; ) {
      PRINTABLE.lastIndex = at;
      if (this.string !== null) at = this.readString(text, at);
      else if (text[at] === "\x1b") at = this.readEscape(text, at);
      else if (PRINTABLE.test(text)) {
        const printed = text.slice(at, PRINTABLE.lastIndex).replace(DECEPTIVE, "");
        if (printed) this.grid.write(printed, this.pen.style);
        at = PRINTABLE.lastIndex;
      } else this.control(text[at++]!);
    }
  }

  private readString(text: string, at: number): number {
    STRING_END.lastIndex = at;
    const match = STRING_END.exec(text);
    const end = match ? match.index : text.length;
    this.string = (this.string + text.slice(at, end)).slice(0, STRING);
    if (!match) return end;
    const link = /^8(?:;[^;]*;?([\s\S]*))?$/.exec(this.string);
    if (link && !"\n\x18\x1a".includes(match[0])) this.pen.link(link[1] ?? "");
    this.string = null;
    return "\n\x1b".includes(match[0]) ? end : end + 1;
  }

  private readEscape(text: string, at: number): number {
    ESCAPE.lastIndex = at;
    const [whole, parameters = "", between, final, string, other] = ESCAPE.exec(text)!;
    if (string) this.string = string === "]" ? "" : "?";
    else if (!final && !other && at + whole.length === text.length) {
      this.pending = whole.length <= PENDING ? whole : whole[1] === "[" ? "\x1b[?" : "\x1b ";
    } else if (final === "m" && !between) {
      if (!/^[<-?]/.test(parameters)) this.pen.sgr(parameters);
    } else if (final && !between && /^[\d;]*$/.test(parameters)) this.sequence(final, parameters);
    else this.escape(whole);
    return at + whole.length;
  }

  private sequence(final: string, parameters: string): void {
    const [given = 0, second = 0] = parameters.split(";").map((n) => +n.slice(0, 6));
    const { grid } = this;
    const count = given || 1;
    if ("Hf".includes(final)) grid.goTo(count - 1, (second || 1) - 1);
    else if (final === "K") grid.erase(given);
    else if (final === "J") {
      if (given === 2) grid.eraseAll();
      else if (!given) grid.eraseBelow();
    } else if (final === "G") grid.goTo(null, count - 1);
    else if ("su".includes(final)) {
      if (!parameters) this.escape(final === "s" ? "\x1b7" : "\x1b8");
    } else {
      grid.move((DOWN[final] ?? 0) * count, (RIGHT[final] ?? 0) * count);
      if ("EF".includes(final)) grid.goTo(null, 0);
    }
  }

  private escape(whole: string): void {
    const { grid, pen } = this;
    if (whole === "\x1b7") grid.save(pen.attributes);
    else if (whole === "\x1b8") pen.restore(grid.restore());
    else if (whole === "\x1bc") {
      grid.eraseAll();
      grid.goTo(0, 0);
      pen.restore();
    }
  }

  private control(char: string): void {
    const { grid } = this;
    if (char === "\n") grid.newLine();
    if (char === "\v" || char === "\f") grid.down();
    if (char === "\r") grid.goTo(null, 0);
    if (char === "\b") grid.move(0, -1);
    if (char === "\t") grid.tab();
  }
}
