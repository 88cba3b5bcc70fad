// Who holds which end of which pipe: the module that anywidget loads.
import { h } from "./dom.js";
import { live } from "./live.js";
import type { Model } from "./model.js";
import type { End, HolderFields } from "./protocol.js";
import { Survey, type SurveyTraits } from "./survey.js";

const COLOURS = 6; // of pipes, which the style sheet has
const USES: Record<string, string> = { r: "reads pipe {}", w: "writes pipe {}" };

class Descriptors extends Survey<HolderFields> {
  constructor(model: Model<SurveyTraits>) {
    super(model, "ipyproc-descriptors", "Descriptors");
  }

  protected draw(rows: HolderFields[]): Node[] {
    const holders = [...rows].sort((a, b) => Number(b.mine) - Number(a.mine) || a.pid - b.pid);
    const names = new Set(holders.flatMap(({ ends }) => ends.map(([, , pipe]) => pipe)).filter(Boolean));
    const pipes = [...names].sort((a, b) => Number(a) - Number(b)).map((pipe) => this.pipe(pipe, holders));
    if (!holders.length) return [];
    const table = h("table", {}, h("tbody", {}, ...holders.map((holder) => this.holder(holder))));
    return pipes.length ? [this.pipes(pipes), table] : [table];
  }

  private pipes(rows: HTMLElement[]): HTMLElement {
    const heads = [this.t("writing ends"), "", "", this.t("reading ends")];
    const head = h("tr", {}, ...heads.map((text) => h("th", {}, text)));
    return h("table", { class: "ipyproc-pipes" }, h("thead", {}, head), h("tbody", {}, ...rows));
  }

  private pipe(pipe: string, holders: HolderFields[]): HTMLElement {
    const side = (way: string, nobody: string) => {
      const held = holders.flatMap((holder) =>
        holder.ends
          .filter((end) => end[2] === pipe && end[1].includes(way))
          .map((end) => h("div", {}, `${called(holder)} `, h("small", {}, this.t("descriptor {}", end[0])))),
      );
      return held.length ? held : [h("em", {}, this.t(nobody))];
    };
    const writers = side("w", "none: a reader sees the end");
    const readers = side("r", "none: a writer gets SIGPIPE");
    const name = h("span", { class: "ipyproc-pipe", "data-colour": Number(pipe) % COLOURS }, this.t("pipe {}", pipe));
    const cells = [writers, ["→ "], [name, " →"], readers].map((cell) => h("td", {}, ...cell));
    return h("tr", { "data-pipe": pipe }, ...cells);
  }

  private holder(holder: HolderFields): HTMLElement {
    const ends = holder.ends.map((end) => this.end(end));
    const shown = ends.length ? ends : [h("em", {}, this.t(holder.ended ? "none: it has ended" : "none"))];
    const whose = holder.mine ? [" ", h("small", {}, this.t("this Jupyter kernel"))] : [];
    return h(
      "tr",
      { "data-pid": holder.pid },
      h("th", { scope: "row" }, called(holder), ...whose),
      h("td", {}, ...shown),
    );
  }

  private end([number, way, pipe, target]: End): HTMLElement {
    const text = pipe ? this.t(USES[way] ?? "reads and writes pipe {}", pipe) : target;
    const shown = h("span", { title: target }, h("b", {}, String(number)), ` ${text}`);
    if (pipe) {
      shown.className = "ipyproc-pipe";
      shown.dataset.colour = String(Number(pipe) % COLOURS);
    }
    return shown;
  }
}

function called({ name, pid }: HolderFields): string {
  return `${name} (${pid})`;
}

export default live<SurveyTraits>((model) => new Descriptors(model), { settles: true });
