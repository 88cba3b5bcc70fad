// The pane of a process that is not ours: the module that anywidget loads.
import { button, h, say } from "./element.js";
import { twin } from "./twin.js";
import { Usage } from "./usage.js";
import { Watching } from "./watching.js";
import { duration } from "./words.js";

const FACTS = { User: "user", Parent: "parent", Started: "since", Threads: "threads" };

class Found {
  constructor(model) {
    const attributes = { class: "ipyproc-found tex2jax_ignore mathjax_ignore", "data-lm-suppress-shortcuts": "true" };
    this.node = h("section", attributes);
    this.watching = new Watching(model, this.node, () => this.draw());
    this.build(model.get("signals"));
    this.draw();
  }

  build(signals) {
    const { asking, message } = this.watching;
    const act = (name, action) => {
      const made = button(name, (pressed) => asking.act(action, pressed));
      made.dataset.acts = true;
      return made;
    };
    this.badge = h("span", { class: "ipyproc-status", role: "status" });
    this.name = h("b", {});
    this.command = h("code", {});
    this.times = h("small", {});
    this.signals = h("div", {}, act("Interrupt", "interrupt"), act("Terminate", "terminate"), act("Kill", "kill"));
    this.usage = new Usage(
      signals,
      (...given) => asking.act(...given),
      () => {},
    );
    // What others started is not ours to signal all at once.
    this.usage.element.querySelector("label")?.remove();
    this.facts = h("tbody", { role: "rowgroup" });
    this.note = h("p", {});
    const table = h("table", { role: "table", class: "ipyproc-process" }, this.facts);
    const header = h("header", {}, this.badge, this.name, this.command, this.times, this.signals);
    this.node.append(header, this.usage.element, this.note, message, table);
    this.node.onkeydown = (event) => event.stopPropagation(); // not the notebook's
  }

  update() {
    this.draw();
  }

  draw() {
    const { rows, notes, now } = this.watching;
    const row = rows.get("process");
    const { pid, name, state, status, command, started, ended, usage } = row;
    this.node.setAttribute("aria-label", `Process ${pid}`);
    Object.assign(this.node.dataset, { name, pid, status: state });
    say(this.badge, status);
    say(this.name, name);
    say(this.command, command);
    this.command.title = command;
    say(this.times, `pid ${pid} · ${duration((ended ?? now) - started)}`);
    for (const label in FACTS) this.fact(label, row[FACTS[label]] ?? "unknown");
    this.usage.status = state;
    if (usage && usage !== this.measured) this.usage.heard(usage);
    else this.usage.show();
    this.measured = usage;
    say(this.note, notes.end ?? notes.refusal ?? "");
    for (const control of this.node.querySelectorAll(".ipyproc-usage > p > *, [data-acts]")) {
      control.disabled = !!notes.refusal || this.watching.gone;
    }
    this.signals.hidden = ended !== null;
    if (ended !== null) this.usage.element.remove();
  }

  fact(label, value) {
    const known = [...this.facts.rows].find((row) => row.dataset.label === label);
    if (known) return say(known.lastChild, String(value));
    const th = h("th", { scope: "row", role: "rowheader" }, label);
    this.facts.append(h("tr", { role: "row", "data-label": label }, th, h("td", { role: "cell" }, String(value))));
  }

  stop() {
    this.watching.stop();
  }
}

export default { ...twin((model) => new Found(model)) };
