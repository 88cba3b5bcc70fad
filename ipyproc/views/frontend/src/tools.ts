// The tools of a pane: one row of buttons for its output.
import { button, h } from "./dom.js";
import type { Feed, FeedTraits } from "./feed.js";
import { library } from "./library.js";
import type { Model } from "./model.js";
import type { Output } from "./output.js";
import type { Format, Reader } from "./reader.js";
import type { Requests } from "./request.js";

export class Tools {
  readonly row: HTMLElement;
  private reader?: Reader;
  private asked = false; // whether the bell was set as the cell says
  private readonly finder = button("Find", () => this.read((reader) => reader.look(), this.finder));
  private readonly wrap = button("Wrap", () => this.wrapped());
  private readonly times = button("Times", () => this.read((reader) => void reader.next(), this.times));
  private readonly copier = button("Copy", () => this.read((reader) => void reader.copy(), this.copier));
  private readonly clearer = button("Clear view", () => this.output.hide(this.feed.have));
  private readonly filler = button("Fill window", () => this.read((reader) => reader.fill(this.filler), this.filler));
  private readonly bell = button("Notify", () => this.read((reader) => reader.bell(this.bell), this.bell));

  private readonly format = h(
    "select",
    { "aria-label": "Save as" },
    ...["txt", "html", "cast"].map((format) => h("option", {}, format)),
  );
  readonly saver = button("Save output", () =>
    this.read((reader) => reader.save(this.format.value as Format), this.saver),
  );

  constructor(
    private readonly model: Model<FeedTraits>,
    private readonly requests: Requests,
    private readonly feed: Feed,
    private readonly output: Output,
    private readonly node: () => HTMLElement,
  ) {
    const parts = [
      this.finder,
      this.wrap,
      this.times,
      this.copier,
      this.clearer,
      this.filler,
      this.saver,
      this.format,
      this.bell,
    ];
    this.row = h("div", { class: "ipyproc-tools", role: "group", "aria-label": "Output" }, ...parts);
    this.row.hidden = true;
    this.pressed(this.wrap, true);
    this.pressed(this.times, false);
    this.pressed(this.filler, false);
    this.pressed(this.bell, false);
    output.more.onclick = () => this.above();
    output.reached = () => this.above();
  }

  private pressed(tool: HTMLElement, isOn: boolean): void {
    tool.setAttribute("aria-pressed", String(isOn));
  }

  /** The state of the job has changed. */
  changed(): void {
    this.update(this.feed.have > 0, this.model.get("state").terminal !== null);
    this.reader?.changed();
    if (this.model.get("notify") && !this.asked && !this.bell.hidden) this.bell.click();
    this.asked = true;
  }

  /** Offers what is of use for what is there. */
  update(has: boolean, isTerminal: boolean): void {
    const isOver = this.model.get("state").ran !== null;
    this.row.hidden = !has && isOver;
    this.bell.hidden = isOver;
    for (const tool of [this.saver, this.format]) tool.hidden = !has;
    for (const tool of [this.finder, this.wrap, this.times, this.copier, this.clearer])
      tool.hidden = isTerminal || !has;
    if (isTerminal && this.reader) {
      this.reader.leave();
      this.reader.form.hidden = true;
    }
    this.reader?.printed();
  }

  /** Does something with what was printed, once what does it is here. */
  private async read(act: (reader: Reader) => void, pressed: HTMLElement): Promise<void> {
    const { model, requests, output } = this;
    if (!this.reader) {
      pressed.setAttribute("aria-busy", "true");
      try {
        const { open } = await library("reader", model, requests);
        this.reader ??= open({
          model,
          requests,
          state: () => model.get("state"),
          have: () => this.feed.have,
          log: output.log,
          node: this.node(),
          draw: () => output.draw(),
          swap: (other) => this.swap(other),
          closed: () => this.finder.focus(),
        });
        this.row.parentElement?.after(this.reader.form);
      } catch {
        return;
      } finally {
        pressed.removeAttribute("aria-busy");
      }
    }
    act(this.reader);
    this.timed();
  }

  private timed(): void {
    const shows = this.reader?.shows ?? "";
    this.pressed(this.times, shows !== "");
    this.times.title = shows;
  }

  private above(): void {
    void this.read((reader) => reader.above(this.output.log.childElementCount), this.output.more);
  }

  private swap(other: [HTMLElement, HTMLElement] | null): void {
    const { output } = this;
    const shown = this.shown;
    const focused = shown.contains(document.activeElement);
    const [log, note] = other ?? [output.log, output.above];
    shown.previousElementSibling?.replaceWith(note);
    shown.replaceWith(log);
    if (!other) {
      output.follow = true;
      output.draw();
    }
    if (focused) log.focus({ preventScroll: true });
    this.timed();
  }

  /** The log that is on the page. */
  private get shown(): HTMLElement {
    return this.node().querySelector<HTMLElement>(".ipyproc-output") ?? this.output.log;
  }

  private wrapped(): void {
    const { dataset } = this.node();
    dataset.wrap = String(dataset.wrap === "false");
    this.pressed(this.wrap, dataset.wrap === "true");
  }

  stop(): void {
    this.reader?.stop();
  }
}
