"""What a job printed as asciinema plays it: asciicast, version 3.

A line of JSON says what was recorded, and each further one what happened next: so many
seconds later, what it was, and its data.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from ipyproc._jobs.output.encoding import decoder
from ipyproc._jobs.output.interleaved import STREAMS, Interleaved

# The most that is read at once.
_PIECE: Final = 1 << 16
_MILLI: Final = 1000

#: When it happened, in seconds since the start, what it was, and its data.
Event = tuple[float, str, str]
#: The size of a terminal: from when on, in seconds, and how much had been printed
#: then; rows and columns.
Size = tuple[float, int, int, int]


def lines(
    header: Mapping[str, object],
    output: Interleaved,
    sizes: Iterable[Size],
    end: Event | None,
    *,
    is_terminal: bool,
) -> Iterator[str]:
    """Yield the lines of a recording.

    *sizes* begins with the first one. Without a terminal lines end with a newline
    alone, which would only move the cursor down.
    """
    (_, _, rows, columns), *others = sizes
    term = {"cols": columns, "rows": rows}
    yield _line({"version": 3, "term": term, **header})
    before = 0
    ends = [] if end is None else [end]
    for elapsed, code, data in chain(_happened(output, others, is_terminal), ends):
        # Of the sum, or small errors of many intervals would add up.
        at = max(before, round(elapsed * _MILLI))
        yield _line([(at - before) / _MILLI, code, data])
        before = at


def _happened(
    output: Interleaved, sizes: Sequence[Size], is_terminal: bool
) -> Iterator[Event]:
    """Yield what was printed; a recording is in UTF-8, whatever that was in.

    A new *size* goes before what was printed after it, which a program draws for it:
    of output the time is known to a hundredth of a second only.
    """
    decoders = {stream: decoder(output.stdout.encoding) for stream in STREAMS}
    at, total, newest, left = 0, output.total, 0.0, deque(sizes)
    while at < total or left:
        if left and (at >= left[0][1] or at >= total):
            resized, _, rows, columns = left.popleft()
            newest = max(newest, resized)
            yield newest, "r", f"{columns}x{rows}"
            continue
        elapsed, size = output.moment(at)
        size = min(size, (left[0][1] if left else total) - at)
        chunks = output.read(at, min(size, _PIECE, total - at))
        if not chunks:
            break
        chunk = chunks[0]
        if chunk.offset > at:
            yield newest, "m", f"{chunk.offset - at} bytes that are not kept"
            at = chunk.offset
            for each in decoders.values():
                each.reset()
            continue
        # Two streams: their times are known to a hundredth of a second.
        newest = max(newest, elapsed)
        text = decoders[chunk.stream].decode(chunk.data)
        if text:
            yield newest, "o", text if is_terminal else text.replace("\n", "\r\n")
        at += len(chunk.data)
    for each in decoders.values():
        if rest := each.decode(b"", final=True):
            yield newest, "o", rest


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")) + "\n"
