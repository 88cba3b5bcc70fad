"""%spawn that waits until a job is ready."""

from __future__ import annotations

import pytest

from ipyproc import NotReadyError, jobs
from tests.magics.helpers import PATIENCE, RunCell, interrupt_when_waiting

#: Listens on any port, or the one that it is told, until its input ends.
SERVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening on", server.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_until_it_prints(run: RunCell) -> None:
    """The job has printed it when the cell is over, and runs on."""
    ran = run("job = %spawn --stdin - --until '^rea(d)y$' sh -c 'echo ready; read x'")

    assert ran.error is None
    job = jobs["sh"]
    assert job.stdout.text == "ready\n"
    assert job.ended_at is None
    job.close_stdin()
    job.wait(PATIENCE)


def test_until_it_listens(run: RunCell) -> None:
    """Somebody listens on the port when the cell is over; both can be waited for."""
    run(f"SERVER = {SERVER!r}")
    run("%spawn --stdin - --name first --until listening python3 -c {SERVER} 0")
    port = int(jobs["first"].stdout.text.split()[-1])
    jobs["first"].close_stdin()
    jobs["first"].wait(PATIENCE)

    ran = run(
        f"%spawn --stdin - --name web --until listening --until-port {port} "
        f"python3 -c {{SERVER}} {port}"
    )

    assert ran.error is None
    assert jobs["web"].until_listening(port, timeout=0) == port
    jobs["web"].close_stdin()
    jobs["web"].wait(PATIENCE)


def test_it_ends_before(run: RunCell) -> None:
    """One line says how, and what it printed last; the variable was bound before."""
    ran = run("%spawn --until ready --proc it sh -c 'echo no; exit 3'")

    assert isinstance(ran.error, NotReadyError)
    assert ran.out.splitlines()[-1] == (
        "NotReadyError: sh: exit status 3 before it was ready; last line: no"
    )
    assert run("it").value is ran.error.job


def test_it_takes_too_long(run: RunCell) -> None:
    """One line says so, and that the job runs on."""
    ran = run("%spawn --until ready --within 0 --proc it sleep 60")
    job = run("it").value

    assert isinstance(ran.error, TimeoutError)
    assert ran.out.splitlines()[-1] == (
        "TimeoutError: sleep has not printed what was waited for after 0 s; "
        f"sleep (pid {job.pid}) still runs"
    )
    assert job.ended_at is None


def test_the_time_of_the_settings(run: RunCell) -> None:
    """Without --within it is that of %config."""
    run("%config IPyProc.ready_timeout = 0")

    ran = run("%spawn --until-port 1 sleep 60")

    assert isinstance(ran.error, TimeoutError)
    assert "sleep does not listen on port 1 after 0 s: nobody does" in ran.out


@pytest.mark.parametrize("what", ["--until ready", "--until-port 1"])
def test_an_interrupt_stops_only_the_waiting(run: RunCell, what: str) -> None:
    """The job goes on, and one line says so."""
    with interrupt_when_waiting():
        ran = run(f"%spawn {what} sleep 60")
    job = jobs["sleep"]

    assert isinstance(ran.error, KeyboardInterrupt)
    assert ran.out.splitlines()[-1] == (
        f"KeyboardInterrupt: waiting stopped; sleep (pid {job.pid}) still runs"
    )
    assert job.ended_at is None
