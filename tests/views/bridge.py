"""A page without JupyterLab over a real view: messages go both ways as on a wire."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from ipyproc._jobs.job import Job
from ipyproc.views import JobView
from ipyproc.views.render import format
from ipyproc.views.transport.rate_limiter import Publisher

_PATIENCE = 60.0


class Bridge:
    """The pane of *job* in a page; *heard* are the messages of all comms.

    Messages pass while one of its methods runs.
    """

    def __init__(self, page: Page, job: Job, heard: list[dict[str, Any]]) -> None:
        self.page = page
        self.view = JobView(job, Publisher(0.2))
        self._heard = heard
        self._passed = len(heard)
        self._sent = 0
        #: Whether the kernel has answered what the page has.
        self.has_begun = False
        tail = _text(self.view.tail)
        page.evaluate("given => open_(...given)", [format.snapshot(job), tail])
        page.evaluate("render()")

    def until(self, check: Callable[[], bool]) -> None:
        """Pass messages until *check* is true."""
        end = time.monotonic() + _PATIENCE
        while True:
            self._pass()
            if check():
                return
            assert time.monotonic() < end, self.page.locator("section").inner_text()
            self.page.wait_for_timeout(10)

    def shows(self, text: str, where: str = "section") -> None:
        """Pass messages until a part of the page has *text*."""
        place = self.page.locator(where)
        self.until(lambda: place.count() == 1 and text in place.inner_text())

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self._pass()

    def _pass(self) -> None:
        sent = self.page.evaluate("at => model.sent.slice(at)", self._sent)
        self._sent += len(sent)
        for content in sent:
            data = {"method": "custom", "content": content}
            self.view.comm.handle_msg({"content": {"data": data}, "buffers": []})
        new = self._heard[self._passed :]
        self._passed += len(new)
        given = []
        for message in new:
            data = message["data"] or {}
            if message["comm"] != self.view.token:
                continue
            if data.get("method") == "custom":
                self.has_begun |= data["content"]["kind"] == "begin"
                given.append([data["content"], message["bytes"].decode("latin-1"), {}])
            elif data.get("method") == "update":
                traits = dict(data["state"])
                if "tail" in traits:
                    traits["tail"] = _text(self.view.tail)
                given.append([None, "", traits])
        self.page.evaluate(_TELL, given)

    def close(self) -> None:
        """Close the view."""
        self.view.close()


_TELL = """given => {
  for (const [content, data, traits] of given) {
    if (content) tell(content, data);
    for (const [name, value] of Object.entries(traits)) set(name, value);
  }
}"""


def _text(tail: dict[str, Any]) -> dict[str, Any]:
    return {**tail, "data": bytes(tail["data"]).decode("latin-1")}
