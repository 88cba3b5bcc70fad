"""What jobs do here, they do on a host: the same tests, with ``on`` a host.

A test of these modules that is about this machine only belongs into ``OF_HERE``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import pytest

from ipyproc import spawn
from ipyproc.hosts import CommandHost
from tests.jobs import (
    test_again,
    test_encoding,
    test_ending,
    test_job,
    test_programs,
    test_pty,
    test_ready,
    test_stdin,
)

pytestmark = pytest.mark.slow

MODULES = [
    test_again,
    test_encoding,
    test_ending,
    test_job,
    test_programs,
    test_pty,
    test_ready,
    test_stdin,
]
#: Of what there is on this machine only.
OF_HERE = {
    "test_again": """
        test_a_file_that_was_closed_is_told test_the_same_once_more
    """,
    "test_ending": """
        test_a_job_whose_state_was_taken_is_gone test_a_kill_whatever_fails
        test_each_job_has_its_mark test_the_end_keeps_no_thread
        test_what_was_killed_counts_until_it_is_gone
    """,
    "test_job": """
        test_at_most_four_descriptors test_released test_what_a_job_knows
        test_state_taken_by_somebody_else test_timeout_of_a_stubborn_job
    """,
    "test_programs": "test_a_passphrase",
    "test_pty": "test_environment test_our_end",
    "test_stdin": "test_open_file",
}
FIXTURES = {"tmp_path", "monkeypatch"}


def _tests() -> Iterator[object]:
    """Find the tests that have no parameters."""
    for module in MODULES:
        home = module.__name__.rpartition(".")[2]
        for name, test in inspect.getmembers(module, inspect.isfunction):
            words = set(inspect.signature(test).parameters)
            is_test = name.startswith("test_") and test.__module__ == module.__name__
            if is_test and words <= FIXTURES and name not in OF_HERE.get(home, ""):
                yield pytest.param(module, test, id=f"{home}-{name}")


@pytest.mark.parametrize(("module", "test"), [*_tests()])
def test_it_is_as_here(
    module: ModuleType,
    test: Callable[..., None],
    host: CommandHost,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is true of a job here is true of one on a host."""
    monkeypatch.setattr(module, "spawn", partial(spawn, on=host))
    words = inspect.signature(test).parameters
    test(**{word: request.getfixturevalue(word) for word in words})
