// The panes of jobs on a page: the module that anywidget loads.
import { PATIENCE } from "./asking.js";
import { hearing } from "./hearing.js";
import { Pane } from "./pane.js";

// The panes of each model, by the token of its job. When a job ends, its output in the
// notebook becomes static HTML, which is what a saved notebook shows; as long as the
// kernel is there, the pane moves into that.
const known = new Map();
const CLEARED = "this job was cleared: what is not shown here is gone";

function initialize({ model }) {
  const token = model.get("token");
  const panes = new Set();
  const check = hearing(model, token);
  const make = () => {
    const pane = new Pane(model);
    panes.add(pane);
    check(pane.section);
    return pane;
  };
  const adopt = (host) => {
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
  model.on("msg:custom", (message, buffers) => panes.forEach((pane) => pane.heard(message, buffers)));
  for (const trait of ["state", "height"]) model.on(`change:${trait}`, () => panes.forEach((pane) => pane.show()));
  model.on("change:tail", () => panes.forEach((pane) => pane.showTail()));
  // Something happened to the connection: who asks for something learns what it was.
  model.on("comm_live_update", () => panes.forEach((pane) => pane.look()));
  known.set(token, { make, panes });
  look();
  return () => {
    observer.disconnect();
    known.delete(token);
    panes.forEach((pane) => pane.leave("", CLEARED));
  };
}

function render({ model, el }) {
  const own = known.get(model.get("token"));
  const pane = own.make();
  el.append(pane.section);
  return () => {
    // A model that is closed takes its views along, but this picture shall stay.
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
