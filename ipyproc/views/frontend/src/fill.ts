// A pane that fills the window, above all else on the page, until Escape.

export class Filling {
  constructor(
    private readonly node: HTMLElement,
    /** Escape is its own. */
    private readonly form: HTMLElement,
    private readonly pressed: HTMLElement,
    private readonly resized: () => void,
  ) {}

  toggle(): void {
    const { node, pressed } = this;
    const place = node.parentElement;
    const fills = !node.hasAttribute("popover");
    // What it leaves stays as high, so that the page does not move.
    if (place) place.style.minHeight = fills ? `${node.offsetHeight}px` : "";
    if (fills) {
      node.setAttribute("popover", "manual");
      node.showPopover();
      document.addEventListener("keydown", this.escape, true);
    } else {
      node.removeAttribute("popover");
      document.removeEventListener("keydown", this.escape, true);
    }
    pressed.setAttribute("aria-pressed", String(fills));
    this.resized();
  }

  private readonly escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.shiftKey || this.form.contains(document.activeElement)) return;
    event.preventDefault();
    event.stopPropagation();
    this.toggle();
    this.pressed.focus();
  };

  stop(): void {
    document.removeEventListener("keydown", this.escape, true);
  }
}
