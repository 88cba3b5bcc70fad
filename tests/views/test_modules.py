"""The built scripts of the widgets, as a page with several models loads them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ipyproc.views import assets, explore
from ipyproc.views.render import format
from tests.views.fakes import FakeJob

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

KINDS = ["job", "jobs", "process", "timeline", "waitstatus"]
#: Loads scripts as anywidget does, and numbers the modules that they are.
NUMBERED = """async (scripts) => {
  const load = async (script) => {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    return (await import(url)).default;
  };
  const modules = await Promise.all(scripts.map(load));
  const more = await Promise.all(scripts.map(load));
  return [...modules, ...more].map((module) => modules.indexOf(module));
}"""
#: Loads a script, and adds a view of a new model of it to the page.
ADD = """async ([script, traits]) => {
  const { Model } = await import("./shared.js");
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const widget = (await import(url)).default;
  const nothing = { offset: 0, streams: [], data: new DataView(new ArrayBuffer(0)) };
  const model = new Model({ tail: nothing, ...traits });
  const el = document.createElement("div");
  document.querySelector("#cell").append(el);
  widget.initialize({ model });
  widget.render({ model, el });
}"""


def add(page: Page, name: str, **traits: Any) -> None:
    """Add a widget to the page."""
    page.evaluate(ADD, [assets.script(name), {"token": name, **traits}])


def test_models_share_a_module(page: Page) -> None:
    """All models of a widget have one instance, though each loads the script anew."""
    scripts = [assets.script(name) for name in KINDS for _ in range(2)]

    numbers = page.evaluate(NUMBERED, scripts)

    assert numbers == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8] * 2


def test_widgets_stand_side_by_side(page: Page) -> None:
    """Panes and explorers in one page each show what is theirs."""
    for name, value in (("first", 9), ("second", 256)):
        state = format.snapshot(FakeJob(name=name))  # type: ignore[arg-type]
        add(page, "job", state=state, signals=[], height=5)
        words = explore(value).words
        add(page, "waitstatus", value=value, words=words, texts={}, pid=0)

    sections = page.locator("#cell section")
    expect(sections).to_have_count(4)
    expect(sections.nth(0).locator("b")).to_have_text("first")
    expect(sections.nth(1).get_by_role("status")).to_have_text("signal: killed")
    expect(sections.nth(2).locator("b")).to_have_text("second")
    expect(sections.nth(3).get_by_role("status")).to_have_text("exit status 1")
