"""Frames on a byte stream: a length, a kind, a number, a payload.

The length is a big-endian ``u32`` and counts the payload; the kind is a ``u8``, and the
number, a ``u32``, names a request or a job. A frame has at most 64 KiB. JSON that is
longer comes in several frames, one behind the other, of which all but the last have the
bit ``PART`` in their kind; together they have at most 1 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

_Value = TypeVar("_Value")
#: A JSON object.
Body: TypeAlias = Mapping[str, Any]

HEADER: Final = Struct(">IBI")
#: Bytes of a frame, header included.
MOST: Final = 1 << 16
#: Bytes of the payload of one frame.
PAYLOAD: Final = MOST - HEADER.size
#: Bytes of a JSON object, in however many frames.
JSON_MOST: Final = 1 << 20
#: Set in the kind of a frame that the next one continues.
PART: Final = 0x80


class ProtocolError(Exception):
    """The other side broke the rules; that ends the session, and nothing else."""


class Frame(NamedTuple):
    """One message, put together again if it came in parts."""

    kind: int
    number: int
    payload: bytes

    def json(self) -> Fields:
        """Read the payload as a JSON object."""
        try:
            body = json.loads(self.payload or b"{}")
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"kind {self.kind}: no JSON: {error}") from None
        if not isinstance(body, dict):
            raise ProtocolError(f"kind {self.kind}: expected a JSON object")
        return Fields(body)

    def unpack(self, layout: Struct) -> tuple[list[int], memoryview]:
        """Split the payload into the numbers of *layout* and the data behind them."""
        if len(self.payload) < layout.size:
            raise ProtocolError(f"kind {self.kind}: too short")
        numbers = list(layout.unpack_from(self.payload))
        return numbers, memoryview(self.payload)[layout.size :]


class Fields:
    """A JSON object, read field by field; one that nobody asks for is ignored."""

    def __init__(self, body: Body) -> None:
        self.body = body

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a *default* it must be there."""
        return self._typed(name, str, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a truth value."""
        return self._typed(name, bool, default)

    def number(self, name: str, default: int | None = None, most: int = 1 << 64) -> int:
        """Return a number from 0 up to *most*, which is excluded."""
        value = self._typed(name, int, default)
        if isinstance(value, bool) or not 0 <= value < most:
            raise ProtocolError(f"{name}: expected a number below {most}")
        return value

    def seconds(self, name: str, default: float | None = None) -> float | None:
        """Return a time span of 0 s or more, which may be ``inf``."""
        value = self.body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ProtocolError(f"{name}: expected seconds")
        if not value >= 0:
            raise ProtocolError(f"{name}: expected 0 seconds or more")
        try:
            return float(value)
        except OverflowError:
            return float("inf")

    def optional(self, name: str) -> str | None:
        """Return a text, or ``None`` if there is none."""
        return None if self.body.get(name) is None else self.text(name)

    def count(self, name: str) -> int | None:
        """Return a whole number, or ``None`` if there is none."""
        value = self.body.get(name)
        return value if isinstance(value, int) else None

    def fields(self, name: str) -> Fields:
        """Return an object within this one, or an empty one."""
        return Fields(self._typed(name, dict, {}))

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        return self._all(name, str)

    def numbers(self, name: str, size: int | None = None) -> list[int]:
        """Return a list of numbers that are 0 or more, *size* of them if given."""
        values = self._all(name, int)
        is_long_enough = size is None or len(values) == size
        if not is_long_enough or any(not 0 <= each < 1 << 64 for each in values):
            raise ProtocolError(f"{name}: expected {size or 'any'} numbers")
        return values

    def mapping(self, name: str) -> dict[str, str]:
        """Return an object all of whose values are texts."""
        found: dict[str, str] = self._typed(name, dict, {})
        if not all(isinstance(value, str) for value in found.values()):
            raise ProtocolError(f"{name}: expected texts")
        return found

    def _all(self, name: str, kind: type[_Value]) -> list[_Value]:
        values: list[_Value] = self._typed(name, list, [])
        if any(type(each) is not kind for each in values):
            raise ProtocolError(f"{name}: expected a list of {kind.__name__}")
        return values

    def _typed(self, name: str, kind: type[_Value], default: _Value | None) -> _Value:
        value = self.body.get(name, default)
        if not isinstance(value, kind):
            raise ProtocolError(f"{name}: expected {kind.__name__}")
        return value


def encode(kind: int, number: int, *parts: bytes | memoryview) -> bytes:
    """Make one frame of what is at most ``PAYLOAD`` bytes."""
    size = sum(len(part) for part in parts)
    if size > PAYLOAD:
        raise ValueError(f"a frame of {size} bytes")
    return b"".join((HEADER.pack(size, kind, number), *parts))


def encode_json(kind: int, number: int, body: Body) -> bytes:
    """Make the frames of a JSON object; ``ValueError`` if it is too long."""
    data = json.dumps(body, separators=(",", ":")).encode()
    if len(data) > JSON_MOST:
        raise ValueError(f"{len(data)} bytes of JSON, more than {JSON_MOST}")
    pieces = [data[at : at + PAYLOAD] for at in range(0, len(data), PAYLOAD)]
    kinds = [kind | PART] * (len(pieces) - 1) + [kind]
    return b"".join(map(encode, kinds, [number] * len(kinds), pieces))


class Decoder:
    """Makes frames of bytes as they come, and refuses what is too long unread."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[Frame] = []
        self._in_parts = 0

    @property
    def in_memory(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer) + self._in_parts

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Add *data*; yield the frames that are complete. ``ProtocolError``."""
        self._buffer += data
        at = 0
        try:
            while (frame := self._frame(at)) is not None:
                at += HEADER.size + len(frame.payload)
                if whole := self._whole(frame):
                    yield whole
        finally:
            del self._buffer[:at]

    def _frame(self, at: int) -> Frame | None:
        if len(self._buffer) - at < HEADER.size:
            return None
        size, kind, number = HEADER.unpack_from(self._buffer, at)
        if size > PAYLOAD:
            raise ProtocolError(f"a frame of {size} bytes")
        begin = at + HEADER.size
        if len(self._buffer) < begin + size:
            return None
        with memoryview(self._buffer) as view:
            return Frame(kind, number, bytes(view[begin : begin + size]))

    def _whole(self, frame: Frame) -> Frame | None:
        """Put parts together; they must follow each other."""
        last = not frame.kind & PART
        if not self._parts and last:
            return frame
        kind = frame.kind & ~PART
        if self._parts and (self._parts[0].kind & ~PART, self._parts[0].number) != (
            kind,
            frame.number,
        ):
            raise ProtocolError("a message in parts was broken off")
        self._in_parts += len(frame.payload)
        if self._in_parts > JSON_MOST:
            raise ProtocolError(f"more than {JSON_MOST} bytes of JSON")
        self._parts.append(frame)
        if not last:
            return None
        payload = b"".join(part.payload for part in self._parts)
        self._parts, self._in_parts = [], 0
        return Frame(kind, frame.number, payload)
