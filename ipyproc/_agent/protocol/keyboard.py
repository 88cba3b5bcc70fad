"""Who writes to a job: one client at a time, and one line at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol


class Reading(Protocol):
    """A job as what its clients write to."""

    @property
    def is_typed(self) -> bool:
        """Whether what is written is typed into a terminal."""

    @property
    def line_ends(self) -> bytes | None:
        """The bytes that end a line of input; ``None`` if each byte is for itself."""

    def write(self, data: bytes) -> None:
        """Write to the standard input."""


class ElsewhereError(OSError):
    """Another client has the keyboard."""


class _Waiting:
    """What a client wants to do once the keyboard is its own."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.acts: list[Callable[[], object]] = []


class Keyboard:
    """The keyboard of a job: its input and the size of its terminal.

    It belongs to the client that started the job until another client takes it. When
    its holder leaves it is free, and the next client that writes gets it. It is passed
    on between two lines only, so that no line has parts of two clients: what the next
    client writes meanwhile is kept here. A terminal can be taken *at once*: people see
    what is on its line.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        #: The client that has it.
        self.holder: str | None = None
        # The last byte that its holder wrote; None if it has written nothing.
        self._last: int | None = None
        # Who wants it, in turn.
        self._waiting: dict[str, _Waiting] = {}
        # How many bytes of each client's input were written, or dropped.
        self._taken: dict[str, int] = {}

    def may_write(self, client: str) -> bool:
        """Whether it is the client's, or nobody's."""
        return self.holder in (None, client)

    def taken(self, client: str) -> int:
        """How many bytes of the client's input are done with."""
        return self._taken.get(client, 0)

    def arrived(self, client: str) -> int:
        """How many bytes of the client's input have come, also of those that wait."""
        waiting = self._waiting.get(client)
        return self.taken(client) + (len(waiting.data) if waiting else 0)

    def take(self, client: str, at_once: bool = False) -> bool:
        """Give it to *client*, now or as soon as the present line is over.

        Whether that is now.
        """
        if self.holder == client:
            return True
        self._waiting.setdefault(client, _Waiting())
        if at_once and self._reading.is_typed:
            self._pass_to(client)
        else:
            self.settle()
        return self.holder == client

    def write(self, client: str, data: bytes) -> None:
        """Write what *client* sent, or keep it until its turn, or drop it.

        It is dropped where a key that comes too late would be worse than one that is
        lost: a client that types without asking for it has just lost the keyboard.
        """
        if self.holder is None:
            self.take(client)
        if waiting := self._waiting.get(client):
            waiting.data += data
        elif self.holder == client:
            self._write(data)
        elif self._reading.is_typed:
            self._count(client, data)
        else:
            self.take(client)
            self.write(client, data)

    def do(self, client: str, act: Callable[[], object]) -> None:
        """Do what only its holder may, or later; ``ElsewhereError`` if it is not."""
        if self.holder is None:
            self.take(client)
        if waiting := self._waiting.get(client):
            waiting.acts.append(act)
        elif self.holder == client:
            act()
        else:
            raise ElsewhereError("another session has the keyboard")

    def settle(self) -> None:
        """Give it to the next client that waits, unless a line has not ended."""
        while self._waiting and self._is_between:
            self._pass_to(next(iter(self._waiting)))

    def line_over(self) -> None:
        """Note that the present line is over, without a byte that ends it."""
        self._last = None
        self.settle()

    def rejoin(self, client: str) -> None:
        """Drop what waits: on its new connection the client sends it once more."""
        if waiting := self._waiting.get(client):
            waiting.data.clear()
            waiting.acts.clear()

    def leave(self, client: str) -> None:
        """Forget a client; what it has written and not ended stays as it is."""
        self._waiting.pop(client, None)
        self._taken.pop(client, None)
        if self.holder == client:
            self.holder = None
            self.line_over()

    @property
    def _is_between(self) -> bool:
        ends = self._reading.line_ends
        return self.holder is None or (
            ends is None or self._last is None or self._last in ends
        )

    def _pass_to(self, client: str) -> None:
        waiting = self._waiting.pop(client)
        self.holder, self._last = client, None
        if waiting.data:
            self._write(bytes(waiting.data))
        for act in waiting.acts:
            # The client that asked for it was answered.
            with suppress(Exception):
                self.do(client, act)

    def _write(self, data: bytes) -> None:
        """Write what the holder sent, up to where another client's turn is."""
        client, end = self.holder or "", len(data)
        if self._waiting and not self._is_between:
            ends = self._reading.line_ends or b""
            end = next((i + 1 for i, byte in enumerate(data) if byte in ends), end)
        self._reading.write(data[:end])
        self._count(client, data[:end])
        self._last = data[end - 1]
        rest = data[end:]
        if rest:
            self.settle()
            self.take(client)
            self.write(client, rest)
        elif self._waiting:
            self.settle()

    def _count(self, client: str, data: bytes) -> None:
        self._taken[client] = self.taken(client) + len(data)
