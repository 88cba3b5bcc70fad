// Lines of cells and a cursor: the twin of _jobs/output/grid.py and line.py.

const COLUMNS = 4096;
const STACK = 12; // characters in one cell: one, and what combines with it

const ZERO = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;
const WIDE = new RegExp(
  "[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3" +
    "\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2fb}\u{1f200}-\u{1f265}" +
    "\u{20000}-\u{3fffd}]|(?![\u{1f1e6}-\u{1f1ff}])\\p{Emoji_Presentation}",
  "u",
);

/** One cell a column: the second cell of a wide character is an empty string. */
export interface Line {
  chars: string[];
  styles: string[];
  element: HTMLElement | null;
}

const widths = new Map<string, number>();

/** How many columns of a terminal a character takes. */
function width(char: string): number {
  const known = widths.get(char);
  if (known !== undefined) return known;
  if (widths.size > 9999) widths.clear();
  const columns = ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  widths.set(char, columns);
  return columns;
}

const within = (n: number, most: number) => Math.max(0, Math.min(n, most));

/** The lines that streams write, and the one cursor that they all move, as on a terminal. */
export class Grid<Attributes> {
  readonly lines: Line[] = [];
  readonly changed = new Set<Line>(); // lines to paint again
  gone: Line[] = []; // lines whose elements have to be removed
  dropped = 0; // how many lines fell off the top
  private column = 0;
  private top = 0; // the index of the first row: the cursor does not reach what lies above
  // The line below the last one is made when something is written to it.
  private row = 0;
  private bottom = 0;
  private saved: { row: number; column: number; attributes?: Attributes } = { row: 0, column: 0 };
  private cells = 0;

  constructor(readonly most: { lines: number; cells: number }) {}

  /** Whether what comes next begins a new line at the end. */
  get isAtEnd(): boolean {
    return this.top + this.row === this.lines.length;
  }

  write(text: string, style: string): void {
    const { column } = this;
    const end = column + text.length;
    const line = this.line();
    if (column > line.chars.length || end >= COLUMNS || /[^ -~]/.test(text)) {
      for (const char of text) this.put(char, style);
    } else {
      this.column = end;
      this.edit(line, ({ chars, styles }) => {
        split(chars, column);
        split(chars, end);
        for (let i = 0; i < text.length; i++) chars[column + i] = text[i]!;
        styles.length = chars.length;
        styles.fill(style, column, end);
      });
    }
  }

  newLine(): void {
    this.down();
    this.column = 0;
  }

  /** Goes to the same column of the next line. */
  down(): void {
    this.line();
    this.row += 1;
    this.bottom = Math.max(this.bottom, this.row);
  }

  tab(): void {
    this.column = within((this.column & ~7) + 8, COLUMNS - 1);
  }

  move(rows: number, columns: number): void {
    this.goTo(this.row + rows, this.column + columns);
  }

  /** Goes there, or to the nearest line and column; null is the row of the cursor. */
  goTo(row: number | null, column: number): void {
    if (row !== null) this.row = within(row, this.bottom);
    this.column = within(column, COLUMNS - 1);
  }

  save(attributes: Attributes): void {
    this.saved = { row: this.row, column: this.column, attributes };
  }

  restore(): Attributes | undefined {
    this.goTo(this.saved.row, this.saved.column);
    return this.saved.attributes;
  }

  erase(part: number): void {
    if (this.isAtEnd || part > 2) return;
    this.edit(this.line(), ({ chars, styles }) => {
      const at = [this.column, this.column + 1, 0][part]!;
      split(chars, at);
      if (part === 1) {
        chars.fill(" ", 0, at);
        styles.fill("", 0, at);
      } else {
        chars.splice(at);
        styles.splice(at);
      }
    });
  }

  eraseBelow(): void {
    this.erase(0);
    this.remove(this.top + this.row + 1);
    this.bottom = this.row;
  }

  eraseAll(): void {
    this.remove(this.top);
    this.row = this.bottom = 0;
  }

  /** Goes below all lines, and leaves them as they are for ever. */
  beginAnew(): void {
    this.top = this.lines.length;
    this.row = this.bottom = this.column = 0;
    this.saved = { row: 0, column: 0 };
  }

  private line(): Line {
    if (this.isAtEnd) {
      const line: Line = { chars: [], styles: [], element: null };
      this.lines.push(line);
      this.resized(line, 0);
    }
    return this.lines[this.top + this.row]!;
  }

  private put(char: string, style: string): void {
    const columns = width(char);
    if (this.column + columns > COLUMNS) this.newLine();
    this.edit(this.line(), ({ chars, styles }) => {
      const start = this.column;
      const end = start + columns;
      if (!columns) return combine(chars, start - 1, char);
      split(chars, start);
      split(chars, end);
      while (chars.length < end) {
        chars.push(" ");
        styles.push("");
      }
      for (let cell = start; cell < end; cell++) {
        chars[cell] = cell > start ? "" : char;
        styles[cell] = style;
      }
      this.column = end;
    });
  }

  private remove(first: number): void {
    for (const line of this.lines.splice(first)) this.forget(line);
  }

  /** Changes a line, and counts by how much it grew. */
  private edit(line: Line, change: (line: Line) => void): void {
    const before = line.chars.length;
    change(line);
    this.resized(line, line.chars.length - before);
  }

  /** Counts the cells by which a line grew, and drops the oldest lines if they are too many. */
  private resized(line: Line, cells: number): void {
    const { lines, most } = this;
    this.changed.add(line);
    this.cells += cells;
    while (lines.length > most.lines || (this.cells > most.cells && lines.length > 1)) this.forgetFirst();
  }

  private forgetFirst(): void {
    this.forget(this.lines.shift()!);
    this.dropped += 1;
    if (this.top) {
      this.top -= 1;
      return;
    }
    if (!this.row) this.column = 0;
    this.row = Math.max(this.row - 1, 0);
    this.bottom = Math.max(this.bottom - 1, 0);
    this.saved.row = Math.max(this.saved.row - 1, 0);
  }

  private forget(line: Line): void {
    this.cells -= line.chars.length;
    this.changed.delete(line);
    if (line.element) this.gone.push(line);
  }
}

function combine(chars: string[], at: number, char: string): void {
  if (at > 0 && chars[at] === "") at -= 1;
  const under = chars[at];
  if (under !== undefined && [...under].length < STACK) chars[at] = under + char;
}

function split(chars: string[], at: number): void {
  if (at > 0 && chars[at] === "") chars[at - 1] = chars[at] = " ";
}
