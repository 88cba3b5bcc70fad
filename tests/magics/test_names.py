from __future__ import annotations

import pytest

from ipyproc import jobs
from tests.magics.helpers import PATIENCE, RunCell


def test_run_all_twice_means_the_new_job(run: RunCell) -> None:
    """A name that is used again means the newest job, whatever a variable holds."""
    run("train = %spawn --name train --quiet false")
    old = jobs["train"]
    old.wait(PATIENCE)
    new = run("%spawn --name train --quiet true").value

    assert jobs["train"] is new
    assert run("%procwait train --check").value.success
    assert not run(f"%procwait train#{old.number}").value.success


def test_waiting_for_all_of_a_name(run: RunCell) -> None:
    """`train#*` are all jobs of the name; the states are there by label."""
    first = run("%spawn --name train --quiet false").value
    run("%spawn --name train --quiet true")
    one, all_ = f"train#{first.number}", "train#*"

    states = run(f"%procwait {all_}").value

    assert {label: state.success for label, state in states.items()} == {
        one: False,
        "train": True,
    }
    assert list(run(f"%procwait train {one}").value) == ["train", one]


def test_ending_means_the_newest_that_runs(run: RunCell) -> None:
    """%prockill ends the newest job that runs, and lists the others that do."""
    first = run("%spawn --name train --quiet sleep 60").value
    second = run("%spawn --name train --quiet sleep 60").value
    run("%spawn --name train --quiet --wait true")

    ran = run("%prockill train")

    assert str(second.wait(PATIENCE)) == "signal: killed"
    assert ran.out.splitlines()[0].startswith(f"train#{second.number} (pid ")
    assert f"train#{first.number} (pid {first.pid}) runs, too\n" in ran.out
    assert first.status == "running"


def test_all_of_a_name_are_ended(run: RunCell) -> None:
    """`%prockill train#*` ends all jobs of the name that run."""
    made = [run("%spawn --name train --quiet sleep 60").value for _ in range(3)]

    ran = run("%prockill train#*")

    assert {str(job.wait(PATIENCE)) for job in made} == {"signal: killed"}
    assert ran.out.count("SIGKILL") == 3


def test_a_name_that_nobody_chose_is_not_enough(run: RunCell) -> None:
    """Of several jobs that are called after their program, one must be picked."""
    first = run("%spawn --quiet sleep 60").value
    second = run("%spawn --quiet sleep 60").value

    refused = run("%prockill sleep")
    picked = run(f"%prockill sleep#{first.number}")

    assert str(refused.error) == (
        f"2 jobs called 'sleep' run: sleep#{first.number} (pid {first.pid}), "
        f"sleep#{second.number} (pid {second.pid}); "
        "write which, or sleep#* for all of them"
    )
    assert second.status == "running"
    assert picked.error is None
    assert str(first.wait(PATIENCE)) == "signal: killed"
    run("%prockill sleep")
    assert str(second.wait(PATIENCE)) == "signal: killed"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("%procwait train#0", "no job 'train#0': there is train#"),
        ("%prockill train#99999", "no job 'train#99999': there is train#"),
        ("%procwait none#*", "no job 'none#*'"),
        ("%spawn --name a#b true", "name: # is for numbers"),
        ("%spawn --name # true", "--name needs a value"),
    ],
)
def test_wrong_labels(run: RunCell, line: str, error: str) -> None:
    """A label that means nothing, or a name with a hash, is refused in one line."""
    run("%spawn --name train --quiet true")

    refused = run(line)

    assert type(refused.error).__name__ == "UsageError"
    assert error in str(refused.error)
    assert "\n" not in str(refused.error)


def test_labels_are_listed_and_completed(run: RunCell) -> None:
    """%procs and the line of %spawn show labels."""
    first = run("%spawn --name train --quiet --wait true").value
    run("%spawn --name train --wait true")

    table = run("%procs").out

    assert f"train#{first.number} " in table
    assert jobs._ipython_key_completions_() == [f"train#{first.number}", "train"]


def test_replacing(run: RunCell) -> None:
    """--replace ends the jobs of the name first; without a name it is refused."""
    first = run("%spawn --name train --quiet sleep 60").value

    refused = run("%spawn --replace sleep 60")
    second = run("%spawn --name train --replace --quiet sleep 60").value

    assert str(refused.error) == "replace: needs a name, which says what is to be ended"
    assert str(first.state) == "signal: terminated"
    assert second.status == "running"
    run("%prockill train")


def test_replacing_with_a_wrong_program_ends_nothing(run: RunCell) -> None:
    """What can be checked first is: the old job runs on if the new one cannot start."""
    first = run("%spawn --name train --quiet sleep 60").value

    ran = run("%spawn --name train --replace nosuchprogram")

    assert "executable file not found" in str(ran.error)
    assert first.status == "running"
    run("%prockill train")
