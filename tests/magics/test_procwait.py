from __future__ import annotations

import os
import re

import pytest
from IPython.core.error import UsageError

from ipyproc import jobs
from ipyproc.errors import ExitError
from tests.magics.helpers import RunCell, interrupt_when_waiting
from tests.process.interrupts import deaf_interrupt


def test_without_a_name_the_last_job(run: RunCell) -> None:
    """%procwait returns the ProcessState, which the front end draws."""
    run("%spawn --quiet false")
    run("%spawn --quiet true")

    ran = run("%procwait")

    assert ran.value == jobs["true"].state
    assert ran.out.endswith(": exit status 0\n")


def test_without_a_terminal_nothing_lives(run: RunCell) -> None:
    """A file or a pipe gets the value and nothing else."""
    run("%spawn --quiet sleep 0.1")

    assert re.fullmatch(r"Out\[\d+\]: exit status 0\n", run("%procwait").out)


@pytest.mark.parametrize("word", ["sh", "{job.pid}", "job", "_"])
def test_a_job_has_many_names(run: RunCell, word: str) -> None:
    """A job is named by its name, its pid, a variable or ``_``."""
    job = run("%spawn sh -c 'exit 3'").value
    if word == "job":
        run("job = jobs_ = _")

    ran = run(f"%procwait {word.format(job=job)}")

    assert ran.value is job.state
    assert ran.value.exit_code == 3


def test_a_variable_of_a_function_names_a_job(run: RunCell) -> None:
    """A local variable of a function names a job."""
    run("from ipyproc import spawn")
    run(
        "def f():\n    mine = spawn('true', name='x')\n"
        "    return get_ipython().run_line_magic('procwait', 'mine')"
    )

    assert str(run("f()").value) == "exit status 0"


def test_several_give_a_dict(run: RunCell) -> None:
    """Several jobs give a dict by name, in the order named, each once."""
    run("%spawn --name b --quiet true")
    run("%spawn --name a --quiet false")

    ran = run("%procwait a b a")

    assert {name: str(state) for name, state in ran.value.items()} == {
        "a": "exit status 1",
        "b": "exit status 0",
    }
    assert list(ran.value) == ["a", "b"]


def test_any_gives_those_that_ended(run: RunCell) -> None:
    """--any returns as soon as one has ended; the others go on."""
    run("%spawn --name long --quiet sleep 60")
    run("%spawn --name short --quiet true")

    ran = run("%procwait long short --any")

    assert list(ran.value) == ["short"]
    assert jobs["long"].ended_at is None


def test_a_time_out_says_what_still_runs(run: RunCell) -> None:
    """A time-out is one line that stops the cell; the job goes on."""
    run("%spawn --name one --quiet sleep 60")
    run("%spawn --name two --quiet sleep 60")
    one, two = jobs["one"], jobs["two"]

    single = run("%procwait one --timeout 0.01")
    both = run("%procwait one two --timeout 0")

    assert isinstance(single.error, TimeoutError)
    assert single.out == (
        f"TimeoutError: after 0.01 s one (pid {one.pid}) still runs\n"
    )
    assert both.out == (
        f"TimeoutError: after 0 s one (pid {one.pid}), two (pid {two.pid}) still run\n"
    )
    assert jobs.running == [one, two]


def test_an_ended_job_is_in_time(run: RunCell) -> None:
    """For an ended job no time-out is too short."""
    run("%spawn --wait --quiet true")

    assert run("%procwait --timeout 0").value.success


def test_check_raises_for_the_first_failure(run: RunCell) -> None:
    """--check waits for all jobs first, and prints nothing on success."""
    run("%spawn --name good --quiet true")
    run("%spawn --name bad --quiet sh -c 'echo why >&2; exit 3'")

    ran = run("%procwait good bad --check")

    assert isinstance(ran.error, ExitError)
    assert (ran.error.state.exit_code, ran.error.stderr) == (3, b"why\n")
    assert ran.out == "ExitError: bad: exit status 3\n"
    assert run("%procwait good --check").value.success


def test_an_interrupt_stops_only_the_waiting(run: RunCell) -> None:
    """An interrupt ends the cell in one line, which says that the job goes on."""
    run("%spawn --quiet sleep 60")
    job = jobs["sleep"]

    with interrupt_when_waiting():
        ran = run("%procwait\nreached = True")

    assert isinstance(ran.error, KeyboardInterrupt)
    assert ran.out == (
        f"KeyboardInterrupt: waiting stopped; sleep (pid {job.pid}) still runs\n"
    )
    assert job.ended_at is None
    assert isinstance(run("reached").error, NameError)


@pytest.mark.slow
def test_a_deaf_wait_is_interrupted(run: RunCell) -> None:
    """A signal that comes just before %procwait sleeps does not wait for the end."""
    job = run("%spawn --quiet sleep 60").value

    with deaf_interrupt():
        ran = run("%procwait")

    assert isinstance(ran.error, KeyboardInterrupt)
    job.kill()


@pytest.mark.parametrize("options", ["", "--check"])
def test_a_lost_state_is_said(run: RunCell, options: str) -> None:
    """Waiting for a released process is an error of one line."""
    job = run("%spawn --quiet --stdin - cat").value
    job.process.release()
    job.close_stdin()

    ran = run(f"%procwait {options}")
    os.waitpid(job.pid, 0)

    assert isinstance(ran.error, OSError)
    assert ran.out == "SyscallError: cat: invalid argument\n"


def test_a_name_is_not_guessed(run: RunCell) -> None:
    """A wrong name is an error that shows the nearest name."""
    run("%spawn --name train --quiet sleep 60")

    ran = run("%procwait tran")

    assert isinstance(ran.error, UsageError)
    assert ran.err == "UsageError: no job 'tran': did you mean 'train'?\n"
    assert str(run("%procwait t").error) == "no job 't'"


def test_a_job_can_be_awaited(run: RunCell) -> None:
    """``await job`` waits in a cell as %procwait does."""
    run("job = %spawn --quiet sh -c 'exit 3'")

    assert run("await job").value.exit_code == 3
