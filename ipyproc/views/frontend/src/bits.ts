// What the bits of a wait status mean: the twin of views/render/bits.py.
import { type Words, words } from "./words.js";

export const METHODS: Record<string, string> = {
  exited: "Exited",
  exit_status: "ExitStatus",
  signaled: "Signaled",
  signal: "Signal",
  core_dump: "CoreDump",
  stopped: "Stopped",
  stop_signal: "StopSignal",
  continued: "Continued",
  trap_cause: "TrapCause",
};
const NOTHING = "no status that wait reports";
const SIGTRAP = 5;

/** First and last bit of a field, and what it means. */
export type Field = [number, number, string];
/** The name of each signal and Go's text for it, by number. */
export type Signals = Record<number, [string, string]>;

export interface Reading {
  text: string;
  fields: Field[];
  /** What each of `METHODS` returns. */
  values: (boolean | number)[];
}

export function reading(status: number, signals: Signals, say: Words = words({})): Reading {
  const high = status >> 8;
  const low = status & 0x7f;
  const core = (status & 0x80) !== 0;
  const exited = low === 0;
  const signaled = !exited && low !== 0x7f;
  const stopped = low === 0x7f && !core;
  const continued = status === 0xffff;
  const dumped = signaled && core;
  const signal = signaled ? low : -1;
  const stop = stopped ? high : -1;
  const code = exited ? high : -1;
  const trap = stop === SIGTRAP ? 0 : -1;
  const values = [exited, code, signaled, signal, dumped, stopped, stop, continued, trap];
  const found = (text: string, ...fields: Field[]) => ({ text, fields, values });
  if (exited) {
    const fields: Field[] = [
      [15, 8, say("exit code {}", code)],
      [7, 7, say("not used")],
      [6, 0, say("no signal: it exited")],
    ];
    return found(`exit status ${code}`, ...fields);
  }
  if (signaled) {
    const [name, text] = signals[signal]!;
    const dump = say(core ? "core dump" : "no core");
    const suffix = core ? " (core dumped)" : "";
    return found(`signal: ${text}${suffix}`, [15, 8, say("not used")], [7, 7, dump], [6, 0, say("ended by {}", name)]);
  }
  if (stopped) {
    const [name, text] = signals[stop]!;
    return found(`stop signal: ${text}`, [15, 8, say("stopped by {}", name)], [7, 0, say("stopped, not ended")]);
  }
  if (continued) return found("continued", [15, 0, say("continued: it goes on after a stop")]);
  return found(say(NOTHING), [15, 0, say(NOTHING)]);
}
