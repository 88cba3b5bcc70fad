"""The renderings that need no browser: text and HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import bleach
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views.render import console, html
from ipyproc.views.render.format import saved_size
from ipyproc.views.transport import output_feed
from ipyproc.views.transport.row_changes import Fields
from ipyproc.views.widgets import jobs as rows
from tests.views.fakes import FakeJob


class Reader(HTMLParser):
    """Elements that are opened and closed, attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the last one opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data

    def find(self, name: str) -> dict[str, str | None]:
        """Return the attributes of the first element of a class."""
        return next(a for _, a in self.tags if name in (a.get("class") or "").split())


def finished(data: bytes = b"hello\n", status: int = 0) -> FakeJob:
    """Return a job that printed something and ended."""
    job = FakeJob()
    job.prints(data)
    job.ends(status)
    return job


def test_state_as_text() -> None:
    """A state is Go's text."""
    assert str(ProcessState(sys=WaitStatus(9))) == "signal: killed"


def test_job_as_text() -> None:
    """Without HTML a job is its command, the last of its output, and its state."""
    running = FakeJob()
    running.prints(b"\x1b[31mepoch 1\x1b[0m\r\nepoch 2")

    assert console.job(running).splitlines() == [
        "train (pid 4242): python3 -u train.py",
        "epoch 1",
        "epoch 2",
        "running",
    ]
    assert console.job(finished(status=0x0100)).splitlines()[1:] == [
        "hello",
        "exit status 1 after 1.25 s",
    ]
    assert console.spawned(running) == "spawned train (pid 4242): python3 -u train.py"


def test_a_session_reads_as_it_was_typed() -> None:
    """A prompt and its answer stand on one line, though on two streams."""
    job = FakeJob()
    for stream, data in ((1, b">>> "), (0, b"42\n"), (1, b">>> "), (0, b"x\vy\n")):
        job.prints(data, stream)
    job.ends()

    assert console.job(job).splitlines()[1:-1] == [">>> 42", ">>> x", "     y"]
    output = html.job(job).partition('role="log"')[2].partition("</ul>")[0]
    drawn = [re.sub("<.*?>", "", line) for line in output.split("<li>")[1:]]
    assert drawn == ["&gt;&gt;&gt; 42", "&gt;&gt;&gt; x", "     y"]


@pytest.mark.parametrize("encoding", ["utf-16", "gbk", "utf-8"])
def test_output_in_any_encoding(encoding: str) -> None:
    """Text, HTML and what is sent to pages show it, and pages get UTF-8."""
    job = FakeJob(encoding=encoding)
    for byte in "世界\n".encode(encoding):
        job.prints(bytes([byte]))
    job.ends()

    assert "\n世界\n" in console.job(job)
    assert "<li>世界</li>" in html.job(job)
    assert bytes(output_feed.tail(job)["data"]) == "世界\n".encode()
    assert rows.last_line(job) == "世界"


def test_long_output_as_text() -> None:
    """Of much output the last lines are shown, and how much is not."""
    lines = console.job(
        finished(b"".join(b"%d\n" % n for n in range(100)))
    ).splitlines()
    assert lines[1:3] == ["[not shown: 80 lines before this]", "80"]
    assert len(lines) == 23

    more = console.job(finished(b"".join(b"line %d\n" % n for n in range(10_000))))
    assert re.search(r"^\[not shown: 9,980 lines before this\]$", more, re.M)
    assert more.splitlines()[-2] == "line 9999"


def test_jobs_as_text() -> None:
    """A table of jobs is aligned."""
    other = FakeJob("ls", name="a-long-name")
    other.ends(9, after=61)

    lines = console.jobs(map(rows.row, [FakeJob(), other])).splitlines()

    assert lines[0].split() == ["NAME", "PID", "STATUS", "TIME", "COMMAND"]
    assert lines[2].startswith("a-long-name  4242  signal: killed  1:01")
    assert lines[1].index("4242") == lines[2].index("4242") == lines[0].index("PID")


#: What bleach, and so nbconvert, leaves alone, unless it is told otherwise.
STRICT = bleach.ALLOWED_TAGS


def test_job_as_html() -> None:
    """The HTML has what the live pane has, and the elements that sanitisers allow."""
    page = Reader(html.job(finished(b"a\n\n\x1b[1;31mb\x1b[0m", 0x0300)))

    tag, attributes = page.tags[0]
    assert (tag, attributes["role"]) == ("abbr", "region")
    assert attributes["aria-label"] == "Job train"
    assert attributes["data-name"] == "train"
    assert attributes["data-pid"] == "4242"
    assert attributes["data-status"] == "exited"
    assert page.find("ipyproc-output")["role"] == "log"
    assert page.find("ipyproc-status") is not None
    assert page.find("ipyproc-state") is not None
    assert "exit status 3" in page.text
    assert "00000011 exit code 3" in page.text
    assert {tag for tag, _ in page.tags} <= STRICT


def test_running_job_as_html() -> None:
    """A job that runs has no state yet; one without output has no empty box."""
    page = html.job(FakeJob())

    assert "ipyproc-state" not in page
    assert "ipyproc-output" not in page
    assert 'data-status="running"' in page


def test_state_and_table_as_html() -> None:
    """A state is a list of its facts; the table of jobs has a row for each."""
    state = Reader(html.state(ProcessState(pid=1, sys=WaitStatus(9))))
    assert "SIGKILL (9)" in state.text
    assert state.tags[0][1]["class"] == "ipyproc-state"
    assert {tag for tag, _ in state.tags} <= STRICT

    page = Reader(html.jobs(map(rows.row, [FakeJob(), finished()])))
    found = [a for tag, a in page.tags if tag == "tr" and "data-name" in a]
    assert [row["data-status"] for row in found] == ["running", "exited"]
    assert "ipyproc-jobs" in (page.tags[0][1]["class"] or "")


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_nothing_of_it_is_markup() -> None:
    """Name, command and output are text, whatever they say."""
    job = FakeJob(EVIL, name=EVIL)
    links = b"\x1b]8;;https://a.b/?'&x=1\x07link\x1b]8;;javascript:alert(1)\x07no\x1b]8;;\x07"
    job.prints(EVIL.encode() + links + b"\x1b[38;2;1;2;3mx")
    job.ends()

    page = Reader(html.job(job) + html.jobs([rows.row(job)]))

    assert {tag for tag, _ in page.tags} <= {
        *STRICT,
        *("table", "thead", "tbody", "tr", "td", "th", "span"),
    }
    assert page.text.count("<script>alert(1)</script>") >= 3
    links_ = [a["href"] for tag, a in page.tags if tag == "a"]
    assert links_ == ["https://a.b/?'&x=1"]
    assert not [a for _, a in page.tags for name in a if name.startswith("on")]


LARGE = [
    b"<" * 100_000,
    b"<>&\"'\n" * 20_000,
    b"\x1b[1;31;42m<\x1b[0;4;3m&" * 5000,
    b"".join(b"\x1b[38;5;%dmx" % (n % 256) for n in range(5000)),
    b"\x1b]8;;https://a.b/" + b"&" * 1900 + b"\x07x" + b"\x1b[1my\x1b[mz" * 2000,
    b"\x1b[31m\n" * 20_000,
    b"\n" * 100_000,
    b"\\" * 100_000,
    b"x" * 100_000,
    "日本".encode() * 30_000,
    b"e" + "\u0301".encode() * 100_000,
]


@pytest.mark.parametrize("data", LARGE, ids=lambda data: repr(data[:12]))
@pytest.mark.parametrize("char", ['"', "\U0001f600"])
def test_what_is_saved_is_bounded(data: bytes, char: str) -> None:
    """No output and no name makes a job take more than 40 kB of a saved notebook."""
    job = finished(data)
    job.name, job.argv = char * 5000, (char * 50_000,)
    more = {"taken": 0.0, "note": ", output still open (1,234 processes hold it)"}
    bundle = {
        "text/html": f'<div id="ipyproc-{32 * "0"}">{html.job(job, **more)}</div>',
        "text/plain": console.job(job, **more),
    }
    output = new_output("display_data", bundle)
    saved = nbformat.writes(new_notebook(cells=[new_code_cell(outputs=[output])]))

    assert len(saved.encode()) <= 40_000
    Reader(bundle["text/html"])


@pytest.mark.parametrize("char", ["x", '"', "\U0001f600"])
def test_a_row_is_bounded(char: str) -> None:
    """A job takes 8 kB of a saved table at most, however long its words are."""
    job = FakeJob(char * 50_000, name=char * 5000)
    job.prints(char.encode() * 50_000)
    row = rows.row(job) | {"last": rows.last_line(job)}

    assert saved(row) <= 8_000


def test_a_table_of_many_is_small() -> None:
    """Two hundred jobs of the usual kind take 600 bytes each."""
    job = FakeJob()
    job.prints(b"epoch 17/100: loss 0.1234\n")

    assert saved(*[rows.row(job) | {"last": rows.last_line(job)}] * 200) <= 120_000


@pytest.mark.parametrize("char", ['"', "<", "世", "\U0001f600", "\\"])
def test_a_table_of_two_hundred_is_bounded(char: str) -> None:
    """No names, commands and output make a table of two hundred jobs larger."""
    job = FakeJob(char * 50_000, name=char * 5000)
    job.prints(char.encode() * 5000)
    job.ends(139, after=1e6)

    assert saved(*[rows.row(job) | {"last": rows.last_line(job)}] * 200) <= 120_000


def test_a_table_says_when_it_was_so() -> None:
    """What is saved of a table has the time at which it was taken."""
    job = FakeJob()

    for table in (
        html.jobs([rows.row(job)], 2, 0.0),
        console.jobs([rows.row(job)], 2, 0.0),
    ):
        assert re.search(r"as of (1970-01-01|1969-12-31) \d\d:\d\d:\d\d", table)


def saved(*found: Fields) -> int:
    """Return how much rows take in a saved notebook."""
    return sum(saved_size(table(found, 9, 0.0)) for table in (html.jobs, console.jobs))


def test_of_a_line_that_is_too_large_both_ends_are_shown() -> None:
    """A line for which there is no room is shown without its middle."""
    job = finished(b"before\nbegin" + b"\x1b[1;31m<\x1b[0;4;3m&" * 400 + b"end")

    for text in (Reader(html.job(job)).text, console.job(job)):
        assert "begin<&<&" in text
        assert "<&<&end" in text


def test_nothing_of_the_environment_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rendering has a variable's value."""
    monkeypatch.setenv("SECRET", "hunter2")
    job = finished()

    assert "hunter2" not in html.job(job) + console.job(job)
