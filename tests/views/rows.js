// What the tests call on a page with a table of jobs or the pane of a process.
import detached from "./detached.js";
import found from "./found.js";
import jobs from "./jobs.js";
import { Model, contrasts } from "../shared.js";

window.open_ = (which, first, signals) => {
  const module = { detached, found, jobs }[which];
  window.model = new Model({ token: "abc", first, signals });
  module.initialize({ model });
  const el = document.createElement("div");
  document.querySelector("#cell").append(el);
  module.render({ model, el });
};

window.tell = (content) => model.fire("msg:custom", content);

/** Replaces what is in the cell by static HTML, as the notebook does. */
window.replace = (html) => {
  document.querySelector("#cell").innerHTML = `<div id="ipyproc-abc">${html}</div>`;
};

/** Notes from now on which columns of the table change. */
window.watch = () => {
  window.touched = [];
  const note = (records) => records.forEach(({ target }) => touched.push(target.closest?.("td")?.dataset.column));
  const observer = new MutationObserver(note);
  observer.observe(document.querySelector("tbody"), { childList: true, subtree: true });
};

/** Returns the contrast of all texts that are visible and enabled. */
window.contrasts = () => {
  const texts = [...document.querySelectorAll("section :is(button, code, span, b, p, small, th, td)")];
  const used = texts.filter((e) => e.textContent && e.offsetParent && !e.disabled);
  return contrasts(used, document.querySelector("section"));
};

window.loaded = true;
