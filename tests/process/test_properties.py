"""What must be true of any descriptor table, any words, any status."""

from __future__ import annotations

import os
import sys
import tempfile
from ast import literal_eval
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyproc import ProcAttr, ProcessState, SysProcAttr, WaitStatus, start_process
from ipyproc._sys.posix_spawn import moves
from tests.process.tools import printed_by, run_python

LARGEST = 12
SHOW = """
import os, sys
def seen(fd):
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return None
table = [seen(fd) for fd in range(int(sys.argv[2]))]
open(sys.argv[1], "w").write(repr(table))
"""
words = st.binary(max_size=40).map(lambda word: word.replace(b"\0", b""))
names = st.binary(min_size=1, max_size=20).map(
    lambda name: name.replace(b"\0", b"_").replace(b"=", b"_")
)
tables = st.lists(st.none() | st.integers(0, LARGEST - 1), max_size=LARGEST)


@contextmanager
def sources(count: int) -> Iterator[list[int]]:
    """Open so many files, each at another number, some of them in the table's way."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count)]
        yield [file.fileno() for file in files]


@pytest.mark.slow
@pytest.mark.parametrize(
    "system", [None, SysProcAttr(pdeathsig=9)], ids=["fast", "launcher"]
)
@settings(max_examples=40)
@given(table=tables)
def test_any_table_arrives(table: list[int | None], system: SysProcAttr | None) -> None:
    """Holes, repeats and swaps arrive as asked, and nothing besides."""
    with sources(LARGEST) as fds, tempfile.NamedTemporaryFile("r") as report:
        files = [None if place is None else fds[place] for place in table]
        want = [None if fd is None else os.fstat(fd).st_ino for fd in files]
        limit = max(fds) + 10
        argv = ["python", "-I", "-S", "-c", SHOW, report.name, str(limit)]
        attr = ProcAttr(files=files, sys=system)
        state = start_process(sys.executable, argv, attr).wait()

        assert state.success
        assert literal_eval(report.read()) == want + [None] * (limit - len(want))


@given(table=st.lists(st.integers(-1, 30), max_size=LARGEST))
def test_moves_are_right(table: list[int]) -> None:
    """The steps, done one by one, put every file at its number."""
    held = {number: number for number in range(31)}
    for source, target in moves(table):
        if source < 0:
            held.pop(target, None)
        else:
            held[target] = held[source]

    assert [held.get(i, -1) for i in range(len(table))] == table


@pytest.mark.slow
@settings(max_examples=60)
@given(argv=st.lists(words, max_size=8), env=st.dictionaries(names, words, max_size=8))
@pytest.mark.parametrize(
    "system", [None, SysProcAttr(pdeathsig=9)], ids=["fast", "launcher"]
)
def test_any_words_arrive(
    argv: list[bytes], env: dict[bytes, bytes], system: SysProcAttr | None
) -> None:
    """Arguments and environment of any bytes arrive unchanged."""
    show = ["cat", "/proc/self/cmdline", "/proc/self/environ"]
    shown = printed_by("/bin/cat", [*show], env=env, sys=system)
    joined = b"".join(key + b"=" + value + b"\0" for key, value in env.items())

    assert os.fsencode(shown) == b"".join(os.fsencode(w) + b"\0" for w in show) + joined
    shown = printed_by("/bin/sh", ["sh", "-c", COUNT, "sh", *argv], env=[], sys=system)
    assert os.fsencode(shown) == b"".join(b"<" + word + b">" for word in argv)


COUNT = 'for word; do printf "<%s>" "$word"; done'


@given(word=st.integers(0, 2**31 - 1))
def test_any_status_decodes(word: int) -> None:
    """A status is of exactly one kind, as wait(2) has it, and its text says which."""
    status, state = WaitStatus(word), ProcessState(sys=WaitStatus(word))
    kinds = [status.exited, status.signaled, status.stopped]

    assert sum(kinds) <= 1
    assert status.exited == os.WIFEXITED(word)
    if status.exited:
        assert (state.exit_code, str(state)) == (
            os.WEXITSTATUS(word),
            f"exit status {os.WEXITSTATUS(word)}",
        )
    if status.stopped:
        assert status.stop_signal == os.WSTOPSIG(word)
    assert state.exit_code == (status.exit_status if status.exited else -1)
    assert state.success == (status.exit_status == 0)


def test_statuses_of_real_processes() -> None:
    """The status word is the one that waitpid would give."""
    code = (
        "import os; from ipyproc import *\n"
        "def word(script):\n"
        "    p = start_process('/bin/sh', ['sh', '-c', script])\n"
        "    q = start_process('/bin/sh', ['sh', '-c', script])\n"
        "    pid = q.pid; q.release()\n"
        "    return int(p.wait().sys) == os.waitpid(pid, 0)[1]\n"
        "print(all(word(s) for s in ['exit 0', 'exit 255', 'kill -9 $$',"
        " 'kill -40 $$', 'kill -TERM $$', 'ulimit -c 0; kill -SEGV $$']))"
    )

    assert run_python(code) == "True\n"
