// Numbers as text: the twins of those in views/render/format.py.

export function size(n: number): string {
  if (n < 1e3) return `${n} B`;
  const [unit, name] = n < 999950 ? [1e3, "kB"] : n < 999950e3 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(n / (unit as number)).toFixed(1)} ${name}`;
}

/** A pid, and on which host if that is not the kernel's machine. */
export function place(pid: number | null, host: string): string {
  if (host === "localhost") return String(pid ?? "");
  return pid === null ? host : `${host}:${pid}`;
}

/** The process of a job: its pid, or where it waits for one. */
export function process(pid: number | null, host: string): string {
  const there = place(pid, host);
  if (pid !== null) return `pid ${there}`;
  return there ? `on ${there}` : "no process";
}

export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(s / 60);
  const hours = Math.floor(minutes / 60);
  const two = (n: number) => String(n % 60).padStart(2, "0");
  if (!minutes) return `${s} s`;
  return hours ? `${hours}:${two(minutes)}:${two(s)}` : `${minutes}:${two(s)}`;
}
