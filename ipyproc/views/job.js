// The pane of one job, for anywidget: a plain ES module, no build step.
// What it says to the kernel and hears from it is described in job.py.

const LINES = 1000, CELLS = 1 << 18, COLUMNS = 4096, STACK = 12, PENDING = 256, STRING = 2100;

const ON = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike", 21: "underline" };
const OFF = { 22: "bold dim", 23: "italic", 24: "underline", 27: "inverse", 29: "strike", 39: "fg", 49: "bg" };
const EXTENDED = { 38: "fg", 48: "bg", 58: "underline colour" };
const WORDS = ["bold", "dim", "italic", "underline", "inverse", "strike", "fg", "bg", "link"];
const LINK = /^https?:\/\/[!#-;=?-\[\]_a-z~]{1,2000}$/i;

const PRINTABLE = /[^\x00-\x1f\x7f-\x9f]+/y;
const ESCAPE = /\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))/y;
const STRING_END = /[\n\x07\x18\x1a\x1b\x9c]/g;
const DECEPTIVE = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;
const WIDE = new RegExp(
  "[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3" +
    "\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2fb}\u{1f200}-\u{1f265}" +
    "\u{20000}-\u{3fffd}]|(?![\u{1f1e6}-\u{1f1ff}])\\p{Emoji_Presentation}",
  "u",
);

const hex = (n) => n.toString(16).padStart(2, "0");
const number = (text) => (/^\d+$/.test(text.slice(0, 6)) ? +text.slice(0, 6) : 0);
const within = (n, most) => Math.max(0, Math.min(n, most));

/** What a stream writes with. A look is a string of words; look.py lists them. */
class Pen {
  constructor(stream) {
    this.base = stream === "stdout" ? [] : [stream];
    this.set = {};
    this.change();
  }

  link(address) {
    if (LINK.test(address)) this.set.link = address;
    else delete this.set.link;
    this.change();
  }

  sgr(parameters) {
    const items = parameters.split(";", 32).map((group) => group.split(":").map(number));
    while (items.length) this.obey(items.shift(), items);
    this.change();
  }

  obey([code, ...rest], items) {
    const { set } = this;
    const tens = Math.floor(code / 10), digit = code % 10;
    if (!code) this.set = set.link ? { link: set.link } : {};
    else if (EXTENDED[code]) {
      const found = rest.length ? packed(rest) : spread(items);
      if (found) set[EXTENDED[code]] = found;
    } else if (code === 4 && rest.length === 1 && !rest[0]) delete set.underline;
    else if (ON[code]) set[ON[code]] = true;
    else if (OFF[code]) for (const word of OFF[code].split(" ")) delete set[word];
    else if ([3, 4, 9, 10].includes(tens) && digit < 8) {
      set[tens === 3 || tens === 9 ? "fg" : "bg"] = String(tens > 8 ? digit + 8 : digit);
    }
  }

  change() {
    const words = WORDS.filter((word) => this.set[word]);
    this.look = [...this.base, ...words.map((w) => (this.set[w] === true ? w : `${w}=${this.set[w]}`))].join(" ");
  }
}

/** The colour of 38:5:n, or 38:2:r:g:b, or 38:2:space:r:g:b. */
const packed = ([kind, ...rest]) => mixed(kind, kind === 2 && rest.length > 3 ? rest.slice(1) : rest);

/** The colour of 38;5;n or 38;2;r;g;b; its numbers are taken. */
function spread(items) {
  const kind = items.shift()?.[0];
  return mixed(kind, items.splice(0, { 5: 1, 2: 3 }[kind]).map(([n]) => n));
}

function mixed(kind, values) {
  const needed = { 5: 1, 2: 3 }[kind];
  const used = values.slice(0, needed);
  if (!needed || used.length < needed || Math.max(...used) > 255) return "";
  return kind === 5 ? String(used[0]) : "#" + used.map(hex).join("");
}

/** What one stream writes, as if it had a terminal to itself: the twin of stream.py. */
class Stream {
  constructor(name, screen) {
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.pen = new Pen(name);
    this.screen = screen;
    this.pending = "";
    this.string = null;
    this.lines = [];
    // The line below the last one is not begun before something is written to it.
    this.row = this.bottom = this.column = 0;
  }

  feed(data, more) {
    const text = this.pending + this.decoder.decode(data, { stream: more });
    this.pending = "";
    for (let at = 0; at < text.length; ) {
      PRINTABLE.lastIndex = at;
      if (this.string !== null) at = this.readString(text, at);
      else if (text[at] === "\x1b") at = this.readEscape(text, at);
      else if (PRINTABLE.test(text)) {
        this.print(text.slice(at, PRINTABLE.lastIndex));
        at = PRINTABLE.lastIndex;
      } else this.control(text[at++]);
    }
  }

  forgetFirst() {
    this.lines.shift();
    if (!this.row) this.column = 0;
    this.row = Math.max(this.row - 1, 0);
    this.bottom = Math.max(this.bottom - 1, 0);
  }

  readString(text, at) {
    STRING_END.lastIndex = at;
    const match = STRING_END.exec(text);
    const end = match ? match.index : text.length;
    this.string = (this.string + text.slice(at, end)).slice(0, STRING);
    if (!match) return end;
    const link = /^8(?:;[^;]*;?([^]*))?$/.exec(this.string);
    if (link && !"\n\x18\x1a".includes(match[0])) this.pen.link(link[1]);
    this.string = null;
    return "\n\x1b".includes(match[0]) ? end : end + 1;
  }

  readEscape(text, at) {
    ESCAPE.lastIndex = at;
    const [whole, parameters = "", between, final, string, other] = ESCAPE.exec(text);
    if (string) this.string = string === "]" ? "" : "?";
    else if (!final && !other && at + whole.length === text.length) {
      this.pending = whole.length <= PENDING ? whole : whole[1] === "[" ? "\x1b[?" : "\x1b ";
    } else if (final === "m" && !between) {
      if (!/^[<-?]/.test(parameters)) this.pen.sgr(parameters);
    } else if (final && !between && /^[\d;]*$/.test(parameters)) this.move(final, parameters);
    return at + whole.length;
  }

  move(final, parameters) {
    const given = +parameters.split(";")[0].slice(0, 6);
    const count = given || 1;
    const down = { A: -1, F: -1, B: 1, E: 1 }[final] ?? 0, right = { C: 1, D: -1 }[final] ?? 0;
    this.row = within(this.row + down * count, this.bottom);
    this.column = "EF".includes(final) ? 0 : within(this.column + right * count, COLUMNS - 1);
    if (final === "G") this.column = within(count - 1, COLUMNS - 1);
    if (final === "K") this.erase(given);
    if (final === "J" && !given) this.eraseBelow();
  }

  control(char) {
    if (char === "\n") this.newLine();
    if (char === "\r") this.column = 0;
    if (char === "\b") this.column = within(this.column - 1, COLUMNS);
    if (char === "\t") this.column = within((this.column & ~7) + 8, COLUMNS - 1);
  }

  newLine() {
    this.line();
    this.row += 1;
    this.bottom = Math.max(this.bottom, this.row);
    this.column = 0;
  }

  line() {
    if (this.row === this.lines.length) this.lines.push(this.screen.begin(this));
    return this.lines[this.row];
  }

  /** Change a line, and let the screen know how it grew. */
  edit(line, change) {
    const before = line.chars.length;
    change(line);
    this.screen.resized(line, line.chars.length - before);
  }

  print(text) {
    const { column, pen } = this;
    const line = this.line();
    if (column === line.chars.length && column + text.length < COLUMNS && /^[ -~]*$/.test(text)) {
      this.column += text.length;
      this.edit(line, ({ chars, looks }) => {
        for (const char of text) chars.push(char), looks.push(pen.look);
      });
    } else for (const char of text.replace(DECEPTIVE, "")) this.put(char);
  }

  put(char) {
    const columns = ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
    if (this.column + columns > COLUMNS) this.newLine();
    this.edit(this.line(), ({ chars, looks }) => {
      const start = this.column, end = start + columns;
      if (!columns) return combine(chars, start - 1, char);
      split(chars, start);
      split(chars, end);
      while (chars.length < end) chars.push(" "), looks.push("");
      for (let cell = start; cell < end; cell++) {
        chars[cell] = cell > start ? "" : char;
        looks[cell] = this.pen.look;
      }
      this.column = end;
    });
  }

  erase(part) {
    if (this.row === this.lines.length || part > 2) return;
    this.edit(this.line(), ({ chars, looks }) => {
      const at = [this.column, this.column + 1, 0][part];
      split(chars, at);
      if (part === 1) chars.fill(" ", 0, at), looks.fill("", 0, at);
      else chars.splice(at), looks.splice(at);
    });
  }

  eraseBelow() {
    this.erase(0);
    this.screen.remove(this.lines.splice(this.row + 1));
    this.bottom = this.row;
  }
}

function combine(chars, at, char) {
  if (at > 0 && chars[at] === "") at -= 1;
  if (chars[at] !== undefined && [...chars[at]].length < STACK) chars[at] += char;
}

function split(chars, at) {
  if (at > 0 && chars[at] === "") chars[at - 1] = chars[at] = " ";
}

/** Lines of output from several streams: the twin of screen.py. */
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

const ACK = 1 << 16; // acknowledge this many bytes at a time
const PATIENCE = 1000; // ms to wait for what the kernel owes us
const QUEUED = "queued: the kernel is busy";

/** An element; children that are strings become text nodes, never markup. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

function button(name, press) {
  const element = h("button", { type: "button" }, name);
  element.onclick = () => press(element);
  return element;
}

const size = (n) => (n < 1e3 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`);

function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds)), minutes = Math.floor(s / 60), hours = Math.floor(minutes / 60);
  const two = (n) => String(n % 60).padStart(2, "0");
  if (!minutes) return `${s} s`;
  return hours ? `${hours}:${two(minutes)}:${two(s)}` : `${minutes}:${two(s)}`;
}

const STYLES = {
  bold: "font-weight:bold",
  dim: "opacity:.65",
  italic: "font-style:italic",
  underline: "text-decoration:underline",
  strike: "text-decoration:line-through",
  note: "color:var(--quiet);font-style:italic",
};

function colour(value) {
  const n = +value, cube = n - 16;
  if (value[0] === "#") return value;
  if (n < 8) return `var(--c${n})`;
  if (n < 16) return `color-mix(in srgb,var(--c${n - 8}) 75%,var(--fore))`;
  if (n > 231) return "#" + hex(n * 10 - 2312).repeat(3);
  return "#" + [cube / 36, (cube / 6) % 6, cube % 6].map((i) => hex(i < 1 ? 0 : 55 + 40 * Math.floor(i))).join("");
}

/** A run as a node. What it says is a text node, whatever it says. */
function drawn([text, look]) {
  const style = {}, words = [];
  for (const word of look ? look.split(" ") : []) {
    const [, key, value] = /^(\w+)=?(.*)/.exec(word);
    if (value) style[key] = value;
    else words.push(key);
  }
  const { link } = style;
  let [fg, bg] = [style.fg, style.bg].map((value) => value && colour(value));
  if (words.includes("inverse")) [fg, bg] = [bg ?? "var(--back)", fg ?? "var(--fore)"];
  const css = words.map((word) => STYLES[word]);
  if (fg) css.push("color:" + fg);
  if (bg) css.push("background:" + bg);
  const node = link ? h("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, text) : h("span", {}, text);
  node.style.cssText = css.join(";");
  return look ? node : text;
}

/** What `wait` learnt: the main facts, and the others on request. */
function table(facts) {
  const row = (...cells) => h("tr", { role: "row" }, ...cells);
  const rows = (wanted) =>
    facts
      .filter(([, , detail]) => detail === wanted)
      .map(([label, value]) => row(h("th", { role: "rowheader" }, label), h("td", { role: "cell" }, value)));
  // Its rows stand side by side, and to a screen reader it is still a table.
  const whole = (name, ...found) => h("table", { role: "table", class: name }, h("tbody", { role: "rowgroup" }, ...found));
  const more = h("details", {}, h("summary", {}, "Wait status and usage"), whole("", ...rows(true)));
  return whole("ipyproc-state", ...rows(false), row(h("td", { role: "cell" }, more)));
}

/** One picture of a job. It knows nothing that the kernel did not say. */
class Pane {
  constructor(model) {
    this.model = model;
    this.page = Array.from(crypto.getRandomValues(new Uint8Array(8)), hex).join("");
    this.screen = new Screen();
    this.start = this.have = this.acked = this.seq = this.skew = this.lost = this.cost = 0;
    this.waiting = new Map(); // actions that the kernel has not answered
    this.follow = true;
    this.build();
    this.show();
    this.showTail();
    this.ready();
    this.clock = setInterval(() => this.showTime(), PATIENCE);
  }

  build() {
    const act = (name, action) => button(name, (pressed) => this.act(action, pressed));
    this.badge = h("span", { class: "ipyproc-status", role: "status" });
    this.name = h("b", {});
    this.command = h("code", {});
    this.facts = h("small", {});
    this.signals = h("div", {}, act("Interrupt", "interrupt"), act("Terminate", "terminate"), act("Kill", "kill"));
    this.saver = button("Save output", () => this.save());
    this.above = h("p", {});
    this.output = h("div", { class: "ipyproc-output", role: "log", tabindex: "0" });
    this.input = h("input", { autocomplete: "off", spellcheck: "false" });
    const label = h("label", {}, "Standard input", this.input);
    this.form = h("form", {}, label, h("button", {}, "Send"), act("Close stdin", "close_stdin"));
    this.message = h("p", { role: "status" });
    this.after = h("div", {});
    const head = h("header", {}, this.badge, this.name, this.command, this.facts, h("div", {}, this.signals, this.saver));
    // Keys pressed in the pane are not the notebook's, and a dollar begins no formula.
    const attributes = { class: "ipyproc-job tex2jax_ignore mathjax_ignore", "data-lm-suppress-shortcuts": "true" };
    this.section = h("section", attributes, head, this.above, this.output, this.form, this.message, this.after);
    this.section.onkeydown = (event) => event.stopPropagation();
    this.output.onscroll = () => {
      const { scrollHeight, scrollTop, clientHeight } = this.output;
      this.follow = scrollHeight - scrollTop - clientHeight < 8;
    };
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.act("send", this.form, { text: this.input.value + "\n" });
      this.input.value = "";
    };
  }

  show() {
    const state = (this.state = this.model.get("state"));
    const { name, command, dir, pid, status, text, ran, stdin, facts } = state;
    this.section.setAttribute("aria-label", `Job ${name}`);
    Object.assign(this.section.dataset, { name, pid, status, good: text === "exit status 0" });
    if (this.badge.textContent !== text) this.badge.textContent = text;
    this.name.textContent = name;
    this.command.textContent = command;
    this.command.title = dir ? `${command}\nin ${dir}` : command;
    this.output.setAttribute("aria-label", `Output of ${name}`);
    this.signals.hidden = ran !== null;
    if (!stdin) this.form.remove();
    this.showTime();
    if (facts && !this.after.firstChild) this.after.append(table(facts));
    if (ran !== null) clearInterval(this.clock);
    this.settle();
  }

  showTime() {
    const { pid, started, ran } = this.state;
    const text = `pid ${pid} · ${ran ?? duration(Date.now() / 1000 + this.skew - started)}`;
    if (this.facts.textContent !== text) this.facts.textContent = text;
  }

  /** Show what the synced state holds of the output, unless the stream brings it. */
  showTail() {
    const { offset, streams, data } = this.model.get("tail");
    if (this.lost || !this.asked) this.take(offset, streams, [data]);
  }

  heard(message, buffers) {
    const { kind, pages, page, after, offset, streams } = message;
    if (kind === "output" && (pages.includes(this.page) || pages.includes("*"))) {
      const gap = after > this.have;
      if (gap && !this.lost) this.ready();
      // A kernel that is too busy to mend the gap still sends: then show what comes.
      if (!gap || Date.now() - this.lost > PATIENCE) this.take(offset, streams, buffers);
    }
    if (page !== this.page) return;
    if (kind === "begin" && message.seq === this.asked) this.begin(message);
    if (kind === "saved") this.saved(message, buffers);
    if (kind === "done") this.done(message);
  }

  /** Tell the kernel what is here; it answers with where it goes on. */
  ready(wait = 2 * PATIENCE) {
    this.lost ||= Date.now();
    this.asked = ++this.seq;
    this.send("ready", { have: this.start ? null : this.have, seq: this.asked });
    clearTimeout(this.again);
    this.again = setTimeout(() => this.ready(2 * wait), wait);
  }

  begin({ offset, clock }) {
    clearTimeout(this.again);
    this.lost = 0;
    this.skew = clock - Date.now() / 1000;
    // What is here goes without a hole from start to have, or is not needed any more.
    if (offset < this.start || offset > this.have) {
      const { gone, lines } = this.screen;
      this.screen = new Screen();
      this.screen.gone = [...gone, ...lines];
      this.start = this.have = offset;
      if (offset) this.skip(offset);
    }
    this.acked = offset;
    this.showTime();
    this.settle();
  }

  /** Show bytes from `offset` on, as far as they are not here. */
  take(offset, streams, buffers) {
    const data = buffers?.[0];
    const bytes = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : [];
    const end = offset + bytes.length;
    if (end <= this.have) return;
    if (offset > this.have) {
      this.skip(offset - this.have);
      this.start = this.have = offset;
    }
    let at = 0;
    for (const [stream, length] of streams) {
      const from = Math.max(at, this.have - offset);
      at += length;
      if (from < at) this.screen.feed(stream, bytes.subarray(from, at));
    }
    this.have = end;
    this.settle();
  }

  skip(count) {
    this.screen.note(`… ${size(count)} not shown here; “Save output” has everything …`);
  }

  /** Draw soon; when all has been printed, see that all is here. */
  settle() {
    const { total } = this.state;
    clearTimeout(this.checking);
    if (total !== null && this.have >= total) this.screen.finish();
    else if (total !== null) this.checking = setTimeout(() => this.lost || this.ready(), 2 * PATIENCE);
    // What takes long to draw is drawn less often, so that the page stays responsive.
    this.frame ??= setTimeout(() => requestAnimationFrame((start) => {
      this.frame = null;
      this.draw();
      this.cost = performance.now() - start;
    }), 2 * this.cost);
  }

  draw() {
    const { screen, output } = this;
    const { lines, changed } = screen;
    this.seen ||= this.section.isConnected;
    const end = lines.length - (lines.at(-1)?.chars.length === 0);
    for (const line of screen.gone.splice(0).concat(lines.slice(end))) {
      line.element?.remove();
      line.element = null;
    }
    let first = end;
    while (first && !lines[first - 1].element) first -= 1;
    for (const line of lines.slice(first, end)) {
      output.append((line.element = h("div", {})));
      changed.add(line);
    }
    for (const line of changed) if (line.element) this.paint(line);
    changed.clear();
    output.hidden = !output.firstChild;
    this.saver.hidden = !this.have;
    this.above.textContent = screen.dropped ? `${screen.dropped.toLocaleString("en")} lines above are not shown` : "";
    if (this.follow) output.scrollTop = output.scrollHeight;
    if (!this.lost && this.have - this.acked >= ACK) this.send("ack", { offset: (this.acked = this.have) });
  }

  paint(line) {
    line.element.replaceChildren(...(line.chars.length ? runs(line).map(drawn) : [h("br", {})]));
    line.element.className = line.looks.some((look) => look.startsWith("stderr")) ? "stderr" : "";
  }

  send(action, rest) {
    this.model.send({ action, page: this.page, ...rest });
  }

  act(action, pressed, rest) {
    const seq = ++this.seq;
    pressed.setAttribute("aria-busy", "true");
    this.waiting.set(seq, [pressed, setTimeout(() => this.say(QUEUED), PATIENCE / 2)]);
    this.send(action, { seq, ...rest });
  }

  done({ seq, error }) {
    const [pressed, timer] = this.waiting.get(seq) ?? [];
    clearTimeout(timer);
    pressed?.removeAttribute("aria-busy");
    this.waiting.delete(seq);
    this.say(error);
  }

  say(text) {
    this.message.textContent = text;
  }

  save() {
    clearTimeout(this.saving?.timer);
    this.saving = { parts: [], offset: 0, total: null, tries: 20 };
    this.askForMore();
  }

  askForMore() {
    const { saving } = this;
    this.send("save", { offset: saving.offset });
    clearTimeout(saving.timer);
    // An answer may be lost where a cell prints too much: ask again, but not for ever.
    saving.timer = setTimeout(() => {
      this.say(QUEUED);
      if (saving.tries--) this.askForMore();
    }, 5 * PATIENCE);
  }

  saved({ after, offset, total }, buffers) {
    const { saving } = this;
    if (after !== saving?.offset) return;
    saving.total ??= total;
    if (offset > after) saving.parts.push(`\n[${size(offset - after)} were not kept]\n`);
    saving.parts.push(new Blob(buffers));
    saving.offset = offset + saving.parts.at(-1).size;
    if (saving.offset < saving.total) {
      this.say(`saving: ${Math.floor((100 * saving.offset) / saving.total)} %`);
      return this.askForMore();
    }
    clearTimeout(saving.timer);
    this.saving = null;
    this.say("");
    const href = URL.createObjectURL(new Blob(saving.parts, { type: "text/plain" }));
    h("a", { href, download: this.state.name.replace(/[^\w.-]+/g, "_") + ".txt" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60 * PATIENCE);
  }

  stop() {
    for (const timer of [this.again, this.checking, this.clock]) clearTimeout(timer);
  }
}

// The panes of each model, by the token of its job. When a job ends, its output in the
// notebook becomes static HTML, which is what a saved notebook shows; as long as the
// kernel is there, the pane moves into that.
const known = new Map();

function initialize({ model }) {
  const token = model.get("state").id;
  const panes = new Set();
  const adopt = (host) => {
    const all = [...panes];
    if (all.some((pane) => host.contains(pane.section))) return;
    const pane = all.find((pane) => pane.seen && !pane.section.isConnected) ?? new Pane(model);
    panes.add(pane);
    host.replaceChildren(pane.section);
    pane.follow = true; // what is moved is scrolled to its beginning
    pane.settle();
  };
  const look = () => document.querySelectorAll(`#ipyproc-${CSS.escape(token)}`).forEach(adopt);
  const observer = new MutationObserver(look);
  observer.observe(document.documentElement, { childList: true, subtree: true });
  model.on("msg:custom", (message, buffers) => panes.forEach((pane) => pane.heard(message, buffers)));
  model.on("change:state", () => panes.forEach((pane) => pane.show()));
  model.on("change:tail", () => panes.forEach((pane) => pane.showTail()));
  known.set(token, { model, panes });
  look();
  return () => {
    observer.disconnect();
    known.delete(token);
    panes.forEach((pane) => pane.stop());
  };
}

function render({ model, el }) {
  const own = known.get(model.get("state").id);
  const pane = new Pane(own.model);
  own.panes.add(pane);
  el.append(pane.section);
  return () => {
    // It may be about to move; what is gone for good hears nothing any more.
    setTimeout(() => {
      if (pane.section.isConnected) return;
      own.panes.delete(pane);
      pane.stop();
    }, 2 * PATIENCE);
  };
}

export default { initialize, render };
