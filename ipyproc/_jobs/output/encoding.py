"""How bytes of a stream become text, from its beginning or from anywhere in it."""

from __future__ import annotations

import codecs
import sys
from codecs import BOM_UTF8 as UTF_8_MARK
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from difflib import get_close_matches
from encodings.aliases import aliases
from typing import Final, TypeAlias

Decoder: TypeAlias = codecs.IncrementalDecoder

UTF_8: Final = "utf-8"
# Of encodings that begin with a mark of the order of bytes: the marks, and their names.
_MARKS = {
    "utf-16": {BOM_UTF16_LE: "utf-16-le", BOM_UTF16_BE: "utf-16-be"},
    "utf-32": {BOM_UTF32_LE: "utf-32-le", BOM_UTF32_BE: "utf-32-be"},
}
_NATIVE = "-le" if sys.byteorder == "little" else "-be"
# Of these a character begins at an offset that the number divides.
_UNITS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
#: As many bytes of the beginning are enough to know the order of bytes.
MARK_SIZE: Final = 4


def checked(value: object) -> str:
    """Return the normal name of the encoding that *value* names.

    ``TypeError`` and ``ValueError`` name the option.
    """
    if value is UTF_8:  # most are, and each start of a job asks
        return UTF_8
    if not isinstance(value, str):
        raise TypeError(f"encoding: expected a str, not {type(value).__name__}")
    if not _is_known(value):
        raise ValueError(_unknown(value))
    return codecs.lookup(value).name


def decoder(encoding: str) -> Decoder:
    """Return what decodes a stream from its beginning; what is wrong is U+FFFD."""
    if encoding in _MARKS:
        return _Marked(encoding)
    return codecs.getincrementaldecoder(encoding)("replace")


def decoder_inside(encoding: str, begin: bytes, start: int) -> tuple[Decoder, int]:
    """Return what decodes a stream from *start* on, and how many bytes to skip first.

    *begin* are the first bytes of the stream: the order of all others may be in there.
    """
    if start == 0:
        return decoder(encoding), 0
    encoding = inside(encoding, begin)
    return decoder(encoding), -start % _UNITS.get(encoding, 1)


class _Marked(codecs.IncrementalDecoder):
    """Decodes what may begin with a mark; without one the order is this machine's.

    Python's own decoders insist on a mark if the bytes come in pieces.
    """

    def __init__(self, encoding: str) -> None:
        super().__init__("replace")
        self._encoding = encoding
        self._size = len(next(iter(_MARKS[encoding])))
        self._begin = b""
        self._decoder: Decoder | None = None

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        """Decode what comes next."""
        if self._decoder is None:
            self._begin = data = self._begin + data
            if len(data) < self._size and not final:
                return ""
            self._decoder = decoder(inside(self._encoding, data))
            if data[: self._size] in _MARKS[self._encoding]:
                data = data[self._size :]
        return self._decoder.decode(data, final)


def inside(encoding: str, begin: bytes) -> str:
    """Return the encoding of what follows the mark at the beginning of a stream."""
    if encoding == "utf-8-sig":
        return UTF_8
    if encoding not in _MARKS:
        return encoding
    marks = _MARKS[encoding].items()
    found = [name for mark, name in marks if begin.startswith(mark)]
    return found[0] if found else encoding + _NATIVE


def size_of_mark(encoding: str, begin: bytes) -> int:
    """Return how long the mark at the beginning of a stream is, 0 if there is none."""
    marks = _MARKS.get(encoding, {UTF_8_MARK: ""} if encoding == "utf-8-sig" else {})
    return next((len(mark) for mark in marks if begin.startswith(mark)), 0)


def _is_known(value: str) -> bool:
    """Whether it is an encoding of text that can replace what is wrong."""
    try:
        b"?".decode(value, "replace")
        name = codecs.lookup(value).name
        decoder(name).decode(bytes(range(256)), final=True)
    except (LookupError, ValueError):
        return False
    return True


def _unknown(value: str) -> str:
    names = {name.replace("_", "-") for name in (*aliases, *aliases.values())}
    near = get_close_matches(value.lower().replace("_", "-"), names, n=9, cutoff=0.5)
    known = [name for name in near if _is_known(name)]
    hint = f"; did you mean {known[0]!r}?" if known else ""
    return f"encoding: no encoding of text is called {value!r}{hint}"
