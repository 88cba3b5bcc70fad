// The table of jobs: the module that anywidget loads.
import { button, h, say } from "./element.js";
import { COLUMNS, Row } from "./jobrow.js";
import { twin } from "./twin.js";
import { Watching } from "./watching.js";

const ARROWS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

class Table {
  constructor(model) {
    this.drawn = new Map(); // rows, by key
    this.build();
    this.watching = new Watching(model, this.node, (keys) => this.draw(keys));
    this.node.append(this.watching.message);
    this.draw([...this.watching.rows.keys()]);
    this.summary();
  }

  build() {
    this.count = h("span", {});
    this.only = button("Running only", () => this.filter());
    this.only.setAttribute("aria-pressed", "false");
    const headings = COLUMNS.map((column) => this.heading(column));
    // What an author says of `display` takes a table's roles away.
    const top = h("tr", { role: "row" }, ...headings, h("td", { role: "cell" }));
    this.head = h("thead", { role: "rowgroup" }, top);
    this.body = h("tbody", { role: "rowgroup" });
    this.table = h("table", { class: "ipyproc-jobs", role: "table", "aria-label": "Jobs" }, this.head, this.body);
    this.scroller = h("div", {}, this.table);
    this.empty = h("p", { class: "ipyproc-empty" }, "no jobs");
    this.more = h("p", {});
    const header = h("header", {}, h("b", {}, "Jobs"), this.count, this.only);
    const attributes = { class: "ipyproc-procs tex2jax_ignore mathjax_ignore", "data-lm-suppress-shortcuts": "true" };
    this.node = h("section", attributes, header, this.scroller, this.empty, this.more);
    this.node.onkeydown = (event) => this.key(event);
    this.node.onpointerleave = () => this.arrange();
    this.scroller.onscroll = () => (this.top = this.scroller.scrollTop);
    this.node.addEventListener("focusin", ({ target }) => this.focused(target));
  }

  heading(column) {
    const sorter = button(column.label, () => this.sort(column));
    const attributes = { scope: "col", role: "columnheader", "aria-sort": "none", "data-column": column.field };
    return Object.assign(h("th", attributes, sorter), { column });
  }

  /** Sort by a column: its first way, the other way, and as the jobs were started. */
  sort(column) {
    const ways = [undefined, column.first, -column.first];
    const before = this.by === column ? this.way : undefined;
    this.way = ways[(ways.indexOf(before) + 1) % ways.length];
    this.by = this.way && column;
    for (const th of this.head.querySelectorAll("th")) {
      const way = th.column === this.by ? this.way : 0;
      th.setAttribute("aria-sort", way ? (way > 0 ? "ascending" : "descending") : "none");
    }
    this.arrange(true);
  }

  filter() {
    const only = this.only.getAttribute("aria-pressed") === "false";
    this.only.setAttribute("aria-pressed", only);
    this.node.dataset.only = only ? "running" : "";
    this.rove();
  }

  update() {
    this.draw([]);
  }

  draw(keys) {
    const { rows, now, asking } = this.watching;
    for (const key of keys) {
      const row = rows.get(key);
      if (row && !this.drawn.has(key)) {
        this.drawn.set(key, new Row(key, (pressed) => asking.act("kill", pressed, { job: key })));
      }
      if (row) this.drawn.get(key).show(row);
      else this.drop(key);
    }
    for (const row of this.drawn.values()) row.tick(now);
    if (!keys.length) return;
    this.summary();
    this.arrange();
    this.rove();
  }

  drop(key) {
    this.drawn.get(key)?.element.remove();
    this.drawn.delete(key);
  }

  summary() {
    const all = [...this.drawn.values()], running = all.filter((row) => row.runs).length;
    const { more } = this.watching.notes;
    say(this.count, all.length ? `${running} running · ${all.length - running} ended` : "");
    this.scroller.hidden = !all.length;
    this.only.hidden = !all.length;
    this.empty.hidden = !!all.length;
    say(this.more, more ? `${more.toLocaleString("en")} more that ended: %procs --all` : "");
  }

  /** Put the rows in order, but not while somebody is about to press a button there. */
  arrange(anyway) {
    const busy = this.body.matches(":hover") || this.body.contains(document.activeElement);
    const rows = [...this.drawn.values()];
    if (this.by && (anyway || !busy)) this.order = rows.sort(this.by.compare(this.way)).map((row) => row.key);
    else if (!this.by) this.order = rows.sort((a, b) => a.key - b.key).map((row) => row.key);
    const known = new Set(this.order);
    this.order.push(...rows.map((row) => row.key).filter((key) => !known.has(key)));
    let at = this.body.firstChild;
    for (const key of this.order) {
      const element = this.drawn.get(key)?.element;
      if (element === at) at = at?.nextSibling;
      else if (element) this.body.insertBefore(element, at);
    }
  }

  /** One button of all rows is reached with Tab, the others from there with arrows. */
  rove() {
    const buttons = this.buttons();
    if (!buttons.includes(this.tabbed)) this.tabbed = buttons[0];
    for (const each of buttons) {
      const index = each === this.tabbed ? 0 : -1;
      if (each.tabIndex !== index) each.tabIndex = index;
    }
  }

  buttons() {
    return [...this.body.querySelectorAll("button")]; // those of rows that are in sight
  }

  key(event) {
    event.stopPropagation(); // keys pressed here are not the notebook's
    const step = ARROWS[event.key];
    if (!step || !this.body.contains(event.target)) return;
    event.preventDefault();
    const buttons = this.buttons();
    const to = Math.max(0, Math.min(buttons.indexOf(event.target) + step, buttons.length - 1));
    buttons[to]?.focus();
  }

  focused(element) {
    this.focus = element;
    if (this.body.contains(element)) this.tabbed = element;
    this.rove();
  }

  /** What is moved to another place of the page loses where the reader was. */
  moved() {
    this.scroller.scrollTop = this.top ?? 0;
    if (this.focus?.isConnected && document.activeElement === document.body) this.focus.focus({ preventScroll: true });
  }

  stop() {
    this.watching.stop();
  }
}

export default { ...twin((model) => new Table(model)) };
