// The extension of JupyterLab and Notebook 7: a container as webpack's module federation
// would make it, by hand, for it shares two modules and has none to offer.
import { NotebookDocument } from "./document.js";
import type { App, Context, Notifications, Tracker } from "./jupyter.js";
import { hear } from "./notices.js";

const NOTEBOOK = "@jupyterlab/notebook";
const UTILITIES = "@jupyterlab/apputils";

interface Offered {
  INotebookTracker?: unknown;
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
  const [{ INotebookTracker }, { Notification }] = await Promise.all([shared(NOTEBOOK), shared(UTILITIES)]);
  return {
    id: "ipyproc:document",
    description: "Writes into the notebook how each job of ipyproc is doing, and tells how it ended.",
    autoStart: true,
    optional: [INotebookTracker],
    activate: (app: App, tracker: Tracker | null) => {
      if (tracker) follow(tracker);
      if (Notification) hear(app, tracker, Notification);
    },
  };
}

/** Follows each notebook that is opened; several views of one have one context. */
function follow(tracker: Tracker): void {
  const known = new WeakSet<Context>();
  const add = ({ context }: { context: Context }): void => {
    if (known.has(context)) return;
    known.add(context);
    new NotebookDocument(context);
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
