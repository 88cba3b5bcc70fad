"""Waiting until a job is ready."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from ipyproc import PIPE, Job, NotReadyError, spawn
from ipyproc._jobs import ready
from ipyproc._jobs.procinfo import ports
from ipyproc._process.threads import acquire_within
from tests.jobs.helpers import PATIENCE, python

#: Listens on the port that it is told, or on any, and says so; until its input ends.
SERVER = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=int(sys.argv[3]))
print("listening on", server.getsockname()[1])
sys.stdin.read()
"""


WAITS: list[Callable[[Job], object]] = [
    lambda job: job.until("^ready"),
    lambda job: job.until_listening(),
]


def server(port: int = 0, *before: str, host: str = "127.0.0.1") -> Job:
    """Start a server; *before* are words before its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    words = python(SERVER, host, str(port), str(int(family)))
    return spawn([*before, *words], name="web", stdin=PIPE)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a port of this process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening


def free_port() -> int:
    """Return a port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port: int = listening.getsockname()[1]
        return port


def test_until_it_prints() -> None:
    """The match is returned, and the job runs on."""
    job = spawn(python("print('ready in 5 s'); input()"), stdin=PIPE)

    match = job.until(r"ready in (\d+) s$", timeout=PATIENCE)

    assert match[1] == "5"
    assert job.state is None
    job.send("\n")
    job.wait(PATIENCE)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_prompt_without_a_newline(stream: str) -> None:
    """What does not end its line is found, too, on either stream."""
    code = f"import sys; print('? ', end='', file=sys.{stream}, flush=True); input()"
    job = spawn(python(code), stdin=PIPE)

    assert job.until(r"^\? $", timeout=PATIENCE)
    job.send("\n")
    job.wait(PATIENCE)


def test_what_was_printed_before_counts() -> None:
    """Also of a job that has ended."""
    job = spawn(["echo", "ready"])
    job.wait(PATIENCE)

    assert job.until("ready", timeout=0)[0] == "ready"
    assert asyncio.run(job.until_async("ready"))[0] == "ready"


def test_it_ends_before_it_is_ready() -> None:
    """The error has the job, its state and the last line that it printed."""
    code = "import sys; print('x'); sys.exit('\\x1b[31mAddress already in use\\x1b[m')"
    for wait in WAITS:
        job = spawn(python(code), name="web")

        with pytest.raises(NotReadyError) as error:
            wait(job)

        assert error.value.job is job
        assert error.value.state is job.state
        assert str(error.value) == (
            f"{job.label}: exit status 1 before it was ready; "
            "last line: Address already in use"
        )


def test_what_comes_as_it_ends_is_found() -> None:
    """A job that ends during a look is looked at once more."""
    job = spawn(["cat"], stdin=PIPE)

    class Ending:
        """Ends the job while it looks, and finds something the next time."""

        pause: float | None = None
        is_behind = False
        looks: ClassVar[list[bool]] = []

        def look(self, over: bool) -> str | None:
            """End the job."""
            self.looks.append(over)
            job.close_stdin()
            job.wait(PATIENCE)
            return "found" if len(self.looks) > 1 else None

        def missed(self, timeout: float) -> str:
            """Say nothing."""
            return ""

        def close(self) -> None:
            """Nothing is under way."""

    assert ready._wait(job, Ending(), timeout=PATIENCE) == "found"
    assert Ending.looks == [False, True]


def test_it_ends_without_a_word() -> None:
    """Then there is no last line."""
    job = spawn(["true"])

    with pytest.raises(
        NotReadyError, match=r"^true: exit status 0 before it was re"
    ) as e:
        job.until("ready", timeout=PATIENCE)

    assert "last line" not in str(e.value)


def test_it_takes_too_long() -> None:
    """The job runs on after a TimeoutError."""
    job = spawn(["sleep", "60"])

    for seconds in (0, 0.02):
        with pytest.raises(TimeoutError, match=r"^sleep has not printed what was wai"):
            job.until("ready", timeout=seconds)
        with pytest.raises(
            TimeoutError, match=rf"^sleep listens on no port after {seconds} s$"
        ):
            job.until_listening(timeout=seconds)
    assert job.state is None
    job.kill()


@pytest.mark.parametrize("wait", WAITS, ids=["until", "until_listening"])
def test_an_interrupt_ends_the_wait_only(wait: Callable[[Job], object]) -> None:
    """The job runs on after a KeyboardInterrupt."""
    job = spawn(["sleep", "60"])

    main = threading.main_thread().ident
    assert main is not None
    over = threading.Event()

    def interrupt() -> None:
        while not over.wait(0.005):
            if sys._current_frames()[main].f_code is acquire_within.__code__:
                signal.pthread_kill(main, signal.SIGINT)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        wait(job)
    over.set()
    thread.join()

    assert job.state is None
    assert not job._subscribers
    job.kill()
    job.wait(PATIENCE)


def test_many_wait_for_one() -> None:
    """Async waits take turns with other tasks, and the end wakes them all."""

    async def main() -> None:
        job = spawn(python("print('a'); input(); print('b'); input()"), stdin=PIPE)
        await job.until_async("a", timeout=PATIENCE)
        waits = [asyncio.create_task(job.until_async(p)) for p in ("b", "never")]
        listening = asyncio.create_task(job.until_listening_async())
        job.send("\n")
        assert (await waits[0])[0] == "b"
        job.send("\n")
        for wait in (waits[1], listening):
            with pytest.raises(NotReadyError):
                await wait
        await job

    asyncio.run(main())


def test_a_cancelled_wait_leaves_the_job() -> None:
    """Cancelling ends the wait and nothing else."""

    async def main() -> None:
        job = spawn(["sleep", "60"])
        for wait in (job.until_async("x"), job.until_listening_async()):
            task = asyncio.create_task(wait)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        with pytest.raises(TimeoutError):
            await job.until_async("x", timeout=0.01)
        assert job.state is None
        job.kill()
        await job

    asyncio.run(main())


def test_a_callback_cannot_wait() -> None:
    """The thread that would have to wake it is the one that waits."""
    raised: list[BaseException] = []
    job = spawn(["cat"], stdin=PIPE)

    def callback(job: Job) -> None:
        with pytest.raises(
            RuntimeError, match=r"^a callback of a job cannot wait"
        ) as e:
            job.until("x")
        raised.append(e.value)

    unsubscribe = job.subscribe(callback)
    job.send("a\n")
    job.until("a", timeout=PATIENCE)
    unsubscribe()
    job.close_stdin()
    job.wait(PATIENCE)

    assert raised


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_until_it_listens(host: str) -> None:
    """The port is returned, of IPv4 and IPv6."""
    try:
        socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else 2
        ).close()
    except OSError:
        pytest.skip(f"there is no {host}")
    job = server(host=host)

    port = job.until_listening(timeout=PATIENCE)

    assert job.until(r"listening on (\d+)", timeout=PATIENCE)[1] == str(port)
    assert job.until_listening(port, timeout=0) == port
    assert asyncio.run(job.until_listening_async(port)) == port
    job.close_stdin()
    job.wait(PATIENCE)


@pytest.mark.parametrize("before", [["setsid", "-w"], ["sh", "-c", '"$0" "$@"; true']])
def test_a_descendant_listens(before: list[str]) -> None:
    """What the job started counts, in a session of its own, too."""
    job = server(0, *before)

    port = job.until_listening(timeout=PATIENCE)

    assert job.until(r"listening on (\d+)", timeout=PATIENCE)[1] == str(port)
    job.close_stdin()
    job.wait(PATIENCE)


def test_it_listens_in_a_network_of_its_own() -> None:
    """Its ports are those of its own network."""
    isolated = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*isolated, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces here")
    up = 'ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null; exec "$0" "$@"'
    job = server(8000, *isolated, "sh", "-c", up, host="0.0.0.0")

    assert job.until_listening(8000, timeout=PATIENCE) == 8000
    job.close_stdin()
    job.wait(PATIENCE)


def test_who_listened_before_does_not_count(listener: socket.socket) -> None:
    """A port that somebody else holds is not ready, and the error says who that is."""
    port = listener.getsockname()[1]
    job = spawn(["sleep", "60"], name="web")
    us = f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()}) does"

    text = re.escape(f"web does not listen on port {port} after 0 s: {us}")
    with pytest.raises(TimeoutError, match=f"^{text}$"):
        job.until_listening(port, timeout=0)
    free = free_port()
    with pytest.raises(TimeoutError, match=rf"on port {free} after 0 s: nobody does$"):
        job.until_listening(free, timeout=0)
    job.kill()


def test_who_listens_since_counts() -> None:
    """A port on which nobody listened before is ready when anybody does."""
    job = spawn(["cat"], stdin=PIPE)
    job.send("a\n")
    job.until("a", timeout=PATIENCE)
    port = free_port()

    with closing(socket.create_server(("127.0.0.1", port))):
        assert job.until_listening(port, timeout=PATIENCE) == port
        with pytest.raises(TimeoutError):
            job.until_listening(timeout=0)
    job.close_stdin()
    job.wait(PATIENCE)


def test_where_the_kernel_may_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables do where a filter refuses the question."""

    def refused() -> dict[int, int]:
        raise PermissionError

    monkeypatch.setattr(ports, "_asked", refused)
    job = server()

    port = job.until_listening(timeout=PATIENCE)

    assert job.until_listening(port) == port
    assert str(os.getpid()) not in ports.holder(port)
    assert ports.holder(port).endswith(f"(pid {job.pid}) does")
    job.close_stdin()
    job.wait(PATIENCE)


@pytest.mark.parametrize("port", [0, -1, 65536, 10**20])
def test_ports_are_checked(port: int) -> None:
    """There are 65535 of them."""
    job = spawn(["true"])

    with pytest.raises(
        ValueError, match=r"^port: expected a number from 1 to 65535, got"
    ):
        job.until_listening(port)
    job.wait(PATIENCE)


@pytest.mark.parametrize("port", ["80", 80.0, True])
def test_a_port_is_a_number(port: object) -> None:
    """Anything else is a TypeError that names the option."""
    job = spawn(["true"])

    with pytest.raises(
        TypeError, match=r"^port: expected a number from 1 to 65535, not"
    ):
        job.until_listening(port)  # type: ignore[arg-type]
    job.wait(PATIENCE)


def test_the_time_is_checked() -> None:
    """As it is everywhere."""
    job = spawn(["true"])

    with pytest.raises(ValueError, match=r"^timeout: expected 0 seconds or more"):
        job.until("x", timeout=-1)
    with pytest.raises(TypeError, match=r"^timeout: expected a number of seconds"):
        job.until_listening(timeout="5")  # type: ignore[arg-type]
    job.wait(PATIENCE)
