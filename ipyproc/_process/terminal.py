"""A terminal of our own, which becomes a child's controlling one without a launcher."""

from __future__ import annotations

import os

from ipyproc.attr import ProcAttr


class FreshTerminal:
    """The slave of a pseudo-terminal that nobody has as controlling terminal yet.

    As an entry of ``ProcAttr.files`` it is a file like others. Where *setctty* names it
    too, the child opens it by its path: the first open of a session's leader makes it
    the controlling terminal, as *setctty* would, and posix_spawn(3) can do that. It
    says nothing if that is refused, so it is for terminals that we just made.
    """

    def __init__(self, fd: int) -> None:
        """Find the path of the open slave; ``OSError`` if it has none here."""
        self._fd = fd
        self.path = os.fsencode(os.ttyname(fd))

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd


def fresh_terminal(attr: ProcAttr) -> FreshTerminal | None:
    """Return the terminal that *attr* makes the controlling one, if it is ours."""
    system = attr.sys
    if system is None or not system.setctty or not system.setsid:
        return None
    files = attr.files
    file = files[system.ctty] if isinstance(files, list) else None
    return file if isinstance(file, FreshTerminal) else None
