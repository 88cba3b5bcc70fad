// What a pane says when its job has ended, as a notification that leads to the pane.
import type { Detail } from "../src/notice.js";
import { EVENT } from "../src/notice.js";
import type { App, Notifications, Tracker } from "./jupyter.js";

const LASTS = 10000; // ms for which what went well is in sight

/** Shows a notification for each pane that asks for one. */
export function hear(app: App, tracker: Tracker | null, notifications: Notifications): void {
  document.addEventListener(EVENT, (event) => {
    const detail = (event as CustomEvent<Detail | null>).detail;
    event.preventDefault(); // it is heard
    if (!detail) return;
    const show = () => {
      tracker?.forEach((panel) => {
        if (panel.node.contains(detail.node)) app.shell.activateById(panel.id);
      });
      detail.node.scrollIntoView({ block: "center" });
    };
    const actions = [{ label: "Show", callback: show }];
    const options = { actions, autoClose: detail.good ? LASTS : (false as const) };
    notifications.emit(detail.text, detail.good ? "success" : "error", options);
  });
}
