"""A Process that nobody waited for."""

from __future__ import annotations

import gc
import os

import pytest

from ipyproc import find_process
from tests.process.tools import (
    children,
    descriptors,
    run_python,
    start_sh,
    start_sleep,
    wait_until_ended,
)


def test_dropped_zombie(mode: str) -> None:
    """Dropping it gives a ResourceWarning; the zombie and the pidfd are gone."""
    before, others = descriptors(), children()
    process = start_sh("exit 0")
    wait_until_ended(process.pid)
    with pytest.warns(ResourceWarning, match="neither waited for nor released"):
        del process

    assert children() == others
    assert descriptors() == before


def test_dropped_alive(mode: str) -> None:
    """One that still runs is reaped when it has ended and another is started."""
    before, others = descriptors(), children()
    process = start_sleep()
    pid = process.pid
    with pytest.warns(ResourceWarning):
        del process
    os.kill(pid, 9)
    wait_until_ended(pid)
    start_sh("exit 0").wait()

    assert children() == others
    assert descriptors() == before


def test_released_or_found_is_silent(mode: str) -> None:
    """A released or found process is dropped without a warning and is not reaped."""
    process = start_sh("exit 6")
    pid = process.pid
    find_process(pid)
    process.release()
    del process
    gc.collect()

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6


CLEAN = """
import asyncio, logging, os, sys
from ipyproc import *
# On a busy machine asyncio's debug mode warns of what took long; errors still show.
logging.getLogger("asyncio").setLevel("ERROR")
for system in (None, SysProcAttr(), SysProcAttr(pdeathsig=9)):
    attr = ProcAttr(files=[None, 1, 2], sys=system)
    process = start_process("/bin/sleep", ["sleep", "1000"], attr)
    with process.handle() as fd:
        os.fstat(fd)
    process.signal(0)
    find_process(process.pid).signal(0)
    try:
        process.wait(0.01)
    except TimeoutError:
        pass
    process.kill()
    asyncio.run(process.wait_async())
    try:
        start_process("/nope", ["nope"], attr)
    except FileNotFoundError:
        pass
start_process("/bin/true", ["true"]).wait()
print("done")
"""


def test_clean_under_strict_interpreters() -> None:
    """Correct use gives no warning under -X dev -W error."""
    assert run_python(CLEAN, "-X", "dev", "-W", "error") == "done\n"


def test_end_of_the_interpreter() -> None:
    """A Process that outlives the program gives its one warning and nothing else."""
    code = (
        "from ipyproc import *; p = start_process('/bin/true', ['true']);"
        "import sys; sys.modules['kept'] = p"
    )

    assert run_python(code) == ""
    shown = run_python(code, "-X", "dev")
    assert "Traceback" not in shown
    assert "Exception ignored" not in shown


IGNORED = """
import signal
from ipyproc import start_process
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
process = start_process("/bin/true", ["true"])
try:
    process.wait()
except ChildProcessError as error:
    print(error)
try:
    process.signal(0)
except ProcessLookupError as error:
    print(error)
del process
"""


@pytest.mark.parametrize("pidfds", ["0", "1"])
def test_waited_for_where_the_kernel_reaps(pidfds: str) -> None:
    """Where SIGCHLD is ignored, a process that was waited for is dropped quietly."""
    said = run_python(IGNORED, "-X", "dev", "-W", "error", IPYPROC_PIDFD=pidfds)

    lines = said.splitlines()
    assert lines[0].endswith("no child processes")
    assert lines[1:] == ["os: process already finished"]


STRICT = """
import os, sys
from ipyproc import start_process
sys.unraisablehook = lambda raised: print(type(raised.exc_value).__name__)
before = os.listdir("/proc/self/fd")
process = start_process("/bin/true", ["true"])
pid = process.pid
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
del process
print(os.path.exists(f"/proc/{pid}"), os.listdir("/proc/self/fd") == before)
"""


def test_warning_that_is_an_error() -> None:
    """Under -W error a dropped process is reaped, and its pidfd closed."""
    assert run_python(STRICT, "-W", "error") == "ResourceWarning\nFalse True\n"
