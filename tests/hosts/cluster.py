"""A real Dask cluster on this machine; run as a program, it installs what workers need.

Its workers have an environment of their own, with ``distributed`` and no ipyproc.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

from distributed import Client, Security

from tests.hosts.helpers import agents, gone_agents, read
from tests.jobs.helpers import eventually

FOLDER = Path(sys.prefix) / "dask-workers"
PYTHON = FOLDER / "bin" / "python"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
#: A client and its workers are to be of one version.
VERSION = metadata.version("distributed")


class Cluster:
    """A scheduler, and workers that one may kill."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        security: Security | None = None,
        address: str = "127.0.0.1",
    ):
        self.folder = folder
        self.agents = folder / "agents"
        self.agents.mkdir(mode=0o700)
        self._options = options
        self._security = security
        self._file = folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        quiet = "--dashboard-address", ":0", "--no-dashboard"
        self.scheduler = self._start(
            "scheduler", "", "--host", address, "--port", "0", *quiet
        )
        eventually(self._file.exists)

    def worker(
        self, name: str, *options: str, through: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a worker that has one place, and its name as ROLE.

        *through* is a command that runs it where it has another network.
        """
        return self.nanny(name, "--no-nanny", *options, through=through)

    def nanny(
        self, name: str, *options: str, through: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """Start one that is the child of a nanny, which is returned."""
        folder = "--local-directory", str(self.folder)
        quiet = "--no-dashboard", "--nthreads", "1"
        words = "--name", name, *quiet, *folder, *options
        return self._start("worker", name, *words, through=through)

    def client(self) -> Client:
        """Make a client."""
        return Client(scheduler_file=str(self._file), security=self._security)

    def begin(self, workers: int) -> None:
        """Wait for so many workers, and begin what stays as long as this process."""
        with self.client() as client:
            client.wait_for_workers(workers)
            # The thread that calls back.
            client.submit(len, "").add_done_callback(lambda _: None)

    def stop(self) -> None:
        """End all that was started."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(
        self, kind: str, role: str, *options: str, through: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        assert PYTHON.exists(), "no environment for workers: run make dask"
        words = [*through, PYTHON, "-m", "dask", kind, "--scheduler-file", self._file]
        env = {**os.environ, "IPYPROC_RUNTIME_DIR": str(self.agents), "ROLE": role}
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                [*words, *self._options, *options],
                env=env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process


@contextmanager
def running(folder: Path, *workers: tuple[str, ...]) -> Iterator[Cluster]:
    """Run a cluster with these *workers*, each a name and options."""
    cluster = Cluster(folder)
    try:
        for name, *options in workers:
            cluster.worker(name, *options)
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def lone(cluster: Cluster, name: str, through: Sequence[str] = ()) -> Iterator[Cluster]:
    """Run a cluster's only worker, and end all, with doors and agents."""
    try:
        cluster.worker(name, through=through)
        cluster.begin(1)
        yield cluster
    finally:
        cluster.stop()
        for pid in [*doors(cluster), *agents(cluster.agents)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert gone_agents(cluster.agents)


def doors(cluster: Cluster) -> list[int]:
    """Return the pids of the doors beside its workers; an agent was one once."""
    variable = f"IPYPROC_RUNTIME_DIR={cluster.agents}".encode()
    return [
        int(name)
        for name in os.listdir("/proc")
        if name.isdecimal()
        and b"_agent.door" in read(int(name), "cmdline")
        and variable in read(int(name), "environ").split(b"\0")
        and int(name) not in agents(cluster.agents)
    ]


def main() -> None:
    """Install ``distributed`` for workers, if it is missing."""
    if not PYTHON.exists():
        print(f"distributed {VERSION} for workers, for the tests", flush=True)
        venv.create(FOLDER, clear=True)
        install = [*PIP, "--python", str(PYTHON), "install", "-qq"]
        subprocess.run([*install, f"distributed=={VERSION}"], check=True)


if __name__ == "__main__":
    main()
