"""What goes wrong on the way: agents, relays and clients that are killed or stopped."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, jobs, spawn
from ipyproc._agent.remote.contact import NO_CONTACT
from ipyproc._agent.remote.stream import Dialer, Stream
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc.errors import JobLostError, ProcessDoneError
from ipyproc.hosts import CommandHost, command
from ipyproc.hosts._socket import SocketWay
from ipyproc.views.render import format
from ipyproc.views.widgets.jobs import row
from tests.hosts.helpers import agents, bare, read, relays
from tests.jobs.helpers import (
    PATIENCE,
    eventually,
    gone,
    lives,
    python,
    until,
    until_printed,
)

pytestmark = pytest.mark.slow


def counting(host: CommandHost) -> Job:
    """Start a job that answers each line, and wait until it has begun."""
    code = "import sys\nprint('ready')\nfor line in sys.stdin: print(line, end='')"
    job = spawn(python(code), stdin=PIPE, on=host)
    until_printed(job, "ready")
    return job


def answers(job: Job, line: str) -> None:
    """Check that the job reads *line* and prints it, once."""
    job.send(f"{line}\n")
    until_printed(job, line)
    assert job.stdout.lines().count(line) == 1


def test_an_agent_that_is_killed(lone_host: CommandHost, own_agent: Path) -> None:
    """Its jobs end with it and are lost, which is final; the next job has a new one."""
    job = counting(lone_host)
    (agent,) = agents(own_agent)
    os.kill(agent, signal.SIGKILL)
    with pytest.raises(JobLostError, match="the agent that had it has ended") as caught:
        job.wait(PATIENCE)

    assert job.status == "lost"
    assert "new one has pid" in caught.value.reason
    assert gone(job.pid)
    assert job.stdout.lines() == ["ready"]
    with pytest.raises(ProcessDoneError):
        job.kill()
    assert job.left() == 0
    assert spawn("true", on=lone_host).wait(PATIENCE).success


def test_a_relay_that_is_killed(lone_host: CommandHost, own_agent: Path) -> None:
    """The connection is made anew; the job has heard nothing of it."""
    job = counting(lone_host)
    for number in range(3):
        (relay,) = relays(own_agent)
        os.kill(relay, signal.SIGKILL)
        answers(job, f"line {number}")

    job.close_stdin()
    assert job.wait(PATIENCE).success


def test_a_relay_that_is_killed_while_nobody_needs_it(own_agent: Path) -> None:
    """However long ago that was, the next job makes a new connection, and waits."""
    # Who waits looks whether there is contact before such a way is open.
    words = ["sh", "-c", 'sleep 1; exec "$@"', "sh", *bare(own_agent).argv]
    host = command("slow", words)
    job = spawn("true", on=host)
    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    (relay,) = relays(own_agent)
    os.kill(relay, signal.SIGKILL)
    eventually(lambda: host._link.silence > NO_CONTACT)

    assert spawn("true", on=host).wait(PATIENCE).success
    host.close()
    jobs.clear()


def test_output_is_whole_though_relays_are_killed(
    lone_host: CommandHost, own_agent: Path
) -> None:
    """What is printed meanwhile arrives once and in order, or is fetched."""
    code = "import sys\nfor i in range(300000): print(i)\nsys.stdin.read()"
    job = spawn(python(code), stdin=PIPE, on=lone_host)
    for _ in range(3):
        eventually(lambda: bool(relays(own_agent)))
        for relay in relays(own_agent):
            with suppress(ProcessLookupError):
                os.kill(relay, signal.SIGKILL)
    job.close_stdin()

    assert job.wait(PATIENCE).success
    assert job.stdout.lines() == [str(i) for i in range(300000)]


class BrokenFirst:
    """Opens a connection whose other end is gone already, and then true ones."""

    def __init__(self, dialer: Dialer) -> None:
        self._next = dialer
        self.broken: list[SocketWay] = []

    def dial(
        self, opened: Callable[[Stream], None], failed: Callable[[OSError], None]
    ) -> None:
        """Open one, and call one of the two once, later."""
        if self.broken:
            self._next.dial(opened, failed)
            return
        ours, theirs = socket.socketpair()
        theirs.close()
        self.broken.append(SocketWay(event_loop(), ours))
        event_loop().call_soon(lambda: opened(self.broken[0]))


def test_a_connection_that_breaks_as_it_opens(lone_host: CommandHost) -> None:
    """It is as if there had been none: another one is made."""
    dialer = BrokenFirst(lone_host._link._dialer)
    lone_host._link._dialer = dialer

    assert spawn("true", on=lone_host).wait(PATIENCE).success

    assert dialer.broken[0].gone.happened


def test_an_agent_that_is_stopped(lone_host: CommandHost, own_agent: Path) -> None:
    """There is no contact, which those who ask are told; then it goes on."""
    job = counting(lone_host)
    (agent,) = agents(own_agent)
    os.kill(agent, signal.SIGSTOP)
    with pytest.raises(TimeoutError, match=r"^no contact with there for \d+ s$"):
        job.left()
    assert job.status == "running"
    # Its views are told so each second, and that there is contact again.
    until(job, lambda job: job.silence > NO_CONTACT + 1)
    text = format.status(job)
    assert re.fullmatch(r"running, no contact for \d+ s", text), text
    assert row(job)["text"].startswith("running, no contact for ")
    os.kill(agent, signal.SIGCONT)

    until(job, lambda job: not job.silence)
    assert format.status(job) == "running"
    answers(job, "still there")


def test_an_interrupt_of_a_start(lone_host: CommandHost, own_agent: Path) -> None:
    """What was under way is ended as soon as it can be, and is in no table."""
    spawn("true", on=lone_host).wait(PATIENCE)
    (agent,) = agents(own_agent)
    os.kill(agent, signal.SIGSTOP)
    before = list(jobs)
    stop = threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT))
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        spawn(["sleep", "7654321"], on=lone_host)
    stop.join()
    os.kill(agent, signal.SIGCONT)

    assert list(jobs) == before
    assert spawn("true", on=lone_host).wait(PATIENCE).success
    eventually(lambda: not _running("7654321"))


def _running(word: str) -> list[int]:
    """Return the processes whose command has this word."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return [pid for pid in pids if word.encode() in read(pid, "cmdline").split(b"\0")]


def test_captures_say_that_there_is_no_contact(
    lone_host: CommandHost, own_agent: Path
) -> None:
    """What is here can be read; what would have to be fetched is a TimeoutError."""
    job = spawn(["head", "-c", "3000000", "/dev/zero"], on=lone_host)
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    (agent,) = agents(own_agent)
    os.kill(agent, signal.SIGSTOP)

    assert job.stdout.tail(1000) == bytes(1000)
    assert [len(chunk.data) for chunk in job.read(2_999_000, 1000)] == [1000]
    with pytest.raises(TimeoutError, match="no contact"):
        _ = job.stdout.bytes
    os.kill(agent, signal.SIGCONT)
    assert job.stdout.bytes == bytes(3_000_000)
    os.kill(agent, signal.SIGKILL)
    with pytest.raises(ConnectionError):
        _ = job.stdout.bytes


def test_a_lease_that_runs_out(own_agent: Path) -> None:
    """Without any contact the agent ends the jobs; who comes back learns that."""
    host = bare(own_agent, lease=1.5)
    job = counting(host)
    (relay,) = relays(own_agent)
    os.kill(relay, signal.SIGSTOP)

    assert gone(job.pid)
    os.kill(relay, signal.SIGKILL)
    with pytest.raises(JobLostError, match="longer than the lease"):
        job.wait(PATIENCE)
    host.close()
    jobs.clear()


CLIENT = """
import sys
from pathlib import Path
from ipyproc import PIPE, spawn
from tests.hosts.helpers import bare
host = bare(Path(sys.argv[1]))
job = spawn(["sh", "-c", "setsid sleep 1000 & echo $!; exec cat"], stdin=PIPE, on=host)
job.until(r"\\d+")
flood = spawn("yes", on=host)
flood.until("y")
print(job.pid, job.stdout.text.strip(), flood.pid, flush=True)
for line in sys.stdin:
    job.send(line)
    job.until(line.strip())
    print(job.stdout.lines()[-1], flush=True)
"""


class Client:
    """A session of its own, with one job on a host."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-c", CLIENT, str(folder)]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.pids = [int(word) for word in self.process.stdout.readline().split()]

    def ask(self, line: str) -> str:
        """Let the job echo a line."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize(
    "end",
    [
        lambda client: client.process.kill(),
        lambda client: client.process.terminate(),
        lambda client: client.process.communicate(),
    ],
    ids=["killed", "terminated", "at its end"],
)
def test_a_client_that_ends(own_agent: Path, end: Callable[[Client], None]) -> None:
    """However a session ends, its jobs end at once, and no relay waits for ever."""
    client = Client(own_agent)
    try:
        end(client)
        assert gone(*client.pids)
        eventually(lambda: not relays(own_agent))
    finally:
        client.end()


def test_a_client_that_is_stopped(own_agent: Path) -> None:
    """Its jobs run on, and it goes on where it was."""
    client = Client(own_agent)
    try:
        assert client.ask("one") == "one"
        client.process.send_signal(signal.SIGSTOP)
        (agent,) = agents(own_agent)
        stopped = time.monotonic()
        # The time without contact is what this is about: there is no event for it.
        eventually(lambda: time.monotonic() - stopped > NO_CONTACT + 1)
        client.process.send_signal(signal.SIGCONT)

        assert client.ask("two") == "two"
        assert agents(own_agent) == [agent]
        assert lives(client.pids[0])
    finally:
        client.end()


def test_a_client_that_is_busy_in_c(lone_host: CommandHost) -> None:
    """A C call that holds the interpreter is no silence of the agent's."""
    job = counting(lone_host)
    ctypes.PyDLL(None).usleep(6_000_000)  # unlike CDLL, it keeps the interpreter
    answers(job, "after it")

    # It had its tick before the answer, and did not plan another connection.
    assert lone_host._link._redial is None
    assert lone_host._link._client._attempt == 1


def test_an_agent_leaves_when_it_has_nothing_to_keep(own_agent: Path) -> None:
    """Ten seconds after its last job and client an agent has gone, with its socket."""
    host = bare(own_agent)
    job = spawn("true", on=host)
    job.wait(PATIENCE)
    host.close()
    jobs.clear()

    eventually(lambda: not agents(own_agent))
    assert sorted(os.listdir(own_agent)) == ["agent-1.lock", "agent-1.log"]
    assert (own_agent / "agent-1.log").read_text() == ""


def test_descriptors_are_short_there(own_agent: Path) -> None:
    """What cannot be started for want of descriptors says so, and the rest goes on."""
    words = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
    host = command("small", [*words, *bare(own_agent).argv])
    started, errors = [], []
    for _ in range(40):
        try:
            started.append(spawn(["sleep", "1000"], on=host))
        except OSError as error:
            errors.append(error)

    assert started
    assert {error.errno for error in errors} == {24}
    for job in started:
        job.kill()
    assert all(str(job.wait(PATIENCE)) == "signal: killed" for job in started)
    assert spawn("true", on=host).wait(PATIENCE).success
    host.close()
    jobs.clear()


def test_the_disk_is_full_there(own_agent: Path, tmp_path: Path) -> None:
    """Output for which there is no room is counted, and the capture says why."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=64k none {disk} && TMPDIR={disk} exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", mount, "sh"]
    host = command("full", [*words, *bare(own_agent, TMPDIR=str(disk)).argv])
    job = spawn(["head", "-c", "5000000", "/dev/zero"], on=host, memory_limit=100_000)

    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    assert job.stdout.total == 5_000_000
    assert job.stdout.dropped > 1_000_000
    assert "No space left" in str(job.stdout.error)
    assert len(job.stdout.bytes) >= job.stdout.total - job.stdout.dropped
    host.close()
    jobs.clear()
