"""``Cmd``: a command, its fields and what can be done with it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar, overload

from ipyproc.context import Context, background, with_cancel
from ipyproc.errors import CmdStateError, ExitError
from ipyproc.exec.copy import HeadAndTail
from ipyproc.exec.environ import environment
from ipyproc.exec.pipes import PipeWriter
from ipyproc.exec.plan import Plan
from ipyproc.exec.run import Running
from ipyproc.exec.stdio import Stdio

_NO_CONTEXT = "exec: command with a non-nil Cancel was not created with CommandContext"

_Result = TypeVar("_Result")


@dataclass(eq=False, repr=False)
class Cmd(Plan):
    """A command to run once (Go: ``exec.Cmd``). Its fields are read by ``start``.

    *path*: the program, relative to *dir* if it is relative; never looked up.
    *args*: its arguments, the first of which is its own name; none means ``[path]``.
    *env*: ``"K=V"`` entries or a mapping, the last of a key counts; ``None`` is the
    environment of the caller, with PWD following *dir*.
    *dir*: the directory it starts in; ``None`` or ``""`` is the caller's.
    *stdin*: ``None`` (the null device), bytes, a file or descriptor that the child gets
    itself, or any object with ``read``.
    *stdout*, *stderr*: ``None`` (the null device), a file or descriptor that the child
    gets itself, or any object with ``write``. If both are the same object, its writes
    never overlap.
    *extra_files*: entry *i* becomes descriptor 3 + *i*; ``None`` is a closed one.
    *sys_proc_attr*: attributes that only some systems know.
    *process*: the process, once started.
    *process_state*: how it ended, once that was waited for.
    *err*: the failure of the look-up that made this command; ``start`` raises it.
    *cancel*: called when the context of ``command_context`` is done. What it raises
    is reported as ``exec: canceling Cmd: ...``, unless that is a ``ProcessDoneError``.
    *wait_delay*: how many seconds the process may take to end after its context is done
    before it is killed, and the pipes to close after it has ended before they are given
    up; 0 is for ever.

    What the child does not get itself is copied by a thread, which ends with the
    command. As a context manager, a command that was not waited for is killed and
    waited for on the way out. ``str(cmd)`` shows it (Go: ``Cmd.String``).

    >>> from ipyproc import command
    >>> cmd = command("tr", "a-z", "A-Z")
    >>> cmd.stdin = b"hello"
    >>> cmd.output()
    b'HELLO'
    >>> cmd.process_state.success
    True
    """

    _ctx: Context | None = field(default=None, init=False)
    _stdio: Stdio = field(default_factory=Stdio, init=False)
    _running: Running | None = field(default=None, init=False)
    _start_called: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._running is not None:
                self._until_over(self._running, self._running.end)
        finally:
            self._stdio.close_child()
            self._stdio.close_ours()

    def start(self) -> None:
        """Start the command, and do not wait for it (Go: ``Cmd.Start``).

        Raises ``err`` if a look-up failed, the context's error if that is done,
        ``PathError`` for what the kernel refuses, and ``CmdStateError`` the second
        time, even if the first one failed. ``wait`` must follow.
        """
        self._start(self._ctx, self.cancel)

    def wait(self) -> None:
        """Wait for the command's end, and that of all copying (Go: ``Cmd.Wait``).

        Raises ``ExitError`` unless it exited with code 0. If it did, raises the
        context's error if that cancelled it, ``WaitDelayError`` if pipes were given up,
        or the first error of a reader or writer. Afterwards the pipes are closed.
        ``CmdStateError`` if it was not started, or was waited for already.

        An interrupt loses nothing: call again. Only one thread may wait.
        """
        if self._running is None:
            waited = self.process_state is not None
            text = "Wait was already called" if waited else "not started"
            raise CmdStateError(f"exec: {text}")
        error = self._until_over(self._running, self._running.wait)
        if error is not None:
            raise error

    def run(self) -> None:
        """Start the command and wait for it (Go: ``Cmd.Run``)."""
        self.start()
        self.wait()

    async def run_async(self) -> None:
        """Run under asyncio without blocking its loop.

        Cancelling the task does to the command what the end of its context does:
        *cancel* is called (without a context, the process is killed), *wait_delay*
        holds, and the command is waited for before ``CancelledError`` goes on. A
        second cancellation kills the process.
        """
        from ipyproc.exec.aio import in_thread  # asyncio, for who awaits

        pair = with_cancel(self._ctx or background())
        with self, pair as ctx:
            self._start(ctx, self._kill if self._ctx is None else self.cancel)
            await in_thread(self.wait, pair.cancel, self._kill)

    @overload
    def output(self, *, text: Literal[False] = False) -> bytes: ...
    @overload
    def output(self, *, text: Literal[True]) -> str: ...
    def output(self, *, text: bool = False) -> bytes | str:
        """Run the command and return what it writes to stdout (Go: ``Cmd.Output``).

        As ``str`` if *text*: UTF-8, with U+FFFD for what is none. What an error cuts
        short is in the error's ``output``, as bytes; an ``ExitError`` has the first
        and the last 32 KiB of stderr in ``stderr``, unless stderr went elsewhere.
        After an interrupt ``wait`` goes on, and ``stdout.getvalue()`` has the output.
        """
        with self._captured() as sink:
            self.run()
        return _decoded(sink, text)

    @overload
    async def output_async(self, *, text: Literal[False] = False) -> bytes: ...
    @overload
    async def output_async(self, *, text: Literal[True]) -> str: ...
    async def output_async(self, *, text: bool = False) -> bytes | str:
        """Do what ``output`` does, with its *text*, in the way of ``run_async``."""
        with self._captured() as sink:
            await self.run_async()
        return _decoded(sink, text)

    @overload
    def combined_output(self, *, text: Literal[False] = False) -> bytes: ...
    @overload
    def combined_output(self, *, text: Literal[True]) -> str: ...
    def combined_output(self, *, text: bool = False) -> bytes | str:
        """Run the command and return what it writes to stdout and stderr.

        Go: ``Cmd.CombinedOutput``. Both are in the order in which they were written.
        *text* and errors are as in ``output``.
        """
        with self._captured(combined=True) as sink:
            self.run()
        return _decoded(sink, text)

    def stdin_pipe(self) -> PipeWriter:
        """Return a pipe into the command's standard input (Go: ``Cmd.StdinPipe``).

        A binary file object without a buffer: what is written is on its way. Close it
        for the command to see the end; ``wait`` does so, too, but only once the
        process has ended.
        """
        self._refuse_pipe("Stdin", self.stdin)
        pipe, self.stdin = self._stdio.pipe_in()
        return pipe

    def stdout_pipe(self) -> io.BufferedReader:
        r"""Return a pipe from the command's standard output (Go: ``Cmd.StdoutPipe``).

        A binary file object. ``wait`` closes it, so read first. As the ``stdin`` of
        another command it makes a pipeline, and belongs to that one from its start on:

        >>> from ipyproc import command
        >>> ask, answer = command("echo", "3 1 2"), command("tr", " ", "+")
        >>> answer.stdin = ask.stdout_pipe()
        >>> ask.start()
        >>> answer.output()
        b'3+1+2\n'
        >>> ask.wait()
        >>> print(ask.process_state, "|", answer.process_state)
        exit status 0 | exit status 0
        """
        self._refuse_pipe("Stdout", self.stdout)
        pipe, self.stdout = self._stdio.buffered_pipe_out()
        return pipe

    def stderr_pipe(self) -> io.BufferedReader:
        """Return a pipe from the command's standard error (Go: ``Cmd.StderrPipe``).

        As ``stdout_pipe`` otherwise.
        """
        self._refuse_pipe("Stderr", self.stderr)
        pipe, self.stderr = self._stdio.buffered_pipe_out()
        return pipe

    def environ(self) -> list[str]:
        """Return the environment that the command would have (Go: ``Cmd.Environ``).

        Entries that ``start`` would refuse are missing. Bytes that are no UTF-8 are
        kept by surrogateescape.
        """
        return environment(self.env, self.dir)[0]

    def _start(self, ctx: Context | None, cancel: Callable[[], object] | None) -> None:
        if self._start_called:
            raise CmdStateError("exec: already started")
        self._start_called = True
        try:
            self.check_startable()
            if self.cancel is not None and self._ctx is None:
                raise CmdStateError(_NO_CONTEXT)
            if ctx is not None and ctx.err is not None:
                raise type(ctx.err)()
            files = self._stdio.files(self.stdin, self.stdout, self.stderr)
            self.process = self.start_process(files)
            running = Running(self.process, self._stdio, self.wait_delay)
            running.start(ctx, cancel)
            self._running = running
        except BaseException:
            self._undo_start()
            raise
        finally:
            self._stdio.close_child()

    def _until_over(self, running: Running, wait: Callable[[], _Result]) -> _Result:
        """Do what waits for the end of all, and let go of what was running."""
        try:
            result = wait()
        finally:
            self.process_state = running.state
        self._stdio.close_ours()
        if running.state is not None:
            self._running = None
        return result

    def _undo_start(self) -> None:
        """Leave nothing of a start that failed, or was interrupted."""
        process, self.process = self.process, None
        self._stdio.close_ours()
        if process is not None:
            process.kill()
            process.wait()

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def _refuse_pipe(self, name: str, value: object) -> None:
        if value is not None:
            raise CmdStateError(f"exec: {name} already set")
        if self.process is not None:
            raise CmdStateError(f"exec: {name}Pipe after process started")

    @contextmanager
    def _captured(self, combined: bool = False) -> Iterator[io.BytesIO]:
        """Have the output go to the sink that is given, and from there on errors."""
        for name, value in (("Stdout", self.stdout), ("Stderr", self.stderr)):
            if value is not None and (combined or name == "Stdout"):
                raise CmdStateError(f"exec: {name} already set")
        self.stdout = sink = io.BytesIO()
        saver = None
        if combined:
            self.stderr = sink
        elif self.stderr is None:
            self.stderr = saver = HeadAndTail()
        try:
            yield sink
        except Exception as error:
            if saver is not None and isinstance(error, ExitError):
                error.stderr = saver.getvalue()
            _attach_output(error, sink.getvalue() if self.process else None)
            raise


def _decoded(sink: io.BytesIO, text: bool) -> bytes | str:
    return sink.getvalue().decode(errors="replace") if text else sink.getvalue()


def _attach_output(error: Any, output: bytes | None) -> None:
    with suppress(AttributeError):  # an error of the user's own may have no room
        error.output = output
