"""What all hosts have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ipyproc._jobs.request import Request
from ipyproc._jobs.runner import Runner
from ipyproc.hosts._keeper import Keeper


class Host(ABC):
    """Where ``spawn(..., on=host)`` runs jobs; the functions of this package make one.

    *name* is how tables and ``jobs[name, pid]`` call it.
    """

    name: str

    def __repr__(self) -> str:
        return f"<host {self.name}>"

    @abstractmethod
    def runner(self, asked: Request) -> Runner:
        """Make what runs a job there; ``spawn`` does."""

    @abstractmethod
    def keeper(self) -> Keeper:
        """Make what knows the detached jobs there; ``ValueError`` if there are none."""

    @abstractmethod
    def close(self) -> None:
        """End its connections, and with them the jobs that run there.

        The next job makes new ones.
        """
