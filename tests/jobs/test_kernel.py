from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.jobs.helpers import gone, in_session
from tests.kernel.fixtures import Kernel

pytestmark = pytest.mark.xdist_group("kernel")
StartKernel = Callable[[], Kernel]

# A job that nothing but KILL ends, and what it started; another that has ended.
START = """
import threading
from ipyproc import spawn
stubborn = "trap '' TERM INT; sleep 1000 & echo ready; wait; sleep 1000"
job = spawn(["sh", "-c", stubborn])
ready = threading.Event()
look = lambda job: "ready" in job.stdout.text and ready.set()
job.subscribe(look)
look(job)
assert ready.wait(30)
left = spawn(["sh", "-c", "sleep 1000 >/dev/null 2>&1 &"])
left.wait(30)
print(job.pid, left.pid)
"""


def pids_of(kernel: Kernel) -> list[int]:
    """Start the jobs in *kernel* and give their pids."""
    reply = kernel.run(START)
    assert reply.error is None, reply.error
    pids = list(map(int, reply.stdout.split()))
    assert all(map(in_session, pids))
    return pids


def end(kernel: Kernel) -> None:
    """Shut *kernel* down as its front end does."""
    kernel.close()


def restart(kernel: Kernel) -> None:
    """Restart *kernel* as its front end does."""
    kernel.restart()


@pytest.mark.parametrize("how", [end, restart])
def test_jobs_end_with_the_kernel(
    how: Callable[[Kernel], None], new_kernel: StartKernel
) -> None:
    """When a kernel is asked to end, its jobs are gone first, and all they started."""
    kernel = new_kernel()
    pids = pids_of(kernel)
    how(kernel)

    assert gone(*pids)


def test_an_interrupt_touches_no_job(new_kernel: StartKernel) -> None:
    """The stop button ends what the cell does, and no job."""
    kernel = new_kernel()
    kernel.run("from ipyproc import PIPE, spawn\njob = spawn('cat', stdin=PIPE)")
    execution = kernel.start("print('here', flush=True)\njob.wait()")
    messages = kernel.messages(execution)
    assert next(messages)["content"]["text"].startswith("here")
    kernel.interrupt()

    assert [m["content"].get("ename") for m in messages][-1] == "KeyboardInterrupt"
    reply = kernel.run(
        "job.send('on'); job.close_stdin(); job.wait(30), job.stdout.text"
    )
    assert reply.result is not None
    assert reply.result.endswith("'on')")
