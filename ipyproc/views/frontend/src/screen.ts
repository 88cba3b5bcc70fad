// What a terminal would show: the twin of views/terminal/screen.py.
import { Grid, type Line } from "./grid.js";
import { Stream } from "./parser.js";
import type { Attributes, Run } from "./sgr.js";

const LINES = 1000;
const CELLS = 1 << 18;

/** Lines of output from several streams that share it. */
export class Screen extends Grid<Attributes> {
  private streams: Record<string, Stream> = {};

  constructor(lines = LINES, cells = CELLS) {
    super({ lines, cells });
  }

  feed(stream: string, data: Uint8Array): void {
    (this.streams[stream] ??= new Stream(stream, this)).feed(data, true);
  }

  /** Shows what was left incomplete: no more output comes. */
  finish(): void {
    for (const stream of Object.values(this.streams)) stream.feed(new Uint8Array(), false);
  }

  /** Adds a line of our own; what comes after it begins with no style and no cursor moved. */
  note(text: string): void {
    this.finish();
    this.streams = {};
    this.beginAnew();
    new Stream("note", this).feed(new TextEncoder().encode(text), false);
    this.beginAnew();
  }
}

/** Returns a line as pieces of one style each. */
export function runs({ chars, styles }: Pick<Line, "chars" | "styles">): Run[] {
  const found: Run[] = [];
  chars.forEach((char, i) => {
    if (i && styles[i] === styles[i - 1]) found.at(-1)![0] += char;
    else found.push([char, styles[i]!]);
  });
  return found;
}
