"""What is measured, and said to pages: rows, who looks, and the table of jobs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from itertools import count, pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from ipyproc import Usage
from ipyproc.views.render import console, html
from ipyproc.views.transport import document, viewers, worker
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.transport.row_changes import RowChanges
from ipyproc.views.transport.viewers import INTERVAL, POLL
from ipyproc.views.widgets import base, pace
from ipyproc.views.widgets import jobs as rows
from ipyproc.views.widgets.farewell import Farewell
from ipyproc.views.widgets.jobs import JobsView
from tests.views.conftest import FrontEnd
from tests.views.fakes import FakeJob
from tests.views.test_display import Shell
from tests.views.test_rate_limiter import LINGER

ROOM = 1 << 20


def test_changes_tell_all_and_then_what_changed() -> None:
    """After the first message only fields that changed are told, and rows that went."""
    changes = RowChanges()
    head = {"kind": "rows", "clock": 100.0}
    rows = {"0": {"name": "a", "cpu": 1.0}, "1": {"name": "b", "cpu": 2.0}}
    first = changes.next(rows, {}, 100.0, ROOM)
    assert first == head | {
        "number": 1,
        "keys": ["0", "1"],
        "notes": {},
        "rows": rows,
    }
    assert changes.next(rows, {}, 100.0, ROOM) is None

    rows = {"1": {"name": "b", "cpu": 3.0}, "2": {"name": "c", "cpu": None}}
    assert changes.next(rows, {}, 100.0, ROOM) == head | {
        "number": 2,
        "gone": ["0"],
        "rows": {"1": {"cpu": 3.0}, "2": {"name": "c", "cpu": None}},
    }
    want = head | {"number": 3, "notes": {"more": 3}, "rows": {}}
    assert changes.next(rows, {"more": 3}, 100.0, ROOM) == want


def test_changes_begin_again_in_pieces() -> None:
    """A page that lost something is told all rows again, the keys first."""
    changes = RowChanges()
    rows = {str(n): {"name": "x" * 100} for n in range(10)}
    changes.next(rows, {}, 100.0, ROOM)
    changes.restart()

    messages = []
    while told := changes.next(rows, {}, 100.0, 500):
        messages.append(told)

    assert messages[0]["keys"] == list(rows)
    assert len(messages) > 1
    assert not any("keys" in message for message in messages[1:])
    found = {key: row for message in messages for key, row in message["rows"].items()}
    assert found == rows


def test_a_row_that_goes_while_all_is_told_again() -> None:
    """A page that has the row of a message before the loss is told that it went."""
    changes = RowChanges()
    rows = {"0": {"name": "x" * 100}, "1": {"name": "y" * 100}}
    changes.next(rows, {}, 100.0, ROOM)
    changes.restart()
    first = changes.next(rows, {}, 100.0, 150)
    assert first
    assert list(first["rows"]) == ["0"]

    second = changes.next({"0": rows["0"]}, {}, 100.0, 150)

    assert second
    assert second["gone"] == ["1"]


PRINTED = {
    b"one\ntwo\n": "two",
    b"one\n\n  \n": "one",
    b"": "",
    b"10 %\r20 %\r\x1b[32m30 %\x1b[0m": "30 %",
    b"a\nb\x1b]0;title\x07c\x1b[2Jd": "d",
    b"\xe2\x80\xaeevil\xe2\x81\xa6\n": "evil",
    b"x" * 5000: "x" * 200,
    b"\xff\xfe\n": "\ufffd\ufffd",
    b"\x1b[31m" * 400 + b"end": "end",
    b"\n".join(b"\x1b[3%dmline %d" % (n % 8, n) for n in range(999)): "line 998",
}


@pytest.mark.parametrize("data", PRINTED, ids=lambda data: repr(data[:20]))
def test_the_last_line(data: bytes) -> None:
    """The last line is bounded text without escapes or deceptive characters."""
    job = FakeJob()
    job.prints(data)

    assert rows.last_line(job) == PRINTED[data]


def test_the_last_line_of_two_streams() -> None:
    """It is that of the stream that printed last."""
    job = FakeJob()
    job.prints(b"out\n")
    job.prints(b"warning\n", 1)

    assert rows.last_line(job) == "warning"


def test_which_jobs_are_shown() -> None:
    """All that run, and of those that ended the last, in the order of their start."""
    jobs = [FakeJob(name=str(n)) for n in range(6)]
    for n in (0, 2, 4):
        jobs[n].ends()

    def names(most: int | None) -> tuple[str, int]:
        chosen, more = rows.shown(jobs, most)
        return "".join(job.name for job in chosen), more

    assert names(None) == names(6) == ("012345", 0)
    assert names(4) == ("1345", 2)
    assert names(2) == ("135", 3)


class Listed:
    """A table of jobs, and its view with a publisher of its own."""

    def __init__(self, *jobs: FakeJob, most: int | None = 200) -> None:
        self.jobs = list(jobs)
        self.view = JobsView(most, self.jobs, Publisher(LINGER))  # type: ignore[arg-type]

    def asks(self, front: FrontEnd, action: str, **content: object) -> None:
        """Send a message as a page does."""
        front.say(self.view, {"action": action, "page": "a", **content})


def job(name: str = "train") -> FakeJob:
    """Return a job that uses something."""
    job = FakeJob(name=name)
    job.used = Usage(4242, "python3", 12.34, 123_456_789, 1, 3)
    return job


@pytest.fixture
def listed(front: FrontEnd) -> Iterator[Listed]:
    """Two jobs in a table that nobody looks at."""
    listed = Listed(job(), job("serve"))
    yield listed
    listed.view.close()


class File:
    """What the front end is told for the file."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        self.pages: list[str] = []
        self.final = False
        patch.setattr(document.shared, "tell", self._tell)
        patch.setattr(document.shared, "_is_heard", True)

    def _tell(self, _: str, data: dict[str, str], final: bool, ran: str = "") -> None:
        self.texts.append(data["text/plain"])
        self.pages.append(data["text/html"])
        self.final = final


def quiet(listed: Listed) -> bool:
    """Wait until all is done that pages asked for, and all is sent."""
    return worker.shared.retire(20) and listed.view._publisher.retire(20)


def told(front: FrontEnd, count: int = 1) -> list[dict[str, Any]]:
    """Wait for so many messages of rows."""
    front.wait(lambda: len(front.messages("rows")) >= count)
    return front.messages("rows")


def test_what_a_page_is_opened_with(front: FrontEnd, listed: Listed) -> None:
    """A page is opened with the rows, nothing measured, and at most 25 kB of code."""
    first = listed.view.first

    assert [row["name"] for row in first["rows"].values()] == ["train", "serve"]
    assert first["rows"]["0"]["command"] == "python3 -u train.py"
    assert first["rows"]["0"]["cpu"] is None
    assert len(JobsView._esm.encode()) + len(JobsView._css.encode()) <= 25_000


def test_nothing_is_measured_or_sent_before_a_page_looks(
    front: FrontEnd, listed: Listed
) -> None:
    """However much happens to the jobs."""
    before = len(front.heard)
    listed.jobs[0].prints(b"hello\n")
    listed.jobs[1].ends()
    listed.view.changed()
    listed.view.catch_up()

    assert quiet(listed)
    assert len(front.heard) == before
    assert [each.measured for each in listed.jobs] == [0, 0]


@pytest.mark.slow
def test_a_page_looks(front: FrontEnd, listed: Listed) -> None:
    """It gets all rows, measured, and from then on what changes: news, ends, clears."""
    listed.jobs[1].listens = {8000}
    listed.asks(front, "look", number=0)
    (first,) = told(front)[:1]
    assert first["keys"] == ["0", "1"]
    assert (first["rows"]["0"]["cpu"], first["rows"]["0"]["memory"]) == (
        12.3,
        123500000,
    )

    assert (first["rows"]["0"]["ports"], first["rows"]["1"]["ports"]) == ([], [8000])

    listed.jobs[0].prints(b"\x1b[1mepoch 1\n")
    listed.jobs[1].ends(9)
    new = job("new")
    listed.jobs.append(new)
    second = told(front, 2)[1]
    assert second["rows"]["0"] == {"last": "epoch 1"}
    assert second["rows"]["1"]["text"] == "signal: killed"
    assert second["rows"]["1"]["cpu"] is None
    assert second["rows"]["1"]["ports"] == []
    assert second["rows"]["2"]["name"] == "new"

    listed.jobs.pop(1)
    assert told(front, 3)[2]["gone"] == ["1"]


@pytest.mark.slow
def test_a_newer_job_changes_the_label_of_an_ended_one(
    front: FrontEnd, listed: Listed
) -> None:
    """The row of a job that ended says which of its name it is."""
    listed.jobs[0].ends()
    listed.asks(front, "look", number=0)
    assert told(front)[0]["rows"]["0"]["label"] == "train"

    listed.jobs[0].label = "train#1"
    listed.jobs.append(job())

    assert told(front, 2)[1]["rows"]["0"] == {"label": "train#1"}


@pytest.mark.slow
def test_at_most_one_message_a_second(front: FrontEnd, listed: Listed) -> None:
    """However fast things change, and however often a page asks."""
    send, sent = listed.view.send, []

    def timed(content: Any, buffers: Any = None) -> None:
        sent.append(time.monotonic())
        listed.jobs[0].prints(b"%d\n" % len(sent))  # there is always something new
        send(content, buffers)

    listed.view.send = timed  # type: ignore[method-assign]
    while len(sent) < 3:
        listed.asks(front, "look", number=0)
        time.sleep(0.05)

    assert min(b - a for a, b in pairwise(sent)) >= INTERVAL


def test_a_page_looks_away(front: FrontEnd, listed: Listed) -> None:
    """Then nothing is measured, nor sent."""
    listed.asks(front, "look", number=0)
    told(front)
    listed.asks(front, "leave")
    measured = [each.measured for each in listed.jobs]
    listed.jobs[0].prints(b"hello\n")
    listed.view.changed()

    assert quiet(listed)
    assert [each.measured for each in listed.jobs] == measured
    assert len(front.messages("rows")) == 1


def test_out_of_sight_is_polled(
    front: FrontEnd, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of sight the ends of jobs are noticed and nothing is measured."""
    assert POLL >= 5
    monkeypatch.setattr("ipyproc.views.transport.viewers.POLL", 0.05)
    listed.asks(front, "look", number=0)
    told(front)
    listed.asks(front, "away")
    measured = listed.jobs[0].measured
    for each in listed.jobs:
        each.ends()
    listed.view.changed()

    assert quiet(listed)
    assert listed.view.quiet
    assert [row["text"] for row in listed.view.rows.values()] == ["exit status 0"] * 2
    assert listed.jobs[0].measured == measured
    assert len(front.messages("rows")) == 1


@pytest.mark.slow
def test_a_page_that_missed_a_message_gets_all(front: FrontEnd, listed: Listed) -> None:
    """It says which one it has, and the next message has everything again."""
    listed.asks(front, "look", number=0)
    told(front)
    listed.jobs[0].prints(b"x\n")
    told(front, 2)

    listed.asks(front, "look", number=0)

    assert told(front, 3)[2]["keys"] == ["0", "1"]
    assert told(front, 3)[2]["rows"]["1"]["name"] == "serve"


def test_kill(front: FrontEnd, listed: Listed) -> None:
    """The job that the page names dies with all that it started, and no other."""
    listed.asks(front, "kill", job="1", seq=7)

    front.wait(lambda: front.messages("done"))
    assert [each.done for each in listed.jobs] == [[], [("signal", 9, None)]]
    (done,) = front.messages("done")
    assert (done["page"], done["seq"], done["error"]) == ("a", 7, "")


def test_all_that_run_are_ended(front: FrontEnd, listed: Listed) -> None:
    """Each is asked to end; what has ended is left alone."""
    listed.jobs.append(FakeJob(name="over"))
    listed.jobs[2].ends()
    listed.asks(front, "end_all", seq=7)

    front.wait(lambda: front.messages("done"))
    assert [each.done for each in listed.jobs] == [["terminate"], ["terminate"], []]
    assert front.messages("done")[0]["error"] == ""


def test_what_runs_comes_first_in_what_is_saved(
    front: FrontEnd, listed: Listed
) -> None:
    """As on the page."""
    listed.jobs[0].ends()
    listed.asks(front, "look", number=0)
    front.wait(lambda: listed.view.text().find("exit status 0") > 0)

    text, page = listed.view.text(), listed.view.html()
    assert text.index("serve") < text.index("train")
    assert page.index("serve") < page.index("train")


def test_what_came_of_a_kill_is_told_at_once(
    front: FrontEnd, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is until all is measured again."""
    monkeypatch.setattr(viewers, "INTERVAL", 1000.0)
    listed.asks(front, "look", number=0)
    told(front)
    killed = listed.jobs[1]
    monkeypatch.setattr(killed, "kill", lambda: killed.ends(9))

    listed.asks(front, "kill", job="1", seq=7)

    assert told(front, 2)[1]["rows"]["1"]["text"] == "signal: killed"


def test_a_kill_while_others_are_measured_is_told_at_once(
    front: FrontEnd, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens to a row that was measured already is not lost with the round."""
    monkeypatch.setattr(viewers, "INTERVAL", 1000.0)
    killed, other = listed.jobs
    measuring, go_on = threading.Event(), threading.Event()

    def usage() -> None:
        measuring.set()
        assert go_on.wait(20)

    monkeypatch.setattr(other, "last_usage", usage)
    monkeypatch.setattr(killed, "kill", lambda: killed.ends(9))
    listed.asks(front, "look", number=0)
    assert measuring.wait(20)
    listed.asks(front, "kill", job="0", seq=7)
    assert worker.shared.retire(20)
    go_on.set()

    front.wait(lambda: "signal: killed" in str(front.messages("rows")))


def test_a_kill_that_comes_too_late(front: FrontEnd, listed: Listed) -> None:
    """A late kill says so, and does not reach another job of the name."""
    listed.jobs[0].ends()
    listed.asks(front, "kill", job="0", seq=1)
    front.wait(lambda: front.messages("done"))
    assert front.messages("done")[0]["error"] == "os: process already finished"

    old, listed.jobs[0] = listed.jobs[0], job(listed.jobs[0].name)
    listed.view.catch_up()
    listed.asks(front, "kill", job="0", seq=2)

    assert quiet(listed)
    assert old.done == listed.jobs[0].done == []
    assert len(front.messages("done")) == 1


def test_what_is_saved_is_sent_once(
    front: FrontEnd, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The saved table is sent to each of its last 16 places once."""
    shell, times = Shell(), count()
    monkeypatch.setattr(base, "get_ipython", lambda: shell)
    monkeypatch.setattr(listed.view, "text", lambda: f"train runs for {next(times)} s")
    for _ in range(20):
        listed.view._ipython_display_()
    listed.asks(front, "look", number=0)
    listed.asks(front, "leave")

    front.say(listed.view, {"action": "settle"})

    assert quiet(listed)
    places = [shown.place for shown in shell.shown if shown.update]
    assert len(places) == len(set(places)) == 16
    assert places == [shown.place for shown in shell.shown[4:20]]
    assert len(shell.events.callbacks["post_run_cell"]) == 1


def test_no_place_shows_less_than_the_file_has(
    front: FrontEnd, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file is told while places are brought up to date, they show, too."""
    shell, file = Shell(), File(monkeypatch)
    monkeypatch.setattr(base, "get_ipython", lambda: shell)
    monkeypatch.setattr(pace, "_SOON", 0.0)
    monkeypatch.setattr(pace, "RATE", 1 << 30)
    for _ in range(2):
        listed.view._ipython_display_()
    listed.asks(front, "look", number=0)
    listed.asks(front, "leave")

    def publish(data: Any, metadata: Any, **more: Any) -> None:
        """After the first place a job ends, and the file is told of it at once."""
        if listed.jobs[0].ended_at is None:
            listed.jobs[0].ends()
            listed.view.outdated()
        shell.publish(data, metadata, **more)

    shell.display_pub = SimpleNamespace(publish=publish)
    for place in listed.view._places:
        place._publisher = shell.display_pub
    front.say(listed.view, {"action": "settle"})

    assert quiet(listed)
    ends = ["exit status 0" in text for text in file.texts]
    assert ends == sorted(ends)
    assert ends[-1]


HOSTILE = [
    *(None, 1, "kill", [], {}, {"action": "kill"}, {"page": "a"}),
    *(
        {"action": "kill", "page": "a", "job": key}
        for key in (None, 0, "", "9", [], {})
    ),
    *({"action": "kill", "page": page, "job": "0"} for page in (None, 1, "*", "A", {})),
    *(
        {"action": name, "page": "a", "job": "0"}
        for name in ("_kill", "close", 1, None)
    ),
    {
        "action": "signal",
        "page": "a",
        "job": "0",
        "signal": "SIGKILL (9)",
        "tree": True,
    },
    {"action": "terminate", "page": "a", "job": "train"},
]


def test_hostile_messages_do_nothing(front: FrontEnd, listed: Listed) -> None:
    """A page can name a job of the table and the action, and that is all."""
    listed.jobs.append(job("not drawn yet"))
    for content in HOSTILE:
        given = {"seq": 1, **content} if isinstance(content, dict) else content
        front.say(listed.view, given)
    before = listed.view.first
    front.raw(listed.view, {"method": "update", "state": {"first": {"rows": {}}}})

    assert quiet(listed)
    assert [each.done for each in listed.jobs] == [[], [], []]
    assert not front.messages("done")
    assert listed.view.first == before


def test_the_number_of_a_page_is_not_believed(front: FrontEnd, listed: Listed) -> None:
    """Whatever a page says that it has, it is sent rows."""
    for number in (None, -1, 1.5, "1", [], 1 << 60, 10**6):
        listed.asks(front, "look", number=number)

    assert told(front)[0]["keys"] == ["0", "1"]


def test_a_job_that_ended_is_not_looked_at_again(
    front: FrontEnd, listed: Listed
) -> None:
    """Thousands of them cost nothing."""
    ended = listed.jobs[0]
    ended.ends()
    listed.view.catch_up()
    ended.argv = ("another",)
    listed.view.catch_up()

    assert listed.view.rows["0"]["command"] == "python3 -u train.py"


def test_the_view_does_not_keep_jobs() -> None:
    """What ``clear`` forgets is forgotten here, too: no row of it, and no key."""
    listed = Listed(job())
    listed.jobs.clear()
    listed.view.catch_up()

    assert listed.view.rows == {}
    assert len(listed.view._keys) == len(listed.view._known) == 0
    listed.view.close()


def test_more_than_there_is_room_for(front: FrontEnd) -> None:
    """Of too many that ended the others are counted, in all three renderings."""
    listed = Listed(*(job(str(n)) for n in range(5)), most=3)
    for each in listed.jobs:
        each.ends()
    listed.view.catch_up()
    listed.asks(front, "look", number=0)

    assert told(front)[0]["notes"]["more"] == 2
    assert "2 more jobs that ended: %procs --all" in listed.view.text()
    assert "2 more jobs that ended: %procs --all" in listed.view.html()
    listed.view.close()


def test_a_table_is_told_in_pieces_that_fit(front: FrontEnd) -> None:
    """A thousand jobs arrive in several messages, none of them large."""
    listed = Listed(*(job(f"job-{n}") for n in range(1000)), most=None)
    listed.asks(front, "look", number=0)

    def found() -> set[str]:
        return {key for m in front.messages("rows") for key in m["rows"]}

    front.wait(lambda: len(found()) == 1000)
    sizes = [len(str(m["rows"])) for m in front.messages("rows")]
    assert len(sizes) > 1
    assert max(sizes) < 1 << 17
    listed.view.close()


def test_no_environment(front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable's value is sent, or saved."""
    monkeypatch.setenv("SECRET", "hunter2")
    listed = Listed(job())
    listed.asks(front, "look", number=0)
    told(front)

    assert "hunter2" not in str(front.heard) + listed.view.text() + listed.view.html()
    listed.view.close()


def test_the_static_table() -> None:
    """Where there is no widget there are the same facts; what is odd is escaped."""
    evil = FakeJob("<script>", name="<b>x")
    evil.prints(b"<img src=x onerror=alert(1)>\n")
    row = rows.row(evil) | {"last": rows.last_line(evil)}

    page = html.jobs([row])

    assert 'class="ipyproc-jobs tex2jax_ignore mathjax_ignore"' in page
    assert 'data-name="&lt;b&gt;x" data-number=1 data-host="localhost"' in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert "<script" not in page
    assert console.jobs([row]).splitlines()[0].split() == [
        *("NAME", "PID", "STATUS", "TIME", "COMMAND")
    ]
    assert console.jobs([]) == "no jobs"
    assert "no jobs" in html.jobs([])


@pytest.fixture
def file(front: FrontEnd, listed: Listed, monkeypatch: pytest.MonkeyPatch) -> File:
    """The table is shown in a cell, and a page that writes the file is there."""
    file, shell = File(monkeypatch), Shell()
    monkeypatch.setattr(base, "get_ipython", lambda: shell)
    listed.view._ipython_display_()
    listed.asks(front, "look", number=0)
    listed.asks(front, "leave")
    assert quiet(listed)
    return file


def test_an_end_is_in_the_file_at_once(file: File, listed: Listed) -> None:
    """Though no page looks at the table, and no cell is run."""
    assert len(file.texts) == 1

    listed.jobs[1].ends(9)

    assert quiet(listed)
    assert len(file.texts) == 2
    assert re.search("^serve .* signal: killed ", file.texts[1], re.M)


class Still:
    """A publisher that calls nobody: the test does."""

    def wake(self, source: object) -> None:
        """Do nothing."""

    forget = wake

    def account(self, size: int, messages: int = 1) -> None:
        """Do nothing."""


def test_two_hundred_ends_are_not_told_two_hundred_times(
    front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The larger a table is, the less often the file is told of it."""
    jobs = [job(f"job-{n}") for n in range(200)]
    view = JobsView(200, jobs, Still())  # type: ignore[arg-type]
    file, shell = File(monkeypatch), Shell()
    clock = SimpleNamespace(
        monotonic=lambda: clock.now,
        time=time.time,
        thread_time=time.thread_time,
        now=100.0,
    )
    monkeypatch.setattr(pace, "time", clock)
    monkeypatch.setattr("ipyproc.views.widgets.rows.time", clock)
    monkeypatch.setattr(base, "get_ipython", lambda: shell)

    def turn(seconds: float) -> None:
        clock.now += seconds
        while view.publish(1 << 16):
            pass

    view._ipython_display_()
    turn(10.0)
    for each in jobs:
        each.ends(9)
        turn(0.1)
    assert 2 <= len(file.texts) <= 20
    assert sum(map(len, file.texts[1:])) <= 20 * pace.RATE

    turn(10.0)
    assert file.texts[-1].count("signal: killed") == 200
    count = len(file.texts)
    turn(10.0)
    assert len(file.texts) == count
    view.close()


def test_a_last_line_is_in_the_file_some_seconds_later(
    file: File, listed: Listed, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only changes, and does not happen, is told more rarely."""
    monkeypatch.setattr(pace, "_LATER", 0.2)
    listed.asks(front, "look", number=0)
    listed.jobs[0].prints(b"epoch 7\n")

    front.wait(lambda: "epoch 7" in str(front.messages("rows")))
    listed.asks(front, "leave")
    assert quiet(listed)
    assert "epoch 7" in file.pages[-1]


def test_the_end_of_the_kernel_is_in_the_file(file: File, listed: Listed) -> None:
    """What runs when the kernel ends ended with it, but for a detached job."""
    farewell = Farewell()
    farewell.expect(listed.view._leaving)
    listed.jobs[0].ends(0x0300)

    farewell.run()

    assert re.search("^train .* exit status 3 ", file.texts[-1], re.M)
    assert re.search("^serve .* ended with the kernel ", file.texts[-1], re.M)
    assert file.final
    count = len(file.texts)
    listed.jobs[1].ends()
    farewell.run()
    assert len(file.texts) == count
