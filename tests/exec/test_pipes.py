"""The pipes of a command, and the file objects at our end of them."""

from __future__ import annotations

import fcntl
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ipyproc import (
    CmdStateError,
    ExecError,
    ExitError,
    PathError,
    ProcessDoneError,
    command,
)
from ipyproc._process.descriptors import LARGE_PIPE, USUAL_PIPE
from ipyproc.exec import copy, pipes
from tests.exec.tools import FOR_EVER, error_of, open_descriptors, sh, start_until_ready
from tests.process.interrupts import deaf_interrupt
from tests.threads import SOON, in_threads


def at_once(*actions: Callable[[], object]) -> None:
    """Call functions at the same time; each may find the process ended by another."""

    def act(index: int) -> None:
        with suppress(ProcessDoneError, ExitError):
            actions[index]()

    in_threads(len(actions), act)


def test_pipes() -> None:
    """A dialogue over all three pipes."""
    # Go: TestPipes.
    cmd = sh("while read -r line; do echo $line; echo $line >&2; done; echo end")
    stdin, stdout, stderr = cmd.stdin_pipe(), cmd.stdout_pipe(), cmd.stderr_pipe()
    cmd.start()

    for line in (b"ping\n", b"pong\n"):
        assert stdin.write(line) == len(line)
        assert stdout.readline() == line
        assert stderr.readline() == line
    stdin.close()
    assert stdout.read() == b"end\n"
    assert stderr.read() == b""
    cmd.wait()


def test_pipes_are_file_objects() -> None:
    """A pipe is a binary file: text layers, iteration and select work on it."""
    cmd = command("cat")
    stdin, stdout = cmd.stdin_pipe(), cmd.stdout_pipe()
    assert stdin.writable()
    assert not stdin.readable()
    assert stdout.readable()
    assert isinstance(stdin.fileno(), int)
    cmd.start()

    with io.TextIOWrapper(stdin, encoding="utf-8") as text:
        print("a", "b", sep="\n", file=text)
    assert list(stdout) == [b"a\n", b"b\n"]
    cmd.wait()
    assert (stdin.closed, stdout.closed) == (True, True)


def test_stdin_close() -> None:
    """Closing a pipe and waiting for its command may come in either order."""
    # Go: TestStdinClose.
    for _ in range(10):
        cmd = command("cat")
        stdin = cmd.stdin_pipe()
        assert isinstance(stdin.fileno(), int)
        cmd.start()
        stdin.write(b"x")
        at_once(stdin.close, cmd.wait)
        stdin.close()


def test_stdin_close_race() -> None:
    """Killing, closing and waiting may happen at once."""
    # Go: TestStdinCloseRace.
    for _ in range(10):
        cmd = command("cat")
        stdin = cmd.stdin_pipe()
        cmd.start()
        assert cmd.process is not None
        at_once(cmd.process.kill, stdin.close, cmd.wait)


def test_echo_file_race() -> None:
    """Writing to a pipe while another thread waits is safe."""
    # Go: TestEchoFileRace.
    cmd = command("echo")
    stdin = cmd.stdin_pipe()
    cmd.start()

    def write() -> None:
        with suppress(ValueError, BrokenPipeError):  # closed, or no reader any more
            while True:
                stdin.write(b"veni, vidi, vici\n")

    at_once(write, cmd.wait)


def test_pipes_are_closed_after_wait() -> None:
    """wait() closes the pipes; used afterwards they are closed files."""
    cmd = sh("echo out; echo err >&2")
    stdin, stdout, stderr = cmd.stdin_pipe(), cmd.stdout_pipe(), cmd.stderr_pipe()
    cmd.start()
    cmd.wait()

    for use in (stdout.read, stdout.readline, stderr.read, lambda: stdin.write(b"x")):
        with pytest.raises(ValueError, match="closed file"):
            use()
    for pipe in (stdin, stdout, stderr):
        with pytest.raises(ValueError, match="closed file"):
            pipe.fileno()
        pipe.close()


def test_pipe_without_reader() -> None:
    """Writing to a command that has ended is a broken pipe, by Go's text."""
    cmd = command("true")
    stdin = cmd.stdin_pipe()
    cmd.start()
    assert cmd.process is not None
    os.waitid(os.P_PID, cmd.process.pid, os.WEXITED | os.WNOWAIT)

    error = error_of(PathError, lambda: stdin.write(b"x"))
    assert str(error) == "write |1: broken pipe"
    assert isinstance(error, BrokenPipeError)
    cmd.wait()


def test_pipe_look_path_leak() -> None:
    """A failed look-up closes both ends of every pipe."""
    # Go: TestPipeLookPathLeak.
    before = open_descriptors()
    for _ in range(4):
        cmd = command("something-that-does-not-exist-executable")
        made = [cmd.stdin_pipe(), cmd.stdout_pipe(), cmd.stderr_pipe()]
        error_of(ExecError, cmd.run)
        assert all(pipe.closed for pipe in made)

    assert open_descriptors() == before


def test_double_start_leaves_pipes_open() -> None:
    """A second start fails and leaves the first one's pipes alone."""
    # Go: TestDoubleStartLeavesPipesOpen.
    cmd = command("cat")
    stdin, stdout = cmd.stdin_pipe(), cmd.stdout_pipe()
    cmd.start()
    error_of(CmdStateError, cmd.start)

    stdin.write(b"Hello")
    stdin.close()
    assert stdout.read() == b"Hello"
    cmd.wait()


def test_pipe_of_a_stream_that_is_set() -> None:
    """A stream that goes somewhere already has no pipe."""
    cmd = command("true")
    cmd.stdin, cmd.stdout, cmd.stderr = b"", io.BytesIO(), io.BytesIO()

    for make, name in (
        (cmd.stdin_pipe, "Stdin"),
        (cmd.stdout_pipe, "Stdout"),
        (cmd.stderr_pipe, "Stderr"),
    ):
        assert str(error_of(CmdStateError, make)) == f"exec: {name} already set"


def test_pipe_of_a_started_command() -> None:
    """After the start it is too late for a pipe."""
    cmd = command("true")
    cmd.start()

    for make, name in (
        (cmd.stdin_pipe, "Stdin"),
        (cmd.stdout_pipe, "Stdout"),
        (cmd.stderr_pipe, "Stderr"),
    ):
        message = str(error_of(CmdStateError, make))
        assert message == f"exec: {name}Pipe after process started"
    cmd.wait()


def test_dropped_pipe_stays_open() -> None:
    """A child keeps its pipe though nobody here refers to our end of it any more."""
    cmd = sh("read line; echo $line; exit 7")
    stdin = cmd.stdin_pipe()
    cmd.stdout_pipe()
    cmd.start()
    stdin.write(b"x\n")

    assert str(error_of(ExitError, cmd.wait)) == "exit status 7"


def test_large_read_and_write() -> None:
    """Data larger than any pipe goes through whole, by read() and by write()."""
    data = os.urandom(3_000_000)
    cmd = command("cat")
    stdin, stdout = cmd.stdin_pipe(), cmd.stdout_pipe()
    cmd.start()

    def write() -> None:
        with stdin:
            assert stdin.write(memoryview(data)) == len(data)

    writer = threading.Thread(target=write)
    writer.start()
    assert stdout.read() == data
    writer.join(SOON)
    cmd.wait()


@contextmanager
def both_ends(make: object) -> Iterator[tuple[pipes.PipeEnd, io.FileIO]]:
    """Return our end and the child's, and close what the test leaves open."""
    ours, child = make()  # type: ignore[operator]
    with ours, child:
        yield ours, child


def test_close_wakes_a_reader() -> None:
    """A close by another thread wakes a blocked reader and frees the descriptor."""
    before = open_descriptors()
    with both_ends(pipes.from_child) as (ours, _):
        thread = threading.Thread(
            target=lambda: error_of(ValueError, lambda: ours.read(1))
        )
        thread.start()
        while not ours._users:
            time.sleep(0)
        ours.close()
        thread.join(SOON)

        assert not thread.is_alive()
    assert open_descriptors() == before


def test_close_wakes_a_writer() -> None:
    """A close wakes a writer that blocks on a full pipe, too."""
    with both_ends(pipes.to_child) as (ours, child):
        assert isinstance(ours, pipes.PipeWriter)
        endless = bytes(10_000_000)
        thread = threading.Thread(
            target=lambda: error_of(ValueError, lambda: ours.write(endless))
        )
        thread.start()
        os.read(child.fileno(), 1)
        ours.close()
        thread.join(SOON)

        assert not thread.is_alive()


def test_shared_writer_is_for_a_child() -> None:
    """A writer whose descriptor was asked for is blocking, and can still be closed."""
    with both_ends(pipes.to_child) as (ours, child):
        assert isinstance(ours, pipes.PipeWriter)
        assert not os.get_blocking(ours._fds[1])
        assert os.get_blocking(ours.fileno())
        data = os.urandom(200_000)
        task = copy.feed(ours, memoryview(data))
        thread = threading.Thread(target=lambda: list(task.steps))
        thread.start()
        with io.BufferedReader(child) as reader:
            assert reader.read() == data
        thread.join(SOON)


def test_busy_pipe_is_enlarged() -> None:
    """A pipe that was full when it was read has room for more from then on."""
    with both_ends(pipes.from_child) as (ours, child):
        assert isinstance(ours, pipes.PipeReader)
        sizes = []

        def note(_: object) -> None:
            sizes.append(fcntl.fcntl(child.fileno(), fcntl.F_GETPIPE_SZ))
            if len(sizes) == 1:
                child.write(bytes(10))
            else:
                child.close()

        child.write(bytes(USUAL_PIPE))
        for piece in ours.pieces():
            note(piece)

        assert sizes == [USUAL_PIPE, LARGE_PIPE]


def test_pipe_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is no descriptor left for an end, the others are closed again."""
    before = open_descriptors()

    def refuse(_: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "eventfd", refuse)
    for make in (pipes.from_child, pipes.to_child):
        error_of(OSError, make)
    monkeypatch.undo()

    assert open_descriptors() == before


def test_repr_of_a_pipe() -> None:
    """A pipe's end shows which it is and whether it is open."""
    with both_ends(pipes.from_child) as (ours, _):
        assert repr(ours) == f"<PipeReader |0 fd {ours.fileno()}>"
    assert repr(ours) == "<PipeReader |0 closed>"


def test_pipeline() -> None:
    """In a | b | c each reads what the one before it writes, and has its own state."""
    numbers = sh("seq 1 1000; exit 3")
    some = command("grep", "7")
    count = command("wc", "-l")
    some.stdin = numbers.stdout_pipe()
    count.stdin = some.stdout_pipe()

    numbers.start()
    some.start()
    assert count.output() == b"271\n"
    some.wait()
    assert str(error_of(ExitError, numbers.wait)) == "exit status 3"


@pytest.mark.parametrize("first", ["reader", "writer"])
def test_pipeline_whose_reader_ends_early(first: str) -> None:
    """In yes | head the writer gets SIGPIPE: nobody here keeps the pipe open."""
    yes, head = command("yes"), command("head", "-n", "1")
    head.stdin = yes.stdout_pipe()
    head.stdout = sink = io.BytesIO()
    for cmd in (head, yes) if first == "reader" else (yes, head):
        cmd.start()
    head.wait()

    assert sink.getvalue() == b"y\n"
    assert str(error_of(ExitError, yes.wait)) == "signal: broken pipe"


@pytest.mark.parametrize("reader", ["cat", "true"])
def test_pipeline_of_what_is_left(reader: str) -> None:
    """The rest of a pipe that was read from can be passed on to a command."""
    seq, rest = sh("seq 1 3; [ $1 = cat ] || yes", reader), command(reader)
    rest.stdin = pipe = seq.stdout_pipe()
    seq.start()
    assert pipe.readline() == b"1\n"
    assert rest.output() == (b"2\n3\n" if reader == "cat" else b"")

    if reader == "cat":
        seq.wait()
    else:
        assert str(error_of(ExitError, seq.wait)) == "exit status 141"


def test_pipeline_made_from_its_end() -> None:
    """The writer may be given the reader's pipe, as well."""
    echo, cat = command("echo", "hello"), command("cat")
    echo.stdout = cat.stdin_pipe()
    cat.stdout = sink = io.BytesIO()
    cat.start()
    echo.run()
    cat.wait()

    assert sink.getvalue() == b"hello\n"


@pytest.mark.parametrize("read_before", [False, True])
def test_pipeline_in_blocks(read_before: bool) -> None:
    """Leaving its blocks ends a pipeline, in whatever order."""
    writer = sh(f"echo first; echo ready; exec sleep {FOR_EVER}")
    reader = command("grep", "--line-buffered", "ready")
    with writer, reader:
        reader.stdin = pipe = writer.stdout_pipe()
        writer.start()
        if read_before:
            assert pipe.readline() == b"first\n"
        start_until_ready(reader)

    assert str(reader.process_state) == "signal: killed"
    assert str(writer.process_state) == "signal: killed"


@pytest.mark.slow
def test_a_deaf_read_is_interrupted() -> None:
    """A signal that comes just before a read sleeps does not wait for data."""
    cmd = command("sleep", "60")
    stdout = cmd.stdout_pipe()
    cmd.start()

    with pytest.raises(KeyboardInterrupt), deaf_interrupt():
        stdout.read()

    cmd.process.kill()
    error_of(ExitError, cmd.wait)
