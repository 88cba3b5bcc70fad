// Rows that the kernel measures while somebody sees them; views/widgets/rows.py has the rest.
import { h, say } from "./dom.js";
import type { Model, Token } from "./model.js";
import type * as protocol from "./protocol.js";
import type { FromKernel } from "./protocol.js";
import { PATIENCE, Requests } from "./request.js";

const LOOK = 10 * PATIENCE; // how often to say that somebody looks
const HIDDEN = 60; // ticks after which a view that is on no page has left

export interface RowsTraits extends Token {
  first: protocol.First;
}

/** What a view knows of the rows. `draw(keys)` is called when those have changed. */
export class Rows<Row, Notes> {
  readonly message = h("p", { role: "status" });
  readonly requests: Requests;
  readonly rows = new Map<string, Row>();
  notes: Notes;
  gone = false; // whether the kernel is
  private number: number;
  private skew: number; // seconds by which the kernel's clock is ahead
  private inSight = false;
  private seen = false;
  private looked = 0;
  private away = 0; // ticks since the view was on a page
  private readonly sight: IntersectionObserver;
  private readonly clock: number;

  constructor(
    private readonly model: Model<RowsTraits>,
    private readonly node: HTMLElement,
    private readonly draw: (keys: string[]) => void,
  ) {
    this.requests = new Requests(model, this.message, () => this.leave());
    const { clock, number, rows, notes } = model.get("first");
    this.number = number;
    this.notes = notes as Notes;
    this.skew = clock - Date.now() / 1000;
    for (const [key, row] of Object.entries(rows)) this.rows.set(key, row as Row);
    model.on("msg:custom", this.heard);
    document.addEventListener("visibilitychange", this.see);
    this.sight = new IntersectionObserver((seen) => {
      this.inSight = seen.at(-1)!.isIntersecting;
      this.see();
    });
    this.sight.observe(node);
    this.clock = setInterval(() => this.tick(), PATIENCE);
  }

  /** The kernel's time, in seconds. */
  get now(): number {
    return Date.now() / 1000 + this.skew;
  }

  private readonly see = () => this.look(this.inSight && !document.hidden);

  /** Tells the kernel whether somebody sees this. */
  private look(seen: boolean): void {
    if (seen) {
      this.looked = Date.now();
      this.away = 0;
      this.requests.send({ action: "look", number: this.number });
    } else if (this.seen) this.requests.send({ action: "away" });
    this.seen = seen;
  }

  private tick(): void {
    if (this.seen && Date.now() - this.looked >= LOOK) this.see();
    if (this.seen) this.draw([]);
    this.away = this.node.isConnected ? 0 : this.away + 1;
    if (this.away === HIDDEN) this.requests.send({ action: "leave" });
  }

  private readonly heard = (message: FromKernel): void => {
    if (message.kind === "done") this.requests.done(message);
    if (message.kind === "rows") this.take(message);
  };

  private take({ clock, number, rows, keys, gone = [], notes }: protocol.Rows): void {
    if (number <= this.number) return;
    const lost = number > this.number + 1 && !keys;
    if (!lost) this.number = number;
    this.skew = clock - Date.now() / 1000;
    // A kernel that is too busy to mend the gap still sends: then show what comes.
    if (lost && this.seen && Date.now() - this.looked >= PATIENCE) this.see();
    if (notes) this.notes = notes as Notes;
    const left = new Set(keys ?? this.rows.keys());
    for (const key of gone) left.delete(key);
    const dropped = [...this.rows.keys()].filter((key) => !left.has(key));
    for (const key of dropped) this.rows.delete(key);
    for (const [key, changes] of Object.entries(rows)) {
      const row = this.rows.get(key);
      // Of a row that is not known this is only what changed, unless it has a name.
      if (row) Object.assign(row, changes);
      else if (changes.name !== undefined) this.rows.set(key, changes as Row);
    }
    this.draw([...dropped, ...Object.keys(rows)]);
  }

  /** Shows only what is known by now. */
  private leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.node.dataset.gone = "true";
    this.stop();
    say(this.message, "the kernel is gone: this is how it was");
    for (const control of this.node.querySelectorAll<HTMLButtonElement>("[data-acts]")) control.disabled = true;
  }

  stop(): void {
    clearInterval(this.clock);
    this.requests.stop();
    this.sight.disconnect();
    this.model.off("msg:custom", this.heard);
    document.removeEventListener("visibilitychange", this.see);
  }
}
