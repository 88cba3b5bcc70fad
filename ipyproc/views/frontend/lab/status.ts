// How many jobs run, in the status bar: of the notebook that is in front.
import { h, say } from "../src/dom.js";
import type { App, Context, Panel, StatusBar, Tracker, Widget, Widgets } from "./jupyter.js";
import { places, tableIn } from "./outputs.js";

const ID = "ipyproc:running";
const AREA = "menu"; // of a shell without a status bar, which has the kernel's status there
const RANK = 900; // left of that one

/** Makes the table in a notebook that has none; what it is made with is the notebook's. */
export interface Actions {
  insertBelow(notebook: unknown): void;
  run(notebook: unknown, session: unknown): Promise<boolean>;
}

export class Status {
  private readonly counts = new WeakMap<Context, number>();
  private readonly button = h("button", { class: "ipyproc-running", type: "button" });
  private readonly item: Widget;

  constructor(
    app: App,
    { Widget }: Widgets,
    bar: StatusBar | null,
    private readonly tracker: Tracker,
    private readonly actions: Actions | undefined,
  ) {
    this.button.title = "Show the table of jobs (%procs)";
    this.button.style.cssText =
      "margin:0 6px;padding:0 6px;border:0;background:none;color:inherit;font:inherit;cursor:pointer";
    this.button.onclick = () => void this.lead();
    const node = h("div", {}, this.button);
    node.style.cssText = "display:flex;align-items:center;height:100%";
    this.item = new Widget({ node });
    this.item.id = ID;
    if (bar) bar.registerStatusItem(ID, { item: this.item, align: "left", rank: 3 });
    else app.shell.add(this.item, AREA, { rank: RANK });
    tracker.currentChanged.connect(() => this.show());
    this.show();
  }

  /** Notes how many jobs of a notebook's kernel run. */
  runs(context: Context, count: number): void {
    this.counts.set(context, count);
    this.show();
  }

  private get panel(): Panel | null {
    return this.tracker.currentWidget;
  }

  private show(): void {
    const count = this.panel ? (this.counts.get(this.panel.context) ?? 0) : 0;
    say(this.button, count ? `${count} ${count > 1 ? "jobs run" : "job runs"}` : "");
    if (count) this.item.show();
    else this.item.hide();
  }

  /** Leads to the last table of jobs of the notebook; makes one if there is none. */
  private async lead(): Promise<void> {
    const { panel } = this;
    if (!panel) return;
    const { content, context } = panel;
    const found = [...places(context.model)].filter(({ cell, index }) => tableIn(cell.outputs.get(index).data)).at(-1);
    if (found) {
      content.activeCellIndex = content.widgets.findIndex(({ model }) => model === found.cell);
    } else if (this.actions) {
      this.actions.insertBelow(content);
      content.activeCell?.model.sharedModel.setSource("%procs");
      await this.actions.run(content, context.sessionContext);
    }
    await content.scrollToItem(content.activeCellIndex, "smart");
  }
}
