"""What a scenario does with a ``Process``, step by step."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
import threading
import time
from typing import Any

from ipyproc import INTERRUPT, KILL, Process, SyscallError, find_process
from tests.conformance import values
from tests.conformance.scene import Scene, timed, wait_for_file
from tests.conformance.values import Json


class Steps:
    """Performs steps on the processes of a scenario, by their names."""

    def __init__(self, scene: Scene, process: Process, pid: int) -> None:
        self._scene = scene
        self._processes = {"p": process}
        self._pid = pid
        #: A descriptor of the caller's own, where Go fills in ``*PidFD``.
        self.pidfd: int | None = None

    def perform(self, steps: list[Json]) -> list[Json]:
        """Perform *steps* one after the other; none of them raises."""
        return [self._step(step) for step in steps]

    def _step(self, step: Json) -> Json:
        result: Json = {"op": step["op"]}
        if "on" in step:
            result["on"] = step["on"]
        process = self._processes[step.get("on", "p")]
        started = time.monotonic()
        try:
            getattr(self, f"_op_{step['op']}")(step, result, process)
        except Exception as error:  # noqa: BLE001 - it is the result
            self._scene.texts.set(result, error)
        return result | timed(step, started)

    def _op_wait(self, step: Json, result: Json, process: Process) -> None:
        result["state"] = None
        state = process.wait()
        result["ok"] = True
        result["state"] = values.state(state, self._pid)
        if "min_cpu_ms" in step:
            used = state.user_time + state.system_time
            result["cpu_ok"] = used * 1000 >= step["min_cpu_ms"]
            result["maxrss_ok"] = state.sys_usage.maxrss > 0

    def _op_signal(self, step: Json, result: Json, process: Process) -> None:
        result["sig"] = step["sig"]
        names: dict[Any, Any] = {"os.Interrupt": INTERRUPT, "os.Kill": KILL}
        names["custom"] = object()
        process.signal(names.get(step["sig"], step["sig"]))
        result["ok"] = True

    def _op_kill(self, _: Json, result: Json, process: Process) -> None:
        process.kill()
        result["ok"] = True

    def _op_release(self, _: Json, result: Json, process: Process) -> None:
        process.release()
        result["ok"] = True

    def _op_pid(self, _: Json, result: Json, process: Process) -> None:
        result["value"] = "{CHILD}" if process.pid == self._pid else process.pid

    def _op_with_handle(self, step: Json, result: Json, process: Process) -> None:
        result["called"] = False
        with process.handle() as fd:
            result |= {"called": True, **described(fd, self._pid)}
            result["cloexec"] = not os.get_inheritable(fd)
            if "inside" in step:
                result["inside"] = self.perform(step["inside"])
                result["still_open"] = described(fd, self._pid)["is_pidfd"]
        result["ok"] = True

    def _op_find(self, _: Json, result: Json, __: Process) -> None:
        self._processes["found"] = find_process(self._pid)
        result["ok"] = True

    def _op_literal(self, _: Json, result: Json, __: Process) -> None:
        self._processes["lit"] = Process(self._pid)
        result["ok"] = True

    def _op_sleep(self, step: Json, result: Json, _: Process) -> None:
        time.sleep(step["ms"] / 1000)
        result["ok"] = True

    def _op_wait_file(self, step: Json, result: Json, _: Process) -> None:
        result["ok"] = wait_for_file(step["path"], step.get("ms", 10000))

    def _op_wait_exit(self, _: Json, result: Json, __: Process) -> None:
        _bare(os.waitid, os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        result["ok"] = True

    def _op_raw_reap(self, _: Json, result: Json, __: Process) -> None:
        result["sys"] = _bare(os.waitpid, self._pid, 0)[1]
        result["ok"] = True

    def _op_raw_kill(self, step: Json, result: Json, _: Process) -> None:
        _bare(os.kill, self._pid, step.get("sig", signal.SIGKILL))
        result["ok"] = True

    def _op_kill_group(self, step: Json, result: Json, _: Process) -> None:
        _bare(os.killpg, self._pid, step.get("sig", signal.SIGKILL))
        result["ok"] = True

    def _op_wait_stopped(self, _: Json, result: Json, __: Process) -> None:
        status = _bare(os.waitpid, self._pid, os.WUNTRACED)[1]
        result |= {"ok": True, "stopped": os.WIFSTOPPED(status)}

    def _op_write_stdin(self, step: Json, result: Json, _: Process) -> None:
        assert self._scene.files.stdin is not None
        self._scene.files.stdin.write(step["text"].encode())
        result["ok"] = True

    def _op_close_stdin(self, _: Json, result: Json, __: Process) -> None:
        if self._scene.files.stdin is not None:
            self._scene.files.stdin.close()
            self._scene.files.stdin = None
            result["ok"] = True

    def _op_pidfd(self, _: Json, result: Json, __: Process) -> None:
        seen = described(self.pidfd, self._pid)
        result |= {**seen, "pid_gone": pid_behind(self.pidfd) == -1}

    def _op_concurrent_wait(self, step: Json, result: Json, process: Process) -> None:
        ends: list[str] = []
        waiters = [
            threading.Thread(target=lambda: ends.append(_how_wait_ends(process)))
            for _ in range(step.get("n", 4))
        ]
        for waiter in waiters:
            waiter.start()
        if step.get("kill_after_ms", -1) >= 0:
            time.sleep(step["kill_after_ms"] / 1000)
            process.kill()
        for waiter in waiters:
            waiter.join()
        for name in ("ok_count", "echild_count", "other_count"):
            result[name] = ends.count(name)

    def _op_tcgetpgrp(self, _: Json, result: Json, __: Process) -> None:
        group = _bare(os.tcgetpgrp, self._scene.files.tty)
        names = {self._scene.helper: "helper", os.getpgrp(): "driver"}
        result["value"] = (names | {self._pid: "child"}).get(group, "other")

    def _op_tcsetpgrp(self, _: Json, result: Json, __: Process) -> None:
        tty = self._scene.files.tty
        group = os.getpgrp().to_bytes(4, "little")
        _bare(fcntl.ioctl, tty, termios.TIOCSPGRP, group)
        result["ok"] = True


def pid_behind(fd: int | None) -> int | None:
    """Return the pid that a pidfd names, -1 after the end; None if it is no pidfd."""
    try:
        if fd is None or "pidfd" not in os.readlink(f"/proc/self/fd/{fd}"):
            return None
    except OSError:
        return None
    with open(f"/proc/self/fdinfo/{fd}") as lines:
        return next(int(line[4:]) for line in lines if line.startswith("Pid:"))


def described(fd: int | None, pid: int) -> Json:
    """Whether *fd* is a pidfd, and the one of *pid*."""
    behind = pid_behind(fd)
    return {"is_pidfd": behind is not None, "pid_ok": behind == pid}


def _how_wait_ends(process: Process) -> str:
    try:
        process.wait()
    except ChildProcessError:
        return "echild_count"
    except OSError:
        return "other_count"
    return "ok_count"


def _bare(call: Any, *arguments: Any) -> Any:
    """Make a plain system call; its error is Go's bare Errno."""
    try:
        return call(*arguments)
    except OSError as error:
        raise SyscallError(None, error.errno) from None
