// Views that live where the static rendering of their widget stands; views/widgets/base.py
// says why.
import type { Model, Token } from "./model.js";
import { reconnect } from "./reconnect.js";

/** What a widget shows in one place of the page. */
export interface View {
  readonly node: HTMLElement;
  /** Shows what the model says by now. */
  update(): void;
  /** Is called after the view was moved to another place. */
  moved?(): void;
  /** Is called when the view is gone for good. */
  stop?(): void;
}

interface Entry {
  view: View;
  seen: boolean; // whether it ever was in the document
}

const makers = new Map<string, () => HTMLElement>();

/** Returns a module for anywidget. */
export const live = <Traits extends Token>(draw: (model: Model<Traits>) => View) => ({
  initialize({ model }: { model: Model<Traits> }) {
    const token = model.get("token");
    const entries = new Set<Entry>();
    const check = reconnect(model);
    const make = () => {
      const view = draw(model);
      entries.add({ view, seen: false });
      view.update();
      check(view.node);
      return view.node;
    };
    const update = () => {
      for (const entry of entries) {
        const { node } = entry.view;
        entry.seen ||= node.isConnected;
        if (entry.seen && !node.isConnected) drop(entry);
        else entry.view.update();
      }
    };
    const drop = (entry: Entry) => {
      entry.view.stop?.();
      entries.delete(entry);
    };
    const adopt = (host: Element) => {
      const all = [...entries];
      if (all.some(({ view }) => host.contains(view.node))) return;
      // A view that has just lost its place has the reader's focus, if any.
      const free = all.find(({ seen, view }) => seen && !view.node.isConnected);
      host.replaceChildren(free?.view.node ?? make());
      free?.view.moved?.();
    };
    const look = () => {
      for (const entry of entries) entry.seen ||= entry.view.node.isConnected;
      document.querySelectorAll(`#ipyproc-${CSS.escape(token)}`).forEach(adopt);
    };
    const observer = new MutationObserver(look);
    observer.observe(document.documentElement, { childList: true, subtree: true });
    model.on("change", update);
    makers.set(token, make);
    look();
    return () => {
      observer.disconnect();
      model.off("change", update);
      makers.delete(token);
      entries.forEach(drop);
    };
  },

  render({ model, el }: { model: Model<Traits>; el: HTMLElement }) {
    el.append(makers.get(model.get("token"))!());
    // Where there is such a theme, the page keeps outputs as they came, HTML too.
    if (document.body.dataset.jpThemeName) model.send({ action: "settle" });
  },
});
