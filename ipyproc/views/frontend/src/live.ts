// Views that live where the static rendering of their widget stands; views/widgets/base.py
// says why. This is the one base of the modules that anywidget loads.
import type { Model, Token } from "./model.js";
import { reconnect } from "./reconnect.js";
import { PATIENCE } from "./request.js";
import type { Viewer } from "./viewer.js";

/** What a widget shows in one place of the page. */
export interface View {
  readonly node: HTMLElement;
  /** Who looks, if the kernel has to know. */
  readonly viewer?: Viewer;
  /** Whether it stays on the page when its model is closed. */
  readonly stays?: boolean;
  /** Shows the present state of the model. */
  update(): void;
  /** Is called after the view was moved to another place. */
  moved?(): void;
  /** Is called when the model is closed, instead of `stop`. */
  closed?(): void;
  stop(): void;
}

interface Options {
  /** Whether the output may become static HTML that the view moves into at once. */
  settles: boolean;
}

// The views of a notebook that was closed are there for a while when it is opened again.
// What is newer takes the places, for two that took them from each other would never end.
const ages = new WeakMap<Element, number>();
let age = 0;

/** The views of one model. */
class Views<Traits extends Token> {
  private readonly views = new Set<View>();
  private readonly seen = new WeakSet<View>(); // those that were ever in the document
  private readonly age = age++;
  private readonly warn: (element: Element) => void;
  private readonly observer = new MutationObserver(() => this.adopt());
  private focused: Element | null = null; // of the page, the last one

  constructor(
    private readonly model: Model<Traits>,
    private readonly draw: (model: Model<Traits>) => View,
  ) {
    this.warn = reconnect(model);
    this.observer.observe(document.documentElement, { childList: true, subtree: true });
    model.on("change", this.update);
    document.addEventListener("focusin", this.look, true);
    document.addEventListener("pointerdown", this.look, true);
    this.adopt();
  }

  /** Notes what has the focus: what is taken from the page loses it, and nobody says so. */
  private readonly look = ({ target }: Event): void => {
    this.focused = target instanceof Element ? target : null;
  };

  make(): View {
    const view = this.draw(this.model);
    this.views.add(view);
    ages.set(view.node, this.age);
    view.update();
    this.warn(view.node);
    return view;
  }

  private readonly update = (): void => {
    for (const view of this.views) view.update();
  };

  /** Moves a view into each place that has none; those that lost theirs come first. */
  private adopt(): void {
    for (const view of this.views) if (view.node.isConnected) this.seen.add(view);
    const hosts = document.querySelectorAll(`#ipyproc-${CSS.escape(this.model.get("token"))}`);
    for (const host of hosts) {
      const all = [...this.views];
      if (all.some(({ node }) => host.contains(node))) continue;
      if ([...host.children].some((child) => (ages.get(child) ?? -1) > this.age)) continue;
      // A view that has just lost its place may have the reader's focus.
      const free = all.find((view) => this.seen.has(view) && !view.node.isConnected);
      host.replaceChildren((free ?? this.make()).node);
      free?.moved?.();
      const { focused } = this;
      const isLost = document.activeElement === document.body && free?.node.contains(focused);
      if (isLost && focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    }
  }

  /** Ends a view that the front end has removed, unless it finds another place soon. */
  release(view: View): void {
    setTimeout(() => {
      if (view.node.isConnected || !this.views.delete(view)) return;
      view.viewer?.leave();
      view.stop();
    }, 2 * PATIENCE);
  }

  close(): void {
    this.observer.disconnect();
    this.model.off("change", this.update);
    document.removeEventListener("focusin", this.look, true);
    document.removeEventListener("pointerdown", this.look, true);
    for (const view of this.views) (view.closed ?? view.stop).call(view);
  }
}

/** Returns a module for anywidget. */
export function live<Traits extends Token>(draw: (model: Model<Traits>) => View, { settles }: Options) {
  const known = new Map<string, Views<Traits>>();
  return {
    initialize({ model }: { model: Model<Traits> }) {
      const token = model.get("token");
      const views = new Views(model, draw);
      known.set(token, views);
      return () => {
        known.delete(token);
        views.close();
      };
    },

    render({ model, el }: { model: Model<Traits>; el: HTMLElement }) {
      const views = known.get(model.get("token"))!;
      const view = views.make();
      el.append(view.node);
      // Where there is such a theme, the page keeps outputs as they came, HTML too.
      if (settles && document.body.dataset.jpThemeName) model.send({ action: "settle" });
      return () => {
        // The front end removes the views of a model that is closed; this one is put back.
        const host = el.parentElement;
        if (view.stays) setTimeout(() => host?.append(view.node));
        else views.release(view);
      };
    },
  };
}
