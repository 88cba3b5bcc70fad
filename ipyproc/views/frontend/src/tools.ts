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
  private readonly finder = button("Find", () => this.read((reader) => reader.look(), this.finder));
  private readonly wrap = button("Wrap", () => this.wrapped());
  private readonly times = button("Times", () => this.read((reader) => void reader.next(), this.times));
  private readonly copier = button("Copy", () => this.read((reader) => void reader.copy(), this.copier));
  private readonly clearer = button("Clear view", () => this.output.hide());
  private readonly filler = button("Fill window", () => this.fill());

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
    const parts = [this.finder, this.wrap, this.times, this.copier, this.clearer, this.filler, this.saver, this.format];
    this.row = h("div", { class: "ipyproc-tools", role: "group", "aria-label": "Output" }, ...parts);
    this.row.hidden = true;
    this.pressed(this.wrap, true);
    this.pressed(this.times, false);
    this.pressed(this.filler, false);
    output.more.onclick = () => this.above();
    output.reached = () => this.above();
  }

  private pressed(tool: HTMLElement, isOn: boolean): void {
    tool.setAttribute("aria-pressed", String(isOn));
  }

  /** Offers what is of use for what is there. */
  update(has: boolean, isTerminal: boolean): void {
    this.row.hidden = !has;
    for (const tool of [this.finder, this.wrap, this.times, this.copier, this.clearer]) tool.hidden = isTerminal;
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

  /** Fills the window, above all else on the page, until Escape. */
  private fill(): void {
    const node = this.node();
    const place = node.parentElement;
    if (node.hasAttribute("popover")) {
      node.removeAttribute("popover");
      document.removeEventListener("keydown", this.escape, true);
      if (place) place.style.minHeight = "";
    } else {
      // What it leaves stays as high, so that the page does not move.
      if (place) place.style.minHeight = `${node.offsetHeight}px`;
      node.setAttribute("popover", "manual");
      node.showPopover();
      document.addEventListener("keydown", this.escape, true);
    }
    this.pressed(this.filler, node.hasAttribute("popover"));
    this.output.draw();
  }

  private readonly escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.defaultPrevented || event.shiftKey) return;
    if (this.reader?.form.contains(document.activeElement)) return;
    event.preventDefault();
    event.stopPropagation();
    this.fill();
    this.filler.focus();
  };

  stop(): void {
    this.reader?.stop();
    document.removeEventListener("keydown", this.escape, true);
  }
}
