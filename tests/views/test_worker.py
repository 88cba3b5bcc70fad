from __future__ import annotations

import threading

import pytest

from ipyproc.views.transport.worker import NAME, OnDemandThread, Worker
from tests.jobs.helpers import script
from tests.views.test_rate_limiter import ended

FORK = """
import os, signal, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
from ipyproc.views.transport.worker import OnDemandThread

steps = []
def take():
    return steps.pop() if steps else None

def step():
    print("did its step in", "child" if os.getpid() != parent else "parent", flush=True)
    done.set()

parent, done, thread = os.getpid(), threading.Event(), OnDemandThread("t", take, 3600)

def ask():
    done.clear()
    with thread.changed:
        steps.append(step)
        assert thread.wake()
    assert done.wait(20)

def hold():
    with thread.changed:
        is_held.set()
        let_go.wait()

ask()
is_held, let_go = threading.Event(), threading.Event()
if HELD:
    threading.Thread(target=hold).start()
    is_held.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    ask()
    thread.retire(20)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
let_go.set()
ask()
assert thread.retire(20)
"""


def test_what_is_asked_for_is_done_in_order() -> None:
    """One after the other, on a thread of its own that ends when all is done."""
    worker, done = Worker(), []

    for number in range(10):
        assert worker.do(lambda n=number: done.append((n, threading.current_thread())))

    assert worker.retire(20)
    assert [number for number, _ in done] == list(range(10))
    assert {thread.name for _, thread in done} == {NAME}
    assert ended()


def test_one_failure_harms_no_other() -> None:
    """An action that raises what nobody expected does not end the worker."""
    worker, done = Worker(), threading.Event()

    def fail() -> None:
        raise LookupError("an intended failure")

    worker.do(fail)
    worker.do(done.set)

    assert done.wait(20)
    assert worker.retire(20)


@pytest.mark.parametrize("is_held", [False, True])
def test_it_works_in_a_forked_child(is_held: bool) -> None:
    """A child has a thread of its own, also if its lock was held at the fork."""
    said = script(FORK.replace("HELD", str(is_held))).splitlines()

    assert said == [f"did its step in {who}" for who in ("parent", "child", "parent")]


class SlowToLeave(OnDemandThread):
    """Its thread lives on after its last step, until that is allowed to end."""

    def __init__(self) -> None:
        super().__init__("slow to leave", lambda: None)
        self.left, self.may_end = threading.Event(), threading.Event()

    def _run(self) -> None:
        super()._run()
        self.left.set()
        self.may_end.wait()


def test_a_thread_that_is_leaving_has_not_ended() -> None:
    """Retiring waits for a thread that does nothing more and still lives."""
    thread = SlowToLeave()
    assert thread.wake()
    thread.left.wait()
    try:
        assert not thread.retire(0)
    finally:
        thread.may_end.set()
    assert thread.retire(20)
