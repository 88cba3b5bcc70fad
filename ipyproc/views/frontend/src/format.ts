// Numbers as words: the twins of those in facts.py.

export function size(n) {
  if (n < 1e3) return `${n} B`;
  const [unit, name] = n < 999950 ? [1e3, "kB"] : n < 999950e3 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(n / unit).toFixed(1)} ${name}`;
}

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds)), minutes = Math.floor(s / 60), hours = Math.floor(minutes / 60);
  const two = (n) => String(n % 60).padStart(2, "0");
  if (!minutes) return `${s} s`;
  return hours ? `${hours}:${two(minutes)}:${two(s)}` : `${minutes}:${two(s)}`;
}
