// One stream of a screen, its escape sequences and its cursor: the twin of stream.py.
import { Pen } from "./look.js";

const COLUMNS = 4096, STACK = 12, PENDING = 256, STRING = 2100;

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

// Escapes but those that only colour, and what may become more than one line.
const OTHERS = /\x1b(?!\[[\d;:]*m)/;
const LONG = 500;

const widths = new Map();

/** How many columns of a terminal a character takes. */
function width(char) {
  if (widths.size > 9999) widths.clear();
  if (!widths.has(char)) widths.set(char, ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1);
  return widths.get(char);
}

const within = (n, most) => Math.max(0, Math.min(n, most));

/** What one stream writes, as if it had a terminal to itself. */
export class Stream {
  constructor(name, screen) {
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.pen = new Pen(name);
    this.screen = screen;
    this.pending = "";
    this.string = null;
    this.lines = [];
    // The line below the last one is not begun before something is written to it.
    this.row = this.bottom = this.column = 0;
    this.saved = { row: 0, column: 0 };
  }

  feed(data, more) {
    const text = this.pending + this.decoder.decode(data, { stream: more });
    this.pending = "";
    this.write(text, 0, text.indexOf("\n") + 1);
    this.write(text, this.skip(text), text.length);
  }

  /** Pass over lines that others will push off the screen at once; where to go on? */
  skip(text) {
    const start = text.indexOf("\n") + 1;
    let at = text.length;
    for (let line = this.screen.most.lines; line >= 0 && at > start; line--) at = text.lastIndexOf("\n", at - 1);
    const over = text.slice(start, at);
    const lines = over.split("\n");
    if (at <= start || this.string !== null || this.row < this.lines.length || OTHERS.test(text)) return start;
    if (lines.some(({ length }) => length > LONG)) return start;
    for (const [, parameters] of over.matchAll(/\x1b\[(.*?)m/g)) this.pen.sgr(parameters);
    this.screen.dropped += lines.length;
    return at + 1;
  }

  write(text, from, end) {
    for (let at = from; at < end; ) {
      PRINTABLE.lastIndex = at;
      if (this.string !== null) at = this.readString(text, at);
      else if (text[at] === "\x1b") at = this.readEscape(text, at);
      else if (PRINTABLE.test(text)) {
        this.print(text.slice(at, PRINTABLE.lastIndex));
        at = PRINTABLE.lastIndex;
      } else this.control(text[at++]);
    }
  }

  forgetFirst() {
    this.lines.shift();
    if (!this.row) this.column = 0;
    this.row = Math.max(this.row - 1, 0);
    this.bottom = Math.max(this.bottom - 1, 0);
    this.saved.row = Math.max(this.saved.row - 1, 0);
  }

  readString(text, at) {
    STRING_END.lastIndex = at;
    const match = STRING_END.exec(text);
    const end = match ? match.index : text.length;
    this.string = (this.string + text.slice(at, end)).slice(0, STRING);
    if (!match) return end;
    const link = /^8(?:;[^;]*;?([^]*))?$/.exec(this.string);
    if (link && !"\n\x18\x1a".includes(match[0])) this.pen.link(link[1]);
    this.string = null;
    return "\n\x1b".includes(match[0]) ? end : end + 1;
  }

  readEscape(text, at) {
    ESCAPE.lastIndex = at;
    const [whole, parameters = "", between, final, string, other] = ESCAPE.exec(text);
    if (string) this.string = string === "]" ? "" : "?";
    else if (!final && !other && at + whole.length === text.length) {
      this.pending = whole.length <= PENDING ? whole : whole[1] === "[" ? "\x1b[?" : "\x1b ";
    } else if (final === "m" && !between) {
      if (!/^[<-?]/.test(parameters)) this.pen.sgr(parameters);
    } else if (final && !between && /^[\d;]*$/.test(parameters)) this.sequence(final, parameters);
    else this.escape(whole);
    return at + whole.length;
  }

  sequence(final, parameters) {
    const [given, second = 0] = parameters.split(";").map((n) => +n.slice(0, 6));
    const { row, column } = this;
    const count = given || 1;
    if ("Hf".includes(final)) this.goTo(count - 1, (second || 1) - 1);
    else if (final === "K") this.erase(given);
    else if (final === "J") given ? given === 2 && this.eraseAll() : this.eraseBelow();
    else if (final === "G") this.goTo(row, count - 1);
    else if ("su".includes(final)) parameters || this.escape(final === "s" ? "\x1b7" : "\x1b8");
    else {
      const down = { A: -1, F: -1, B: 1, E: 1 }[final] ?? 0, right = { C: 1, D: -1 }[final] ?? 0;
      this.goTo(row + down * count, "EF".includes(final) ? 0 : column + right * count);
    }
  }

  escape(whole) {
    const { row, column, pen, saved } = this;
    if (whole === "\x1b7") this.saved = { row, column, set: pen.set };
    else if (whole === "\x1b8") {
      this.goTo(saved.row, saved.column);
      pen.restore(saved.set);
    } else if (whole === "\x1bc") {
      this.eraseAll();
      this.column = 0;
      pen.restore();
    }
  }

  goTo(row, column) {
    this.row = within(row, this.bottom);
    this.column = within(column, COLUMNS - 1);
  }

  control(char) {
    if (char === "\n") this.newLine();
    if (char === "\r") this.column = 0;
    if (char === "\b") this.column = within(this.column - 1, COLUMNS);
    if (char === "\t") this.column = within((this.column & ~7) + 8, COLUMNS - 1);
  }

  newLine() {
    this.line();
    this.row += 1;
    this.bottom = Math.max(this.bottom, this.row);
    this.column = 0;
  }

  line() {
    if (this.row === this.lines.length) this.lines.push(this.screen.begin(this));
    return this.lines[this.row];
  }

  /** Change a line, and let the screen know how it grew. */
  edit(line, change) {
    const before = line.chars.length;
    change(line);
    this.screen.resized(line, line.chars.length - before);
  }

  print(text) {
    const { column, pen } = this, end = column + text.length;
    const line = this.line();
    if (column > line.chars.length || end >= COLUMNS || /[^ -~]/.test(text)) {
      for (const char of text.replace(DECEPTIVE, "")) this.put(char);
    } else {
      this.column = end;
      this.edit(line, ({ chars, looks }) => {
        split(chars, column);
        split(chars, end);
        for (let i = 0; i < text.length; i++) chars[column + i] = text[i];
        looks.length = chars.length;
        looks.fill(pen.look, column, end);
      });
    }
  }

  put(char) {
    const columns = width(char);
    if (this.column + columns > COLUMNS) this.newLine();
    this.edit(this.line(), ({ chars, looks }) => {
      const start = this.column, end = start + columns;
      if (!columns) return combine(chars, start - 1, char);
      split(chars, start);
      split(chars, end);
      while (chars.length < end) chars.push(" "), looks.push("");
      for (let cell = start; cell < end; cell++) {
        chars[cell] = cell > start ? "" : char;
        looks[cell] = this.pen.look;
      }
      this.column = end;
    });
  }

  erase(part) {
    if (this.row === this.lines.length || part > 2) return;
    this.edit(this.line(), ({ chars, looks }) => {
      const at = [this.column, this.column + 1, 0][part];
      split(chars, at);
      if (part === 1) chars.fill(" ", 0, at), looks.fill("", 0, at);
      else chars.splice(at), looks.splice(at);
    });
  }

  eraseBelow() {
    this.erase(0);
    this.screen.remove(this.lines.splice(this.row + 1));
    this.bottom = this.row;
  }

  eraseAll() {
    this.screen.remove(this.lines);
    this.lines = [];
    this.row = this.bottom = 0;
  }
}

function combine(chars, at, char) {
  if (at > 0 && chars[at] === "") at -= 1;
  if (chars[at] !== undefined && [...chars[at]].length < STACK) chars[at] += char;
}

function split(chars, at) {
  if (at > 0 && chars[at] === "") chars[at - 1] = chars[at] = " ";
}
