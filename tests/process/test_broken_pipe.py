"""A program that does not ignore SIGPIPE, as scripts for a shell's pipes like it."""

from __future__ import annotations

import os
import signal

import pytest

from ipyproc._process import broken_pipe
from tests.jobs.helpers import script

DEFAULT = "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)"


def test_a_write_to_nobody_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal of a broken pipe reaches neither us nor a handler, now or later."""
    caught: list[int] = []
    before = signal.signal(signal.SIGPIPE, lambda number, _: caught.append(number))
    reader, writer = os.pipe()
    try:
        os.write(writer, b"x")
        assert broken_pipe.write(writer, b"yz") == 2
        os.close(reader)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        with pytest.raises(BrokenPipeError):
            broken_pipe.write(writer, b"x")
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
        assert signal.sigpending() == set()
    finally:
        os.close(writer)
        signal.signal(signal.SIGPIPE, before)

    assert caught == []


def test_input_that_a_job_does_not_read() -> None:
    """Input for a job that closed its standard input does not end this process."""
    code = f"""
{DEFAULT}
from ipyproc import PIPE, spawn
job = spawn(["sh", "-c", "exec 0<&-; echo closed; exec sleep 60"], stdin=PIPE)
job.until("closed", timeout=20)
while job.stdin_open:
    try:
        job.send("x")
    except BrokenPipeError:
        break
print(job.status)
job.kill()
"""
    assert script(code) == "running\n"


def test_input_that_a_command_does_not_read() -> None:
    """A command that reads nothing of its input succeeds, as in Go."""
    code = f"""
{DEFAULT}
from ipyproc import command
cmd = command("true", stdin=b"x" * 1_000_000)
cmd.run()
print(cmd.process_state)
cmd = command("sh", "-c", "exec 0<&-; echo; exec sleep 60")
pipe, out = cmd.stdin_pipe(), cmd.stdout_pipe()
cmd.start()
out.readline()
try:
    pipe.write(b"x")
except BrokenPipeError as error:
    print(error)
cmd.process.kill()
cmd.process.wait()
"""
    assert script(code) == "exit status 0\nwrite |1: broken pipe\n"


@pytest.mark.slow
def test_a_guardian_that_was_killed() -> None:
    """Jobs start also while the guardian was killed and nobody has heard of that."""
    code = f"""
{DEFAULT}
import os, select, time
from ipyproc import spawn
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
spawn("true").wait(20)
while not guardian().ready:
    time.sleep(0.001)
line = guardian()._lines["line"]
event_loop().call_soon(lambda: time.sleep(0.3))
os.killpg(line._group, 9)
gone = select.poll()
gone.register(line._mouth, 0)
assert gone.poll(20_000)
print({{str(spawn("true").wait(20)) for _ in range(5)}})
"""
    assert script(code) == "{'exit status 0'}\n"
