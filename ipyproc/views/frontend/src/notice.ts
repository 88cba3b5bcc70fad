// The end of a job as a notification: of the front end, if its extension hears us, else of the browser.
import type { JobState } from "./protocol.js";

/** What the extension hears (lab/notices.ts); without a detail it is asked whether it is there. */
export const EVENT = "ipyproc:notify";

export interface Detail {
  text: string;
  good: boolean;
  node: HTMLElement;
}

const isHeard = (detail: Detail | null): boolean =>
  !document.dispatchEvent(new CustomEvent(EVENT, { detail, cancelable: true }));

const told = new WeakSet<object>(); // the models whose end was told: a job may have several panes

export class Notice {
  private isSet = false;

  constructor(
    private readonly model: object,
    private readonly node: HTMLElement,
  ) {}

  toggle(pressed: HTMLElement): void {
    this.isSet = !this.isSet;
    pressed.setAttribute("aria-pressed", String(this.isSet));
    if (this.isSet && !isHeard(null)) void globalThis.Notification?.requestPermission();
  }

  look({ label, text, ran, success }: JobState): void {
    if (!this.isSet || ran === null) return;
    this.isSet = false;
    if (told.has(this.model)) return;
    told.add(this.model);
    const { node } = this;
    const detail = { text: `${label}: ${text} after ${ran}`, good: success === true, node };
    if (isHeard(detail) || globalThis.Notification?.permission !== "granted") return;
    new Notification(detail.text).onclick = () => {
      window.focus();
      node.scrollIntoView({ block: "nearest" });
    };
  }
}
