"""The standard descriptors of a job: the child's ends and ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from ipyproc.attr import File
from ipyproc.errors import PathError
from ipyproc.jobs.options import PIPE, Command, Sink, Source

STDOUT, STDERR = 0, 1
_Path: TypeAlias = str | os.PathLike[str]
_READ = os.O_RDONLY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class Channels:
    """What a child shall have as descriptors 0, 1 and 2, and our ends of its pipes."""

    def __init__(self) -> None:
        #: For ``ProcAttr.files``.
        self.files: list[File] = []
        #: The end that its standard input is written to.
        self.input: int | None = None
        #: The ends that its output is read from, by stream.
        self.outputs: dict[int, int] = {}


@contextmanager
def opened(command: Command) -> Iterator[Channels]:
    """Open the channels of *command* for the length of a start.

    Our ends are the caller's afterwards; if the start fails, they are closed, too.
    """
    with ExitStack() as theirs, ExitStack() as ours:
        channels = _Opening(theirs, ours)
        channels.source(command.stdin)
        channels.sink(STDOUT, command.stdout)
        if command.merge or _same(command.stdout, command.stderr):
            channels.files.append(channels.files[1])
        else:
            channels.sink(STDERR, command.stderr)
        yield channels
        ours.pop_all()


class _Opening(Channels):
    """Channels that are being opened, and who closes what."""

    def __init__(self, theirs: ExitStack, ours: ExitStack) -> None:
        super().__init__()
        self._theirs = theirs
        self._ours = ours

    def source(self, stdin: Source) -> None:
        """Add descriptor 0."""
        if stdin is None:
            self.files.append(self._open(os.devnull, _READ))
        elif stdin is PIPE or isinstance(stdin, bytes):
            end, self.input = os.pipe()
            self._keep(end, self.input)
            self.files.append(end)
        elif isinstance(stdin, str | os.PathLike):
            self.files.append(self._open(stdin, _READ))
        else:
            self.files.append(stdin)

    def sink(self, stream: int, file: Sink) -> None:
        """Add descriptor 1 or 2."""
        if file is None:
            self.outputs[stream], end = os.pipe()
            self._keep(end, self.outputs[stream])
            self.files.append(end)
        elif isinstance(file, str | os.PathLike):
            self.files.append(self._open(file, _WRITE))
        else:
            self.files.append(file)

    def _open(self, path: _Path, flags: int) -> int:
        try:
            fd = os.open(path, flags, 0o666)
        except OSError as error:
            shown = os.fspath(path)
            raise PathError("open", shown, error.errno or errno.EINVAL) from None
        self._theirs.callback(os.close, fd)
        return fd

    def _keep(self, theirs: int, ours: int) -> None:
        self._theirs.callback(os.close, theirs)
        self._ours.callback(os.close, ours)


def _same(stdout: Sink, stderr: Sink) -> bool:
    """Say whether both streams go to one path: opened twice, each would overwrite."""
    if not isinstance(stdout, str) or not isinstance(stderr, str):
        return False
    return os.path.realpath(stdout) == os.path.realpath(stderr)
