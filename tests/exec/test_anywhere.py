"""Commands in handlers, in forks, at the end of the interpreter, in want of things."""

from __future__ import annotations

import math
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest

from ipyproc import Cmd, PathError, SyscallError, command, command_context
from ipyproc.context import Context, background, with_cancel, with_timeout
from tests.alarms import alarms
from tests.exec.tools import FOR_EVER, error_of, open_descriptors
from tests.process.interrupts import MANY, files_below, instants, interrupt_at
from tests.process.test_fork import in_fork
from tests.process.test_handlers import fails_rather_than_hangs
from tests.process.tools import run_python
from tests.threads import SOON

COMMANDS = files_below("exec", "context.py", "_process/threads.py")
LONG = [2.2e6, 1e10, 1e300, math.inf]

#: What can be asked of a command that was started, or of its context.
CALLS: dict[str, Callable[[Cmd, Context, Callable[[], None]], object]] = {
    "start": lambda cmd, _, __: cmd.start(),
    "wait": lambda cmd, _, __: cmd.wait(),
    "cancel": lambda _, __, cancel: cancel(),
    "exit": lambda cmd, _, __: cmd.__exit__(),
    "close": lambda cmd, _, __: cmd._stdio.close_ours(),
    "err": lambda _, ctx, __: ctx.err,
    "done": lambda _, ctx, __: ctx.done.wait(0.001),
    "child": lambda _, ctx, __: with_cancel(ctx).cancel(),
    "environ": lambda cmd, _, __: cmd.environ(),
    "another": lambda _, __, ___: command("echo", "hello").output(),
}


def answer(call: Callable[..., object], *args: object) -> None:
    """Call something that may be too early or too late."""
    with suppress(OSError, RuntimeError, ValueError):
        call(*args)


@pytest.mark.slow
@pytest.mark.parametrize("interrupted", ["start", "wait", "cancel", "exit", "close"])
@pytest.mark.parametrize("called", CALLS)
def test_handler_calls_at_every_instant(interrupted: str, called: str) -> None:
    """Whatever of a command a handler calls at whatever instant, nothing hangs."""
    before, numbers = open_descriptors(), instants()
    with fails_rather_than_hangs(240):
        for number in numbers:
            ctx, cancel = with_cancel(background())
            cmd = command_context(ctx, "cat", stdin=b"x" * 100_000)
            output = cmd.stdout_pipe()
            cmd.stderr = Sink()
            if interrupted != "start":
                cmd.start()
            asked = cmd, ctx, cancel
            if interrupted == "wait" or called == "wait":
                output.close()
            if interrupted == "close" and called == "wait":
                # Its input might be half closed: that of one that runs never is.
                cmd.process.kill()

            def handler(asked: Any = asked) -> None:
                answer(CALLS[called], *asked)

            with interrupt_at(number, handler, COMMANDS) as left:
                answer(CALLS[interrupted], *asked)
            cancel()
            answer(cmd.__exit__)
            if number == MANY:
                continue
            if left.left > 0:
                break
            # The later ones are many and alike.
            for _ in range(number // 20):
                next(numbers)

    assert number > 3
    assert open_descriptors() == before


class Sink:
    """Takes all."""

    def write(self, data: bytes) -> int:
        """Take it."""
        return len(data)


@pytest.mark.slow
def test_handlers_of_real_signals() -> None:
    """Handlers of real signals call everything, thousands of times."""
    current: list[tuple[Cmd, Context, Callable[[], None]]] = []
    calls = [call for name, call in CALLS.items() if name not in ("exit", "another")]
    count = 0

    def handler(*_: object) -> None:
        nonlocal count
        for asked in current:
            answer(calls[count % len(calls)], *asked)
            count += 1

    with alarms(handler, 0.0005, 0.0005):
        while count < 2000:
            ctx, cancel = with_timeout(background(), 60)
            cmd = command_context(ctx, "cat", stdin="text", stdout=Sink())
            current[:] = [(cmd, ctx, cancel)]
            answer(cmd.run)
            answer(cmd.__exit__)
            current.clear()
            cancel()


def test_pipe_does_not_survive_in_a_fork() -> None:
    """A fork that lives on does not keep a command from seeing the end of its input."""
    cmd = command("cat")
    stdin = cmd.stdin_pipe()
    cmd.start()
    reader, writer = os.pipe()
    fork = os.fork()
    if fork == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    stdin.close()
    try:
        with fails_rather_than_hangs(SOON):
            cmd.wait()
    finally:
        os.close(writer)
        os.waitpid(fork, 0)


def test_command_in_a_fork() -> None:
    """A fork's wait for its parent's command is refused; its block ends nothing."""
    ctx, cancel = with_timeout(background(), 3600)
    with command_context(ctx, "sleep", FOR_EVER, stdout=Sink()) as cmd:
        cmd.start()

        def ask() -> str:
            try:
                cmd.wait()
            except ChildProcessError as error:
                cmd.__exit__()
                return f"{error}, {ctx.err}, {cmd.environ() == []}"
            return "waited"

        assert in_fork(ask) == "waitid: no child processes, None, False"
        assert cmd.process is not None
        cmd.process.signal(0)
        cancel()


def test_context_in_a_fork() -> None:
    """A fork's contexts end at their deadlines, though no thread of it sees to that."""
    ctx, cancel = with_timeout(background(), 0.2)
    child, _ = with_cancel(ctx)

    def ask() -> str:
        return f"{child.done.wait(SOON)}, {child.err}, {ctx.err}"

    said = in_fork(ask)
    cancel()

    assert said == "True, context deadline exceeded, context deadline exceeded"


@pytest.mark.slow
def test_fork_of_a_busy_parent() -> None:
    """Whatever other threads do with a context and a pipe, a fork can use both."""
    ctx, cancel = with_cancel(background())
    cmd = command("cat")
    stdin, stdout = cmd.stdin_pipe(), cmd.stdout_pipe()
    cmd.start()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with_cancel(ctx).cancel()
            ctx.done.wait(0)
            stdin.write(b"x")
            stdout.read(1)

    def ask() -> str:
        cancel()
        stdin.close()
        stdout.close()
        return f"{ctx.done.wait()}, {stdin.closed}, {stdout.closed}"

    thread = threading.Thread(target=work)
    thread.start()
    try:
        said = {in_fork(ask) for _ in range(60)}
    finally:
        stop.set()
        thread.join()
        stdin.close()
        cmd.wait()

    assert said == {"True, True, True"}


OUTPUT = """command("sh", "-c", "cat; echo err >&2", stdin="x" * 300_000).output()"""


@pytest.mark.parametrize(
    "code",
    [
        f"class Late:\n    def __del__(self): print(len({OUTPUT}))\nlate = Late()",
        f"import atexit\natexit.register(lambda: print(len({OUTPUT})))",
        "class Late:\n    def __del__(self):\n"
        "        try: command('false').run()\n"
        "        except OSError as error: print(error, 300000)\nlate = Late()",
    ],
    ids=["__del__", "atexit", "run"],
)
def test_end_of_the_interpreter(code: str) -> None:
    """Where no thread can be started any more, a command still runs."""
    said = run_python(f"from ipyproc import command\n{code}")

    assert said.endswith("300000\n")


@pytest.mark.skipif(sys.version_info < (3, 13), reason="they come with Python 3.13")
def test_subinterpreter() -> None:
    """A subinterpreter without daemon threads runs commands, too."""
    code = (
        "import _interpreters\nid = _interpreters.create()\n"
        "failed = _interpreters.run_string(id, 'from ipyproc import command\\n"
        f"print(len({OUTPUT}))')\nprint(failed)"
    )

    assert run_python(code) == "300000\nNone\n"


@pytest.mark.parametrize("seconds", LONG)
def test_any_wait_delay(seconds: float) -> None:
    """A delay may be as long as a float can say; the cancellation works as ever."""
    with with_timeout(background(), seconds) as ctx:
        cmd = command_context(ctx, "cat", stdin="x", wait_delay=seconds)
        assert cmd.output() == b"x"

    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "sleep", FOR_EVER, wait_delay=seconds, stdout=Sink())
    cmd.start()
    threading.Timer(0.01, cancel).start()
    assert str(error_of(OSError, cmd.wait)) == "signal: killed"


@pytest.mark.parametrize("seconds", LONG)
def test_any_wait_for_a_context(seconds: float) -> None:
    """An end may be waited for as long as a float can say."""
    ctx, cancel = with_timeout(background(), seconds)
    threading.Timer(0.01, cancel).start()

    assert ctx.done.wait(seconds)


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Refuse every new descriptor."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: command("true").run(), PathError, "open /dev/null"),
        (lambda: command("true").output(), PathError, "open /dev/null"),
        (lambda: command("true", stdin="x").run(), SyscallError, "pipe2"),
        (lambda: command("true").stdin_pipe(), SyscallError, "pipe2"),
        (lambda: command("true").stdout_pipe(), SyscallError, "pipe2"),
    ],
)
def test_no_descriptor_left(
    call: Callable[[], object], kind: type[OSError], text: str
) -> None:
    """If descriptors run out the error says so in Go's words."""
    before = open_descriptors()
    with no_descriptor_left():
        error = error_of(kind, call)

    assert str(error) == f"{text}: too many open files"
    assert open_descriptors() == before


@pytest.mark.slow
def test_environment_that_another_thread_changes() -> None:
    """A command's environment can be read while others write ours, at any instant."""
    reading = {vars(type(os.environ))["__getitem__"].__code__.co_filename}
    reading |= files_below("_process/environment.py", "exec/environ.py")
    name = "IPYPROC_TEST"
    for number in instants():
        os.environ[name] = "x"
        with interrupt_at(number, partial(os.environ.pop, name, None), reading) as at:
            assert command("true", dir="/").environ()
        if number < MANY and at.left > 0:
            break
    os.environ.pop(name, None)

    assert 5 < number < MANY
