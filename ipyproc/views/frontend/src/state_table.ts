// The facts about a process that has ended.
import { h } from "./element.js";

/** What `wait` learnt: the main facts, and the others on request. */
export function table(facts) {
  const row = (...cells) => h("tr", { role: "row" }, ...cells);
  const rows = (wanted) =>
    facts
      .filter(([, , detail]) => detail === wanted)
      .map(([label, value]) => row(h("th", { role: "rowheader" }, label), h("td", { role: "cell" }, value)));
  // Its rows stand side by side, and to a screen reader it is still a table.
  const whole = (name, ...found) => h("table", { role: "table", class: name }, h("tbody", { role: "rowgroup" }, ...found));
  const more = h("details", {}, h("summary", {}, "Wait status and usage"), whole("", ...rows(true)));
  return whole("ipyproc-state", ...rows(false), row(h("td", { role: "cell" }, more)));
}
