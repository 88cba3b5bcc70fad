"""Ctrl-C while a command is waited for."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from types import FrameType

import pytest

from ipyproc import Cmd, ExitError, WaitDelayError
from ipyproc.context import background, with_cancel
from ipyproc.exec.gather import HeadAndTail
from tests.exec.tools import error_of, sh, sh_context
from tests.process.interrupts import MANY, files_below, instants
from tests.process.interrupts import interrupt_at as interrupt_anywhere_in
from tests.threads import SOON

#: Where the interpreter looks whether a signal has come.
CHECKPOINTS = ("call", "c_return")
COMMANDS = files_below("exec", "_process/descriptors.py")
interrupt_anywhere = partial(interrupt_anywhere_in, watched=COMMANDS)
OUTPUT = b"0123456789\n" * 20_000


@contextmanager
def interrupt_at(number: int) -> Iterator[None]:
    """Raise KeyboardInterrupt at the *number*-th checkpoint in the code of commands."""
    left = number

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event in CHECKPOINTS and "ipyproc/exec/" in frame.f_code.co_filename:
            left -= 1
            if left == 0:
                raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


def successful() -> Cmd:
    """Make a command that succeeds, with all that wait() looks at."""
    cmd = sh_context(with_cancel(background()).ctx, "cat")
    cmd.stdin, cmd.stdout = io.BytesIO(OUTPUT), io.BytesIO()
    cmd.wait_delay = SOON
    return cmd


def failing() -> Cmd:
    """Make a command that does not."""
    cmd = sh("cat; exit 3")
    cmd.stdin, cmd.stdout = io.BytesIO(OUTPUT), io.BytesIO()
    return cmd


def delayed() -> Cmd:
    """Make a command whose child keeps its output open until its input ends."""
    cmd = sh("exec 3<&0; cat <&3 & exit 0")
    cmd.stdin_pipe()
    cmd.stdout = io.BytesIO()
    cmd.wait_delay = 0.01
    return cmd


def wait(cmd: Cmd) -> type[BaseException] | None:
    """Wait and give the class of the error."""
    try:
        cmd.wait()
    except (ExitError, WaitDelayError) as error:
        return type(error)
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "code", "error", "output"),
    [
        (successful, 0, None, OUTPUT),
        (failing, 3, ExitError, OUTPUT),
        (delayed, 0, WaitDelayError, b""),
    ],
)
def test_interrupted_wait_goes_on(
    make: Callable[[], Cmd], code: int, error: type | None, output: bytes
) -> None:
    """After an interrupt anywhere, the next wait() has the result of the first."""
    for number in count(1):
        cmd = make()
        cmd.start()
        interrupted = False
        try:
            with interrupt_at(number):
                got = wait(cmd)
        except KeyboardInterrupt:
            interrupted = True
            got = wait(cmd)

        assert got is error
        assert cmd.process_state is not None
        assert cmd.process_state.exit_code == code
        assert isinstance(cmd.stdout, io.BytesIO)
        assert cmd.stdout.getvalue() == output
        if not interrupted:
            break
    assert number > 10


@pytest.mark.slow
def test_interrupted_gathering_goes_on() -> None:
    """After an interrupt anywhere in the wait of run(), the next one has all output."""
    for number in instants():
        cmd = sh("cat; echo err >&2; exit 3", stdin=OUTPUT[:40_000])
        cmd.stdout, cmd.stderr = io.BytesIO(), HeadAndTail()
        outputs = cmd.stdout, cmd.stderr
        cmd._stdio.is_awaited = True
        cmd.start()
        with suppress(KeyboardInterrupt, ExitError), interrupt_anywhere(number) as left:
            cmd.wait()
        if cmd.process_state is None:
            error_of(ExitError, cmd.wait)

        assert [it.getvalue() for it in outputs] == [OUTPUT[:40_000], b"err\n"]
        assert cmd.process_state is not None
        assert cmd.process_state.exit_code == 3
        if left.left > 0 and number != MANY:
            break
    assert number > 50


def test_real_interrupts() -> None:
    """Real signals, however many, change no result either."""
    cmd = sh("while read -r line; do echo $line; done; exit 3")
    stdin = cmd.stdin_pipe()
    cmd.stdout = sink = io.BytesIO()
    cmd.start()
    waiting = threading.Event()

    def disturb() -> None:
        for _ in range(20):
            waiting.wait(SOON)
            waiting.clear()
            os.kill(os.getpid(), signal.SIGINT)
        stdin.write(b"all of it\n")
        stdin.close()

    disturber = threading.Thread(target=disturb)
    disturber.start()
    interrupts = 0
    while cmd.process_state is None:
        try:
            waiting.set()
            error_of(ExitError, cmd.wait)
        except KeyboardInterrupt:
            interrupts += 1
    with suppress(KeyboardInterrupt):
        disturber.join(SOON)

    assert interrupts == 20
    assert sink.getvalue() == b"all of it\n"
