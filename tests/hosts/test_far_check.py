"""Waiting for a far job to be ready: what its agent answers, and when it counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipyproc import PIPE, spawn
from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.frames import Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.ready import FarCheck
from ipyproc.hosts import CommandHost
from tests.jobs.helpers import PATIENCE


class Answering:
    """A link whose agent has found the port 80 when five bytes had been printed."""

    silence = False

    def post(self, call: Callable[[], None]) -> None:
        """Call it at once."""
        call()

    def request(self, _: Kind, __: object, answered: Callable[[Answer], None]) -> int:
        """Answer at once."""
        answered(Answer(Fields({"port": 80, "offsets": [5, 0]})))
        return 1


def test_an_answer_counts_once_the_output_is_here() -> None:
    """Who waited finds in the output what the agent found there."""
    here, link = [4, 0], Answering()
    check: FarCheck[int] = FarCheck(
        link,  # type: ignore[arg-type]
        Kind.LISTENING,
        {},
        lambda fields: fields.number("port"),
        lambda offsets: here >= offsets,
        lambda: None,
        str,
    )

    assert check.look(over=False) is None
    here[0] = 5
    assert check.look(over=False) == 80


@pytest.mark.slow
def test_what_was_waited_for_is_in_the_output(host: CommandHost) -> None:
    """As here: a line that ``until`` has found can be read, each time."""
    job = spawn("cat", stdin=PIPE, on=host)
    for number in range(20):
        job.send(f"line {number};\n")
        job.until(f"line {number};", timeout=PATIENCE)
        assert job.stdout.lines()[-1] == f"line {number};"
    job.close_stdin()
    assert job.wait(PATIENCE).success
