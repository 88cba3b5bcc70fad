// The extension of JupyterLab and Notebook 7: a container as webpack's module federation
// would make it, by hand, for it shares one module and has none to offer.
import { NotebookDocument } from "./document.js";
import type { Context, Tracker } from "./jupyter.js";

const NOTEBOOK = "@jupyterlab/notebook";

interface Shared {
  get(): Promise<() => { INotebookTracker: unknown }>;
  loaded?: unknown;
}
type Scope = Record<string, Record<string, Shared>>;

let scope: Scope = {};

async function plugin(): Promise<object> {
  const versions = Object.values(scope[NOTEBOOK] ?? {});
  const shared = versions.find(({ loaded }) => loaded) ?? versions[0];
  const { INotebookTracker } = (await shared!.get())();
  return {
    id: "ipyproc:document",
    description: "Writes into the notebook how each job of ipyproc is doing, and how it ended.",
    autoStart: true,
    optional: [INotebookTracker],
    activate: (_app: unknown, tracker: Tracker | null) => tracker && follow(tracker),
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
