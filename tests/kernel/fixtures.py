"""A real IPython kernel for tests: its messages are what a front end would get.

Tests that use one are in one xdist group, so that one worker runs them all::

    pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_event_loop

from tests.kernel import versions
from tests.sandbox import PATIENCE, sandbox

Message = dict[str, Any]
#: A cell that says so and waits for an interrupt. It hears of one by a descriptor: a
#: call that sleeps is not ended by a signal that another thread of the kernel takes.
BUSY = """
import os, signal
ours, theirs = os.pipe()
os.set_blocking(theirs, False)
before = signal.set_wakeup_fd(theirs)
print("it", "sleeps", flush=True)
try:
    while os.read(ours, 1): pass
finally:
    signal.set_wakeup_fd(before)
    os.close(ours); os.close(theirs)
"""
OUTPUTS = ("stream", "display_data", "update_display_data", "execute_result", "error")


@dataclass
class Reply:
    """The result of one execution: every message that a front end would draw."""

    messages: list[Message] = field(default_factory=list)

    def contents(self, kind: str) -> list[Message]:
        """Return the contents of the messages of one *kind*, in order."""
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    @property
    def stdout(self) -> str:
        """What was printed."""
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        """What was printed to standard error; IPython's usage errors are, too."""
        return self._stream("stderr")

    @property
    def result(self) -> str | None:
        """The text of the cell's value, ``Out[n]``; None if it has none."""
        results = self.contents("execute_result")
        return results[-1]["data"]["text/plain"] if results else None

    @property
    def error(self) -> str | None:
        """The name and text of the exception that ended the cell, or None."""
        errors = self.contents("error")
        return f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else None

    def _stream(self, name: str) -> str:
        streams = self.contents("stream")
        return "".join(s["text"] for s in streams if s["name"] == name)


class Kernel:
    """A kernel and one client of it; *sockets* is the folder of what connects them."""

    def __init__(self, folder: Path, environment: dict[str, str], sockets: str) -> None:
        self.manager = KernelManager(
            # No kernel folders: the kernel is always this very interpreter's.
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            connection_file=str(folder / "connection.json"),
            # A TCP port is chosen free, but another process may take it before the
            # kernel does; the kernel then dies while it starts.
            transport="ipc",
            ip=f"{sockets}/kernel",
        )
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = self.manager.client()
        # If a busy kernel misses a heartbeat, the channel opens another socket in place
        # of its own, and the guard takes that for a leak.
        self.client.start_channels(hb=False)
        self.client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        """The kernel's own pid; it changes when the kernel is restarted."""
        provisioner = self.manager.provisioner
        assert provisioner is not None
        return provisioner.pid

    def start(self, code: str, *, as_user: bool = False) -> str:
        """Begin to execute *code*; the id that comes back is for `finish`.

        After an error the kernel refuses for a moment what comes next, if it is asked
        to stop on errors: "Run all" needs that, and tests would lose a cell by it.
        """
        return self.client.execute(code, allow_stdin=as_user, stop_on_error=False)

    def messages(self, execution: str, timeout: float = 60) -> Iterator[Message]:
        """Yield the outputs of an execution as they come, until it is done."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                left = max(0, deadline - time.monotonic())
                message = self.client.get_iopub_msg(timeout=left)
            except queue.Empty:
                raise TimeoutError(f"not done within {timeout} s") from None
            if message["parent_header"].get("msg_id") != execution:
                continue
            if message["content"].get("execution_state") == "idle":
                return
            if message["msg_type"] in OUTPUTS:
                yield message

    def finish(self, execution: str, timeout: float = 60) -> Reply:
        """Collect the outputs of an execution until it is done."""
        return Reply(list(self.messages(execution, timeout)))

    def run(self, code: str, timeout: float = 60, *, as_user: bool = False) -> Reply:
        """Execute *code* and collect its outputs; an error is in the reply.

        *as_user*: as a front end does in which somebody can answer.
        """
        return self.finish(self.start(code, as_user=as_user), timeout)

    def interrupt(self) -> None:
        """Do what the front end's stop button does."""
        self.manager.interrupt_kernel()

    def restart(self, *, now: bool = False) -> None:
        """Restart as a front end does; *now* kills instead of asking."""
        self.manager.restart_kernel(now=now)
        self.client.wait_for_ready(timeout=60)

    def close(self, *, now: bool = False) -> None:
        """Shut the kernel down; *now* kills instead of asking."""
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=now)
        self.manager.cleanup_resources()


@contextmanager
def running(
    folder: Path, patience: float = PATIENCE, version: str | None = None
) -> Iterator[Kernel]:
    """Run a kernel in *folder*, which is also its home; nothing of it survives.

    *version* is one of `versions.OLDER`; None is the ipykernel of this environment.
    """
    with sandbox(folder, patience) as environment, ExitStack() as stack:
        if version:
            environment |= versions.environment(version)
        # A socket's path has at most 107 bytes, and *folder* may be longer.
        sockets = stack.enter_context(TemporaryDirectory())
        kernel = Kernel(folder, environment, sockets)
        stack.callback(kernel.close)
        yield kernel


@pytest.fixture(scope="session")
def client_loop() -> Iterator[None]:
    """Make the event loop that jupyter_client keeps, so that the guard knows it."""
    loop = ensure_event_loop()
    yield
    loop.close()


@pytest.fixture(scope="module")
def kernel(
    client_loop: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """One kernel for all tests of a module, with ``ipyproc`` loaded."""
    with running(tmp_path_factory.mktemp("kernel")) as kernel:
        reply = kernel.run("%load_ext ipyproc")
        assert reply.error is None, reply.error
        yield kernel


@pytest.fixture
def new_kernel(client_loop: None, tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels for one test, which may interrupt and kill them."""
    with ExitStack() as stack:

        def start(version: str | None = None) -> Kernel:
            folder = tmp_path / f"kernel-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return stack.enter_context(running(folder, version=version))

        yield start
