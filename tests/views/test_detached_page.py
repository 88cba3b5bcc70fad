"""The table of detached jobs in a browser, over a played model."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ipyproc._agent import records
from ipyproc._agent.records import UNKNOWN, Record
from ipyproc.views.render import detached
from tests.browser.fixtures import Picture
from tests.views.test_rows_page import Table, assert_fits, place

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]


def row(identity: str, status: str = "running", state: str = "") -> dict[str, Any]:
    """Return the row of a job."""
    notebook = "/home/ada/notebooks/experiments.ipynb"
    shown = "python3 -u train.py --epochs 90 --data /data/imagenet"
    host = "gpu-3" if status == UNKNOWN else records.host()
    record = Record(
        identity,
        identity.split("@")[0],
        notebook,
        host,
        48213,
        status,
        1.8e9,
        state,
        shown,
    )
    return dict(detached.row(record))


SHOWN = {
    "train@3f2a": row("train@3f2a"),
    "nightly@07c1": row("nightly@07c1", "exited", "exit status 0"),
    "sweep@9b44": row("sweep@9b44", "signaled", "signal: killed"),
    "far@1111": row("far@1111", UNKNOWN),
}


@pytest.fixture
def table(place: Page) -> Table:
    """A table of four jobs."""
    return Table(place, "detached", SHOWN)


def test_each_job_has_the_buttons_that_make_sense(place: Page, table: Table) -> None:
    """What runs can be ended, what ended forgotten; of another machine's it says so."""
    expect(place.get_by_role("table", name="Detached jobs")).to_be_visible()
    expect(place.get_by_text("1 running · 2 ended")).to_be_visible()
    table.shows("train@3f2a", "nightly@07c1", "sweep@9b44", "far@1111")
    buttons = [
        r.locator("button:visible").all_text_contents() for r in table.rows.all()
    ]
    assert buttons == [
        ["Attach", "End"],
        ["Attach", "Forget"],
        ["Attach", "Forget"],
        [],
    ]
    expect(table.rows.nth(1).locator(".ipyproc-status")).to_have_text("exit status 0")


def test_what_the_buttons_ask_for(place: Page, table: Table) -> None:
    """Each names its job; what was printed is deleted by a second press only."""
    table.button("Attach train@3f2a").click()
    table.button("End train@3f2a").click()
    table.button("Forget nightly@07c1").click()
    assert table.sent("forget") == []
    table.button("Really forget nightly@07c1").click()

    for action, job in (
        ("attach", "train@3f2a"),
        ("terminate", "train@3f2a"),
        ("forget", "nightly@07c1"),
    ):
        table.says(action)
        (asked,) = table.sent(action)
        assert asked["job"] == job
        # Who is not answered is told that the kernel is busy, in the same place.
        table.done(asked, "it still runs" if action == "forget" else "")
    expect(place.get_by_text("it still runs")).to_be_visible()


def test_it_is_live(place: Page, table: Table) -> None:
    """A job that ends, one that goes, and the last one."""
    table.button("End train@3f2a").focus()
    changes = row("train@3f2a", "exited", "exit status 3")
    table.tell({"train@3f2a": changes}, gone=["sweep@9b44"])
    table.shows("train@3f2a", "nightly@07c1", "far@1111")
    expect(place.get_by_text("0 running · 2 ended")).to_be_visible()
    expect(table.button("Attach train@3f2a")).to_be_focused()
    table.tell({}, keys=[])

    expect(place.get_by_text("no detached jobs")).to_be_visible()


def test_by_keyboard(place: Page, table: Table) -> None:
    """Arrows lead from button to button, and Enter presses."""
    table.button("Attach train@3f2a").focus()
    place.keyboard.press("ArrowRight")
    expect(table.button("End train@3f2a")).to_be_focused()
    place.keyboard.press("ArrowDown")
    expect(table.button("Forget nightly@07c1")).to_be_focused()
    place.keyboard.press("ArrowLeft")
    place.keyboard.press("Enter")

    assert table.sent("attach")[0]["job"] == "nightly@07c1"


@pytest.mark.parametrize("width", [400, 700, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(place: Page, width: int, scheme: Any, picture: Picture) -> None:
    """At any width no button is cut off, and text has enough contrast."""
    place.set_viewport_size({"width": width, "height": 700})
    place.emulate_media(color_scheme=scheme)
    table = Table(place, "detached", SHOWN)
    expect(table.rows).to_have_count(4)

    assert_fits(place, width)
    picture(place.locator("main"), f"detached-{scheme}-{width}")
