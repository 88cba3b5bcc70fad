// One row of the table of jobs, and its columns.
import { button, h, say } from "./dom.js";
import { duration, place, size } from "./format.js";
import { portLink } from "./port_link.js";
import type { JobFields } from "./protocol.js";

/** The fields of a job, as the kernel sent them. */
export type Job = JobFields;

type Value = string | number | null;
type Name = "name" | "pid" | "status" | "time" | "cpu" | "memory" | "ports" | "command" | "last";

export interface Column {
  field: Name;
  label: string;
  /** 1 or -1: the way that a reader wants first. */
  first: number;
  compare(way: number): (one: JobRow, other: JobRow) => number;
}

const compared = (a: string | number, b: string | number) =>
  typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b), "en", { numeric: true }) : a - b;

/** Whatever the way, what is unknown stays below. */
const column = (field: Name, label: string, first: number, value: (row: JobRow) => Value): Column => ({
  field,
  label,
  first,
  compare: (way) => (one, other) => {
    const a = value(one);
    const b = value(other);
    if (a === null || b === null) return Number(a === null) - Number(b === null) || one.number - other.number;
    return way * compared(a, b) || one.number - other.number;
  },
});

export const COLUMNS = [
  column("name", "Name", 1, ({ job }) => job.label),
  column("pid", "PID", 1, ({ job }) => job.pid),
  column("status", "Status", 1, ({ runs, job }) => (runs ? "" : "~") + job.text),
  column("time", "Time", -1, ({ lasted }) => lasted),
  column("cpu", "CPU", -1, ({ job }) => job.cpu),
  column("memory", "Memory", -1, ({ job }) => job.memory),
  column("ports", "Ports", 1, ({ job }) => job.ports[0] ?? null),
  column("command", "Command", 1, ({ job }) => job.command),
  column("last", "Last line", 1, ({ job }) => job.last),
];

const CODE: Name[] = ["command", "last"];

export class JobRow {
  readonly element: HTMLTableRowElement;
  job: Job;
  lasted = 0; // seconds that it has been running, or ran
  private readonly cells = new Map<Name, HTMLElement>();
  private readonly killer: HTMLButtonElement;
  private readonly last: HTMLElement; // the cell that has the button

  constructor(
    readonly key: string,
    job: Job,
    kill: (pressed: HTMLElement) => void,
    lead: (row: JobRow) => void,
  ) {
    this.job = job;
    const cells = COLUMNS.map(({ field }) => {
      const cell = h(CODE.includes(field) ? "code" : "span", {});
      if (field === "name") {
        Object.assign(cell, { role: "link", tabIndex: -1, onclick: () => lead(this) });
      }
      this.cells.set(field, cell);
      return h("td", { role: "cell", "data-column": field }, cell);
    });
    this.cells.get("status")!.className = "ipyproc-status";
    this.killer = button("Kill", kill);
    this.last = h("td", { role: "cell", "data-column": "kill" }, this.killer);
    this.element = h("tr", { role: "row" }, ...cells, this.last);
  }

  /** Its place in the order in which jobs were started. */
  get number(): number {
    return Number(this.key);
  }

  /** What a filter looks at. */
  get text(): string {
    const { label, command, host, text, ports, last } = this.job;
    return `${label} ${command} ${host} ${text} ${ports.join(" ")} ${last}`.toLowerCase();
  }

  get runs(): boolean {
    return this.job.ended === null;
  }

  /** `proxy`: whether Jupyter's server leads to the ports. */
  show(job: Job, proxy: boolean): void {
    const { name, number, label, host, pid, status, text, success, ran, cpu, memory, command, last } = job;
    this.job = job;
    Object.assign(this.element.dataset, { name, number, host, status, good: success === true });
    this.killer.setAttribute("aria-label", `Kill ${label}`);
    if (!this.runs) this.end();
    this.fill("name", label, command);
    this.fill("pid", place(pid, host));
    this.fill("status", text);
    this.fill("cpu", cpu === null ? "" : `${cpu.toFixed(1)} %`);
    this.fill("memory", memory === null ? "" : size(memory));
    this.listens(proxy);
    this.fill("command", command, command);
    this.fill("last", last, last);
    if (ran !== null) this.fill("time", ran);
  }

  private listens(proxy: boolean): void {
    const cell = this.cells.get("ports")!;
    const text = this.job.ports.join(" ");
    if (cell.textContent === text) return; // a link that is there may have the focus
    const links = this.job.ports.map((port) => portLink(port, String(port), proxy));
    cell.replaceChildren(...links.flatMap((link, n) => (n ? [" ", link] : [link])));
  }

  private fill(field: Name, text: string, title?: string): void {
    const cell = this.cells.get(field)!;
    say(cell, text);
    if (title !== undefined) cell.title = title;
  }

  /** Removes the button; if it had the focus, the next one gets that. */
  private end(): void {
    if (!this.killer.isConnected && !this.last.firstChild) return;
    const focused = this.killer === document.activeElement;
    this.killer.remove();
    if (!focused) return;
    const all = [...this.element.parentElement!.querySelectorAll<HTMLElement>('[data-column="kill"] button')];
    const after = all.find((each) => this.element.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING);
    const heading = this.element.closest("table")!.querySelector<HTMLElement>("th button");
    (after ?? all.at(-1) ?? heading)?.focus();
  }

  /** Shows what changes with time; `gone`: whether the kernel is gone. */
  tick(now: number, gone: boolean): void {
    this.killer.disabled = gone;
    const { started, ended } = this.job;
    this.lasted = (ended ?? now) - started;
    if (this.runs) this.fill("time", duration(this.lasted));
  }
}
