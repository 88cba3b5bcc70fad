"""What a scenario does with a ``Cmd``, step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from ipyproc import Cmd, SyscallError
from tests.conformance import values
from tests.conformance.scene import Scene, timed, wait_for_file
from tests.conformance.values import Json, UserError


class CommandSteps:
    """Performs steps on the command of a scenario."""

    def __init__(
        self,
        scene: Scene,
        cmd: Cmd,
        cancel: Callable[[], object],
        clock: float | None = None,
    ) -> None:
        self._clock = clock
        self._scene = scene
        self._texts = scene.texts
        self._cmd = cmd
        self._cancel = cancel
        #: The command's pipes, by name.
        self.pipes: dict[str, Any] = {}

    def perform(self, steps: list[Json]) -> list[Json]:
        """Perform *steps* one after the other; none of them raises."""
        return [self._step(step) for step in steps]

    def close(self) -> None:
        """Close the pipes that the scenario left open."""
        for pipe in self.pipes.values():
            pipe.close()

    def _step(self, step: Json) -> Json:
        result: Json = {"op": step["op"]}
        started = time.monotonic()
        try:
            getattr(self, f"_op_{step['op']}")(step, result)
        except Exception as error:  # noqa: BLE001 - it is the result
            self._texts.set(result, error)
        return result | timed(step, started, self._clock)

    def _op_run(self, _: Json, result: Json) -> None:
        self._starting(self._cmd.run)
        result["ok"] = True

    def _op_start(self, _: Json, result: Json) -> None:
        self._starting(self._cmd.start)
        result["ok"] = True

    def _op_wait(self, _: Json, result: Json) -> None:
        self._cmd.wait()
        result["ok"] = True

    def _op_output(self, _: Json, result: Json) -> None:
        self._collect(self._cmd.output, result)

    def _op_combined_output(self, _: Json, result: Json) -> None:
        self._collect(self._cmd.combined_output, result)

    def _op_stdin_pipe(self, _: Json, result: Json) -> None:
        self.pipes["stdin"] = self._cmd.stdin_pipe()
        result["ok"] = True

    def _op_stdout_pipe(self, _: Json, result: Json) -> None:
        self.pipes["stdout"] = self._cmd.stdout_pipe()
        result["ok"] = True

    def _op_stderr_pipe(self, _: Json, result: Json) -> None:
        self.pipes["stderr"] = self._cmd.stderr_pipe()
        result["ok"] = True

    def _op_string(self, _: Json, result: Json) -> None:
        result["value"] = self._texts.text(self._cmd)

    def _op_environ(self, _: Json, result: Json) -> None:
        result["value"] = [self._texts.name(entry) for entry in self._cmd.environ()]

    def _op_get_err(self, _: Json, result: Json) -> None:
        result["err"] = self._texts.error(self._cmd.err)

    def _op_clear_err(self, _: Json, __: Json) -> None:
        self._cmd.err = None

    def _op_set_err(self, step: Json, _: Json) -> None:
        self._cmd.err = UserError(step["text"])

    def _op_set_env(self, step: Json, _: Json) -> None:
        self._cmd.env = list(step["env"])

    def _op_set_dir(self, step: Json, _: Json) -> None:
        self._cmd.dir = step["dir"]

    def _op_set_stdout_nil(self, _: Json, __: Json) -> None:
        self._cmd.stdout = None

    def _op_write_stdin(self, step: Json, result: Json) -> None:
        result["n"] = 0
        if not self._is_closed("stdin", "write", result):
            result["n"] = self.pipes["stdin"].write(step["text"].encode())
            result["ok"] = True

    def _op_read_stdout(self, _: Json, result: Json) -> None:
        self._read("stdout", result)

    def _op_read_stderr(self, _: Json, result: Json) -> None:
        self._read("stderr", result)

    def _op_read_line(self, _: Json, result: Json) -> None:
        if not self._is_closed("stdout", "read", result):
            line = self.pipes["stdout"].readline()
            result |= {"out": self._texts.data(line), "ok": True}

    def _op_close_stdin(self, _: Json, result: Json) -> None:
        self._close("stdin", result)

    def _op_close_stdout(self, _: Json, result: Json) -> None:
        self._close("stdout", result)

    def _op_cancel(self, _: Json, __: Json) -> None:
        self._cancel()

    def _op_sleep(self, step: Json, _: Json) -> None:
        time.sleep(step.get("ms", 0) / 1000)

    def _op_wait_file(self, step: Json, result: Json) -> None:
        result["ok"] = wait_for_file(step["path"], step.get("ms", 10000))

    def _op_wait_exit(self, _: Json, result: Json) -> None:
        self._bare(os.waitid, os.P_PID, self._pid(), os.WEXITED | os.WNOWAIT)
        result["ok"] = True

    def _op_raw_reap(self, _: Json, result: Json) -> None:
        result["sys"] = self._bare(os.waitpid, self._pid(), 0)[1]
        result["ok"] = True

    def _op_signal(self, step: Json, result: Json) -> None:
        result["sig"] = step["sig"]
        assert self._cmd.process is not None
        self._cmd.process.signal(step["sig"])
        result["ok"] = True

    def _op_kill(self, _: Json, result: Json) -> None:
        assert self._cmd.process is not None
        self._cmd.process.kill()
        result["ok"] = True

    def _op_process_wait(self, _: Json, result: Json) -> None:
        assert self._cmd.process is not None
        result["state"] = None
        state = self._cmd.process.wait()
        result |= {"ok": True, "state": values.state(state, self._pid())}

    def _op_process_release(self, _: Json, result: Json) -> None:
        assert self._cmd.process is not None
        self._scene.pids.append(self._pid())
        self._cmd.process.release()
        result["ok"] = True

    def _op_process_state(self, _: Json, result: Json) -> None:
        state = self._cmd.process_state
        result |= {"nil": state is None, "string": str(state), "exit_code": -1}
        if state is None:
            result["string"] = "<nil>"
        else:
            result["exit_code"] = state.exit_code

    def _op_process_nil(self, _: Json, result: Json) -> None:
        result["value"] = self._cmd.process is None

    def _starting(self, function: Callable[[], object]) -> Any:
        try:
            return function()
        finally:
            self._scene.files.close_after_start()

    def _collect(self, function: Callable[[], object], result: Json) -> None:
        try:
            result["out"] = self._texts.data(self._starting(function))
            result["ok"] = True
        except Exception as error:
            output = getattr(error, "output", None)
            result["out"] = None if output is None else self._texts.data(output)
            raise

    def _read(self, name: str, result: Json) -> None:
        result["out"] = None
        if not self._is_closed(name, "read", result):
            result["out"] = self._texts.data(self.pipes[name].read())
            result["ok"] = True

    def _close(self, name: str, result: Json) -> None:
        if not self._is_closed(name, "close", result):
            self.pipes[name].close()
            result["ok"] = True

    def _is_closed(self, name: str, op: str, result: Json) -> bool:
        """Whether a pipe is closed; then using it is an error as Go words it.

        As everywhere in Python, using a closed file is a ``ValueError`` here, and
        closing it again is none.
        """
        if not self.pipes[name].closed:
            return False
        path = "|1" if name == "stdin" else "|0"
        closed = {"str": "file already closed", "type": "fs.ErrClosed"}
        result["ok"] = False
        result["err"] = {
            "str": f"{op} {path}: file already closed",
            "type": "PathError",
            "op": op,
            "path": path,
            "is": ["fs.ErrClosed"],
            "wraps": closed | {"is": ["fs.ErrClosed"]},
        }
        return True

    def _pid(self) -> int:
        return self._cmd.process.pid if self._cmd.process else 0

    def _bare(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except OSError as error:
            raise SyscallError(None, error.errno or 0) from None
