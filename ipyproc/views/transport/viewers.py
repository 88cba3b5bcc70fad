"""Who watches a job, and what each has seen: how far each page may be sent on.

A page says what it has, gets what is missing, and acknowledges what it drew. Nothing
goes to a page beyond a window that it has not acknowledged: one that is slow or gone
stops the stream and costs nothing. A page that fell far behind is taken to the newest.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

#: Bytes that may be under way to a page.
WINDOW = 256 * 1024
#: What a page gets that has just come, and one that fell behind.
HISTORY = 256 * 1024
#: How far a page may fall behind what the process printed.
LAG = 512 * 1024

# Less room than this is no room, unless it is all that is needed.
_ROOM = 16 * 1024

#: Whoever listens before the first page has said so. Its module may still be loading,
#: or the kernel too busy to hear it.
ANYONE = "*"
_NAME = re.compile("[0-9a-z]{1,32}")
_MOST = 16


@dataclass(slots=True)
class _Page:
    sent: int
    seen: int

    @property
    def room(self) -> int:
        return WINDOW - (self.sent - self.seen)

    def is_ready(self, total: int) -> bool:
        return 0 < min(_ROOM, total - self.sent) <= self.room


@dataclass(frozen=True, slots=True)
class Share:
    """What to send next: at most *size* bytes from *offset* on, to these pages.

    They have all up to *after*; what lies between that and *offset* is left out.
    """

    pages: list[str]
    after: int
    offset: int
    size: int


def is_name(page: object) -> bool:
    """Tell whether *page* can be the name that a page gave itself."""
    return isinstance(page, str) and _NAME.fullmatch(page) is not None


class Audience:
    """The pages that show one job. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages = {ANYONE: _Page(0, 0)}

    @property
    def known(self) -> bool:
        """Whether a page has said that it is there."""
        with self._lock:
            return ANYONE not in self._pages

    @property
    def flows(self) -> bool:
        """Whether a page is there that takes what comes."""
        with self._lock:
            pages = self._pages.items()
            return any(p.room >= _ROOM for name, p in pages if name != ANYONE)

    def join(self, page: str, have: int | None, total: int) -> int:
        """Take *page* in, which has all up to *have*; from where on will it be sent?

        That is *have*, or a later offset if too much is missing. Of too many pages the
        one that joined first is forgotten.
        """
        oldest = max(0, total - HISTORY)
        start = have if have is not None and oldest <= have <= total else oldest
        with self._lock:
            self._pages.pop(ANYONE, None)
            self._pages.pop(page, None)
            self._pages[page] = _Page(start, start)
            if len(self._pages) > _MOST:
                self._pages.pop(next(iter(self._pages)))
        return start

    def acknowledge(self, page: str, offset: int) -> None:
        """Take down that *page* has drawn all up to *offset*."""
        with self._lock:
            if found := self._pages.get(page):
                found.seen = max(found.seen, min(offset, found.sent))

    def next(self, total: int, size: int) -> Share | None:
        """Say what to send to whom, now that the job has printed *total* bytes.

        The page that is furthest behind comes first, with all that are as far as it.
        """
        with self._lock:
            ready = {
                name: page for name, page in self._pages.items() if page.is_ready(total)
            }
        if not ready:
            return None
        after = min(page.sent for page in ready.values())
        first = {name: page for name, page in ready.items() if page.sent == after}
        room = min(page.room for page in first.values())
        offset = after if total - after <= LAG else total - HISTORY
        return Share(list(first), after, offset, min(size, room, total - offset))

    def complete(self, total: int) -> list[str]:
        """Name the pages that all *total* bytes were sent to."""
        with self._lock:
            pages = self._pages.items()
            return [n for n, page in pages if n != ANYONE and page.sent == total]

    def sent(self, share: Share, start: int, end: int) -> None:
        """Take down that *share* was sent: the bytes from *start* to *end*."""
        with self._lock:
            for name in share.pages:
                page = self._pages.get(name)
                if page and page.sent == share.after:
                    page.seen += start - share.after
                    page.sent = end
