// The output of a job: what its screen shows, as elements.
import { drawn } from "./draw.js";
import { h, say } from "./element.js";
import { Screen, runs } from "./screen.js";
import { size } from "./words.js";

const AT_ONCE = 100; // lines to draw at a time
const SLICE = 10; // ms of a frame in which to begin to draw
const RARELY = 1000; // ms from one drawing to the next of what nobody sees

// The outputs that have something to draw take turns, those of all panes of this module.
const waiting = new Set();
let cost = 0, due = null;

/** Draw soon: what takes long, less often, so that the page stays responsive. */
function soon(output) {
  waiting.add(output);
  due ??= setTimeout(() => requestAnimationFrame(turn), 2 * cost);
}

function turn() {
  const start = performance.now();
  for (const output of waiting) {
    waiting.delete(output);
    output.draw();
    cost = performance.now() - start;
    if (cost > SLICE) break;
  }
  due = null;
  for (const output of waiting) soon(output);
}

/** A log that follows its end until the reader scrolls away. */
export class Output {
  constructor(afterwards) {
    this.afterwards = afterwards; // called whenever all has been drawn
    this.screen = new Screen();
    this.follow = this.inSight = true;
    this.notes = []; // lines that say that something is left out there, and how much
    this.lost = 0; // how much was left out above the first line
    this.above = h("p", {});
    this.log = h("div", { class: "ipyproc-output", role: "log", tabindex: "0" });
    this.log.onscroll = () => {
      const { scrollHeight, scrollTop, clientHeight } = this.log;
      this.follow = scrollHeight - scrollTop - clientHeight < 8;
    };
  }

  /** Begin again with nothing. */
  clear() {
    const { gone, lines } = this.screen;
    this.screen = new Screen();
    this.screen.gone = [...gone, ...lines];
    this.notes = [];
    this.lost = 0;
  }

  /** Say that so many bytes are left out here. */
  skip(count) {
    this.screen.note(`… ${size(count)} not shown here; “Save output” has everything …`);
    this.notes.push([this.screen.lines.at(-1), count]);
  }

  /** What is not shown above the first line, also after the notes about it went. */
  get missing() {
    const { dropped, lines } = this.screen;
    while (this.notes.length && !lines.includes(this.notes[0][0])) this.lost += this.notes.shift()[1];
    const parts = [this.lost && size(this.lost), `${dropped.toLocaleString("en")} lines`];
    return dropped ? `${parts.filter(Boolean).join(" and ")} above are not shown` : "";
  }

  /** Draw what is in sight soon, and anything else when nothing is in a hurry. */
  soon() {
    if (this.inSight) soon(this);
    else this.later ??= setTimeout(() => soon(this), RARELY);
  }

  /** Whether somebody can see it, as far as the page scrolls. */
  sighted(inSight) {
    this.seen ||= this.log.isConnected;
    this.inSight = inSight;
    if (inSight && this.later) soon(this);
  }

  draw() {
    const { screen, log } = this;
    clearTimeout(this.later);
    this.later = null;
    const { lines, changed } = screen;
    this.seen ||= log.isConnected;
    const end = lines.length - (lines.at(-1)?.chars.length === 0);
    for (const line of screen.gone.splice(0).concat(lines.slice(end))) {
      line.element?.remove();
      line.element = null;
    }
    // From the end upwards: in a flood the others are gone before anybody sees them.
    let left = AT_ONCE;
    for (let n = end, next = null; n-- && left; next = lines[n].element) {
      const line = lines[n];
      if (line.element) continue;
      log.insertBefore((line.element = h("div", {})), next);
      changed.add(line);
      left -= 1;
    }
    if (!left) this.soon();
    for (const line of changed) if (line.element) this.paint(line);
    changed.clear();
    log.hidden = !log.firstChild;
    say(this.above, this.missing);
    if (this.follow) log.scrollTop = log.scrollHeight;
    this.afterwards();
  }

  paint(line) {
    line.element.replaceChildren(...(line.chars.length ? runs(line).map(drawn) : [h("br", {})]));
    line.element.className = line.looks.some((look) => look.startsWith("stderr")) ? "stderr" : "";
  }
}
