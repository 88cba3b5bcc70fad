"""The terminal of a job: its master is read, written, and asked."""

from __future__ import annotations

import fcntl
import termios
from collections.abc import Callable
from contextlib import suppress
from signal import SIGINT
from typing import Any, Final, TypeVar

from ipyproc._jobs.io.endpoints import PIECE, InputPipe, OutputPipe
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.sized import Sized, check_room
from ipyproc.errors import ProcessDoneError

# ioctl_tty(2): a signal to the foreground group of a master's slave.
_TIOCSIG: Final = 0x40045436
# More than a master ever holds, which does not say how much that is: the kernel has a
# buffer of some pages for what is on its way, and one of a page for what arrived.
_BACKLOG: Final = 1 << 16
# The longest line that a terminal takes, termios(3).
_LINE: Final = 4096
_NAP: Final = 0.001
_IFLAG, _OFLAG, _LFLAG, _CC = 0, 1, 3, 6
_DISABLED: Final = 0
_Answer = TypeVar("_Answer")


class Master(OutputPipe):
    """The end of a pseudo-terminal from which a job's output is taken.

    The end comes when nobody has the terminal open any more.
    """

    def __init__(
        self,
        loop: EventLoop,
        fd: int,
        take: Callable[[memoryview], None],
        ended: Callable[[], None],
    ) -> None:
        # While anything is in here the descriptor stays open: its number is its own.
        self._uses: dict[object, None] = {}
        super().__init__(loop, fd, take, ended)

    def using(self, call: Callable[[int], _Answer], otherwise: _Answer) -> _Answer:
        """Return what *call* says of the descriptor, or *otherwise* if it is closed.

        From any thread. Not a lock: the event loop would wait for it, and a signal
        handler that came in between for the event loop. In this order: either the loop
        sees that the descriptor is in use, or we see that it is closed.
        """
        key = object()
        try:
            self._uses[key] = None
            if self.is_open and self._loop.is_open:
                with suppress(OSError, termios.error):
                    return call(self.fd)
            return otherwise
        finally:
            self._uses.pop(key, None)

    def _ready(self) -> None:
        # Without a note of its pace: a terminal holds so little that to let it fill
        # would hold up the program.
        if self.is_open:
            self._read()

    def _read(self, most: int = PIECE) -> int:
        try:
            return super()._read(most)
        except OSError:  # EIO: the last one who had it open is gone, pty(7)
            self._close()
            return 0

    def _size(self) -> int:
        # The kernel passes on what is under way before it says that there is no more.
        return _BACKLOG

    def _let_go(self) -> None:
        self._loop.unwatch(self.fd)
        self._close_unused()

    def _close_unused(self) -> None:
        if self._uses:
            self._loop.call_later(_NAP, self._close_unused)
        else:
            self._loop.close(self.fd)


class PseudoTerminal(Sized):
    """The terminal of one job: any thread may ask and type, and nothing blocks.

    *keyboard* writes to the *master*; *size* is its rows and columns. *now* tells how
    many seconds have passed since the start, and how much was printed.
    """

    def __init__(
        self,
        master: Master,
        keyboard: InputPipe,
        size: tuple[int, int],
        now: Callable[[], tuple[float, int]],
    ) -> None:
        super().__init__(size)
        self._master = master
        self._keyboard = keyboard
        self._now = now
        # How many characters were typed of a line that has not ended. Not which: they
        # may be a password.
        self._begun = 0

    @property
    def reads_keys(self) -> bool:
        """Whether each key is the program's at once, and not line by line.

        So it is in editors, in pagers, and at the prompts of shells; never after the
        end. Nor where keys only pass on their way to another terminal, on which nobody
        may ever read them: apt does so while it shows what dpkg prints. All is raw
        then but Ctrl-C, which readers of keys have not been seen to want.
        """
        attributes = self._attributes()
        if attributes is None or attributes[_LFLAG] & termios.ICANON:
            return False
        is_raw = not (attributes[_OFLAG] & termios.OPOST) and not (
            attributes[_IFLAG] & termios.ICRNL
        )
        return not (is_raw and attributes[_LFLAG] & termios.ISIG)

    @property
    def password_prompt(self) -> bool:
        """Whether a line is read that is not to be seen; never after the end."""
        flags = self._flags()
        return flags is not None and flags & _LINES == termios.ICANON

    @property
    def typed_ahead(self) -> int:
        """How many bytes were typed that it has no room for yet."""
        return self._keyboard.waiting

    def interrupt(self) -> None:
        """Send SIGINT to its foreground group; ``ProcessDoneError`` after the end.

        Unlike the key Ctrl-C that reaches a program that reads keys, too.
        """
        self._do(lambda fd: fcntl.ioctl(fd, _TIOCSIG, SIGINT))

    def resize(self, rows: int, columns: int) -> None:
        """Change its size, which tells its programs; ``ProcessDoneError`` at the end.

        The numbers have been checked.
        """
        # Before the program can print what it draws for that size.
        now = self._now()
        self._do(lambda fd: termios.tcsetwinsize(fd, (rows, columns)))
        self._resized((rows, columns), now)

    def type(self, data: bytes) -> bool:
        """Type *data* after what was typed before; ``False`` after the end.

        ``BlockingIOError`` if the program reads none of what was typed for long: a page
        may send keys without end.
        """
        check_room(self._keyboard.waiting, data)
        self._begun = self._line_after(data)
        return self._keyboard.send(data)

    def type_end(self) -> None:
        """Type the end of the input; ``OSError`` if the program reads no lines.

        The character ends a line that was begun; the next one is the end of the input.
        """
        attributes = self._attributes()
        if attributes is None or not self._keyboard.is_open:
            return
        end = attributes[_CC][termios.VEOF]
        if not attributes[_LFLAG] & termios.ICANON or ord(end) == _DISABLED:
            raise OSError("the program reads keys, not lines, and no key is their end")
        self._keyboard.send(2 * end if self._begun else end)
        self._begun = 0

    def _line_after(self, data: bytes) -> int:
        """Return how long the line is once *data* was typed."""
        attributes = self._attributes()
        if attributes is None or not attributes[_LFLAG] & termios.ICANON:
            return 0
        begun, cc = self._begun, attributes[_CC]
        ends = {ord(cc[index]) for index in _ENDS} - {_DISABLED} | {ord("\n")}
        if attributes[_IFLAG] & termios.ICRNL:
            ends.add(ord("\r"))
        for byte in data[-_LINE:]:
            if byte in ends:
                begun = 0
            elif byte == ord(cc[termios.VERASE]):
                begun = max(0, begun - 1)
            elif not 0x80 <= byte < 0xC0:  # the rest of a character in UTF-8
                begun += 1
        return begun

    def _do(self, call: Callable[[int], object]) -> None:
        if not self._master.using(lambda fd: (call(fd), True)[1], False):
            raise ProcessDoneError

    def _attributes(self) -> list[Any] | None:
        return self._master.using(termios.tcgetattr, None)

    def _flags(self) -> int | None:
        attributes = self._attributes()
        return None if attributes is None else attributes[_LFLAG]


_LINES: Final = termios.ECHO | termios.ICANON
# What ends a line, or drops it.
_ENDS: Final = (
    termios.VEOF,
    termios.VEOL,
    termios.VEOL2,
    termios.VINTR,
    termios.VQUIT,
    termios.VSUSP,
    termios.VKILL,
)
