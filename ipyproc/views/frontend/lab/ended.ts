// What is written when a kernel has ended: its jobs ended with it, and nobody else can say so.

export const ENDED = "ended with the kernel";
const STATUS = "lost"; // what no kernel knows
const COLOUR = "#7d8590";
// What ends with the kernel: a job that runs, or a row of one, unless it is detached.
const LIVE = ["queued", "running", "stopped"]
  .map((status) => `:is(.ipyproc-job, .ipyproc-jobs tr)[data-status="${status}"]:not([data-detached])`)
  .join(", ");

interface Ended {
  html: string;
  text: string;
}

/** Returns the HTML and the text of a view after the kernel has ended; null if they stay as they are. */
export function ended(html: string, text: string): Ended | null {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const live = [...body.querySelectorAll<HTMLElement>(LIVE)];
  if (!live.length) return null;
  const table = body.querySelector(".ipyproc-jobs");
  const rows = [...(table?.querySelectorAll<HTMLElement>("tbody tr") ?? [])];
  const told = table
    ? inTable(
        text,
        rows.map((row) => live.includes(row)),
      )
    : atEnd(text, statusOf(live[0]!));
  for (const each of live) {
    each.dataset.status = STATUS;
    const badge = each.querySelector<HTMLElement>(".ipyproc-status");
    if (!badge) continue;
    badge.style.color = COLOUR;
    (badge.querySelector("b") ?? badge).textContent = ENDED;
  }
  return { html: body.innerHTML, text: told };
}

function statusOf(element: Element): string {
  return element.querySelector(".ipyproc-status")?.textContent ?? "";
}

/** The text of a job ends with its status. */
function atEnd(text: string, status: string): string {
  const start = text.lastIndexOf("\n") + 1;
  const last = text.slice(start);
  return text.slice(0, start) + (last.startsWith(status) ? ENDED + last.slice(status.length) : last);
}

/** The text of a table has a line of headings, then one for each row; its columns are aligned. */
function inTable(text: string, ends: boolean[]): string {
  const lines = text.split("\n");
  const [from, to] = [lines[0]!.indexOf("STATUS"), lines[0]!.indexOf("TIME")];
  const width = Math.max(to - from, ENDED.length + 2);
  const drawn = lines.slice(0, ends.length + 1).map((line, index) => {
    const status = ends[index - 1] ? ENDED : line.slice(from, to);
    return (line.slice(0, from) + status.padEnd(width) + line.slice(to)).trimEnd();
  });
  return [...drawn, ...lines.slice(drawn.length)].join("\n");
}
