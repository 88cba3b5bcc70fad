// What a picture asks of the kernel, and how its buttons wait for the answer.
import { say } from "./element.js";

export const PATIENCE = 1000; // ms to wait for what the kernel owes us

/** What one picture asks, under a name that is its own among all pages. */
export class Asking {
  constructor(model, message, gone) {
    this.model = model;
    this.message = message; // the element that says what became of an action
    this.gone = gone; // what to do when there is no kernel any more
    this.page = Array.from(crypto.getRandomValues(new Uint8Array(8)), (n) => n.toString(36)).join("");
    this.seq = 0;
    this.waiting = new Map(); // actions that the kernel has not answered
  }

  send(action, rest) {
    try {
      this.model.send({ action, page: this.page, ...rest });
    } catch {
      this.gone();
    }
  }

  act(action, pressed, rest) {
    // More input may be sent while some is queued, but no second click does more.
    if (pressed.dataset.queued && action !== "send") return;
    const seq = ++this.seq;
    pressed.setAttribute("aria-busy", "true");
    const queue = () => {
      pressed.dataset.queued = true;
      say(this.message, `${pressed.getAttribute("aria-label") ?? pressed.textContent} is queued: the kernel is busy`);
    };
    this.waiting.set(seq, [pressed, setTimeout(queue, PATIENCE / 2)]);
    this.send(action, { seq, ...rest });
  }

  done({ page, seq, error }) {
    if (page !== this.page || !this.waiting.has(seq)) return;
    const [pressed, timer] = this.waiting.get(seq);
    clearTimeout(timer);
    this.waiting.delete(seq);
    if (![...this.waiting.values()].some(([other]) => other === pressed)) {
      pressed.removeAttribute("aria-busy");
      delete pressed.dataset.queued;
    }
    if (error || !this.waiting.size) say(this.message, error);
  }

  stop() {
    for (const [, timer] of this.waiting.values()) clearTimeout(timer);
  }
}
