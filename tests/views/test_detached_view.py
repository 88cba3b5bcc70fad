"""The table of detached jobs: what pages are told, and what their buttons do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipyproc import Job, jobs, spawn
from ipyproc.views.transport import worker
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.widgets.detached import DetachedView
from tests.jobs.helpers import PATIENCE, eventually
from tests.views.conftest import FrontEnd
from tests.views.test_display import VIEW, Shell
from tests.views.test_rate_limiter import LINGER, ended


@pytest.fixture
def job(alone: Path) -> Job:
    """A detached job that runs, of an agent of the test's own."""
    return spawn("sleep 1000", name="train", detach=True)


@pytest.fixture
def view(front: FrontEnd, job: Job) -> Iterator[DetachedView]:
    """The table, with a publisher of its own."""
    view = DetachedView(Publisher(LINGER))
    yield view
    view.close()
    job.drop_view()
    assert worker.shared.retire(10)
    assert ended()


def press(
    front: FrontEnd, view: DetachedView, action: str, job: object
) -> dict[str, Any]:
    """Press a button of a row; return the answer."""
    seq = len(front.heard)
    asked = {"action": action, "page": "a", "seq": seq, "job": job}
    front.say(view, asked)  # type: ignore[arg-type]
    front.wait(lambda: [m for m in front.messages("done") if m["seq"] == seq])
    return front.messages("done")[-1]


def test_what_a_page_is_opened_with(view: DetachedView, job: Job) -> None:
    """The rows are there from the beginning, by the ids of the jobs."""
    (key,) = view.first["rows"]
    row = view.first["rows"][key]

    assert key == row["name"] == job.id
    assert (row["status"], row["notebook"], row["over"]) == (
        "running",
        "notes.ipynb",
        False,
    )


def test_it_is_read_again_while_a_page_looks(
    front: FrontEnd, view: DetachedView, job: Job
) -> None:
    """What another session does is seen, too: it is read from the disk."""
    front.say(view, {"action": "look", "page": "a"})  # type: ignore[arg-type]
    front.wait(lambda: front.messages("rows"))
    job.kill()
    job.wait(PATIENCE)

    front.wait(lambda: "killed" in str(front.messages("rows")))


def test_end(front: FrontEnd, view: DetachedView, job: Job) -> None:
    """The job is asked to end."""
    assert press(front, view, "terminate", job.id)["error"] == ""

    assert str(job.wait(PATIENCE)) == "signal: terminated"


def test_forget(front: FrontEnd, view: DetachedView, job: Job) -> None:
    """Only what has ended can be forgotten, and then nothing is left of it."""
    assert press(front, view, "forget", job.id)["error"] == (
        f"{job.id} still runs: end it first"
    )
    job.kill()
    job.wait(PATIENCE)
    eventually(lambda: jobs.detached()[0].is_over)
    assert press(front, view, "forget", job.id)["error"] == ""

    assert jobs.detached() == []


@pytest.mark.parametrize(
    ("action", "key"), [("attach", "nobody@0000"), ("kill", None), ("attach", 7)]
)
def test_what_means_nothing(
    front: FrontEnd, view: DetachedView, job: Job, action: str, key: object
) -> None:
    """A page can only name a job that is in the table, and what a button does."""
    asked = {"action": action, "page": "a", "seq": 1, "job": key or job.id}
    front.say(view, asked)  # type: ignore[arg-type]
    assert press(front, view, "terminate", job.id)["error"] == ""

    assert [m["seq"] for m in front.messages("done") if m["seq"] == 1] == []


def test_attach_shows_the_pane_in_the_place_of_the_table(
    front: FrontEnd, view: DetachedView, job: Job
) -> None:
    """That is what %procattach with its name would have shown there."""
    shell = Shell()
    view.display(shell)
    assert press(front, view, "attach", job.id)["error"] == ""
    front.wait(lambda: any(shown.update for shown in shell.shown))
    front.wait(lambda: VIEW in shell.shown[-1].data)

    assert len({shown.place for shown in shell.shown}) == 1
    assert shell.shown[-1].data[VIEW]["model_id"] == job.widget.model_id  # type: ignore[attr-defined]
    assert 'data-name="train"' in shell.shown[-1].data["text/html"]


def test_without_a_page(front: FrontEnd, view: DetachedView) -> None:
    """Where no page will load a widget, it is the table as text and HTML."""
    shell = Shell(human=False)
    view.display(shell)
    (shown,) = shell.shown

    assert VIEW not in shown.data
    assert "train@" in shown.data["text/plain"]
    assert 'class="ipyproc-detached' in shown.data["text/html"]
