// Hearing the kernel on a page that was too slow for anywidget.
import { h } from "./element.js";

const PING = { content: { data: {} } };
const DEAF = "this page does not hear the kernel: load it again";

/** See that a model hears its kernel; what comes back has an element say so if not. */
export function hearing(model, name) {
  const heard = mended(model, name).then(() => true, () => false);
  return async (element) => (await heard) || element.append(h("p", { role: "status" }, DEAF));
}

// anywidget gives a module two seconds to load. Each message waits for that, and where
// it took longer none is ever let through. The model's own handler still is below.
async function mended(model, name) {
  const whole = await found(model, name);
  try {
    await whole?._handle_comm_msg?.(PING);
  } catch {
    const { _handle_comm_msg: handle } = Object.getPrototypeOf(Object.getPrototypeOf(whole));
    whole.comm.on_msg((message) => handle.call(whole, message));
    whole.comm.send({ method: "request_state" }); // some of it may be lost by now
  }
}

async function found(model, name) {
  try {
    return await model.widget_manager.get_model(name);
  } catch {
    return null; // then there is nothing to be known about it
  }
}
