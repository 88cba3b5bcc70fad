// What a job uses while it runs; on request its processes, and any signal for them.
import { button, h, say, svg } from "./dom.js";
import { duration, size } from "./format.js";
import { portLink } from "./port_link.js";
import type * as protocol from "./protocol.js";
import type { Requests } from "./request.js";

const SAMPLES = 60;
const HEIGHT = 14;
const QUIET = 5; // seconds without output after which that is said
const BUSY = 20; // percent of a processor above which a job computes
const OLD = 5; // seconds after which figures say how old they are

type Figures = Omit<protocol.Usage, "kind" | "ports" | "proxy" | "course"> & Partial<protocol.Usage>;

/** A line of figures that opens; `look` is called when it does. */
export class Usage {
  readonly element: HTMLDetailsElement;
  private readonly curve = svg("path", {});
  private readonly picture = svg("svg", { role: "img", width: SAMPLES, height: HEIGHT }, this.curve);
  private readonly figures = h("span", {}, "Processes and signals");
  private readonly ports = h("span", { class: "ipyproc-ports" });
  private readonly course = h("div", { class: "ipyproc-course" });
  private readonly tree = h("ul", { "aria-label": "Processes" });
  private readonly stopper: HTMLButtonElement;
  private stopped = false;
  private text = "";
  private at = 0; // when the figures came
  private share = 0; // of a processor, in percent
  /** Seconds without output, and what the job may be waiting for; null: it does not run. */
  silent = 0;
  waits: string | null = null;

  constructor(signals: string[], requests: Requests, look: () => void) {
    const choice = h("select", { "aria-label": "Any signal" }, ...signals.map((name) => h("option", {}, name)));
    const all = h("input", { type: "checkbox" });
    const send = (pressed: HTMLElement) =>
      requests.act(pressed, { action: "signal", signal: choice.value, tree: all.checked });
    this.stopper = button("Stop", (pressed) => requests.act(pressed, { action: this.stopped ? "continue" : "stop" }));
    const row = h("p", {}, this.stopper, choice, button("Signal", send), h("label", {}, all, "all that it started"));
    const summary = h("summary", { title: "Processes and signals" }, this.picture, this.figures, this.ports);
    this.element = h("details", { class: "ipyproc-usage" }, summary, this.tree, this.course, row);
    this.element.ontoggle = look;
  }

  /** Shows a message of the kernel. */
  heard({ cpu, memory, processes, tree, ports = [], proxy, course = [] }: Figures): void {
    const most = Math.max(100, ...cpu);
    const points = cpu.map((c, i) => [SAMPLES - cpu.length + i, HEIGHT - 1 - ((HEIGHT - 2) * c) / most]);
    this.curve.setAttribute("d", `M${points.join("L")}`);
    this.picture.style.display = "inline";
    this.picture.setAttribute("aria-label", `processor: up to ${Math.max(...cpu)} % in ${cpu.length} s`);
    this.text = `${cpu.at(-1)} % CPU · ${size(memory)} · ${processes} ${processes > 1 ? "processes" : "process"}`;
    this.at = Date.now();
    this.share = cpu.at(-1) ?? 0;
    this.ports.replaceChildren(...ports.map((port) => portLink(port, `port ${port}`, proxy)));
    if (tree) this.course.replaceChildren(...course.map(([what, drawn]) => h("p", {}, what, h("code", {}, drawn))));
    if (tree) this.tree.replaceChildren(branch(tree));
    this.show();
  }

  /** Shows the figures, and how old they are if the kernel sends no others. */
  show(): void {
    const age = (Date.now() - this.at) / 1000;
    const text = age < OLD || !this.text ? this.text : `${this.text} · ${duration(age)} ago`;
    const waits = this.waits || (this.share > BUSY ? "it computes" : "it waits or sleeps");
    const silence =
      this.silent < QUIET || this.waits === null ? "" : `no output for ${duration(this.silent)}: ${waits}`;
    const parts = [text, silence].filter(Boolean);
    if (parts.length) say(this.figures, parts.join(" · "));
  }

  set status(status: string) {
    this.stopped = status === "stopped";
    say(this.stopper, this.stopped ? "Continue" : "Stop");
  }
}

const branch = ([pid, name, cpu, memory, below]: protocol.Branch): HTMLElement =>
  h(
    "li",
    {},
    h("div", {}, h("code", {}, name), `pid ${pid}`, h("span", {}, `${cpu} %`), h("span", {}, size(memory))),
    ...(below.length ? [h("ul", {}, ...below.map(branch))] : []),
  );
