// The table of facts about a process that has ended.
import { h } from "./dom.js";
import type { Fact } from "./protocol.js";

/** Returns what `wait` learnt: the main facts, and the others on request. */
export function stateTable(facts: Fact[]): HTMLTableElement {
  const row = (...cells: Node[]) => h("tr", { role: "row" }, ...cells);
  const rows = (wanted: boolean) =>
    facts
      .filter(([, , detail]) => detail === wanted)
      .map(([label, value]) => row(h("th", { role: "rowheader" }, label), h("td", { role: "cell" }, value)));
  // The style sheet sets its rows side by side, so its roles are said once more.
  const table = (name: string, ...found: Node[]) =>
    h("table", { role: "table", class: name }, h("tbody", { role: "rowgroup" }, ...found));
  const more = h("details", {}, h("summary", {}, "Wait status and usage"), table("", ...rows(true)));
  return table("ipyproc-state", ...rows(false), row(h("td", { role: "cell" }, more)));
}
