"""Each mistake of a user is one clear line, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
from IPython.core.error import UsageError

from ipyproc import jobs
from ipyproc.errors import ExecError, PathError
from tests.jobs.helpers import eventually
from tests.magics.helpers import Ran, RunCell


def is_one_line(ran: Ran) -> bool:
    """Whether a cell printed one line only, which names its error."""
    (line,) = (ran.out + ran.err).splitlines()
    return line.startswith(f"{type(ran.error).__name__}: ")


@pytest.fixture
def children() -> set[int]:
    """The children of this process before the test."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def nothing_was_started(before: set[int]) -> bool:
    """Whether there is no new job and, after a moment, no new process.

    The guardian that is prepared for a job is a child at first.
    """
    eventually(lambda: before >= {c.pid for c in psutil.Process().children()})
    return not [*jobs]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("%spawn", "no command: write a program and its arguments"),
        ("%spawn --wait", "no command: write a program and its arguments"),
        ("%spawn --shell", "no command: write a program and its arguments"),
        ("%spawn --", "no command: write a program and its arguments"),
        ("%spawn @empty", "no command: write a program and its arguments"),
        ("%%spawn\n\n", "no command: write a program and its arguments"),
        ("%%spawn --shell\n \n", "no command: write a program and its arguments"),
        ("%spawn echo 'a", "a quotation mark is not closed: echo 'a"),
        ("%%spawn\necho 'a\nb", "a quotation mark is not closed: echo 'a b"),
        ("%spawn --nmae x ls", "no option '--nmae': did you mean '--name'?"),
        (
            "%spawn echo {nul}",
            r"argv: embedded NUL byte in 'a\x00b': invalid argument",
        ),
        (
            "%spawn echo @nuls",
            r"argv: embedded NUL byte in 'a\x00b': invalid argument",
        ),
        (
            "%spawn --env A={nul} ls",
            "env: embedded NUL byte in 'A' or its value: invalid argument",
        ),
        (
            "%spawn --name 'a\tb' ls",
            r"name: expected printable text, got 'a\tb'",
        ),
        (
            "%%spawn --stdin x cat\nbody",
            "leave out --stdin: the body of the cell is the standard input",
        ),
        (
            "%%spawn --no-stdin cat\nbody",
            "leave out --no-stdin: the body of the cell is the standard input",
        ),
        (
            "%spawn --stdin x --no-stdin cat",
            "leave out --stdin or --no-stdin: there is one standard input",
        ),
        (
            "%spawn --out x --stdout x cat",
            "leave out --out or --stdout: what goes to a file is not captured",
        ),
        (
            "%spawn --merge --err x cat",
            "leave out --err or --merge: standard error goes to standard output",
        ),
        (
            "%spawn --until x --wait cat",
            "leave out --until or --wait: one waits until it is ready, the other until "
            "it ends",
        ),
        (
            "%spawn --until-port 80 --check cat",
            "leave out --until-port or --check: one waits until it is ready, the other "
            "until it ends",
        ),
        (
            "%spawn --until x --stdout x --merge cat",
            "leave out --until or --stdout or --merge: what goes to a file is not "
            "captured",
        ),
        ("%spawn --within 5 cat", "--within is for --until and --until-port"),
        ("%procwait nosuchjob", "no job 'nosuchjob'"),
        ("%procwait", "there is no job to wait for"),
        ("%procwait --timeout", "--timeout needs a value: --timeout SECONDS"),
        ("%prockill nosuchjob", "no job 'nosuchjob'"),
        ("%prockill empty", "no job 'empty': that variable holds a list"),
        ("%prockill", "name the jobs, or write --all for all that run"),
        ("%prockill x --all", "name the jobs, or write --all for all that run"),
        ("%prockill x --signal NOPE", "--signal: no signal 'NOPE'"),
        (
            "%prockill x --signal SIGTREM",
            "--signal: no signal 'SIGTREM': did you mean 'SIGTERM'?",
        ),
        ("%procs x", "no word may follow %procs: 'x'"),
        ("%procs --claer", "no option '--claer': did you mean '--clear'?"),
        ("%procfind", "write one pid: %procfind PID"),
        ("%procfind 1 2", "write one pid: %procfind PID"),
        ("%procfind init", "expected a pid, not 'init'"),
        ("%procfind 0", "no process has the pid 0"),
        ("%procfind -1", "no process has the pid -1"),
        ("%procfind 99999999", "no process has the pid 99999999"),
    ],
)
def test_bad_usage(run: RunCell, children: set[int], line: str, text: str) -> None:
    """A mistake is a UsageError of one line that says what was expected."""
    run("nul = 'a\\0b'; nuls = [nul]; empty = []")

    ran = run(line)

    assert isinstance(ran.error, UsageError)
    assert str(ran.error) == text
    assert is_one_line(ran)
    assert nothing_was_started(children)


@pytest.mark.parametrize(
    ("options", "kind", "python", "text"),
    [
        (
            "nosuchprogram",
            ExecError,
            FileNotFoundError,
            'exec: "nosuchprogram": executable file not found in $PATH',
        ),
        (
            "./nosuch",
            ExecError,
            FileNotFoundError,
            'exec: "./nosuch": stat ./nosuch: no such file or directory',
        ),
        (
            "{folder}/text",
            ExecError,
            PermissionError,
            'exec: "{folder}/text": permission denied',
        ),
        (
            "{folder}",
            ExecError,
            IsADirectoryError,
            'exec: "{folder}": is a directory',
        ),
        (
            "{folder}/broken",
            PathError,
            OSError,
            "fork/exec {folder}/broken: exec format error",
        ),
        (
            "--dir {folder}/nope ls",
            PathError,
            FileNotFoundError,
            "chdir {folder}/nope: no such file or directory",
        ),
        (
            "--dir {folder}/text ls",
            PathError,
            NotADirectoryError,
            "chdir {folder}/text: not a directory",
        ),
        (
            "--stdin {folder}/nope cat",
            PathError,
            FileNotFoundError,
            "open {folder}/nope: no such file or directory",
        ),
        (
            "--stdout {folder}/no/out ls",
            PathError,
            FileNotFoundError,
            "open {folder}/no/out: no such file or directory",
        ),
    ],
)
def test_what_the_system_refuses(
    run: RunCell,
    children: set[int],
    tmp_path: Path,
    options: str,
    kind: type[OSError],
    python: type[OSError],
    text: str,
) -> None:
    """A refusal of the system is Go's and Python's error, in one line."""
    (tmp_path / "text").touch(mode=0o644)
    (tmp_path / "broken").touch(mode=0o755)

    ran = run(f"folder = {str(tmp_path)!r}\n%spawn {options}\nreached = True")

    assert isinstance(ran.error, kind)
    assert isinstance(ran.error, python)
    assert str(ran.error) == text.replace("{folder}", str(tmp_path))
    assert is_one_line(ran)
    assert nothing_was_started(children)
    assert isinstance(run("reached").error, NameError)


def test_an_error_can_be_caught(run: RunCell) -> None:
    """A ``try`` around a magic can catch what the system refused."""
    ran = run("try:\n    %spawn nosuchprogram\nexcept FileNotFoundError as e: print(e)")

    assert ran.error is None
    assert ran.out == 'exec: "nosuchprogram": executable file not found in $PATH\n'


def vital() -> dict[int, str]:
    """The pids that are never signalled, and why; a parent can end at any time."""
    parents = {
        p.pid: "it is a parent of the kernel" for p in psutil.Process().parents()
    }
    return parents | {
        0: "it stands for the kernel's own process group",
        -1: "it stands for a process group",
        -os.getpid(): "it stands for a process group",
        1: "it is the parent of all others",
        os.getpid(): "it is the kernel itself",
    }


@pytest.mark.parametrize("option", ["", "--pid "])
def test_vital_pids_are_refused(run: RunCell, option: str) -> None:
    """A vital pid stops the whole line: not even a job beside it is signalled."""
    run("%spawn sleep 60")

    for pid, why in vital().items():
        ran = run(f"%prockill {option}sleep {pid}")
        assert isinstance(ran.error, UsageError)
        assert str(ran.error) == f"pid {pid} is refused: {why}"
        assert is_one_line(ran)
    assert jobs["sleep"].ended_at is None


@pytest.mark.parametrize("option", ["", "--pid "])
def test_vital_processes_in_variables_are_refused(run: RunCell, option: str) -> None:
    """A Process of the kernel, of pid 1 or of a group is refused like its pid."""
    run("import os; from ipyproc import find_process")
    run("me, init, group = map(find_process, [os.getpid(), 1, -os.getpgid(0)])")

    for name in ("me", "init", "group"):
        ran = run(f"%prockill {option}{name}")
        assert isinstance(ran.error, UsageError)
        assert "is refused" in str(ran.error)
    run("me.release(); init.release(); group.release()")
