// A line of output as an element.
import { h } from "./dom.js";
import type { Line } from "./grid.js";
import { runs } from "./screen.js";
import { painted } from "./sgr.js";

/** Shows a line in an element. */
export function paint(element: HTMLElement, line: Line): void {
  element.replaceChildren(...(line.chars.length ? runs(line).flatMap(painted) : [h("br", {})]));
  element.className = line.styles.some((style) => style.startsWith("stderr")) ? "stderr" : "";
}

export function lineElement(line: Line): HTMLElement {
  const element = h("div", {});
  paint(element, line);
  return element;
}
