// What views have in common that show some processes side by side; widgets/survey.py has the rest.
import { frame, h, say } from "./dom.js";
import type { View } from "./live.js";
import type { Model } from "./model.js";
import { Rows, type RowsTraits } from "./rows.js";
import type { Viewer } from "./viewer.js";
import { type Texts, type Words, words } from "./words.js";

export interface SurveyTraits extends RowsTraits {
  texts: Texts;
}

export abstract class Survey<Row, Notes = object> implements View {
  readonly node: HTMLElement;
  protected readonly body = h("div", {});
  protected readonly t: Words;
  protected readonly rows: Rows<Row, Notes>;

  constructor(model: Model<SurveyTraits>, name: string, title: string) {
    this.t = words(model.get("texts"));
    const heading = this.t(title);
    this.node = frame(name, h("header", {}, h("b", {}, heading)), this.body);
    this.node.setAttribute("aria-label", heading);
    this.rows = new Rows(model, this.node, (keys) => keys.length && this.update());
    this.node.append(this.rows.requests.message);
  }

  /** Draws all rows. */
  protected abstract draw(rows: Row[]): Node[];

  update(): void {
    const drawn = this.draw([...this.rows.rows.values()]);
    this.body.replaceChildren(...(drawn.length ? drawn : [this.t("no processes")]));
    if (this.node.dataset.gone) say(this.rows.requests.message, this.t("the kernel is gone: this is how it was"));
  }

  get viewer(): Viewer {
    return this.rows.viewer;
  }

  stop(): void {
    this.rows.stop();
  }
}
