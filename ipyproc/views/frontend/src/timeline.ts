// The life line of a process: the module that anywidget loads.
import { h, legend, say } from "./dom.js";
import { duration } from "./format.js";
import { live, type View } from "./live.js";
import type { Model, Token } from "./model.js";
import type { Cell, Own, Press, TimelineState } from "./protocol.js";
import { Requests } from "./request.js";

const TICK = 1000; // ms

interface TimelineTraits extends Token {
  state: TimelineState;
}

class Timeline implements View {
  readonly node: HTMLElement;
  private readonly title = h("b", {});
  private readonly now = h("span", { role: "status" });
  private readonly body = h("tbody", {});
  private readonly controls = h("div", { class: "ipyproc-controls" });
  private readonly letters: HTMLElement;
  private readonly requests: Requests;
  private readonly clock = setInterval(() => this.tick(), TICK);
  private state?: TimelineState;
  private came = 0; // when the state did
  private open: HTMLElement | null = null; // the time of what still lasts

  constructor(private readonly model: Model<TimelineTraits>) {
    const { buttons, letters, pid } = model.get("state");
    this.requests = new Requests(model, () => this.closed());
    for (const [name, action] of buttons)
      this.controls.append(this.requests.button(name, action as (Press | Own)["action"]));
    this.letters = legend(letters);
    const table = h("table", {}, this.body);
    const header = h("header", {}, this.title, this.now);
    // What is too wide for the page can be scrolled by keys, too.
    const scroller = h("div", { tabindex: "0", role: "group", "aria-label": "Life line" }, table);
    const attributes = { class: "ipyproc-life", "data-pid": pid, "data-lm-suppress-shortcuts": "true" };
    this.node = h("section", attributes, header, scroller, this.controls, this.requests.message, this.letters);
    this.node.addEventListener("keydown", (event) => event.stopPropagation());
  }

  stop(): void {
    clearInterval(this.clock);
    this.requests.stop();
  }

  /** Is called when nobody would hear the buttons any more. */
  closed(): void {
    this.stop();
    this.disable();
    if (!this.state?.final) say(this.requests.message, this.model.get("state").lost);
  }

  update(): void {
    const state = this.model.get("state");
    if (state === this.state) return;
    this.state = state;
    this.came = performance.now();
    this.open = null;
    const { title, summary, rows, letter, final } = state;
    this.node.setAttribute("aria-label", title);
    this.title.textContent = title;
    say(this.now, summary);
    this.body.replaceChildren(...rows.map(([heading, cells]) => this.row(heading, cells)));
    for (const each of this.letters.children) each.toggleAttribute("data-now", each.firstChild?.textContent === letter);
    if (final) this.disable();
    this.tick();
  }

  private disable(): void {
    for (const button of this.controls.querySelectorAll("button")) button.disabled = true;
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
