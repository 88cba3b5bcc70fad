"""What is known here of a terminal elsewhere, which nobody waits for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipyproc import ProcessDoneError, spawn
from ipyproc.hosts import CommandHost
from ipyproc.views.transport.terminal import TerminalFeed
from tests.hosts.helpers import relays
from tests.jobs.helpers import ended, eventually, python, until_printed

pytestmark = pytest.mark.slow

#: It is in raw mode, and says what it reads.
KEYS = """
import os, signal, tty
tty.setraw(0)
signal.signal(signal.SIGINT, lambda *_: os.write(1, b" interrupted"))
os.write(1, b"ready")
while True:
    os.write(1, b" read " + os.read(0, 9))
"""


def test_what_the_program_does_is_learnt(host: CommandHost) -> None:
    """A password prompt and a program that reads keys are known without output."""
    code = "stty -echo; read one; stty echo -icanon; read two; stty icanon; read three"
    job = spawn(code, shell=True, pty=True, on=host)
    terminal = job.terminal
    assert terminal is not None
    eventually(lambda: (job.password_prompt, terminal.reads_keys) == (True, False))
    job.send("secret\n")
    eventually(lambda: (job.password_prompt, terminal.reads_keys) == (False, True))
    job.send("x\n")
    eventually(lambda: (job.password_prompt, terminal.reads_keys) == (False, False))
    assert "secret" not in job.stdout.text
    job.send("\n")
    ended(job)


def test_an_interrupt_reaches_a_program_that_reads_keys(host: CommandHost) -> None:
    """As here it is no key, so it arrives in raw mode, too; not after the end."""
    job = spawn(python(KEYS), pty=True, on=host)
    assert job.terminal is not None
    until_printed(job, "ready")
    job.terminal.interrupt()
    until_printed(job, " interrupted")
    job.send("\x03")
    until_printed(job, " read \x03")
    job.kill()
    ended(job)

    with pytest.raises(ProcessDoneError):
        job.terminal.interrupt()
    assert (job.terminal.reads_keys, job.password_prompt) == (False, False)


def test_the_same_once_more_has_its_size(host: CommandHost) -> None:
    """A job that was resized is started again with the size that it had."""
    job = spawn("stty size; read x; stty size", shell=True, pty=(30, 90), on=host)
    until_printed(job, "30 90")
    job.resize(40, 100)
    job.send("\n")
    ended(job)
    assert job.terminal is not None
    assert job.stdout.text.split("\r\n")[-2] == "40 100"
    assert [size[2:] for size in job.terminal.sizes] == [(30, 90), (40, 100)]

    again = job.again()
    until_printed(again, "40 100")
    again.kill()
    ended(again)


def test_a_terminal_whose_input_is_empty(host: CommandHost) -> None:
    """The null device may stand for the keyboard; other input cannot."""
    job = spawn(
        "test -t 1 && ! test -t 0",
        shell=True,
        pty=True,
        stdin=Path(os.devnull),
        on=host,
    )
    assert ended(job).state.exit_code == 0

    with pytest.raises(ValueError, match=r"^stdin: with pty on another machine"):
        spawn("cat", pty=True, stdin=b"data", on=host)


def test_a_link_that_breaks(own_agent: Path, lone_host: CommandHost) -> None:
    """What was typed and resized meanwhile arrives once there is a link again."""
    job = spawn(python(KEYS), pty=True, on=lone_host)
    until_printed(job, "ready")
    for pid in relays(own_agent):
        os.kill(pid, 9)
    job.resize(50, 120)
    job.send("now")

    until_printed(job, " read now")
    job.kill()
    ended(job)


def test_its_pane_becomes_a_terminal(host: CommandHost) -> None:
    """Views show it as a terminal once its program reads keys."""
    job = spawn(python(KEYS), pty=True, on=host)
    feed = TerminalFeed(job)
    assert not feed.is_shown
    until_printed(job, "ready")
    eventually(lambda: (feed.look(), feed.is_shown)[1])
    job.kill()
    ended(job)
