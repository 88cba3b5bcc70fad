// The pane of a job: the module that anywidget loads.
import { Becoming, type TerminalTraits } from "./becoming.js";
import { button, frame, h, say } from "./dom.js";
import { Feed } from "./feed.js";
import { duration, process } from "./format.js";
import { Input } from "./input.js";
import { live, type View } from "./live.js";
import type { Model } from "./model.js";
import { Output } from "./output.js";
import type { Elder, FromKernel } from "./protocol.js";
import { PATIENCE, Requests } from "./request.js";
import { stateTable } from "./state_table.js";
import { Tools } from "./tools.js";
import { Usage } from "./usage.js";
import { Viewer } from "./viewer.js";

const GONE = "the kernel is gone: this is how it was";
const CLEARED = "this job was cleared: what is not shown here is gone";

interface JobTraits extends TerminalTraits {
  height: number | null;
  signals: string[];
}

/** One view of a job. It knows nothing that the kernel did not say. */
class JobPane implements View {
  readonly node: HTMLElement;
  readonly viewer: Viewer;
  stays = false;
  private readonly requests: Requests;
  private readonly feed: Feed;
  private readonly output = new Output(() => this.drawn());
  private readonly becoming: Becoming;
  private readonly usage: Usage;
  private readonly tools: Tools;
  private readonly badge = h("span", { class: "ipyproc-status", role: "status" });
  private readonly tag = h("span", { class: "ipyproc-tag" });
  private readonly reason = h("span", { class: "ipyproc-reason" });
  private readonly name = h("b", {});
  private readonly command = h("code", {});
  private readonly elders = h("p", { class: "ipyproc-elders" });
  private readonly facts = h("small", {});
  private readonly signals: HTMLElement;
  private readonly again: HTMLButtonElement;
  private readonly input: Input;
  private readonly after = h("div", {});
  private left?: string; // the tag that says why nothing more will be known

  constructor(private readonly model: Model<JobTraits>) {
    const requests = new Requests(model, () => this.leave("kernel gone", GONE));
    this.requests = requests;
    this.feed = new Feed(model, requests, this.output);
    this.input = new Input(requests);
    const [drawn, done] = [() => this.drawn(), () => this.input.remove()];
    this.becoming = new Becoming(model, requests, this.feed, this.output, drawn, done, this.input.take);
    this.signals = requests.signals();
    this.usage = new Usage(model.get("signals"), requests, () => this.viewer.look());
    this.again = requests.button("Run again", "again");
    this.tools = new Tools(model, requests, this.feed, this.output, () => this.node);
    const bar = h("div", { class: "ipyproc-bar" }, this.usage.element, this.tools.row);
    const right = h("div", {}, this.signals, this.again);
    const head = h("header", {}, this.badge, this.reason, this.tag, this.name, this.command, this.facts, right);
    const { above, log } = this.output;
    const { notice, echo, form } = this.input;
    const parts = [head, this.elders, bar, above, log, notice, echo, form, requests.message, this.after];
    this.node = frame("ipyproc-job", ...parts);
    this.viewer = new Viewer(model, this.node, requests, {
      every: 5 * PATIENCE,
      look: () => (this.over ? null : { tree: this.usage.element.open }),
      tick: (seen) => this.tick(seen),
      returned: () => this.feed.ready(),
    });
    model.on("msg:custom", this.heard);
    this.update();
    if (!model.get("state").terminal) this.feed.ready();
  }

  /** Whether the job has ended. */
  private get over(): boolean {
    return this.model.get("state").ran !== null;
  }

  update(): void {
    const {
      name,
      number,
      label,
      host,
      elders,
      command,
      dir,
      pid,
      status,
      text,
      success,
      reason,
      stdin,
      facts,
      timed_out,
      masked,
      elsewhere,
    } = this.model.get("state");
    this.node.setAttribute("aria-label", `Job ${name}`);
    this.node.style.setProperty("--rows", String(this.model.get("height") ?? ""));
    Object.assign(this.node.dataset, { name, number, host, pid: pid ?? "", status, good: success === true });
    say(this.badge, text);
    say(this.reason, reason);
    this.reason.title = reason;
    say(this.tag, [timed_out ? "timed out" : "", this.left].filter(Boolean).join(" · "));
    say(this.name, label);
    this.showElders(elders);
    say(this.command, command);
    this.command.title = dir ? `${command}\nin ${dir}` : command;
    this.output.log.setAttribute("aria-label", `Output of ${name}`);
    this.usage.status = status;
    this.usage.waits =
      { stopped: "it is stopped", running: masked ? "it asks for a password" : stdin ? "it may wait for input" : "" }[
        status
      ] ?? null;
    this.signals.hidden = this.over;
    this.again.hidden = !this.over;
    if (this.over) this.usage.element.remove();
    if (!stdin) this.input.remove();
    this.input.mask(masked);
    this.input.elsewhere = elsewhere;
    if (facts && !this.after.firstChild) this.after.append(stateTable(facts));
    this.time();
    this.tools.changed();
    this.becoming.update();
    this.feed.update();
    this.feed.settle();
  }

  /** Offers to end the older jobs of the same name that run. */
  private showElders(elders: Elder[]): void {
    const shown = JSON.stringify(elders);
    if (this.elders.dataset.shown === shown) return;
    this.elders.dataset.shown = shown;
    const each = elders.map(([number, label, pid]) => {
      const end = button(`End ${label}`, () => this.requests.act(end, { action: "end_elder", number }));
      return h("span", {}, pid === null ? `${label} is queued ` : `${label} (pid ${pid}) still runs `, end);
    });
    const folded = h("details", {}, h("summary", {}, `${each.length} older runs are not over`), ...each);
    folded.open = this.elders.querySelector("details")?.open ?? false;
    this.elders.replaceChildren(...(each.length > 1 ? [folded] : each));
  }

  /** Runs regularly, even if the kernel sends nothing. */
  private tick(seen: boolean): void {
    this.output.sighted(seen);
    this.becoming.update();
    this.time();
    this.usage.silent = (Date.now() - this.feed.came) / 1000;
    this.usage.show();
  }

  private time(): void {
    const { pid, host, started, ran } = this.model.get("state");
    say(this.facts, `${process(pid, host)} · ${ran ?? duration(Date.now() / 1000 + this.feed.skew - started)}`);
  }

  private readonly heard = (message: FromKernel): void => {
    if (message.kind === "forget") this.stays = true;
    if (message.kind === "usage") this.usage.heard(message);
  };

  private drawn(): void {
    this.tools.update(this.feed.have > 0, this.model.get("state").terminal !== null);
    this.feed.drawn();
  }

  moved(): void {
    this.output.follow = true; // what is moved is scrolled to its beginning
    this.feed.settle();
  }

  closed(): void {
    this.leave("", CLEARED);
  }

  /** Stops showing news, and says why. */
  private leave(tag: string, reason: string): void {
    if (this.left !== undefined) return;
    this.left = tag;
    this.node.dataset.gone = "true";
    this.stop();
    this.update();
    if (!this.over) say(this.requests.message, reason);
    const controls = this.node.querySelectorAll<HTMLButtonElement>("button, input, select");
    for (const control of controls) control.disabled = true;
    this.tools.saver.title = reason;
  }

  stop(): void {
    this.requests.stop();
    this.feed.stop();
    this.becoming.stop();
    this.viewer.stop();
    this.tools.stop();
    this.model.off("msg:custom", this.heard);
  }
}

export default live<JobTraits>((model) => new JobPane(model), { settles: true });
