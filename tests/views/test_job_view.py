from __future__ import annotations

import json
import re
import signal
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from ipyproc import Usage, UsagePoint
from ipyproc.views import JobView
from ipyproc.views.terminal.picture import Picture
from ipyproc.views.terminal.screen import Screen
from ipyproc.views.transport import document, pictures, usage_feed, viewers
from ipyproc.views.transport.output_feed import TAIL
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.transport.viewers import HISTORY, LAG, WINDOW
from ipyproc.views.widgets import saved
from tests.jobs.helpers import eventually
from tests.views.comms import FakeComm
from tests.views.conftest import FrontEnd
from tests.views.fakes import FakeJob
from tests.views.test_display import VIEW, Shell
from tests.views.test_rate_limiter import LINGER, ended


@pytest.fixture
def job() -> FakeJob:
    """A job that runs."""
    return FakeJob()


@pytest.fixture
def view(front: FrontEnd, job: FakeJob) -> Iterator[JobView]:
    """Its view, with a publisher of its own."""
    view = JobView(job, Publisher(LINGER))
    yield view
    view.close()
    assert ended()


def ready(view: JobView, front: FrontEnd, have: int | None = 0, page: str = "a") -> Any:
    """Join as a page that has some output; return the answer."""
    seq = len(front.heard)
    front.say(view, {"action": "ready", "page": page, "have": have, "seq": seq})
    front.wait(lambda: [m for m in front.messages("begin") if m["seq"] == seq])
    return front.messages("begin")[-1]


def test_it_fits_into_a_saved_notebook() -> None:
    """What each model carries into each saved notebook stays below 25 kB."""
    assert len(JobView._esm.encode()) + len(JobView._css.encode()) <= 25_000


def test_all_that_is_sent_is_reckoned_in(front: FrontEnd, job: FakeJob) -> None:
    """Opening it, displaying it, and what ipykernel says for each message of a page."""
    desk, sent = Publisher(LINGER), []
    desk.account = lambda size, messages=1: sent.append((size, messages))  # type: ignore[method-assign]

    view = JobView(job, desk)
    opened = [m["data"] for m in front.heard if m["type"] == "comm_open"]
    shell = Shell()
    view.display(shell)
    front.say(view, {"action": "nothing"})

    size = len(json.dumps([data["state"] for data in opened], default=str))
    shown = sum(map(len, view.static().values()))
    assert sent == [(pytest.approx(size, rel=0.1), len(opened)), (shown, 1), (0, 2)]
    view.close()
    assert ended()


def test_a_page_is_opened_with_state_and_tail(front: FrontEnd) -> None:
    """The first message has all that a page needs to show something, and no more."""
    job = FakeJob()
    job.prints(b"x" * 100_000 + b"\nlast\n")
    JobView(job, Publisher(LINGER)).close()

    opened = next(m for m in front.heard if "state" in (m["data"].get("state") or {}))
    state = opened["data"]["state"]
    assert state["state"]["command"] == "python3 -u train.py"
    assert state["tail"]["offset"] == 100_006 - TAIL
    assert len(opened["bytes"]) == TAIL
    ours = {"_esm", "_css", "token", "state", "tail", "signals", "height"}
    ours |= {"screen_reader", "notify"}
    assert set(state) - ours <= {
        *("_anywidget_id", "_dom_classes", "_model_module", "_model_module_version"),
        *("_model_name", "_view_count", "_view_module", "_view_module_version"),
        *("_view_name", "layout", "tabbable", "tooltip"),
    }


def test_output_goes_out_before_any_page_is_known(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page that is not heard is sent output, and has it in the state."""
    job.prints(b"hello\n")

    front.wait(lambda: front.output("*") == b"hello\n")
    front.wait(lambda: front.states("tail"))
    assert front.states("tail")[-1]["streams"] == [("stdout", 6)]


def test_what_nobody_takes_is_not_sent(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Without an answer a window of output is sent, now and then a tail, no more."""
    for _ in range(40):
        job.prints(b"x" * 50_000)
        time.sleep(0.01)
    front.wait(lambda: len(front.output("*")) >= WINDOW - 16384)

    job.ends()
    front.wait(lambda: front.states("state"))
    assert ended()
    assert len(front.output("*")) <= WINDOW
    assert len(front.states("tail")) < 8


def test_a_page_that_comes_late_begins_with_the_picture(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Of megabytes it gets what a terminal shows, and goes on behind them."""
    job.prints(b"log\n" * 70_000)
    for number in range(100_000):
        job._output.append(1, b"\router %d\n\rinner\x1b[A" % number)
    job.prints(b"\n\nend\x1b[31m")
    begun = ready(view, front, have=None)
    data = begun["bytes"]
    job.prints(b"red\n")
    front.wait(lambda: front.output("a") == b"red\n")

    screen, at = Screen(), 0
    for stream, size in begun["streams"]:
        screen.feed(stream, data[at : at + size])
        at += size
    screen.feed("stdout", b"red\n")
    assert screen.runs()[-4:] == [
        [("log", "")],
        [("outer 99999", "stderr")],
        [("inner", "stderr")],
        [("end", ""), ("red", "fg=1")],
    ]
    assert begun["above"] + len(screen.grid.lines) == 70_000 + 3
    assert begun["offset"] == job.as_utf8.total - 4
    assert begun["before"] == 0


def test_a_page_that_asks_twice_gets_one_picture(
    front: FrontEnd, job: FakeJob, view: JobView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is drawn the page may ask once more: the answer is to the last time."""
    job.prints(b"line\n" * 100_000)
    pictures: list[Any] = []
    monkeypatch.setattr(
        view._saved, "redraw", lambda then: pictures.append(then) is None
    )
    for seq in (1, 2):
        asked = {"action": "ready", "page": "a", "have": None, "seq": seq}
        front.say(view, asked)
    front.wait(lambda: pictures and not view._requests)
    (then,) = pictures
    picture = Picture()
    picture.update(job.as_utf8)
    then(picture.redrawn())
    front.wait(lambda: front.messages("begin"))

    assert [m["seq"] for m in front.messages("begin")] == [2]


def test_a_page_begins_though_no_picture_can_be_drawn(
    front: FrontEnd, job: FakeJob, view: JobView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without memory for a picture the page gets the last of the output."""
    job.prints(b"line\n" * 100_000)
    monkeypatch.setattr(view._saved, "redraw", lambda then: then(None) is None)
    begun = ready(view, front, have=None)

    assert begun["offset"] == job.as_utf8.total - HISTORY
    assert "streams" not in begun
    front.wait(lambda: front.output("a"))


def test_another_height_is_drawn_at_once(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """What was drawn of an ended job is drawn anew where it is shown higher."""
    job.prints(b"a\n" * 30)
    job.ends()
    front.wait(lambda: view.newest())
    assert "max-height:23.8em" in str(view.static())

    view.height = 5
    assert "max-height:7.0em" in str(view.static())
    front.wait(lambda: "max-height:7.0em" in str(view.newest()))


def test_both_streams_in_order(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """A message says which of its bytes belong to which stream."""
    ready(view, front)
    job._output.append(0, b"out")
    job._output.append(1, b"err")
    job.prints(b"more", 0)

    front.wait(lambda: front.output("a") == b"outerrmore")
    streams = [s for m in front.messages("output") for s in m["streams"]]
    assert streams == [("stdout", 3), ("stderr", 3), ("stdout", 4)]


def test_a_page_gets_what_is_missing(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page that has lost something says so, and goes on from there."""
    job.prints(b"0123456789")

    begin = ready(view, front, have=4)

    assert begin["offset"] == 4
    front.wait(lambda: front.output("a") == b"456789")
    message = front.messages("output")[-1]
    assert (message["after"], message["offset"]) == (4, 4)


def test_two_pages(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """A second page gets everything, and the first nothing again."""
    ready(view, front, 0, "a")
    job.prints(b"one")
    front.wait(lambda: front.output("a") == b"one")

    ready(view, front, 0, "b")
    front.wait(lambda: front.output("b") == b"one")
    job.prints(b"two")

    front.wait(lambda: front.output("b") == b"onetwo")
    front.wait(lambda: front.output("a") == b"onetwo")
    assert front.messages("output")[-1]["pages"] == ["a", "b"]


def test_a_page_that_acknowledges_gets_everything(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page that keeps up gets all of what was printed, byte by byte."""
    ready(view, front)
    data = b"".join(b"%07d\n" % n for n in range(50_000))
    job.prints(data)

    while len(front.output("a")) < len(data):
        have = len(front.output("a"))
        front.say(view, {"action": "ack", "page": "a", "offset": have})
        front.wait(lambda have=have: len(front.output("a")) > have)

    assert front.output("a") == data


def test_a_flood_is_skipped_at_a_line(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Of more than can be sent the newest is, from the beginning of a line."""
    ready(view, front)
    job.prints(b"first\n")
    front.wait(lambda: front.output("a") == b"first\n")

    job.prints(b"0123456\n" * (LAG // 4))

    front.wait(lambda: len(front.messages("output")) > 1)
    message = front.messages("output")[1]
    assert message["after"] == 6
    assert message["offset"] > job.as_utf8.total - HISTORY
    assert message["bytes"].startswith(b"0123456\n")


def test_what_was_dropped_is_skipped(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A hole in what was kept is passed over, and the page can tell."""
    ready(view, front)
    read = job.as_utf8.read
    job.as_utf8.read = lambda offset, size: [  # type: ignore[method-assign]
        chunk for chunk in read(offset, size) if not 5 <= chunk.offset < 10
    ]
    job._output.append(0, b"01234")
    job._output.append(1, b"56789")
    job.prints(b"abc", 0)

    front.wait(lambda: front.output("a") == b"01234abc")
    assert [m["offset"] for m in front.messages("output")] == [0, 10]


@pytest.mark.slow
def test_a_quiet_stream_is_marked(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """A page whose last message was dropped on the way learns of it."""
    ready(view, front)
    job.prints(b"abc")

    front.wait(lambda: [m for m in front.messages("output") if not m["streams"]])
    mark = front.messages("output")[-1]
    assert (mark["pages"], mark["after"], mark["bytes"]) == (["a"], 3, b"")
    job.ends()


def test_the_end(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """At the end the state says how it was and how much was printed, once."""
    ready(view, front)
    job.prints(b"bye\n")
    job.ends(0x0300)

    front.wait(lambda: front.states("state"))
    assert ended()
    (state,) = [s for s in front.states("state") if s["facts"]]
    assert (state["text"], state["total"], state["stdin"]) == (
        "exit status 3",
        4,
        False,
    )
    assert front.states("tail")[-1]["streams"] == [("stdout", 4)]


def test_a_page_that_missed_the_end_is_told_again(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """It says that it looks as long as it knows of no end."""
    job.ends(0x0300)
    assert ended()
    assert len(front.states("state")) == 1

    front.say(view, {"action": "look", "page": "a"})

    assert ended()
    assert [state["text"] for state in front.states("state")] == ["exit status 3"] * 2


def test_at_end(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """What is to be done at the end is done after the last state, and once."""
    shell, done = Shell(), []
    view.display(shell)
    publish = shell.publish

    def ends(*args: Any, **kwargs: Any) -> None:
        done.append(len(front.states("state")))
        publish(*args, **kwargs)

    shell.publish = ends  # type: ignore[method-assign]
    job.ends()

    front.wait(lambda: front.states("state"))
    assert ended()
    assert done == [1]


BUTTONS = {
    "interrupt": ("signal", signal.SIGINT, None),
    "terminate": "terminate",
    "kill": ("signal", 9, None),
    "close_stdin": "close_stdin",
    "stop": ("signal", signal.SIGSTOP, None),
    "continue": ("signal", signal.SIGCONT, None),
}


@pytest.mark.parametrize("action", BUTTONS)
def test_buttons(front: FrontEnd, job: FakeJob, view: JobView, action: str) -> None:
    """A button does what it says, and the page is told that it was done."""
    front.say(view, {"action": action, "page": "a", "seq": 7})

    front.wait(lambda: front.messages("done"))
    (done,) = front.messages("done")
    assert job.done == [BUTTONS[action]]
    assert (done["page"], done["seq"], done["error"]) == ("a", 7, "")


def test_an_elder_is_ended(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """A page may end an older job of the name, and no other."""
    elder = FakeJob()
    job.number, job.elders = 2, [elder]
    ask = {"action": "end_elder", "page": "a"}

    front.say(view, ask | {"seq": 1, "number": 7})
    front.say(view, ask | {"seq": 2, "number": 1})

    front.wait(lambda: len(front.messages("done")) == 1)
    assert front.messages("done")[0]["seq"] == 2
    assert (elder.done, job.done) == (["terminate"], [])


@pytest.mark.parametrize("tree", [False, True])
def test_any_signal(front: FrontEnd, job: FakeJob, view: JobView, tree: bool) -> None:
    """The page names an entry of the table that it was given."""
    assert "SIGUSR1 (10)" in view.signals
    asked = {"action": "signal", "signal": "SIGUSR1 (10)", "tree": tree}

    front.say(view, asked | {"page": "a", "seq": 1})

    front.wait(lambda: front.messages("done"))
    assert job.done == [("signal", signal.SIGUSR1, tree)]


def test_usage_is_measured_while_a_page_looks(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Nothing is measured for nobody, nor sent; processes go out on request only."""
    below = Usage(4243, "a\nb", 1.4, 20, 1, 4)
    job.used = Usage(4242, "python3", 97.6, 300, 4, 10, children=(below,))
    job.history = tuple(UsagePoint(n, 300, n, 2) for n in range(5))
    ready(view, front)
    job.prints(b"x")
    front.wait(lambda: front.output("a") == b"x")
    assert job.measured == 0

    front.say(view, {"action": "look", "page": "a"})
    front.wait(lambda: front.messages("usage"))
    front.say(view, {"action": "look", "page": "a", "tree": True})
    front.wait(lambda: len(front.messages("usage")) > 1)
    first, second = front.messages("usage")[:2]
    assert (first["cpu"], first["memory"], first["processes"]) == ([99], 320, 2)
    assert first["tree"] is None
    tree = json.loads(json.dumps(second["tree"]))
    assert tree == [4242, "python3", 98, 300, [[4243, r'"a\nb"', 1, 20, []]]]
    assert second["cpu"] == [99]  # the same measurement once more
    assert first["course"] == []
    labels = [label for label, _ in second["course"]]
    assert labels == ["CPU over time", "Memory over time"]

    job.ends()
    front.wait(lambda: front.states("state"))
    assert ended()
    measured = job.measured
    front.say(view, {"action": "look", "page": "a"})
    assert ended()
    assert job.measured == measured


@pytest.mark.slow
def test_a_page_that_looks_no_more_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """What a page said holds for a while, and then the job is not measured any more."""
    monkeypatch.setattr(viewers, "LEASE", 0.1)
    monkeypatch.setattr(viewers, "PATIENCE", 0.1)
    job.used = Usage(4242, "python3", 1, 300, 4, 10)

    front.say(view, {"action": "look", "page": "a"})

    front.wait(lambda: front.messages("usage"))
    assert ended()  # the publisher's thread, for nothing is due
    assert job.measured == 1


def test_a_pane_out_of_sight_costs_nothing(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page that says so is measured for no more, though its lease is not over."""
    job.used = Usage(4242, "python3", 1, 300, 4, 10)
    front.say(view, {"action": "look", "page": "a"})
    front.wait(lambda: front.messages("usage"))

    front.say(view, {"action": "away", "page": "a"})

    assert ended()  # nothing is due any more
    assert job.measured == 1
    front.say(view, {"action": "look", "page": "a"})
    front.wait(lambda: len(front.messages("usage")) > 1)
    front.say(view, {"action": "leave", "page": "a"})


def test_the_processes_are_bounded() -> None:
    """Of a great many processes, or a very deep tree, the first are shown."""
    deep = Usage(0, "sh", 0, 1, 1, 1)
    for pid in range(1, 3000):
        deep = Usage(pid, "sh", 0, 1, 1, 1, children=(deep,))

    text = str(usage_feed.branch(deep, most=50))

    assert text.count("'sh'") == 50


def test_input(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """What is typed is sent as UTF-8, whatever it is."""
    front.say(view, {"action": "send", "page": "a", "seq": 1, "text": "é\ud800\n"})

    front.wait(lambda: front.messages("done"))
    assert job.done == [("send", b"\xc3\xa9?\n")]


def test_a_button_that_comes_too_late(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Killing what has ended is reported to the page, and nothing else happens."""
    job.ends()

    front.say(view, {"action": "kill", "page": "a", "seq": 1})

    front.wait(lambda: front.messages("done"))
    assert front.messages("done")[0]["error"] == "os: process already finished"


def test_saving(front: FrontEnd, job: FakeJob, view: JobView) -> None:
    """A page gets all that was captured, piece by piece as it asks."""
    data = b"".join(b"%07d\n" % n for n in range(100_000))
    job.prints(data)

    got = b""
    while len(got) < len(data):
        front.say(view, {"action": "save", "page": "a", "offset": len(got)})
        front.wait(lambda: front.messages("saved")[-1:])
        front.wait(lambda: front.messages("saved")[-1]["after"] == len(got))  # noqa: B023
        saved = front.messages("saved")[-1]
        got += zlib.decompress(saved["bytes"])
        assert saved["size"] == len(zlib.decompress(saved["bytes"]))

    assert got == data
    front.say(view, {"action": "save", "page": "a", "offset": 10**9})
    front.wait(lambda: front.messages("saved")[-1]["after"] == 10**9)
    assert zlib.decompress(front.messages("saved")[-1]["bytes"]) == b""


HOSTILE = [
    *(None, 1, "kill", [], {}, {"action": "kill"}, {"page": "a"}, {"action": 1}),
    *({"action": action, "page": "a"} for action in (None, 1, [], {}, "", "close")),
    *({"action": action, "page": "a"} for action in ("__init__", "_act", "forget")),
    *({"action": "kill", "page": page} for page in (None, 1, "*", "A", "a" * 99, {})),
    *({"action": "send", "page": "a", "text": t} for t in (None, 1, b"", [], {})),
    *(
        {"action": "signal", "page": "a", "signal": sig, "tree": True}
        for sig in (None, 9, "9", "SIGKILL", "kill", "signal 64", [], {})
    ),
    {"action": "look", "page": "*", "tree": True},
    {"action": "send", "page": "a", "text": "x" * ((1 << 20) + 1)},
    *(
        {"action": "ack", "page": "a", "offset": n}
        for n in (None, -1, 1.5, "1", 1 << 60)
    ),
    *({"action": "save", "page": "a", "offset": n} for n in (None, -1, True, [], "0")),
]


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: str(content)[:60])
def test_a_hostile_page_reaches_nothing(
    front: FrontEnd, job: FakeJob, view: JobView, content: object
) -> None:
    """A message that is no request of the protocol does nothing."""
    given = {"seq": 1, **content} if isinstance(content, dict) else content
    front.say(view, given)

    assert ended()
    assert job.done == []
    assert not front.messages("done")
    assert not front.messages("saved")


def test_a_page_cannot_write_to_the_state(front: FrontEnd, view: JobView) -> None:
    """What a page sets is neither believed nor passed on to other pages."""
    before = {name: getattr(view, name) for name in ("state", "_esm", "tail")}
    count = len(front.heard)

    front.raw(view, {"method": "update", "state": dict.fromkeys(before, "evil")})

    assert {name: getattr(view, name) for name in before} == before
    assert [m for m in front.heard[count:] if "echo" in str(m["data"])] == []


@pytest.mark.parametrize("size", [10, 100_000])
def test_the_first_tail(
    front: FrontEnd, job: FakeJob, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A short one goes out at once, a long one only if no page is heard for a while."""
    monkeypatch.setattr("ipyproc.views.transport.tails._TAILS", (1000.0, 2.0, 1000.0))
    view = JobView(job, Publisher(LINGER))
    job.prints(b"x" * size)
    front.wait(lambda: front.messages("output"))
    ready(view, front)

    assert len(front.states("tail")) == (size == 10)
    view.close()
    assert ended()


def test_hostile_requests_are_bounded(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A page that asks for ever gets its answers within the budget, and no more."""
    job.prints(b"x" * 100_000)
    for _ in range(5000):
        front.say(view, {"action": "save", "page": "a", "offset": 0})
        front.say(view, {"action": "ready", "page": "b", "have": None, "seq": 1})

    assert len(view._requests) <= 64
    view._requests.clear()


def test_closing_ends_everything(front: FrontEnd, job: FakeJob) -> None:
    """A closed view hears and sends nothing, and the job goes on."""
    view = JobView(job, Publisher(LINGER))
    view.close()
    count = len(front.heard)

    job.prints(b"x")

    assert ended()
    assert len(front.heard) == count
    assert job._callbacks == {}


def test_a_job_that_is_forgotten(front: FrontEnd, job: FakeJob) -> None:
    """Its view sends what there is to send, says good-bye, and is open no more."""
    view = JobView(job, Publisher(LINGER))
    shell = Shell()
    view.display(shell)
    ready(view, front)
    view.forget()
    assert ended()
    assert view.comm is not None  # it has not ended yet

    job.prints(b"bye\n")
    job.ends()

    front.wait(lambda: front.messages("forget"))
    assert ended()
    assert front.output("a") == b"bye\n"
    assert [shown.update for shown in shell.shown] == [False, True]
    assert view.comm is None
    assert job._callbacks == {}


def test_a_comm_with_sub_shells_answers_where_it_is_asked(
    front: FrontEnd, job: FakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On ipykernel 7.4 a message is handled by the sub-shell that the page names."""
    monkeypatch.setattr(
        FakeComm, "_reply_subshell_for", lambda *_: "main", raising=False
    )
    view = JobView(job, Publisher(LINGER))

    assert view.comm._reply_subshell_for({}, "sub") == "sub"
    view.close()
    assert ended()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What the front end is told for the file: text, and whether it is final."""
    told: list[tuple[str, bool]] = []

    def tell(_: str, data: dict[str, str], final: bool, ran: str = "") -> None:
        told.append((data["text/plain"], final))

    monkeypatch.setattr(document.shared, "tell", tell)
    monkeypatch.setattr(document.shared, "_is_heard", True)
    return told


def test_a_running_job_is_in_the_file_with_the_time(
    told: list[tuple[str, bool]], job: FakeJob, view: JobView
) -> None:
    """What it printed comes after some seconds, with the time at which it was so."""
    job.prints(b"step 1\n")

    assert pictures.shared.retire(20)
    ((text, final),) = told
    assert re.search(r"\nstep 1\nrunning \(as of [-0-9]+ [:0-9]+\)$", text)
    assert not final


def test_without_a_page_that_can_write_nothing_is_drawn(
    told: list[tuple[str, bool]], job: FakeJob, view: JobView, monkeypatch: Any
) -> None:
    """Where nobody hears it, a running job costs nothing; its end is drawn."""
    monkeypatch.setattr(document.shared, "_is_heard", False)
    job.prints(b"step 1\n")
    assert pictures.shared.retire(20)
    assert told == []

    job.ends()
    assert pictures.shared.retire(20)
    assert told[-1][1]


@pytest.mark.parametrize(
    ("holders", "note"),
    [
        (0, "output still open"),
        (1, "output still open (1 process holds it)"),
        (2, "output still open (2 processes hold it)"),
    ],
)
def test_output_that_stays_open_is_said(
    told: list[tuple[str, bool]],
    front: FrontEnd,
    job: FakeJob,
    view: JobView,
    holders: int,
    note: str,
) -> None:
    """A job whose process ended is shown so, with those who can print for it."""
    shell = Shell()
    view.display(shell)
    job.holders = holders
    job.ends(finished=False)
    assert pictures.shared.retire(20)
    assert ended()

    (_, update) = shell.shown
    assert f"\nexit status 0, {note} after 1.25 s (as of " in told[-1][0]
    assert update.data["text/plain"] == told[-1][0]
    assert f">exit status 0, {note}</b>" in update.data["text/html"]
    assert not told[-1][1]

    job.finished = True
    job.prints(b"late\n")
    assert pictures.shared.retire(20)
    assert ended()
    assert told[-1] == (
        "train (pid 4242): python3 -u train.py\nlate\nexit status 0 after 1.25 s",
        True,
    )
    assert shell.shown[-1].data["text/plain"] == told[-1][0]


def test_a_page_that_has_the_pane_needs_no_widget(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """Where the page says so the output becomes HTML at once, and then at the end."""
    shell = Shell()
    view.display(shell)
    assert set(shell.shown[0].data) == {VIEW, "text/plain", "text/html"}
    for _ in range(2):
        front.say(view, {"action": "settle"})
    assert ended()
    first, second = shell.shown
    assert second.update
    assert second.data == {k: v for k, v in first.data.items() if k != VIEW}

    job.ends()
    assert pictures.shared.retire(20)
    assert ended()
    assert len(shell.shown) == 3
    assert "\nexit status 0" in shell.shown[2].data["text/plain"]


def test_what_the_file_was_told_is_shown_where_the_pane_settles(
    told: list[tuple[str, bool]],
    front: FrontEnd,
    job: FakeJob,
    view: JobView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The HTML that takes the widget's place is not older than the file."""
    monkeypatch.setattr(saved, "EVERY", 1000.0)  # nothing more is drawn meanwhile
    shell = Shell()
    view.display(shell)
    job.prints(b"step 1\n")
    view.to_file(view.static(), final=False)

    front.say(view, {"action": "settle"})

    eventually(lambda: len(shell.shown) > 1)
    assert shell.shown[-1].data["text/plain"] == told[-1][0]
    assert "step 1" in told[-1][0]


def test_after_each_cell_where_no_page_is(
    front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A runner of notebooks has after each cell what was printed until then."""
    shell = Shell(human=False)
    view.display(shell)
    assert set(shell.shown[0].data) == {"text/plain", "text/html"}
    job.prints(b"step 1\n")
    shell.events.trigger("post_run_cell", None)
    shell.events.trigger("post_run_cell", None)
    job.prints(b"step 2\n")
    shell.events.trigger("post_run_cell", None)

    texts = [shown.data["text/plain"] for shown in shell.shown]
    assert [text.count("step") for text in texts] == [0, 1, 2]
    assert all("running (as of" in text for text in texts)


def test_what_is_typed_is_not_saved(
    told: list[tuple[str, bool]], front: FrontEnd, job: FakeJob, view: JobView
) -> None:
    """A password that a page sends is in nothing that is saved or synced."""
    job.prints(b"Password: ")
    send = {"action": "send", "page": "a", "seq": 1, "text": "hunter2\n"}
    front.say(view, send)
    front.wait(lambda: front.messages("done"))
    assert ("send", b"hunter2\n") in job.done
    job.ends()

    assert pictures.shared.retire(20)
    assert "Password:" in told[-1][0]
    assert "hunter2" not in str([told, view.static(), view.state, view.tail])
