// Saving all that was captured: fetched piece by piece, and offered as one file.
import { h } from "./dom.js";
import { size } from "./format.js";
import type { Saved } from "./protocol.js";

const TRIES = 20;
const PAUSE = 5000; // ms until a piece is asked for again
const KEPT = 60000; // ms that the browser may take to store the file

/** One file on its way. */
export class Saving {
  private readonly parts: (string | Promise<Blob>)[] = [];
  private offset: number | null = 0;
  private total: number | null = null;
  private tries = TRIES;
  private timer?: number;

  /** `ask` requests what follows an offset, `say` shows how far it is. */
  constructor(
    private readonly name: string,
    private readonly ask: (offset: number) => void,
    private readonly say: (text: string) => void,
  ) {
    this.more(0);
  }

  private more(offset: number): void {
    this.ask(offset);
    clearTimeout(this.timer);
    // An answer may be lost where a cell prints too much: ask again, but not for ever.
    this.timer = setTimeout(() => this.tries-- && this.more(offset), PAUSE);
  }

  async heard({ after, offset, size: count, total }: Saved, buffers: DataView[]): Promise<void> {
    if (after !== this.offset) return;
    this.total ??= total;
    if (offset > after) this.parts.push(`\n[${size(offset - after)} were not kept]\n`);
    this.parts.push(unpacked(buffers));
    this.offset = offset + count;
    if (this.offset < this.total && count) {
      this.say(`saving: ${Math.floor((100 * this.offset) / this.total)} %`);
      this.more(this.offset);
      return;
    }
    this.stop();
    this.offset = null; // an answer that comes twice saves nothing twice
    this.say("");
    const href = URL.createObjectURL(new Blob(await Promise.all(this.parts), { type: "text/plain" }));
    h("a", { href, download: this.name.replace(/[^\w.-]+/g, "_") }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

const unpacked = (buffers: DataView[]): Promise<Blob> =>
  new Response(new Blob(buffers as BlobPart[]).stream().pipeThrough(new DecompressionStream("deflate"))).blob();
