"""``%spawn --pty``: a terminal for a job, in a notebook and in a terminal."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from ipyproc import jobs
from tests.jobs.helpers import eventually
from tests.kernel.fixtures import Kernel
from tests.magics.helpers import RunCell, output
from tests.magics.terminal import Terminal

TTYS = "import os; print([os.isatty(fd) for fd in range(3)])"


@pytest.mark.parametrize(
    ("line", "ttys"),
    [
        # There is no field to type into, so that who asks hears that there is no input.
        ("%spawn --pty", "[False, True, True]"),
        ("%spawn --pty --no-stdin", "[False, True, True]"),
        ("%spawn --pty --stdin -", "[True, True, True]"),
        ("%spawn --pty --stdin /dev/zero", "[False, True, True]"),
    ],
)
def test_a_terminal(run: RunCell, line: str, ttys: str) -> None:
    """The job has a terminal; its input is that, too, where somebody can type."""
    ran = run(f'{line} {sys.executable} -c "{TTYS}"')

    assert output(ran.value) == f"{ttys}\r\n"
    assert ran.value.stdin_open is False
    assert ran.value.terminal is not None


def test_a_body_is_the_input(run: RunCell) -> None:
    """The body is the input, byte for byte, and the output is a terminal."""
    ran = run("%%spawn --pty sh -c 'test -t 1 && ! test -t 0 && cat'\na\tb\n\x04c\n")

    assert output(ran.value) == "a\tb\r\n\x04c\r\n"


def test_whose_settings(run: RunCell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ipykernel sets for its cells is not for terminals; --out is their text."""
    monkeypatch.setenv("TERM", "xterm-color")
    monkeypatch.setenv("PAGER", "cat")
    run("%spawn --pty --wait --out text sh -c 'echo $TERM ${PAGER-none}'")
    job = run("%spawn --pty sh -c 'echo $TERM ${PAGER-none}'").value

    assert run("text").value == "xterm-256color none\n"
    assert output(job) == "xterm-256color none\r\n"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--merge", "leave out --pty or --merge: what a job prints in a terminal is"),
        ("--err x", "leave out --pty or --err: what a job prints in a terminal is one"),
        ("--stderr x", "leave out --pty or --stderr: what a job prints in a terminal"),
        ("--stdout x", "leave out --pty or --stdout: what a job prints in a terminal"),
    ],
)
def test_refused(run: RunCell, options: str, text: str) -> None:
    """What makes no sense beside a terminal is one line, and nothing starts."""
    ran = run(f"%spawn --pty {options} true")

    assert isinstance(ran.error, UsageError)
    assert str(ran.error).startswith(text)
    assert not [*jobs]


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
def test_in_a_notebook(kernel: Kernel) -> None:
    """In a live pane the input is the terminal, and what is sent there is typed."""
    kernel.run("%load_ext ipyproc", as_user=True)
    reply = kernel.run(
        "job = %spawn --pty --name asks "
        f"{sys.executable} -c \"print('got', input('name? '))\"",
        as_user=True,
    )
    assert not reply.error
    asked = "job.until('name'); job.send('Ada\\n'); job.wait(60)\n"
    reply = kernel.run(asked + "print(job.stdout.plain, job.terminal.rows)")

    assert reply.stdout == "name? Ada\ngot Ada\n 24\n"


def in_terminal(tmp_path: Path, code: str) -> str:
    """Write a program, and return the words that run it."""
    path = tmp_path / "program.py"
    path.write_text(code)
    return f"{sys.executable} -I -S -u {path}"


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    """A terminal with ipyproc loaded."""
    terminal.run("%load_ext ipyproc")
    return terminal


SETTINGS = "import termios; before = termios.tcgetattr(0)"
SAME = "('sa' 'me') if termios.tcgetattr(0) == before else termios.tcgetattr(0)"


@pytest.mark.slow
def test_the_terminal_is_lent(loaded: Terminal, tmp_path: Path) -> None:
    """--wait lends the terminal: its size, its keys, Ctrl-C, and new sizes."""
    code = """
import os, signal, sys, tty
print("size", *os.get_terminal_size())
try:
    print("re" + "ady"); sys.stdin.readline()
except KeyboardInterrupt:
    print("interrup" + "ted")
ear, mouth = os.pipe()
os.set_blocking(mouth, False)
signal.set_wakeup_fd(mouth)
signal.signal(signal.SIGWINCH, lambda *_: None)
tty.setraw(0)
os.write(1, b"ra" + b"w\\r\\n")
print("key", ascii(os.read(0, 99)), end="\\r\\n")
print("waits", end="\\r\\n")
os.read(ear, 1)
print("size", *os.get_terminal_size(), end="\\r\\n")
sys.exit(3)
"""
    loaded.resize(30, 90)
    loaded.run(SETTINGS)
    begin = len(loaded.screen)
    loaded.press(f"%spawn --pty --wait {in_terminal(tmp_path, code)}\n")
    loaded.until("size 90 30\r\n", begin)
    loaded.until("ready", begin)
    loaded.press("\x03")
    loaded.until("interrupted", begin)
    loaded.until("raw", begin)
    loaded.press("\x1a")
    loaded.until(r"key b'\x1a'", begin)
    loaded.until("waits", begin)
    loaded.resize(40, 100)
    loaded.until("size 100 40", begin)
    loaded.ready()

    assert "exit status 3" in loaded.screen[begin:]
    assert "same" in loaded.run(SAME)


@pytest.mark.slow
def test_a_crash_leaves_nothing(loaded: Terminal, tmp_path: Path) -> None:
    """What a program left switched on is switched off, and the settings are back."""
    code = """
import os, signal, tty
tty.setraw(0)
os.write(1, b"\\x1b[?1049h\\x1b[?25l\\x1b[?1000;2004h\\x1b[31mfull")
os.kill(os.getpid(), signal.SIGKILL)
"""
    loaded.run(SETTINGS)
    begin = len(loaded.written)
    loaded.press(f"%spawn --pty --wait {in_terminal(tmp_path, code)}\n")
    loaded.ready()

    after = loaded.written[begin:].partition("full")[2]
    ends = "\x1b[?2004l\x1b[?1000l\x1b[?25h\x1b[?1049l\x1b[m"
    assert after.startswith(ends)
    assert "signal: killed" in loaded.written[begin:]
    assert "same" in loaded.run(SAME)


@pytest.mark.slow
def test_a_stop_and_an_interrupt(loaded: Terminal, tmp_path: Path) -> None:
    """Who was stopped, or whose waiting was, gives the terminal back and stays."""
    code = """
import os, signal
print("stops")
os.kill(os.getpid(), signal.SIGSTOP)
print("go" + "es on")
signal.pause()
"""
    loaded.run(SETTINGS)
    begin = len(loaded.screen)
    program = in_terminal(tmp_path, code)
    loaded.press(f"%spawn --pty --wait --name stops {program}\n")
    loaded.ready()
    assert re.search(
        r"KeyboardInterrupt: waiting stopped; stops \(pid \d+\) is stopped",
        loaded.screen[begin:],
    )
    assert "same" in loaded.run(SAME)
    assert "SIGCONT sent" in loaded.run("%prockill stops --signal CONT")

    begin = len(loaded.screen)
    loaded.press("%spawn --pty --wait --name naps sh -c 'echo he''re; sleep 600'\n")
    loaded.until("here", begin)
    os.kill(loaded.process.pid, signal.SIGINT)
    loaded.ready()
    assert "waiting stopped; naps (pid " in loaded.screen[begin:]
    assert "same" in loaded.run(SAME)
    assert "naps" in loaded.run("%procs")


@pytest.mark.slow
def test_a_shell_in_a_shell(loaded: Terminal) -> None:
    """A bash in a terminal has its prompt, its job control and its keys."""
    begin = len(loaded.screen)
    loaded.press("%spawn --pty --wait bash --norc --noprofile\n")
    loaded.until("bash-", begin)
    loaded.press("sh -c 'echo ru''ns; exec cat'\n")
    loaded.until("runs", begin)
    loaded.press("\x1a")
    loaded.until("Stopped", begin)
    before = len(loaded.screen)
    loaded.press("fg\n")
    loaded.until("exec cat'\r\n", before)
    loaded.press("\x04")
    loaded.until("bash-", before)
    loaded.press("exit 4\n")
    loaded.ready()

    assert "exit status 4" in loaded.screen[begin:]


@pytest.mark.slow
def test_ipython_itself_is_stopped(loaded: Terminal) -> None:
    """An IPython that a shell stopped and continued has all keys go on to the job."""
    before = loaded.settings()
    begin = len(loaded.screen)
    loaded.press("%spawn --pty --wait sh -c 'echo he''re; cat'\n")
    loaded.until("here", begin)
    eventually(lambda: loaded.settings() != before)
    lent = loaded.settings()
    os.kill(loaded.process.pid, signal.SIGSTOP)
    loaded.restore(before)
    os.kill(loaded.process.pid, signal.SIGCONT)
    eventually(lambda: loaded.settings() == lent)
    loaded.press("\x04")
    loaded.ready()

    assert "exit status 0" in loaded.screen[begin:]
