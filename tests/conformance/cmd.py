"""The kind cmd: a command, what is set on it, and steps."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ipyproc import Cmd, ProcessDoneError, command, command_context, context
from ipyproc.context import Context
from tests.conformance import values
from tests.conformance.command_steps import CommandSteps
from tests.conformance.command_streams import Counting, reader, writer
from tests.conformance.scene import Scene, wait_for_file
from tests.conformance.values import Json, UserError

_RUN: list[Json] = [{"op": "run"}]


def cmd(scene: Scene) -> None:
    """Make a command, do the steps with it and tell how it is then."""
    scene.start_helper()
    spec = scene.scenario["cmd"]
    began = time.monotonic()
    ctx, cancel = _context(spec.get("ctx"))
    clock = began if ctx is not None and ctx.deadline is not None else None
    scene.cleanup.callback(cancel)
    try:
        made = _made(spec, ctx)
    except TypeError as error:  # no context at all
        scene.result["new"] = {"panic": str(error)}
        return
    scene.result["new"] = {
        "path": scene.texts.text(made.path),
        "args_len": len(made.args),
        "err": scene.texts.error(made.err),
        "cancel_set": made.cancel is not None,
    }
    _set_fields(scene, spec, made)
    steps = CommandSteps(scene, made, cancel, clock)
    scene.cleanup.callback(steps.close)
    calls = _Calls(made, spec.get("cancel"), steps)
    _cancel_later(scene, spec.get("ctx") or {}, cancel)
    wanted = scene.scenario.get("steps")
    scene.result["steps"] = steps.perform(_RUN if wanted is None else wanted)
    if spec.get("cancel") is not None:
        scene.result["cancel_calls"] = calls.count
    _report(scene, spec, made)


class _Calls:
    """Counts the calls of a command's ``cancel``, and does what they are to do."""

    def __init__(self, made: Cmd, spec: Json | None, steps: CommandSteps) -> None:
        self.count = 0
        self._cmd = made
        self._spec = spec or {}
        self._steps = steps
        self._default = made.cancel
        if spec is not None:
            made.cancel = None if spec["kind"] == "none" else self._call

    def _call(self) -> None:
        self.count += 1
        getattr(self, f"_do_{self._spec['kind']}")()

    def _do_signal(self) -> None:
        assert self._cmd.process is not None
        self._cmd.process.signal(self._spec["sig"])

    def _do_error(self) -> None:
        raise UserError(self._spec["text"])

    def _do_error_done(self) -> None:
        raise UserError(self._spec["text"]) from ProcessDoneError()

    def _do_nil(self) -> None:
        """Do nothing, and be content with that."""

    def _do_close_stdin(self) -> None:
        self._steps.pipes["stdin"].close()
        if self._spec.get("text"):
            self._do_error()

    def _do_default(self) -> None:
        assert self._default is not None
        self._default()


def _context(spec: Json | None) -> tuple[Context | None, Callable[[], object]]:
    """Make the context of a scenario, and what cancels it."""
    parent = context.background()
    if spec is None or spec.get("nil"):
        return None, lambda: None
    if spec.get("background"):
        return parent, lambda: None
    if spec.get("timeout_ms") is not None:
        return context.with_timeout(parent, spec["timeout_ms"] / 1000)
    if spec.get("deadline_past"):
        return context.with_deadline(parent, time.time() - 1)
    ctx, cancel_cause = context.with_cancel_cause(parent)
    cause = UserError(spec["cause"]) if spec.get("cause") else None
    if spec.get("canceled"):
        cancel_cause(cause)
    return ctx, lambda: cancel_cause(cause)


def _made(spec: Json, ctx: Context | None) -> Cmd:
    name, arguments = spec.get("name") or "", spec.get("args") or []
    if spec.get("name_b64") is not None:
        name = os.fsdecode(base64.b64decode(spec["name_b64"]))
    if spec.get("literal") is not None:
        literal = spec["literal"]
        made = Cmd(path=literal["path"], args=literal.get("args") or [])
    elif spec.get("ctx") is not None:
        made = command_context(ctx, name, *arguments)  # type: ignore[arg-type]
    else:
        made = command(name, *arguments)
    if spec.get("set_path") is not None:
        made.path = spec["set_path"]
    if spec.get("set_args") is not None:
        made.args = spec["set_args"]
    return made


def _set_fields(scene: Scene, spec: Json, made: Cmd) -> None:
    made.dir = spec.get("dir")
    if spec.get("env") is not None:
        made.env = spec["env"]
    if spec.get("env_b64") is not None:
        made.env = [base64.b64decode(entry) for entry in spec["env_b64"]]
    if spec.get("extra_files") is not None:
        made.extra_files = scene.files.open_all(spec["extra_files"])
    made.sys_proc_attr = scene.system(spec.get("sys"))
    if spec.get("stdin") is not None:
        made.stdin = reader(spec["stdin"], scene.cleanup)
    for name in ("stdout", "stderr"):
        if spec.get(name) is not None:
            setattr(made, name, _sink(scene, spec[name], made))
    made.wait_delay = (spec.get("wait_delay_ms") or 0) / 1000


def _sink(scene: Scene, spec: Any, made: Cmd) -> Any:
    if spec == "same":
        return made.stdout
    return writer(spec, scene.files.terminal, scene.cleanup)


def _cancel_later(scene: Scene, spec: Json, cancel: Callable[[], object]) -> None:
    if spec.get("cancel_after_ms") is not None:
        timer = threading.Timer(spec["cancel_after_ms"] / 1000, cancel)
        timer.daemon = True
        timer.start()
        scene.cleanup.callback(timer.cancel)
    if spec.get("cancel_when_file"):
        over = threading.Event()
        arguments = (spec["cancel_when_file"], over, cancel)
        watcher = threading.Thread(target=_cancel_when_ready, args=arguments)
        watcher.start()
        scene.cleanup.callback(watcher.join)
        scene.cleanup.callback(over.set)


def _cancel_when_ready(
    path: str, over: threading.Event, cancel: Callable[[], object]
) -> None:
    while not over.wait(0.002):
        if wait_for_file(path, 0):
            cancel()
            return


def _report(scene: Scene, spec: Json, made: Cmd) -> None:
    pid = made.process.pid if made.process else 0
    if pid > 0:
        scene.pids.append(pid)
    scene.result["process_state"] = values.state(made.process_state, pid)
    scene.result["process_set"] = made.process is not None
    for name in ("stdout", "stderr"):
        sink: Any = getattr(made, name)
        if isinstance(spec.get(name), str) and spec[name] not in ("same", "discard"):
            data = sink.data if isinstance(sink, Counting) else sink.getvalue()
            scene.result[name] = scene.texts.data(bytes(data))
        elif isinstance(spec.get(name), dict) and "bad" in spec[name]:
            scene.result[name] = scene.texts.data(bytes(sink.data))
    if isinstance(made.stdout, Counting):
        scene.result["overlap"] = made.stdout.overlap
