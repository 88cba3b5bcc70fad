"""Starting the process of the guardian, and the pipes to and from it."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from errno import ENOENT
from functools import partial
from itertools import starmap
from typing import Final

from ipyproc._jobs.guardian import program
from ipyproc._jobs.guardian.program import MARK, MESSAGE, READY
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Callback
from ipyproc._jobs.procinfo import proc, sending, tree
from ipyproc._jobs.procinfo.proc import NO_MORE
from ipyproc._process import broken_pipe
from ipyproc._process.arguments import OWN_SESSION
from ipyproc._sys.helper_code import HelperCode
from ipyproc._sys.interpreter import interpreter
from ipyproc.attr import ProcAttr
from ipyproc.process import Process, ProcessStatus, start_process

#: Seconds without anything to guard after which a guardian ends.
LINGER: Final = 10.0
_CODE = HelperCode(proc.__name__, sending.__name__, tree.__name__, program.__name__)
# How soon to look again: for the end of the program's first process, which ends as soon
# as it has started the other; and for room in the pipe.
_AGAIN = 0.02
# The variables of ours that it needs; the rest could be too long for a start.
_OURS = "IPYPROC_"


class Connection:
    """A process that guards, and the two pipes between it and us.

    They are closed when this is no longer referred to, so that no thread writes into
    another file that got the same number.
    """

    def __init__(self, loop: EventLoop, mark: str) -> None:
        self._loop = loop
        #: What belongs to the jobs that it is told of has this in its environment.
        self.mark = mark
        self._fds = [NO_MORE]
        self._first: list[Process] = []
        self._unsaid: deque[bytes] = deque()
        #: Whether more may come.
        self.is_open = True
        #: Whether it has begun.
        self.greeted = False
        self._first_is_over = False
        self._has_left = False
        try:
            self._begin(mark)
        except BaseException:
            self._close()
            raise

    def __del__(self) -> None:
        self._close()

    @property
    def is_ready(self) -> bool:
        """Whether it guards, and neither child nor handle is left of the start."""
        return self.greeted and self._first_is_over

    def say(self, *messages: tuple[int, int]) -> None:
        """Send it messages, all at once; never blocks."""
        message = b"".join(starmap(MESSAGE.pack, messages))
        try:
            if not self._unsaid:
                broken_pipe.write(self._mouth, message)
                return
        except BrokenPipeError:  # it was killed, and we are about to hear that
            return
        except BlockingIOError:
            pass
        self._unsaid.append(message)
        self._again(self._go_on)

    def reap_adopted(self) -> None:
        """Reap the guardian itself, which leaves, if it is our child after all.

        It is where we adopt orphans, as pid 1 of a container does. Before its first
        process has ended we cannot know.
        """
        self._has_left = True
        self.reap()

    def hear(self) -> list[tuple[int, int]]:
        """Read its messages; none come once it is not open."""
        data = b""
        if self.is_open:
            with suppress(BlockingIOError):
                data = os.read(self.ear, MESSAGE.size << 10)
                self.is_open = bool(data)
        heard = list(MESSAGE.iter_unpack(data))
        self.greeted |= (0, READY) in heard
        return heard

    def forget(self) -> None:
        """Release its first process, if that has not ended."""
        for first in self._first:
            first.release()

    def reap(self) -> None:
        """Wait for the first process, again and again."""
        first = self._first[0]
        try:
            if first.status is ProcessStatus.OK:
                first.wait(0)
        except TimeoutError:
            self._again(self.reap)
            return
        except OSError:  # somebody else did
            first.release()
        self._first_is_over = True
        if self._has_left:
            self._has_left = False
            _reap(self._loop, self._group)

    def _go_on(self) -> None:
        """Send the messages that wait, as far as there is room in the pipe."""
        try:
            while self._unsaid:
                broken_pipe.write(self._mouth, self._unsaid[0])
                self._unsaid.popleft()
        except BlockingIOError:
            self._again(self._go_on)
        except BrokenPipeError:
            self._unsaid.clear()

    def _again(self, callback: Callback) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_later(_AGAIN, callback)

    def _begin(self, mark: str) -> None:
        # Descriptors are noted, and sorted, in one step each, whatever a handler
        # raises: ours first, then those of the other side.
        deque(map(self._fds.extend, starmap(os.pipe, [(), ()])), maxlen=0)
        _, self.ear, out, into, self._mouth = self._fds
        self._fds[:] = [NO_MORE, self.ear, self._mouth, NO_MORE, out, into]
        self._fds.extend(map(os.open, [os.devnull], [os.O_RDWR | os.O_CLOEXEC]))
        for fd in (self.ear, self._mouth):
            os.set_blocking(fd, False)
        # Most of its code is on the way to it before it is there to read.
        left = _put(self._mouth, _CODE.bundle)
        self._first.extend(starmap(_start, [(mark, [into, out, self._fds[-1]])]))
        self._group = self._first[0].pid
        proc.close(self._fds)
        if left:
            os.set_blocking(self._mouth, True)
            with suppress(BrokenPipeError):
                _put(self._mouth, left)
            os.set_blocking(self._mouth, False)

    def _close(self) -> None:
        while getattr(self, "_fds", None):  # it may have come to an end before
            proc.close(self._fds)


def _reap(loop: EventLoop, group: int) -> None:
    """Wait for the one process of a group, again and again, if it is a child of ours.

    Nothing here keeps the connection open. While it is there no other group gets this
    number.
    """
    with suppress(ChildProcessError, RuntimeError):
        if os.waitpid(-group, os.WNOHANG)[0] == 0:
            loop.call_later(_AGAIN, partial(_reap, loop, group))


def _put(fd: int, data: bytes) -> bytes:
    """Write *data*, and return what there was no room for."""
    with suppress(BlockingIOError):
        while data:
            data = data[broken_pipe.write(fd, data) :]
    return data


def _start(mark: str, files: list[int]) -> Process:
    python = interpreter()
    if python is None:
        raise FileNotFoundError(ENOENT, "no Python was found to run it")
    us = proc.stat(os.getpid())
    about_us = str(os.getpid()), str(us.stack if us else 0)
    argv = [python.name, *_CODE.words(0, *about_us, mark, str(LINGER))]
    ours = (f"{k}={v}" for k, v in os.environ.copy().items() if k.startswith(_OURS))
    # It belongs to no job, even if we do.
    env = [*python.environment, *ours, f"{MARK}="]
    attr = ProcAttr("/", env, files, OWN_SESSION)
    return start_process(python.program, argv, attr)
