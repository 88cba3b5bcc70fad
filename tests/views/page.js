// What the tests call on a page with the pane of a job.
import pane from "./job.js";
import { Screen, runs } from "./modules/screen.js";
import { Model, contrasts } from "./shared.js";

const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const view = (text) => new DataView(bytes(text).buffer); // as widgets hand buffers over

/** Returns what a vector's input, in pieces of a size, leaves on a screen: its lines, and how many fell off. */
window.played = ({ input, limits = [] }, size = Infinity) => {
  const screen = new Screen(...limits);
  for (const [stream, data, times = 1] of input) {
    const all = bytes(data.repeat(times));
    for (let at = 0; at < all.length; at += size) screen.feed(stream, all.subarray(at, at + size));
  }
  screen.finish();
  const lines = screen.lines.map(runs);
  if (lines.length && !lines.at(-1).length) lines.pop();
  return { lines, dropped: screen.dropped };
};

/** Returns the columns that each character of a text takes, as digits. */
window.widths = (text) => {
  const screen = new Screen();
  const width = (char) => {
    screen.feed("stdout", new TextEncoder().encode("\r\x1b[Kx" + char));
    return screen.column - 1;
  };
  return Array.from(text, width).join("");
};

const signals = ["SIGHUP (1)", "SIGUSR1 (10)"];

/** A model that anywidget gave up, for its module took too long to load. */
class GivenUp extends (class {
  async _handle_comm_msg({ content }) {
    window.tell(content.data, null);
  }
}) {
  async _handle_comm_msg() {
    throw new Error("Failed to initialize model.");
  }
}

/** Opens the model; with a `comm`, as one that anywidget gave up. */
window.open_ = (state, tail, comm) => {
  window.model = new Model({ token: "abc", state, tail: { ...tail, data: view(tail.data) }, signals });
  const whole = Object.assign(new GivenUp(), { comm });
  if (comm) model.widget_manager = { get_model: async (name) => name === "abc" && whole };
  window.close_ = pane.initialize({ model: window.model });
};

/** Shows the pane as an output that is a widget; `destroy` and `unrender` end that. */
window.render = () => {
  const el = document.createElement("div");
  document.querySelector("#cell").append(el);
  const cleanup = pane.render({ model: window.model, el });
  /** Does what a front end does when the model is closed. */
  window.destroy = () => {
    cleanup();
    window.close_();
    el.remove();
  };
  window.unrender = () => {
    el.remove();
    cleanup();
  };
};

/** Renders the pane as a front end does that puts it on the page later, in `attach`. */
window.renderDetached = () => {
  const el = document.createElement("div");
  pane.render({ model: window.model, el });
  window.attach = () => document.querySelector("#cell").append(el);
};

/** Returns the rows that a terminal of a size shows of each program. */
window.screens = async (rows, columns, programs) => {
  const [library] = await Promise.all(globalThis[Symbol.for("ipyproc.terminal")].values());
  const nothing = { typed() {}, answered() {}, fits() {}, left() {}, drawn() {} };
  const host = { ...nothing, size: [rows, columns], font: getComputedStyle(document.body), reader: false };
  const terminal = library.open(host);
  document.querySelector("#cell").replaceChildren(terminal.element);
  terminal.opened();
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const shown = [];
  for (const program of programs) {
    const drawn = new Promise((done) => Object.assign(host, { drawn: done }));
    terminal.clear({ offset: 0, quiet: 0 });
    terminal.feed("stdout", new TextEncoder().encode(program));
    await drawn;
    await frame();
    await frame();
    const texts = [...terminal.element.querySelectorAll(".xterm-rows > div")].map((row) => row.textContent);
    shown.push(texts.map((text) => text.replaceAll("\xa0", " ")));
  }
  terminal.stop();
  return shown;
};

window.set = (name, value) => {
  window.model.traits[name] = name === "tail" ? { ...value, data: view(value.data) } : value;
  window.model.fire(`change:${name}`);
  window.model.fire("change");
};

window.tell = (content, data) => window.model.fire("msg:custom", content, data === null ? [] : [view(data)]);

/** Resolves when all that is due has been drawn. */
window.drawn = async () => {
  for (const pause of [0, 50]) await new Promise((done) => setTimeout(() => requestAnimationFrame(done), pause));
};

/** Notes from now on which elements of the output change. */
window.watch = () => {
  window.touched = new Set();
  const observer = new MutationObserver((records) => records.forEach((record) => touched.add(record.target)));
  observer.observe(document.querySelector(".ipyproc-output"), { childList: true, subtree: true });
};

/** Adds a copy of what is in the cell. */
window.twice = () => {
  const cell = document.querySelector("#cell");
  cell.append(cell.firstChild.cloneNode(true));
};

/** Returns the name of what has the focus, and its outline. */
window.focused = () => {
  const { activeElement: element } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const label = element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent;
  return [label, `${outlineStyle} ${outlineWidth}`];
};

/** Returns the contrast of all texts. */
window.contrasts = () => {
  const texts = document.querySelectorAll(".ipyproc-output span, .ipyproc-status, small, button, label");
  return contrasts([...texts], document.querySelector(".ipyproc-output"));
};

window.loaded = true;
