// The tree of sessions, groups and processes: the module that anywidget loads.
import { h, legend } from "./dom.js";
import { live } from "./live.js";
import type { Model } from "./model.js";
import type { MemberFields } from "./protocol.js";
import { Survey, type SurveyTraits } from "./survey.js";

interface Notes {
  letters: Record<string, string>;
}

class Sessions extends Survey<MemberFields, Notes> {
  constructor(model: Model<SurveyTraits>) {
    super(model, "ipyproc-sessions", "Sessions, groups and processes");
    const letters = Object.entries(this.rows.notes.letters);
    this.node.append(legend(letters.map(([letter, text]) => [letter, this.t(text)])));
  }

  protected draw(rows: MemberFields[]): Node[] {
    // The kernel's own session comes first, then the oldest.
    const order = [...rows].sort((a, b) => Number(b.mine) - Number(a.mine) || a.pid - b.pid);
    const sessions = grouped(order, (row) => row.session);
    return [...sessions].map(([session, members]) => {
      const groups = grouped(members, (row) => row.group);
      const boxes = [...groups].sort(([a], [b]) => a - b).map(([group, found]) => this.group(group, found));
      return h("section", { class: "ipyproc-session" }, h("b", {}, this.t("session {}", session)), ...boxes);
    });
  }

  private group(group: number, rows: MemberFields[]): HTMLElement {
    const members = [...rows].sort((a, b) => a.pid - b.pid).map((row) => this.member(row));
    return h("div", { class: "ipyproc-group" }, h("span", {}, this.t("group {}", group)), h("ul", {}, ...members));
  }

  private member({ name, pid, parent, letter, mine }: MemberFields): HTMLElement {
    const text = this.rows.notes.letters[letter];
    const attributes = { class: "ipyproc-letter", "data-letter": letter, title: text ? this.t(text) : "" };
    const sign = h("span", attributes, letter || "-");
    const known = mine ? this.t("this Jupyter kernel") : this.t("child of {}", parent);
    const origin = letter ? known : this.t("gone");
    return h("li", { "data-pid": pid }, sign, h("b", {}, name), ` ${pid} `, h("small", {}, origin));
  }
}

/** Returns the rows by a number of theirs, in their order. */
function grouped<Row>(rows: Row[], by: (row: Row) => number): Map<number, Row[]> {
  const found = new Map<number, Row[]>();
  for (const row of rows) found.set(by(row), [...(found.get(by(row)) ?? []), row]);
  return found;
}

export default live<SurveyTraits>((model) => new Sessions(model), { settles: true });
