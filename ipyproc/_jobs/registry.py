"""The jobs of the session, looked up by name, label or pid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar

from ipyproc._jobs.checks import size
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.job import Job
from ipyproc._jobs.names import ALL, Namesakes, numbered, split
from ipyproc._jobs.output.spill import Keeping
from ipyproc._jobs.request import HERE, Host, host

_Default = TypeVar("_Default")


class Keeper(Protocol):
    """What knows the detached jobs of a user."""

    def detached(self) -> list[Any]:
        """List them."""

    def attach(self, text: str, table: Jobs) -> Job:
        """Take one into *table*."""


class Jobs:
    """Jobs in the order in which they were started.

    ``jobs["train"]`` is the newest job of that name, ``jobs["train#1"]`` the first one,
    ``jobs[4242]`` the last one with that pid here, ``jobs["c1", 4242]`` the last one on
    the host of that name; the beginning of a name names nothing.
    Iterating gives the jobs themselves, all that there were at its beginning, whatever
    ends, comes or goes meanwhile; ``keys``, ``values``, ``items`` and ``get`` are those
    of a mapping from labels.

    Ended jobs stay until ``clear``, with all that ``spawn`` made them keep of what they
    printed: each up to twice its ``output_limit``. In memory a running job has up to
    twice its own ``memory_limit``; all ended ones together have up to the
    ``memory_limit`` of the table. Beyond that, those that ended first move what they
    printed to a temporary file, which all of them share.

    >>> from ipyproc import jobs, spawn
    >>> job = spawn(["true"], name="first")
    >>> jobs["first"] is job, job in jobs, jobs.last is job
    (True, True, True)
    >>> state = job.wait()
    >>> jobs.clear()
    """

    def __init__(self) -> None:
        # No lock: a signal handler may ask while the thread that it interrupts adds a
        # job. Each change is one operation of a dict, which others see as a whole.
        self._jobs: dict[Job, None] = {}
        # Of each name that was used, also of one whose jobs were cleared.
        self._names: dict[str, Namesakes[Job]] = {}
        self._keeping = Keeping()
        #: Makes what knows the detached jobs of a host; the session sets it.
        self.keeper: Callable[[Host | None], Keeper] | None = None

    def __repr__(self) -> str:
        return f"<Jobs: {', '.join(self.keys()) or 'none'}>"

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._listed())

    def __reversed__(self) -> Iterator[Job]:
        return reversed(self._listed())

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str | int) or _is_place(key):
            return self._get(key) is not None  # type: ignore[arg-type]
        return key in self._jobs if isinstance(key, Job) else False

    def __getitem__(self, key: str | int | tuple[str, int]) -> Job:
        job = self._get(key)
        if job is None:
            raise KeyError(self._complaint(key))
        return job

    def get(
        self, key: str | int | tuple[str, int], default: _Default | None = None
    ) -> Job | _Default | None:
        """Return the job that *key* names or numbers, or *default* if there is none."""
        job = self._get(key)
        return default if job is None else job

    def keys(self) -> list[str]:
        """List the labels. With these ``dict(jobs)`` is what one expects."""
        return [job.label for job in self]

    def values(self) -> list[Job]:
        """List the jobs, as iterating does."""
        return self._listed()

    def items(self) -> list[tuple[str, Job]]:
        """List the labels, each with its job."""
        return [(job.label, job) for job in self]

    def _ipython_key_completions_(self) -> list[str]:
        """List what IPython offers after ``jobs["``."""
        return self.keys()

    @property
    def last(self) -> Job | None:
        """The job that was started last."""
        return next(reversed(self._listed()), None)

    @property
    def running(self) -> list[Job]:
        """The jobs that were started here and whose process has not ended."""
        return [job for job in self if job.ended_at is None and not job.is_attached]

    @property
    def memory_limit(self) -> int:
        """Bytes that the output of ended jobs may take of memory, 64 MiB at first.

        May be set at any time: a lower one holds at once.
        """
        return self._keeping.limit

    @memory_limit.setter
    def memory_limit(self, limit: int) -> None:
        self._keeping.limit = size("memory_limit", limit)
        event_loop().run(self._keeping.make_room)

    def detached(self, on: Host | None = None) -> list[Any]:
        """List this user's detached jobs, the eldest first, in this session or not.

        Each has ``id``, ``name``, ``notebook``, ``host``, ``pid``, ``status``,
        ``since``, a time on the ``time.time()`` clock, and ``state``, how it ended.
        They are read from their folders, and no agent is started. Those *on* another
        host are told by its agent; ``OSError`` if there is no way to it.
        """
        return self._keeper(on).detached()

    def attach(self, text: str, on: Host | None = None) -> Job:
        """Take a detached job into this session, and return it.

        *text* is its id, as ``train@3f2a``, or its name. This notebook's come first,
        then the user's; of those a running one. ``wait``, signals, ``send`` and the
        output, from its first byte, are as if it had been started here; it does not end
        with the session. It is one of this machine, or of the host that it is *on*.
        Raises ``KeyError`` if there is none, or if several match, ``OSError`` if its
        agent cannot be reached, and ``ValueError`` for a cluster, which has none.
        """
        return self._keeper(on).attach(text, self)

    def _keeper(self, on: Host | None) -> Keeper:
        if self.keeper is None:
            raise RuntimeError("this table has no detached jobs")
        return self.keeper(host(on))

    def find(self, text: str | int) -> Job:
        """Find a job by *text* that a user typed: its name or label, or its pid.

        A name comes before a pid. The ``KeyError`` names the nearest match.
        """
        job = self._get(text)
        if job is None and isinstance(text, str) and text.isdecimal():
            job = self._get(int(text))
        if job is None:
            raise KeyError(self._complaint(text))
        return job

    def clear(self) -> None:
        """Forget the jobs whose process has ended."""
        for job in self._listed():
            if job.ended_at is not None:
                self.discard(job)
                job.drop_view()

    def find_all(self, text: str | int) -> list[Job]:
        """Find as ``find`` does; if *text* is ``train#*``, all of the name, by age."""
        name, number = split(text) if isinstance(text, str) else ("", None)
        if number != ALL:
            return [self.find(text)]
        return self.of_name(name) or [self.find(text)]

    def of_name(self, name: str) -> list[Job]:
        """List the jobs called *name*, oldest first; the list may be empty."""
        namesakes = self._names.get(name)
        return namesakes.all() if namesakes is not None else []

    def add(self, job: Job) -> None:
        """Take *job* in, and number it among those of its name."""
        self._jobs[job] = None
        job.namesakes = self._names.setdefault(job.name, Namesakes())
        job.namesakes.add(job)
        job.when_finished(self._keeping.add)

    def discard(self, job: Job) -> None:
        """Forget *job*, if it is here, whether or not it has ended."""
        if job in self._jobs:
            self._jobs.pop(job, None)
            self._names[job.name].discard(job)

    def _listed(self) -> list[Job]:
        return list(self._jobs)

    def _get(self, key: str | int | tuple[str, int]) -> Job | None:
        if isinstance(key, str):
            name, number = split(key)
            same = self.of_name(name)
            if number is not None:
                same = [job for job in same if job.number == number]
        elif isinstance(key, int):
            same = [job for job in self if job.pid == key and job.host is HERE]
        elif _is_place(key):
            same = [job for job in self if (job.host.name, job.pid) == key]
        else:
            kind = type(key).__name__
            raise TypeError(f"expected the name or the pid of a job, not {kind}")
        return same[-1] if same else None

    def _complaint(self, key: object) -> str:
        names = self.keys()
        if isinstance(key, str) and (same := self.of_name(split(key)[0])):
            numbers = ", ".join(map(numbered, same))
            return (
                f"no job {key!r}: there {'is' if len(same) == 1 else 'are'} {numbers}"
            )
        if not names:
            return f"no job {str(key)!r}: there are none"
        near = get_close_matches(str(key), names, n=1, cutoff=0.5)
        if near:
            return f"no job {str(key)!r}; did you mean {near[0]!r}?"
        return f"no job {str(key)!r}; there are {', '.join(names[-5:])}"


def _is_place(key: object) -> bool:
    """Whether *key* is the name of a host, and a pid there."""
    return isinstance(key, tuple) and len(key) == 2 and key[1] is not None
