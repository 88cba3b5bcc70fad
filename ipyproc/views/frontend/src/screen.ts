// What a terminal would show: the twin of views/terminal/screen.py.
import { type Line, Stream } from "./parser.js";
import type { Run } from "./sgr.js";

const LINES = 1000;
const CELLS = 1 << 18;

/** Lines of output from several streams. */
export class Screen {
  readonly most: { lines: number; cells: number };
  readonly lines: Line[] = [];
  dropped = 0; // how many lines fell off the top
  readonly changed = new Set<Line>(); // lines to paint again
  gone: Line[] = []; // lines whose elements have to be removed
  streams: Record<string, Stream> = {};
  private cells = 0;

  constructor(lines = LINES, cells = CELLS) {
    this.most = { lines, cells };
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
    new Stream("note", this).feed(new TextEncoder().encode(text), false);
  }

  begin(stream: Stream): Line {
    const line: Line = { chars: [], styles: [], stream, element: null };
    this.lines.push(line);
    this.resized(line, 0);
    return line;
  }

  remove(lines: Line[]): void {
    for (const line of lines) {
      this.lines.splice(this.lines.lastIndexOf(line), 1);
      this.forget(line);
    }
  }

  /** Counts the cells by which a line grew, and drops the oldest lines if they are too many. */
  resized(line: Line, cells: number): void {
    const { lines, most } = this;
    this.changed.add(line);
    this.cells += cells;
    while (lines.length > most.lines || (this.cells > most.cells && lines.length > 1)) {
      const first = lines.shift()!;
      first.stream.forgetFirst();
      this.forget(first);
      this.dropped += 1;
    }
  }

  private forget(line: Line): void {
    this.cells -= line.chars.length;
    this.changed.delete(line);
    if (line.element) this.gone.push(line);
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
