// How a piece of output looks, from SGR sequences to elements: the twin of
// views/terminal/sgr.py, which lists the words that a style is made of.
import { h } from "./dom.js";
import { linked } from "./links.js";

const ON: Record<number, string> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
  21: "underline",
};
const OFF: Record<number, string> = {
  22: "bold dim",
  23: "italic",
  24: "underline",
  27: "inverse",
  29: "strike",
  39: "fg",
  49: "bg",
};
const EXTENDED: Record<number, string> = { 38: "fg", 48: "bg", 58: "underline colour" };
const WORDS = ["bold", "dim", "italic", "underline", "inverse", "strike", "fg", "bg", "link"];
const LINK = /^https?:\/\/[!#-;=?-[\]_a-z~]{1,2000}$/i;
const MOST = 32; // parameters beyond this many are ignored, as terminals do

const CSS: Record<string, string> = {
  bold: "font-weight:bold",
  dim: "opacity:.65",
  italic: "font-style:italic",
  underline: "text-decoration:underline",
  strike: "text-decoration:line-through",
  note: "color:var(--quiet);font-style:italic",
};

/** The attributes in force; a flag has the value true. */
export type Attributes = Record<string, string | true>;
/** A piece of a line, and the words of its style. */
export type Run = [text: string, style: string];

const hex = (n: number) => n.toString(16).padStart(2, "0");
const number = (text: string) => (/^\d+$/.test(text.slice(0, 6)) ? +text.slice(0, 6) : 0);

// What a sequence makes of a style: a flood repeats the same few.
const made = new Map<string, [Attributes, string]>();

/** What a stream writes with. Its attributes are never changed, only replaced. */
export class Pen {
  style = "";
  attributes: Attributes = {};
  private readonly base: string[];

  constructor(stream: string) {
    this.base = stream === "stdout" ? [] : [stream];
    this.change();
  }

  restore(attributes: Attributes = {}): void {
    this.attributes = { ...attributes };
    this.change();
  }

  link(address: string): void {
    const { link, ...others } = this.attributes;
    this.restore(LINK.test(address) ? { ...others, link: address } : others);
  }

  sgr(parameters: string): void {
    const key = `${this.style}\n${parameters}`;
    if (!made.has(key)) {
      const items = parameters.split(";", MOST).map((group) => group.split(":").map(number));
      this.attributes = { ...this.attributes };
      for (let item = items.shift(); item; item = items.shift()) this.obey(item, items);
      this.change();
      if (made.size > 999) made.clear();
      made.set(key, [this.attributes, this.style]);
    }
    [this.attributes, this.style] = made.get(key)!;
  }

  private obey([code = 0, ...rest]: number[], items: number[][]): void {
    const { attributes } = this;
    const tens = Math.floor(code / 10);
    const digit = code % 10;
    if (!code) this.attributes = attributes.link ? { link: attributes.link } : {};
    else if (EXTENDED[code]) {
      const found = rest.length ? packed(rest) : spread(items);
      if (found) attributes[EXTENDED[code]] = found;
    } else if (code === 4 && rest.length === 1 && !rest[0]) delete attributes.underline;
    else if (ON[code]) attributes[ON[code]] = true;
    else if (OFF[code]) for (const word of OFF[code].split(" ")) delete attributes[word];
    else if ([3, 4, 9, 10].includes(tens) && digit < 8) {
      attributes[tens === 3 || tens === 9 ? "fg" : "bg"] = String(tens > 8 ? digit + 8 : digit);
    }
  }

  private change(): void {
    const said = (word: string) => (this.attributes[word] === true ? word : `${word}=${this.attributes[word]}`);
    const words = WORDS.filter((word) => this.attributes[word]);
    this.style = [...this.base, ...words.map(said)].join(" ");
  }
}

/** The colour of 38:5:n, or 38:2:r:g:b, or 38:2:space:r:g:b. */
const packed = ([kind, ...rest]: number[]) => mixed(kind, kind === 2 && rest.length > 3 ? rest.slice(1) : rest);

/** The colour of 38;5;n or 38;2;r;g;b; takes its numbers out of `items`. */
function spread(items: number[][]): string {
  const kind = items.shift()?.[0];
  return mixed(
    kind,
    items.splice(0, needed(kind)).map(([n = 0]) => n),
  );
}

const needed = (kind?: number) => (kind === 5 ? 1 : kind === 2 ? 3 : 0);

function mixed(kind: number | undefined, values: number[]): string {
  const used = values.slice(0, needed(kind));
  if (!needed(kind) || used.length < needed(kind) || Math.max(...used) > 255) return "";
  return kind === 5 ? String(used[0]) : `#${used.map(hex).join("")}`;
}

/** Returns a run as a node. Its text becomes a text node, whatever it contains. */
export function painted([text, style]: Run): (Node | string)[] {
  if (!style) return addresses(text);
  const values: Record<string, string> = {};
  const flags: string[] = [];
  for (const word of style.split(" ")) {
    const [, key = "", value] = /^(\w+)=?(.*)/.exec(word)!;
    if (value) values[key] = value;
    else flags.push(key);
  }
  let [fg, bg] = [values.fg, values.bg].map((value) => value && colour(value));
  if (flags.includes("inverse")) [fg, bg] = [bg ?? "var(--back)", fg ?? "var(--fore)"];
  const css = flags.map((flag) => CSS[flag]);
  if (fg) css.push(`color:${fg}`);
  if (bg) css.push(`background:${bg}`);
  const { link: href } = values;
  const node = href ? anchor(href, text) : h("span", {}, ...addresses(text));
  node.style.cssText = css.join(";");
  return [node];
}

const anchor = (href: string, text: string) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);

/** A text, with links where addresses are. */
const addresses = (text: string) =>
  text.includes("://") ? Array.from(linked(text), ([piece, href]) => (href ? anchor(href, piece) : piece)) : [text];

// 0 to 15 are the theme's palette, 16 to 231 xterm's cube, the others its greys.
function colour(value: string): string {
  if (value[0] === "#") return value;
  const n = +value;
  const cube = n - 16;
  if (n < 8) return `var(--c${n})`;
  if (n < 16) return `color-mix(in srgb,var(--c${n - 8}) 75%,var(--fore))`;
  if (n > 231) return `#${hex(n * 10 - 2312).repeat(3)}`;
  return `#${[cube / 36, (cube / 6) % 6, cube % 6].map((i) => hex(i < 1 ? 0 : 55 + 40 * Math.floor(i))).join("")}`;
}
