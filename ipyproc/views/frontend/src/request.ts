// What one view asks of the kernel, and how its buttons wait for the answer.
import { button, h, say } from "./dom.js";
import type { Model } from "./model.js";
import type { Again, Asked, Find, Fits, FromKernel, FromPage, Keys, Own, Press, Read, Settle } from "./protocol.js";

/** Milliseconds to wait for an answer of the kernel. */
export const PATIENCE = 1000;

// `Omit` alone would merge the members of a union into one.
type Without<Message, Field extends string> = Message extends unknown ? Omit<Message, Field> : never;

/** The requests of one view. */
export class Requests {
  /** A name that no other view has, on this page or another. */
  readonly page = Array.from(crypto.getRandomValues(new Uint8Array(8)), (n) => n.toString(36)).join("");
  /** Says what became of an action. */
  readonly message = h("p", { role: "status" });
  closed = false; // whether nothing is asked any more: the kernel is gone, or the view
  private seq = 0;
  // The buttons whose actions the kernel has not answered, by number.
  private readonly waiting = new Map<number, [HTMLElement, number]>();

  /** `lost` is called once, when there is no kernel any more. */
  constructor(
    private readonly model: Pick<Model, "send" | "on" | "off">,
    private readonly lost: () => void,
  ) {
    model.on("msg:custom", this.heard);
  }

  send(request: Without<Exclude<FromPage, Settle>, "page">): void {
    if (this.closed) return;
    try {
      this.model.send({ page: this.page, ...request });
    } catch {
      this.closed = true;
      this.lost();
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

  /** Sends what is answered some time, and returns its number. */
  post(request: Without<Keys | Fits | Read | Find, "page" | "seq">): number {
    const seq = ++this.seq;
    this.send({ seq, ...request });
    return seq;
  }

  /** Returns a button that does one thing. */
  button(name: string, action: (Press | Own | Again)["action"]): HTMLButtonElement {
    return button(name, (pressed) => this.act(pressed, { action }));
  }

  /** Returns the buttons that end a process. */
  signals(): HTMLElement {
    const buttons = [this.button("Interrupt", "interrupt"), this.button("Terminate", "terminate")];
    return h("div", {}, ...buttons, this.button("Kill", "kill"));
  }

  private readonly heard = (message: FromKernel): void => {
    if (message.kind !== "done" || message.page !== this.page || message.seq === null) return;
    const asked = this.waiting.get(message.seq);
    if (!asked) return;
    const [pressed, timer] = asked;
    clearTimeout(timer);
    this.waiting.delete(message.seq);
    if (![...this.waiting.values()].some(([other]) => other === pressed)) {
      pressed.removeAttribute("aria-busy");
      delete pressed.dataset.queued;
    }
    if (message.error || !this.waiting.size) say(this.message, message.error);
  };

  stop(): void {
    this.closed = true;
    for (const [, timer] of this.waiting.values()) clearTimeout(timer);
    this.model.off("msg:custom", this.heard);
  }
}
