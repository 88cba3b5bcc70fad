"""The jobs of the session, looked up by name or pid."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeVar

from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.job import Job
from ipyproc._jobs.output.spill import Keeping
from ipyproc._jobs.request import size

_Default = TypeVar("_Default")


class Jobs:
    """Jobs in the order in which they were started.

    ``jobs["train"]`` is the job of that name, ``jobs[4242]`` the last one with that
    pid; the beginning of a name names nothing. Iterating gives the jobs themselves, all
    that there were at its beginning, whatever ends, comes or goes meanwhile; ``keys``,
    ``values``, ``items`` and ``get`` are those of a mapping from names.

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
        self._jobs: dict[str, Job] = {}
        # Of a name in use, the number that the last one of that name got.
        self._numbers: dict[str, int] = {}
        self._keeping = Keeping()

    def __repr__(self) -> str:
        return f"<Jobs: {', '.join(self._jobs) or 'none'}>"

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._listed())

    def __reversed__(self) -> Iterator[Job]:
        return reversed(self._listed())

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str | int):
            return self._get(key) is not None
        return any(job is key for job in self)

    def __getitem__(self, key: str | int) -> Job:
        job = self._get(key)
        if job is None:
            raise KeyError(self._complaint(key))
        return job

    def get(
        self, key: str | int, default: _Default | None = None
    ) -> Job | _Default | None:
        """Return the job that *key* names or numbers, or *default* if there is none."""
        job = self._get(key)
        return default if job is None else job

    def keys(self) -> list[str]:
        """List the names. With these ``dict(jobs)`` is what one expects."""
        return [job.name for job in self]

    def values(self) -> list[Job]:
        """List the jobs, as iterating does."""
        return self._listed()

    def items(self) -> list[tuple[str, Job]]:
        """List the names, each with its job."""
        return [(job.name, job) for job in self]

    def _ipython_key_completions_(self) -> list[str]:
        """List what IPython offers after ``jobs["``."""
        return self.keys()

    @property
    def last(self) -> Job | None:
        """The job that was started last."""
        return next(reversed(self._listed()), None)

    @property
    def running(self) -> list[Job]:
        """The jobs whose process has not ended."""
        return [job for job in self if job.ended_at is None]

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

    def find(self, text: str | int) -> Job:
        """Find a job by *text* that a user typed: its name, or its pid.

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
                job.forget()
        self._numbers.clear()

    def add(self, job: Job) -> None:
        """Take *job* in; if its name is in use, it gets ``-2``, ``-3``, ... added."""
        base = name = job.name
        while self._jobs.setdefault(name, job) is not job:
            number = self._numbers[base] = self._numbers.get(base, 1) + 1
            name = f"{base}-{number}"
        job.name = name
        job.when_finished(self._keeping.add)

    def discard(self, job: Job) -> None:
        """Forget *job*, if it is here, whether or not it has ended."""
        for name, each in list(self._jobs.items()):
            if each is job:
                self._jobs.pop(name, None)

    def _listed(self) -> list[Job]:
        return list(self._jobs.values())

    def _get(self, key: str | int) -> Job | None:
        if isinstance(key, str) and key in self._jobs:
            return self._jobs[key]
        if not isinstance(key, str | int):
            kind = type(key).__name__
            raise TypeError(f"expected the name or the pid of a job, not {kind}")
        if isinstance(key, int):
            found = [job for job in self if job.pid == key]
            return found[-1] if found else None
        return None

    def _complaint(self, key: object) -> str:
        names = [job.name for job in self]
        if not names:
            return f"no job {str(key)!r}: there are none"
        near = get_close_matches(str(key), names, n=1, cutoff=0.5)
        if near:
            return f"no job {str(key)!r}; did you mean {near[0]!r}?"
        return f"no job {str(key)!r}; there are {', '.join(names[-5:])}"
