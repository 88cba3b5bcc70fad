from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.events import EventManager, available_events
from IPython.core.formatters import DisplayFormatter

from ipyproc import Job
from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views import JobView, display
from ipyproc.views.transport.rate_limiter import Publisher
from tests.views.conftest import FrontEnd
from tests.views.fakes import FakeJob
from tests.views.test_rate_limiter import LINGER, ended

VIEW = "application/vnd.jupyter.widget-view+json"


class Shell:
    """IPython's own formatters and events, and what was displayed."""

    def __init__(self, *, kernel: bool = True, human: bool = True) -> None:
        self.display_formatter = DisplayFormatter()
        self.events = EventManager(self, available_events)
        self.display_pub = self
        self.kernel = SimpleNamespace() if kernel else None
        self.execution_count = 1
        self.shown: list[SimpleNamespace] = []
        self._human = human

    def get_parent(self) -> dict[str, Any]:
        """Return the message that asked for the current cell."""
        return {"content": {"allow_stdin": self._human}}

    def publish(
        self, data: Any, metadata: Any, *, transient: Any, update: bool
    ) -> None:
        """Note what is displayed."""
        place = transient["display_id"]
        self.shown.append(SimpleNamespace(data=data, place=place, update=update))

    def value(self, value: object) -> dict[str, Any]:
        """Return what is drawn of the last value of a cell."""
        return self.display_formatter.format(value)[0]


@pytest.fixture
def job(front: FrontEnd) -> Iterator[FakeJob]:
    """A job with a view; the formatters know it as a job."""
    job = FakeJob()
    job.widget = JobView(job, Publisher(LINGER))
    yield job
    job.widget.close()
    assert ended()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a shell the current one."""
    monkeypatch.setattr(display, "Job", FakeJob)

    def use(shell: Shell) -> Shell:
        monkeypatch.setattr(display, "get_ipython", lambda: shell)
        display.register(shell)
        return shell

    return use


def test_show(job: FakeJob, use: Any) -> None:
    """A job that runs is shown as a widget, with text and HTML for who has none."""
    shell = use(Shell())

    display.show(job)

    (shown,) = shell.shown
    assert shown.data[VIEW]["model_id"] == job.widget.model_id
    assert re.search(r"\nrunning \(as of [-0-9]+ [:0-9]+\)$", shown.data["text/plain"])
    assert f'id="ipyproc-{job.widget.token}"' in shown.data["text/html"]


def test_the_end_replaces_the_widget(front: FrontEnd, job: FakeJob, use: Any) -> None:
    """After the end the output needs no kernel; the model stays for the live page."""
    shell = use(Shell())
    display.show(job)
    display.show(job)
    job.prints(b"bye\n")

    job.ends()

    front.wait(lambda: front.states("state"))
    assert ended()
    first, second, *updates = shell.shown
    assert [u.place for u in updates] == [first.place, second.place]
    assert all(u.update and set(u.data) == {"text/plain", "text/html"} for u in updates)
    assert updates[0].data["text/plain"].endswith("bye\nexit status 0 after 1.25 s")
    assert job.widget.comm is not None


def test_a_job_that_ends_while_it_is_shown(
    front: FrontEnd, job: FakeJob, use: Any
) -> None:
    """Whenever it ends, its widget does not stay."""
    shell = use(Shell())
    publish = shell.publish

    def late(*args: Any, **kwargs: Any) -> None:
        publish(*args, **kwargs)
        if not job.finished:
            job.ends()

    shell.publish = late  # type: ignore[method-assign]
    display.show(job)

    front.wait(lambda: front.states("state"))
    assert ended()
    assert [VIEW in shown.data for shown in shell.shown] == [True, False]


def test_a_job_that_has_ended_is_shown_without_widget(job: FakeJob, use: Any) -> None:
    """What is over is displayed as it will be saved, at once."""
    shell = use(Shell())
    job.ends()

    display.show(job)

    assert set(shell.shown[0].data) == {"text/plain", "text/html"}


def test_a_value_is_shown_once_in_a_cell(job: FakeJob, use: Any) -> None:
    """The job that a cell gives back is not drawn again where it was just shown."""
    shell = use(Shell())
    display.show(job)

    assert shell.value(job) == {}
    assert len(shell.shown) == 1

    shell.execution_count += 1
    assert shell.value(job) == {}
    assert len(shell.shown) == 2


def test_without_a_front_end_the_end_is_shown_between_cells(
    front: FrontEnd, job: FakeJob, use: Any
) -> None:
    """Without a page the end is shown between cells, and no widget is left to save."""
    shell = use(Shell(human=False))
    display.show(job)
    job.ends()
    front.wait(lambda: front.states("state"))
    assert ended()
    assert len(shell.shown) == 1

    shell.events.trigger("pre_run_cell", None)
    shell.events.trigger("post_run_cell", None)

    assert [shown.update for shown in shell.shown] == [False, True]
    assert job.widget.comm is None
    assert front.states("_esm") == [""]
    assert front.states("_css") == [""]
    display.show(job)
    assert set(shell.shown[-1].data) == {"text/plain", "text/html"}


def test_an_end_between_two_steps_is_shown_after_the_next_cell(
    front: FrontEnd, job: FakeJob, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that ends just after its place was updated is not taken for shown."""
    shell = use(Shell(human=False))
    display.show(job)
    (place,) = job.widget._places
    monkeypatch.setattr(place, "update", lambda: job.ends() or 0)
    shell.events.trigger("post_run_cell", None)
    monkeypatch.delattr(place, "update")

    shell.events.trigger("pre_run_cell", None)

    assert [shown.update for shown in shell.shown] == [False, True]
    assert job.widget.comm is None


def test_a_page_that_is_there_keeps_its_widget(
    front: FrontEnd, job: FakeJob, use: Any
) -> None:
    """Where a page looks on, nothing is closed under its eyes."""
    shell = use(Shell(human=False))
    display.show(job)
    front.say(job.widget, {"action": "ready", "page": "a", "have": 0, "seq": 1})
    front.wait(lambda: front.messages("begin"))
    job.ends()
    shell.events.trigger("post_run_cell", None)

    assert job.widget.comm is not None


def test_run_again_shows_the_new_job_in_the_same_place(
    front: FrontEnd, job: FakeJob, use: Any
) -> None:
    """A job that is run again from its pane is shown where the old one was."""
    shell = use(Shell())
    display.show(job)
    new = job.another = FakeJob()
    new.widget = JobView(new, Publisher(LINGER))
    job.ends()
    front.say(job.widget, {"action": "again", "page": "a", "seq": 1})
    front.wait(lambda: front.messages("done"))
    front.wait(lambda: any(VIEW in shown.data for shown in shell.shown[1:]))
    new.prints(b"again\n")
    new.ends()
    assert ended()

    assert len({shown.place for shown in shell.shown}) == 1
    again = next(shown for shown in shell.shown[1:] if VIEW in shown.data)
    assert again.update
    assert again.data[VIEW]["model_id"] == new.widget.model_id
    assert (
        shell.shown[-1].data["text/plain"].endswith("again\nexit status 0 after 1.25 s")
    )
    new.widget.close()


def test_a_job_that_cannot_run_again_stays_where_it_is(
    front: FrontEnd, job: FakeJob, use: Any
) -> None:
    """If nothing can be started, the page is told why, and nothing moves."""
    shell = use(Shell())
    display.show(job)
    front.say(job.widget, {"action": "again", "page": "a", "seq": 1})
    front.wait(lambda: front.messages("done"))

    assert front.messages("done")[0]["error"] == "it still runs"
    assert len(shell.shown) == 1


@pytest.mark.parametrize(
    "shell", [None, Shell(kernel=False)], ids=["python", "ipython"]
)
def test_in_a_terminal(
    job: FakeJob,
    shell: Shell | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where there is no notebook, one line says what was started."""
    monkeypatch.setattr(display, "get_ipython", lambda: shell)

    display.show(job)

    want = "spawned train (pid 4242): python3 -u train.py\n"
    assert capsys.readouterr().out == want


def test_values_in_a_terminal(job: FakeJob, use: Any) -> None:
    """As a value of terminal IPython a job is its text."""
    shell = use(Shell(kernel=False))

    assert shell.value(job)["text/plain"].endswith("running")


def test_states_are_values(use: Any) -> None:
    """A state is drawn as Go's text, and as a table where there is HTML."""
    shell = use(Shell())

    drawn = shell.value(ProcessState(pid=1, sys=WaitStatus(0x0200)))

    assert drawn["text/plain"] == "exit status 2"
    assert "00000010 exit code 2" in drawn["text/html"]


def test_unregister_restores() -> None:
    """All formatters and events are there again, also after two loads."""
    shell = Shell()
    formatter = shell.display_formatter
    mine = lambda state, printer, cycle: printer.text("mine")  # noqa: E731
    formatter.formatters["text/plain"].for_type(ProcessState, mine)

    display.register(shell)
    display.register(shell)
    assert shell.value(ProcessState())["text/plain"] == "exit status 0"
    display.unregister(shell)
    display.unregister(shell)

    assert shell.value(ProcessState()) == {"text/plain": "mine"}
    assert Job not in formatter.ipython_display_formatter.type_printers
    assert Job not in formatter.formatters["text/plain"].type_printers
    assert ProcessState not in formatter.formatters["text/html"].type_printers
    assert not any(shell.events.callbacks.values())


def test_importing_starts_nothing() -> None:
    """The views can be imported without a kernel, and have no thread then."""
    code = (
        "import threading, ipyproc.views; from IPython import get_ipython;"
        "print(threading.active_count(), get_ipython())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "1 None\n"
