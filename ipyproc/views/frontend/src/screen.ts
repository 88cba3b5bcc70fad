// What a terminal would show: the twin of screen.py.
import { Stream } from "./stream.js";

const LINES = 1000, CELLS = 1 << 18;

/** Lines of output from several streams. */
export class Screen {
  constructor(lines = LINES, cells = CELLS) {
    this.most = { lines, cells };
    this.lines = [];
    this.cells = this.dropped = 0;
    this.streams = {};
    this.changed = new Set(); // lines to draw again
    this.gone = []; // lines to take away
  }

  feed(stream, data) {
    (this.streams[stream] ??= new Stream(stream, this)).feed(data, true);
  }

  finish() {
    for (const stream of Object.values(this.streams)) stream.feed(new Uint8Array(), false);
  }

  note(text) {
    this.finish();
    this.streams = {};
    new Stream("note", this).feed(new TextEncoder().encode(text), false);
  }

  begin(stream) {
    const line = { chars: [], looks: [], stream };
    this.lines.push(line);
    this.resized(line, 0);
    return line;
  }

  remove(lines) {
    for (const line of lines) {
      this.lines.splice(this.lines.lastIndexOf(line), 1);
      this.forget(line);
    }
  }

  resized(line, cells) {
    const { lines, most } = this;
    this.changed.add(line);
    this.cells += cells;
    while (lines.length > most.lines || (this.cells > most.cells && lines.length > 1)) {
      const first = lines.shift();
      first.stream.forgetFirst();
      this.forget(first);
      this.dropped += 1;
    }
  }

  forget(line) {
    this.cells -= line.chars.length;
    this.changed.delete(line);
    if (line.element) this.gone.push(line);
  }
}

/** A line as runs of [text, look]. */
export function runs({ chars, looks }) {
  const found = [];
  chars.forEach((char, i) => {
    if (i && looks[i] === looks[i - 1]) found.at(-1)[0] += char;
    else found.push([char, looks[i]]);
  });
  return found;
}
