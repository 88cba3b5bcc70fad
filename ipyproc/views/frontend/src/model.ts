// The model of a widget, as anywidget passes it to a module.
import type { FromKernel, FromPage } from "./protocol.js";

type Custom = (message: FromKernel, buffers?: DataView[]) => void;

export interface Model<Traits extends object = object> {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void;
  save_changes(): void;
  on(event: "msg:custom", callback: Custom): void;
  on(event: string, callback: () => void): void;
  off(event: "msg:custom", callback: Custom): void;
  off(event: string, callback: () => void): void;
  send(message: FromPage): void;
  /** The front end's own manager, which `reconnect` asks for the whole model. */
  widget_manager: { get_model(id: string): Promise<unknown> };
}

/** What every live widget has. */
export interface Token {
  token: string;
}
