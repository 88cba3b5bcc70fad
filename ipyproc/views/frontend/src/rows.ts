// Rows that the kernel measures while somebody sees them; views/widgets/watched.py has the rest.
import { Asking, PATIENCE } from "./asking.js";
import { h, say } from "./element.js";

const LOOK = 10 * PATIENCE; // how often to say that somebody looks
const HIDDEN = 60; // ticks after which a picture that is on no page has left

/** What a picture knows of the rows. `draw(keys)` is called when those have changed. */
export class Watching {
  constructor(model, node, draw) {
    Object.assign(this, { model, node, draw, rows: new Map(), looked: 0, away: 0 });
    this.message = h("p", { role: "status" });
    this.asking = new Asking(model, this.message, () => this.leave());
    const { clock, number, rows, notes } = model.get("first");
    this.number = number;
    this.notes = notes;
    this.skew = clock - Date.now() / 1000;
    for (const key in rows) this.rows.set(key, rows[key]);
    this.hear = (message) => this.heard(message);
    this.see = () => this.look(this.inSight && !document.hidden);
    model.on("msg:custom", this.hear);
    document.addEventListener("visibilitychange", this.see);
    this.sight = new IntersectionObserver((seen) => {
      this.inSight = seen.at(-1).isIntersecting;
      this.see();
    });
    this.sight.observe(node);
    this.clock = setInterval(() => this.tick(), PATIENCE);
  }

  /** The kernel's time, in seconds. */
  get now() {
    return Date.now() / 1000 + this.skew;
  }

  /** Tell the kernel whether somebody sees this. */
  look(seen) {
    if (seen) {
      this.looked = Date.now();
      this.away = 0;
      this.asking.send("look", { number: this.number });
    } else if (this.seen) this.asking.send("away");
    this.seen = seen;
  }

  tick() {
    if (this.seen && Date.now() - this.looked >= LOOK) this.see();
    if (this.seen) this.draw([]);
    this.away = this.node.isConnected ? 0 : this.away + 1;
    if (this.away === HIDDEN) this.asking.send("leave");
  }

  heard(message) {
    if (message.kind === "done") this.asking.done(message);
    if (message.kind === "rows") this.take(message);
  }

  take({ clock, number, rows, keys, gone = [], notes }) {
    if (number <= this.number) return;
    const lost = number > this.number + 1 && !keys;
    Object.assign(this, { number: lost ? this.number : number, skew: clock - Date.now() / 1000 });
    // A kernel that is too busy to mend the gap still sends: then show what comes.
    if (lost && this.seen && Date.now() - this.looked >= PATIENCE) this.see();
    if (notes) this.notes = notes;
    const left = new Set(keys ?? this.rows.keys());
    for (const key of gone) left.delete(key);
    const dropped = [...this.rows.keys()].filter((key) => !left.has(key));
    for (const key of dropped) this.rows.delete(key);
    for (const key in rows) {
      const row = this.rows.get(key);
      // Of a row that is not known this is only what changed, unless it has a name.
      if (row) Object.assign(row, rows[key]);
      else if (rows[key].name !== undefined) this.rows.set(key, rows[key]);
    }
    this.draw([...dropped, ...Object.keys(rows)]);
  }

  /** Show only what is known by now. */
  leave() {
    if (this.gone) return;
    this.gone = this.node.dataset.gone = true;
    this.stop();
    say(this.message, "the kernel is gone: this is how it was");
    for (const control of this.node.querySelectorAll("[data-acts]")) control.disabled = true;
  }

  stop() {
    clearInterval(this.clock);
    this.asking.stop();
    this.sight.disconnect();
    this.model.off("msg:custom", this.hear);
    document.removeEventListener("visibilitychange", this.see);
  }
}
