// The panes of jobs on a page: the module that anywidget loads.
import type { Model } from "./model.js";
import { type JobTraits, Pane } from "./pane.js";
import { reconnect } from "./reconnect.js";
import { PATIENCE } from "./request.js";

interface Own {
  make: () => Pane;
  panes: Set<Pane>;
}

// The panes of each model, by the token of its job. When a job ends, its output in the
// notebook becomes static HTML, which is what a saved notebook shows; as long as the
// kernel is there, the pane moves into that.
const known = new Map<string, Own>();
const CLEARED = "this job was cleared: what is not shown here is gone";

function initialize({ model }: { model: Model<JobTraits> }) {
  const token = model.get("token");
  const panes = new Set<Pane>();
  const check = reconnect(model);
  const each = (call: (pane: Pane) => void) => {
    for (const pane of panes) call(pane);
  };
  const make = () => {
    const pane = new Pane(model);
    panes.add(pane);
    check(pane.section);
    return pane;
  };
  const adopt = (host: Element) => {
    const all = [...panes];
    if (all.some((pane) => host.contains(pane.section))) return;
    const pane = all.find((pane) => pane.output.seen && !pane.section.isConnected) ?? make();
    host.replaceChildren(pane.section);
    pane.output.follow = true; // what is moved is scrolled to its beginning
    pane.settle();
  };
  const look = () => document.querySelectorAll(`#ipyproc-${CSS.escape(token)}`).forEach(adopt);
  const observer = new MutationObserver(look);
  observer.observe(document.documentElement, { childList: true, subtree: true });
  model.on("msg:custom", (message, buffers) => each((pane) => pane.heard(message, buffers)));
  for (const trait of ["state", "height"]) model.on(`change:${trait}`, () => each((pane) => pane.show()));
  model.on("change:tail", () => each((pane) => pane.showTail()));
  // Something happened to the connection: a request finds out what it was.
  model.on("comm_live_update", () => each((pane) => pane.look()));
  known.set(token, { make, panes });
  look();
  return () => {
    observer.disconnect();
    known.delete(token);
    each((pane) => pane.leave("", CLEARED));
  };
}

function render({ model, el }: { model: Model<JobTraits>; el: HTMLElement }) {
  const own = known.get(model.get("token"))!;
  const pane = own.make();
  el.append(pane.section);
  return () => {
    // A model that is closed takes its views along, but this one must stay.
    const host = el.parentElement;
    if (pane.forgotten) return setTimeout(() => host?.append(pane.section));
    // It may be about to move; what is gone for good hears nothing any more.
    setTimeout(() => {
      if (pane.section.isConnected) return;
      own.panes.delete(pane);
      pane.stop();
    }, 2 * PATIENCE);
  };
}

export default { initialize, render };
