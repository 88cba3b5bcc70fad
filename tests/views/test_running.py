"""How many jobs run, as the front end is told."""

from __future__ import annotations

import pytest
from IPython.core.events import EventManager, available_events

from ipyproc.views.transport.document import Document
from ipyproc.views.widgets.running import RunningCount
from tests.views.fakes import FakeJob
from tests.views.test_display import Shell


class Told(Document):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []
        self.opened = 0

    def open(self) -> None:
        """Note it."""
        self.opened += 1

    def count(self, running: int) -> None:
        """Note it."""
        self.counts.append(running)


@pytest.fixture
def told() -> Told:
    """What would tell the front end."""
    return Told()


def test_each_end_is_told(told: Told) -> None:
    """Jobs are counted when somebody looks, and when one of those is over."""
    one, other = jobs = [FakeJob(name="one"), FakeJob(name="other")]
    running = RunningCount(jobs, told)  # type: ignore[arg-type]
    running.look()
    running.look()
    one.ends(finished=False)
    one.ends()
    other.ends()

    assert told.counts == [2, 2, 1, 0]
    assert not told.opened


@pytest.mark.parametrize("human", [True, False])
def test_after_each_cell(told: Told, human: bool) -> None:
    """Jobs without a pane count, too; where nobody reads it nothing is opened."""
    shell = Shell(human=human)
    shell.events = EventManager(shell, available_events)
    jobs: list[FakeJob] = []
    unfollow = RunningCount(jobs, told).follow(shell)  # type: ignore[arg-type]
    shell.events.trigger("post_run_cell", None)
    assert (told.counts, told.opened) == ([0], 0)
    jobs.append(FakeJob())
    shell.events.trigger("post_run_cell", None)
    assert (told.counts, told.opened) == ([0, 1], int(human))

    unfollow()
    shell.events.trigger("post_run_cell", None)
    assert told.counts == [0, 1]
