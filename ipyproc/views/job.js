// The pane of one job, for anywidget: a plain ES module, no build step.
// What it says to the kernel and hears from it is described in job.py.

const LINES = 3000, CELLS = 1 << 18, COLUMNS = 4096, STACK = 12, PENDING = 256, STRING = 2100;

const ON = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike", 21: "underline" };
const OFF = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"], 39: ["fg"], 49: ["bg"] };
const EXTENDED = { 38: "fg", 48: "bg", 58: "underline colour" };
const FLAGS = ["bold", "dim", "italic", "underline", "inverse", "strike"];
const LINK = /^https?:\/\/[!#-;=?-\[\]_a-z~]{1,2000}$/i;

const PRINTABLE = /[^\x00-\x1f\x7f-\x9f]+/y;
const ESCAPE = /\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))/y;
const STRING_END = /[\n\x07\x18\x1a\x1b\x9c]/g;
const DECEPTIVE = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;
const WIDE = /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|(?![\u{1f1e6}-\u{1f1ff}])\p{Emoji_Presentation}/u;

const hex = (n) => n.toString(16).padStart(2, "0");
const number = (text) => (/^\d+$/.test(text.slice(0, 6)) ? +text.slice(0, 6) : 0);
const indexed = (n) => (n < 256 ? String(n) : "");
const exact = (colour) => (Math.max(...colour) < 256 ? "#" + colour.map(hex).join("") : "");

/** What a stream writes with. A look is a string of words; look.py lists them. */
class Pen {
  constructor(stream) {
    this.base = stream === "stderr" ? ["stderr"] : [];
    this.set = new Map();
    this.changed();
  }

  link(address) {
    if (LINK.test(address)) this.set.set("link", address);
    else this.set.delete("link");
    this.changed();
  }

  sgr(parameters) {
    const items = parameters.split(";").slice(0, 32).map((group) => group.split(":").map(number));
    while (items.length) this.obey(items.shift(), items);
    this.changed();
  }

  obey([code, ...rest], items) {
    if (code === 0) {
      const link = this.set.get("link");
      this.set = new Map(link ? [["link", link]] : []);
    } else if (EXTENDED[code]) {
      const next = () => items.shift()?.[0] ?? 256;
      const [kind, ...values] = rest.length ? rest : [next()];
      let colour = "";
      if (rest.length) {
        if (kind === 5 && values.length) colour = indexed(values[0]);
        if (kind === 2 && values.length > 2) colour = exact(values.length > 3 ? values.slice(1, 4) : values);
      } else if (kind === 5) colour = indexed(next());
      else if (kind === 2) colour = exact([next(), next(), next()]);
      if (colour) this.set.set(EXTENDED[code], colour);
    } else if (code === 4 && rest.length === 1 && rest[0] === 0) this.set.delete("underline");
    else if (ON[code]) this.set.set(ON[code], "");
    else if (OFF[code]) OFF[code].forEach((word) => this.set.delete(word));
    else if ([3, 4, 9, 10].includes(Math.floor(code / 10)) && code % 10 < 8) {
      const bright = code >= 90;
      this.set.set(code - (bright ? 60 : 0) < 40 ? "fg" : "bg", String((code % 10) + (bright ? 8 : 0)));
    }
  }

  changed() {
    const values = ["fg", "bg", "link"].filter((key) => this.set.has(key)).map((key) => `${key}=${this.set.get(key)}`);
    this.look = [...this.base, ...FLAGS.filter((word) => this.set.has(word)), ...values].join(" ");
  }
}

class Source {
  constructor(stream) {
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.pen = new Pen(stream);
    this.pending = "";
    this.string = null;
  }

  decode(data, stream) {
    const text = this.pending + this.decoder.decode(data, { stream });
    this.pending = "";
    return text;
  }

  keep(escape) {
    if (escape.length > PENDING) escape = escape[1] === "[" ? "\x1b[?" : "\x1b ";
    this.pending = escape;
  }
}

/** Lines of output and a cursor: the twin of screen.py, held to the same test vectors. */
export class Screen {
  constructor(lines = LINES, cells = CELLS) {
    Object.assign(this, { mostLines: lines, mostCells: cells });
    this.lines = [];
    this.cells = this.row = this.column = this.dropped = 0;
    this.sources = {};
    this.changed = new Set(); // lines to draw again
    this.gone = []; // lines to take away
    this.append();
  }

  feed(stream, data) {
    this.read((this.sources[stream] ??= new Source(stream)), data, true);
  }

  finish() {
    for (const source of Object.values(this.sources)) this.read(source, new Uint8Array(), false);
  }

  note(text) {
    this.finish();
    this.sources = {};
    this.row = this.lines.length - 1;
    if (this.lines[this.row].chars.length) this.newLine();
    this.column = 0;
    this.print(text, "note");
    this.newLine();
  }

  read(source, data, more) {
    const text = source.decode(data, more);
    for (let at = 0; at < text.length; ) {
      PRINTABLE.lastIndex = at;
      let match;
      if (source.string !== null) at = this.string(source, text, at);
      else if (text[at] === "\x1b") at = this.escape(source, text, at);
      else if ((match = PRINTABLE.exec(text))) {
        this.print(match[0], source.pen.look);
        at += match[0].length;
      } else this.control(text[at++]);
    }
  }

  string(source, text, at) {
    STRING_END.lastIndex = at;
    const match = STRING_END.exec(text);
    const end = match ? match.index : text.length;
    source.string = (source.string + text.slice(at, end)).slice(0, STRING);
    if (!match) return end;
    const link = /^8(?:;[^;]*;?([^]*))?$/.exec(source.string);
    if (link && !"\n\x18\x1a".includes(match[0])) source.pen.link(link[1]);
    source.string = null;
    return "\n\x1b".includes(match[0]) ? end : end + 1;
  }

  escape(source, text, at) {
    ESCAPE.lastIndex = at;
    const [whole, parameters = "", between, final, string, other] = ESCAPE.exec(text);
    if (string) source.string = string === "]" ? "" : "?";
    else if (!final && !other && at + whole.length === text.length) source.keep(whole);
    else if (final === "m" && !between) {
      if (!/^[<-?]/.test(parameters)) source.pen.sgr(parameters);
    } else if (final && !between && /^[\d;]*$/.test(parameters)) this.sequence(final, parameters);
    return at + whole.length;
  }

  sequence(final, parameters) {
    const given = +parameters.split(";")[0].slice(0, 6);
    const count = Math.max(given, 1);
    if ("AF".includes(final)) this.row = Math.max(this.row - count, 0);
    if ("BE".includes(final)) this.row = Math.min(this.row + count, this.lines.length - 1);
    if (final === "C") this.column = Math.min(this.column + count, COLUMNS - 1);
    if (final === "D") this.column = Math.max(this.column - count, 0);
    if (final === "G") this.column = Math.min(count, COLUMNS) - 1;
    if (final === "K") this.erase(given);
    if (final === "J" && given === 0) this.eraseBelow();
    if ("EF".includes(final)) this.column = 0;
  }

  control(char) {
    if (char === "\n") this.newLine();
    if (char === "\r") this.column = 0;
    if (char === "\b") this.column = Math.max(this.column - 1, 0);
    if (char === "\t") this.column = Math.min((this.column & ~7) + 8, COLUMNS - 1);
  }

  append() {
    const line = { chars: [], looks: [] };
    this.lines.push(line);
    this.changed.add(line);
  }

  newLine() {
    this.row += 1;
    this.column = 0;
    if (this.row === this.lines.length) {
      this.append();
      this.drop();
    }
  }

  remove(line) {
    this.cells -= line.chars.length;
    this.changed.delete(line);
    this.gone.push(line);
  }

  drop() {
    let many = 0;
    while (this.lines.length - many > this.mostLines || (this.cells > this.mostCells && this.lines.length - many > 1)) {
      this.remove(this.lines[many++]);
    }
    if (!many) return;
    this.lines.splice(0, many);
    this.row = Math.max(this.row - many, 0);
    this.dropped += many;
  }

  print(text, look) {
    const line = this.lines[this.row];
    if (/^[ -~]*$/.test(text) && this.column === line.chars.length && this.column + text.length < COLUMNS) {
      for (const char of text) line.chars.push(char), line.looks.push(look);
      this.column += text.length;
      this.cells += text.length;
      this.changed.add(line);
    } else for (const char of text.replace(DECEPTIVE, "")) this.put(char, look);
    this.drop();
  }

  put(char, look) {
    const columns = ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
    if (columns && this.column + columns > COLUMNS) this.newLine();
    const line = this.lines[this.row], before = line.chars.length;
    this.changed.add(line);
    if (!columns) return this.combine(line, char);
    const end = this.column + columns;
    this.split(line, this.column);
    this.split(line, end);
    while (line.chars.length < end) line.chars.push(" "), line.looks.push("");
    for (let cell = this.column; cell < end; cell++) {
      line.chars[cell] = cell === this.column ? char : "";
      line.looks[cell] = look;
    }
    this.column = end;
    this.cells += line.chars.length - before;
  }

  combine(line, char) {
    let at = this.column - 1;
    if (at > 0 && line.chars[at] === "") at -= 1;
    if (line.chars[at] !== undefined && [...line.chars[at]].length < STACK) line.chars[at] += char;
  }

  split(line, at) {
    if (at > 0 && line.chars[at] === "") line.chars[at - 1] = line.chars[at] = " ";
  }

  erase(part) {
    const line = this.lines[this.row], before = line.chars.length;
    this.changed.add(line);
    if (part === 1) {
      this.split(line, this.column + 1);
      line.chars.fill(" ", 0, this.column + 1);
      line.looks.fill("", 0, this.column + 1);
    } else if (part === 0 || part === 2) {
      const at = part ? 0 : this.column;
      this.split(line, at);
      line.chars.splice(at);
      line.looks.splice(at);
    }
    this.cells += line.chars.length - before;
  }

  eraseBelow() {
    this.erase(0);
    for (const line of this.lines.splice(this.row + 1)) this.remove(line);
  }
}

/** A line as runs of [text, look]. */
export function runs({ chars, looks }) {
  const found = [];
  for (let i = 0; i < chars.length; i++) {
    if (i && looks[i] === looks[i - 1]) found.at(-1)[0] += chars[i];
    else found.push([chars[i], looks[i]]);
  }
  return found;
}
