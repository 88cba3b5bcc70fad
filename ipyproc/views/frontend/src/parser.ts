// One stream of a screen, its escape sequences and its cursor: the twin of
// views/terminal/parser.py.
import type { Screen } from "./screen.js";
import { type Attributes, Pen } from "./sgr.js";

const COLUMNS = 4096;
const STACK = 12; // characters in one cell: one, and what combines with it
const PENDING = 256; // of an escape sequence whose end has not come
const STRING = 2100; // of an operating system command

const PRINTABLE = /[^\x00-\x1f\x7f-\x9f]+/y;
const ESCAPE = /\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))/y;
const STRING_END = /[\n\x07\x18\x1a\x1b\x9c]/g;
const DECEPTIVE = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;
const WIDE = new RegExp(
  "[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3" +
    "\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2fb}\u{1f200}-\u{1f265}" +
    "\u{20000}-\u{3fffd}]|(?![\u{1f1e6}-\u{1f1ff}])\\p{Emoji_Presentation}",
  "u",
);

const DOWN: Record<string, number> = { A: -1, F: -1, B: 1, E: 1 };
const RIGHT: Record<string, number> = { C: 1, D: -1 };

// Escape sequences that do more than set a style.
const OTHERS = /\x1b(?!\[[\d;:]*m)/;
const LONG = 500; // characters that are surely no more than one line

/** One cell a column: the second cell of a wide character is an empty string. */
export interface Line {
  chars: string[];
  styles: string[];
  stream: Stream;
  element: HTMLElement | null;
}

const widths = new Map<string, number>();

/** How many columns of a terminal a character takes. */
function width(char: string): number {
  const known = widths.get(char);
  if (known !== undefined) return known;
  if (widths.size > 9999) widths.clear();
  const columns = ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  widths.set(char, columns);
  return columns;
}

const within = (n: number, most: number) => Math.max(0, Math.min(n, most));

/** What one stream writes, as if it had a terminal to itself. */
export class Stream {
  column = 0;
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  private readonly pen: Pen;
  private pending = ""; // the beginning of an escape sequence
  private string: string | null = null; // of an operating system command, so far
  private lines: Line[] = [];
  // The line below the last one is made when something is written to it.
  private row = 0;
  private bottom = 0;
  private saved: { row: number; column: number; attributes?: Attributes } = { row: 0, column: 0 };

  constructor(
    name: string,
    private readonly screen: Screen,
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
    const start = text.indexOf("\n") + 1;
    let at = text.length;
    for (let line = this.screen.most.lines; line >= 0 && at > start; line--) at = text.lastIndexOf("\n", at - 1);
    const over = text.slice(start, at);
    const lines = over.split("\n");
    if (at <= start || this.string !== null || this.row < this.lines.length || OTHERS.test(text)) return start;
    if (lines.some(({ length }) => length > LONG)) return start;
    for (const [, parameters = ""] of over.matchAll(/\x1b\[(.*?)m/g)) this.pen.sgr(parameters);
    this.screen.dropped += lines.length;
    return at + 1;
  }

  private write(text: string, from: number, end: number): void {
    for (let at = from; at < end; ) {
      PRINTABLE.lastIndex = at;
      if (this.string !== null) at = this.readString(text, at);
      else if (text[at] === "\x1b") at = this.readEscape(text, at);
      else if (PRINTABLE.test(text)) {
        this.print(text.slice(at, PRINTABLE.lastIndex));
        at = PRINTABLE.lastIndex;
      } else this.control(text[at++]!);
    }
  }

  forgetFirst(): void {
    this.lines.shift();
    if (!this.row) this.column = 0;
    this.row = Math.max(this.row - 1, 0);
    this.bottom = Math.max(this.bottom - 1, 0);
    this.saved.row = Math.max(this.saved.row - 1, 0);
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
    const { row, column } = this;
    const count = given || 1;
    if ("Hf".includes(final)) this.goTo(count - 1, (second || 1) - 1);
    else if (final === "K") this.erase(given);
    else if (final === "J") {
      if (given === 2) this.eraseAll();
      else if (!given) this.eraseBelow();
    } else if (final === "G") this.goTo(row, count - 1);
    else if ("su".includes(final)) {
      if (!parameters) this.escape(final === "s" ? "\x1b7" : "\x1b8");
    } else {
      const down = DOWN[final] ?? 0;
      const right = RIGHT[final] ?? 0;
      this.goTo(row + down * count, "EF".includes(final) ? 0 : column + right * count);
    }
  }

  private escape(whole: string): void {
    const { row, column, pen, saved } = this;
    if (whole === "\x1b7") this.saved = { row, column, attributes: pen.attributes };
    else if (whole === "\x1b8") {
      this.goTo(saved.row, saved.column);
      pen.restore(saved.attributes);
    } else if (whole === "\x1bc") {
      this.eraseAll();
      this.column = 0;
      pen.restore();
    }
  }

  private goTo(row: number, column: number): void {
    this.row = within(row, this.bottom);
    this.column = within(column, COLUMNS - 1);
  }

  private control(char: string): void {
    if (char === "\n") this.newLine();
    if (char === "\r") this.column = 0;
    if (char === "\b") this.column = within(this.column - 1, COLUMNS);
    if (char === "\t") this.column = within((this.column & ~7) + 8, COLUMNS - 1);
  }

  private newLine(): void {
    this.line();
    this.row += 1;
    this.bottom = Math.max(this.bottom, this.row);
    this.column = 0;
  }

  private line(): Line {
    if (this.row === this.lines.length) this.lines.push(this.screen.begin(this));
    return this.lines[this.row]!;
  }

  /** Changes a line, and tells the screen by how much it grew. */
  private edit(line: Line, change: (line: Line) => void): void {
    const before = line.chars.length;
    change(line);
    this.screen.resized(line, line.chars.length - before);
  }

  private print(text: string): void {
    const { column, pen } = this;
    const end = column + text.length;
    const line = this.line();
    if (column > line.chars.length || end >= COLUMNS || /[^ -~]/.test(text)) {
      for (const char of text.replace(DECEPTIVE, "")) this.put(char);
    } else {
      this.column = end;
      this.edit(line, ({ chars, styles }) => {
        split(chars, column);
        split(chars, end);
        for (let i = 0; i < text.length; i++) chars[column + i] = text[i]!;
        styles.length = chars.length;
        styles.fill(pen.style, column, end);
      });
    }
  }

  private put(char: string): void {
    const columns = width(char);
    if (this.column + columns > COLUMNS) this.newLine();
    this.edit(this.line(), ({ chars, styles }) => {
      const start = this.column;
      const end = start + columns;
      if (!columns) return combine(chars, start - 1, char);
      split(chars, start);
      split(chars, end);
      while (chars.length < end) {
        chars.push(" ");
        styles.push("");
      }
      for (let cell = start; cell < end; cell++) {
        chars[cell] = cell > start ? "" : char;
        styles[cell] = this.pen.style;
      }
      this.column = end;
    });
  }

  private erase(part: number): void {
    if (this.row === this.lines.length || part > 2) return;
    this.edit(this.line(), ({ chars, styles }) => {
      const at = [this.column, this.column + 1, 0][part]!;
      split(chars, at);
      if (part === 1) {
        chars.fill(" ", 0, at);
        styles.fill("", 0, at);
      } else {
        chars.splice(at);
        styles.splice(at);
      }
    });
  }

  private eraseBelow(): void {
    this.erase(0);
    this.screen.remove(this.lines.splice(this.row + 1));
    this.bottom = this.row;
  }

  private eraseAll(): void {
    this.screen.remove(this.lines);
    this.lines = [];
    this.row = this.bottom = 0;
  }
}

function combine(chars: string[], at: number, char: string): void {
  if (at > 0 && chars[at] === "") at -= 1;
  const under = chars[at];
  if (under !== undefined && [...under].length < STACK) chars[at] = under + char;
}

function split(chars: string[], at: number): void {
  if (at > 0 && chars[at] === "") chars[at - 1] = chars[at] = " ";
}
