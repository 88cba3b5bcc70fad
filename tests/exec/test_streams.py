"""What a command reads from and writes to."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc import ExitError, command
from ipyproc.exec.gather import HeadAndTail
from tests.exec.tools import error_of, open_descriptors, sh
from tests.threads import in_threads

LARGE = b"0123456789abcdef" * 65536


class Broken:
    """Gives or takes nothing but an error, once it has given or taken *data*."""

    def __init__(self, data: bytes = b"", room: int = 0) -> None:
        self.data = data
        self.room = room

    def read(self, _: int) -> bytes:
        """Return the data, then fail."""
        data, self.data = self.data, b""
        if not data:
            raise KeyError("reader broke")
        return data

    def write(self, data: bytes) -> None:
        """Fail when there is no room."""
        self.room -= len(data)
        if self.room < 0:
            raise KeyError("writer broke")


class Endless:
    """Never ends."""

    def read(self, size: int) -> bytes:
        """Return as much as is asked for."""
        return b"x" * size


class Chunks:
    """Keeps what it is given, as it is given."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.chunks.append(data)


@pytest.mark.parametrize(
    "stdin",
    [
        b"Input string\nLine 2",
        bytearray(b"Input string\nLine 2"),
        memoryview(b"Input string\nLine 2"),
        io.BytesIO(b"Input string\nLine 2"),
    ],
    ids=lambda stdin: type(stdin).__name__,
)
def test_cat_stdin(stdin: bytes) -> None:
    """Bytes, and what reads as bytes, reach the child whole."""
    # Go: TestCatStdin.
    cmd = command("cat")
    cmd.stdin = stdin

    assert cmd.output() == b"Input string\nLine 2"


@pytest.mark.parametrize("size", [0, 1, 4096, 65535, 65536, 65537, 1 << 20])
@pytest.mark.parametrize("kind", [bytes, io.BytesIO])
def test_stdin_of_any_size(size: int, kind: type) -> None:
    """Input of any size arrives, whether or not it fits into the pipe."""
    cmd = command("cat")
    cmd.stdin = kind(LARGE[:size])

    assert cmd.output() == LARGE[:size]


def test_stdin_is_the_null_device() -> None:
    """Without stdin a command reads from the null device, not from our input."""
    cmd = sh(
        "seen=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo $seen >&3"
    )
    reader, writer = os.pipe()
    cmd.extra_files = [writer]
    cmd.run()
    os.close(writer)

    with open(reader, "rb") as pipe:
        assert pipe.read().split() == [b"/dev/null"] * 3


def test_small_stdin_needs_no_thread() -> None:
    """Input that fits into the pipe is written without a thread."""
    cmd = command("cat")
    cmd.stdin = b"x" * 4096
    before = threading.active_count()
    cmd.start()
    assert threading.active_count() == before
    cmd.wait()


class TextReader:
    """Reads text, piece by piece."""

    def __init__(self, *pieces: str) -> None:
        self._pieces = [*pieces]

    def read(self, _: int) -> str:
        """Return the next piece."""
        return self._pieces.pop(0) if self._pieces else ""


@pytest.mark.parametrize(
    "stdin",
    ["höflich €", io.StringIO("höflich €"), TextReader("höf", "lich €")],
    ids=["str", "StringIO", "reader"],
)
def test_text_on_stdin_is_utf_8(stdin: Any) -> None:
    """Text and readers of text arrive as UTF-8."""
    assert command("cat", stdin=stdin).output() == "höflich €".encode()


def test_long_text_on_stdin() -> None:
    """Text of any length arrives whole."""
    text = "€" * 300_000

    assert command("cat", stdin=text).output(text=True) == text


def test_odd_bytes_in_text_arrive_as_they_came() -> None:
    """A byte that surrogateescape kept is that byte again."""
    assert command("cat", stdin="a\udcffb").output() == b"a\xffb"


def test_rest_of_a_pipe_that_was_read_as_text() -> None:
    """What a text wrapper has read ahead from a pipe reaches the next command, too."""
    first = command("printf", "one\ntwo\nthree\n")
    lines = io.TextIOWrapper(first.stdout_pipe())
    first.start()
    assert lines.readline() == "one\n"

    assert command("cat", stdin=lines).output() == b"two\nthree\n"
    first.wait()


def test_reader_of_neither_bytes_nor_text_is_refused() -> None:
    """A reader that returns something else is a TypeError."""

    class Reader:
        def read(self, _: int) -> list[int]:
            return [1]

    cmd = command("cat")
    cmd.stdin = Reader()  # type: ignore[assignment]

    message = "stdin: read() returned list, not bytes or text"
    assert str(error_of(TypeError, cmd.output)) == message


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_what_is_no_stream_is_refused(name: str) -> None:
    """The message names the field and what it takes."""
    cmd = command("true")
    setattr(cmd, name, object())
    before = open_descriptors()

    with pytest.raises(TypeError, match=f"^{name}: expected None, .*, not object$"):
        cmd.run()
    assert open_descriptors() == before


def test_file_is_handed_over(tmp_path: Path) -> None:
    """A child gets a real file itself, with its offset."""
    (tmp_path / "in").write_bytes(b"0123456789")
    with open(tmp_path / "in", "rb") as stdin, open(tmp_path / "out", "wb") as stdout:
        stdin.seek(4)
        cmd = sh("cat; readlink /proc/self/fd/0")
        cmd.stdin, cmd.stdout = stdin, stdout
        before = threading.active_count()
        cmd.start()
        assert threading.active_count() == before
        cmd.wait()

    assert (tmp_path / "out").read_text() == f"456789{tmp_path}/in\n"


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_child_reads_on_where_we_stopped(tmp_path: Path, mode: str) -> None:
    """What a buffered file has read ahead is the child's to read."""
    (tmp_path / "in").write_text("header\nbody\n")
    cmd = command("cat")
    with open(tmp_path / "in", mode) as stdin:
        assert stdin.readline() in ("header\n", b"header\n")
        cmd.stdin = stdin
        assert cmd.output() == b"body\n"


def test_what_we_wrote_comes_first(tmp_path: Path) -> None:
    """A file's buffer is flushed before the child writes behind it."""
    with open(tmp_path / "out", "w") as stdout:
        print("ours", file=stdout)
        cmd = command("echo", "the child's")
        cmd.stdout = stdout
        cmd.run()

    assert (tmp_path / "out").read_text() == "ours\nthe child's\n"


def test_descriptors_are_files_too() -> None:
    """A number stands for an open descriptor."""
    reader, writer = os.pipe()
    cmd = command("echo", "hello")
    cmd.stdout = writer
    cmd.run()
    os.close(writer)

    with open(reader, "rb") as pipe:
        assert pipe.read() == b"hello\n"


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_negative_number_is_no_descriptor(name: str) -> None:
    """subprocess.PIPE and its like mean nothing here, and must not mean "closed"."""
    cmd = command("true")
    setattr(cmd, name, subprocess.PIPE)

    with pytest.raises(ValueError, match=f"^{name}: -1 is no descriptor$"):
        cmd.run()


def test_file_that_changes_its_data_is_copied(tmp_path: Path) -> None:
    """A compressed file is read through Python, not by its descriptor."""
    path = tmp_path / "file.gz"
    with gzip.open(path, "wb") as out:
        cmd = command("echo", "hello")
        cmd.stdout = out
        cmd.run()
    assert path.read_bytes()[:2] == b"\x1f\x8b"

    cmd = command("cat")
    with gzip.open(path, "rb") as cmd.stdin:
        assert cmd.output() == b"hello\n"


def test_closed_file_is_a_closed_descriptor(tmp_path: Path) -> None:
    """A child gets nothing for a file that was closed, as in Go."""
    with open(tmp_path / "file", "wb") as file:
        pass
    cmd = sh("[ -e /proc/self/fd/2 ] && echo open || echo closed")
    cmd.stderr = file

    assert cmd.output() == b"closed\n"


def test_text_stream_takes_output() -> None:
    """A stream of text gets text: whole characters, whatever the pieces were."""
    cmd = sh(r"printf 'a\303'; sleep 0.02; printf '\251\377\n\342\202'")
    cmd.stdout = io.StringIO()
    cmd.run()

    assert cmd.stdout.getvalue() == "aé\ufffd\n\ufffd"


def test_what_a_writer_gets_is_its_own() -> None:
    """A writer may keep what it was given; it does not change afterwards."""
    cmd = sh("for i in 1 2 3; do echo $i; sleep 0.02; done")
    sink = cmd.stdout = Chunks()
    cmd.run()

    assert b"".join(sink.chunks) == b"1\n2\n3\n"
    assert all(type(chunk) is bytes for chunk in sink.chunks)


def test_writer_that_takes_less() -> None:
    """A raw stream that takes a part gets the rest later; one that takes none fails."""

    class Narrow(io.RawIOBase):
        def __init__(self, width: int) -> None:
            self.width = width
            self.taken = b""

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.taken += data[: self.width]
            return min(self.width, len(data))

    cmd = command("echo", "hello")
    sink = cmd.stdout = Narrow(2)
    cmd.run()
    assert sink.taken == b"hello\n"

    cmd = command("echo", "hello")
    cmd.stdout = Narrow(0)
    assert str(error_of(OSError, cmd.run)) == "short write"


def test_same_writer_for_both_streams() -> None:
    """One object for stdout and stderr has one pipe: its writes never overlap."""
    cmd = sh("readlink /proc/$$/fd/1 /proc/$$/fd/2; readlink /proc/$$/fd/1 >&2")
    cmd.stdout = cmd.stderr = sink = io.BytesIO()
    cmd.run()
    assert len(set(sink.getvalue().split())) == 1

    cmd = sh("readlink /proc/$$/fd/1 /proc/$$/fd/2")
    cmd.stdout, cmd.stderr = sink, other = io.BytesIO(), io.BytesIO()
    cmd.run()
    assert len(set(sink.getvalue().split())) == 2
    assert other.getvalue() == b""


def test_ignore_pipe_error_on_success() -> None:
    """A child may succeed without reading its input."""
    # Go: TestIgnorePipeErrorOnSuccess.
    for stdin in (b"x" * 10_000_000, io.BytesIO(b"x" * 10_000_000), Endless()):
        cmd = command("echo", "foo")
        cmd.stdin = stdin
        assert cmd.output() == b"foo\n"


def test_close_pipe_on_copy_error() -> None:
    """A failing writer breaks the child's pipe, and its error is raised."""
    # Go: TestClosePipeOnCopyError.
    cmd = sh("yes; exit 0")
    cmd.stdout = Broken(room=100)

    assert error_of(KeyError, cmd.run).args == ("writer broke",)


def test_exit_status_comes_before_a_copy_error() -> None:
    """An error of a reader or a writer counts only if the command succeeded."""
    cmd = sh("cat; exit 5")
    cmd.stdin, cmd.stdout = Broken(b"abc"), Broken()
    assert str(error_of(ExitError, cmd.run)) == "exit status 5"

    cmd = sh("cat; exit 0")
    cmd.stdin = Broken(b"abc")
    error = error_of(KeyError, cmd.output)
    assert error.args == ("reader broke",)
    assert error.output == b"abc"  # type: ignore[attr-defined]


def test_error_without_room_for_output() -> None:
    """An error that takes no attributes is raised as it is."""

    class Bare(Exception):
        output = property(lambda self: b"its own")

    class Reader:
        def read(self, _: int) -> bytes:
            raise Bare

    cmd = command("cat")
    cmd.stdin = Reader()

    assert error_of(Bare, cmd.output).output == b"its own"


def test_extra_files(tmp_path: Path) -> None:
    """Extra files follow on descriptor 3, and nothing else does."""
    # Go: TestExtraFiles.
    (tmp_path / "a").write_bytes(b"A")
    os.set_inheritable(own := os.open("/dev/null", os.O_RDONLY), True)
    cmd = sh(
        "cat <&3; cat <&5; cd /proc/$$/fd;"
        "for i in 0 1 2 3 4 5 6 7 8 9 $1; do [ -e $i ] && echo $i; done; true",
        str(own),
    )
    with open(tmp_path / "a", "rb") as first, open(tmp_path / "a", "rb") as second:
        cmd.extra_files = [first, None, second]
        output = cmd.output()
    os.close(own)

    assert output.split() == [b"AA0", b"1", b"2", b"3", b"5"]


def test_extra_files_race() -> None:
    """Concurrent starts do not take each other's files."""
    # Go: TestExtraFilesRace.

    def run(index: int) -> None:
        reader, writer = os.pipe()
        cmd = sh("cat <&3")
        cmd.extra_files = [reader]
        os.write(writer, str(index).encode())
        os.close(writer)
        assert cmd.output() == str(index).encode()
        os.close(reader)

    for _ in range(3):
        in_threads(8, run)


def test_large_output_both_ways() -> None:
    """A child that fills all its pipes at once does not hang."""
    cmd = sh("tee /dev/stderr")
    cmd.stdin = LARGE
    cmd.stderr = io.BytesIO()

    assert cmd.output() == LARGE
    assert cmd.stderr.getvalue() == LARGE


MEMORY = """
from pathlib import Path
from typing import Any
from ipyproc import command

def held(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) << 10

command("true").output()
before = held("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
size = 128 << 20
assert len(command("head", "-c", str(size), "/dev/zero").output()) == size
print(held("VmHWM") - before - size)
"""


def test_output_is_held_once() -> None:
    """While output() collects, and when it returns, there is one copy of the output."""
    above = int(command(sys.executable, "-c", MEMORY).output())

    assert above <= 32 << 20


def test_output_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What output() collects is read where it is waited for, however much it is."""

    def refuse(_: threading.Thread) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    script = f"head -c {len(LARGE)} /dev/zero; echo err >&2; exit 3"
    error = error_of(ExitError, sh(script).output)

    assert error.output == bytes(len(LARGE))
    assert error.stderr == b"err\n"
    assert sh("echo out; echo err >&2").combined_output() == b"out\nerr\n"
    command("true").run()


def test_sink_that_takes_nothing_is_an_error_of_the_command() -> None:
    """The pipe to a buffer that cannot grow is closed, and wait() says why."""
    sink = io.BytesIO()
    cmd = sh("trap '' PIPE; until echo x; do exit 0; done; sleep 0; exit 0")
    cmd.stdout = sink
    with sink.getbuffer():
        error_of(BufferError, cmd.run)

    assert cmd.process_state is not None
    assert sink.getvalue() == b""


def test_threads_end_with_the_command() -> None:
    """After wait() no thread is left, not even one on its way out."""
    before = set(threading.enumerate())
    cmd = command("cat")
    cmd.stdin = io.BytesIO(LARGE)
    cmd.output()

    assert set(threading.enumerate()) == before


def test_no_thread_means_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """If copying cannot start the process is ended again, and nothing is left open."""
    before = open_descriptors()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    cmd = command("cat")
    cmd.stdin = io.BytesIO(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        error_of(RuntimeError, cmd.start)

    assert cmd.process is None
    assert open_descriptors() == before


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ([], b""),
        ([b"abcd"], b"abcd"),
        ([b"ab", b"cdef"], b"abcdef"),
        ([b"abcd", b"efgh"], b"abcdefgh"),
        ([b"abcdefghi"], b"abcd\n... omitting 1 bytes ...\nfghi"),
        ([b"abcdefgh", b"i", b"jk"], b"abcd\n... omitting 3 bytes ...\nhijk"),
    ],
)
def test_prefix_suffix_saver(written: list[bytes], kept: bytes) -> None:
    """The first and last bytes are kept, with a note between."""
    # Go: TestPrefixSuffixSaver.
    saver = HeadAndTail(4)
    for piece in written:
        assert saver.write(piece) == len(piece)

    assert saver.getvalue() == kept


@given(st.lists(st.binary(max_size=20)), st.integers(1, 10))
def test_head_and_tail_do_not_depend_on_the_pieces(
    pieces: list[bytes], limit: int
) -> None:
    """However the data comes, the same is kept, and never more than twice the limit."""
    whole = b"".join(pieces)
    saver = HeadAndTail(limit)
    for piece in pieces:
        saver.write(memoryview(piece))

    if len(whole) <= 2 * limit:
        assert saver.getvalue() == whole
    else:
        note = b"\n... omitting %d bytes ...\n" % (len(whole) - 2 * limit)
        assert saver.getvalue() == whole[:limit] + note + whole[-limit:]
