"""The kernel fixtures themselves: what other tests build on must hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.kernel import versions
from tests.kernel.fixtures import BUSY, Kernel, running
from tests.sandbox import StrayError

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]
StartKernel = Callable[..., Kernel]


def test_outputs_are_those_of_the_cell(new_kernel: StartKernel) -> None:
    """What a cell prints, displays, returns and raises is told apart."""
    kernel = new_kernel()

    reply = kernel.run("import sys; print('out'); print('err', file=sys.stderr); 6 * 7")
    failed = kernel.run("1 / 0")

    assert (reply.stdout, reply.stderr, reply.result) == ("out\n", "err\n", "42")
    assert reply.error is None
    assert failed.error == "ZeroDivisionError: division by zero"


def test_a_kernel_lives_in_a_home_of_its_own(new_kernel: StartKernel) -> None:
    """The kernel sees this interpreter and a home that is not the user's."""
    kernel = new_kernel()

    reply = kernel.run("import os, sys; print(os.environ['HOME'], sys.prefix)")

    home, prefix = reply.stdout.split()
    assert home != os.environ.get("HOME")
    assert prefix == sys.prefix


def test_an_interrupt_reaches_the_cell(new_kernel: StartKernel) -> None:
    """A cell that waits is interrupted, and the kernel continues."""
    kernel = new_kernel()
    execution = kernel.start(BUSY)
    messages = kernel.messages(execution)
    assert next(messages)["content"]["text"].startswith("it sleeps")

    kernel.interrupt()

    assert [m["content"].get("ename") for m in messages][-1] == "KeyboardInterrupt"
    assert kernel.run("1 + 1").result == "2"


def test_a_restart_gives_a_new_process(new_kernel: StartKernel) -> None:
    """After a restart the kernel is another process and knows nothing."""
    kernel = new_kernel()
    kernel.run("x = 1")
    before = kernel.pid

    kernel.restart(now=True)

    assert kernel.pid != before
    assert kernel.run("x").error == "NameError: name 'x' is not defined"


def test_what_outlives_a_kernel_is_found_and_ended(
    client_loop: None, tmp_path: Path
) -> None:
    """A process that a kernel leaves behind is an error, and it is killed."""
    code = "import subprocess; print(subprocess.Popen(['setsid', 'sleep', '99']).pid)"

    with pytest.raises(StrayError, match="sleep"), running(tmp_path, 0.1) as kernel:
        reply = kernel.run(code)

    assert not psutil.pid_exists(int(reply.stdout))


@pytest.mark.parametrize("version", versions.OLDER)
def test_an_older_ipykernel_is_the_one_that_runs(
    new_kernel: StartKernel, version: str
) -> None:
    """A kernel that was asked for by its version has that version."""
    kernel = new_kernel(version)

    assert kernel.run("import ipykernel; ipykernel.__version__").result == repr(version)
