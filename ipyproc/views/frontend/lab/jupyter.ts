// What JupyterLab (4.2 and newer) and Notebook 7 offer to an extension: the part that is used.

export interface Signal<Sender, Args> {
  connect(slot: (sender: Sender, args: Args) => void): boolean;
  disconnect(slot: (sender: Sender, args: Args) => void): boolean;
}

export interface Comm {
  readonly isDisposed: boolean;
  send(data: object): unknown;
}

export interface CommInfo {
  content: { comms?: Record<string, unknown> };
}

export interface Kernel {
  /** The session of this client: what it runs has it in the headers of its messages. */
  readonly clientId: string;
  readonly status: string;
  createComm(target: string, id: string): Comm;
  requestCommInfo(content: { target_name: string }): Promise<CommInfo>;
}

export interface Message {
  header: { msg_type: string };
  content: { comm_id?: string; data?: unknown };
}

export interface SessionContext {
  readonly ready: Promise<void>;
  readonly session: { kernel: Kernel | null } | null;
  readonly kernelChanged: Signal<SessionContext, unknown>;
  readonly statusChanged: Signal<SessionContext, string>;
  readonly connectionStatusChanged: Signal<SessionContext, string>;
  readonly iopubMessage: Signal<SessionContext, Message>;
}

export type Data = Record<string, unknown>;

/** An output as it is in the file. */
export interface Output {
  output_type: string;
  data?: Data;
  metadata?: Data;
}

export interface OutputModel {
  readonly type: string;
  readonly data: Data;
  toJSON(): Output;
}

export interface Outputs {
  readonly length: number;
  get(index: number): OutputModel;
  set(index: number, output: Output): void;
}

/** A code cell as it is in the file, and as other clients of the document get it. */
export interface SharedCell {
  setSource(text: string): void;
  readonly changed: Signal<unknown, unknown>;
  getOutputs(): Output[];
  updateOutputs(start: number, end: number, outputs: Output[], origin?: string): void;
}

export interface Cell {
  readonly type: string;
  readonly outputs: Outputs;
  readonly sharedModel: SharedCell;
}

/** Which clients came and went. */
export interface Change {
  readonly added: readonly number[];
}

/** Who has the document open, where several clients write one. */
export interface Awareness {
  readonly clientID: number;
  getStates(): Map<number, Record<string, unknown>>;
  setLocalStateField(name: string, value: string): void;
  on(event: "change", callback: (change: Change) => void): void;
  off(event: "change", callback: (change: Change) => void): void;
}

export interface NotebookModel {
  readonly cells: { readonly length: number; readonly changed: Signal<unknown, unknown>; get(index: number): Cell };
  readonly collaborative?: boolean;
  readonly readOnly: boolean;
  readonly sharedModel: { readonly awareness?: Awareness };
  dirty: boolean;
}

/** A notebook that is open, in however many views. */
export interface Context {
  readonly model: NotebookModel;
  readonly ready: Promise<void>;
  readonly isDisposed: boolean;
  readonly disposed: Signal<Context, void>;
  readonly saveState: Signal<Context, string>;
  readonly sessionContext: SessionContext;
}

/** The cells of a notebook as they are shown. */
export interface Content {
  activeCellIndex: number;
  readonly activeCell: { readonly model: Cell } | null;
  readonly widgets: readonly { readonly model: Cell }[];
  scrollToItem(index: number, align: "smart"): Promise<void>;
}

export interface Panel {
  readonly id: string;
  readonly node: HTMLElement;
  readonly content: Content;
  readonly context: Context;
}

export interface Tracker {
  readonly currentWidget: Panel | null;
  readonly currentChanged: Signal<Tracker, Panel | null>;
  readonly widgetAdded: Signal<Tracker, Panel>;
  forEach(each: (panel: Panel) => void): void;
}

export interface App {
  readonly shell: {
    activateById(id: string): void;
    add(widget: Widget, area: string, options: { rank: number }): void;
  };
}

export interface Widget {
  id: string;
  show(): void;
  hide(): void;
}

export interface Widgets {
  readonly Widget: new (options: { node: HTMLElement }) => Widget;
}

/** Notebook 7 has none. */
export interface StatusBar {
  registerStatusItem(id: string, item: { item: Widget; align: "left"; rank: number }): unknown;
}

interface NotificationOptions {
  readonly autoClose: number | false;
  readonly actions: readonly { readonly label: string; callback(): void }[];
}

export interface Notifications {
  emit(message: string, type: "success" | "error", options: NotificationOptions): string;
}
