// The pane of a process that was found by its pid: the module that anywidget loads.
import { frame, h, say } from "./dom.js";
import { duration } from "./format.js";
import { live, type View } from "./live.js";
import type { Model } from "./model.js";
import type { ProcessFields } from "./protocol.js";
import { Rows, type RowsTraits } from "./rows.js";
import { Usage } from "./usage.js";
import type { Viewer } from "./viewer.js";

const KEY = "process"; // of the only row

interface Notes {
  refusal: string | null;
  end: string | null;
}

interface ProcessTraits extends RowsTraits {
  signals: string[];
}

class ProcessPane implements View {
  readonly node: HTMLElement;
  private readonly rows: Rows<ProcessFields, Notes>;
  private readonly badge = h("span", { class: "ipyproc-status", role: "status" });
  private readonly name = h("b", {});
  private readonly command = h("code", {});
  private readonly times = h("small", {});
  private readonly facts = h("tbody", { role: "rowgroup" });
  private readonly note = h("p", {});
  private readonly signals: HTMLElement;
  private readonly usage: Usage;
  private measured: ProcessFields["usage"] = null; // what the line of figures shows

  constructor(model: Model<ProcessTraits>) {
    this.node = frame("ipyproc-found");
    this.rows = new Rows(model, this.node, () => this.update());
    const { requests } = this.rows;
    this.signals = requests.signals();
    this.usage = new Usage(model.get("signals"), requests, () => {});
    // What others started is not ours to signal all at once.
    this.usage.element.querySelector("label")?.remove();
    const table = h("table", { role: "table", class: "ipyproc-process" }, this.facts);
    const header = h("header", {}, this.badge, this.name, this.command, this.times, this.signals);
    this.node.append(header, this.usage.element, this.note, requests.message, table);
    this.update();
  }

  update(): void {
    const { rows, notes, now } = this.rows;
    const row = rows.get(KEY)!;
    const { pid, name, state, status, command, started, ended, usage } = row;
    this.node.setAttribute("aria-label", `Process ${pid}`);
    Object.assign(this.node.dataset, { name, pid, status: state });
    say(this.badge, status);
    say(this.name, name);
    say(this.command, command);
    this.command.title = command;
    say(this.times, `pid ${pid} · ${duration((ended ?? now) - started)}`);
    this.fact("User", row.user);
    this.fact("Parent", row.parent);
    this.fact("Started", row.since);
    this.fact("Threads", row.threads);
    this.usage.status = state;
    if (usage && usage !== this.measured) this.usage.heard(usage);
    else this.usage.show();
    this.measured = usage;
    say(this.note, notes.end ?? notes.refusal ?? "");
    const controls = this.node.querySelectorAll<HTMLButtonElement>(".ipyproc-usage > p > *, header button");
    for (const control of controls) control.disabled = !!notes.refusal || this.rows.requests.closed;
    this.signals.hidden = ended !== null;
    if (ended !== null) this.usage.element.remove();
  }

  get viewer(): Viewer {
    return this.rows.viewer;
  }

  private fact(label: string, value: string | number | null): void {
    const text = String(value ?? "unknown");
    const known = [...this.facts.rows].find((row) => row.dataset.label === label);
    if (known) {
      say(known.lastElementChild!, text);
      return;
    }
    const th = h("th", { scope: "row", role: "rowheader" }, label);
    this.facts.append(h("tr", { role: "row", "data-label": label }, th, h("td", { role: "cell" }, text)));
  }

  stop(): void {
    this.rows.stop();
  }
}

export default live<ProcessTraits>((model) => new ProcessPane(model), { settles: true });
