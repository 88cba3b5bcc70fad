// The table of detached jobs: the module that anywidget loads.
import { button, frame, h, say } from "./dom.js";
import { live, type View } from "./live.js";
import type { Model } from "./model.js";
import type { DetachedFields } from "./protocol.js";
import { Rows, type RowsTraits } from "./rows.js";
import type { Viewer } from "./viewer.js";

type Field = "name" | "notebook" | "pid" | "status" | "since" | "command";
type Action = "attach" | "terminate" | "forget";

const COLUMNS: [Field, string][] = [
  ["name", "Job"],
  ["notebook", "Notebook"],
  ["pid", "PID"],
  ["status", "Status"],
  ["since", "Since"],
  ["command", "Command"],
];
const ACTIONS: [Action, string][] = [
  ["attach", "Attach"],
  ["terminate", "End"],
  ["forget", "Forget"],
];
const SURE = 3000; // ms for which a second press of a button counts

/** One job, and what can be done about it. */
class Row {
  readonly element: HTMLElement;
  private readonly cells = new Map<Field, HTMLElement>();
  private readonly buttons = new Map<Action, HTMLButtonElement>();
  private name = "";
  private sure?: number; // a timer: until then another press deletes what is kept

  constructor(act: (pressed: HTMLElement, action: Action) => void) {
    const cells = COLUMNS.map(([field]) => {
      const cell = field === "command" ? h("code", {}) : h("span", {});
      this.cells.set(field, cell);
      return h("td", { role: "cell", "data-column": field }, cell);
    });
    this.cells.get("status")!.className = "ipyproc-status";
    for (const [action, label] of ACTIONS) {
      const press = (pressed: HTMLElement) => this.press(action, () => act(pressed, action));
      this.buttons.set(action, button(label, press));
    }
    const last = h("td", { role: "cell", "data-column": "act" }, ...this.buttons.values());
    this.element = h("tr", { role: "row" }, ...cells, last);
  }

  /** What was printed is deleted only when its button is pressed twice. */
  private press(action: Action, act: () => void): void {
    const once = this.sure === undefined;
    this.calm();
    if (action === "forget" && once) this.ask(setTimeout(() => this.calm(), SURE));
    else act();
  }

  private calm(): void {
    clearTimeout(this.sure);
    this.ask(undefined);
  }

  private ask(sure?: number): void {
    const forget = this.buttons.get("forget")!;
    this.sure = sure;
    say(forget, sure === undefined ? "Forget" : "Really?");
    forget.setAttribute("aria-label", `${sure === undefined ? "Forget" : "Really forget"} ${this.name}`);
  }

  show(job: DetachedFields, gone: boolean): void {
    const { name, notebook, path, pid, status, text, success, since, command, over, known } = job;
    if (name !== this.name) {
      this.name = name;
      for (const [action, label] of ACTIONS) this.buttons.get(action)!.setAttribute("aria-label", `${label} ${name}`);
    }
    Object.assign(this.element.dataset, { id: name, status, good: success === true });
    const texts = { name, notebook, pid, status: text, since, command };
    for (const [field, cell] of this.cells) say(cell, texts[field]);
    this.cells.get("name")!.title = command;
    this.cells.get("notebook")!.title = path;
    this.cells.get("command")!.title = command;
    for (const [action, each] of this.buttons) {
      const has = known && { attach: true, terminate: !over, forget: over }[action];
      const focused = !has && each === document.activeElement;
      each.hidden = !has;
      each.disabled = gone;
      if (focused) this.buttons.get("attach")!.focus();
    }
  }
}

class Table implements View {
  readonly node: HTMLElement;
  private readonly rows: Rows<DetachedFields, object>;
  private readonly drawn = new Map<string, Row>();
  private readonly count = h("span", {});
  private readonly body = h("tbody", { role: "rowgroup" });
  private readonly scroller: HTMLElement;
  private readonly empty = h("p", { class: "ipyproc-empty" }, "no detached jobs");

  constructor(model: Model<RowsTraits>) {
    const headings = COLUMNS.map(([field, label]) =>
      h("th", { scope: "col", role: "columnheader", "data-column": field }, label),
    );
    // A style sheet that sets `display` removes a table's roles, so they are said once more.
    const top = h("tr", { role: "row" }, ...headings, h("td", { role: "cell", "data-column": "act" }));
    const head = h("thead", { role: "rowgroup" }, top);
    const attributes = { class: "ipyproc-detached", role: "table", "aria-label": "Detached jobs" };
    this.scroller = h("div", {}, h("table", attributes, head, this.body));
    const header = h("header", {}, h("b", {}, "Detached jobs"), this.count);
    this.node = frame("ipyproc-procs ipyproc-kept", header, this.scroller, this.empty);
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.rows = new Rows(model, this.node, () => this.draw());
    this.node.append(this.rows.requests.message);
    this.draw();
  }

  get viewer(): Viewer {
    return this.rows.viewer;
  }

  update(): void {
    this.draw();
  }

  private draw(): void {
    const { rows, requests } = this.rows;
    for (const [key, row] of this.drawn) {
      if (rows.has(key)) continue;
      const next = row.element.contains(document.activeElement) ? row.element.nextElementSibling : null;
      row.element.remove();
      this.drawn.delete(key);
      next?.querySelector<HTMLElement>("button:not([hidden])")?.focus();
    }
    for (const [key, job] of rows) {
      const row = this.drawn.get(key) ?? new Row((pressed, action) => requests.act(pressed, { action, job: key }));
      row.show(job, requests.closed);
      if (!this.drawn.has(key)) this.body.append(row.element);
      this.drawn.set(key, row);
    }
    const all = [...rows.values()];
    const running = all.filter(({ over, known }) => known && !over).length;
    const ended = all.filter(({ over }) => over).length;
    say(this.count, all.length ? `${running} running · ${ended} ended` : "");
    this.scroller.hidden = !rows.size;
    this.empty.hidden = !!rows.size;
  }

  /** Arrows lead from button to button. */
  private key(event: KeyboardEvent): void {
    const { target, key } = event;
    if (!(target instanceof HTMLElement) || !this.body.contains(target)) return;
    const rows = [...this.body.children].map((row) => [...row.querySelectorAll<HTMLElement>("button:not([hidden])")]);
    const y = rows.findIndex((row) => row.includes(target));
    const x = rows[y]?.indexOf(target) ?? -1;
    const down = { ArrowDown: 1, ArrowUp: -1 }[key] ?? 0;
    const right = { ArrowRight: 1, ArrowLeft: -1 }[key] ?? 0;
    if (x < 0 || !(down || right)) return;
    event.preventDefault();
    const row = rows[y + down];
    row?.[Math.min(x + right, row.length - 1)]?.focus();
  }

  stop(): void {
    this.rows.stop();
  }
}

export default live<RowsTraits>((model) => new Table(model), { settles: true });
