// The life line of a process: the module that anywidget loads.
import { h } from "./element.js";
import { twin } from "./twin.js";
import { duration } from "./words.js";

const TICK = 1000; // ms

class LifeLine {
  constructor(model) {
    this.model = model;
    this.title = h("b", {});
    this.now = h("span", { role: "status" });
    this.body = h("tbody", {});
    const table = h("table", {}, this.body);
    const header = h("header", {}, this.title, this.now);
    // What is too wide for the page can be scrolled by keys, too.
    const scroller = h("div", { tabindex: "0", role: "group", "aria-label": "Life line" }, table);
    this.node = h("section", { class: "ipyproc-life" }, header, scroller);
    this.clock = setInterval(() => this.tick(), TICK);
  }

  stop() {
    clearInterval(this.clock);
  }

  update() {
    const state = this.model.get("state");
    if (state === this.state) return;
    this.state = state;
    this.came = performance.now();
    this.open = null;
    const { title, summary, rows } = state;
    this.node.setAttribute("aria-label", title);
    this.title.textContent = title;
    if (this.now.textContent !== summary) this.now.textContent = summary;
    this.body.replaceChildren(...rows.map(([heading, cells]) => this.row(heading, cells)));
    this.tick();
  }

  row(heading, cells) {
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, heading),
      ...cells.map(([text, kind, span, lasted]) => {
        const time = h("small", {}, lasted ?? "");
        if (lasted === null) this.open = time;
        return h("td", { colspan: span, "data-kind": kind }, text, " ", time);
      }),
    );
  }

  /** Show for how long what lasts has lasted. */
  tick() {
    if (this.open) this.open.textContent = duration(this.state.lasted + (performance.now() - this.came) / 1000);
  }
}

const { initialize, render } = twin((model) => new LifeLine(model));

export default { initialize, render };
