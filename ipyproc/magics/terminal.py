"""The user's terminal, lent to a job that has one of its own, while a cell waits."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from ipyproc._jobs.job import Job
from ipyproc._jobs.names import identified
from ipyproc._jobs.runner import JobStatus
from ipyproc._process.descriptors import close_all, opened_pipe
from ipyproc.magics.errors import one_line

_PIECE: Final = 1 << 14
_LONGEST: Final = 256
# Modes that are on when a terminal begins: wrapping lines, showing the cursor.
_ON: Final = {"7", "25"}
_SWITCH = re.compile(rb"\x1b\[\?([\d;]+)([hl])|\x1b([=>])|\x1bc")
# A switch that is cut off is kept until the rest arrives.
_BEGUN = re.compile(rb"\x1b(?:\[(?:\?[\d;]{0,64})?)?\Z")
# What prints nothing; it may be cut off.
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[=>78c]?)")


def has_terminal() -> bool:
    """Whether our standard input and output are a terminal."""
    with suppress(ValueError, OSError, AttributeError):  # closed, or no files at all
        return os.isatty(sys.__stdin__.fileno()) and os.isatty(sys.__stdout__.fileno())  # type: ignore[union-attr]
    return False


def own_size() -> bool | tuple[int, int]:
    """Return its rows and columns, or ``True`` if it does not know them."""
    columns, rows = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr]
    return (rows, columns) if rows and columns else True


def lend(job: Job) -> None:
    """Lend *job* the user's terminal until it ends, and restore it then.

    Keys reach the program, Ctrl-C among them. A program that was stopped, and an
    interrupt that somebody sends us, end the cell in one line; the job stays.
    """
    try:
        with _lent(job) as terminal:
            is_stopped = terminal.run()
    except KeyboardInterrupt as interrupt:
        raise one_line(interrupt, f"waiting stopped; {_still(job)}") from None
    if is_stopped:
        raise one_line(KeyboardInterrupt(), f"waiting stopped; {_still(job)}")


def _still(job: Job) -> str:
    if job.ended_at is not None:
        return "nothing runs any more"
    does = "is stopped" if job.status is JobStatus.STOPPED else "still runs"
    return f"{identified(job)} {does}"


@contextmanager
def _lent(job: Job) -> Iterator[_Lent]:
    """Put the terminal into raw mode, and restore it whatever happens."""
    sys.stdout.flush()
    keyboard, screen = sys.__stdin__.fileno(), sys.__stdout__.fileno()  # type: ignore[union-attr]
    bell: list[int] = []
    with ExitStack() as undo:
        undo.callback(close_all, bell)
        opened_pipe(bell)
        for fd in bell:
            os.set_blocking(fd, False)
        lent = _Lent(job, keyboard, screen, bell)
        undo.callback(lent.leave_modes)
        before = termios.tcgetattr(keyboard)
        # What was typed meanwhile stays for the next reader.
        undo.callback(termios.tcsetattr, keyboard, termios.TCSADRAIN, before)
        # Another thread may take a signal, and leave this one asleep.
        wakened = signal.set_wakeup_fd(bell[1], warn_on_full_buffer=False)
        undo.callback(signal.set_wakeup_fd, wakened)
        for number in (signal.SIGWINCH, signal.SIGCONT):
            undo.callback(signal.signal, number, signal.getsignal(number))
            signal.signal(number, lambda *_: lent.take())
        lent.take()
        undo.callback(job.subscribe(lambda _: lent.ring()))
        yield lent


class _Lent:
    """What goes to and fro between a terminal and a job, on the main thread.

    *bell* is a pipe: any thread, and a handler, rings it when something happened.
    """

    def __init__(self, job: Job, keyboard: int, screen: int, bell: list[int]) -> None:
        self._job = job
        self._keyboard = keyboard
        self._screen = screen
        self._bell = bell
        self._offset = 0
        self._modes = Modes()
        self._size: object = None

    def take(self) -> None:
        """Pass all keys to the program, at first and after each time we were stopped.

        The shell that we came from has its own settings meanwhile.
        """
        with suppress(OSError, termios.error):
            tty.setraw(self._keyboard, termios.TCSADRAIN)
        self.ring()

    def ring(self) -> None:
        """Wake the main thread; if the pipe is full, it wakes anyway."""
        with suppress(OSError, IndexError):
            os.write(self._bell[1], b"!")

    def run(self) -> bool:
        """Pass on keys and output until the job has ended, or was stopped."""
        waits = [self._keyboard, self._bell[0]]
        while True:
            self._resize()
            # In this order: what is printed before the end is there with the end.
            has_ended, status = self._job.ended_at is not None, self._job.status
            if self._show():
                continue
            if has_ended or status is JobStatus.STOPPED:
                return not has_ended
            ready = select.select(waits, [], [])[0]
            if self._bell[0] in ready:
                os.read(self._bell[0], _PIECE)
            if self._keyboard in ready and not self._type():
                waits.remove(self._keyboard)

    def leave_modes(self) -> None:
        """Switch off what the program left on, as one does that crashed."""
        with suppress(OSError):
            self._write(self._modes.undone())

    def _resize(self) -> None:
        size = own_size()
        if size != self._size and isinstance(size, tuple):
            self._size = size
            with suppress(ProcessLookupError, ValueError):
                self._job.resize(*size)

    def _show(self) -> bool:
        """Write a piece of what is new; whether there was any."""
        chunks = self._job.as_utf8.read(self._offset, _PIECE)
        for chunk in chunks:
            self._write(chunk.data)
            self._modes.note(chunk.data)
            self._offset = chunk.offset + len(chunk.data)
        return bool(chunks)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._screen, data) :]

    def _type(self) -> bool:
        """Type what the user typed; ``False`` if the terminal is gone."""
        try:
            keys = os.read(self._keyboard, _PIECE)
        except OSError:
            return False
        with suppress(BrokenPipeError):  # it has just ended
            self._job.send(keys)
        return bool(keys)


class Modes:
    r"""The modes of a terminal that a program has changed.

    >>> modes = Modes()
    >>> modes.note(b"\x1b[?1049;25h\x1b[?25l\x1b[?10")
    >>> modes.note(b"00h")
    >>> modes.undone()
    b'\x1b[?1000l\x1b[?25h\x1b[?1049l\x1b[m'
    """

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._keypad = False
        self._wrote = False
        self._last = b"\n"
        self._begun = b""

    def note(self, data: bytes) -> None:
        """Note what a program wrote."""
        self._wrote = self._wrote or bool(data)
        data = self._begun + data
        self._last = _SEQUENCE.sub(b"", data[-_LONGEST:])[-1:] or self._last
        for found in _SWITCH.finditer(data):
            numbers, letter, keypad = found.groups()
            if numbers:
                for number in numbers.decode().split(";"):
                    self._note(number, letter == b"h")
            elif keypad:
                self._keypad = keypad == b"="
            else:  # a reset
                self._changed.clear()
        begun = _BEGUN.search(data)
        self._begun = begun[0] if begun else b""

    def undone(self) -> bytes:
        """Return what restores the modes, the last one that was changed first."""
        written = b"".join(
            f"\x1b[?{number}{'h' if number in _ON else 'l'}".encode()
            for number in reversed(self._changed)
        )
        keypad = b"\x1b>" if self._keypad else b""
        end = b"" if self._last in b"\r\n" else b"\r\n"
        return written + keypad + (b"\x1b[m" if self._wrote else b"") + end

    def _note(self, number: str, is_on: bool) -> None:
        self._changed.pop(number, None)
        if is_on != (number in _ON):
            self._changed[number] = None
