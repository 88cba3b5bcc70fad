"""All that a job printed, on its way into a file of a page's user."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Final

from ipyproc._jobs.job import Job
from ipyproc.views.transport import reading
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.output_protocol import Save, Saved
from ipyproc.views.transport.reading import Reader

#: The most bytes of a message, before they are packed.
SAVE: Final = 1 << 19

# Text takes a fifth of the room then; what would save more takes longer than the wire.
_LEVEL = 4
# So many pages of a view may save at once what has to be made first.
_PAGES = 4


class Savings:
    """What the pages of one view save, piece by piece; on the reader's thread.

    *tell* gets the answers. A recording and a page are made when the first piece is
    asked for, and stay as they are until the next time.
    """

    def __init__(
        self,
        job: Job,
        tell: Callable[[Message], None],
        reader: Reader = reading.shared,
    ) -> None:
        self._job = job
        self._tell = tell
        self._reader = reader
        self._files: dict[str, IO[bytes]] = {}

    def save(self, asked: Save) -> None:
        """Answer with a piece."""
        self._reader.read(partial(self._save, asked))

    def left(self, page: str) -> None:
        """Forget what was made for *page*."""
        self._reader.read(partial(self._forget, page))

    def _forget(self, page: str) -> None:
        if file := self._files.pop(page, None):
            file.close()

    def _save(self, asked: Save) -> None:
        offset = asked["offset"]
        try:
            if asked.get("format", "txt") == "txt":
                start, data = self._joined(offset)
                total = self._job.as_utf8.total
            else:
                start, data, total = self._made(asked)
        except OSError:
            return  # no contact with its host, or no room: the page asks again
        content = Saved(
            kind="saved",
            page=asked["page"],
            after=offset,
            offset=start,
            size=len(data),
            total=total,
        )
        self._tell(Message(content, zlib.compress(data, _LEVEL)))

    def _joined(self, offset: int) -> tuple[int, bytes]:
        """Return a piece of the text."""
        try:
            return self._job.whole_as_utf8.joined(offset, SAVE)
        except ConnectionError:  # there will never be more than what is here
            return self._job.as_utf8.joined(offset, SAVE)

    def _made(self, asked: Save) -> tuple[int, bytes, int]:
        """Return a piece of what is made of the output."""
        page, offset = asked["page"], asked["offset"]
        if offset == 0 or page not in self._files:
            self._forget(page)
            while len(self._files) >= _PAGES:
                self._forget(next(iter(self._files)))
            with tempfile.TemporaryDirectory(prefix="ipyproc-") as folder:
                path = Path(folder, f"x.{asked.get('format')}")
                self._job.save(path)
                self._files[page] = path.open("rb")
        file = self._files[page]
        total = file.seek(0, 2)
        file.seek(offset)
        data = file.read(SAVE)
        if offset + len(data) >= total:
            self._forget(page)
        return min(offset, total), data, total
