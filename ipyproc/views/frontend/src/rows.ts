// Rows that the kernel measures while somebody sees them; views/widgets/rows.py has the rest.
import { say } from "./dom.js";
import type { Model, Token } from "./model.js";
import type * as protocol from "./protocol.js";
import type { FromKernel } from "./protocol.js";
import { PATIENCE, Requests } from "./request.js";
import { Viewer } from "./viewer.js";

export interface RowsTraits extends Token {
  first: protocol.First;
}

/** What a view knows of the rows. `draw(keys)` is called when those have changed. */
export class Rows<Row, Notes> {
  readonly requests: Requests;
  readonly viewer: Viewer;
  readonly rows = new Map<string, Row>();
  notes: Notes;
  private number: number; // of the last message that was taken
  private skew: number; // seconds by which the kernel's clock is ahead

  constructor(
    private readonly model: Model<RowsTraits>,
    private readonly node: HTMLElement,
    private readonly draw: (keys: string[]) => void,
  ) {
    const { clock, number, rows, notes } = model.get("first");
    this.number = number;
    this.notes = notes as Notes;
    this.skew = clock - Date.now() / 1000;
    for (const [key, row] of Object.entries(rows)) this.rows.set(key, row as Row);
    this.requests = new Requests(model, () => this.leave());
    this.viewer = new Viewer(model, node, this.requests, {
      every: 10 * PATIENCE,
      look: () => ({ number: this.number }),
      tick: (seen) => seen && draw([]),
    });
    model.on("msg:custom", this.heard);
  }

  /** The kernel's time, in seconds. */
  get now(): number {
    return Date.now() / 1000 + this.skew;
  }

  private readonly heard = (message: FromKernel): void => {
    if (message.kind === "rows") this.take(message);
  };

  private take({ clock, number, rows, keys, gone = [], notes }: protocol.Rows): void {
    if (number <= this.number) return;
    const lost = number > this.number + 1 && !keys;
    if (!lost) this.number = number;
    this.skew = clock - Date.now() / 1000;
    // A kernel that is too busy to mend the gap still sends: then show what comes.
    if (lost && this.viewer.seen && this.viewer.idle(PATIENCE)) this.viewer.look();
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
    this.node.dataset.gone = "true";
    this.stop();
    say(this.requests.message, "the kernel is gone: this is how it was");
    this.draw([]);
  }

  stop(): void {
    this.requests.stop();
    this.viewer.stop();
    this.model.off("msg:custom", this.heard);
  }
}
