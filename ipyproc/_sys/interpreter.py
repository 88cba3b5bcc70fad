"""The Python that our helpers run on, checked to be one.

``sys.executable`` is no proof: in a frozen program it is the program itself, and in a
program that embeds Python it may be that program, or empty. To run it would start the
application again. So this process's own program is used if its name is a Python's and
nobody has frozen it. Otherwise other programs that are named like a Python are asked,
once, whether they are one of our version.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from ipyproc._sys import posix_spawn

#: What comes before ``-c``: no site-packages, no current directory, no files written.
#: It is -I without -E, because we choose a helper's environment, and a relocated Python
#: needs PYTHONHOME.
OPTIONS = ("-P", "-s", "-S", "-B")

_SELF = "/proc/self/exe"
_IS_NAMED_PYTHON = re.compile(r"(python|pypy)[0-9.]*[a-z]{0,2}(-dbg|-debug)?").fullmatch
_VERSION = "{}.{}".format(*sys.version_info)
# A helper may get code that was compiled here, so the number of its format counts.
_QUESTION = """
import os
from importlib._bootstrap_external import MAGIC_NUMBER
os.write(1, b"ipyproc" + MAGIC_NUMBER)
"""
_LONGEST_ANSWER = 10.0


class Interpreter(NamedTuple):
    """A program that is a Python of our version."""

    #: The file to execute.
    program: str
    #: Its ``argv[0]``, by which it finds its library.
    name: str
    #: The ``K=V`` entries of the environment that it needs.
    environment: tuple[str, ...]

    @property
    def from_outside(self) -> str:
        """The path of the same file for other processes, as long as this one lives."""
        return f"/proc/{os.getpid()}/exe" if self.program == _SELF else self.program


def interpreter() -> Interpreter | None:
    """Return the Python for our helpers, or ``None`` if there is none to be found.

    The search is done once; an error that may pass, such as a lack of descriptors, is
    raised and the next call searches again.
    """
    return _found(sys.executable or "", bool(getattr(sys, "frozen", False)))


@lru_cache(maxsize=8)
def _found(executable: str, frozen: bool) -> Interpreter | None:
    own = _own_program()
    if own and not frozen and _IS_NAMED_PYTHON(os.path.basename(own)):
        name = executable if _is_same(executable, _SELF) else own
        return Interpreter(_SELF, name, _inherited("PYTHONHOME", "LD_LIBRARY_PATH"))
    for path in _candidates(executable):
        if not _is_same(path, _SELF) and _answers(path):
            return Interpreter(path, path, ())
    return None


def _own_program() -> str:
    """Return the path of the program that we are, or nothing if the kernel hides it."""
    try:
        return os.readlink(_SELF).removesuffix(" (deleted)")
    except OSError:
        return ""


def _is_same(path: str, other: str) -> bool:
    with suppress(OSError, ValueError):
        return os.path.samefile(path, other)
    return False


def _candidates(executable: str) -> Iterator[str]:
    """Yield the programs that may be asked whether they are a Python of our version."""
    named = f"python{_VERSION}"
    yield from filter(
        lambda path: bool(_IS_NAMED_PYTHON(os.path.basename(path))),
        [executable, getattr(sys, "_base_executable", None) or ""],
    )
    yield os.path.join(sys.base_exec_prefix, "bin", named)
    found = shutil.which(named)
    if found:
        yield os.path.abspath(found)


def _inherited(*names: str) -> tuple[str, ...]:
    """Return the variables that this process was started with, of those *names*.

    What is in ``os.environ`` by now may be meant for children only.
    """
    try:
        with open("/proc/self/environ", "rb") as file:
            started_with = file.read().split(b"\0")
    except OSError:
        started_with = [os.fsencode(f"{k}={v}") for k, v in os.environ.items()]
    if sys.flags.ignore_environment:
        names = tuple(name for name in names if not name.startswith("PYTHON"))
    entries = map(os.fsdecode, started_with)
    return tuple(entry for entry in entries if entry.partition("=")[0] in names)


def _answers(path: str) -> bool:
    """Whether the program at *path* says that it is a Python of our version."""
    ours, theirs = socket.socketpair()
    pid = posix_spawn.Pid()
    words = [path, *OPTIONS, "-c", _QUESTION]
    with ours:
        try:
            with theirs:
                posix_spawn.spawn(
                    pid,
                    os.fsencode(path),
                    [word.encode() for word in words],
                    posix_spawn.vector([]),
                    [-1, theirs.fileno(), -1],
                    posix_spawn.attributes(),
                )
            return _received(ours) == _expected()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        finally:
            _end(pid.value)


def _received(ours: socket.socket) -> bytes:
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    data = b""
    while poll.poll(_LONGEST_ANSWER * 1000):
        piece = ours.recv(64)
        if not piece:
            break
        data += piece
    return data


def _expected() -> bytes:
    from importlib.util import MAGIC_NUMBER

    return b"ipyproc" + MAGIC_NUMBER


def _end(pid: int) -> None:
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
