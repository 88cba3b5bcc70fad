"""The driver: performs scenarios, and prints a line of JSON for each.

``python -m tests.conformance.driver [ID...] < scenarios.json``; an id may end in ``*``.
It changes its own environment, descriptors and signals, so it is a process of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

from tests.conformance import parent, placeholders
from tests.conformance.files import ABOVE_SLOTS, SLOTS, Files
from tests.conformance.scene import Scene
from tests.conformance.terminal import open_pty, run_in_session
from tests.conformance.values import Json, Texts

#: Which function performs a kind. The modules are imported when they are needed.
_KINDS = {
    "start_process": "processes.start",
    "find_process": "processes.find",
    "literal": "processes.literal",
    "signal_string": "tables.signal_string",
    "errno_string": "tables.errno_string",
    "wait_status": "tables.wait_status",
    "fd_leak": "leak.fd_leak",
    "cmd": "cmd.cmd",
    "look_path": "look_path.look_path",
    "concurrent": "concurrent.concurrent",
    "quote": "quote.quote",
}
_TIMEOUT_MS = 30000


@dataclass(frozen=True)
class Own:
    """Descriptors that are the driver's and never a child's."""

    out: int
    spare: int


def main() -> None:
    """Perform the scenarios on standard input that the arguments name."""
    scenarios = json.load(sys.stdin)
    wanted = sys.argv[1:] or ["*"]
    own = settle()
    for scenario in scenarios:
        if any(fnmatchcase(scenario["id"], pattern) for pattern in wanted):
            emit(own, watched(scenario, own))


def settle() -> Own:
    """Take the driver's own descriptors out of the way, /dev/null into the slots."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the descriptor that listed them is closed again
            os.set_inheritable(int(name), False)
    out = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, ABOVE_SLOTS)
    log = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, ABOVE_SLOTS)
    sys.stderr = open(log, "w", buffering=1)  # noqa: SIM115 - open to the end
    null = os.open(os.devnull, os.O_RDWR)
    spare = fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, ABOVE_SLOTS)
    for slot in range(SLOTS):
        os.dup2(spare, slot, inheritable=False)
    return Own(out, spare)


def emit(own: Own, result: Json) -> None:
    """Print one result."""
    line = json.dumps(result, sort_keys=True, separators=(",", ":")) + "\n"
    os.write(own.out, line.encode())


def watched(scenario: Json, own: Own) -> Json:
    """Perform a scenario; if it does not end, say so and give up."""

    def give_up() -> None:
        emit(own, {"id": scenario["id"], "driver_error": "timeout"})
        os._exit(3)

    limit = scenario.get("timeout_ms", _TIMEOUT_MS) / 1000
    timer = threading.Timer(limit, give_up)
    timer.daemon = True
    timer.start()
    try:
        return perform(scenario, own)
    finally:
        timer.cancel()


def perform(scenario: Json, own: Own, tty: int | None = None) -> Json:
    """Perform one scenario; *tty* is the terminal of the session that we lead."""
    result: Json = {"id": scenario["id"], "kind": scenario["kind"]}
    directory = tempfile.mkdtemp(prefix="orc", dir="/tmp")
    os.chmod(directory, 0o755)
    try:
        with ExitStack() as undo:
            undo.callback(os.chdir, "/")
            if scenario.get("in_tty_session") and tty is None:
                return run_in_session(scenario, directory)
            _perform(scenario, result, directory, own, tty, undo)
    except Exception:  # noqa: BLE001 - it is the result
        result["driver_error"] = traceback.format_exc()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return result


def _perform(
    scenario: Json,
    result: Json,
    directory: str,
    own: Own,
    tty: int | None,
    undo: ExitStack,
) -> None:
    terminal = open_pty(undo) if scenario.get("pty") else None
    cgroups = placeholders.own_cgroups(scenario)
    expand = placeholders.expander(directory, terminal, cgroups)
    scenario = placeholders.expanded(scenario, expand)
    files = Files(terminal, tty, own.spare)
    texts = Texts(directory, terminal, cgroups)
    scene = Scene(scenario, texts, files, undo, result)
    changes = scenario.get("parent") or {}
    undo.enter_context(parent.environment(changes.get("env")))
    parent.set_up(scenario.get("setup") or [], undo)
    os.chdir(changes.get("cwd") or directory)
    parent.change(changes, files, undo)
    try:
        _performer(scenario["kind"])(scene)
    finally:
        scene.finish()


def _performer(kind: str) -> Callable[[Scene], None]:
    module, function = _KINDS[kind].split(".")
    performer: Any = getattr(import_module(f"tests.conformance.{module}"), function)
    return performer


def main_in_session(path: str) -> None:
    """Perform the one scenario in a file, as leader of a session with a terminal."""
    with open(path) as file:
        scenario = json.load(file)
    own = settle()
    tty = os.open("/dev/tty", os.O_RDWR)
    for number in (signal.SIGTTOU, signal.SIGTTIN):
        signal.signal(number, signal.SIG_IGN)
    emit(own, perform(scenario, own, tty))


if __name__ == "__main__":
    main_in_session(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main()
