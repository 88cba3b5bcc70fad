"""The picture for the file: ``python -m tests.benchmarks picture``.

What drawing the picture of 8 MB takes of one core, for what programs print much of: in
the thread that draws it, so that others do not count. The best of three.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from ipyproc._jobs.output.interleaved import Output
from ipyproc.views.terminal.picture import Picture
from tests.benchmarks.table import Row

SIZE: Final = 8 << 20
ROUNDS: Final = 3
LINES: Final = 200
PIECE: Final = 1 << 16
#: Seconds.
MOST: Final = 0.5


def _docker(step: int) -> str:
    if step < 5:
        return "\n"
    row = step % 5 + 1
    return f"\x1b[{row}A\x1b[2K\r{row}: pulling {step}/100000\r\x1b[{row}B"


PROGRAMS: Final[dict[str, Callable[[int], str]]] = {
    "a log": lambda n: f"2026-11-27 18:00:{n % 60:02} worker {n}: {n % 997} ms\n",
    "a log in colours": lambda n: (
        f"\x1b[32mINFO\x1b[0m \x1b[2mworker\x1b[22m: \x1b[1;33m{n % 997}\x1b[0m ms\n"
    ),
    "a bar": lambda n: (
        f"\r{n % 100:3}%|{'█' * (n % 20):20}| {n}/99999 [00:{n % 60:02}]"
    ),
    "two nested bars": lambda n: f"\router {n}/100\n\rinner {n % 9}/8\x1b[A",
    "five bars": _docker,
    "frames": lambda n: "\x1b[H\x1b[2J" + "".join(f"{k}: {n * k}\n" for k in range(20)),
}


def rows() -> Iterator[Row]:
    """Measure all of it."""
    outputs = {name: _output(program) for name, program in PROGRAMS.items()}
    outputs["two streams by turns"] = _by_turns()
    for name, output in outputs.items():
        best = min(_drawn(output) for _ in range(ROUNDS))
        yield Row(f"picture of 8 MiB of {name}", best, "s", at_most=MOST)


def _by_turns() -> Output:
    output = Output(memory_limit=2 * SIZE)
    number = 0
    while output.total < SIZE:
        output.append(number % 2, f"{number:8}: a line of 30 bytes\n".encode())
        number += 1
    return output


def _output(program: Callable[[int], str]) -> Output:
    output = Output(memory_limit=2 * SIZE)
    pieces = map(program, count())
    while output.total < SIZE:
        data = b""
        while len(data) < PIECE:
            data += next(pieces).encode()
        output.append(0, data[: SIZE - output.total])
    return output


def _drawn(output: Output) -> float:
    begin = time.thread_time()
    picture = Picture()
    picture.update(output, final=True)
    picture.last(LINES)
    return time.thread_time() - begin
