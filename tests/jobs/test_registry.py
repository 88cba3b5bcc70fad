from __future__ import annotations

import threading

import pytest

import ipyproc
from ipyproc import PIPE, Job, Jobs, jobs, spawn
from ipyproc._jobs.names import Namesakes
from ipyproc._jobs.request import HERE
from tests.jobs.helpers import PATIENCE


class Fake:
    """What the table needs of a job."""

    def __init__(self, name: str, pid: int = 0) -> None:
        self.name = name
        self.pid = pid
        self.number = 0
        self.host = HERE
        self.ended_at = None
        self.namesakes: Namesakes | None = None

    @property
    def label(self) -> str:
        """As that of a job."""
        return Job.label.fget(self)  # type: ignore[attr-defined, no-any-return]

    def when_finished(self, callback: object) -> None:
        """Never be."""

    def refresh(self) -> None:
        """Show nothing."""


def sleeper(name: str) -> Job:
    """Start a job that runs until it is ended."""
    return spawn("cat", stdin=PIPE, name=name)


def test_jobs_is_the_table_and_nothing_else() -> None:
    """`ipyproc.jobs` is the one table of the session, not a module."""
    assert ipyproc.jobs is jobs
    assert type(jobs) is Jobs


def test_empty() -> None:
    """A new table has nothing."""
    table = Jobs()

    assert (len(table), list(table), table.last, table.running) == (0, [], None, [])
    assert repr(table) == "<Jobs: none>"
    with pytest.raises(KeyError) as raised:
        table["train"]
    assert raised.value.args == ("no job 'train': there are none",)


def test_look_up() -> None:
    """A job is found by its name and by its pid."""
    train, test = sleeper("train"), sleeper("test")

    assert jobs["train"] is train
    assert jobs[test.pid] is test
    assert [key in jobs for key in ("train", test.pid, test)] == [True] * 3
    assert [key in jobs for key in ("te", "x", "", 0, None)] == [False] * 5
    assert [jobs.get("train"), jobs.get("x"), jobs.get("x", 5)] == [train, None, 5]
    assert jobs._ipython_key_completions_() == ["train", "test"]
    assert list(jobs) == jobs.values() == [train, test]
    assert list(reversed(jobs)) == [test, train]
    assert dict(jobs) == dict(jobs.items()) == {"train": train, "test": test}
    assert (jobs.keys(), len(jobs), bool(jobs)) == (["train", "test"], 2, True)
    assert jobs.last is test
    assert repr(jobs) == "<Jobs: train, test>"


@pytest.mark.parametrize("key", [1.5, None, b"train", ("train",)])
def test_keys_are_names_or_pids(key: object) -> None:
    """What is neither a name nor a pid is refused as such, and is not in the table."""
    sleeper("train")
    with pytest.raises(TypeError, match="the name or the pid of a job, not"):
        jobs[key]  # type: ignore[index]

    assert key not in jobs


def test_find() -> None:
    """What a user types may be a name or a pid; a name comes first."""
    job = sleeper("train")
    other = sleeper(str(job.pid))

    assert jobs.find("train") is job
    assert jobs.find(str(other.pid)) is jobs.find(other.pid) is other
    assert jobs.find(str(job.pid)) is other


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("trian", "no job 'trian'; did you mean 'train'?"),
        ("te", "no job 'te'; did you mean 'test'?"),
        (5, "no job '5'; there are train, test#1, test"),
        ("zzz", "no job 'zzz'; there are train, test#1, test"),
        ("", "no job ''; there are train, test#1, test"),
        ("1", "no job '1'; there are train, test#1, test"),
        ("test#3", "no job 'test#3': there are test#1, test#2"),
        ("train#0", "no job 'train#0': there is train#1"),
        ("zzz#*", "no job 'zzz#*'; there are train, test#1, test"),
    ],
)
def test_not_found(text: str | int, complaint: str) -> None:
    """The error for an unknown name contains the nearest one, or all its numbers."""
    table = Jobs()
    for name in ("train", "test", "test"):
        table.add(Fake(name))  # type: ignore[arg-type]
    for look in (table.find, table.find_all, table.__getitem__):
        with pytest.raises(KeyError) as raised:
            look(text)  # type: ignore[operator]
        assert raised.value.args == (complaint,)


def test_the_beginning_of_a_name_names_nothing() -> None:
    """jobs["tr"] is no job, even if only one name begins so."""
    job = sleeper("training-run")

    for look in (jobs.find, jobs.__getitem__):
        with pytest.raises(KeyError, match="no job 'tr'"):
            look("tr")
    assert "tr" not in jobs
    assert jobs.get("training") is None
    assert job.status == "running"


def test_a_name_means_its_newest_job() -> None:
    """A name is the job that was started last under it; a label is always the same."""
    first, second = sleeper("again"), sleeper("again")
    number = first.number

    assert (second.number, first.label) == (number + 1, f"again#{number}")
    assert second.label == "again"
    assert jobs["again"] is jobs[f"again#{number + 1}"] is second
    assert jobs[f"again#{number}"] is first
    assert jobs.find_all("again#*") == jobs.of_name("again") == [first, second]
    assert jobs.find_all("again") == [second]
    assert dict(jobs)["again"] is second  # type: ignore[call-overload]


def test_elders_run() -> None:
    """The elders of the newest job are those of its name that run."""
    first, second, third = (sleeper("elder") for _ in range(3))
    told = threading.Event()
    third.subscribe(lambda job: told.set() if job.elders == [second] else None)

    assert (second.elders, third.elders) == ([], [first, second])
    first.kill()
    assert told.wait(PATIENCE)  # those who show the third hear of the first's end


def test_a_label_changes_with_a_newer_job() -> None:
    """Those who show a job hear that it is not the newest any more."""
    first = sleeper("renamed")
    told = threading.Event()
    first.subscribe(lambda job: told.set() if "#" in job.label else None)
    sleeper("renamed")

    assert told.wait(PATIENCE)


def test_numbers_are_used_once() -> None:
    """A number does not come again, even if its job is cleared."""
    table = Jobs()
    gone, stays = Fake("x"), Fake("x")
    table.add(gone)  # type: ignore[arg-type]
    table.discard(gone)  # type: ignore[arg-type]
    table.add(stays)  # type: ignore[arg-type]

    assert (gone.number, stays.number, stays.label) == (1, 2, "x")
    assert "x#1" not in table


def test_a_pid_that_came_again() -> None:
    """Of two jobs with one pid the last one is meant."""

    table = Jobs()
    table.add(Fake("old", 5))  # type: ignore[arg-type]
    table.add(Fake("new", 5))  # type: ignore[arg-type]

    assert table[5].name == "new"


def test_clear_forgets_the_ended() -> None:
    """Ended jobs stay until they are cleared."""
    done, running = spawn("true", name="job"), sleeper("job")
    done.wait(PATIENCE)
    assert jobs.running == [running]
    assert list(jobs) == [done, running]
    jobs.clear()

    assert list(jobs) == [running]
    assert jobs["job"] is running


def test_iteration_is_stable() -> None:
    """Jobs may start, end and be cleared during an iteration."""
    first, second = sleeper("a"), sleeper("b")
    seen = []
    for job in jobs:
        seen.append(job)
        job.close_stdin()
        job.wait(PATIENCE)
        sleeper("c")
        jobs.clear()

    assert seen == [first, second]


def test_many_of_one_name() -> None:
    """Every job gets a label of its own, in order."""

    table = Jobs()
    for _ in range(1000):
        table.add(Fake("train"))  # type: ignore[arg-type]

    assert table.keys()[::333] == ["train#1", "train#334", "train#667", "train"]
    assert table["train"].number == 1000


def test_iteration_while_others_start_and_clear() -> None:
    """Threads that start, end and clear jobs disturb no iteration."""
    table = Jobs()
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            job = Fake("job")
            table.add(job)  # type: ignore[arg-type]
            table.discard(job)  # type: ignore[arg-type]

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2000):
            assert len(table.keys()) <= 2
            assert all(job.name.startswith("job") for job in table)
            table.get("job#2")
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert len(table) == 0
