// A field that finds text in a terminal, its scroll-back included.
import { SearchAddon } from "@xterm/addon-search";
import type { Terminal as Xterm } from "@xterm/xterm";
import { button, h, say } from "./dom.js";

// Any colour that is seen on both grounds; xterm.js takes no variables.
const MARKS = {
  matchBackground: "#b58900",
  activeMatchBackground: "#cb4b16",
  matchOverviewRuler: "#b58900",
  activeMatchColorOverviewRuler: "#cb4b16",
};

/** Opens with Ctrl-Shift-F; Enter and Shift-Enter go on, and Escape closes it. */
export class Finder {
  private readonly search = new SearchAddon();
  private readonly field = h("input", { "aria-label": "Find in output", autocomplete: "off", spellcheck: "false" });
  private readonly count = h("small", { class: "ipyproc-found", role: "status" });
  private readonly form = h("form", { hidden: "" }, this.field, this.count);

  constructor(
    private readonly xterm: Xterm,
    where: HTMLElement,
  ) {
    xterm.loadAddon(this.search);
    this.search.onDidChangeResults(({ resultIndex, resultCount }) => {
      const at = resultIndex < 0 ? resultCount : `${resultIndex + 1} of ${resultCount}`;
      say(this.count, this.field.value ? `${at}` : "");
    });
    this.form.append(
      button("Previous", () => this.find(true)),
      button("Next", () => this.find()),
      button("Close", () => this.close()),
    );
    this.field.oninput = () => this.find(false, true);
    this.form.onsubmit = (event) => event.preventDefault();
    this.field.onkeydown = (event) => {
      if (event.key === "Enter") this.find(event.shiftKey);
      if (event.key === "Escape") this.close();
    };
    where.append(this.form);
  }

  open(): void {
    this.form.hidden = false;
    this.field.select();
    this.field.focus();
  }

  private find(before = false, incremental = false): void {
    const options = { decorations: MARKS, incremental };
    if (before) this.search.findPrevious(this.field.value, options);
    else this.search.findNext(this.field.value, options);
  }

  private close(): void {
    this.form.hidden = true;
    this.search.clearDecorations();
    this.xterm.focus();
  }

  stop(): void {
    this.search.dispose();
  }
}
