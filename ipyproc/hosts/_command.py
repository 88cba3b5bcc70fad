"""A host that a command leads to, such as ``docker exec`` or ``kubectl exec``."""

from __future__ import annotations

from collections.abc import Sequence

from ipyproc._agent.protocol.known import LEASE
from ipyproc._agent.remote.link import Link
from ipyproc._agent.remote.runner import RemoteRunner
from ipyproc._jobs import checks, request
from ipyproc._jobs.request import Request
from ipyproc.hosts._dialing import CommandDialer
from ipyproc.hosts._far_keeper import FarKeeper
from ipyproc.hosts._host import Host


class CommandHost(Host):
    """Where the words go that are put behind a command; ``command`` makes one.

    *name* is how tables and ``jobs[name, pid]`` call it. All jobs share one connection,
    which the first one makes.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        python: str | None,
        lease: float,
        shown: str = "",
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.python = python
        self.lease = lease
        # How errors call a command that takes one word, which a login shell splits.
        self._shown = shown
        self._link = self._connection()

    def runner(self, asked: Request) -> RemoteRunner:
        """Make what runs a job there; ``spawn`` does."""
        return RemoteRunner(asked, self, self._open_link())

    def keeper(self) -> FarKeeper:
        """Make what knows the detached jobs there."""
        return FarKeeper(self, self._open_link())

    def close(self) -> None:
        """End the connection, and with it the jobs that run there, but detached ones.

        The next job makes a new one.
        """
        self._link.close()

    def _open_link(self) -> Link:
        if self._link.is_closed:
            self._link = self._connection()
        return self._link

    def _connection(self) -> Link:
        dialer = CommandDialer(self.name, self.argv, self.python, self._shown)
        return Link(self.name, dialer, self.lease)


def command(
    name: str,
    argv: Sequence[str],
    python: str | None = None,
    *,
    lease: float = LEASE,
) -> CommandHost:
    """Return the host that *argv* leads to, for ``spawn(..., on=host)``.

    *argv* is a command that runs the words that are put behind it, and connects their
    standard streams: ``["docker", "exec", "-i", "c1"]``, for one. Nothing has to be
    installed there but Python 3.11 or newer: *python*, or the first of
    ``python3.14`` ... ``python3.11`` and ``python3`` that is new enough. The first job
    starts the user's agent there, whose code is sent; it leaves when it has no jobs.

    A connection that breaks ends no job: another one is made, and the job goes on. An
    orderly end, as that of this session, ends them at once. Without any contact the
    agent ends them after *lease* seconds. Nothing of that ends a detached job.

    Raises ``TypeError`` and ``ValueError``; that there is no way is said by ``spawn``.

    >>> host = command("c1", ["docker", "exec", "-i", "c1"])
    >>> host
    <host c1>
    """
    known = checks.job_name(name)
    if known is None:
        raise checks.wrong("name", "a str", name)
    return checked(known, no_text("argv", argv), python, lease)


def checked(
    name: str,
    argv: Sequence[str],
    python: str | None,
    lease: float,
    shown: str = "",
) -> CommandHost:
    """Check the rest of the arguments, and return the host."""
    words = request.words(argv)
    if python is not None:
        python = checks.path("python", python)
    return CommandHost(name, words, python, checks.seconds("lease", lease), shown)


def no_text(argument: str, words: Sequence[str]) -> Sequence[str]:
    """Return *words*; ``TypeError`` for a text, whose letters would be the words."""
    if isinstance(words, str):
        raise checks.wrong(argument, "a list of words", words)
    return words
