"""What the front end is told for the file, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

from ipyproc.views.transport import document
from ipyproc.views.transport.document import MOST_KEPT, NAME, WINDOW, Document
from ipyproc.views.transport.rate_limiter import Publisher

HTML = "text/html"
HOSTILE = [
    None,
    [],
    {"action": "bye"},
    {"action": "hello"},
    {"action": "hello", "tokens": "a"},
    {"action": "hello", "tokens": {"a": 1}},
]


class Wire(BaseComm):
    """A comm whose messages go to a test."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(*args, **keys)

    def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **__: Any) -> None:
        """Note a message."""
        self.sent.append({"type": msg_type, **(data or {})})


class Kernel:
    """A kernel's document, and what pages hear of it."""

    def __init__(self) -> None:
        self._publisher = Publisher()
        self.document = Document(self._publisher)

    @property
    def comm(self) -> Wire:
        """The comm that pages find."""
        found = comm.get_comm_manager().get_comm(NAME)
        assert isinstance(found, Wire)
        return found

    def hear(self) -> list[dict[str, Any]]:
        """Return the new messages, once all that is due is sent."""
        assert self._publisher.retire(20)
        new, self.comm.sent = self.comm.sent, []
        return new

    def say(self, data: object) -> list[dict[str, Any]]:
        """Say something to the kernel; return its answer."""
        self.comm.handle_msg({"content": {"data": data}})
        return self.hear()

    def hello(self, *tokens: object) -> list[dict[str, Any]]:
        """Say hello as a page that has these views."""
        return self.say({"action": "hello", "tokens": list(tokens)})


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel that has shown something; it never asks whether a page still hears."""
    monkeypatch.setattr(comm, "create_comm", Wire)
    monkeypatch.setattr(document, "_QUESTIONS", (1e9, 1.0, 1e9))
    kernel = Kernel()
    kernel.document.open()
    yield kernel
    kernel.document.close()


def told(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the views that messages are about, and their HTML."""
    return [(m["token"], m["data"][HTML]) for m in messages if m["kind"] == "picture"]


def test_no_comm_is_opened_in_the_page(kernel: Kernel) -> None:
    """A front end that does not know the comm gets one message, which it ignores."""
    kernel.document.open()
    kernel.document.tell("a", {HTML: "1"}, False)

    assert kernel.hear() == [{"type": "comm_msg", "kind": "here"}]


def test_a_page_that_comes_late_gets_the_newest(kernel: Kernel) -> None:
    """Of each view that its notebook has it is sent the newest, once."""
    kernel.document.tell("a", {HTML: "1"}, False, "me")
    kernel.document.tell("a", {HTML: "2"}, True)
    kernel.document.tell("b", {HTML: "3"}, False)
    kernel.hello("a", "b")

    assert kernel.hello("a") == [
        {
            "type": "comm_msg",
            "kind": "picture",
            "token": "a",
            "data": {HTML: "2"},
            "final": True,
            "ran": "me",
            "asks": False,
        }
    ]


def _closes() -> None:
    comm.get_comm_manager().comm_close(None, "", {"content": {"comm_id": NAME}})


def _opens_another() -> None:
    content = {"comm_id": NAME, "target_name": "none such"}
    comm.get_comm_manager().comm_open(None, "", {"content": content})


@pytest.mark.parametrize("does", [_closes, _opens_another])
def test_a_page_that_closes_it(kernel: Kernel, does: Callable[[], None]) -> None:
    """With the next view it is there again, with all that it knew, and it can end."""
    kernel.document.tell("a", {HTML: "1"}, True)
    before = kernel.comm
    does()

    kernel.document.open()

    assert kernel.comm is not before
    assert [m["kind"] for m in kernel.hear()] == ["here"]
    assert told(kernel.hello("a")) == [("a", "1")]
    does()
    kernel.document.close()


def test_a_view_of_another_kernel_is_unknown(kernel: Kernel) -> None:
    """A page learns which of its views this kernel has never shown."""
    kernel.document.tell("a", {HTML: "1"}, False)

    answer = kernel.hello("b", "a", "c")

    assert [m["tokens"] for m in answer if m["kind"] == "unknown"] == [["b", "c"]]
    assert told(answer) == [("a", "1")]


def test_what_changes_is_told_once(kernel: Kernel) -> None:
    """A page hears what is new, and nothing if there is nothing new."""
    kernel.hello()
    kernel.document.tell("a", {HTML: "1"}, False)
    kernel.document.tell("b", {HTML: "2"}, False)
    assert told(kernel.hear()) == [("a", "1"), ("b", "2")]

    kernel.document.tell("a", {HTML: "1"}, False)
    assert kernel.hear() == []
    kernel.document.tell("a", {HTML: "1"}, True)
    assert [m["final"] for m in kernel.hear()] == [True]


def test_how_many_jobs_run_is_told(kernel: Kernel) -> None:
    """A page that comes is told, and all when it changes; none is what they assume."""
    kernel.document.count(2)
    assert [m["kind"] for m in kernel.hear()] == ["here"]
    (heard,) = kernel.hello()
    assert (heard["kind"], heard["count"]) == ("running", 2)

    kernel.document.count(2)
    assert kernel.hear() == []
    kernel.document.count(0)
    assert [m["count"] for m in kernel.hear()] == [0]
    assert kernel.hello() == []


def test_nothing_is_sent_to_nobody(kernel: Kernel) -> None:
    """A page that is not heard gets a window full, and all else once it is heard."""
    kernel.hello()
    for number in range(20):
        kernel.document.tell(str(number), {HTML: "x" * (WINDOW // 8)}, False)

    full = kernel.hear()
    assert len(full) == 8
    assert sum(m["asks"] for m in full) == 3

    assert len(kernel.say({"action": "heard"})) == 8
    assert len(kernel.say({"action": "heard"})) == 4


def test_a_page_that_is_not_heard_is_asked(kernel: Kernel) -> None:
    """Where a window is full, what changes is a question now and then."""
    kernel.hello()
    kernel.document.tell("a", {HTML: "x" * WINDOW}, False)
    kernel.hear()
    kernel.document.tell("a", {HTML: "y"}, False)
    assert kernel.hear() == []

    kernel.document._questions._next = 0.0  # it is time
    kernel.document.tell("a", {HTML: "z"}, False)
    assert [m["kind"] for m in kernel.hear()] == ["here"]
    assert told(kernel.hello("a")) == [("a", "z")]


def test_what_is_kept_has_a_limit(kernel: Kernel) -> None:
    """Of too many views those go first that are final, and then the eldest."""
    part = "x" * (MOST_KEPT // 4)
    for token, final in [("a", False), ("b", True), ("c", False), ("d", True)]:
        kernel.document.tell(token, {HTML: part}, final)
    kernel.document.tell("e", {HTML: part}, False)
    kernel.document.tell("f", {HTML: part}, False)
    kernel.document.tell("g", {HTML: part}, False)

    answer = kernel.hello(*"abcdefg")
    assert [m["tokens"] for m in answer if m["kind"] == "unknown"] == [["a", "b", "d"]]


def test_the_end_of_it(kernel: Kernel) -> None:
    """Once it is closed no page finds it, nothing is kept, and it can begin again."""
    wire = kernel.comm
    kernel.document.tell("a", {HTML: "1"}, False)
    kernel.document.close()

    assert comm.get_comm_manager().get_comm(NAME) is None
    assert wire.sent[-1]["type"] == "comm_close"
    kernel.document.tell("b", {HTML: "2"}, False)
    kernel.document.open()
    assert told(kernel.hello("a", "b")) == []


@pytest.mark.parametrize("content", HOSTILE)
def test_hostile_messages_do_nothing(kernel: Kernel, content: object) -> None:
    """What is not exactly a message of the protocol is not heard."""
    kernel.document.tell("a", {HTML: "1"}, False)
    kernel.hear()

    assert kernel.say(content) == []


def test_hostile_names_do_nothing(kernel: Kernel) -> None:
    """A page cannot make the kernel keep or send much by naming views."""
    kernel.document.tell("a", {HTML: "1"}, False)
    kernel.hear()

    answer = kernel.hello(None, 1, ["a"], "x" * 1000, "a", *map(str, range(9999)))
    assert told(answer) == [("a", "1")]
    assert [len(m["tokens"]) for m in answer if m["kind"] == "unknown"] == [1995]
