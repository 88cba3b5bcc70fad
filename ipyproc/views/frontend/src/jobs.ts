// The table of jobs: the module that anywidget loads.
import { button, frame, h, say } from "./dom.js";
import { COLUMNS, type Column, type Job, JobRow } from "./job_row.js";
import { live, type View } from "./live.js";
import type { Model } from "./model.js";
import { Rows, type RowsTraits } from "./rows.js";
import type { Viewer } from "./viewer.js";

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

const SURE = 3000; // ms for which a second press of a button counts

interface Notes {
  more?: number; // jobs that ended and are not shown
  proxy?: boolean; // whether Jupyter's server leads to ports
}

/** Those that run come first. */
const asStarted = (a: JobRow, b: JobRow) => Number(b.runs) - Number(a.runs) || a.number - b.number;

class Table implements View {
  readonly node: HTMLElement;
  private readonly rows: Rows<Job, Notes>;
  private readonly drawn = new Map<string, JobRow>();
  private readonly count = h("span", {});
  private readonly only = button("Running only", () => this.toggle());
  private readonly words = h("input", { type: "search", "aria-label": "Filter jobs", placeholder: "filter" });
  private readonly ender = button("End all", () => this.endAll());
  private sure?: number; // a timer: until then another press ends all
  private readonly headings = COLUMNS.map((column): [Column, HTMLElement] => [column, this.heading(column)]);
  private readonly body = h("tbody", { role: "rowgroup" });
  private readonly scroller: HTMLElement;
  private readonly empty = h("p", { class: "ipyproc-empty" }, "no jobs");
  private readonly more = h("p", {});
  private by?: Column; // what the rows are sorted by, and which way
  private way = 0;
  private order: string[] = []; // keys, as the rows stand
  private top = 0; // where the reader has scrolled to
  private focus: HTMLElement | null = null;
  private tabbed?: HTMLElement; // the button that Tab reaches

  constructor(model: Model<RowsTraits>) {
    this.only.setAttribute("aria-pressed", "false");
    // A style sheet that sets `display` removes a table's roles, so they are said once more.
    const top = h("tr", { role: "row" }, ...this.headings.map(([, th]) => th), h("td", { role: "cell" }));
    const head = h("thead", { role: "rowgroup" }, top);
    const table = h("table", { class: "ipyproc-jobs", role: "table", "aria-label": "Jobs" }, head, this.body);
    this.scroller = h("div", {}, table);
    const header = h("header", {}, h("b", {}, "Jobs"), this.count, this.words, this.only, this.ender);
    this.words.oninput = () => this.filter();
    this.node = frame("ipyproc-procs", header, this.scroller, this.empty, this.more);
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.node.onpointerleave = () => this.arrange();
    this.scroller.onscroll = () => {
      this.top = this.scroller.scrollTop;
    };
    this.node.addEventListener("focusin", ({ target }) => this.focused(target as HTMLElement));
    this.rows = new Rows(model, this.node, (keys) => this.draw(keys));
    this.node.append(this.rows.requests.message);
    this.draw([...this.rows.rows.keys()]);
    this.summary();
  }

  get viewer(): Viewer {
    return this.rows.viewer;
  }

  private heading(column: Column): HTMLElement {
    const sorter = button(column.label, () => this.sort(column));
    const attributes = { scope: "col", role: "columnheader", "aria-sort": "none", "data-column": column.field };
    return h("th", attributes, sorter);
  }

  /** Sorts by a column: its first way, the other way, and as the jobs were started. */
  private sort(column: Column): void {
    const ways = [0, column.first, -column.first];
    const before = this.by === column ? this.way : 0;
    this.way = ways[(ways.indexOf(before) + 1) % ways.length]!;
    this.by = this.way ? column : undefined;
    for (const [other, th] of this.headings) {
      const way = other === this.by ? this.way : 0;
      th.setAttribute("aria-sort", way ? (way > 0 ? "ascending" : "descending") : "none");
    }
    this.arrange(true);
  }

  private toggle(): void {
    const only = this.only.getAttribute("aria-pressed") === "false";
    this.only.setAttribute("aria-pressed", String(only));
    this.node.dataset.only = only ? "running" : "";
    this.rove();
  }

  /** Hides the rows in which not all words are. */
  private filter(): void {
    const words = this.words.value.toLowerCase().split(/\s+/);
    for (const { element, text } of this.drawn.values()) element.hidden = !words.every((word) => text.includes(word));
    this.rove();
  }

  /** Ends all jobs that run, when it is pressed twice. */
  private endAll(): void {
    clearTimeout(this.sure);
    if (this.sure) this.rows.requests.act(this.ender, { action: "end_all" });
    this.sure = this.sure ? undefined : setTimeout(() => this.calm(), SURE);
    this.calm(this.sure);
  }

  private calm(sure?: number): void {
    this.sure = sure;
    const { length } = [...this.drawn.values()].filter((row) => row.runs);
    say(this.ender, sure ? `Really end ${length}?` : "End all");
  }

  /** Leads to the pane of a job, if it is on this page. */
  private lead({ job }: JobRow): void {
    const panes = [...document.querySelectorAll<HTMLElement>(".ipyproc-job")];
    const pane = panes.find(
      ({ dataset }) => dataset.name === job.name && dataset.number === String(job.number) && dataset.host === job.host,
    );
    say(this.rows.requests.message, pane ? "" : `no pane of ${job.label} is on this page`);
    if (!pane) return;
    pane.tabIndex = -1;
    pane.scrollIntoView({ block: "center" });
    pane.focus({ preventScroll: true });
  }

  update(): void {
    this.draw([]);
  }

  private draw(keys: string[]): void {
    const { rows, now, requests } = this.rows;
    for (const key of keys) {
      const job = rows.get(key);
      if (!job) {
        this.drawn.get(key)?.element.remove();
        this.drawn.delete(key);
        continue;
      }
      const kill = (pressed: HTMLElement) => requests.act(pressed, { action: "kill", job: key });
      const row = this.drawn.get(key) ?? new JobRow(key, job, kill, (led) => this.lead(led));
      this.drawn.set(key, row);
      row.show(job, this.rows.notes.proxy === true);
    }
    for (const row of this.drawn.values()) row.tick(now, requests.closed);
    if (!keys.length) return;
    this.summary();
    this.filter();
    this.arrange();
    this.rove();
  }

  private summary(): void {
    const all = [...this.drawn.values()];
    const running = all.filter((row) => row.runs).length;
    const { more } = this.rows.notes;
    this.node.dataset.ports = String(all.some(({ job }) => job.ports.length));
    this.node.dataset.hosts = String(all.some(({ job }) => job.host !== "localhost"));
    say(this.count, all.length ? `${running} running · ${all.length - running} ended` : "");
    this.scroller.hidden = !all.length;
    this.only.hidden = this.words.hidden = !all.length;
    this.ender.hidden = !running;
    this.empty.hidden = !!all.length;
    say(this.more, more ? `${more.toLocaleString("en")} more that ended: %procs --all` : "");
  }

  /** Puts the rows in order, but not while somebody is about to press a button there. */
  private arrange(anyway = false): void {
    const busy = this.body.matches(":hover") || this.body.contains(document.activeElement);
    const rows = [...this.drawn.values()];
    if (this.by && (anyway || !busy)) this.order = rows.sort(this.by.compare(this.way)).map((row) => row.key);
    else if (!this.by && (anyway || !busy)) this.order = rows.sort(asStarted).map((row) => row.key);
    const known = new Set(this.order);
    this.order.push(...rows.map((row) => row.key).filter((key) => !known.has(key)));
    let at = this.body.firstElementChild;
    for (const key of this.order) {
      const element = this.drawn.get(key)?.element;
      if (element && element === at) at = at.nextElementSibling;
      else if (element) this.body.insertBefore(element, at);
    }
  }

  /** Tab reaches one button of all rows, and arrows reach the others from there. */
  private rove(): void {
    const buttons = this.buttons();
    if (!this.tabbed || !buttons.includes(this.tabbed)) this.tabbed = buttons[0];
    for (const each of buttons) {
      const index = each === this.tabbed ? 0 : -1;
      if (each.tabIndex !== index) each.tabIndex = index;
    }
  }

  /** The buttons of one column; those of the rows that are in sight. */
  private buttons(column = "kill"): HTMLElement[] {
    return [
      ...this.body.querySelectorAll<HTMLElement>(`tr:not([hidden]) [data-column="${column}"] :is(button, [role])`),
    ];
  }

  private key(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const target = event.target as HTMLElement;
    if (!this.body.contains(target)) return;
    const side = { ArrowLeft: "name", ArrowRight: "kill" }[event.key];
    if (side) target.closest("tr")?.querySelector<HTMLElement>(`[data-column="${side}"] :is(button, [role])`)?.focus();
    if (event.key === "Enter" && target.role === "link") target.click();
    if (!step) return;
    event.preventDefault();
    const buttons = this.buttons(target.closest("td")?.dataset.column);
    const to = Math.max(0, Math.min(buttons.indexOf(target) + step, buttons.length - 1));
    buttons[to]?.focus();
  }

  private focused(element: HTMLElement): void {
    this.focus = element;
    if (element.closest('[data-column="kill"]')) this.tabbed = element;
    this.rove();
  }

  /** What is moved to another place of the page loses its scroll position and the focus. */
  moved(): void {
    this.scroller.scrollTop = this.top;
    if (this.focus?.isConnected && document.activeElement === document.body) this.focus.focus({ preventScroll: true });
  }

  stop(): void {
    clearTimeout(this.sure);
    this.rows.stop();
  }
}

export default live<RowsTraits>((model) => new Table(model), { settles: true });
