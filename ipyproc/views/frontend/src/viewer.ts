// Who looks: the kernel measures and sends only what somebody sees.
import type { Model } from "./model.js";
import type { Look } from "./protocol.js";
import { PATIENCE, type Requests } from "./request.js";

// Ticks after which a view that is on no page has left. Until then it may be on its way to
// another place; later it may still come back, for JupyterLab can take cells out of sight
// out of the page.
const HIDDEN = 60;

export interface Viewed {
  /** Milliseconds after which to say again that somebody looks. */
  every: number;
  /** What to say with it, or null if nothing has to be measured any more. */
  look(): Omit<Look, "action" | "page"> | null;
  /** Called each second, and whenever the view comes into sight or leaves it. */
  tick(seen: boolean): void;
  /** Called when the view is on the page again after the kernel was told that it left. */
  returned?(): void;
}

/** Tells the kernel whether somebody sees a view. */
export class Viewer {
  seen = false;
  private inSight = false;
  private looked = 0; // when this last said that somebody looks
  private absent = 0; // ticks since the view was on a page
  private readonly sight: IntersectionObserver;
  private clock = setInterval(() => this.tick(), PATIENCE);

  constructor(
    private readonly model: Pick<Model, "on" | "off">,
    private readonly node: HTMLElement,
    private readonly requests: Requests,
    private readonly viewed: Viewed,
  ) {
    this.sight = new IntersectionObserver((seen) => {
      this.inSight = seen.at(-1)!.isIntersecting;
      this.changed();
    });
    this.sight.observe(node);
    document.addEventListener("visibilitychange", this.changed);
    model.on("comm_live_update", this.reconnected);
  }

  /** Whether the kernel was told that the view is on no page. */
  private get left(): boolean {
    return this.absent >= HIDDEN;
  }

  /** Says that somebody looks. */
  look(): void {
    const request = this.viewed.look();
    if (!request) return;
    this.looked = Date.now();
    this.requests.send({ action: "look", ...request });
  }

  /** Whether `look` was not called for so many milliseconds. */
  idle(since: number): boolean {
    return Date.now() - this.looked >= since;
  }

  private readonly changed = (): void => {
    const before = this.seen;
    this.seen = this.inSight && !document.hidden;
    if (this.seen && this.left) {
      this.absent = 0;
      this.clock = setInterval(() => this.tick(), PATIENCE);
      this.viewed.returned?.();
    }
    if (this.seen && !before) this.look();
    else if (before && !this.seen && this.viewed.look()) this.requests.send({ action: "away" });
    this.viewed.tick(this.seen);
  };

  // Something happened to the connection: a request finds out what it was.
  private readonly reconnected = (): void => {
    if (!this.left) this.requests.send({ action: "look", ...this.viewed.look() });
  };

  private tick(): void {
    if (this.seen && this.idle(this.viewed.every)) this.look();
    this.viewed.tick(this.seen);
    this.absent = this.node.isConnected ? 0 : this.absent + 1;
    if (!this.left) return;
    clearInterval(this.clock);
    this.leave();
  }

  /** Says that the view is not on the page any more. */
  leave(): void {
    this.requests.send({ action: "leave" });
  }

  stop(): void {
    clearInterval(this.clock);
    this.sight.disconnect();
    document.removeEventListener("visibilitychange", this.changed);
    this.model.off("comm_live_update", this.reconnected);
  }
}
