"""A forked child asks the objects of its parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from ipyproc import Process, ProcessDoneError, ProcessStatus
from tests.process.tools import start_sh, start_sleep, wait_until_ended


def in_fork(function: Callable[[], str]) -> str:
    """Call *function* in a forked child, and return what it returns."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, function().encode())
        except BaseException as error:  # noqa: BLE001 - the parent shows it
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said


def test_live_process_can_be_signalled_by_a_fork(mode: str) -> None:
    """That it is no child of a fork's does not make a process gone."""
    process = start_sleep()

    def ask() -> str:
        try:
            process.wait(0)
        except ChildProcessError:
            process.signal(0)
            process.signal(15)
            return f"signalled, {process.status}"
        return "it has a state"

    assert in_fork(ask) == "signalled, ok"
    assert str(process.wait()) == "signal: terminated"


def test_fork_drops_a_process_quietly(mode: str) -> None:
    """A fork neither warns of its parent's process nor reaps it."""
    processes = [start_sleep()]

    def drop() -> str:
        processes.clear()
        start_sh("exit 0").wait()
        return "dropped"

    assert in_fork(drop) == "dropped"
    processes[0].kill()
    assert str(processes[0].wait()) == "signal: killed"


@pytest.mark.slow
def test_fork_of_a_busy_parent(mode: str) -> None:
    """Whatever other threads do with a process at a fork, the fork gets answers."""
    process, stop = start_sleep(), threading.Event()

    def poll() -> None:
        while not stop.is_set():
            try:
                process.wait(0)
            except TimeoutError:
                process.signal(0)

    def ask() -> str:
        process.signal(0)
        process.release()
        return process.status

    threads = [threading.Thread(target=poll) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        answers = {in_fork(ask) for _ in range(100)}
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        process.kill()
        process.wait()

    assert answers == {ProcessStatus.RELEASED}


def test_process_that_is_gone_is_gone_in_the_fork_too(mode: str) -> None:
    """What the parent had learnt before the fork, the child knows."""
    process = start_sh("exit 3")
    process.wait()

    def ask(p: Process = process) -> str:
        try:
            p.signal(0)
        except ProcessDoneError as error:
            return str(error)
        return "signalled"

    assert in_fork(ask) == "os: process already finished"


def test_unreaped_zombie_in_a_fork(mode: str) -> None:
    """A fork's wait for a zombie of its parent takes nothing from the parent."""
    process = start_sh("exit 3")
    wait_until_ended(process.pid)

    def ask() -> str:
        try:
            return str(process.wait(1e10))
        except ChildProcessError as error:
            return str(error)

    assert in_fork(ask) == "waitid: no child processes"
    assert str(process.wait()) == "exit status 3"
