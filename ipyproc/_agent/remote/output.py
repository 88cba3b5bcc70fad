"""Both streams of a far job as one: all that its agent keeps of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipyproc._agent.remote.capture import FarCapture, Keeper, Searcher
from ipyproc._agent.searching import Wanted
from ipyproc._jobs.output.arrivals import Arrivals
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.find import Found, Matcher, Searching
from ipyproc._jobs.output.interleaved import Interleaved, Output


class FarOutput(Interleaved):
    """What is kept of a job elsewhere, in the order in which it arrived here.

    Reading may wait, and raise what its captures raise.
    """

    def __init__(
        self, window: Output, captures: Sequence[FarCapture], keeper: Keeper
    ) -> None:
        stdout, stderr = captures
        super().__init__(stdout, stderr, window.arrivals)
        self._keeper = keeper

    def search(self, matcher: Matcher) -> Searching:
        """Begin to look for lines that match, where they are kept if that can be."""
        searcher = self._keeper.searcher
        if searcher is None:
            return super().search(matcher)
        captures = self.stdout, self.stderr
        streams = [_Stream(n, each, matcher) for n, each in enumerate(captures)]
        return FarSearch(searcher, self.arrivals, streams)


class FarSearch:
    """Looks for the lines of each stream, many with each request."""

    def __init__(
        self, searcher: Searcher, arrivals: Arrivals, streams: list[_Stream]
    ) -> None:
        self._searcher = searcher
        self._arrivals = arrivals
        self._streams = streams

    def next(self, total: int, final: bool) -> Iterator[Found]:
        """Search a part of the stream that is further behind; the texts are left out.

        A line that has not ended holds back what follows it on its own stream only.
        """
        behind = [each for each in self._streams if each.is_behind(final)]
        if behind:
            stream = min(behind, key=lambda each: self._place(each.number, each.at))
            for offset in stream.search(self._searcher, final):
                yield self._place(stream.number, offset), ""

    def is_behind(self, total: int, final: bool) -> bool:
        """Whether something that has arrived is left to search."""
        return any(each.is_behind(final) for each in self._streams)

    def texts(self, offsets: Sequence[int], longest: int) -> list[str]:
        """Return the lines that were found at *offsets*, each up to so many characters.

        They are found once more, for those that follow each other come together.
        """
        places = [self._arrivals.locate(offset)[:2] for offset in offsets]
        found = [
            each.texts(
                self._searcher,
                [start for stream, start in places if stream == each.number],
                longest,
            )
            for each in self._streams
        ]
        return [found[stream].get(start, "") for stream, start in places]

    def _place(self, stream: int, offset: int) -> int:
        return self._arrivals.place(stream, offset)


class _Stream:
    """One stream, and how far it was searched."""

    def __init__(self, number: int, capture: Capture, matcher: Matcher) -> None:
        self.number = number
        #: Where a line begins that was not searched.
        self.at = 0
        self._capture = capture
        self._matcher = matcher
        # How far it is known that this line has not ended.
        self._upto = 0

    def is_behind(self, final: bool) -> bool:
        """Whether something that has arrived is left to search."""
        return self._upto < self._capture.total or (final and self.at < self._upto)

    def search(self, searcher: Searcher, final: bool) -> list[int]:
        """Search a part, and return the offsets of the lines that match."""
        end = self._capture.total
        wanted = Wanted(self._matcher, self.at, end, final)
        found = searcher.find(self.number, wanted)
        if found.lines or found.at > self.at or found.upto > self._upto:
            self.at, self._upto = found.at, found.upto
        else:  # there is no more of it
            self.at = self._upto = end
        return found.lines

    def texts(
        self, searcher: Searcher, offsets: list[int], longest: int
    ) -> dict[int, str]:
        """Return the lines at *offsets*, between which there are no others."""
        texts: dict[int, str] = {}
        while offsets:
            start, end, most = offsets[0], self._capture.total, len(offsets)
            wanted = Wanted(self._matcher, start, end, True, longest, most)
            found = searcher.find(self.number, wanted)
            texts |= dict(zip(found.lines, found.texts, strict=True))
            last = found.lines[-1] if found.lines else start
            offsets = [each for each in offsets if each > last]
        return texts
