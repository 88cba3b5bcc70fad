"""A command of ours whose streams are a connection; it ends with that."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from selectors import EVENT_READ
from typing import Final

from ipyproc._jobs import resolve
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._process.arguments import OWN_SESSION
from ipyproc.attr import ProcAttr
from ipyproc.errors import ProcessDoneError
from ipyproc.exec.look_path import look_path
from ipyproc.hosts._way import Way
from ipyproc.process import start_process

# How soon to look whether it has ended; later. In seconds.
_SOON: Final = 0.01
_SELDOM: Final = 0.5
# What is kept of what it complains of.
_COMPLAINT: Final = 2000


class Child(Way):
    """The process and our ends of its streams.

    Its standard output is a pipe that it could read from, too: so when this process is
    killed it sees the end of its input while its output is still open, which is how an
    orderly end is told from a broken connection.
    """

    def __init__(self, loop: EventLoop, argv: Sequence[str]) -> None:
        """Start it; ``OSError`` if it cannot be found or started."""
        self._said = b""
        path = look_path(argv[0])
        with ExitStack() as theirs, ExitStack() as ours:
            stdin, writes = _pipe(theirs, ours)
            reads, stdout = _pipe(ours, theirs)
            self._errors, stderr = _pipe(ours, theirs)
            both = os.open(f"/proc/self/fd/{stdout}", os.O_RDWR | os.O_CLOEXEC)
            theirs.callback(os.close, both)
            # Without our mark: an agent on this machine would have it, and end with us.
            env = resolve.environment({}, False, (), None)
            attr = ProcAttr(env=env, files=[stdin, both, stderr], sys=OWN_SESSION)
            self._process = start_process(path, argv, attr)
            ours.pop_all()
        super().__init__(loop, reads, writes)
        os.set_blocking(self._errors, False)
        loop.own(self._errors)
        loop.watch(self._errors, EVENT_READ, self._hear)

    @property
    def complaint(self) -> str:
        """The end of what it wrote to its standard error, on one line."""
        lines = self._said.decode(errors="replace").split("\n")
        return "; ".join(line.strip() for line in lines if line.strip())

    def end_output(self) -> None:
        """Close its standard input."""
        if self._output_open:
            self._output_open = False
            self._loop.close(self.output)

    def close(self) -> None:
        """Kill it, and close its streams: the other side sees that the link broke.

        In this order: the end of its input alone would be an orderly end.
        """
        if self._is_open:
            self._is_open = False
            with suppress(ProcessDoneError):
                self._process.kill()
            self.end_output()
            self._loop.close(self.input)
            self._loop.close(self._errors)
            self.when_ended(lambda _: self.gone.set())

    def when_ended(self, tell: Callable[[str], None], pause: float = _SOON) -> None:
        """Call *tell* with how it ended, once it has."""
        try:
            how = str(self._process.wait(0))
        except TimeoutError:
            later = min(2 * pause, _SELDOM)
            self._loop.call_later(pause, lambda: self.when_ended(tell, later))
            return
        except OSError as error:  # it was waited for before
            how = str(error)
        tell(how)

    def _hear(self) -> None:
        if not self._is_open:  # it was closed after the selector saw it ready
            return
        try:
            said = os.read(self._errors, 1 << 16)
        except BlockingIOError:
            return
        self._said = (self._said + said)[-_COMPLAINT:]
        if not said:
            self._loop.unwatch(self._errors)


def _pipe(of_reader: ExitStack, of_writer: ExitStack) -> tuple[int, int]:
    """Open a pipe whose two ends are closed with two owners."""
    reader, writer = os.pipe()
    of_reader.callback(os.close, reader)
    of_writer.callback(os.close, writer)
    return reader, writer
