// What the bits of a wait status say: the twin of views/render/bits.py.

export const METHODS = {
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

/** Take a status apart; `words` has the name of each signal, and Go's text for it. */
export function reading(status, words) {
  const high = status >> 8, low = status & 0x7f, core = (status & 0x80) !== 0;
  const exited = low === 0, signaled = !exited && low !== 0x7f, stopped = low === 0x7f && !core;
  const continued = status === 0xffff, dumped = signaled && core;
  const signal = signaled ? low : -1, stop = stopped ? high : -1, code = exited ? high : -1;
  const trap = stop === SIGTRAP ? 0 : -1;
  const values = [exited, code, signaled, signal, dumped, stopped, stop, continued, trap];
  const found = (text, ...fields) => ({ text, fields, values });
  if (exited) {
    return found(`exit status ${code}`, [15, 8, `exit code ${code}`], [7, 7, "not used"], [6, 0, "no signal: it exited"]);
  }
  if (signaled) {
    const [name, text] = words[signal];
    const dump = core ? "core dump" : "no core";
    const suffix = core ? " (core dumped)" : "";
    return found(`signal: ${text}${suffix}`, [15, 8, "not used"], [7, 7, dump], [6, 0, `ended by ${name}`]);
  }
  if (stopped) {
    const [name, text] = words[stop];
    return found(`stop signal: ${text}`, [15, 8, `stopped by ${name}`], [7, 0, "stopped, not ended"]);
  }
  if (continued) return found("continued", [15, 0, "continued: it goes on after a stop"]);
  return found(NOTHING, [15, 0, NOTHING]);
}
