"""Commands under asyncio."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from ipyproc import CanceledError, Cmd, ExitError, command, command_context
from ipyproc.context import background, with_cancel
from tests.exec.tools import FOR_EVER, error_of, sh, sh_context
from tests.threads import SOON


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """
    Run *coroutine*, and fail rather than hang.
    """
    return asyncio.run(asyncio.wait_for(coroutine, SOON))


async def started(cmd: Cmd) -> asyncio.Task[None]:
    """
    Run a command in a task, up to the line that says that it is ready.
    """
    ready = cmd.stdout_pipe()
    task = asyncio.create_task(cmd.run_async())
    assert await asyncio.to_thread(ready.readline) == b"ready\n"
    return task


async def cancel_all(*tasks: asyncio.Task[None]) -> None:
    """
    Cancel tasks and wait until they are over.
    """
    for task in tasks:
        task.cancel()
    for task in tasks:
        with pytest.raises(asyncio.CancelledError):
            await task


def test_output_async() -> None:
    """
    A command gives its output, and its errors, to who awaits it.
    """
    assert run(command("echo", "hello").output_async()) == b"hello\n"
    assert run(command("echo", "hello").output_async(text=True)) == "hello\n"

    failing = sh("echo out; echo err >&2; exit 3")
    error = error_of(ExitError, lambda: run(failing.output_async()))
    assert (str(error), error.output, error.stderr) == (
        "exit status 3",
        b"out\n",
        b"err\n",
    )


def test_the_loop_goes_on() -> None:
    """
    More commands than asyncio has threads run at once, and the loop meanwhile.
    """

    async def main() -> None:
        commands = [sh("echo ready; read line") for _ in range(40)]
        pipes = [cmd.stdin_pipe() for cmd in commands]
        tasks = [await started(cmd) for cmd in commands]
        for pipe in reversed(pipes):
            pipe.write(b"\n")
        await asyncio.gather(*tasks)

    run(main())


def test_cancelling_kills() -> None:
    """
    A cancelled task leaves no process: it is killed and waited for.
    """
    cmd = sh(f"echo ready; exec sleep {FOR_EVER}")

    async def main() -> None:
        await cancel_all(await started(cmd))

    run(main())
    assert str(cmd.process_state) == "signal: killed"


def test_timeout_kills() -> None:
    """
    asyncio's own time-out is a cancellation.
    """
    cmd = command("sleep", FOR_EVER)

    async def main() -> None:
        async with asyncio.timeout(0.05):
            await cmd.run_async()

    error_of(TimeoutError, lambda: run(main()))
    assert str(cmd.process_state) == "signal: killed"


def test_cancelling_is_as_gentle_as_the_context() -> None:
    """
    With a context the command's own cancel is called, as if that had ended.
    """
    cmd = sh_context(
        background(), "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done"
    )

    def terminate() -> None:
        assert cmd.process is not None
        cmd.process.signal(signal.SIGTERM)

    cmd.cancel = terminate

    async def main() -> None:
        await cancel_all(await started(cmd))

    run(main())
    assert str(cmd.process_state) == "exit status 4"


def test_second_cancellation_kills() -> None:
    """
    Who ignores the first one is killed by the second.
    """
    cmd = sh_context(background(), f"trap '' TERM; echo ready; exec sleep {FOR_EVER}")
    called = threading.Event()
    cmd.cancel = called.set

    async def main() -> None:
        task = await started(cmd)
        task.cancel()
        await asyncio.to_thread(called.wait, SOON)
        await cancel_all(task)

    run(main())
    assert str(cmd.process_state) == "signal: killed"


def test_wait_delay_kills_after_a_cancellation() -> None:
    """
    So does the delay.
    """
    cmd = sh(f"trap '' TERM; echo ready; exec sleep {FOR_EVER}")
    cmd.wait_delay = 0.01

    async def main() -> None:
        await cancel_all(await started(cmd))

    run(main())
    assert str(cmd.process_state) == "signal: killed"


def test_the_context_still_counts() -> None:
    """
    The end of the command's own context is no cancellation of the task.
    """
    ctx, cancel = with_cancel(background())
    cmd = command_context(ctx, "cat")
    stdin = cmd.stdin_pipe()
    cmd.cancel = stdin.close

    async def main() -> None:
        task = asyncio.create_task(cmd.run_async())
        await asyncio.sleep(0)
        cancel()
        await task

    error_of(CanceledError, lambda: run(main()))
    assert str(cmd.process_state) == "exit status 0"


def test_error_that_no_future_takes() -> None:
    """
    Whatever a writer raises reaches who awaits.
    """

    class Writer:
        def write(self, _: bytes) -> None:
            raise StopIteration

    cmd = command("echo")
    cmd.stdout = Writer()

    error = error_of(RuntimeError, lambda: run(cmd.run_async()))
    assert isinstance(error.__cause__, StopIteration)


def test_no_thread_to_wait_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If it cannot be waited for, a command does not go on behind our back.
    """

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    cmd = command("sleep", FOR_EVER)

    async def main() -> None:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        await cmd.run_async()

    error_of(RuntimeError, lambda: run(main()))
    assert str(cmd.process_state) == "signal: killed"
