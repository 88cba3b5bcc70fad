"""``Cmd``: a command, its fields and methods."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL
from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from ipyproc._process.arguments import NulByteError
from ipyproc.attr import Env, File, ProcAttr, SysProcAttr
from ipyproc.context import Context
from ipyproc.errors import CmdStateError, ExitError, PathError
from ipyproc.exec.copy import Reader, Writer
from ipyproc.exec.environ import Directory, child_environment, environment
from ipyproc.exec.gather import HeadAndTail
from ipyproc.exec.pipes import PipeWriter
from ipyproc.exec.run import Running
from ipyproc.exec.stdio import Stdio
from ipyproc.process import Process, start_process
from ipyproc.state import ProcessState

Word = str | bytes | os.PathLike[str]

_NO_CONTEXT = "exec: command with a non-nil Cancel was not created with CommandContext"

_Result = TypeVar("_Result")


class Cmd:
    """A command to run once (Go: ``exec.Cmd``). ``start`` reads its fields.

    *path*: the program, relative to *dir* if it is relative; never looked up.
    *args*: its arguments, the first of which is its own name; none means ``[path]``.
    *env*: ``"K=V"`` entries or a mapping, the last of a key counts; ``None`` is the
    environment of the caller, with PWD following *dir*.
    *dir*: the directory it starts in; ``None`` or ``""`` is the caller's.
    *stdin*: ``None`` (the null device), bytes, text (sent as UTF-8), a file or
    descriptor that the child gets itself, or any object with ``read``, which may return
    bytes or text.
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
    command; what ``run`` and ``output`` collect in a ``BytesIO`` is read as they wait,
    without one. As a context manager, a command that was not waited for is killed and
    waited for on the way out. ``str(cmd)`` shows it (Go: ``Cmd.String``). Setting or
    reading any other name raises an ``AttributeError`` that names the nearest.

    >>> from ipyproc import command
    >>> cmd = command("tr", "a-z", "A-Z")
    >>> cmd.stdin = "hello"
    >>> cmd.output()
    b'HELLO'
    >>> cmd.process_state.success
    True
    """

    path: Word
    args: Sequence[Word]
    env: Env
    dir: Directory
    stdin: Reader | str | bytes | bytearray | memoryview | File
    stdout: Writer | File
    stderr: Writer | File
    extra_files: Sequence[File]
    sys_proc_attr: SysProcAttr | None
    process: Process | None
    process_state: ProcessState | None
    err: BaseException | None
    cancel: Callable[[], object] | None
    wait_delay: float

    _ctx: Context | None
    _stdio: Stdio
    _running: Running | None
    # The right to start, which the first start removes: in one call into C, so that a
    # signal handler or a thread that comes between starts nothing a second time.
    _may_start: list[None]

    __slots__ = (*__annotations__, "__weakref__")

    def __init__(
        self,
        path: Word = "",
        args: Sequence[Word] = (),
        env: Env = None,
        dir: Directory = None,
        stdin: Reader | str | bytes | bytearray | memoryview | File = None,
        stdout: Writer | File = None,
        stderr: Writer | File = None,
        extra_files: Sequence[File] = (),
        sys_proc_attr: SysProcAttr | None = None,
        err: BaseException | None = None,
        cancel: Callable[[], object] | None = None,
        wait_delay: float = 0.0,
    ) -> None:
        asked = path, args, env, dir, stdin, stdout, stderr, extra_files, sys_proc_attr
        ours = None, Stdio(), None, [None]
        values = (*asked, None, None, err, cancel, wait_delay, *ours)
        # Past ``__setattr__``, which is for what users set.
        any(map(object.__setattr__, repeat(self), _SLOTS, values))

    if not TYPE_CHECKING:  # to a type checker these would allow any attribute

        def __getattr__(self, name: str) -> object:
            raise unknown(name)

        def __setattr__(self, name: str, value: object) -> None:
            try:
                object.__setattr__(self, name, value)
            except AttributeError:
                if hasattr(type(self), name):
                    raise  # it is there, and read-only
                raise unknown(name) from None

    def __str__(self) -> str:
        """Show the command for a human; not for a shell (Go: ``Cmd.String``)."""
        args = [os.fsdecode(arg) for arg in self.args]
        return " ".join(args if self.err else [os.fsdecode(self.path), *args[1:]])

    def __repr__(self) -> str:
        return f"Cmd(path={self.path!r}, args={self.args!r})"

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
        try:
            self._may_start.pop()
        except IndexError:
            raise CmdStateError("exec: already started") from None
        try:
            self._check_startable()
            files = self._stdio.files(self.stdin, self.stdout, self.stderr)
            self.process = self._start_process(files)
            running = Running(self.process, self._stdio, self.wait_delay)
            running.start(self._ctx, self.cancel)
            # A signal handler may wait as soon as this is set; it would never see the
            # end of a pipe that is still open here.
            self._stdio.close_child()
            self._running = running
        except BaseException:
            self._undo_start()
            raise
        finally:
            self._stdio.close_child()

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
        # With a delay the pipes may have to be given up, which takes a thread.
        self._stdio.is_awaited = not self.wait_delay
        self.start()
        self.wait()

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

    def _check_startable(self) -> None:
        """Raise what is wrong before anything was tried."""
        if not self.path and self.err is None:
            self.err = CmdStateError("exec: no command")
        if self.err is not None:
            raise self.err
        if self.cancel is not None and self._ctx is None:
            raise CmdStateError(_NO_CONTEXT)
        if self._ctx is not None and self._ctx.err is not None:
            raise type(self._ctx.err)()

    def _start_process(self, stdio: Sequence[File]) -> Process:
        """Start the process with *stdio* for its first three files.

        Raises what ``start_process`` does, and ``PathError`` for a NUL byte.
        """
        env = child_environment(self.env, self.dir)
        files = [*stdio, *self.extra_files]
        attr = ProcAttr(self.dir, env, files, self.sys_proc_attr)
        try:
            return start_process(self.path, self.args or [self.path], attr)
        except NulByteError:
            path = os.fsdecode(self.path)
            raise PathError("fork/exec", path, EINVAL) from None

    def _until_over(self, running: Running, wait: Callable[[], _Result]) -> _Result:
        """Call *wait*, which waits for the end of everything, and forget *running*."""
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
        """Capture the output in the sink that is yielded; errors get it, too."""
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


#: The names of the fields, which ``command`` can set.
FIELDS = {name for name in Cmd.__slots__ if not name.startswith("_")}
_SLOTS = Cmd.__slots__[:-1]
_NAMES = {name for name in dir(Cmd) if not name.startswith("_")}


def unknown(name: str, known: set[str] | None = None) -> AttributeError:
    """Return the error for a name that ``Cmd`` does not have."""
    from difflib import get_close_matches  # for an error only

    nearest = get_close_matches(name, sorted(known or _NAMES), 1, 0.0)
    return AttributeError(f"Cmd has no {name!r}; the nearest is {nearest[0]!r}")


def _decoded(sink: io.BytesIO, text: bool) -> bytes | str:
    return sink.getvalue().decode(errors="replace") if text else sink.getvalue()


def _attach_output(error: Any, output: bytes | None) -> None:
    with suppress(AttributeError):  # an error of the user's own may have no room
        error.output = output
