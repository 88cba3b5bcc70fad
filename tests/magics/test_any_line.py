"""Any text behind a magic is answered, in one line if it is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from IPython.core.error import UsageError

from ipyproc import jobs
from ipyproc.magics.help import PROCKILL, SPAWN
from tests.guard import holdings
from tests.jobs.helpers import eventually
from tests.magics.helpers import PATIENCE, Ran, RunCell

pytestmark = pytest.mark.slow

# No pid of anybody whom a slip could hit: what is refused is refused for these, too.
PIDS = ["0", "-1", "1", f"{os.getpid()}", f"{os.getppid()}", "99999999", "007", "1e3"]
WORDS = [
    *("true", "false", "echo", "printenv A", "nosuchprogram", "/", "./in", "''", "--"),
    *("nap", "done", "na", "_", "job", "words", "number", "@words", "@number", "@@a"),
    *("@nosuch", "@", "{number}", "{nosuch}", "{1/0}", "{", "}}", "$number", "$", "#"),
    *(
        "'",
        '"',
        "\\",
        "'a b'",
        '"é\t☃"',
        "=",
        "-",
        "-x",
        "--",
        "---",
        "*",
        "|",
        ">",
        "&",
    ),
    *("\x00", "\x1b[31m", "\u202e", "in", "out", "nosuch/x", "~", "~nobody/x"),
    *("1", "0.01", "-5", "inf", "nan", "1e999", "TERM", "SIGKILL", "sigkil", "9", "65"),
    *("A=1", "=", "A", "A==", "root", "nosuchuser", "0", "None", "x y", "x" * 5000),
]
OPTIONS = sorted({name for g in (SPAWN, PROCKILL) for name in g.options})
OPTIONS += ["--any", "--clear", "--waiting", "--help", "-n", "--name=", "--timeout=x"]
PIECES = st.sampled_from(OPTIONS) | st.sampled_from(WORDS + PIDS)
LINES = st.lists(PIECES | st.text("ab-='\"\\@{}$ \t", max_size=6), max_size=6)


SHELLS = ["exit 3", "echo $A", "true | false", "(", "sleep 0.01 &", "'", "{number}"]


@pytest.fixture
def attempt(
    run: RunCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Run a cell beside a running and an ended job; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELL", "/bin/sh")
    (tmp_path / "in").write_text("text")
    # Such as the JupyterLab of the browser tests, which lasts as long as the session.
    before = set(holdings().children)

    def attempt(cell: str) -> None:
        run("words, number = ['a b', 'c'], 3\n%spawn --quiet --name done --wait true")
        run("job = %spawn --quiet --name nap --no-stdin sleep 60")
        assert is_answered(run(cell))
        for job in jobs:
            with suppress(ProcessLookupError):
                job.kill()
            job.wait(PATIENCE)
        # The guardian is our child only until it has started.
        eventually(lambda: before.issuperset(holdings().children))
        jobs.clear()

    return attempt


def is_answered(ran: Ran) -> bool:
    """Whether a cell went well, or ended with one line that says why not."""
    if ran.error is None:
        return True
    lines = [line for line in (ran.out + ran.err).split("\n") if line.strip()]
    *_, last = [line for line in lines if not line.startswith("hint: ")]
    name = type(ran.error).__name__
    # What the system refuses is an OSError, and so is ExitError.
    return isinstance(ran.error, UsageError | OSError) and last.startswith(f"{name}: ")


many = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(pieces=LINES, body=st.none() | st.sampled_from(WORDS + SHELLS))
def test_spawn(
    attempt: Callable[[str], None], pieces: list[str], body: str | None
) -> None:
    """Options, programs and quotes in any order are answered, also with a body."""
    line = " ".join(["spawn", *pieces])
    attempt(f"%{line}" if body is None else f"%%{line}\n{body}")


@many
@given(pieces=LINES)
def test_spawn_with_a_program(
    attempt: Callable[[str], None], pieces: list[str]
) -> None:
    """The same holds where a program ends the line."""
    attempt(" ".join(["%spawn", *pieces, "--check echo a"]))


@many
@given(
    magic=st.sampled_from(["procwait", "prockill", "procs", "procfind"]), pieces=LINES
)
@example(magic="procfind", pieces=["1"])
def test_the_other_magics(
    attempt: Callable[[str], None], magic: str, pieces: list[str]
) -> None:
    """Names, pids, signals and options are answered; no other process is signalled."""
    end = "--timeout 0.01" if magic == "procwait" else ""
    attempt(" ".join([f"%{magic}", *pieces, end]))
