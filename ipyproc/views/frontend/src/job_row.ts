// One row of the table of jobs, and what its columns are.
import { button, h, say } from "./element.js";
import { duration, size } from "./words.js";

const compared = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);

/** A column sorts the way that a reader wants first; what is unknown stays below. */
const column = (field, label, first, value = (row) => row.facts[field]) => ({
  field,
  label,
  first,
  compare: (way) => (one, other) => {
    const a = value(one), b = value(other);
    if (a === null || b === null) return (a === null) - (b === null) || one.key - other.key;
    return way * compared(a, b) || one.key - other.key;
  },
});

export const COLUMNS = [
  column("name", "Name", 1),
  column("pid", "PID", 1),
  column("status", "Status", 1, (row) => (row.runs ? "" : "~") + row.facts.text),
  column("time", "Time", -1, (row) => row.lasted),
  column("cpu", "CPU", -1),
  column("memory", "Memory", -1),
  column("command", "Command", 1),
  column("last", "Last line", 1),
];

const CODE = ["command", "last"];

export class Row {
  constructor(key, kill) {
    this.key = key;
    this.cells = {};
    const cells = COLUMNS.map(({ field }) => {
      this.cells[field] = h(CODE.includes(field) ? "code" : "span", {});
      return h("td", { role: "cell", "data-column": field }, this.cells[field]);
    });
    this.cells.status.className = "ipyproc-status";
    this.killer = button("Kill", kill);
    this.killer.dataset.acts = true;
    this.last = h("td", { role: "cell", "data-column": "kill" }, this.killer);
    this.element = h("tr", { role: "row" }, ...cells, this.last);
  }

  show(facts) {
    const { cells } = this;
    const { name, pid, status, text, success, ended, ran, cpu, memory, command, last } = facts;
    this.facts = facts;
    this.runs = ended === null;
    Object.assign(this.element.dataset, { name, status, good: success === true });
    this.killer.setAttribute("aria-label", `Kill ${name}`);
    if (!this.runs) this.end();
    cells.name.title = command;
    for (const [field, shown] of Object.entries({
      name,
      pid,
      status: text,
      cpu: cpu === null ? "" : `${cpu.toFixed(1)} %`,
      memory: memory === null ? "" : size(memory),
      command,
      last,
    })) say(cells[field], String(shown));
    cells.command.title = command;
    cells.last.title = last;
    if (ran !== null) say(cells.time, ran);
  }

  /** Take the button away; who had the focus there goes on at the next one. */
  end() {
    if (!this.killer.isConnected && !this.last.firstChild) return;
    const had = this.killer === document.activeElement;
    this.killer.remove();
    if (!had) return;
    const all = [...this.element.parentNode.querySelectorAll("button")];
    const after = all.find((each) => this.element.compareDocumentPosition(each) & 4);
    (after ?? all.at(-1) ?? this.element.closest("table").querySelector("th button")).focus();
  }

  tick(now) {
    const { started, ended } = this.facts;
    this.lasted = (ended ?? now) - started;
    if (this.runs) say(this.cells.time, duration(this.lasted));
  }
}
