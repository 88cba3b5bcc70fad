// What the tests do with the modules of the table of jobs and of a process found.
import found from "./found.js";
import jobs from "./jobs.js";

/** A model as anywidget hands it over: what it holds, and what was said through it. */
class Model {
  sent = [];
  handlers = {};

  constructor(traits) {
    this.traits = traits;
  }

  get(name) {
    return this.traits[name];
  }

  on(event, handler) {
    (this.handlers[event] ??= []).push(handler);
  }

  off(event, handler) {
    this.handlers[event] = this.handlers[event].filter((other) => other !== handler);
  }

  send(content) {
    if (this.gone) throw new Error("Cannot send");
    this.sent.push(content);
  }
}

window.open_ = (which, first, signals) => {
  const module = { found, jobs }[which];
  window.model = new Model({ token: "abc", first, signals });
  module.initialize({ model });
  const el = document.createElement("div");
  document.querySelector("#cell").append(el);
  module.render({ model, el });
};

window.tell = (content) => model.handlers["msg:custom"].forEach((handler) => handler(content));

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

function luminance(colour) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
  const [r, g, b] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** How much all texts differ from the ground that they stand on (WCAG). */
window.contrasts = () => {
  const ground = luminance(getComputedStyle(document.querySelector("section")).backgroundColor);
  const texts = [...document.querySelectorAll("section :is(button, code, span, b, p, small, th, td)")];
  return texts.filter((e) => e.textContent && e.offsetParent && !e.disabled).map((element) => {
    const text = luminance(getComputedStyle(element).color);
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
};

window.loaded = true;
