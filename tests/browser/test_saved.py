"""What a notebook has on disk, whatever happened between a job's start and its end."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.lab import FRONTS, KERNEL, NOTEBOOK, PATIENCE, Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("labs")]

WIDGET = "application/vnd.jupyter.widget-view+json"
ENDED = "ended with the kernel"
KERNELSPEC = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
#: It ends once there is a file of its name.
WAITS = "sh -c 'echo begun; until [ -e {0}.go ]; do sleep 0.05; done; echo end; exit 3'"
#: As %load_ext, which prints a line if the extension is loaded.
LOAD = "get_ipython().extension_manager.load_extension('ipyproc')"
#: Each loads the extension, for the kernel may be a new one.
CELLS = {
    "reload": WAITS,
    "tab": WAITS,
    "views": WAITS,
    "again": WAITS,
    "deleted": WAITS,
    "live": WAITS,
    "pipe": "sh -c 'echo out; sleep 300 & exit 0'",
    "away": "sleep 300",
    "restart": "sleep 300",
    "killed": "sleep 300",
    "shutdown": "sleep 300",
    "below": WAITS,
}
OPTIONS = {"away": "--detach "}
#: Has what a job shows in the file at once, not only seconds later.
NOW = """from ipyproc import jobs
view = jobs["{0}"].widget
view.to_file(view.static(), False)"""
SAVE = "jupyterapp.commands.execute('docmanager:save')"
#: The job of the last cell.
LAST = "below"
DIE = "import os; os.kill(os.getpid(), 9)"
#: Whether what would be saved with a cell has one of some texts.
SAYS = f"""([number, texts]) => {{
  const outputs = {NOTEBOOK}.content.model.cells.get(number).sharedModel.getOutputs();
  return texts.some((text) => JSON.stringify(outputs).includes(text));
}}"""
#: Has a page behave as one in the background.
HIDE = """
Object.defineProperty(document, "hidden", { value: true, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));
"""
#: How a job may have ended with its kernel, if that had the time to say so.
WITH_KERNEL = (ENDED, "signal: terminated", "signal: killed")
#: Where the script of our extension is loaded from.
OURS = "extensions/ipyproc"
#: The settings of JupyterLab about notebooks.
TRACKER = "notebook-extension/tracker"
#: So many cells are between the last and the others, so that it is out of sight.
BETWEEN = 40


class Desk:
    """A notebook in a page, each of its cells a job of the cell's own name."""

    def __init__(self, page: Page, lab: Lab, front: str) -> None:
        self.lab, self.page = lab, page
        self.name = f"saved-{front.split()[0]}.ipynb"
        self.path = lab.root / self.name
        jobs = [_cell(name, command) for name, command in CELLS.items()]
        sources = [*jobs[:-1], DIE, *["1"] * BETWEEN, jobs[-1]]
        cells = list(map(new_code_cell, sources))
        nbformat.write(new_notebook(cells=cells, metadata=KERNELSPEC), self.path)
        self.front = front
        self.notebook = Notebook(page, lab, self.name, front)

    def start(self, name: str) -> Locator:
        """Run the cell of a job, and wait for its live pane."""
        self.notebook.start(number(name))
        pane = self.pane(name)
        expect(pane.get_by_role("button", name="Kill")).to_be_enabled()
        return pane

    def pane(self, name: str) -> Locator:
        """Return the pane of a job."""
        return self.page.locator(f"section.ipyproc-job[data-name='{name}']")

    def finish(self, name: str) -> None:
        """Let a job end."""
        (self.lab.root / f"{name}.go").touch()

    def wait(self, name: str, text: str) -> None:
        """Wait until the notebook in the page says *text* of a job."""
        self.notebook.saves(number(name), text)

    def on_disk(self, name: str) -> Output:
        """Save, and return the output of a job's cell."""
        return output(self.notebook.on_disk(), name)

    def overwrite(self) -> None:
        """Save, though another page has saved meanwhile."""
        self.page.evaluate(f"window.saving = {SAVE}; undefined")
        self.page.get_by_role("button", name="Overwrite").click()
        self.page.evaluate("window.saving")

    def ready(self) -> None:
        """Wait until a new kernel is there."""
        self.page.wait_for_function(f"{KERNEL}?.status === 'idle'")


class Output:
    """What the file has of a job."""

    def __init__(self, data: dict[str, Any]) -> None:
        assert WIDGET not in data
        self.text = "".join(data["text/plain"])
        self.html = "".join(data["text/html"])

    @property
    def status(self) -> str:
        """What the badge says; the text must end with it, too."""
        found = re.search(r'"ipyproc-status"[^>]*>(?:<b>)?([^<]*)<', self.html)
        assert found
        assert self.text.splitlines()[-1].startswith(found[1])
        return found[1]


def output(document: dict[str, Any], name: str) -> Output:
    """Return the pane in a job's cell; a detached one may say what ends it, too."""
    (found, *_) = document["cells"][number(name)]["outputs"]
    return Output(found["data"])


def _cell(name: str, command: str) -> str:
    options = OPTIONS.get(name, "")
    return f"{LOAD}\n%spawn --name {name} {options}{command.format(name)}"


def number(name: str) -> int:
    """Return which cell is that of a job."""
    return [*CELLS].index(name) + (BETWEEN + 1) * (name == LAST)


@contextmanager
def desk_in(
    lab: Lab, browser: Browser, front: str, watch: Callable[[Page], None]
) -> Iterator[Desk]:
    """A notebook in a front end, in a page of its own; its kernels end with it.

    *watch* gets the page before anything is loaded.
    """
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        watch(page)
        yield Desk(page, lab, front)
    lab.end_kernels()
    for each in lab.root.glob("*.go"):
        each.unlink()


@pytest.fixture(scope="module", params=FRONTS)
def desk(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A notebook that is open in one front end after the other."""
    errors: list[str] = []

    def watch(page: Page) -> None:
        # Notebook 7 has errors of its own.
        page.on("pageerror", lambda error: errors.append(error.stack or str(error)))

    with desk_in(lab, browser, request.param, watch) as desk:
        yield desk
    lab.set_up(TRACKER, {})
    assert [error for error in errors if OURS in error] == []


def ended(output: Output) -> bool:
    """Whether the file has how the job ended, and the end of its output."""
    assert output.text.splitlines()[-2] == "end"
    assert "<li>end</li>" in output.html
    return output.status == "exit status 3"


def test_a_second_tab(desk: Desk) -> None:
    """Each of two tabs, one of them in the background, has the end to save."""
    desk.start("tab")
    desk.notebook.on_disk()
    second = desk.page.context.new_page()
    other = Notebook(second, desk.lab, desk.name, desk.front)
    desk.page.evaluate(HIDE)
    desk.finish("tab")

    for notebook in (other, desk.notebook):
        notebook.saves(number("tab"), "exit status 3")
    assert ended(output(other.on_disk(), "tab"))
    second.close()
    desk.overwrite()
    assert ended(output(json.loads(desk.path.read_text("utf-8")), "tab"))
    desk.page.evaluate("delete document.hidden")


def test_a_live_pane_is_left_alone(desk: Desk) -> None:
    """What is written while a job runs is in the file, and is not drawn in the page."""
    pane = desk.start("live")
    field = pane.get_by_label("Standard input")
    field.fill("typed")  # perhaps before the page has given up the widget
    pane.evaluate("pane => { window.before = pane; }")
    desk.notebook.execute(NOW.format("live"))

    desk.wait("live", "<li>begun</li>")
    found = desk.on_disk("live")
    assert found.text.splitlines()[-2] == "begun"
    assert found.status == "running"
    assert pane.evaluate("pane => pane === window.before")
    expect(field).to_be_focused()
    expect(field).to_have_value("typed")


def test_an_open_pipe(desk: Desk) -> None:
    """A job whose child holds its output has its exit status in the file."""
    desk.notebook.start(number("pipe"))
    desk.notebook.execute("from ipyproc import jobs; jobs['pipe'].wait(30)")
    desk.notebook.execute(NOW.format("pipe"))
    desk.wait("pipe", "exit status 0")

    found = desk.on_disk("pipe")

    assert found.status.startswith("exit status 0")
    assert "out" in found.text.splitlines()


def test_a_cell_that_was_run_again(desk: Desk) -> None:
    """The end of the job before is not taken for one of the new job."""
    desk.start("again")
    first = desk.on_disk("again")
    desk.start("again")
    assert desk.on_disk("again").html.splitlines()[0] != first.html.splitlines()[0]

    desk.finish("again")

    desk.wait("again", "exit status 3")
    assert ended(desk.on_disk("again"))


def test_a_cell_that_was_deleted(desk: Desk) -> None:
    """The end of its job is nowhere, and is there once the deletion is undone."""
    desk.start("deleted")
    before = len(desk.notebook.saved()["cells"])
    desk.notebook.command("notebook:delete-cell")
    desk.finish("deleted")
    assert len(desk.notebook.on_disk()["cells"]) == before - 1

    desk.notebook.command("notebook:undo-cell-action")

    desk.wait("deleted", "exit status 3")
    assert ended(desk.on_disk("deleted"))


def test_two_views(desk: Desk) -> None:
    """A notebook that is shown twice in a page is written once, by either."""
    if desk.front != "JupyterLab":
        pytest.skip("Notebook 7 shows a notebook once")
    desk.start("views")
    desk.page.evaluate(f"window.first = {NOTEBOOK}; undefined")
    desk.notebook.command("docmanager:clone")
    expect(desk.pane("views")).to_have_count(2)

    desk.finish("views")

    desk.wait("views", "exit status 3")
    assert ended(desk.on_disk("views"))
    desk.page.evaluate(f"{NOTEBOOK}.dispose()")
    desk.page.evaluate("jupyterapp.shell.activateById(window.first.id)")


@pytest.fixture(scope="module")
def loaded_again(desk: Desk) -> Desk:
    """The same after a while without a page, in which one of two jobs ended.

    From now on JupyterLab draws cells only when they come into sight.
    """
    desk.start("reload")
    desk.start("below")
    assert desk.on_disk("reload").status == desk.on_disk("below").status == "running"
    desk.page.goto("about:blank")
    desk.finish("reload")
    desk.lab.set_up(TRACKER, {"windowingMode": "full"})
    desk.notebook.load()
    return desk


def test_the_page_was_loaded_again(loaded_again: Desk) -> None:
    """A job that ended while no page was there is in the file with its end."""
    loaded_again.wait("reload", "exit status 3")

    assert ended(loaded_again.on_disk("reload"))


def test_out_of_the_page(loaded_again: Desk) -> None:
    """A cell that was not in sight gets the end of its job."""
    desk = loaded_again

    desk.finish("below")

    desk.wait("below", "exit status 3")
    assert ended(desk.on_disk("below"))


@pytest.fixture(scope="module")
def restarted(desk: Desk) -> Desk:
    """The same after a restart of the kernel, with jobs that ran."""
    desk.start("restart")
    desk.start("away")
    desk.notebook.restart()
    desk.ready()
    return desk


def test_a_restart(restarted: Desk) -> None:
    """What ran when the kernel was restarted ended with it."""
    restarted.page.wait_for_function(SAYS, arg=[number("restart"), WITH_KERNEL])

    assert restarted.on_disk("restart").status.startswith(WITH_KERNEL)


def test_a_detached_job(restarted: Desk) -> None:
    """A job that does not end with the kernel is not said to have done so."""
    found = restarted.on_disk("away")

    pid = re.search(r'data-pid="(\d+)"', found.html)
    assert pid
    os.kill(int(pid[1]), signal.SIGKILL)
    assert found.status.startswith("running")


def test_the_death_of_the_kernel(desk: Desk) -> None:
    """What ran when the kernel was killed ended with it."""
    desk.start("killed")

    desk.notebook.start(len(CELLS) - 1)

    desk.wait("killed", ENDED)
    assert desk.on_disk("killed").status == ENDED
    desk.page.locator(".jp-Dialog").get_by_role("button").click()
    desk.ready()


def test_the_end_of_the_kernel(desk: Desk) -> None:
    """What ran when the kernel was shut down ended with it."""
    desk.start("shutdown")

    desk.page.evaluate(f"{NOTEBOOK}.sessionContext.shutdown()")

    desk.page.wait_for_function(SAYS, arg=[number("shutdown"), WITH_KERNEL])
    assert desk.on_disk("shutdown").status.startswith(WITH_KERNEL)
