// Saving all that was captured: fetched piece by piece, and handed over as one file.
import { h } from "./element.js";
import { size } from "./words.js";

const TRIES = 20, PAUSE = 5000, KEPT = 60000;

/** One file on its way. `ask` sends for what follows an offset, `say` tells how far it is. */
export class Saving {
  constructor(name, ask, say) {
    Object.assign(this, { name, ask, say, parts: [], offset: 0, total: null, tries: TRIES });
    this.more();
  }

  more() {
    this.ask(this.offset);
    clearTimeout(this.timer);
    // An answer may be lost where a cell prints too much: ask again, but not for ever.
    this.timer = setTimeout(() => this.tries-- && this.more(), PAUSE);
  }

  heard({ after, offset, total }, buffers) {
    if (after !== this.offset) return;
    this.total ??= total;
    if (offset > after) this.parts.push(`\n[${size(offset - after)} were not kept]\n`);
    this.parts.push(new Blob(buffers));
    this.offset = offset + this.parts.at(-1).size;
    if (this.offset < this.total) {
      this.say(`saving: ${Math.floor((100 * this.offset) / this.total)} %`);
      return this.more();
    }
    this.stop();
    this.offset = null; // what is heard twice is not saved twice
    this.say("");
    const href = URL.createObjectURL(new Blob(this.parts, { type: "text/plain" }));
    h("a", { href, download: this.name.replace(/[^\w.-]+/g, "_") + ".txt" }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
