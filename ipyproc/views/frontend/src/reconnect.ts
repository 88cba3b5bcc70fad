// Connects a model to the kernel again that anywidget gave up, for the page was too slow.
import { h } from "./dom.js";
import type { Model, Token } from "./model.js";

const PING = { content: { data: {} } };
const DEAF = "this page does not hear the kernel: load it again";

type Handler = (message: unknown) => unknown;

/** What the front end has behind a model: ipywidgets' own class, with anywidget's over it. */
interface WholeModel {
  _handle_comm_msg?: Handler;
  comm: { on_msg(handler: Handler): void; send(content: object): void };
}

/** Connects the model if needed; the result appends a warning to an element if that failed. */
export function reconnect(model: Model<Token>): (element: Element) => Promise<void> {
  const connected = mended(model).then(
    () => true,
    () => false,
  );
  return async (element) => {
    if (!(await connected)) element.append(h("p", { role: "status" }, DEAF));
  };
}

// anywidget gives a module two seconds to load, and each message waits for that. If loading
// took longer, no message is ever let through. The handler of the base class still works.
async function mended(model: Model<Token>): Promise<void> {
  const whole = await found(model);
  try {
    await whole?._handle_comm_msg?.(PING);
  } catch {
    const base = Object.getPrototypeOf(Object.getPrototypeOf(whole)) as WholeModel;
    const handle = base._handle_comm_msg!;
    whole!.comm.on_msg((message) => handle.call(whole, message));
    whole!.comm.send({ method: "request_state" }); // some of it may be lost by now
  }
}

async function found(model: Model<Token>): Promise<WholeModel | null> {
  try {
    return (await model.widget_manager.get_model(model.get("token"))) as WholeModel;
  } catch {
    return null; // a front end without it: nothing can be found out
  }
}
