// A terminal: xterm.js on the output of a job. It is no part of the pane's own module, but
// of the library that a page gets when it shows the first terminal (library.ts).
import { FitAddon } from "@xterm/addon-fit";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { Terminal as Xterm } from "@xterm/xterm";
import { colours, watchColours } from "./colours.js";
import { h } from "./dom.js";
import type { Sink } from "./feed.js";
import { Finder } from "./finder.js";
import type { Begin, Size } from "./protocol.js";

declare const STYLE: string; // the style sheet of xterm.js and ours (build.mjs)

const LEAST: Size = [5, 20];
const SCROLLBACK = 1000; // as many lines as a log
const OURS = 1000; // ms for which a size that we asked for may differ from the one that is told

/** What a terminal says to its pane. */
export interface Host {
  readonly size: Size;
  readonly font: CSSStyleDeclaration;
  readonly reader: boolean;
  /** All that was fed is on the screen. */
  drawn(): void;
  typed(text: string): void;
  /** What the terminal itself says to the program, which asked for it. */
  answered(text: string): void;
  /** So much would fit; `focused`: it has the keyboard. */
  fits(size: Size, focused: boolean): void;
  /** The reader wants to leave it. */
  left(): void;
  /** Somebody clicked into it while the keyboard was elsewhere, and selected nothing. */
  take(): void;
}

export interface Terminal extends Sink {
  readonly element: HTMLElement;
  size: Size;
  /** Whether another session has the keyboard: nothing can be typed, or is answered. */
  elsewhere: boolean;
  /** Shows it in an element that is on the page. */
  opened(): void;
  focus(): void;
  stop(): void;
}

// What xterm.js does not promise; its version is that of the lock file.
interface Inside {
  _core: {
    _inputHandler: { eraseInDisplay(params: { params: number[] }): void };
    coreService: { onUserInput(callback: () => void): void };
    _renderService: { dimensions: { css: { cell: { height: number } } } };
  };
}

class Screen implements Terminal {
  readonly element = h("div", { class: "ipyproc-terminal" });
  private readonly xterm: Xterm;
  private readonly fit = new FitAddon();
  private readonly finder: Finder;
  private readonly watching: ResizeObserver;
  private readonly unwatch: () => void;
  // What was written and is not on the screen yet, in order: whether it must not be answered.
  private readonly pending: boolean[] = [];
  private quiet = Number.POSITIVE_INFINITY; // so many bytes that come must not be answered
  private ended = false; // whether the program has
  private asked = ""; // the size that was asked for last, and when
  private askedAt = 0;

  constructor(private readonly host: Host) {
    const [rows, cols] = host.size;
    const { fontFamily, fontSize } = host.font;
    this.xterm = new Xterm({
      allowProposedApi: true,
      rows,
      cols,
      fontFamily,
      fontSize: Number.parseFloat(fontSize) || 13,
      scrollback: SCROLLBACK,
      cursorInactiveStyle: "outline",
      minimumContrastRatio: 4.5,
      screenReaderMode: host.reader,
      linkHandler: { activate: (_, address) => void window.open(address, "_blank", "noopener") },
    });
    this.xterm.loadAddon(this.fit);
    this.xterm.loadAddon(new Unicode11Addon());
    this.xterm.unicode.activeVersion = "11";
    this.finder = new Finder(this.xterm, this.element);
    this.listen();
    this.watching = new ResizeObserver(() => this.measure());
    this.unwatch = watchColours(() => this.paint());
  }

  /** Passes on what is typed, and what the terminal says of itself while it may. */
  private listen(): void {
    let typed = false;
    (this.xterm as unknown as Inside)._core.coreService.onUserInput(() => {
      typed = true;
    });
    this.xterm.onData((data) => {
      if (typed) this.host.typed(data);
      else if (!(this.pending[0] ?? this.quiet > 0)) this.host.answered(data);
      typed = false;
    });
    // Erasing all up to the last cell makes xterm.js 6.0 fail, and read no more.
    this.xterm.parser.registerCsiHandler({ final: "J" }, ([part]) => {
      const { cursorX, cursorY } = this.xterm.buffer.active;
      if (part !== 1 || cursorX < this.xterm.cols - 1 || cursorY < this.xterm.rows - 1) return false;
      (this.xterm as unknown as Inside)._core._inputHandler.eraseInDisplay({ params: [2] });
      return true;
    });
    this.xterm.onBinary((data) => this.host.typed(data));
    this.xterm.attachCustomKeyEventHandler((event) => this.passes(event));
    // Before xterm.js tells the program of it: only who has the keyboard may.
    const focused = ({ target }: Event) => target === this.xterm.textarea && this.measure(true);
    this.element.addEventListener("focus", focused, true);
    this.element.addEventListener("click", () => {
      if (this.elsewhere && !this.ended && !this.xterm.hasSelection()) this.host.take();
    });
  }

  /** Whether a key is the program's: all are but those that no program gets in a browser. */
  private passes(event: KeyboardEvent): boolean {
    if (event.shiftKey && event.key === "Escape") {
      event.preventDefault();
      if (event.type === "keydown") this.host.left();
      return false;
    }
    if (!event.shiftKey || !(event.ctrlKey || event.metaKey)) return true;
    const key = event.key.toLowerCase();
    if (key === "v") return false; // the browser pastes
    if (key !== "c" && key !== "f") return true;
    event.preventDefault();
    if (event.type === "keydown" && key === "f") this.finder.open();
    if (event.type === "keydown" && key === "c") {
      void navigator.clipboard?.writeText(this.xterm.getSelection()).catch(() => document.execCommand("copy"));
    }
    return false;
  }

  opened(): void {
    if (!document.querySelector("style[data-ipyproc-terminal]")) {
      document.head.append(h("style", { "data-ipyproc-terminal": "" }, STYLE));
    }
    this.size = this.host.size;
    this.xterm.open(this.element);
    this.paint();
    this.grow();
    this.watching.observe(this.element);
  }

  private paint(): void {
    if (this.element.isConnected) this.xterm.options.theme = colours(this.element);
  }

  get size(): Size {
    return [this.xterm.rows, this.xterm.cols];
  }

  get elsewhere(): boolean {
    return this.xterm.options.disableStdin ?? false;
  }

  set elsewhere(value: boolean) {
    this.xterm.options.disableStdin = value || this.ended;
  }

  /** The size that the program sees; the pane that has the keyboard decides it. */
  set size([rows, columns]: Size) {
    Object.assign(this.element.dataset, { rows, columns });
    if (rows === this.xterm.rows && columns === this.xterm.cols) return;
    this.xterm.resize(columns, rows);
    if (Date.now() - this.askedAt > OURS) this.grow();
  }

  /** Makes room for all rows. */
  private grow(): void {
    const { height } = (this.xterm as unknown as Inside)._core._renderService.dimensions.css.cell;
    const { paddingTop, paddingBottom } = getComputedStyle(this.element);
    const padding = Number.parseFloat(paddingTop) + Number.parseFloat(paddingBottom);
    if (height) this.element.style.height = `${Math.ceil(height * this.xterm.rows + padding)}px`;
  }

  /** Says how much fits; while it is hidden that is nothing to speak of. */
  private measure(focused = this.focused): void {
    const { clientWidth, clientHeight } = this.element;
    const found = clientWidth && clientHeight ? this.fit.proposeDimensions() : undefined;
    if (!found || !(found.rows > 1 && found.cols > 1)) return;
    const size: Size = [Math.max(found.rows, LEAST[0]), Math.max(found.cols, LEAST[1])];
    const asked = `${size} ${focused}`;
    if (asked === this.asked && String(size) === String(this.size)) return;
    this.asked = asked;
    this.askedAt = Date.now();
    this.host.fits(size, focused);
  }

  private get focused(): boolean {
    return document.activeElement === this.xterm.textarea;
  }

  focus(): void {
    this.xterm.focus();
  }

  feed(_: string, bytes: Uint8Array): void {
    const quiet = Math.min(this.quiet, bytes.length);
    if (quiet) this.write(bytes.subarray(0, quiet), true);
    this.quiet -= quiet;
    if (quiet < bytes.length) this.write(bytes.subarray(quiet), false);
  }

  private write(data: Uint8Array | string, quiet: boolean, then?: () => void): void {
    this.pending.push(quiet);
    this.xterm.write(data, () => {
      this.pending.shift();
      if (then) then();
      else this.soon();
    });
  }

  finish(): void {
    this.ended = true;
    this.elsewhere = true;
    this.write("\x1b[?25l", true);
  }

  clear({ offset, modes = "", quiet = 0 }: Begin): void {
    this.reset(modes, Math.max(0, quiet - offset));
  }

  /** Begins anew in some modes, and is silent for so many bytes. */
  private reset(modes: string, quiet: number): void {
    this.quiet = quiet;
    // What was written before is read first.
    this.write("", true, () => this.xterm.reset());
    if (modes) this.write(modes, true);
  }

  /** Goes on behind a gap. */
  skip(_: number, modes: string): void {
    this.reset(modes, 0);
  }

  soon(): void {
    if (!this.pending.length && !this.quiet) this.host.drawn();
  }

  stop(): void {
    this.watching.disconnect();
    this.unwatch();
    this.finder.stop();
    this.xterm.dispose();
  }
}

export const open = (host: Host): Terminal => new Screen(host);

export { Keyboard } from "./keyboard.js";
