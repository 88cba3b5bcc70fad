// What the tests do with the module of the pane.
import { Screen, runs } from "./job.js";

const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** What a vector's input leaves on a screen: its lines, and how many fell off. */
window.played = ({ input, limits = [] }) => {
  const screen = new Screen(...limits);
  for (const [stream, data] of input) screen.feed(stream, bytes(data));
  screen.finish();
  const lines = screen.lines.map(runs);
  if (lines.length && !lines.at(-1).length) lines.pop();
  return { lines, dropped: screen.dropped };
};

/** The columns that each of the characters takes. */
window.widths = (codes) =>
  codes.map((code) => {
    const screen = new Screen();
    screen.feed("stdout", new TextEncoder().encode("x" + String.fromCodePoint(code)));
    return screen.streams.stdout.column - 1;
  });
