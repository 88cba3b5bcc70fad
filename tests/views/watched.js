// What the tests do with the modules of the table of jobs and of a process found.
import found from "./found.js";
import jobs from "./jobs.js";
import { Model, contrasts } from "../shared.js";

window.open_ = (which, first, signals) => {
  const module = { found, jobs }[which];
  window.model = new Model({ token: "abc", first, signals });
  module.initialize({ model });
  const el = document.createElement("div");
  document.querySelector("#cell").append(el);
  module.render({ model, el });
};

window.tell = (content) => model.fire("msg:custom", content);

/** Replace what is in the cell by static HTML, as the notebook does. */
window.replace = (html) => {
  document.querySelector("#cell").innerHTML = `<div id="ipyproc-abc">${html}</div>`;
};

/** Note from now on what changes below the body of the table. */
window.watch = () => {
  window.touched = [];
  const note = (records) => records.forEach(({ target }) => touched.push(target.closest?.("td")?.dataset.column));
  const observer = new MutationObserver(note);
  observer.observe(document.querySelector("tbody"), { childList: true, subtree: true });
};

/** How clear all texts are that are in use. */
window.contrasts = () => {
  const texts = [...document.querySelectorAll("section :is(button, code, span, b, p, small, th, td)")];
  const used = texts.filter((e) => e.textContent && e.offsetParent && !e.disabled);
  return contrasts(used, document.querySelector("section"));
};

window.loaded = true;
