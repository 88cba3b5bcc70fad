// The extension of JupyterLab and Notebook 7: a container as webpack's module federation
// would make it, by hand, for it uses modules of the front end and has none to offer.
import { NotebookDocument } from "./document.js";
import type { App, Context, Notifications, StatusBar, Tracker, Widgets } from "./jupyter.js";
import { hear } from "./notices.js";
import { type Actions, Status } from "./status.js";

const NOTEBOOK = "@jupyterlab/notebook";
const UTILITIES = "@jupyterlab/apputils";
const BAR = "@jupyterlab/statusbar";
const WIDGETS = "@lumino/widgets";

interface Offered extends Partial<Widgets> {
  INotebookTracker?: unknown;
  IStatusBar?: unknown;
  NotebookActions?: Actions;
  Notification?: Notifications;
}
interface Shared {
  get(): Promise<() => Offered>;
  loaded?: unknown;
}
type Scope = Record<string, Record<string, Shared>>;

let scope: Scope = {};

/** Returns a module that the front end shares. */
async function shared(name: string): Promise<Offered> {
  const versions = Object.values(scope[name] ?? {});
  const found = versions.find(({ loaded }) => loaded) ?? versions[0];
  return found ? (await found.get())() : {};
}

async function plugin(): Promise<object> {
  const names = [NOTEBOOK, UTILITIES, BAR, WIDGETS];
  const [{ INotebookTracker, NotebookActions }, { Notification }, { IStatusBar }, { Widget }] = (await Promise.all(
    names.map(shared),
  )) as [Offered, Offered, Offered, Offered];
  return {
    id: "ipyproc:document",
    description: "Writes into the notebook how each job of ipyproc is doing, and tells how it ended.",
    autoStart: true,
    optional: [INotebookTracker, IStatusBar].filter(Boolean),
    activate: (app: App, tracker: Tracker | null, bar: StatusBar | null = null) => {
      const status = tracker && Widget ? new Status(app, { Widget }, bar, tracker, NotebookActions) : null;
      if (tracker) follow(tracker, status);
      if (Notification) hear(app, tracker, Notification);
    },
  };
}

/** Follows each notebook that is opened; several views of one have one context. */
function follow(tracker: Tracker, status: Status | null): void {
  const known = new WeakSet<Context>();
  const add = ({ context }: { context: Context }): void => {
    if (known.has(context)) return;
    known.add(context);
    new NotebookDocument(context, (count) => status?.runs(context, count));
  };
  tracker.forEach(add);
  tracker.widgetAdded.connect((_, panel) => add(panel));
}

const container = {
  init(given: Scope): void {
    scope = given;
  },
  async get(): Promise<() => object> {
    const made = await plugin();
    return () => ({ __esModule: true, default: made });
  },
};

const containers = ((window as { _JUPYTERLAB?: Record<string, unknown> })._JUPYTERLAB ??= {});
containers.ipyproc = container;
