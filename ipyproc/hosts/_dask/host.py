"""A host that is a Dask cluster: jobs wait for a place, and workers offer places."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ipyproc._agent.protocol.known import LEASE
from ipyproc._agent.remote.link import Link
from ipyproc._jobs import checks
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.request import Request
from ipyproc.errors import JobLostError
from ipyproc.hosts._dask.cluster import LEAVE, Cluster, Offer
from ipyproc.hosts._dask.dialing import DoorDialer, WorkerGoneError
from ipyproc.hosts._dask.runner import DaskRunner
from ipyproc.hosts._host import Host
from ipyproc.hosts._keeper import Keeper

if TYPE_CHECKING:
    from distributed import Client

_NAME: Final = "dask"
# How soon a place is told of its process. One that ends before is told of the end only.
_SOON: Final = 0.05
# A worker that hears of the end of a process so much later has seen it by itself.
_LATE: Final = 10.0
# How often to look whether there are connections to workers that have gone.
_LOOK_EVERY: Final = 30.0


class Machine:
    """Where a worker runs: the host of the jobs that are started beside it."""

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self.link = link

    def __repr__(self) -> str:
        return f"<host {self.name}>"


class _Entry:
    """A job, its task, and which of the places that were offered it has."""

    def __init__(self, runner: DaskRunner) -> None:
        self.runner = runner
        self.future: Any = None
        self.worker = self.run = ""
        self.told = False


class DaskHost(Host):
    """The workers of a cluster; ``dask`` makes one.

    The scheduler decides where and when. All jobs beside one worker share a connection,
    which the first one makes.
    """

    def __init__(
        self,
        client: Client,
        resources: Mapping[str, float] | None,
        workers: Sequence[str] | None,
        lease: float,
    ) -> None:
        self.name = _NAME
        self.lease = lease
        topic = f"ipyproc-{secrets.token_hex(8)}"
        self._cluster = Cluster(client, resources, workers, topic)
        self._is_listening = False
        self._entries: dict[str, _Entry] = {}
        self._machines: dict[str, Machine] = {}
        # The next look whether connections lead to workers that have gone.
        self._look: Timer | None = None
        self._loop = event_loop()

    def runner(self, asked: Request) -> DaskRunner:
        """Make what runs a job there; ``spawn`` does."""
        if asked.pty is not None:
            raise ValueError("pty: a job of a cluster has no terminal")
        return DaskRunner(asked, self, self)

    def keeper(self) -> Keeper:
        """Raise ``ValueError``: the jobs of a cluster end with the session."""
        raise ValueError("detach: a job of a cluster ends with the session")

    def close(self) -> None:
        """End its connections, and with them the jobs; what is queued is cancelled."""
        self._is_listening = False
        self._cluster.stop_listening()
        for entry in list(self._entries.values()):
            error = JobLostError("its host was closed while it was queued")
            self._loop.call_soon(partial(entry.runner.fail, error))
        while self._machines:
            _, machine = self._machines.popitem()
            machine.link.close()
        if self._look:
            self._look.cancel()

    def enter(self, runner: DaskRunner) -> None:
        """Queue a job; ``ConnectionError`` if the cluster takes none."""
        entry = self._entries[runner.identity] = _Entry(runner)
        try:
            if not self._is_listening:
                self._cluster.listen(self._heard)
                self._is_listening = True
            self._submit(entry)
        except Exception as error:  # noqa: BLE001 - as a closed client raises
            del self._entries[runner.identity]
            raise ConnectionError(f"{self.name}: {error}") from None

    def _submit(self, entry: _Entry) -> None:
        runner = entry.runner
        # Dashboards show the name; they cut off what looks like a hash.
        name = re.sub(r"\W+", "_", runner.name)
        key = f"ipyproc_{name}-{runner.identity}{secrets.token_hex(4)}"
        entry.future = self._cluster.submit(
            key,
            runner.identity,
            lambda: runner.identity in self._entries and not runner.is_placed,
            partial(self._is_done, entry),
        )

    # From here on, on the event loop's thread.

    def _heard(self, offer: Offer) -> None:
        """Take the first place that is offered to a job, and let all others go."""
        entry = self._entries.get(offer["job"])
        worker, run = offer["worker"], offer["run"]
        if entry is None or (entry.runner.is_placed and entry.run != run):
            self._cluster.tell(worker, run, LEAVE)
        elif not entry.runner.is_placed:
            entry.worker, entry.run = worker, run
            machine = self._machine(worker, offer["host"])
            entry.runner.take(machine, machine.link, partial(self._failed, entry))
        elif entry.told:  # it was not heard
            self._tell(entry)

    def _machine(self, worker: str, name: str) -> Machine:
        machine = self._machines.get(worker)
        if machine is None or machine.link.is_closed:
            dialer = DoorDialer(self._cluster, worker, name, self.lease)
            machine = Machine(name, Link(name, dialer, self.lease))
            self._machines[worker] = machine
            self._look_later()
        return machine

    def _look_later(self) -> None:
        """Look some time later for connections that lead nowhere.

        Of those that no job here needs: the output of ended jobs is read through them.
        """
        if self._look is None and self._machines:
            self._look = self._loop.call_later(_LOOK_EVERY, self._look_at_links)

    def _look_at_links(self) -> None:
        self._look = None
        idle = [worker for worker, it in self._machines.items() if it.link.is_unused]
        if idle:
            self._cluster.ask_for(idle, partial(self._end_links, idle))
        self._look_later()

    def _end_links(self, asked: Sequence[str], known: frozenset[str]) -> None:
        for worker in asked:
            machine = self._machines.get(worker)
            if machine and worker not in known and machine.link.is_unused:
                del self._machines[worker]
                machine.link.leave()

    def _failed(self, entry: _Entry, error: OSError) -> None:
        """There is no connection: if the worker has gone, there will be another one."""
        entry.run = ""
        if not isinstance(error, WorkerGoneError):
            entry.runner.fail(error)

    def _is_done(self, entry: _Entry, fault: str | None) -> None:
        """The task is over: either the job is, or nobody will offer it a place."""
        runner = entry.runner
        if runner.identity not in self._entries or runner.is_placed:
            return
        if fault is None:  # its offers were not heard, as while we were stopped
            try:
                self._submit(entry)
            except Exception as error:  # noqa: BLE001 - whatever a closed client raises
                fault = str(error)
        if fault is not None:
            runner.fail(ConnectionError(f"{self.name}: {fault}"))

    def begun(self, runner: DaskRunner) -> None:
        """Let the place be held until the process has ended."""
        if entry := self._entries.get(runner.identity):
            self._loop.call_later(_SOON, partial(self._hold, entry))

    def _hold(self, entry: _Entry) -> None:
        if entry.runner.identity in self._entries:
            entry.told = True
            self._tell(entry)

    def _tell(self, entry: _Entry) -> None:
        self._cluster.tell(entry.worker, entry.run, entry.runner.pid)

    def over(self, runner: DaskRunner) -> None:
        """Let its place go, if it has one, and its task, wherever that is."""
        entry = self._entries.pop(runner.identity, None)
        if entry is None:
            return
        if entry.run and (not entry.told or runner.ran < _LATE):
            self._cluster.tell(entry.worker, entry.run, LEAVE)
        if entry.future is not None:
            entry.future.release()


def dask(
    client: Client,
    resources: Mapping[str, float] | None = None,
    workers: Sequence[str] | None = None,
    *,
    lease: float = LEASE,
) -> DaskHost:
    """Return the host that a Dask cluster is, for ``spawn(..., on=host)``.

    *client* is a ``distributed.Client``. Its scheduler decides where and when: a job is
    a task that holds its place on a worker, and *resources* of that, until its process
    has ended, so that as many run at a time as there is room for. Only *workers* are
    used, if they are given. ``spawn`` returns at once; until there is a place the job
    is ``queued`` and has no pid. What cannot be started is raised by ``Job.wait``.

    Workers need Python 3.11 and no ipyproc. A job runs beside its worker, in the
    environment of that, on an agent of its user's: it is started at most once, and goes
    on if its worker dies. Its output comes by a connection of its own, which must be
    possible from here to the machine of the worker. For *lease* in seconds, and for
    what a broken connection means, see ``command``.

    If the cluster has TLS, so has that connection, with the same certificates.

    Raises ``TypeError`` and ``ValueError``.
    """
    if not hasattr(client, "submit") or not hasattr(client, "subscribe_topic"):
        raise checks.wrong("client", "a distributed.Client", client)
    return DaskHost(client, resources, workers, checks.seconds("lease", lease))
