// What a job uses while it runs; on request its processes, and any signal for them.
import { button, h, say } from "./element.js";
import { duration, size } from "./words.js";

const SAMPLES = 60, HEIGHT = 14, OLD = 5;

/** A line of figures that opens. `act` signals the job, `look` asks for the figures. */
export class Usage {
  constructor(signals, act, look) {
    this.curve = h("path", {});
    this.picture = h("svg", { role: "img", width: SAMPLES, height: HEIGHT }, this.curve);
    this.figures = h("span", {}, "Processes and signals");
    this.tree = h("ul", { "aria-label": "Processes" });
    const choice = h("select", { "aria-label": "Any signal" }, ...signals.map((name) => h("option", {}, name)));
    const all = h("input", { type: "checkbox" });
    const send = (pressed) => act("signal", pressed, { signal: choice.value, tree: all.checked });
    this.stopper = button("Stop", (pressed) => act(this.stopped ? "continue" : "stop", pressed));
    const row = h("p", {}, this.stopper, choice, button("Signal", send), h("label", {}, all, "all that it started"));
    const summary = h("summary", { title: "Processes and signals" }, this.picture, this.figures);
    this.element = h("details", { class: "ipyproc-usage" }, summary, this.tree, row);
    this.element.ontoggle = look;
  }

  /** Show a message of the kernel. */
  heard({ cpu, memory, processes, tree }) {
    const most = Math.max(100, ...cpu);
    const points = cpu.map((c, i) => [SAMPLES - cpu.length + i, HEIGHT - 1 - ((HEIGHT - 2) * c) / most]);
    this.curve.setAttribute("d", "M" + points.join("L"));
    this.picture.style.display = "inline";
    this.picture.setAttribute("aria-label", `processor: up to ${Math.max(...cpu)} % in ${cpu.length} s`);
    this.text = `${cpu.at(-1)} % CPU · ${size(memory)} · ${processes} ${processes > 1 ? "processes" : "process"}`;
    this.at = Date.now();
    if (tree) this.tree.replaceChildren(branch(tree));
    this.show();
  }

  /** Show figures, and how old they are if the kernel sends no others. */
  show() {
    const age = (Date.now() - this.at) / 1000;
    if (this.text) say(this.figures, age < OLD ? this.text : `${this.text} · ${duration(age)} ago`);
  }

  set status(status) {
    this.stopped = status === "stopped";
    say(this.stopper, this.stopped ? "Continue" : "Stop");
  }
}

const branch = ([pid, name, cpu, memory, below]) =>
  h(
    "li",
    {},
    h("div", {}, h("code", {}, name), `pid ${pid}`, h("span", {}, `${cpu} %`), h("span", {}, size(memory))),
    ...(below.length ? [h("ul", {}, ...below.map(branch))] : []),
  );
