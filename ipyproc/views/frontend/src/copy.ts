// Copying lines as they were printed: where a pane breaks them, they have no ends.
import { h } from "./dom.js";

/** Returns the text that is selected in a log; null if none is. */
export function selected(log: HTMLElement): string | null {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
  const all = selection.getRangeAt(0);
  const lines = [...log.children].filter((line) => all.intersectsNode(line));
  if (!lines.length) return null;
  const text = (line: Element) => {
    const range = all.cloneRange();
    if (!line.contains(range.startContainer)) range.setStart(line, 0);
    if (!line.contains(range.endContainer)) range.setEnd(line, line.childNodes.length);
    return range.toString();
  };
  return lines.map(text).join("\n");
}

/** Copies a text; whether the browser lets us. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that came over plain HTTP have no clipboard.
  }
  const focused = document.activeElement;
  const area = h("textarea", { style: "position:fixed;opacity:0" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}
