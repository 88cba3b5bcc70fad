"""One scenario being performed: its directory, its files, its result."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipyproc import ProcAttr, SysProcAttr, start_process
from tests.conformance import system
from tests.conformance.files import Files
from tests.conformance.parent import BASE_ENVIRONMENT
from tests.conformance.values import Json, Texts

_LAST_OUTPUT = 3.0


@dataclass
class Scene:
    """What the code for one kind of scenario works with.

    *result* is what the driver will print. What is put into *cleanup* is undone in
    the end, and the children in *pids* are killed and reaped.
    """

    scenario: dict[str, Any]
    texts: Texts
    files: Files
    cleanup: ExitStack
    result: Json
    pids: list[int] = field(default_factory=list)
    helper: int = 0

    def system(self, spec: dict[str, Any] | None) -> SysProcAttr | None:
        """Make the ``SysProcAttr`` of a specification."""
        return system.attributes(spec, self.files.tty, self.helper, self.cleanup)

    def start_helper(self) -> None:
        """Start the process that the scenario wants beside its own."""
        spec = self.scenario.get("helper")
        if spec is None:
            return
        env = BASE_ENVIRONMENT if spec.get("env") is None else spec["env"]
        files = self.files.open_all(spec.get("files"))
        attr = ProcAttr(env=env, files=files, sys=self.system(spec.get("sys")))
        process = start_process(spec["name"], spec["argv"], attr)
        self.helper = process.pid
        self.pids.append(process.pid)
        self.files.close_after_start()
        process.release()

    def finish(self) -> None:
        """End what is left and collect what was printed."""
        self.files.close_after_start()
        if self.files.stdin is not None:
            self.files.stdin.close()
        for name in self.scenario.get("cleanup_pidfiles") or []:
            _kill_listed(Path(name))
        for pid in self.pids:
            _kill_and_reap(pid)
        for name, capture in self.files.captures.items():
            output, left_open = capture.finish(_LAST_OUTPUT)
            if left_open:
                self.result[f"{name}_open"] = True
            self.result[name] = self.texts.data(output)
        self._report_files()
        for key in self.scenario.get("omit") or []:
            self.result.pop(key, None)

    def _report_files(self) -> None:
        names = self.scenario.get("read_files")
        if names:
            self.result["files"] = {
                self.texts.text(name): self._content(Path(name)) for name in names
            }

    def _content(self, path: Path) -> Json | None:
        try:
            return self.texts.data(path.read_bytes())
        except OSError:
            return None


def wait_for_file(path: str, milliseconds: float) -> bool:
    """Wait until a file has content, as children say that they are ready."""
    end = time.monotonic() + milliseconds / 1000
    while not os.path.exists(path) or os.path.getsize(path) == 0:
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def timed(step: Json, started: float, clock: float | None = None) -> Json:
    """Judge how long a step took that began at *started*, if it says so.

    *clock* is when a time-out began that ends the step: on a busy machine that may be
    long before.
    """
    now = time.monotonic()
    judged = {}
    if "max_ms" in step:
        judged["in_time"] = (now - started) * 1000 <= step["max_ms"]
    if "min_ms" in step:
        least = now - (started if clock is None else clock)
        judged["not_early"] = least * 1000 >= step["min_ms"]
    return judged


def _kill_listed(path: Path) -> None:
    words = path.read_text().split() if path.exists() else []
    for word in words:
        if word.isdigit() and int(word) > 1:
            _kill(int(word), signal.SIGKILL)


def _kill_and_reap(pid: int) -> None:
    for _ in range(50):
        try:
            found, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if found == pid and not os.WIFSTOPPED(status):
            return
        _kill(pid, signal.SIGKILL)
        _kill(pid, signal.SIGCONT)
        time.sleep(0.002)


def _kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
