// Questions that the kernel answers, asked again until it does.
import type { Model } from "./model.js";
import type { Find, Found, FromKernel, Piece, Read } from "./protocol.js";
import type { Requests } from "./request.js";

const SILENCE = 3000; // ms without an answer after which to ask again

type Answer<Question> = Question extends Read ? Piece : Found;
type Unnumbered<Question> = Omit<Question, "page" | "seq">;

/** One question at a time: the next takes the place of the one before. */
export class Asking<Question extends Read | Find> {
  private seq = 0;
  private timer?: number;

  constructor(
    private readonly model: Pick<Model, "on" | "off">,
    private readonly requests: Requests,
    private readonly answered: (answer: Answer<Question>, data?: DataView) => void,
  ) {
    model.on("msg:custom", this.heard);
  }

  ask(question: Unnumbered<Question>): void {
    this.drop();
    if (this.requests.closed) return;
    this.seq = this.requests.post(question as unknown as Unnumbered<Read>);
    this.timer = setTimeout(() => this.ask(question), SILENCE);
  }

  /** Does not wait for an answer any more. */
  drop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.seq = 0;
  }

  get waits(): boolean {
    return this.timer !== undefined;
  }

  private readonly heard = (message: FromKernel, buffers?: DataView[]): void => {
    if (message.kind !== "piece" && message.kind !== "found") return;
    if (message.page !== this.requests.page || message.seq !== this.seq) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.answered(message as Answer<Question>, buffers?.[0]);
  };

  stop(): void {
    this.drop();
    this.model.off("msg:custom", this.heard);
  }
}
