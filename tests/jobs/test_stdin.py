from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ipyproc import PIPE, spawn
from tests.jobs.helpers import PATIENCE, python, until, until_printed


def test_no_input() -> None:
    """Standard input is the null device if nothing else was said."""
    job = spawn("cat")

    assert job.wait(PATIENCE).success
    assert (job.stdout.total, job.stdin_open) == (0, False)


@pytest.mark.parametrize(
    ("stdin", "printed"),
    [
        (b"a\0\xff", b"a\0\xff"),
        (b"", b""),
        ("Grüße", "Grüße".encode()),
        (b"x" * 5_000_000, b"x" * 5_000_000),
    ],
)
def test_data(stdin: bytes | str, printed: bytes) -> None:
    """Bytes and text are written, and then the input ends."""
    job = spawn("cat", stdin=stdin)

    assert job.wait(PATIENCE).success
    assert job.stdout.bytes == printed
    assert not job.stdin_open


def test_data_that_nobody_reads() -> None:
    """A process that ends without reading its input ends as it likes."""
    job = spawn("true", stdin=b"x" * 5_000_000)

    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)


def test_path(tmp_path: Path) -> None:
    """A path is opened and handed over."""
    path = tmp_path / "in"
    path.write_bytes(b"from a file")
    job = spawn("cat", stdin=path)

    assert job.wait(PATIENCE).success
    assert job.stdout.bytes == b"from a file"


def test_open_file(tmp_path: Path) -> None:
    """An open file, or its number, is handed over as it stands, and stays open."""
    path = tmp_path / "in"
    path.write_bytes(b"from a file")
    with path.open("rb", buffering=0) as file:
        file.seek(5)
        job = spawn("cat", stdin=file)
        job.wait(PATIENCE)
        file.seek(7)
        other = spawn("cat", stdin=file.fileno())
        other.wait(PATIENCE)

    assert (job.stdout.bytes, other.stdout.bytes) == (b"a file", b"file")


def test_send() -> None:
    """What is sent is written in order, text as UTF-8, until the input is closed."""
    job = spawn("cat", stdin=PIPE)
    assert job.stdin_open
    job.send("ä")
    job.send(b"\xff")
    job.send(bytearray(b"b"))
    job.close_stdin()
    job.close_stdin()

    assert not job.stdin_open
    assert job.wait(PATIENCE).success
    assert job.stdout.bytes == b"\xc3\xa4\xffb"


def test_send_a_lot() -> None:
    """A child that does not read does not block us; when it reads, it gets all."""
    data = os.urandom(10_000_000)
    job = spawn(["sh", "-c", "kill -STOP $$; exec cat"], stdin=PIPE)
    until(job, lambda job: job.status == "stopped")
    job.send(data)
    job.close_stdin()
    job.signal(signal.SIGCONT)

    assert job.wait(PATIENCE).success
    assert job.stdout.bytes == data


def test_send_more_than_anybody_reads() -> None:
    """A child that never reads does not block us; what it has not read is dropped."""
    job = spawn("sleep 1000", stdin=PIPE)
    data = bytes(50_000_000)
    job.send(data)
    job.send(data)
    job.close_stdin()
    assert job.status == "running"
    job.kill()

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(job, lambda job: job.finished)
    assert not job.stdin_open


@pytest.mark.parametrize("data", [1, None, ["a"]])
def test_send_what_is_no_data(data: object) -> None:
    """What is neither bytes nor text is refused by name."""
    job = spawn("cat", stdin=PIPE)
    with pytest.raises(TypeError, match=r"^data: "):
        job.send(data)  # type: ignore[arg-type]


def test_send_without_a_pipe() -> None:
    """A job that was not started with PIPE has no input to send to."""
    job = spawn("sleep 1000")
    with pytest.raises(BrokenPipeError, match="no pipe; start with PIPE"):
        job.send("x")


def test_send_after_close() -> None:
    """A closed input takes no more."""
    job = spawn("cat", stdin=PIPE)
    job.close_stdin()
    with pytest.raises(BrokenPipeError, match=r"closed|ended"):
        job.send("x")


@pytest.mark.parametrize("data", ["x", b"x", "", b""])
def test_send_after_the_end(data: str | bytes) -> None:
    """A process that has ended reads no more, and the error says so."""
    job = spawn("true", stdin=PIPE)
    job.wait(PATIENCE)

    assert not job.stdin_open
    with pytest.raises(BrokenPipeError, match="has ended"):
        job.send(data)
    job.close_stdin()


def test_send_to_a_process_that_closed_its_end() -> None:
    """The first write without a reader closes the input."""
    job = spawn(
        python("import os, time; os.close(0); print('closed'); time.sleep(1000)"),
        stdin=PIPE,
    )
    until_printed(job, "closed")
    job.send("x")
    until(job, lambda job: not job.stdin_open)

    with pytest.raises(BrokenPipeError, match="is closed"):
        job.send("y")
    assert job.status == "running"


def test_the_keyboard_is_its_own() -> None:
    """No other session can have that of a job which ends with this one."""
    job = spawn("cat", stdin=PIPE)
    job.take_keyboard()
    assert job.has_keyboard
    job.close_stdin()
    assert job.wait(PATIENCE).success
