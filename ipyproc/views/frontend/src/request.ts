// What one view asks of the kernel, and how its buttons wait for the answer.
import { say } from "./dom.js";
import type { Model } from "./model.js";
import type { Asked, Done, FromPage, Settle } from "./protocol.js";

/** Milliseconds to wait for an answer of the kernel. */
export const PATIENCE = 1000;

// `Omit` alone would merge the members of a union into one.
type Without<Message, Field extends string> = Message extends unknown ? Omit<Message, Field> : never;

/** The requests of one view, sent under a page name that no other view has. */
export class Requests {
  readonly page = Array.from(crypto.getRandomValues(new Uint8Array(8)), (n) => n.toString(36)).join("");
  private seq = 0;
  // The buttons whose actions the kernel has not answered, by number.
  private readonly waiting = new Map<number, [HTMLElement, number]>();

  /** `message` is the element that says what became of an action; `gone` is called when there is no kernel. */
  constructor(
    private readonly model: Pick<Model, "send">,
    private readonly message: HTMLElement,
    private readonly gone: () => void,
  ) {}

  send(request: Without<Exclude<FromPage, Settle>, "page">): void {
    try {
      this.model.send({ page: this.page, ...request });
    } catch {
      this.gone();
    }
  }

  /** Sends what a button does, and marks the button as busy until the kernel answers. */
  act(pressed: HTMLElement, request: Without<Asked, "page" | "seq">): void {
    // While a click is queued, another does nothing more; more input may be sent.
    if (pressed.dataset.queued && request.action !== "send") return;
    const seq = ++this.seq;
    pressed.setAttribute("aria-busy", "true");
    const queue = () => {
      pressed.dataset.queued = "true";
      say(this.message, `${pressed.getAttribute("aria-label") ?? pressed.textContent} is queued: the kernel is busy`);
    };
    this.waiting.set(seq, [pressed, setTimeout(queue, PATIENCE / 2)]);
    this.send({ seq, ...request });
  }

  done({ page, seq, error }: Done): void {
    const asked = seq === null ? undefined : this.waiting.get(seq);
    if (page !== this.page || !asked) return;
    const [pressed, timer] = asked;
    clearTimeout(timer);
    this.waiting.delete(seq!);
    if (![...this.waiting.values()].some(([other]) => other === pressed)) {
      pressed.removeAttribute("aria-busy");
      delete pressed.dataset.queued;
    }
    if (error || !this.waiting.size) say(this.message, error);
  }

  stop(): void {
    for (const [, timer] of this.waiting.values()) clearTimeout(timer);
  }
}
