// The explorer of wait statuses: the module that anywidget loads.
import { METHODS, reading, type Signals } from "./bits.js";
import { button, frame, h, say } from "./dom.js";
import { live, type View } from "./live.js";
import type { Model, Token } from "./model.js";
import { type Texts, type Words, words } from "./words.js";

const EXAMPLES = [0x0000, 0x0100, 0x000f, 0x0009, 0x008b, 0x137f, 0xffff];
const LARGEST = 0xffff;

interface WaitStatusTraits extends Token {
  value: number;
  words: Signals;
  texts: Texts;
  pid: number; // of the process whose status it was, or 0
}

class Explorer implements View {
  readonly node: HTMLElement;
  private readonly signals: Signals;
  private readonly t: Words;
  private readonly life: HTMLButtonElement;
  private readonly input = h("input", { size: "10", autocomplete: "off", spellcheck: "false" });
  private readonly decimal = h("span", {});
  private readonly text = h("b", { role: "status" });
  private readonly bits = Array.from({ length: 16 }, (_, i) => this.bit(15 - i));
  private readonly fields = h("div", { class: "ipyproc-fields" });
  private readonly values = Object.keys(METHODS).map(() => h("td", {}));

  constructor(private readonly model: Model<WaitStatusTraits>) {
    this.signals = model.get("words");
    this.t = words(model.get("texts"));
    const { t } = this;
    this.life = button(t("the life of process {}", model.get("pid")), () => this.lives().at(-1)?.scrollIntoView());
    this.input.onchange = () => this.typed();
    this.node = frame(
      "ipyproc-waitstatus",
      h("p", {}, h("label", {}, `${t("Status")} `, this.input), this.decimal, this.text, this.life),
      h("div", { class: "ipyproc-bits", role: "group", "aria-label": t("Bits") }, ...this.bits, this.fields),
      h("p", {}, `${t("Try")} `, ...EXAMPLES.map((value) => this.example(value))),
      this.table(),
    );
    this.node.setAttribute("aria-label", t("Wait status"));
    this.node.onpointerenter = () => this.link();
    this.bits.forEach((element, i) => {
      element.setAttribute("aria-label", t("Bit {}", 15 - i));
    });
  }

  private bit(number: number): HTMLButtonElement {
    const element = button("", () => this.choose(this.model.get("value") ^ (1 << number)));
    element.append(h("small", {}, String(number)), h("span", {}));
    element.onkeydown = ({ key }) => {
      const next = key === "ArrowLeft" ? "previousElementSibling" : key === "ArrowRight" ? "nextElementSibling" : null;
      if (next) (element[next] as HTMLElement | null)?.focus();
    };
    return element;
  }

  private example(value: number): HTMLButtonElement {
    return button(reading(value, this.signals, this.t).text, () => this.choose(value));
  }

  private table(): HTMLTableElement {
    const head = ["Python", "Go", this.t("value")].map((text) => h("th", { scope: "col" }, text));
    const code = (text: string) => h("td", {}, h("code", {}, text));
    const rows = Object.entries(METHODS).map(([name, go], i) =>
      h("tr", {}, code(name), code(`${go}()`), this.values[i]!),
    );
    return h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
  }

  private choose(value: number): void {
    this.model.set("value", value);
    this.model.save_changes();
    this.update();
  }

  private typed(): void {
    const text = this.input.value.trim();
    const value = text ? Number(text) : Number.NaN;
    if (Number.isInteger(value) && value >= 0 && value <= LARGEST) this.choose(value);
    else {
      this.input.setAttribute("aria-invalid", "true");
      this.text.textContent = this.t("a number from 0 to 65535, such as 9 or 0x0300");
    }
  }

  /** The life lines of the process on this page. */
  private lives(): HTMLElement[] {
    const pid = this.model.get("pid");
    const found = document.querySelectorAll<HTMLElement>(`.ipyproc-life[data-pid="${pid}"], #ipyproc-life-${pid}`);
    return pid ? [...found] : [];
  }

  private link(): void {
    this.life.hidden = !this.lives().length;
  }

  stop(): void {}

  update(): void {
    const value = this.model.get("value");
    const { text, fields, values } = reading(value, this.signals, this.t);
    this.input.value = `0x${value.toString(16).padStart(4, "0")}`;
    this.input.removeAttribute("aria-invalid");
    this.decimal.textContent = `= ${value}`;
    this.link();
    say(this.text, text);
    this.bits.forEach((element, i) => {
      const bit = (value >> (15 - i)) & 1;
      element.lastElementChild!.textContent = String(bit);
      element.setAttribute("aria-pressed", String(bit === 1));
    });
    this.fields.replaceChildren(
      ...fields.map(([first, last, meaning]) => {
        const element = h("div", {}, meaning);
        element.style.gridColumn = `${16 - first} / ${17 - last}`;
        return element;
      }),
    );
    this.values.forEach((cell, i) => {
      const answer = values[i];
      cell.textContent = typeof answer === "boolean" ? (answer ? "True" : "False") : String(answer);
      cell.dataset.says = String(answer !== false && answer !== -1);
    });
  }
}

export default live<WaitStatusTraits>((model) => new Explorer(model), { settles: true });
