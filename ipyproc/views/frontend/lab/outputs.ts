// The outputs of a notebook that show a view of ours: found in the model, never on the page.
import type { Cell, Data, NotebookModel, Output } from "./jupyter.js";

const WIDGET = "application/vnd.jupyter.widget-view+json";
const HTML = "text/html";
const TEXT = "text/plain";
const MARK = /^<(?:div|blockquote) id="ipyproc-([0-9a-f]{1,64})"/;
// Of an origin of this name JupyterLab's own model of the outputs is not told.
const SILENT = "silent-change";

/** An output that shows the view of a token. */
export interface Place {
  readonly token: string;
  readonly cell: Cell;
  readonly index: number;
}

/** Yields all outputs of a notebook that show a view of ours. */
export function* places(model: NotebookModel): Generator<Place> {
  for (let number = 0; number < model.cells.length; number++) {
    const cell = model.cells.get(number);
    if (cell.type !== "code") continue;
    for (let index = 0; index < cell.outputs.length; index++) {
      const token = tokenOf(cell, index);
      if (token) yield { token, cell, index };
    }
  }
}

function tokenOf({ outputs }: Cell, index: number): string | undefined {
  const output = outputs.get(index);
  return output.type === "stream" || output.type === "error" ? undefined : tokenIn(output.data);
}

/** The token of the view that an output shows. */
export const tokenIn = (data: Data): string | undefined => MARK.exec(html(data))?.[1];

/** Whether an output shows the table of jobs. */
export const tableIn = (data: Data): boolean => html(data).includes('class="ipyproc-jobs');

const joined = (text: unknown): string => (Array.isArray(text) ? text.join("") : String(text ?? ""));

/** The HTML of an output, and its text. */
export const html = (data: Data): string => joined(data[HTML]);
export const text = (data: Data): string => joined(data[TEXT]);
export const bundle = (html: string, text: string): Record<string, string> => ({ [TEXT]: text, [HTML]: html });

/** What the file has in this place. */
export function inFile({ cell, index }: Place): Output {
  return cell.sharedModel.getOutputs()[index] ?? cell.outputs.get(index).toJSON();
}

/** Whether an output is this data and nothing else. */
function says(output: Output, data: Data): boolean {
  const had = output.data ?? {};
  return !(WIDGET in had) && html(had) === html(data) && text(had) === text(data);
}

const withData = (output: Output, data: Data): Output => ({ ...output, data, metadata: {} });

/** Shows *data* in a place, and has it in the file; returns whether that changed anything. */
export function show(place: Place, data: Data): boolean {
  const { cell, index } = place;
  const shown = cell.outputs.get(index).toJSON();
  if (says(shown, data)) return store(place, data);
  cell.outputs.set(index, withData(shown, data));
  return true;
}

/** Shows what the file has beside a widget that no kernel may know. */
export function showStatic(place: Place): void {
  const { cell, index } = place;
  const shown = cell.outputs.get(index).toJSON();
  const data = shown.data ?? {};
  if (WIDGET in data) cell.outputs.set(index, withData(shown, bundle(html(data), text(data))));
}

/** Has in the file what it has beside a widget, alone; returns whether that changed anything. */
export function storeStatic(place: Place): boolean {
  const data = inFile(place).data ?? {};
  return store(place, bundle(html(data), text(data)));
}

/** Whether `store` leaves what is shown alone; in JupyterLab 4.2 it does not, which is found out by trying. */
export let isSilent = true;

/** Has *data* in the file, and shows what was shown; returns whether that changed anything. */
export function store(place: Place, data: Data): boolean {
  const output = inFile(place);
  if (says(output, data)) return false;
  const shared = place.cell.sharedModel;
  const told = (): void => {
    isSilent = false;
  };
  shared.changed.connect(told);
  shared.updateOutputs(place.index, place.index + 1, [withData(output, data)], SILENT);
  shared.changed.disconnect(told);
  return true;
}
