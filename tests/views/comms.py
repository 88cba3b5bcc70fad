"""The seam above the widgets: comms that go to a test, whatever ipywidgets there is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import traitlets
from ipywidgets.widgets import widget as module

from ipyproc.views.transport import document

if hasattr(module, "Comm"):  # ipywidgets 7 knows the comms of ipykernel only
    from ipykernel.comm import Comm

    class _Comm(Comm):  # type: ignore[misc, unused-ignore]
        _manager = SimpleNamespace(
            register_comm=lambda comm: None, unregister_comm=lambda comm: None
        )
        kernel = traitlets.Any(SimpleNamespace(shell=None, comm_manager=_manager))

        def _publish_msg(self, *args: object, **keys: Any) -> None:
            self.publish_msg(*args, **keys)

    CREATOR = "ipywidgets.widgets.widget.Comm"
else:
    from comm.base_comm import BaseComm as _Comm

    CREATOR = "comm.create_comm"


class FakeComm(_Comm):
    """What a front end hears: every message of every comm, in order."""

    heard: list[dict[str, Any]] = []  # noqa: RUF012 - a fixture gives each test its own
    came = threading.Condition()

    def publish_msg(
        self,
        msg_type: str,
        data: dict[str, Any] | None = None,
        metadata: object = None,
        buffers: list[Any] | None = None,
        **keys: object,
    ) -> None:
        """Note a message."""
        with self.came:
            content = (data or {}).get("content", {})
            message = {"type": msg_type, "comm": self.comm_id, "data": data, **content}
            message["bytes"] = b"".join(map(bytes, buffers or []))
            self.heard.append(message)
            self.came.notify_all()


@contextmanager
def heard(patch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Hear what widgets say from now on; none of them is left open."""
    messages: list[dict[str, Any]] = []
    patch.setattr(FakeComm, "heard", messages)
    patch.setattr(CREATOR, FakeComm)
    widgets = _open()
    widgets.clear()  # those of other tests, open where nobody looks
    yield messages
    for widget in list(widgets.values()):
        widget.close()
    document.shared.close()  # its comm is one of these, too


def _open() -> dict[str, Any]:
    """Return the widgets that are open, by the id of their model."""
    new: dict[str, Any] | None = getattr(module, "_instances", None)
    old: dict[str, Any] = module.Widget.widgets if new is None else new
    return old
