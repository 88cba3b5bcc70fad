"""The standard descriptors of a job: the child's ends and ours."""

from __future__ import annotations

import os
import tempfile
import termios
from collections.abc import Collection
from contextlib import suppress
from errno import EACCES, EINVAL, EISDIR, ENOSYS, EPERM
from typing import TypeAlias

from ipyproc._jobs.checks import PIPE, Sink, Source
from ipyproc._process.descriptors import (
    close_all,
    move_last,
    opened,
    opened_pipe,
    opened_terminal,
)
from ipyproc._process.terminal import FreshTerminal
from ipyproc.attr import File
from ipyproc.errors import PathError, SyscallError

STDOUT, STDERR = 0, 1
_Path: TypeAlias = str | os.PathLike[str]
_READ = os.O_RDONLY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
# What the job starts prints into the file, too.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
_RECORD = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# Its middle may be given back to the disk, which takes the right to write.
_FOLLOWED = os.O_RDWR | os.O_CLOEXEC
# termios(3): Backspace erases a whole character.
_IUTF8 = 0o40000
#: What a detached job prints into, in its folder.
LOGS = ("out", "err")


class ChildStdio:
    """What a child gets as descriptors 0, 1 and 2, and our ends of its pipes.

    Whenever a signal handler raises, each descriptor that is open is in one of three
    lists, so that ``close`` closes what is open and nothing else.
    """

    def __init__(self) -> None:
        #: For ``ProcAttr.files``.
        self.files: list[File] = []
        #: The end that its standard input is written to.
        self.input: int | None = None
        #: The master of its terminal once more, for what is typed.
        self.keyboard: int | None = None
        #: The ends that its output is read from, by stream.
        self.outputs: dict[int, int] = {}
        #: The files that were made for it to print into, by stream.
        self.logs: dict[int, str] = {}
        #: The file for what its terminal shows, in which we write: its descriptor.
        self.record: list[int] = []
        self._log_ends: dict[int, int] = {}
        self._theirs: list[int] = []
        self._ours: list[int] = []
        # Of a pipe that is just being made: to read from, to write to.
        self._fresh: list[int] = []

    def open(
        self,
        stdin: Source,
        stdout: Sink,
        stderr: Sink,
        *,
        merge: bool = False,
        append: bool = False,
        script: bytes | None = None,
        log: str | None = None,
        pty: tuple[int, int] | None = None,
    ) -> None:
        """Open what a request asks for; *script* is read from descriptor ``SCRIPT``.

        Files are emptied, or with *append* written from their ends on. Output that
        would be captured goes to files in the folder *log*, if that is given: those of
        a detached job, for pipes end with who reads them. With *pty* all three are a
        terminal of so many rows and columns, but for an input that has an end.
        """
        self._write = _WRITE | (os.O_APPEND if append else os.O_TRUNC)
        merge = merge or _same(stdout, stderr)
        if log is not None and pty is not None:
            path = os.path.join(log, LOGS[STDOUT])
            opened(self.record, os.open, path, _RECORD, 0o600)
        elif log is not None:
            captured = [stdout is None, stderr is None and not merge]
            self._make_logs(log, [s for s in (STDOUT, STDERR) if captured[s]])
        terminal = None if pty is None else self._terminal(*pty)
        if terminal and (stdin is None or stdin is PIPE):
            self.files.append(terminal)
        else:
            self._source(stdin)
        if terminal:
            self.files += [terminal, terminal]
        else:
            self._sinks(stdout, stderr, merge)
        if script is not None:
            self.files.append(self._filled(script))

    def close_theirs(self) -> None:
        """Close the child's ends, once it has them."""
        close_all(self._theirs)

    def close(self) -> None:
        """Close everything, and remove the files of a job that was not started."""
        self._unlink_logs()
        for held in (self._fresh, self._theirs, self._ours, self.record):
            close_all(held)

    def left(self, but: Collection[int] = ()) -> set[int]:
        """Return what is to be closed, *but* those of our ends that have an owner."""
        held = {*self._fresh, *self._theirs, *self._ours, *self.record}
        return held.difference(but)

    def _terminal(self, rows: int, columns: int) -> FreshTerminal:
        try:
            opened_terminal(self._fresh)
            slave = FreshTerminal(move_last(self._fresh, self._theirs))
            master = move_last(self._fresh, self._ours)
            termios.tcsetwinsize(master, (rows, columns))
            settings = termios.tcgetattr(master)
            settings[0] |= _IUTF8
            termios.tcsetattr(master, termios.TCSANOW, settings)
            self.keyboard = opened(self._ours, os.dup, master)
        except OSError as error:
            raise SyscallError("openpty", error.errno or EINVAL) from None
        self.outputs[STDOUT] = master
        return slave

    def _sinks(self, stdout: Sink, stderr: Sink, merge: bool) -> None:
        self._sink(STDOUT, stdout)
        if merge:
            self.files.append(self.files[1])
        else:
            self._sink(STDERR, stderr)

    def _source(self, stdin: Source) -> None:
        if stdin is None:
            self.files.append(self._open(os.devnull, _READ))
        elif stdin is PIPE or isinstance(stdin, bytes):
            self._pipe()
            self.input = move_last(self._fresh, self._ours)
            self.files.append(move_last(self._fresh, self._theirs))
        elif isinstance(stdin, str | os.PathLike):
            self.files.append(self._open(stdin, _READ))
        else:
            self.files.append(stdin)

    def _sink(self, stream: int, file: Sink) -> None:
        if stream in self._log_ends:
            self.files.append(self._log_ends[stream])
        elif file is None:
            self._pipe()
            self.files.append(move_last(self._fresh, self._theirs))
            self.outputs[stream] = move_last(self._fresh, self._ours)
        elif isinstance(file, str | os.PathLike):
            self.files.append(self._open(file, self._write))
        else:
            self.files.append(file)

    def reopen(self, log: str) -> None:
        """Open what a job that runs already prints into, in the folder *log*."""
        for stream, name in enumerate(LOGS):
            path = os.path.join(log, name)
            with suppress(OSError):  # it prints elsewhere, or somebody deleted it
                self._follow(stream, path)
                self.logs[stream] = path

    def _make_logs(self, log: str, streams: Collection[int]) -> None:
        """Make the files that a detached job prints into."""
        for stream in streams:
            path = os.path.join(log, LOGS[stream])
            self._log_ends[stream] = self._open(path, _NEW, 0o600)
            self.logs[stream] = path
            self._follow(stream, path)

    def _follow(self, stream: int, path: str) -> None:
        self.outputs[stream] = opened(self._ours, os.open, path, _FOLLOWED)

    def _unlink_logs(self) -> None:
        while self.logs:
            _, path = self.logs.popitem()
            with suppress(OSError):
                os.unlink(path)

    def _filled(self, data: bytes) -> int:
        """Write *data* to a file in memory: it can be read from the beginning."""
        try:
            fd = opened(self._theirs, os.memfd_create, "ipyproc")
        except OSError as error:
            if error.errno not in (EPERM, EACCES, ENOSYS):
                raise SyscallError("memfd_create", error.errno or EINVAL) from None
            # A seccomp filter refuses it: a file without a name does as well.
            with tempfile.TemporaryFile(buffering=0) as file:
                fd = opened(self._theirs, os.dup, file.fileno())
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def _open(self, path: _Path, flags: int, mode: int = 0o666) -> int:
        try:
            return opened(self._theirs, os.open, path, flags, mode)
        except OSError as error:
            shown = os.fspath(path)
            raise PathError("open", shown, error.errno or EINVAL) from None

    def _pipe(self) -> None:
        try:
            opened_pipe(self._fresh)
        except OSError as error:
            raise SyscallError("pipe2", error.errno or EINVAL) from None


def check(file: Source | Sink, *, reads: bool) -> None:
    """Raise the error of a path that cannot be opened, and change nothing."""
    if not isinstance(file, str | os.PathLike):
        return
    path, wanted = os.fspath(file), os.R_OK if reads else os.W_OK
    try:
        if not reads and not os.path.lexists(path):
            folder = os.path.dirname(path) or "."
            os.stat(folder)
            _allow(folder, os.W_OK | os.X_OK)
        elif os.path.isdir(path) and not reads:
            raise IsADirectoryError(EISDIR, "")
        else:
            os.stat(path)
            _allow(path, wanted)
    except OSError as error:
        raise PathError("open", path, error.errno or EINVAL) from None


def _allow(path: str, wanted: int) -> None:
    if not os.access(path, wanted, effective_ids=True):
        raise PermissionError(EACCES, "")


def _same(stdout: Sink, stderr: Sink) -> bool:
    """Whether both streams go to one path: opened twice, each would overwrite."""
    if not isinstance(stdout, str) or not isinstance(stderr, str):
        return False
    return os.path.realpath(stdout) == os.path.realpath(stderr)
