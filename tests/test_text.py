"""Errno and signal texts, and quoting, are Go's."""

from __future__ import annotations

import errno
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc._text import errno_text, quote, signal_text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "errno 0"),
        (errno.ENOENT, "no such file or directory"),
        (errno.E2BIG, "argument list too long"),
        (errno.EDOTDOT, "RFS specific error"),
        (errno.ELIBSCN, ".lib section in a.out corrupted"),
        (errno.ERFKILL, "operation not possible due to RF-kill"),
        (41, "errno 41"),
        (133, "errno 133"),
        (-1, "errno -1"),
    ],
)
def test_errno_text(number: int, text: str) -> None:
    """An error number reads as Go writes it, unknown ones too."""
    assert errno_text(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (signal.SIGKILL, "killed"),
        (signal.SIGTRAP, "trace/breakpoint trap"),
        (signal.SIGSTOP, "stopped (signal)"),
        (signal.SIGXCPU, "CPU time limit exceeded"),
        (0, "signal 0"),
        (34, "signal 34"),
        (-1, "signal -1"),
    ],
)
def test_signal_text(number: int, text: str) -> None:
    """A signal number reads as Go writes it, unknown ones too."""
    assert signal_text(number) == text


def test_every_standard_signal_has_a_text() -> None:
    """No classic signal falls back to its bare number."""
    assert not [n for n in range(1, 32) if signal_text(n).startswith("signal ")]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("ls", '"ls"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\0\x1b\x7f", r'"\x00\x1b\x7f"'),
        ("\x80\x9f", r'"\u0080\u009f"'),
        ("\u00a0\u200b\u2028", r'"\u00a0\u200b\u2028"'),
        ("\udcff\udc80", r'"\xff\x80"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("é世界😀", '"é世界😀"'),
    ],
)
def test_quote(text: str, quoted: str) -> None:
    """A name is quoted as Go's strconv.Quote does."""
    assert quote(text) == quoted


@given(st.binary())
def test_quoted_names_are_printable(name: bytes) -> None:
    """The quoted form of a name of any bytes is one printable line."""
    assert quote(name.decode("utf-8", "surrogateescape")).isprintable()
