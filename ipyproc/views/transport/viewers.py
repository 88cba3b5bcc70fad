"""The pages of a view: until when each shows it, and how much output it has.

A page that shows something says so, says it again before its lease is over, and says
when the view is out of sight or gone. If the kernel is too busy to hear that, it goes
on for a while, less and less often: a page that cannot be heard may still be there.

A page that shows output says what it has, is sent what is missing, and acknowledges
what it drew. No more than a window is sent without acknowledgement, so a page that is
slow or gone stops the stream and costs nothing. A page that fell far behind is taken to
the newest output.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: Seconds between two measurements while a page looks.
INTERVAL: Final = 1.0
#: Seconds for which a page counts as looking after it said so.
LEASE: Final = 25.0
#: Seconds after the lease at which a silent page is given up.
PATIENCE: Final = 300.0
#: Seconds between two polls of what is on a page, but out of sight.
POLL: Final = 10.0

#: Bytes that may be under way to a page.
WINDOW: Final = 256 * 1024
#: What a page gets that has just come, and one that fell behind.
HISTORY: Final = 256 * 1024
#: How far a page may fall behind what the process printed.
LAG: Final = 512 * 1024
#: The same of a terminal, which keeps less, and is to be right soon after the end: its
#: screens and what can be scrolled back to.
SCREENS: Final = 64 * 1024
SCREENS_LAG: Final = 96 * 1024
SCREENS_WINDOW: Final = 128 * 1024

# Less room than this counts as none, unless nothing more is needed.
_ROOM = 16 * 1024

#: Stands for a page that has not been heard yet: its module may still be loading, or
#: the kernel may be too busy to hear it.
ANYONE: Final = "*"
_MOST = 16


@dataclass(slots=True)
class _Viewer:
    """One page; *sent* is None unless it asked for output."""

    lease: float | None = None
    is_away: bool = False
    wants_tree: bool = False
    sent: int | None = None
    seen: int = 0
    is_terminal: bool = False

    @property
    def room(self) -> int:
        window = SCREENS_WINDOW if self.is_terminal else WINDOW
        return 0 if self.sent is None else window - (self.sent - self.seen)

    def is_ready(self, total: int) -> bool:
        sent = total if self.sent is None else self.sent
        return 0 < min(_ROOM, total - sent) <= self.room


def start_of(have: int | None, total: int) -> int:
    """Return where a page goes on that has all up to *have*, of so many bytes.

    That is *have*, or a later offset if too much is missing.
    """
    oldest = max(0, total - HISTORY)
    return have if have is not None and oldest <= have <= total else oldest


@dataclass(frozen=True, slots=True)
class Share:
    """What to send next: at most *size* bytes from *offset* on, to these pages.

    They have all up to *after*; what lies between that and *offset* is left out.
    """

    pages: list[str]
    after: int
    offset: int
    size: int


class Viewers:
    """The pages that show one view; it belongs to the thread that sends.

    Only ``known`` may be read on other threads.
    """

    def __init__(self) -> None:
        self._pages = {ANYONE: _Viewer(sent=0)}

    @property
    def known(self) -> bool:
        """Whether a page has said that it is there, and did not leave."""
        return any(name != ANYONE for name in list(self._pages))

    # --- the pages that show it

    @property
    def pause(self) -> float | None:
        """Seconds between two measurements; None if nobody looks."""
        newest = max((lease for lease, _ in self._leases()), default=None)
        return None if newest is None else max(INTERVAL, time.monotonic() - newest)

    @property
    def are_away(self) -> bool:
        """Whether a page has the view, but nobody looks at it."""
        away = any(page.is_away for page in self._pages.values())
        return away and self.pause is None

    @property
    def want_tree(self) -> bool:
        """Whether somebody looks at the processes of a job, too."""
        return any(page.wants_tree for _, page in self._leases())

    def expect(self) -> None:
        """Expect a page that is about to show it, and may not be heard."""
        if not any(page.lease for page in self._heard()):
            self._pages.setdefault(ANYONE, _Viewer()).lease = _lease()

    def look(self, name: str, tree: bool = False) -> bool:
        """Note that *name* looks; return whether it sees something new to it."""
        page = self._moved_to_end(name)
        is_new = page.lease is None or (tree and not page.wants_tree)
        page.lease, page.is_away, page.wants_tree = _lease(), False, tree
        if ANYONE in self._pages:
            self._pages[ANYONE].lease = None
        return is_new

    def away(self, name: str) -> None:
        """Note that *name* still has the view, but nobody can see it."""
        page = self._pages.get(name)
        if page and page.lease is not None:
            page.lease, page.is_away = None, True

    def leave(self, name: str) -> None:
        """Note that *name* does not have the view any more."""
        self._pages.pop(name, None)

    # --- the output that each has

    @property
    def flows(self) -> bool:
        """Whether a page is there that takes output as it comes."""
        return any(page.room >= _ROOM for page in self._heard())

    def join(self, name: str, start: int, *, is_terminal: bool = False) -> None:
        """Note that *name* has all output up to *start*, or what stands for it."""
        self._pages.pop(ANYONE, None)
        page = self._moved_to_end(name)
        page.sent = page.seen = start
        page.is_terminal = is_terminal

    def acknowledge(self, name: str, offset: int) -> None:
        """Note that *name* has drawn all up to *offset*."""
        page = self._pages.get(name)
        if page and page.sent is not None:
            page.seen = max(page.seen, min(offset, page.sent))

    def next(self, total: int, size: int) -> Share | None:
        """Return what to send to which pages, when the job has printed *total* bytes.

        The page that is furthest behind comes first, with all that are as far as it.
        """
        ready = {n: p for n, p in self._pages.items() if p.is_ready(total)}
        if not ready:
            return None
        after = min(page.sent or 0 for page in ready.values())
        first = {name: page for name, page in ready.items() if page.sent == after}
        room = min(page.room for page in first.values())
        is_terminal = any(page.is_terminal for page in first.values())
        lag, kept = (SCREENS_LAG, SCREENS) if is_terminal else (LAG, HISTORY)
        offset = after if total - after <= lag else total - kept
        return Share(list(first), after, offset, min(size, room, total - offset))

    def complete(self, total: int) -> list[str]:
        """Return the pages that all *total* bytes were sent to."""
        pages = self._pages.items()
        return [name for name, p in pages if name != ANYONE and p.sent == total]

    def sent(self, share: Share, start: int, end: int) -> None:
        """Note that *share* was sent: the bytes from *start* to *end*."""
        for name in share.pages:
            page = self._pages.get(name)
            if page and page.sent == share.after:
                page.seen += start - share.after
                page.sent = end

    def _leases(self) -> Iterator[tuple[float, _Viewer]]:
        """Yield the pages that look, and when their leases end or ended."""
        oldest = time.monotonic() - PATIENCE
        for page in self._pages.values():
            if page.lease is not None and page.lease >= oldest:
                yield page.lease, page

    def _heard(self) -> Iterator[_Viewer]:
        return (page for name, page in self._pages.items() if name != ANYONE)

    def _moved_to_end(self, name: str) -> _Viewer:
        """Return a page, the last in order; of too many the first is forgotten."""
        page = self._pages[name] = self._pages.pop(name, _Viewer())
        if len(self._pages) > _MOST:
            self._pages.pop(next(iter(self._pages)))
        return page


def _lease() -> float:
    return time.monotonic() + LEASE
