"""Our ends of a job's standard streams, from the start to the end of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ipyproc._jobs.io.child_stdio import STDERR, STDOUT, ChildStdio
from ipyproc._jobs.io.endpoints import InputPipe, OutputFile, OutputPipe
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.terminal import Master, PseudoTerminal
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.request import Request
from ipyproc._process.arguments import OWN_SESSION, OWN_TERMINAL
from ipyproc._process.descriptors import close_all
from ipyproc.attr import File, SysProcAttr


class Streams:
    """What one process reads and prints.

    *changed* is called when output arrived or the input closed, *ended* at the end of
    each output; both on the event loop's thread.
    """

    def __init__(
        self,
        loop: EventLoop,
        output: Output,
        changed: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._output = output
        self._changed = changed
        self._ended = ended
        self._stdio = ChildStdio()
        self._outputs: list[OutputPipe | OutputFile] = []
        self._input: InputPipe | None = None
        self._keyboard: InputPipe | None = None
        #: The terminal, if there is one.
        self.terminal: PseudoTerminal | None = None

    def open(self, asked: Request) -> None:
        """Open all that the process gets, and our ends."""
        self._stdio.open(
            asked.stdin,
            asked.stdout,
            asked.stderr,
            merge=asked.merge,
            append=asked.append,
            script=asked.script,
            log=asked.folder,
            pty=asked.pty,
        )

    @property
    def files(self) -> list[File]:
        """What the process gets as its descriptors."""
        return self._stdio.files

    def system(self, asked: Request) -> SysProcAttr:
        """Return the attributes with which the process gets its terminal."""
        if asked.pty is None:
            return asked.sys or OWN_SESSION
        if asked.sys is None:
            return OWN_TERMINAL
        return replace(asked.sys, setsid=True, setctty=True, ctty=OWN_TERMINAL.ctty)

    def connect(self, asked: Request) -> None:
        """Take over our ends, once the process has its own."""
        stdio = self._stdio
        stdio.close_theirs()
        if stdio.keyboard is not None:
            self._connect_terminal(stdio.outputs[STDOUT], stdio.keyboard, asked)
        else:
            self._connect_outputs()
        if stdio.input is None:
            return
        self._input = InputPipe(self._loop, stdio.input, self._changed)
        if isinstance(asked.stdin, bytes):
            self._input.send(asked.stdin)
            self._input.close()

    def reopen(self, folder: str) -> None:
        """Follow what a job that runs already prints into files in *folder*."""
        self._stdio.reopen(folder)
        self._connect_outputs()
        for file in self._outputs:
            if isinstance(file, OutputFile):
                file.catch_up()

    def attach(self) -> None:
        """Begin to read. From any thread."""
        for pipe in self._outputs:
            pipe.attach()

    @property
    def is_open(self) -> bool:
        """Whether there may be more output."""
        return any(pipe.is_open for pipe in self._outputs)

    @property
    def has_input(self) -> bool:
        """Whether the process was started with an input that can be written to."""
        return self._keyboard is not None or self._input is not None

    @property
    def input_open(self) -> bool:
        """Whether it can be written to now."""
        pipe = self._keyboard or self._input
        return pipe is not None and pipe.is_open

    def write(self, data: bytes) -> bool:
        """Write to the standard input, or type; ``False`` if that is closed."""
        if self.terminal is not None:
            return self.terminal.type(data)
        return self._input is not None and self._input.send(data)

    def close_input(self) -> None:
        """Close the standard input after what was written, or type its end."""
        if self.terminal is not None:
            self.terminal.type_end()
        elif self._input is not None and self._input.is_open:
            self._input.close()

    def drain(self) -> None:
        """Read what was printed by now. On the event loop's thread."""
        for pipe in self._outputs:
            if pipe.is_open:
                pipe.drain()

    def abort_input(self) -> None:
        """Close the input at once: nobody reads it. On the event loop's thread."""
        for pipe in (self._input, self._keyboard):
            if pipe is not None:
                pipe.abort()

    def close(self) -> None:
        """Close everything of a process that was not started."""
        self._stdio.close()

    def abort(self) -> None:
        """Close what was opened, wherever the start broke off. On the loop's thread."""
        pipes: list[InputPipe | OutputPipe | OutputFile] = [*self._outputs]
        pipes += [pipe for pipe in (self._input, self._keyboard) if pipe]
        for fd in self._stdio.left(but=[pipe.fd for pipe in pipes]):
            self._loop.close(fd)
        for pipe in pipes:
            pipe.abort()

    def _connect_outputs(self) -> None:
        for stream, fd in self._stdio.outputs.items():
            take = partial(self._take, stream)
            if stream in self._stdio.logs:
                self._output.keep_in(stream, fd)
                note = partial(self._note, stream)
                file = OutputFile(self._loop, fd, take, self._ended, note)
                self._outputs.append(file)
                continue
            pipe = OutputPipe(self._loop, fd, take, self._ended)
            self._outputs.append(pipe)
        self._output.stdout.path = self._stdio.logs.get(STDOUT)
        self._output.stderr.path = self._stdio.logs.get(STDERR)

    def _connect_terminal(self, fd: int, keyboard: int, asked: Request) -> None:
        for file in self._stdio.record:
            self._output.keep_in(STDOUT, file, writes=True)
        close_all(self._stdio.record)
        master = Master(self._loop, fd, partial(self._take, STDOUT), self._ended)
        self._outputs.append(master)
        self._keyboard = InputPipe(self._loop, keyboard, self._changed)
        if asked.pty is not None:
            self.terminal = PseudoTerminal(master, self._keyboard, asked.pty, self._now)

    def _now(self) -> tuple[float, int]:
        return self._output.stdout.timeline.elapsed, self._output.total

    def _take(self, stream: int, data: memoryview) -> None:
        self._output.append(stream, data)
        self._changed()

    def _note(self, stream: int, size: int) -> bool:
        noted = self._output.note(stream, size)
        if noted:
            self._changed()
        return noted
