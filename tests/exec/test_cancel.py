"""What a context and wait_delay do to a command."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable

import pytest

from ipyproc import (
    CanceledError,
    Cmd,
    CmdStateError,
    DeadlineExceededError,
    ExecError,
    ExitError,
    PathError,
    ProcessDoneError,
    WaitDelayError,
    command,
    command_context,
)
from ipyproc.context import (
    Context,
    background,
    with_cancel,
    with_cancel_cause,
    with_deadline,
    with_timeout,
)
from ipyproc.exec.pipes import PipeReader
from tests.exec.tools import (
    FOR_EVER,
    error_of,
    open_descriptors,
    sh,
    sh_context,
    start_until_ready,
)
from tests.threads import SOON

#: Says that it is ready, and then reacts to SIGTERM as the first argument says.
TRAP = 'trap "$1" TERM; echo ready; while :; do sleep 0.01; done'
#: Leaves a child behind that keeps stderr open, and says its pid.
LEAVE = f"sleep {FOR_EVER} & echo $! >&3; echo ready; "


def terminate(cmd: Cmd) -> Callable[[], None]:
    """Return a cancel function that asks politely."""

    def cancel() -> None:
        assert cmd.process is not None
        cmd.process.signal(signal.SIGTERM)

    return cancel


class Orphan:
    """The process that a command leaves behind; it keeps the command's pipes open."""

    def __init__(self, cmd: Cmd) -> None:
        self._reader, self._writer = os.pipe()
        cmd.extra_files = [self._writer]

    def kill(self) -> None:
        """End it."""
        os.close(self._writer)
        with open(self._reader, "rb") as pipe:
            os.kill(int(pipe.readline()), signal.SIGKILL)


def test_context() -> None:
    """Cancelling ends a running command: it was killed."""
    # Go: TestContext.
    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "cat")
    stdin, stdout = cmd.stdin_pipe(), cmd.stdout_pipe()
    cmd.start()
    stdin.write(b"O:hi\n")
    assert stdout.readline() == b"O:hi\n"

    cancel()

    assert str(error_of(ExitError, cmd.wait)) == "signal: killed"


def test_context_cancel() -> None:
    """The kill does not depend on anybody waiting."""
    # Go: TestContextCancel.
    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "sleep", FOR_EVER)
    cmd.start()
    assert cmd.process is not None

    cancel()
    os.waitid(os.P_PID, cmd.process.pid, os.WEXITED | os.WNOWAIT)

    assert str(error_of(ExitError, cmd.wait)) == "signal: killed"


def test_timeout_kills() -> None:
    """A command that took too long was killed; the deadline itself is no error."""
    with with_timeout(background(), 0.05) as ctx:
        cmd = sh_context(ctx, f"echo before; exec sleep {FOR_EVER}")
        error = error_of(ExitError, cmd.output)

    assert str(error) == "signal: killed"


def test_context_that_lasts() -> None:
    """A command that ends before its context does leaves nothing behind."""
    before = set(threading.enumerate())
    with with_cancel(background()) as ctx:
        command_context(ctx, "true").run()
        assert set(threading.enumerate()) == before
    command_context(background(), "true").run()


@pytest.mark.parametrize("kind", [CanceledError, DeadlineExceededError])
def test_context_that_is_over(kind: type[OSError]) -> None:
    """Nothing starts if the context is done; its error is raised, not its cause."""
    if kind is CanceledError:
        ctx, cancel = with_cancel_cause(background())
        cancel(KeyError("cause"))
    else:
        ctx, _ = with_deadline(background(), 0)
    before = open_descriptors()
    cmd = command_context(ctx, "true")
    pipe = cmd.stdout_pipe()

    assert error_of(kind, cmd.run) is not ctx.err
    assert pipe.closed
    assert open_descriptors() == before
    error_of(CmdStateError, cmd.run)


def test_failed_look_up_comes_before_the_context() -> None:
    """A failed look-up is reported even if the context is done."""
    ctx, cancel = with_cancel(background())
    cancel()

    error_of(ExecError, command_context(ctx, "surely-not-here").run)


def test_context_must_be_one() -> None:
    """Go panics for a nil context; here it is a TypeError."""
    with pytest.raises(TypeError, match=r"^ctx: expected a Context, not NoneType$"):
        command_context(None, "true")  # type: ignore[arg-type]


def test_cancel_needs_a_context() -> None:
    """Without a context nothing would ever call it."""
    cmd = command("true")
    cmd.cancel = lambda: None

    assert str(error_of(CmdStateError, cmd.start)) == (
        "exec: command with a non-nil Cancel was not created with CommandContext"
    )


def test_cancel_is_not_called_for_a_failed_start() -> None:
    """A command that never ran cannot be cancelled."""
    called = threading.Event()
    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "/nonexistent")
    cmd.cancel = called.set
    error_of(PathError, cmd.start)
    cancel()

    assert not called.is_set()


def test_cancel_is_called_once() -> None:
    """The function runs in a thread of its own, when the context is done."""
    calls: list[threading.Thread] = []
    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "cat")
    stdin = cmd.stdin_pipe()

    def close() -> None:
        calls.append(threading.current_thread())
        stdin.close()

    cmd.cancel = close
    cmd.start()
    cancel()
    cancel()

    error_of(CanceledError, cmd.wait)
    assert len(calls) == 1
    assert calls != [threading.current_thread()]


def cancelled(ctx_cancel: Callable[[], None], cmd: Cmd) -> None:
    """Start a command, cancel its context when it is ready, and wait for it."""
    start_until_ready(cmd)
    ctx_cancel()
    cmd.wait()


def test_wait_interrupt_wait() -> None:
    """Without a context wait() just waits."""
    # Go: TestWaitInterrupt/Wait.
    cmd = sh("echo ready; exit 0")
    cmd.wait_delay = 0

    cmd.run()

    assert str(cmd.process_state) == "exit status 0"


def test_wait_interrupt_wait_delay() -> None:
    """A success within the delay is one, if nothing was done to the command."""
    # Go: TestWaitInterrupt/WaitDelay.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, "echo ready; read line; exit 0")
    cmd.cancel, cmd.wait_delay = None, SOON
    stdin = cmd.stdin_pipe()
    start_until_ready(cmd)
    cancel()
    stdin.write(b"go on\n")

    cmd.wait()


def test_wait_interrupt_sigkill_hang() -> None:
    """The kill counts more than pipes that stay open."""
    # Go: TestWaitInterrupt/SIGKILL-hang.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, LEAVE + f"exec sleep {FOR_EVER}")
    cmd.stderr, cmd.wait_delay = io.BytesIO(), 0.01
    orphan = Orphan(cmd)

    error = error_of(ExitError, lambda: cancelled(cancel, cmd))
    orphan.kill()

    assert str(error) == "signal: killed"


def test_wait_interrupt_exit_hang() -> None:
    """A success that leaves its pipes open is a WaitDelayError."""
    # Go: TestWaitInterrupt/Exit-hang.
    cmd = sh(LEAVE)
    cmd.wait_delay = 0.01
    orphan = Orphan(cmd)

    error = error_of(WaitDelayError, cmd.output)
    orphan.kill()

    assert str(error) == "exec: WaitDelay expired before I/O complete"
    assert isinstance(error, TimeoutError)
    assert error.output == b"ready\n"
    assert str(cmd.process_state) == "exit status 0"


class Slow:
    """Takes what is printed, but not before it may."""

    def __init__(self) -> None:
        self.begun, self.may = threading.Event(), threading.Event()
        self.taken = b""

    def write(self, data: bytes) -> None:
        """Take *data*."""
        self.begun.set()
        assert self.may.wait(SOON)
        self.taken += data


def test_what_was_printed_is_copied_before_the_pipes_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However late its thread comes to read it."""
    slow = Slow()
    finish = PipeReader.finish

    def finished(pipe: PipeReader) -> None:
        """From now on nothing more is read than what is there."""
        finish(pipe)
        slow.may.set()

    monkeypatch.setattr(PipeReader, "finish", finished)
    cmd = sh(f"echo one; read go; echo two; {LEAVE}")
    cmd.stdout, cmd.wait_delay = slow, 0.01
    stdin = cmd.stdin_pipe()
    orphan = Orphan(cmd)
    cmd.start()
    assert slow.begun.wait(SOON)
    stdin.write(b"go\n")

    error_of(WaitDelayError, cmd.wait)
    orphan.kill()

    assert slow.taken == b"one\ntwo\nready\n"


def test_wait_interrupt_ignored() -> None:
    """A command that ignores the polite request is killed."""
    # Go: TestWaitInterrupt/SIGINT-ignored.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, TRAP, "")
    cmd.cancel, cmd.wait_delay = terminate(cmd), 0.05

    error = error_of(ExitError, lambda: cancelled(cancel, cmd))

    assert str(error) == "signal: killed"


def test_wait_interrupt_handled() -> None:
    """An exit with code 0 because of the request is the context's error."""
    # Go: TestWaitInterrupt/SIGINT-handled.
    ctx, cancel = with_cancel_cause(background())
    cmd = sh_context(ctx, TRAP, "exit 0")
    cmd.cancel = terminate(cmd)

    def cancel_why() -> None:
        cancel(KeyError("why"))

    error_of(CanceledError, lambda: cancelled(cancel_why, cmd))
    assert str(cmd.process_state) == "exit status 0"


def test_wait_interrupt_quit() -> None:
    """Any other exit is what counts."""
    # Go: TestWaitInterrupt/SIGQUIT.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, TRAP, "exit 2")
    cmd.cancel, cmd.wait_delay = terminate(cmd), SOON

    error = error_of(ExitError, lambda: cancelled(cancel, cmd))
    assert str(error) == "exit status 2"


def closing(cmd: Cmd, error: Exception) -> None:
    """Make *cmd* end when cancelled, by a cancel that also raises an error."""
    stdin = cmd.stdin_pipe()

    def cancel() -> None:
        stdin.close()
        raise error

    cmd.cancel = cancel


def test_cancel_errors_success_after_error() -> None:
    """What cancel raised is reported, with its cause, if the command then succeeded."""
    # Go: TestCancelErrors/success_after_error.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, "echo ready; cat")
    own = KeyError("arbitrary")
    closing(cmd, own)

    error = error_of(OSError, lambda: cancelled(cancel, cmd))

    assert str(error) == "exec: canceling Cmd: 'arbitrary'"
    assert error.__cause__ is own


@pytest.mark.parametrize("wrapped", [False, True])
def test_cancel_errors_success_after_done(wrapped: bool) -> None:
    """If cancel found the process done, or failed because of that, it is no error."""
    # Go: TestCancelErrors/success_after_ErrProcessDone.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, "echo ready; cat")
    done: Exception = ProcessDoneError()
    if wrapped:
        done = KeyError("stdout closed")
        done.__cause__ = ProcessDoneError()
    closing(cmd, done)

    cancelled(cancel, cmd)

    assert str(cmd.process_state) == "exit status 0"


@pytest.mark.parametrize("error", [KeyError("arbitrary"), ProcessDoneError()])
def test_cancel_errors_killed_after_error(error: Exception) -> None:
    """A command that had to be killed was killed, whatever cancel raised."""
    # Go: TestCancelErrors/killed_after_error, killed_after_spurious_ErrProcessDone.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, f"echo ready; exec sleep {FOR_EVER}")
    closing(cmd, error)
    cmd.wait_delay = 0.01

    killed = error_of(ExitError, lambda: cancelled(cancel, cmd))
    assert str(killed) == "signal: killed"


def test_cancel_errors_nonzero_exit_after_error() -> None:
    """A failure of the command comes before one of cancel."""
    # Go: TestCancelErrors/nonzero_exit_after_error.
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, "echo ready; cat; exit 1")
    closing(cmd, KeyError("arbitrary"))

    error = error_of(ExitError, lambda: cancelled(cancel, cmd))
    assert str(error) == "exit status 1"


def late(ctx: Context, cmd: Cmd, cancel: Callable[[], None]) -> None:
    """Cancel a command that has ended but was not waited for."""
    cmd.start()
    assert cmd.process is not None
    os.waitid(os.P_PID, cmd.process.pid, os.WEXITED | os.WNOWAIT)
    cancel()
    assert ctx.done.is_set()


def test_cancelled_between_end_and_wait() -> None:
    """A process that has ended can still be killed, so its success was cancelled."""
    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "true")
    killed = threading.Event()
    kill = cmd.cancel

    def kill_and_tell() -> None:
        assert kill is not None
        kill()
        killed.set()

    cmd.cancel = kill_and_tell
    late(ctx, cmd, cancel)
    assert killed.wait(SOON)

    error_of(CanceledError, cmd.wait)
    assert str(cmd.process_state) == "exit status 0"


def test_killed_too_late_to_matter() -> None:
    """A kill that comes after the end changes neither the success nor its error."""
    ctx, cancel = with_cancel(background())
    cmd = sh_context(ctx, "echo x")
    cmd.cancel, cmd.wait_delay = None, 0.01
    cmd.stdout = sink = io.BytesIO()
    late(ctx, cmd, cancel)
    watchers = [t for t in threading.enumerate() if t.name == "ipyproc-context"]
    for watcher in watchers:
        watcher.join(SOON)
        assert not watcher.is_alive()

    cmd.wait()
    assert sink.getvalue() == b"x\n"


def test_delay_ends_what_reads_our_input() -> None:
    """A process left behind that never reads its input is given up, too."""
    cmd = sh(f"exec 4<&0; sleep {FOR_EVER} <&4 & echo $! >&3")
    cmd.stdin, cmd.wait_delay = b"x" * 1_000_000, 0.01
    orphan = Orphan(cmd)

    error_of(WaitDelayError, cmd.run)
    orphan.kill()


@pytest.mark.parametrize("use_pipe", [True, False])
def test_delay_is_for_copying_only(use_pipe: bool) -> None:
    """Nobody waits for a file, nor for a pipe that the user reads."""
    cmd = sh(LEAVE)
    cmd.wait_delay = SOON
    orphan = Orphan(cmd)
    with open(os.devnull, "wb") as null:
        cmd.stdout = null
        if use_pipe:
            cmd.stdout = None
            cmd.stdout_pipe()
        cmd.run()
    orphan.kill()


def test_without_a_delay_the_pipes_are_read_to_their_end() -> None:
    """The output includes what a process left behind still prints."""
    cmd = sh("(read line <&3; echo late) & echo early")
    reader, writer = os.pipe()
    cmd.extra_files = [reader]
    cmd.stdout = sink = io.BytesIO()
    cmd.start()
    assert cmd.process is not None
    os.waitid(os.P_PID, cmd.process.pid, os.WEXITED | os.WNOWAIT)
    os.write(writer, b"go on\n")
    cmd.wait()
    os.close(reader)
    os.close(writer)

    assert sink.getvalue() == b"early\nlate\n"


def test_process_reaped_by_somebody_else() -> None:
    """If other code took the state, each wait() says so, and the copying still ends."""
    cmd = sh("echo hello")
    cmd.stdout = sink = io.BytesIO()
    cmd.start()
    assert cmd.process is not None
    os.waitpid(cmd.process.pid, 0)

    for _ in range(2):
        error = error_of(ChildProcessError, cmd.wait)
        assert str(error) == "waitid: no child processes"
    assert sink.getvalue() == b"hello\n"
    assert cmd.process_state is None
    cmd.process.release()
