// Numbers as words: the twins of those in facts.py.

export const size = (n) => (n < 1e3 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`);

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds)), minutes = Math.floor(s / 60), hours = Math.floor(minutes / 60);
  const two = (n) => String(n % 60).padStart(2, "0");
  if (!minutes) return `${s} s`;
  return hours ? `${hours}:${two(minutes)}:${two(s)}` : `${minutes}:${two(s)}`;
}
