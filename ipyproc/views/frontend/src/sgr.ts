// How a piece of output looks: the twin of look.py, which lists the words.

const ON = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike", 21: "underline" };
const OFF = { 22: "bold dim", 23: "italic", 24: "underline", 27: "inverse", 29: "strike", 39: "fg", 49: "bg" };
const EXTENDED = { 38: "fg", 48: "bg", 58: "underline colour" };
const WORDS = ["bold", "dim", "italic", "underline", "inverse", "strike", "fg", "bg", "link"];
const LINK = /^https?:\/\/[!#-;=?-\[\]_a-z~]{1,2000}$/i;

export const hex = (n) => n.toString(16).padStart(2, "0");
const number = (text) => (/^\d+$/.test(text.slice(0, 6)) ? +text.slice(0, 6) : 0);

// What a sequence makes of a look: a flood says the same again and again.
const made = new Map();

/** What a stream writes with. Its attributes are never changed, only replaced. */
export class Pen {
  constructor(stream) {
    this.base = stream === "stdout" ? [] : [stream];
    this.set = {};
    this.change();
  }

  restore(kept) {
    this.set = { ...kept };
    this.change();
  }

  link(address) {
    this.restore({ ...this.set, link: LINK.test(address) && address });
  }

  sgr(parameters) {
    const key = `${this.look}\n${parameters}`;
    if (!made.has(key)) {
      const items = parameters.split(";", 32).map((group) => group.split(":").map(number));
      this.set = { ...this.set };
      while (items.length) this.obey(items.shift(), items);
      this.change();
      if (made.size > 999) made.clear();
      made.set(key, [this.set, this.look]);
    }
    [this.set, this.look] = made.get(key);
  }

  obey([code, ...rest], items) {
    const { set } = this;
    const tens = Math.floor(code / 10), digit = code % 10;
    if (!code) this.set = set.link ? { link: set.link } : {};
    else if (EXTENDED[code]) {
      const found = rest.length ? packed(rest) : spread(items);
      if (found) set[EXTENDED[code]] = found;
    } else if (code === 4 && rest.length === 1 && !rest[0]) delete set.underline;
    else if (ON[code]) set[ON[code]] = true;
    else if (OFF[code]) for (const word of OFF[code].split(" ")) delete set[word];
    else if ([3, 4, 9, 10].includes(tens) && digit < 8) {
      set[tens === 3 || tens === 9 ? "fg" : "bg"] = String(tens > 8 ? digit + 8 : digit);
    }
  }

  change() {
    const words = WORDS.filter((word) => this.set[word]);
    this.look = [...this.base, ...words.map((w) => (this.set[w] === true ? w : `${w}=${this.set[w]}`))].join(" ");
  }
}

/** The colour of 38:5:n, or 38:2:r:g:b, or 38:2:space:r:g:b. */
const packed = ([kind, ...rest]) => mixed(kind, kind === 2 && rest.length > 3 ? rest.slice(1) : rest);

/** The colour of 38;5;n or 38;2;r;g;b; its numbers are taken. */
function spread(items) {
  const kind = items.shift()?.[0];
  return mixed(kind, items.splice(0, { 5: 1, 2: 3 }[kind]).map(([n]) => n));
}

function mixed(kind, values) {
  const needed = { 5: 1, 2: 3 }[kind];
  const used = values.slice(0, needed);
  if (!needed || used.length < needed || Math.max(...used) > 255) return "";
  return kind === 5 ? String(used[0]) : "#" + used.map(hex).join("");
}
