// The life line of a process: the module that anywidget loads.
import { h, say } from "./dom.js";
import { duration } from "./format.js";
import { live, type View } from "./live.js";
import type { Model, Token } from "./model.js";
import type { Cell, TimelineState } from "./protocol.js";

const TICK = 1000; // ms

interface TimelineTraits extends Token {
  state: TimelineState;
}

class Timeline implements View {
  readonly node: HTMLElement;
  private readonly title = h("b", {});
  private readonly now = h("span", { role: "status" });
  private readonly body = h("tbody", {});
  private readonly clock = setInterval(() => this.tick(), TICK);
  private state?: TimelineState;
  private came = 0; // when the state did
  private open: HTMLElement | null = null; // the time of what still lasts

  constructor(private readonly model: Model<TimelineTraits>) {
    const table = h("table", {}, this.body);
    const header = h("header", {}, this.title, this.now);
    // What is too wide for the page can be scrolled by keys, too.
    const scroller = h("div", { tabindex: "0", role: "group", "aria-label": "Life line" }, table);
    this.node = h("section", { class: "ipyproc-life" }, header, scroller);
  }

  stop(): void {
    clearInterval(this.clock);
  }

  update(): void {
    const state = this.model.get("state");
    if (state === this.state) return;
    this.state = state;
    this.came = performance.now();
    this.open = null;
    const { title, summary, rows } = state;
    this.node.setAttribute("aria-label", title);
    this.title.textContent = title;
    say(this.now, summary);
    this.body.replaceChildren(...rows.map(([heading, cells]) => this.row(heading, cells)));
    this.tick();
  }

  private row(heading: string, cells: Cell[]): HTMLElement {
    return h("tr", {}, h("th", { scope: "row" }, heading), ...cells.map((cell) => this.cell(cell)));
  }

  private cell([text, kind, span, lasted]: Cell): HTMLElement {
    const time = h("small", {}, lasted ?? "");
    if (lasted === null) this.open = time;
    return h("td", { colspan: span, "data-kind": kind }, text, " ", time);
  }

  /** Shows for how long what lasts has lasted. */
  private tick(): void {
    if (!this.open || !this.state) return;
    this.open.textContent = duration(this.state.lasted + (performance.now() - this.came) / 1000);
  }
}

export default live<TimelineTraits>((model) => new Timeline(model), { settles: true });
