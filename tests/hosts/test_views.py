"""How views show a job that runs elsewhere."""

from __future__ import annotations

from ipyproc import spawn
from ipyproc.hosts import CommandHost
from ipyproc.views.render import console, html
from ipyproc.views.widgets.jobs import row
from tests.jobs.helpers import PATIENCE


def test_views_say_where_a_job_runs(host: CommandHost) -> None:
    """Text and HTML name the host beside the pid, which means nothing here."""
    job = spawn(["echo", "hello"], on=host)
    job.wait(PATIENCE)

    assert f"(pid there:{job.pid})" in console.spawned(job)
    assert f"(pid there:{job.pid})" in console.job(job)
    pane = html.job(job)
    assert f"pid there:{job.pid}" in pane
    assert 'data-host="there"' in pane
    assert row(job)["host"] == "there"


def test_a_pane_of_a_job_here_says_nothing_of_that() -> None:
    """The host of a job here is in the data only."""
    job = spawn("true")
    job.wait(PATIENCE)

    assert f"(pid {job.pid})" in console.spawned(job)
    assert "pid localhost" not in html.job(job)
    assert 'data-host="localhost"' in html.job(job)
