"""What the front end's extension writes into a notebook, whatever it hears first."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

#: A notebook with one output, and what JupyterLab offers of it; then one thing after
#: the other happens, and what the file would have in the end is returned.
RUN = """async (happens) => {
  const { NotebookDocument } = await import("./modules/lab/document.js");
  const signal = () => {
    const slots = [];
    return {
      connect: (slot) => slots.push(slot),
      disconnect() {},
      emit: (args) => slots.forEach((slot) => slot(null, args)),
    };
  };
  const bundle = (text) => ({
    "text/plain": text,
    "text/html": `<blockquote id="ipyproc-ab">${text}</blockquote>`,
  });
  const widget = { "application/vnd.jupyter.widget-view+json": { model_id: "ab" } };
  let output = {
    output_type: "display_data",
    data: { ...bundle("first"), ...widget },
    metadata: {},
  };
  const cell = {
    type: "code",
    outputs: {
      length: 1,
      get: () => ({ type: "display_data", data: output.data, toJSON: () => output }),
      set: (_, given) => (output = given),
    },
    sharedModel: {
      changed: signal(),
      getOutputs: () => [output],
      updateOutputs: (_, __, [given]) => (output = given),
    },
  };
  const kernel = {
    clientId: "me",
    status: "idle",
    createComm: () => ({ isDisposed: false, send() {} }),
    requestCommInfo: async () => ({ content: { comms: { "ipyproc.document": {} } } }),
  };
  const sessionContext = { ready: Promise.resolve(), session: { kernel } };
  for (const name of ["kernel", "status", "connectionStatus"])
    sessionContext[`${name}Changed`] = signal();
  const iopub = (sessionContext.iopubMessage = signal());
  const context = {
    model: {
      cells: { length: 1, changed: signal(), get: () => cell },
      readOnly: false,
      sharedModel: {},
    },
    ready: Promise.resolve(),
    isDisposed: false,
    disposed: signal(),
    saveState: signal(),
    sessionContext,
  };
  new NotebookDocument(context, () => {});
  await new Promise((done) => setTimeout(done));
  const hear = (msg_type, content) => iopub.emit({ header: { msg_type }, content });
  for (const [what, text] of happens) {
    const data = bundle(text);
    if (what === "picture" || what === "final") {
      const picture = { token: "ab", data, final: what === "final", ran: "" };
      const message = { kind: "picture", asks: false, ...picture };
      hear("comm_msg", { comm_id: "ipyproc.document", data: message });
    }
    if (what === "display") {
      output = { ...output, data };
      hear("update_display_data", { data });
    }
    if (what === "save") context.saveState.emit("started");
  }
  return output.data;
}"""


@pytest.mark.parametrize(
    ("happens", "saved"),
    [
        # The kernel has not said anything yet.
        ([("save", "")], "first"),
        ([("picture", "1"), ("save", "")], "1"),
        # The picture of the same moment is still on its way.
        ([("picture", "1"), ("display", "2"), ("save", "")], "2"),
        ([("picture", "1"), ("display", "2"), ("picture", "3"), ("save", "")], "3"),
        ([("final", "1"), ("display", "2"), ("save", "")], "1"),
        ([("picture", "1"), ("final", "2"), ("picture", "3"), ("save", "")], "2"),
    ],
)
def test_the_newest_is_saved(page: Page, happens: list[Any], saved: str) -> None:
    """Whether the kernel said it for the file, or showed it in the notebook."""
    data = page.evaluate(RUN, happens)

    assert sorted(data) == ["text/html", "text/plain"]  # and no widget
    assert data["text/plain"] == saved
