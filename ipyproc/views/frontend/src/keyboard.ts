// What is typed into a terminal, on its way to the program: in order, and bounded.
import type { Model } from "./model.js";
import type { FromKernel } from "./protocol.js";
import { PATIENCE, type Requests } from "./request.js";

const PIECE = 1 << 14; // characters of a message
const UNDER_WAY = 8; // messages that the kernel has not answered
const MOST = 1 << 20; // characters that wait
const BUSY = "what you type is queued: the kernel is busy";
const TOO_MUCH = "more than 1 MB was typed or pasted at once: the rest was left out";

/** Sends what is typed as soon as the kernel takes it. */
export class Keyboard {
  private waiting = "";
  private readonly underWay: number[] = [];
  private slow?: number; // a timer

  constructor(
    private readonly model: Pick<Model, "on" | "off">,
    private readonly requests: Requests,
    private readonly say: (text: string) => void,
  ) {
    model.on("msg:custom", this.heard);
  }

  type(text: string): void {
    const room = MOST - this.waiting.length;
    if (text.length > room) this.say(TOO_MUCH);
    this.waiting += text.slice(0, room);
    this.send();
  }

  /** Sends what the terminal itself says to the program. */
  answer(text: string): void {
    this.requests.post({ action: "keys", text, answers: true });
  }

  private send(): void {
    while (this.waiting && this.underWay.length < UNDER_WAY) {
      // No character is cut in two.
      const cut = this.waiting.length > PIECE && /[\ud800-\udbff]/.test(this.waiting[PIECE - 1]!) ? PIECE - 1 : PIECE;
      const text = this.waiting.slice(0, cut);
      this.waiting = this.waiting.slice(cut);
      this.underWay.push(this.requests.post({ action: "keys", text, answers: false }));
    }
    if (this.underWay.length) this.slow ??= setTimeout(() => this.unanswered(), PATIENCE);
  }

  /** The kernel is busy; or its answer was lost, and then what follows must not wait. */
  private unanswered(): void {
    this.slow = undefined;
    if (this.requests.closed) return;
    this.say(BUSY);
    if (!this.waiting) return;
    this.underWay.length = 0;
    this.send();
  }

  private readonly heard = (message: FromKernel): void => {
    if (message.kind !== "done" || message.page !== this.requests.page || message.seq === null) return;
    const done = this.underWay.findLastIndex((seq) => seq <= message.seq!) + 1;
    if (!done) return;
    this.underWay.splice(0, done);
    clearTimeout(this.slow);
    this.slow = undefined;
    this.say(message.error);
    this.send();
  };

  stop(): void {
    clearTimeout(this.slow);
    this.model.off("msg:custom", this.heard);
  }
}
