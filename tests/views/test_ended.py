"""What the front end writes when the kernel has ended, and which client writes it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from ipyproc._jobs.shutdown import shutdown
from ipyproc.views.render import console, html
from ipyproc.views.widgets import jobs
from tests.views.fakes import FakeJob

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

ENDED = "ended with the kernel"
END = """async ([html, text]) => {
  const { ended } = await import("./modules/lab/ended.js");
  return ended(html, text);
}"""
WRITES = """async ([clientID, states, ran]) => {
  const { isWriter, isAlone } = await import("./modules/lab/writer.js");
  const clients = { clientID, getStates: () => new Map(states) };
  return [isWriter(clients, ran), isAlone(clients)];
}"""
#: Of three clients that have a document open two have the extension.
CLIENTS = [[7, {"ipyproc": "me"}], [3, {"user": "you"}], [5, {"ipyproc": "you"}]]


def job(name: str, *, ended: bool = False) -> Any:
    """Return a job with a line of output."""
    made = FakeJob(name=name)
    made.prints(b"running\n")
    if ended:
        made.ends(0x0300)
    return made


def end(page: Page, html: str, text: str) -> dict[str, str] | None:
    """Return the HTML and the text of a view once its kernel has ended."""
    drawn: dict[str, str] | None = page.evaluate(END, [html, text])
    return drawn


def test_a_job_that_ran_ended_with_its_kernel(page: Page) -> None:
    """The badge and the last line say so; the output stays as it is."""
    one = job("one <&> 𝄞")

    drawn = end(page, html.job(one), console.job(one))

    assert drawn is not None
    assert drawn["html"].count(ENDED) == drawn["text"].count(ENDED) == 1
    assert f">{ENDED}</b>" in drawn["html"]
    assert 'data-status="lost"' in drawn["html"]
    assert drawn["text"].splitlines()[1:] == ["running", ENDED]
    assert "<li>running</li>" in drawn["html"]
    assert end(page, drawn["html"], drawn["text"]) is None


def test_what_had_ended_before_stays_as_it_is(page: Page) -> None:
    """There is nothing to write where all is said already."""
    one = job("one", ended=True)

    assert end(page, html.job(one), console.job(one)) is None


def test_a_detached_job_runs_on(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a job that does not end with the kernel nothing is said."""
    monkeypatch.setattr(shutdown, "is_detached", lambda job: job.name == "two")
    one, two = job("one"), job("two")
    rows = list(map(jobs.row, [one, two]))

    assert end(page, html.job(two), console.job(two)) is None
    drawn = end(page, html.jobs(rows), console.jobs(rows))
    assert drawn is not None
    assert [line.split()[2] for line in drawn["text"].splitlines()[1:]] == [
        "ended",
        "detached",
    ]


@pytest.mark.parametrize("more", [0, 3])
def test_a_table_after_its_kernel(page: Page, more: int) -> None:
    """The rows of the jobs that ran say so, and the columns are aligned still."""
    rows = list(map(jobs.row, [job("a"), job("long-name", ended=True), job("c")]))

    drawn = end(page, html.jobs(rows, more), console.jobs(rows, more))

    assert drawn is not None
    assert drawn["html"].count(ENDED) == drawn["text"].count(ENDED) == 2
    assert drawn["html"].count('data-status="lost"') == 2
    head, *lines = drawn["text"].splitlines()
    column = head.index("TIME")
    assert [line[: column - 2].rstrip().split(maxsplit=2)[2] for line in lines[:3]] == [
        ENDED,
        "exit status 3",
        ENDED,
    ]
    assert lines[3:] == console.jobs(rows, more).splitlines()[4:]


@pytest.mark.parametrize(
    ("client", "ran", "writes"),
    [
        (7, "me", True),
        (5, "me", False),
        (5, "you", True),
        (7, "you", False),
        (5, "somebody who left", True),
        (7, "somebody who left", False),
        (3, "somebody who left", False),
    ],
)
def test_one_client_of_a_document_writes(
    page: Page, client: int, ran: str, writes: bool
) -> None:
    """It is the one that ran the cell, or else the one with the lowest id."""
    assert page.evaluate(WRITES, [client, CLIENTS, ran]) == [writes, False]
    # The server is a client, too, and says nothing of itself.
    alone = [[client, {"user": "me"}], [9, {}]]
    assert page.evaluate(WRITES, [client, alone, ran])[1] is True
