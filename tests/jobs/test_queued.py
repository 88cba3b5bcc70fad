"""A job that is queued: it has no process yet, wherever one looks."""

from __future__ import annotations

import threading
import time

import pytest

from ipyproc import JobLostError, JobStatus, NotReadyError, jobs
from ipyproc._jobs.names import identified
from ipyproc.views.render import console, html
from ipyproc.views.render.format import snapshot, status
from ipyproc.views.widgets.jobs import row
from tests.jobs.helpers import PATIENCE, until
from tests.jobs.queued import queued


def test_a_queued_job_has_no_pid_until_it_starts() -> None:
    """Its pid is ``None`` and no pid names it; then it runs, and ends, as any does."""
    with queued("echo hello", name="q") as (job, runner):
        assert (job.status, job.pid, job.state) == (JobStatus.QUEUED, None, None)
        assert job in jobs.running
        assert (job.host.name, None) not in jobs
        assert identified(job) == "q (queued)"
        assert "pid=None queued" in repr(job)
        with pytest.raises(TimeoutError, match=r"^q is still queued after 0 s$"):
            job.wait(0)

        runner.begin()
        assert job.wait(PATIENCE).success
        assert job.pid in jobs
        assert job.stdout.text == "hello\n"


def test_time_counts_from_the_start_of_the_process() -> None:
    """The time for which it was queued is none of the time that it ran for."""
    with queued("true") as (job, runner):
        since = job.started_at
        before = time.time()
        runner.begin()
        job.wait(PATIENCE)

        assert since < before <= job.started_at
        assert job.ended_at is not None
        assert job.elapsed == max(0.0, job.ended_at - job.started_at)


def test_a_time_out_waits_for_the_start() -> None:
    """It is the job's life: no queue, however long, uses it up."""
    with queued("sleep 1000", timeout=0) as (job, runner):
        # What the loop was to do so far is done: a time-out of 0 s would be over.
        until(job, lambda job: job.status is JobStatus.QUEUED)
        assert not job.timed_out

        runner.begin()
        assert str(job.wait(PATIENCE)) == "signal: terminated"
        assert job.timed_out


def test_who_waits_for_output_waits_for_the_start() -> None:
    """``until`` of a queued job finds what it prints later."""
    with queued("echo ready") as (job, runner):
        waiter = threading.Timer(0, runner.begin)
        waiter.start()
        assert job.until("ready", PATIENCE)[0] == "ready"
        waiter.join()


def test_what_is_killed_while_queued_never_starts() -> None:
    """It is over, ``wait`` says so, and so do the views."""
    with queued("sleep 1000", name="q") as (job, _):
        assert job.kill() == 0
        with pytest.raises(JobLostError, match="cancelled"):
            job.wait(PATIENCE)
        assert (job.status, job.pid) == (JobStatus.LOST, None)
        assert str(job.error) == "the job is lost: it was cancelled"
        assert status(job) == "not started: it was cancelled"
        assert job not in jobs.running
        with pytest.raises(NotReadyError):
            job.until("never", PATIENCE)


def test_views_of_a_queued_job() -> None:
    """Text, HTML and the wire say that it is queued, and name no pid."""
    with queued("sleep 1000", name="q") as (job, _):
        assert console.spawned(job).endswith("q (no process): sleep 1000")
        pane = html.job(job)
        assert 'data-pid=""' in pane
        assert 'data-status="queued"' in pane
        assert ">queued<" in pane
        assert "None" not in pane
        state, cells = snapshot(job), row(job)
        assert (state["pid"], state["status"]) == (None, "queued")
        assert (state["text"], cells["text"]) == ("queued", "queued")
        assert cells["pid"] is None
        assert "None" not in console.line([job])
