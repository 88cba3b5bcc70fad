"""A stand-in below the views: a job. Above them, in ``comms.py``, is a page."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from ipyproc import JobStatus, Peak, Usage, UsagePoint
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.procinfo.ports import Ports
from ipyproc._jobs.request import HERE
from ipyproc.errors import ProcessDoneError
from ipyproc.state import ProcessState, WaitStatus


class FakeTerminal:
    """A pseudo-terminal that is as a test says."""

    def __init__(self) -> None:
        self.rows, self.columns = 24, 80
        self.reads_keys = False
        self.password_prompt = False
        self.typed_ahead = 0


class FakeJob:
    """A job that does what a test says: it prints, and it ends."""

    def __init__(
        self,
        *argv: str,
        name: str = "train",
        stdin: bool = True,
        encoding: str = "utf-8",
        pty: bool = False,
    ) -> None:
        self.terminal = FakeTerminal() if pty else None
        self.name = self.label = name
        self.number = 1
        self.host = HERE
        self.elders: list[FakeJob] = []
        self.argv = argv or ("python3", "-u", "train.py")
        self.shown = ""
        self.dir: str | None = None
        self.pid: int | None = 4242
        self.status = JobStatus.RUNNING
        self.state: ProcessState | None = None
        self.error: OSError | None = None
        self.started_at = 1_800_000_000.0
        self.ended_at: float | None = None
        self.stdin_open = stdin
        self.has_keyboard = True
        self.finished = False
        self.timed_out = False
        self.password_prompt = False
        self.used: Usage | None = None
        self.listens: set[int] = set()
        self.peak = Peak(0, 0.0, 0)
        self.history: tuple[UsagePoint, ...] = ()
        self.course = SimpleNamespace(times=(0.0, 0.0), max_rss=None)
        self.measured = 0
        self.holders = 0
        self.silence = 0.0
        self.done: list[object] = []
        self.widget: object = None
        self.another: FakeJob | None = None
        self._output = Output(encoding=encoding)
        self._callbacks: dict[object, Callable[[FakeJob], None]] = {}

    @property
    def as_utf8(self) -> Output:
        """What was printed, for views."""
        return self._output.as_utf8

    @property
    def whole_as_utf8(self) -> Output:
        """All that is kept of it, which is here."""
        return self.as_utf8

    def subscribe(self, callback: Callable[[FakeJob], None]) -> Callable[[], None]:
        """Call *callback* when something happens."""
        key = object()
        self._callbacks[key] = callback
        return lambda: self._callbacks.pop(key, None) and None

    def when_finished(self, callback: Callable[[FakeJob], None]) -> None:
        """Call *callback* once, when it is over."""
        self.subscribe(lambda job: job.finished and callback(job))

    def prints(self, data: bytes, stream: int = 0) -> None:
        """Print."""
        self._output.append(stream, data)
        self._changed()

    def ends(self, status: int = 0, after: float = 1.25, finished: bool = True) -> None:
        """End with a status word; all output, too, if it is *finished*."""
        self.state = ProcessState(pid=self.pid or 0, sys=WaitStatus(status))
        self.status = JobStatus.SIGNALED if status & 0x7F else JobStatus.EXITED
        self.ended_at = self.started_at + after
        self.stdin_open = False
        self.finished = finished
        self._changed()

    def left(self) -> int:
        """Return how many processes of it there are."""
        return self.holders

    def daemons(self) -> int:
        """Return how many processes left it."""
        return 0

    def last_usage(self) -> Usage | None:
        """Return what it uses."""
        self.measured += 1
        return self.used

    def ports(self) -> Ports:
        """Return on which ports it listens."""
        return Ports(frozenset(self.listens), frozenset())

    def signal(self, sig: int, tree: bool | None = None) -> None:
        """Note a signal; an ended job refuses it."""
        if self.state is not None:
            raise ProcessDoneError
        self.done.append(("signal", sig, tree))

    def take_keyboard(self) -> None:
        """Take it from another session."""
        self.has_keyboard = True
        self.done.append("take")
        self._changed()

    def kill(self, tree: bool | None = None) -> None:
        """Note SIGKILL."""
        self.signal(9, tree)

    def again(self) -> FakeJob:
        """Return the job that is started next."""
        if self.another is None:
            raise RuntimeError("it still runs")
        return self.another

    def terminate(self) -> None:
        """Note the request to end."""
        self.done.append("terminate")

    def send(self, data: bytes) -> None:
        """Note the input."""
        self.done.append(("send", data))

    def resize(self, rows: int, columns: int) -> None:
        """Note the size."""
        assert self.terminal
        self.terminal.rows, self.terminal.columns = rows, columns
        self.done.append(("resize", rows, columns))

    def close_stdin(self) -> None:
        """Note the end of the input."""
        self.done.append("close_stdin")
        self.stdin_open = False
        self._changed()

    def _changed(self) -> None:
        for callback in list(self._callbacks.values()):
            callback(self)
