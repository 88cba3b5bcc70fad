"""The same where our extension is not enabled, and there are only display updates."""

from __future__ import annotations

import json
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.fixtures import draws_widgets
from tests.browser.lab import FRONTS, NOTEBOOK, Lab, Notebook, serving
from tests.browser.test_saved import (
    CELLS,
    WIDGET,
    Desk,
    Output,
    desk_in,
    ended,
    number,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("labs")]

#: Whether a cell would be saved without a widget.
STATIC = f"""([number, widget]) => {{
  const outputs = {NOTEBOOK}.content.model.cells.get(number).sharedModel.getOutputs();
  return outputs.length === 1 && !(widget in outputs[0].data);
}}"""


#: Whether the page believes what a cell shows.
TRUSTED = f"number => {NOTEBOOK}.content.model.cells.get(number).outputs.trusted"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab server where our extension is disabled."""
    draws_widgets()
    with serving(tmp_path_factory.mktemp("without"), extension=False) as lab:
        yield lab


@pytest.fixture(scope="module", params=FRONTS)
def desk(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A notebook that is open; its page has nothing to complain about."""
    complaints: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))

    with desk_in(lab, browser, request.param, watch) as desk:
        yield desk
    assert [text for text in complaints if "ipyproc" in text or "omm " in text] == []


def static(desk: Desk, name: str) -> None:
    """Wait until the notebook has no widget of a job."""
    desk.page.wait_for_function(STATIC, arg=[number(name), WIDGET])


def was_running(found: Output) -> bool:
    """Whether the file says that a job ran, and when."""
    assert "(as of " in found.text.splitlines()[-1]
    return found.status.startswith("running")


def test_the_extension_is_not_there(desk: Desk) -> None:
    """What is tested here is not what the extension does."""
    config = json.loads(desk.page.locator("#jupyter-config-data").inner_text())

    assert "ipyproc" in config["disabledExtensions"]
    assert not desk.page.evaluate("jupyterapp.hasPlugin('ipyproc:document')")


def test_a_running_job(desk: Desk) -> None:
    """The file has no widget, and the pane goes on."""
    pane = desk.start("live")
    field = pane.get_by_label("Standard input")
    field.fill("typed")

    static(desk, "live")

    assert was_running(desk.on_disk("live"))
    expect(field).to_have_value("typed")
    expect(pane.get_by_role("button", name="Kill")).to_be_enabled()
    expect(pane.locator(".ipyproc-output")).to_have_text("begun")


def test_the_end_of_a_job(desk: Desk) -> None:
    """It is in the file, as long as the page is that in which the cell was run."""
    desk.start("again")
    desk.finish("again")

    desk.wait("again", "exit status 3")
    assert ended(desk.on_disk("again"))


def test_an_open_pipe(desk: Desk) -> None:
    """A job whose child holds its output has its exit status in the file."""
    desk.notebook.start(number("pipe"))

    desk.wait("pipe", "exit status 0")
    static(desk, "pipe")  # the first that is shown may have the status and the widget
    assert desk.on_disk("pipe").status.startswith("exit status 0")


def test_a_restart(desk: Desk) -> None:
    """The file has what was, and when: the page forgets its displays at once."""
    desk.start("restart")
    static(desk, "restart")
    desk.notebook.restart()
    desk.ready()

    assert was_running(desk.on_disk("restart"))


def test_the_page_was_loaded_again(desk: Desk) -> None:
    """The pane is there again and shows the end; the file has what was, and when."""
    desk.start("reload")
    static(desk, "reload")
    desk.on_disk("reload")
    desk.page.goto("about:blank")
    desk.finish("reload")
    desk.notebook.load()

    desk.notebook.cell(number("reload"))
    expect(desk.pane("reload").locator(".ipyproc-status")).to_have_text("exit status 3")
    assert was_running(desk.on_disk("reload"))


def test_the_death_of_the_kernel(desk: Desk) -> None:
    """The file has what was, and when; opened again, whoever trusts it sees that."""
    desk.start("killed")
    static(desk, "killed")
    desk.notebook.start(len(CELLS) - 1)
    desk.page.locator(".jp-Dialog").get_by_role("button").click()

    assert was_running(desk.on_disk("killed"))
    desk.page.goto("about:blank")
    desk.lab.end_kernels()
    document = nbformat.read(desk.path, as_version=4)
    document.metadata.kernelspec.name = "gone"
    desk.lab.trust(desk.path, document)
    again = Notebook(desk.page, desk.lab, desk.name, desk.front, kernel=False)
    for name in ("killed", "reload"):
        cell = again.cell(number(name))
        expect(cell.locator(".ipyproc-status")).to_have_text("running")
        expect(cell.locator(".ipyproc-job")).to_contain_text("as of")
    assert desk.page.evaluate(TRUSTED, number("killed"))
