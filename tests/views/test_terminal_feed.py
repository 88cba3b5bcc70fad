"""A job's terminal on the kernel's side: what pages are told, and what they may do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from ipyproc.views import JobView
from ipyproc.views.transport import library, terminal, viewers, worker
from ipyproc.views.transport.rate_limiter import Publisher
from tests.views.conftest import FrontEnd
from tests.views.fakes import FakeJob, FakeTerminal
from tests.views.test_job_view import ready
from tests.views.test_rate_limiter import LINGER, ended


@pytest.fixture
def job() -> FakeJob:
    """A job on a terminal."""
    return FakeJob("bash", pty=True)


@pytest.fixture
def pty(job: FakeJob) -> FakeTerminal:
    """Its terminal."""
    assert job.terminal
    return job.terminal


@pytest.fixture
def view(front: FrontEnd, job: FakeJob) -> Iterator[JobView]:
    """Its view, with a publisher of its own."""
    view = JobView(job, Publisher(LINGER))
    yield view
    view.close()
    assert worker.shared.retire(10)
    assert ended()


def shown(front: FrontEnd) -> Any:
    """Wait until it is shown as a terminal; return its size."""
    front.wait(lambda: any(state["terminal"] for state in front.states("state")))
    return front.states("state")[-1]["terminal"]


def join(
    view: JobView, front: FrontEnd, page: str = "a", have: int | None = None
) -> Any:
    """Join as a page with a terminal; return the answer."""
    seq = len(front.heard)
    asked = {"action": "ready", "page": page, "have": have, "seq": seq}
    front.say(view, asked | {"terminal": True})
    front.wait(lambda: [m for m in front.messages("begin") if m["seq"] == seq])
    return front.messages("begin")[-1]


def ask(
    view: JobView, front: FrontEnd, action: str, page: str = "a", **fields: object
) -> Any:
    """Ask for something, and wait for the answer, if one is due."""
    seq = len(front.heard)
    front.say(view, {"action": action, "page": page, "seq": seq, **fields})
    front.wait(lambda: [m for m in front.messages("done") if m["seq"] == seq])
    return front.messages("done")[-1]["error"]


def fits(
    view: JobView,
    front: FrontEnd,
    rows: object,
    columns: object,
    page: str = "a",
    focused: bool = True,
) -> None:
    """Say how much fits into a page."""
    ask(view, front, "fits", page, rows=rows, columns=columns, focused=focused)


def types(
    view: JobView, front: FrontEnd, text: str, page: str = "a", answers: bool = False
) -> str:
    """Type something; return what went wrong."""
    error: str = ask(view, front, "keys", page, text=text, answers=answers)
    return error


# --- a log, and then a terminal


def test_what_only_prints_is_a_log(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Colours, bars and titles make no terminal, nor does a password."""
    job.terminal.password_prompt = True  # type: ignore[union-attr]
    job.prints(b"\x1b]0;pip\x07\x1b[31mred\x1b[0m\r\n 10 %\r\x1b[K\x1b[?25l\x1b[A")
    front.wait(lambda: any(state["masked"] for state in front.states("state")))

    assert [
        state["terminal"] for state in front.states("state") if state["terminal"]
    ] == []


def test_the_alternate_screen_makes_a_terminal(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Also in two pieces; and it stays one when the program leaves the screen."""
    job.prints(b"log\r\n\x1b[?10")
    job.prints(b"49h")
    assert shown(front) == (24, 80)

    job.prints(b"\x1b[?1049l")
    job.ends()
    front.wait(lambda: front.states("state")[-1]["ran"])
    assert front.states("state")[-1]["terminal"] == (24, 80)


def test_keys_that_are_read_make_a_terminal(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """It need not print anything more: it is looked at again after its output."""
    job.prints(b"$ ")
    front.wait(lambda: front.output("*") == b"$ ")
    pty.reads_keys = True

    assert shown(front) == (24, 80)


def test_a_password_is_masked_as_long_as_it_is_asked_for(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """The pane hears of it, and of its end."""
    pty.password_prompt = True
    job.prints(b"Password: ")
    front.wait(lambda: any(state["masked"] for state in front.states("state")))

    pty.password_prompt = False
    job.prints(b"\r\nwelcome\r\n")
    front.wait(lambda: not front.states("state")[-1]["masked"])


# --- keys


def test_keys_are_typed_in_order(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """Each once, as they are; the answer to the last is one to all."""
    for number, text in enumerate("déjà\x1b[A\x03"):
        keys = {"action": "keys", "page": "a", "seq": number, "text": text}
        front.say(view, keys | {"answers": False})
    front.wait(lambda: any(m["seq"] == 7 for m in front.messages("done")))

    typed = b"".join(data for _, data in job.done)  # type: ignore[misc]
    assert typed == "déjà\x1b[A\x03".encode()
    assert len(front.messages("done")) < 8


@pytest.mark.parametrize("text", ["x" * 10_000_000, "x" * 65_537])
def test_too_much_at_once_is_refused(
    front: FrontEnd, job: FakeJob, view: JobView, text: str
) -> None:
    """A page is told, and nothing of it is typed."""
    assert "too much" in types(view, front, text)
    assert job.done == []


def test_what_is_not_read_is_bounded(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """Once a megabyte waits for the program no more is taken."""
    pty.typed_ahead = terminal.MOST_WAITING - 10

    assert "does not read" in types(view, front, "x" * 11)
    assert types(view, front, "x" * 10) == ""
    assert job.done == [("send", b"x" * 10)]


@pytest.mark.parametrize(
    "fields",
    [{"text": 7, "answers": False}, {"text": "x"}, {"text": "x", "answers": 1}],
)
def test_what_is_no_key_is_dropped(
    front: FrontEnd, job: FakeJob, view: JobView, fields: dict[str, object]
) -> None:
    """A message that is not of the protocol does nothing."""
    front.say(view, {"action": "keys", "page": "a", "seq": 1, **fields})
    assert types(view, front, "y") == ""

    assert job.done == [("send", b"y")]


def test_one_page_answers_the_program(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """What a terminal says of itself comes from the page that has the keyboard."""
    fits(view, front, 24, 80, "a")
    types(view, front, "\x1b[1;1R", "a", answers=True)
    types(view, front, "\x1b[2;2R", "b", answers=True)
    fits(view, front, 24, 80, "b")
    types(view, front, "\x1b[3;3R", "b", answers=True)

    assert job.done == [("send", b"\x1b[1;1R"), ("send", b"\x1b[3;3R")]


def test_another_page_answers_once_that_one_has_left(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """One of those that are left, with its size, though none has the focus."""
    pty.reads_keys = True
    job.prints(b"$ ")
    shown(front)
    fits(view, front, 24, 80, "a")
    fits(view, front, 30, 90, "b", focused=False)
    fits(view, front, 31, 91, "c", focused=False)
    front.say(view, {"action": "leave", "page": "a"})
    front.wait(lambda: front.states("state")[-1]["terminal"] == (31, 91))
    types(view, front, "\x1b[2;2R", "b", answers=True)
    types(view, front, "\x1b[3;3R", "c", answers=True)

    assert job.done == [("resize", 31, 91), ("send", b"\x1b[3;3R")]


# --- the size


def test_the_page_with_the_keyboard_decides_the_size(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """The first one does until another has the keyboard; all are told."""
    pty.reads_keys = True
    job.prints(b"$ ")
    fits(view, front, 30, 100, "a", focused=False)
    fits(view, front, 20, 60, "b", focused=False)
    assert job.done == [("resize", 30, 100)]

    fits(view, front, 20, 60, "b", focused=True)
    fits(view, front, 31, 101, "a", focused=False)
    assert job.done == [("resize", 30, 100), ("resize", 20, 60)]
    front.wait(lambda: front.states("state")[-1]["terminal"] == (20, 60))


def test_who_types_has_the_keyboard(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """Whatever its front end says of the focus: the size is what fits there."""
    fits(view, front, 30, 100, "a")
    fits(view, front, 20, 60, "b", focused=False)
    types(view, front, "x", "b")
    types(view, front, "y", "b")
    types(view, front, "z", "a")

    sizes = [(24, 80), (30, 100), (20, 60), (30, 100)]
    assert (
        [done for done in job.done if done[0] == "resize"]
        == [  # type: ignore[index]
            ("resize", *size) for size in sizes[1:]
        ]
    )


def test_another_session_has_the_keyboard(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """It decides the size, and nothing is typed here, until a page takes it."""
    pty.reads_keys = True
    job.prints(b"$ ")
    fits(view, front, 30, 100)
    job.has_keyboard = False
    pty.rows, pty.columns = 40, 120
    job.prints(b"x")
    front.wait(lambda: front.states("state")[-1]["terminal"] == (40, 120))
    assert front.states("state")[-1]["elsewhere"]
    fits(view, front, 20, 60)
    error = types(view, front, "x")
    types(view, front, "answer", answers=True)
    assert error == "read only: another session has the keyboard"
    assert job.done == [("resize", 30, 100)]

    assert ask(view, front, "take") == ""
    assert job.done[1:] == ["take", ("resize", 20, 60)]
    assert types(view, front, "y") == ""
    front.wait(lambda: front.states("state")[-1]["terminal"] == (20, 60))


def test_a_page_that_left_decides_nothing(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """Its size stays until another page shows the terminal, and has a size."""
    pty.reads_keys = True
    job.prints(b"$ ")
    shown(front)
    fits(view, front, 30, 100, "a")
    front.say(view, {"action": "leave", "page": "a"})
    join(view, front, "b")  # it comes after the other was gone
    assert worker.shared.retire(10)
    assert job.done == [("resize", 30, 100)]

    fits(view, front, 20, 60, "b", focused=False)
    assert job.done[-1] == ("resize", 20, 60)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ((0, 0), (5, 20)),
        ((100_000, 100_000), (500, 1000)),
        ((1, 200), (5, 200)),
        ((1 << 52, 1), (500, 20)),
    ],
)
def test_sizes_are_bounded(
    front: FrontEnd,
    job: FakeJob,
    view: JobView,
    asked: tuple[int, int],
    given: tuple[int, int],
) -> None:
    """A terminal never has less than 5 rows of 20 columns, nor more than a screen."""
    fits(view, front, *asked)

    assert job.done == [("resize", *given)]


@pytest.mark.parametrize("rows", [-1, math.nan, 7.5, "7", None, True, 1 << 60, [7]])
def test_what_is_no_size_is_dropped(
    front: FrontEnd, job: FakeJob, view: JobView, rows: object
) -> None:
    """A message that is not of the protocol does nothing."""
    front.say(
        view,
        {
            "action": "fits",
            "page": "a",
            "seq": 1,
            "rows": rows,
            "columns": 80,
            "focused": True,
        },
    )
    fits(view, front, 30, 80)

    assert job.done == [("resize", 30, 80)]


# --- a page that comes


def test_a_page_begins_with_everything_if_it_is_little(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """From the first byte on, and in no mode."""
    job.prints(b"hello\r\n\x1b[?1049h\x1b[Hscreen")
    begin = join(view, front)

    assert (begin["offset"], begin["modes"]) == (0, "")


def test_a_page_begins_in_the_modes_of_the_place(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Where a line begins, in the last quarter of a megabyte."""
    job.prints(b"\x1b[?1049h\x1b[?1h" + b"a line of it\r\n" * 50_000)
    begin = join(view, front)

    total = job.as_utf8.total
    assert total - viewers.HISTORY <= begin["offset"] <= total - viewers.HISTORY + 14
    assert job.as_utf8.read(begin["offset"], 6)[0].data == b"a line"
    assert begin["modes"] == "\x1b[?1049h\x1b[?1h"


def test_where_there_are_no_lines_it_begins_with_an_escape(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """No escape is cut, for its end would be shown as text."""
    job.prints(b"\x1b[?1049h" + b"\x1b[12;34Hand so on" * 50_000)

    begin = join(view, front)
    assert job.as_utf8.read(begin["offset"], 8)[0].data == b"\x1b[12;34H"


def test_the_first_page_answers_what_was_just_asked(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """A program that asks its terminal as it starts gets its answer, once."""
    job.prints(b"starting\r\n")
    front.wait(lambda: front.output("*") == b"starting\r\n")
    job.prints(b"\x1b[?1049h\x1b[c")
    shown(front)

    assert join(view, front, "a")["quiet"] == 10
    assert join(view, front, "b")["quiet"] == job.as_utf8.total
    assert join(view, front, "a")["quiet"] == job.as_utf8.total


def test_what_was_asked_long_ago_is_not_answered(
    front: FrontEnd, job: FakeJob, view: JobView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even by the first page: the program does not wait for it any more."""
    monkeypatch.setattr(terminal, "_FRESH", -1.0)
    job.prints(b"\x1b[?1049h\x1b[c")
    shown(front)

    assert join(view, front)["quiet"] == job.as_utf8.total


def test_a_program_that_draws_all_is_made_to_draw(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """For a second page its size changes for a moment; it is told the true one only."""
    job.prints(b"\x1b[?1049h\x1b[Hscreen")
    join(view, front, "a")
    join(view, front, "b")
    front.wait(lambda: ("resize", 23, 80) in job.done)
    job.prints(b"\x1b[Hanew")
    front.wait(lambda: front.output("b").endswith(b"anew"))
    view.changed()

    while job.done[-1] != ("resize", 24, 80):
        front.wait(lambda: worker.shared.retire(1))
    job.prints(b"\x1b[Honce more")
    front.wait(lambda: front.output("b").endswith(b"once more"))
    assert job.done == [("resize", 23, 80), ("resize", 24, 80)]
    assert {state["terminal"] for state in front.states("state")} == {(24, 80)}


def test_a_program_that_prints_lines_is_left_alone(
    front: FrontEnd, job: FakeJob, pty: FakeTerminal, view: JobView
) -> None:
    """A shell is not told of another size by a page that comes."""
    pty.reads_keys = True
    job.prints(b"$ ls\r\nfile\r\n$ ")
    for page in "abc":
        join(view, front, page)
    ready(view, front, page="d")
    assert worker.shared.retire(10)

    assert job.done == []


# --- a flood


def test_a_flood_is_cut_to_what_can_still_be_shown(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page that lags is sent the last lines only, and the modes they begin in."""
    job.prints(b"\x1b[?1049h")
    shown(front)
    join(view, front)
    front.wait(lambda: len(front.output("a")) == 8)
    before = len(front.heard)
    job.prints(b"\x1b[?1h" + b"a line of a flood\r\n" * 150_000)
    total = job.as_utf8.total
    front.wait(
        lambda: any(
            m["offset"] + len(m["bytes"]) == total for m in front.messages("output")
        )
    )

    sent = [m for m in front.heard[before:] if m.get("kind") == "output"]
    assert sum(len(m["bytes"]) for m in sent) <= viewers.SCREENS
    assert sent[0]["after"] == 8
    assert sent[0]["bytes"].startswith(b"a line")
    assert sent[0]["modes"] == "\x1b[?1049h\x1b[?1h"


def test_a_log_has_no_modes(front: FrontEnd) -> None:
    """To find them out would take as long as its flood is, again and again."""
    job = FakeJob()
    view = JobView(job)  # type: ignore[arg-type]
    join(view, front)
    job.prints(b"a line of a flood\r\n" * 1_500_000)
    total = job.as_utf8.total
    front.wait(
        lambda: any(
            m["offset"] + len(m["bytes"]) == total for m in front.messages("output")
        )
    )

    sent = front.messages("output")
    assert any(message["offset"] > message["after"] for message in sent)
    assert not any("modes" in message for message in sent)
    view.close()


# --- the library


def test_the_library_is_sent_in_pieces(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page gets all of it, once, in messages that leave room for others."""
    front.say(view, {"action": "library", "page": "a", "have": 0})
    whole = library.packed()
    front.wait(
        lambda: sum(len(m["bytes"]) for m in front.messages("part")) >= len(whole)
    )
    job.ends()
    front.wait(lambda: front.states("state"))

    parts = front.messages("part")
    assert b"".join(m["bytes"] for m in parts) == whole
    assert {(m["page"], m["total"]) for m in parts} == {("a", len(whole))}
    assert max(len(m["bytes"]) for m in parts) <= 64 * 1024


def test_the_rest_of_the_library(front: FrontEnd, view: JobView) -> None:
    """A page that has lost something gets what it lacks."""
    whole = library.packed()
    front.say(view, {"action": "library", "page": "a", "have": len(whole) - 100})
    front.say(view, {"action": "library", "page": "b", "have": 1 << 40})
    front.wait(lambda: front.messages("part"))

    assert [m["bytes"] for m in front.messages("part")] == [whole[-100:]]


def test_the_library_is_small_and_in_no_state(view: JobView) -> None:
    """It takes less than 100 KB, and nothing of it is in a model or a notebook."""
    assert 50_000 < len(library.packed()) < 100_000
    assert len(str(view.get_state())) < 60_000
    assert "xterm" not in view._esm + view._css
