from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, JobStatus, _jobs, jobs, spawn
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc.errors import ProcessDoneError, SyscallError
from tests.jobs.helpers import (
    PATIENCE,
    at_rest,
    held,
    python,
    script,
    until,
    until_printed,
)
from tests.process.interrupts import deaf_interrupt
from tests.threads import in_threads

pytestmark = pytest.mark.usefixtures("mode")

# Prints when it is ready, then waits for its standard input to end.
READY = "import sys; print('ready'); sys.stdin.read()"
# The same, and TERM does nothing to it.
STUBBORN = f"import signal; signal.signal(15, signal.SIG_IGN); {READY}"


def ready(*argv: str, **options: object) -> Job:
    """Start a job that waits for its input to end, and wait until it is ready."""
    job = spawn(list(argv) or python(READY), stdin=PIPE, **options)  # type: ignore[arg-type]
    until_printed(job, "ready")
    return job


def test_what_a_job_knows(tmp_path: Path) -> None:
    """A job says what runs, since when, where, and what became of it."""
    before = time.time()
    job = ready(*python(READY), dir=tmp_path)

    assert job.argv == tuple(python(READY))
    assert (job.dir, job.name) == (str(tmp_path), os.path.basename(job.argv[0]))
    assert job.pid == job.process.pid
    assert (job.status, job.state, job.ended_at) == (JobStatus.RUNNING, None, None)
    assert not job.finished
    assert repr(job) == f"<Job {job.name} pid={job.pid} running>"

    job.close_stdin()
    state = job.wait(PATIENCE)

    assert (job.status, job.state, str(state)) == ("exited", state, "exit status 0")
    assert job.ended_at is not None
    assert before <= job.started_at <= job.ended_at <= time.time()
    assert repr(job) == f"<Job {job.name} pid={job.pid} exit status 0>"


@pytest.mark.parametrize(
    ("script", "text", "status"),
    [
        ("exit 0", "exit status 0", "exited"),
        ("exit 3", "exit status 3", "exited"),
        ("kill -9 $$", "signal: killed", "signaled"),
    ],
)
def test_end(script: str, text: str, status: str) -> None:
    """A job that ended says how, as often as it is asked."""
    job = spawn(["sh", "-c", script])

    assert str(job.wait(PATIENCE)) == text
    assert job.wait() is job.wait(0) is job.state
    assert job.status == status


def test_no_zombie() -> None:
    """A process that ended is reaped at once, whether or not anyone waits."""
    job = spawn("true")
    until(job, lambda job: job.state is not None)

    with pytest.raises(ChildProcessError):
        os.waitpid(job.pid, os.WNOHANG)


def test_output_is_there_when_wait_returns() -> None:
    """All that was printed before the end is captured before wait returns."""
    for _ in range(30):
        job = spawn(["sh", "-c", "head -c 200000 /dev/zero; echo end >&2"])
        job.wait(PATIENCE)

        assert (job.stdout.total, job.stderr.text) == (200_000, "end\n")


def test_output_of_heirs_does_not_hold_wait() -> None:
    """A grandchild with the pipe open delays no wait; what it prints is captured."""
    job = spawn(
        python(
            "import os\n"
            "r, w = os.pipe()\n"
            "if os.fork(): print('parent'); os._exit(4)\n"
            "print('child'); os.read(r, 1)\n"
        )
    )

    assert str(job.wait(PATIENCE)) == "exit status 4"
    assert "parent" in job.stdout.text
    until_printed(job, "child")
    assert not job.finished

    job.kill(tree=True)
    until(job, lambda job: job.finished)


def test_wait_times_out() -> None:
    """A TimeoutError of wait changes nothing."""
    job = ready()

    with pytest.raises(TimeoutError, match=f"{job.name} still runs after 0.01 s"):
        job.wait(0.01)
    assert job.status == "running"

    job.close_stdin()
    assert job.wait(PATIENCE).success


def test_interrupt_of_wait() -> None:
    """Ctrl-C ends the wait at once, and touches nothing else."""
    job = ready()
    interrupter = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))

    def wait_interrupted() -> None:
        interrupter.start()
        job.wait(PATIENCE)

    with pytest.raises(KeyboardInterrupt):
        wait_interrupted()
    interrupter.join()

    assert job.status == "running"
    job.close_stdin()
    assert job.wait(PATIENCE).success


@pytest.mark.slow
def test_a_deaf_wait_is_interrupted() -> None:
    """A signal that comes just before the wait sleeps does not wait for the end."""
    job = spawn(["sleep", "60"])
    for timeout in (None, PATIENCE):
        with pytest.raises(KeyboardInterrupt), deaf_interrupt():
            job.wait(timeout)
    job.kill()


def test_interrupt_of_the_group_touches_no_job() -> None:
    """SIGINT to the kernel's whole group is not for its jobs."""
    code = """
import os, signal
from ipyproc import PIPE, spawn
os.setpgid(0, 0)
job = spawn(["cat"], stdin=PIPE)
try:
    os.killpg(0, signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    print("interrupted")
job.send("on")
job.close_stdin()
print(job.wait(20), job.stdout.text, os.getsid(0) == job.pid)
"""
    assert script(code) == "interrupted\nexit status 0 on False\n"


def test_wait_from_many_threads() -> None:
    """All threads that wait get the same state."""
    job = ready()
    states: list[object] = []
    threads = [
        threading.Thread(target=lambda: states.append(job.wait(PATIENCE)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    job.close_stdin()
    for thread in threads:
        thread.join()

    assert states == [job.state] * 8


def test_wait_in_a_callback() -> None:
    """A callback that waits for a running job would wait for itself: it is told so."""
    raised: list[BaseException] = []

    def wait(job: Job) -> None:
        try:
            job.wait()
        except RuntimeError as error:
            raised.append(error)

    job = spawn("cat", stdin=PIPE)
    job.subscribe(wait)
    job.send("x")
    until_printed(job, "x")

    assert "callback" in str(raised[0])


def test_await() -> None:
    """Awaiting a job lets other tasks run, and returns the state."""

    async def main() -> list[str]:
        first, second = ready(), ready()
        asyncio.get_running_loop().call_later(0.01, first.close_stdin)
        asyncio.get_running_loop().call_later(0.02, second.kill)
        states = await asyncio.gather(first, second)
        return [*map(str, states), str(await first)]

    assert asyncio.run(main()) == ["exit status 0", "signal: killed", "exit status 0"]


def test_await_cancelled() -> None:
    """A cancelled await changes nothing."""

    async def main(job: Job) -> None:
        async with asyncio.timeout(0.01):
            await job

    job = ready()
    with pytest.raises(TimeoutError):
        asyncio.run(main(job))

    assert job.status == "running"
    assert asyncio.run(awaited(job, job.close_stdin)) == "exit status 0"


async def awaited(job: Job, action: object) -> str:
    """Await *job* while *action* is done; give its state as text."""
    asyncio.get_running_loop().call_soon(action)  # type: ignore[arg-type]
    return str(await job)


def test_state_taken_by_somebody_else() -> None:
    """A job whose process was waited for elsewhere is lost, and says so."""
    job = ready()
    busy, free = threading.Event(), threading.Event()

    def keep_busy() -> None:
        busy.set()
        free.wait(PATIENCE)

    event_loop().call_soon(keep_busy)
    busy.wait(PATIENCE)
    job.process.kill()
    job.process.wait(PATIENCE)
    free.set()

    with pytest.raises(ChildProcessError):
        job.wait(PATIENCE)
    assert (job.status, job.state) == ("lost", None)
    with pytest.raises(ChildProcessError):
        asyncio.run(awaited(job, lambda: None))


def test_released() -> None:
    """A job whose process was released is released; its pid stays known."""
    job = ready()
    pid = job.pid
    job.process.release()

    assert (job.status, job.pid) == ("released", pid)
    job.close_stdin()
    with pytest.raises(SyscallError, match=r"^invalid argument$"):
        job.wait(PATIENCE)
    assert job.status == "released"
    os.waitpid(pid, 0)


def test_signals() -> None:
    """A signal reaches the process."""
    job = ready()
    job.signal(signal.SIGUSR1)

    assert str(job.wait(PATIENCE)) == "signal: user defined signal 1"


@pytest.mark.parametrize("tree", [False, True])
def test_signal_after_the_end(tree: bool) -> None:
    """A signal to a job of which nothing is left raises."""
    job = spawn("true")
    job.wait(PATIENCE)

    for act in (job.kill, lambda tree: job.signal(0, tree)):
        with pytest.raises(ProcessDoneError):
            act(tree=tree)
    with pytest.raises(ProcessDoneError):
        job.terminate()


@pytest.mark.parametrize("tree", [False, True])
def test_bad_signals(tree: bool) -> None:
    """What is no signal is refused, and the process runs on."""
    job = ready()
    with pytest.raises(TypeError, match=r"sig: "):
        job.signal("INT", tree)  # type: ignore[arg-type]
    with pytest.raises(SyscallError, match=r"^invalid argument$"):
        job.signal(1000, tree)

    assert job.status == "running"
    job.close_stdin()
    assert job.wait(PATIENCE).success


@pytest.mark.parametrize("tree", [False, True])
def test_stopped_and_continued(tree: bool) -> None:
    """A stopped job is shown as stopped, on request and to subscribers."""
    job = ready()
    job.signal(signal.SIGSTOP, tree)
    until(job, lambda job: job.status == "stopped")
    job.signal(signal.SIGCONT, tree)
    until(job, lambda job: job.status == "running")


def test_stopped_by_others() -> None:
    """A stop that did not come through the job is seen, too."""
    job = ready()
    heard: list[str] = []
    stopped = threading.Event()

    def look(job: Job) -> None:
        heard.append(job.status)
        if heard[-1] == "stopped":
            stopped.set()

    job.subscribe(look)
    os.kill(job.pid, signal.SIGSTOP)

    assert stopped.wait(PATIENCE)


def test_terminate() -> None:
    """A job that listens to TERM ends by it."""
    job = ready()
    job.terminate()

    assert str(job.wait(PATIENCE)) == "signal: terminated"


def test_terminate_with_grace() -> None:
    """A job that ignores TERM is killed after the grace, with all it started."""
    job = ready("sh", "-c", 'trap "" TERM; sleep 1000 & echo ready; wait')
    job.terminate(grace=0.05)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(job, lambda job: job.finished)  # so no process holds the pipes


def test_terminate_reaches_the_real_program() -> None:
    """TERM goes to the group: not only a shell ends, but what it runs."""
    job = ready("sh", "-c", "sleep 1000 & echo ready; wait")
    job.terminate(grace=1000)
    job.wait(PATIENCE)

    until(job, lambda job: job.finished)


def test_terminate_a_stopped_job() -> None:
    """A stopped process is continued so that it can end."""
    job = ready()
    job.signal(signal.SIGSTOP)
    until(job, lambda job: job.status == "stopped")
    job.terminate(grace=1000)

    assert str(job.wait(PATIENCE)) == "signal: terminated"


def test_terminate_twice() -> None:
    """A second, shorter grace replaces the first."""
    job = ready(*python(STUBBORN))
    job.terminate(grace=1000)
    job.terminate(grace=0)

    assert str(job.wait(PATIENCE)) == "signal: killed"


@pytest.mark.parametrize(("grace", "error"), [("5", TypeError), (-1, ValueError)])
def test_bad_grace(grace: object, error: type[Exception]) -> None:
    """A grace that is no time span is refused by name, and nothing is sent."""
    job = ready()
    with pytest.raises(error, match=r"^grace: "):
        job.terminate(grace)  # type: ignore[arg-type]

    assert job.status == "running"


def test_timeout() -> None:
    """A job that takes too long is ended by TERM."""
    job = spawn(python(READY), stdin=PIPE, timeout=0.01)

    assert str(job.wait(PATIENCE)) == "signal: terminated"
    assert job.timed_out


def test_timeout_of_a_stubborn_job() -> None:
    """It is killed after the grace."""
    ours = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which it inherits
    try:
        job = spawn("sleep 1000", timeout=0.01, grace=0.01)
    finally:
        signal.signal(signal.SIGTERM, ours)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert job.timed_out


def test_timeout_not_needed() -> None:
    """A job that ends in time is not timed out."""
    job = spawn("true", timeout=PATIENCE)

    assert job.wait(PATIENCE).success
    assert not job.timed_out


def test_merge() -> None:
    """Merged streams come in the order in which they were printed."""
    lines = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    job = spawn(["sh", "-c", lines], merge=True)
    job.wait(PATIENCE)

    assert job.stdout.lines() == [f"{s} {i}" for i in (1, 2, 3) for s in ("out", "err")]
    assert job.stderr.total == 0


def test_read_in_order_of_arrival() -> None:
    """What both streams printed by turns is read by turns."""
    job = spawn("sh", stdin=PIPE)
    for text, to in (("one", ""), ("two", ">&2"), ("three", "")):
        job.send(f"echo {text} {to}\n")
        until(job, lambda job, text=text: text in job.stdout.text + job.stderr.text)
    job.close_stdin()
    job.wait(PATIENCE)

    chunks = job.read(0, 1000)
    assert [(chunk.stream, chunk.offset, chunk.data) for chunk in chunks] == [
        ("stdout", 0, b"one\n"),
        ("stderr", 4, b"two\n"),
        ("stdout", 8, b"three\n"),
    ]
    assert job.total == 14
    assert [chunk.data for chunk in job.read(6, 4)] == [b"o\n", b"th"]


def test_a_flood_starves_nobody() -> None:
    """While some jobs print as fast as they can, others are served."""
    floods = [spawn("cat /dev/zero", output_limit=1 << 20) for _ in range(3)]
    for flood in floods:
        until(flood, lambda job: job.stdout.dropped > 1 << 20)
    job = spawn("echo here")

    assert job.wait(PATIENCE).success
    assert job.stdout.text == "here\n"
    assert [flood.status for flood in floods] == ["running"] * 3


def test_subscribe() -> None:
    """Subscribers hear of output and input, and exactly once of the end."""
    calls: list[tuple[int, bool, bool]] = []
    job = spawn("cat", stdin=PIPE)

    def note(job: Job) -> None:
        assert threading.current_thread().name == "ipyproc-jobs"
        calls.append((job.total, job.stdin_open, job.finished))

    job.subscribe(note)
    job.send("abc")
    until_printed(job, "abc")
    job.close_stdin()
    until(job, lambda job: job.finished)
    until(job, lambda job: job.finished)  # whatever came is behind us

    assert (3, True, False) in calls
    assert (3, False, False) in calls
    assert [call for call in calls if call[2]] == [(3, False, True)]
    assert calls[-1] == (3, False, True)


def test_subscribe_after_the_end() -> None:
    """A late subscriber gets the last call, once."""
    job = spawn("true")
    until(job, lambda job: job.finished)
    calls: list[bool] = []
    job.subscribe(lambda job: calls.append(job.finished))
    until(job, lambda job: job.finished and bool(calls))

    assert calls == [True]


def test_unsubscribe() -> None:
    """After the subscription ended nothing is heard any more."""
    job = spawn("cat", stdin=PIPE)
    calls: list[int] = []
    unsubscribe = job.subscribe(lambda job: calls.append(job.total))
    job.send("abc")
    until_printed(job, "abc")
    unsubscribe()
    unsubscribe()
    before = list(calls)
    job.send("def")
    until_printed(job, "abcdef")

    assert calls == before


def test_a_subscriber_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """It is reported, and the others hear all the same."""
    job = spawn("cat", stdin=PIPE)

    def fail(job: Job) -> None:
        raise ValueError("not mine")

    job.subscribe(fail)
    job.send("abc")
    until_printed(job, "abc")
    job.close_stdin()

    assert job.wait(PATIENCE).success
    assert "not mine" in caplog.text


def test_widget() -> None:
    """The view of a job is made on demand, once, by the layer above."""
    job = ready()
    view = job.widget

    assert type(view).__name__ == "JobView"
    assert job.widget is view
    job.close_stdin()
    until(job, lambda job: job.finished)
    view.close()  # type: ignore[attr-defined]


def test_one_view_for_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that ask for the view at the same time get the same, made once."""

    class View:
        def forget(self) -> None:
            """Do nothing: there is no page."""

    made: list[View] = []
    all_ask = threading.Barrier(20)

    def make(_: Job) -> View:
        made.append(View())
        time.sleep(0)  # let the others run
        return made[-1]

    monkeypatch.setattr(_jobs, "make_widget", make)
    for _ in range(20):
        job, views = spawn("true"), []

        def ask(_: int, job: Job = job, views: list[object] = views) -> None:
            all_ask.wait(PATIENCE)
            views.append(job.widget)

        in_threads(20, ask)
        assert views == [made[-1]] * 20

    assert len(made) == 20


def test_a_view_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that cannot be made is tried again when it is asked for again."""
    job = spawn("true")

    def fail(_: Job) -> object:
        raise ImportError("no anywidget")

    with monkeypatch.context() as patch:
        patch.setattr(_jobs, "make_widget", fail)
        for _ in range(2):
            with pytest.raises(ImportError, match="no anywidget"):
                _ = job.widget


PID_MODE = """
import signal, threading
from ipyproc import NoHandleError
from ipyproc import PIPE, jobs, spawn
job = spawn("cat", stdin=PIPE, name="cat")
try:
    job.process.fileno()
except NoHandleError:
    print("no handle")
def until(condition):
    happened = threading.Event()
    end = job.subscribe(lambda job: condition() and happened.set())
    assert condition() or happened.wait(20)
    end()
job.signal(signal.SIGSTOP)
until(lambda: job.status == "stopped")
job.signal(signal.SIGCONT)
until(lambda: job.status == "running")
job.send("hello")
job.close_stdin()
print(job.wait(20), job.stdout.text)
job = spawn(["sh", "-c", "sleep 1000 & wait"])
job.kill(tree=True)
print(job.wait(20))
until(lambda: job.finished)
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which it inherits
job = spawn("sleep 1000", timeout=0.01, grace=0.01)
print(job.wait(20), job.timed_out)
print(*[spawn(["sh", "-c", f"exit {n}"]).wait(20).exit_code for n in range(20)])
spawn("sleep 1000")
"""


@pytest.mark.slow
def test_pid_mode() -> None:
    """Without pidfds jobs do all the same, and the last one ends with us."""
    printed = script(PID_MODE, pidfd=False).splitlines()

    assert printed == [
        "no handle",
        "exit status 0 hello",
        "signal: killed",
        "signal: killed True",
        " ".join(map(str, range(20))),
    ]


def test_at_most_four_descriptors() -> None:
    """A job holds its pidfd and its pipes, and nothing once it is over."""
    guardian().prepare(0)
    guardian().settle(0)
    before = at_rest().descriptors
    running = [ready() for _ in range(10)]
    assert len(held().descriptors - before) <= 40

    for job in running:
        job.close_stdin()
        until(job, lambda job: job.finished)
    assert held().descriptors == before
    assert len(jobs) == 10
