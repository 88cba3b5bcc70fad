"""Judging a result by Go's: equal, deliberately different, or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.conformance.differences import DIFFERENCES, Difference
from tests.conformance.values import Json


@dataclass(frozen=True)
class Deviation:
    """One place in a result that is not as Go has it."""

    path: str
    want: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.path}: Go has {self.want!r}, here it is {self.got!r}"


@dataclass(frozen=True)
class Verdict:
    """What the comparison of one scenario says."""

    id: str
    wrong: tuple[Deviation, ...] = ()
    meant: tuple[Difference, ...] = ()
    skipped: str = ""


def judge(want: Json, got: Json | None, mode: str) -> Verdict:
    """Compare what Go did with what happened here; *mode* is ``pidfd`` or ``pid``."""
    if "driver_error" in want:
        return Verdict(want["id"], skipped="Go's driver could not set it up")
    if got is None:
        return Verdict(want["id"], (Deviation("", "a result", None),))
    known = [
        difference
        for difference in DIFFERENCES
        if mode in difference.modes and fnmatchcase(want["id"], difference.ids)
    ]
    wrong: list[Deviation] = []
    meant: list[Difference] = []
    for deviation in deviations(want, got):
        reasons = [d for d in known if fnmatchcase(deviation.path, d.where)]
        if reasons:
            meant += reasons
        else:
            wrong.append(deviation)
    return Verdict(want["id"], tuple(wrong), tuple(dict.fromkeys(meant)))


def deviations(want: Any, got: Any, path: str = "") -> Iterator[Deviation]:
    """Find the places where two results differ.

    Nothing, an absent key and empty output are the same, as Go's nil and empty slices
    are; where Go panicked, any error will do.
    """
    if _is_empty(want) and _is_empty(got):
        return
    if isinstance(want, dict) and isinstance(got, dict):
        yield from _in_objects(want, got, path)
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, pair in enumerate(zip(want, got, strict=True)):
            yield from deviations(*pair, f"{path}.{index}")
    elif want != got or isinstance(want, bool) != isinstance(got, bool):
        yield Deviation(path, want, got)


def _in_objects(want: Json, got: Json, path: str) -> Iterator[Deviation]:
    if "panic" in want:
        if "panic" not in got and "err" not in got:
            yield Deviation(path, want, got)
        return
    for key in sorted({*want, *got}):
        yield from deviations(want.get(key), got.get(key), f"{path}.{key}")


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("len") == 0 and "b64" in value
    return value is None
