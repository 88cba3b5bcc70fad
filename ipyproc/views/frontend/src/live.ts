// Widgets that live where their static rendering stands; views/widgets/base.py says why.
import { hearing } from "./hearing.js";

const twins = new Map();

/** A module for anywidget; `draw(model)` makes something with a `node` and `update()`. */
export const twin = (draw) => ({
  initialize({ model }) {
    const token = model.get("token");
    const pictures = new Set();
    const check = hearing(model, token);
    const make = () => {
      const picture = draw(model);
      pictures.add(picture);
      picture.update();
      check(picture.node);
      return picture.node;
    };
    const update = () => {
      for (const picture of pictures) {
        picture.seen ||= picture.node.isConnected;
        if (picture.seen && !picture.node.isConnected) drop(picture);
        else picture.update();
      }
    };
    const drop = (picture) => {
      picture.stop?.();
      pictures.delete(picture);
    };
    const adopt = (host) => {
      if ([...pictures].some(({ node }) => host.contains(node))) return;
      // One that has just been put out of its place has the reader's focus, if any.
      const free = [...pictures].find(({ seen, node }) => seen && !node.isConnected);
      host.replaceChildren(free?.node ?? make());
      free?.moved?.();
    };
    const look = () => {
      for (const picture of pictures) picture.seen ||= picture.node.isConnected;
      document.querySelectorAll(`#ipyproc-${CSS.escape(token)}`).forEach(adopt);
    };
    const observer = new MutationObserver(look);
    observer.observe(document.documentElement, { childList: true, subtree: true });
    model.on("change", update);
    twins.set(token, make);
    look();
    return () => {
      observer.disconnect();
      model.off("change", update);
      twins.delete(token);
      pictures.forEach(drop);
    };
  },

  render({ model, el }) {
    el.append(twins.get(model.get("token"))());
    // Where there is such a theme, the page keeps outputs as they came, HTML too.
    if (document.body.dataset.jpThemeName) model.send({ action: "settle" });
  },
});
