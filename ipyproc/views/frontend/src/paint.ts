// A line of output as nodes of the page.
import { h } from "./element.js";
import { hex } from "./look.js";

const STYLES = {
  bold: "font-weight:bold",
  dim: "opacity:.65",
  italic: "font-style:italic",
  underline: "text-decoration:underline",
  strike: "text-decoration:line-through",
  note: "color:var(--quiet);font-style:italic",
};

function colour(value) {
  const n = +value, cube = n - 16;
  if (value[0] === "#") return value;
  if (n < 8) return `var(--c${n})`;
  if (n < 16) return `color-mix(in srgb,var(--c${n - 8}) 75%,var(--fore))`;
  if (n > 231) return "#" + hex(n * 10 - 2312).repeat(3);
  return "#" + [cube / 36, (cube / 6) % 6, cube % 6].map((i) => hex(i < 1 ? 0 : 55 + 40 * Math.floor(i))).join("");
}

/** A run as a node. What it says is a text node, whatever it says. */
export function drawn([text, look]) {
  if (!look) return text;
  const style = {}, words = [];
  for (const word of look.split(" ")) {
    const [, key, value] = /^(\w+)=?(.*)/.exec(word);
    if (value) style[key] = value;
    else words.push(key);
  }
  const { link } = style;
  let [fg, bg] = [style.fg, style.bg].map((value) => value && colour(value));
  if (words.includes("inverse")) [fg, bg] = [bg ?? "var(--back)", fg ?? "var(--fore)"];
  const css = words.map((word) => STYLES[word]);
  if (fg) css.push("color:" + fg);
  if (bg) css.push("background:" + bg);
  const node = link ? h("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, text) : h("span", {}, text);
  node.style.cssText = css.join(";");
  return node;
}
