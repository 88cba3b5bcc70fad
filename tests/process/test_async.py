"""Waiting under asyncio."""

from __future__ import annotations

import asyncio
import os

import pytest

from ipyproc import ProcAttr, ProcessState, SysProcAttr, start_process
from ipyproc._sys import inherit
from tests.process.tools import in_thread, start_sh, start_sleep
from tests.threads import SOON


def test_wait_async(mode: str) -> None:
    """The state comes without the loop being blocked."""

    async def main() -> tuple[ProcessState, int]:
        process = start_sleep()
        waiting = asyncio.create_task(process.wait_async())
        turns = 0
        while turns < 5:
            await asyncio.sleep(0.001)
            turns += 1
        process.kill()
        return await waiting, turns

    state, turns = asyncio.run(main())
    assert (str(state), turns) == ("signal: killed", 5)


def test_many_wait(mode: str) -> None:
    """Of two tasks that wait for one process, one gets the state, the other ECHILD."""

    async def main() -> list[object]:
        process = start_sleep()
        tasks = [asyncio.create_task(process.wait_async()) for _ in range(2)]
        await asyncio.sleep(0.01)
        process.kill()
        return await asyncio.gather(*tasks, return_exceptions=True)

    kinds = sorted(type(result).__mro__[-2].__name__ for result in asyncio.run(main()))
    assert kinds == ["BaseException", "ProcessState"]


def test_wait_for_times_out_without_harm(mode: str) -> None:
    """A cancelled wait takes nothing: the next one gets the state."""

    async def main() -> ProcessState:
        process = start_sleep()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(process.wait_async(), 0.01)
        process.kill()
        return await asyncio.wait_for(process.wait_async(), SOON)

    assert str(asyncio.run(main())) == "signal: killed"


def test_many_processes(mode: str) -> None:
    """One loop waits for many processes at once."""

    async def main() -> list[ProcessState]:
        processes = [start_sh(f"exit {code}") for code in range(20)]
        return await asyncio.gather(*(process.wait_async() for process in processes))

    assert [state.exit_code for state in asyncio.run(main())] == list(range(20))


def test_stranger_and_released(mode: str) -> None:
    """wait_async raises what wait raises."""

    async def main() -> None:
        process = start_sh("exit 0")
        pid = process.pid
        process.release()
        with pytest.raises(OSError, match=r"^invalid argument$"):
            await process.wait_async()
        os.waitpid(pid, 0)

    asyncio.run(main())


def test_traced(mode: str) -> None:
    """The stop of a traced process ends the wait, too."""
    attr = ProcAttr(sys=SysProcAttr(ptrace=True))

    async def main() -> ProcessState:
        process = start_process("/bin/true", ["true"], attr)
        state = await asyncio.wait_for(process.wait_async(), SOON)
        os.kill(process.pid, 9)
        os.waitpid(process.pid, 0)
        return state

    assert str(asyncio.run(main())) == "stop signal: trace/breakpoint trap"


def test_reaped_by_a_thread_meanwhile(mode: str) -> None:
    """If a thread takes the state first, whoever awaits it gets ECHILD."""
    process = start_sleep()

    async def main() -> str:
        task = asyncio.create_task(process.wait_async())
        await asyncio.sleep(0)
        process.kill()
        in_thread(process.wait)  # the loop stands still, so the thread is first
        with pytest.raises(ChildProcessError) as caught:
            await asyncio.wait_for(task, SOON)
        return str(caught.value)

    assert asyncio.run(main()).endswith("no child processes")


def test_released_meanwhile(mode: str) -> None:
    """A wait that has begun gets the state, whatever is released then."""
    process = start_sleep()
    pid = process.pid

    async def main() -> ProcessState:
        task = asyncio.create_task(process.wait_async())
        await asyncio.sleep(0)
        process.release()
        os.kill(pid, 9)
        return await asyncio.wait_for(task, SOON)

    assert str(asyncio.run(main())) == "signal: killed"


def test_output_of_a_cell_does_not_stop_the_loop(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """While output is on its way into a cell the loop goes on."""
    process = start_sh("exit 0")
    process._owner.prints_into_cell = True
    waits = [True] * 20
    monkeypatch.setattr(inherit, "output_waits", lambda: bool(waits and waits.pop()))
    monkeypatch.setattr(inherit.time, "sleep", None)  # it would stop the loop

    assert asyncio.run(process.wait_async()).success
    assert waits == []
