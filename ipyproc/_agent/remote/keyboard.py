"""Whether this session has the keyboard of a job, as far as that is known here."""

from __future__ import annotations

from ipyproc._agent.protocol.frames import Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.source import Source

_LATER = "another session is in the middle of a line: the keyboard is yours after that"


class FarKeyboard:
    """The keyboard of one job."""

    def __init__(self, source: Source) -> None:
        self._source = source
        # What was told first, and what was told since.
        self._first = True
        self._newest: bool | None = None

    @property
    def is_here(self) -> bool:
        """Whether it is this session's, or nobody's."""
        return self._first if self._newest is None else self._newest

    def begin(self, fields: Fields) -> None:
        """Take over what the agent answered; news may have come before."""
        self._first = _is_free(fields)

    def told(self, fields: Fields) -> None:
        """Take over what the agent tells."""
        self._newest = _is_free(fields)

    def ask(self) -> None:
        """Ask for it, if another session has it; what is sent next comes after that."""
        job = self._source.job
        if job is not None and not self.is_here:
            asked = {"number": job.number}
            self._source.link.ask(Kind.TAKE, asked, lambda _: None)

    def take(self) -> None:
        """Take it, and wait until it is here; ``BlockingIOError`` if that is later."""
        if not self.is_here and not self._source.ask(Kind.TAKE, now=True).flag("taken"):
            raise BlockingIOError(_LATER)


def _is_free(fields: Fields) -> bool:
    """Whether we may write; an older agent lets everybody."""
    return fields.flag("keyboard", True)
