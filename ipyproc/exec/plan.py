"""What a command is to run, apart from its running."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from errno import EINVAL

from ipyproc.attr import Env, File, ProcAttr, SysProcAttr
from ipyproc.errors import CmdStateError, PathError
from ipyproc.exec.copy import Reader, Writer
from ipyproc.exec.environ import Directory, environment
from ipyproc.process import Process, start_process
from ipyproc.state import ProcessState

Word = str | bytes | os.PathLike[str]


@dataclass(eq=False, repr=False)
class Plan:
    """The fields of a command; ``Cmd`` says what each of them means."""

    path: Word = ""
    args: Sequence[Word] = ()
    env: Env = None
    dir: Directory = None
    stdin: Reader | bytes | bytearray | memoryview | File = None
    stdout: Writer | File = None
    stderr: Writer | File = None
    extra_files: Sequence[File] = ()
    sys_proc_attr: SysProcAttr | None = None
    process: Process | None = field(default=None, init=False)
    process_state: ProcessState | None = field(default=None, init=False)
    err: BaseException | None = None
    cancel: Callable[[], object] | None = None
    wait_delay: float = 0.0

    def __str__(self) -> str:
        """Show the command for a human; not for a shell (Go: ``Cmd.String``)."""
        args = [os.fsdecode(arg) for arg in self.args]
        return " ".join(args if self.err else [os.fsdecode(self.path), *args[1:]])

    def __repr__(self) -> str:
        return f"Cmd(path={self.path!r}, args={self.args!r})"

    def start_process(self, stdio: Sequence[File]) -> Process:
        """Start the process with *stdio* for its first three files.

        Raises what ``start_process`` does, and ``PathError`` for a NUL byte.
        """
        env = self._child_env()
        path = os.fsdecode(self.path)
        argv = [os.fsdecode(arg) for arg in self.args] or [path]
        if any("\0" in word for word in (path, *argv)):
            raise PathError("fork/exec", path, EINVAL)
        files = [*stdio, *self.extra_files]
        attr = ProcAttr(self.dir, env, files, self.sys_proc_attr)
        return start_process(path, argv, attr)

    def _child_env(self) -> list[str] | None:
        if self.env is None and not self.dir:
            return None  # the caller's has no duplicates and no PWD to correct
        env, error = environment(self.env, self.dir)
        if error is not None:
            raise error
        return env

    def check_startable(self) -> None:
        """Raise what is wrong before anything was tried."""
        if not self.path and self.err is None:
            self.err = CmdStateError("exec: no command")
        if self.err is not None:
            raise self.err
