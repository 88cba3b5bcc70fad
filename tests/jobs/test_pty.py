"""Jobs that have a terminal: what their programs see of it, and what is typed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import sys
import threading
from pathlib import Path
from termios import ICRNL, ISIG

import pytest

from ipyproc import PIPE, SysProcAttr, spawn
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.terminal import Master
from ipyproc._sys.launcher import client
from ipyproc.errors import ProcessDoneError
from tests.jobs.helpers import (
    HEAR,
    PATIENCE,
    ended,
    eventually,
    python,
    until,
    until_printed,
)

#: What a program sees of its terminal.
LOOK = """
import os, sys
names = {os.ttyname(fd) for fd in range(3)}
own = os.open("/dev/tty", os.O_RDWR)
us = os.getpid()
print(len(names), [os.getsid(0), os.getpgrp(), os.tcgetpgrp(own)] == [us] * 3)
print(*os.get_terminal_size())
print(sorted(map(int, os.listdir("/proc/self/fd")))[:4])
"""
#: A program that reads keys, and says so.
RAW = """
import os, sys, tty, termios
tty.setraw(0)
os.write(1, b"ready")
"""


@pytest.mark.parametrize(("pty", "size"), [(True, "80 24"), ((30, 100), "100 30")])
def test_a_terminal(
    pty: bool | tuple[int, int],
    size: str,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One new terminal is all three streams and the controlling one, at once."""

    def launch(*_: object) -> None:
        raise AssertionError("no launcher is needed for that")

    monkeypatch.setattr(client, "launch", launch)
    job = ended(spawn(python(LOOK), pty=pty))

    # Its own /dev/tty, which it opened, has the number 3.
    assert job.stdout.plain.splitlines() == ["1 True", size, "[0, 1, 2, 3]"]
    assert job.stderr.total == 0
    assert job.state is not None
    assert job.state.success


def test_with_attributes(mode: str) -> None:
    """What only the launcher can set goes together with a terminal."""
    system = SysProcAttr(pdeathsig=signal.SIGKILL)
    job = ended(spawn(python(LOOK), pty=True, sys=system))

    assert job.stdout.plain.splitlines()[0] == "1 True"


def test_our_end() -> None:
    """What we keep of it is closed on exec, does not block, and two descriptors."""
    before = {int(name) for name in os.listdir("/proc/self/fd")}
    job = spawn("cat", pty=True)
    ours = [
        fd
        for fd in {int(name) for name in os.listdir("/proc/self/fd")} - before
        if os.path.exists(f"/proc/self/fd/{fd}") and os.isatty(fd)
    ]

    assert len(ours) == 2
    assert not any(map(os.get_inheritable, ours))
    assert not any(map(os.get_blocking, ours))
    job.kill()


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program learns which terminal it has, and nothing of another one's size."""
    names = ["TERM", "COLORTERM", "LINES", "COLUMNS"]
    code = f"import os; print(*map(os.environ.get, {names}))"
    for name in names:
        monkeypatch.setenv(name, "7")

    def seen(**options: object) -> str:
        job = ended(spawn(python(code), **options))  # type: ignore[arg-type]
        return job.stdout.plain.strip()

    assert seen() == "7 7 7 7"
    assert seen(pty=True) == "xterm-256color truecolor None None"
    assert seen(pty=True, clear_env=True) == "xterm-256color truecolor None None"
    given = {"TERM": "dumb", "COLORTERM": "", "LINES": "5"}
    assert seen(pty=True, env=given).split(" ") == ["dumb", "", "5", "None"]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"pty": (0, 80)}, ValueError, "rows: expected 1 to 10000, got 0"),
        ({"pty": (24, 0)}, ValueError, "columns: expected 1 to 10000, got 0"),
        ({"pty": (100_000, 80)}, ValueError, "rows: expected 1 to 10000, got 100000"),
        ({"pty": (24, 100_000)}, ValueError, "columns: .* got 100000"),
        ({"pty": (-1, 80)}, ValueError, "rows: expected 1 to 10000, got -1"),
        ({"pty": (True, 80)}, TypeError, "rows: expected an int, not bool"),
        ({"pty": (24, False)}, TypeError, "columns: expected an int, not bool"),
        ({"pty": (24, 80.0)}, TypeError, "columns: expected an int, not float"),
        ({"pty": (24,)}, TypeError, r"pty: expected True, False or \(rows, columns\)"),
        ({"pty": (24, 80, 1)}, TypeError, "pty: expected .*, not tuple"),
        ({"pty": "24x80"}, TypeError, "pty: expected .*, not str"),
        ({"pty": 1}, TypeError, "pty: expected .*, not int"),
        ({"pty": True, "merge": True}, ValueError, "merge: with pty both streams"),
        ({"pty": True, "stderr": "x"}, ValueError, "stderr: with pty all output"),
        ({"pty": True, "stdout": "x"}, ValueError, "stdout: with pty all output"),
        (
            {"pty": True, "detach": True, "stdin": "x"},
            ValueError,
            "stdin: with pty and detach it is the terminal",
        ),
    ],
)
def test_refused(
    options: dict[str, object],
    error: type[Exception],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is no size, and what makes no sense with a terminal, is one line."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=f"^{text}") as caught:
        spawn("true", **options)  # type: ignore[arg-type]

    assert "\n" not in str(caught.value)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("stdin", ["a\nb\n", Path("in")])
def test_input_that_has_an_end(
    stdin: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a body or a file as input only the outputs are the terminal."""
    monkeypatch.chdir(tmp_path)
    Path("in").write_text("a\nb\n")
    code = """
    import os, sys
    print([os.isatty(fd) for fd in range(3)], sys.stdin.read().split())
    print("asks"); print("heard", open("/dev/tty").readline().strip())
    """.replace("\n    ", "\n")
    job = spawn(python(code), pty=True, stdin=stdin)
    until_printed(job, "asks\r\n")
    job.send("typed\n")

    printed = ended(job).stdout.plain.splitlines()
    assert printed[:2] == ["[False, True, True] ['a', 'b']", "asks"]
    assert printed[-1] == "heard typed"


def test_nothing_is_lost_at_the_end(mode: str) -> None:
    """With the end of the process, all is here that it printed before."""
    numbers = "".join(f"{number}\r\n" for number in range(1, 5001))
    for _ in range(10):
        job = spawn(["seq", "1", "5000"], pty=True)
        job.wait(PATIENCE)
        assert job.stdout.text == numbers


def test_children_that_ignore_the_hang_up(tmp_path: Path, mode: str) -> None:
    """What comes after the end of the leader from those who stay is captured, too."""
    os.mkfifo(tmp_path / "gate")
    script = "trap '' HUP; (read go <gate; echo late) & echo early"
    job = spawn(script, shell=True, pty=True, dir=tmp_path)
    job.wait(PATIENCE)
    assert (job.stdout.text, job.finished) == ("early\r\n", False)
    (tmp_path / "gate").write_text("go\n")
    until(job, lambda job: job.finished)

    assert job.stdout.text == "early\r\nlate\r\n"


def test_the_hang_up(mode: str) -> None:
    """The others of the session get SIGHUP when the leader ends."""
    job = ended(spawn("sleep 1000 & echo early", shell=True, pty=True))

    assert job.stdout.text == "early\r\n"
    eventually(lambda: not job.left())


def test_typing() -> None:
    """What is sent is typed: the terminal shows it, and the program reads lines."""
    job = spawn(python("print('got', input())"), pty=True)
    assert job.stdin_open
    job.send("Grüße\r")

    assert ended(job).stdout.plain.splitlines() == ["Grüße", "got Grüße"]
    assert not job.stdin_open
    with pytest.raises(BrokenPipeError, match="the process has ended"):
        job.send("more")
    job.close_stdin()


def test_much_is_typed() -> None:
    """A program that reads keys gets all that was typed, however much that is."""
    data = os.urandom(1 << 20)
    code = f"""
import hashlib
data = b""
while len(data) < {len(data)}:
    data += os.read(0, 1 << 16)
print(hashlib.sha256(data).hexdigest(), end="")
"""
    job = spawn(python(RAW + code), pty=True)
    until_printed(job, "ready")
    job.send(data)

    assert ended(job).stdout.text == "ready" + hashlib.sha256(data).hexdigest()


def test_too_much_is_typed() -> None:
    """Keys that the program does not read are refused before they fill the memory."""
    job = spawn(python(RAW + "import signal; signal.pause()"), pty=True)
    until_printed(job, "ready")
    for _ in range(4):
        job.send(b"x" * ((1 << 20) - 1))
    with pytest.raises(BlockingIOError, match="the program does not read what is"):
        job.send(b"x" * (1 << 20))

    assert job.ended_at is None


#: Reads lines, as a terminal gives them, until the end; then once more.
READ_TWICE = """
import os, termios
settings = termios.tcgetattr(0)
settings[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, settings)
print("ready")
for _ in range(2):
    while data := os.read(0, 99):
        print(ascii(data.decode()))
    print("end")
"""


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", []),
        ("line\n", ["'line\\n'"]),
        ("line\r", ["'line\\n'"]),
        ("line\nbegun", ["'line\\n'", "'begun'"]),
        ("abc\x7f\x7f\x7f", []),
        ("ü\x7f", []),
        ("ü", ["'\\xfc'"]),
        ("dropped\x15", []),
        ("begun\x04", ["'begun'"]),
    ],
)
def test_the_end_of_the_input(typed: str, read: list[str]) -> None:
    """Closing the input types its end: after a line that was begun, twice."""
    job = spawn(python(READ_TWICE), pty=True)
    until_printed(job, "ready\r\n")
    if typed:
        job.send(typed)
    job.close_stdin()
    # One end was typed, and no other: the program reads on.
    until_printed(job, "end\r\n")
    assert job.ended_at is None
    assert job.stdin_open
    job.send("more\n")
    job.close_stdin()

    assert ended(job).stdout.lines() == ["ready", *read, "end", "'more\\n'", "end"]


def test_another_end_of_the_input() -> None:
    """The end is the character that the terminal has for it."""
    job = spawn("stty eof ^X; echo set; cat; echo over", shell=True, pty=True)
    until_printed(job, "set\r\n")
    job.send("\x04\r")
    job.close_stdin()

    assert ended(job).stdout.plain.splitlines()[-1] == "over"


def test_no_end_of_the_input() -> None:
    """A program that reads keys has no end of the input, which is one line."""
    job = spawn(python(RAW + "os.read(0, 9)"), pty=True)
    until_printed(job, "ready")
    with pytest.raises(OSError, match=r"^the program reads keys, not lines") as caught:
        job.close_stdin()

    assert "\n" not in str(caught.value)
    assert job.ended_at is None


def test_resize() -> None:
    """A new size reaches the program, and the next start of the same has it, too."""
    code = f"""
import os, signal
{HEAR}
signal.signal(signal.SIGWINCH, lambda *_: None)
print("ready")
os.read(ear, 1)
print(*os.get_terminal_size())
"""
    job = spawn(python(code), pty=True)
    assert job.terminal is not None
    assert (job.terminal.rows, job.terminal.columns) == (24, 80)
    until_printed(job, "ready")
    job.resize(50, 132)
    assert ended(job).stdout.plain.splitlines()[1] == "132 50"
    assert (job.terminal.rows, job.terminal.columns) == (50, 132)

    again = job.again()
    assert again.terminal is not None
    assert (again.terminal.rows, again.terminal.columns) == (50, 132)


def test_refused_sizes() -> None:
    """A size that is none, and a job that has no terminal, are one line each."""
    job, piped = spawn("cat", pty=True), spawn("cat", stdin=PIPE)
    for size in [(0, 80), (24, 0), (24, 100_000), (-1, -1)]:
        with pytest.raises(ValueError, match="expected 1 to 10000"):
            job.resize(*size)
    for wrong in [(True, 80), ("24", 80), (24.0, 80)]:
        with pytest.raises(TypeError, match="rows: expected an int"):
            job.resize(*wrong)  # type: ignore[arg-type]
    assert job.terminal is not None
    assert (job.terminal.rows, job.terminal.columns) == (24, 80)
    with pytest.raises(RuntimeError, match=r"^cat has no terminal: start it"):
        piped.resize(24, 80)
    assert (piped.terminal, piped.password_prompt) == (None, False)
    job.send("\x04")
    ended(job)
    with pytest.raises(ProcessDoneError):
        job.resize(24, 80)
    with pytest.raises(ProcessDoneError):
        job.terminal.interrupt()


# What `ssh` makes of its terminal, and, with ISIG, what `apt` does; the prompt of
# Python 3.13 is between the two.
MODES = """
import signal, termios, tty
tty.setraw(0)
modes = termios.tcgetattr(0)
modes[0] |= {icrnl}
modes[3] |= {isig}
termios.tcsetattr(0, termios.TCSANOW, modes)
print("raw", end="", flush=True)
signal.pause()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "prompt", "password", "keys"),
    [
        (python("import getpass; getpass.getpass()"), "Password: ", True, False),
        (["bash", "-c", "read -s -p secret: x"], "secret:", True, False),
        (["bash", "--norc", "-i"], "bash-", False, True),
        ([sys.executable, "-i"], ">>> ", False, True),
        (python("input('name? ')"), "name? ", False, False),
        (["cat"], "", False, False),
        (python(MODES.format(icrnl=0, isig=0)), "raw", False, True),
        (python(MODES.format(icrnl=ICRNL, isig=ISIG)), "raw", False, True),
        (python(MODES.format(icrnl=0, isig=ISIG)), "raw", False, False),
    ],
    ids=[
        "getpass",
        "read -s",
        "bash",
        "python",
        "input",
        "cat",
        "raw",
        "3.13",
        "passed on",
    ],
)
def test_prompts(argv: list[str], prompt: str, password: bool, keys: bool) -> None:
    """A password is asked for where lines are read unseen; a shell reads keys."""
    job = spawn(argv, pty=True)
    until_printed(job, prompt)
    terminal = job.terminal
    assert terminal is not None
    eventually(lambda: (job.password_prompt, terminal.reads_keys) == (password, keys))
    job.kill()
    ended(job)

    assert (job.password_prompt, terminal.reads_keys) == (False, False)


def test_passwords_are_kept_nowhere() -> None:
    """What is typed while nothing is shown is in no output."""
    code = "import getpass; print(len(getpass.getpass()))"
    job = spawn(python(code), pty=True)
    until(job, lambda job: job.password_prompt)
    job.send("geheim\n")

    assert ended(job).stdout.text == "Password: \r\n6\r\n"


@pytest.mark.parametrize("reads_keys", [True, False], ids=["keys", "lines"])
def test_interrupt(reads_keys: bool, mode: str) -> None:
    """An interrupt reaches who is in the foreground, also who reads keys."""
    code = f"""
import os, signal, tty
try:
    if {reads_keys}:
        tty.setraw(0)
    os.write(1, b"ready")
    signal.pause()
except KeyboardInterrupt:
    os.write(1, b" interrupted")
"""
    # A shell that controls jobs gives each of them a group of its own.
    script = f'set -m; {sys.executable} -I -S -c "$CODE"; exit 3'
    job = spawn(script, shell=True, pty=True, env={"CODE": code})
    until_printed(job, "ready")
    assert job.terminal is not None
    job.terminal.interrupt()

    assert " interrupted" in ended(job).stdout.text
    assert str(job.state) == "exit status 3"


def test_signals_and_limits(mode: str) -> None:
    """Trees, time-outs, patterns and limits are as for all jobs."""
    job = spawn("sleep 1000 & sleep 1000 & wait", shell=True, pty=True)
    eventually(lambda: job.left() == 3)
    assert job.kill() == 3
    assert str(ended(job).state) == "signal: killed"

    job = ended(spawn("cat", pty=True, timeout=0.01))
    assert (job.timed_out, str(job.state)) == (True, "signal: terminated")

    job = spawn("printf '\\033[32mport 8000\\033[m'; cat", shell=True, pty=True)
    assert job.until(r"port (\d+)$", PATIENCE)[1] == "8000"

    limits = {"memory_limit": 1000, "output_limit": 10_000}
    job = ended(spawn(["seq", "1", "100000"], pty=True, **limits))  # type: ignore[arg-type]
    assert job.stdout.total == 688895
    assert job.stdout.dropped == 688895 - 10_000
    assert job.stdout.text.startswith("1\r\n2\r\n")
    assert job.stdout.text.endswith("\r\n100000\r\n")


def test_asked_while_it_ends() -> None:
    """The descriptor that a thread asks about is not closed before it has asked."""
    loop, (fd, slave) = event_loop(), os.openpty()
    over: list[None] = []
    master = Master(loop, fd, lambda _: None, lambda: over.append(None))
    asks, goes_on = threading.Event(), threading.Event()
    answers: list[bool] = []

    def ask(fd: int) -> bool:
        asks.set()
        assert goes_on.wait(PATIENCE)
        return os.isatty(fd)

    thread = threading.Thread(target=lambda: answers.append(master.using(ask, False)))
    thread.start()
    assert asks.wait(PATIENCE)
    os.close(slave)
    loop.run(master.drain)
    # Who asks does not keep the job from its end, and nobody else may begin to ask.
    assert (master.is_open, over) == (False, [None])
    assert master.using(os.isatty, False) is False
    goes_on.set()
    thread.join()

    assert answers == [True]
    eventually(lambda: _is_closed(fd))


def _is_closed(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return True
    return False


@pytest.mark.slow
def test_many() -> None:
    """A hundred terminals at once all end as they should."""
    started = [spawn(["echo", str(number)], pty=True) for number in range(100)]

    for number, job in enumerate(started):
        assert ended(job).stdout.text == f"{number}\r\n"
