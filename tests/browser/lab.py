"""A JupyterLab server of a test, and one notebook in its page."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.sign import NotebookNotary
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PageTimeoutError

from ipyproc.views.frontend import hatch_build
from tests.kernel import versions
from tests.sandbox import sandbox

#: Where our extension of the front ends is built.
LABEXTENSIONS = Path(hatch_build.__file__).with_name("build") / "labextensions"
#: Names the folder of screenshots; by default pytest's folder of the test.
SCREENSHOTS = "IPYPROC_SCREENSHOTS"
#: The front ends, and where each opens a notebook.
FRONTS = {"JupyterLab": "doc/tree", "Notebook 7": "notebooks"}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
#: The user's settings, by extension: JupyterLab's first question is answered, and its
#: completer waits for the kernel. By default it shows only words of the cell if the
#: kernel, in need of a processor, does not answer within a second.
SETTINGS: dict[str, dict[str, object]] = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "completer-extension/manager": {"providerTimeout": 60_000},
}
#: The notebook of the page, in JavaScript.
NOTEBOOK = "jupyterapp.shell.currentWidget"
KERNEL = f"{NOTEBOOK}?.sessionContext?.session?.kernel"
#: Whether it answers. A page was seen to say "idle" and to lose what it was asked next.
ANSWERS = f"""Promise.race([
  {KERNEL}.requestKernelInfo().then(() => true),
  new Promise((resolve) => setTimeout(resolve, 5_000, false)),
])"""
#: Where documents are shared it has a prefix.
PATH = f"{NOTEBOOK}?.context?.path.replace(/^RTC:/, '')"
#: Closes all notebooks; JupyterLab's own command would ask whether to save them.
CLOSE = (
    "[...(window.jupyterapp?.shell.widgets('main') ?? [])].forEach((w) => w.dispose())"
)
#: How long a server, a page or a kernel may take for anything, in seconds. It is far
#: more than they need: a machine may have much else to do.
PATIENCE = 90
# What is shown of the server's log when a kernel does not become ready.
_END_OF_LOG = 4000


@dataclass(frozen=True)
class Lab:
    """A server: its port, its token and the folder whose notebooks it serves."""

    port: int
    token: str
    root: Path

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.port}"

    def trust(self, path: Path, document: NotebookNode) -> None:
        """Write a notebook and trust it, as ``jupyter trust`` does."""
        nbformat.write(document, path)
        notary = NotebookNotary(data_dir=str(self.root.parent / ".local/share/jupyter"))
        notary.sign(document)
        notary.store.close()

    def request(self, method: str, path: str) -> Any:
        """Ask the server's REST interface."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.loads(response.read() or "null")

    def set_up(self, name: str, values: dict[str, object]) -> None:
        """Write the user's settings of an extension of JupyterLab."""
        settings = self.root.parent / ".jupyter/lab/user-settings/@jupyterlab"
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    def end_kernels(self) -> None:
        """Shut all kernels down."""
        for session in self.request("GET", "sessions"):
            self.request("DELETE", f"sessions/{session['id']}")


@contextmanager
def serving(
    home: Path, *, extension: bool = True, more: dict[str, str] | None = None
) -> Iterator[Lab]:
    """Run JupyterLab in *home*, with our extension or without it.

    *more* is what its environment has besides. Nothing of it survives the block.
    """
    if not extension:
        _disable(home / ".jupyter/labconfig")
    versions.write_specs(home)
    with (
        sandbox(home) as environment,
        launched(home, environment | (more or {})) as (lab, _),
    ):
        yield lab
        lab.end_kernels()


@contextmanager
def launched(
    home: Path, environment: dict[str, str]
) -> Iterator[tuple[Lab, subprocess.Popen[bytes]]]:
    """Run JupyterLab in *home*, in the environment of a sandbox."""
    lab = Lab(_free_port(), secrets.token_hex(), home / "notebooks")
    lab.root.mkdir(exist_ok=True)
    _configure(lab, home / ".jupyter")
    log = home / "lab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab"],
            env=environment,
            cwd=home,
            stdout=out,
            stderr=out,
        )
        try:
            _wait_for_answer(lab, server, log)
            yield lab, server
        finally:
            server.terminate()
            server.wait(timeout=PATIENCE)


def _configure(lab: Lab, folder: Path) -> None:
    """Write the configuration: reachable from this machine only, and no dialogs."""
    server = {
        "ip": "127.0.0.1",
        "port": lab.port,
        "port_retries": 0,
        "root_dir": str(lab.root),
        "allow_root": True,
        "open_browser": False,
    }
    page = {
        "expose_app_in_browser": True,
        "extension_manager": "readonly",
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    # What is installed may be of older sources.
    both = {"extra_labextensions_path": [str(LABEXTENSIONS)]}
    config = {
        "ServerApp": server,
        "LabServerApp": both,
        "LabApp": page,
        "JupyterNotebookApp": {"expose_app_in_browser": True},
        "IdentityProvider": {"token": lab.token},
        # A TCP port is chosen free, but another process may take it before the kernel
        # does, which then does not answer.
        "KernelManager": {"transport": "ipc"},
    }
    for name, values in SETTINGS.items():
        lab.set_up(name, values)
    (folder / "jupyter_lab_config.json").write_text(json.dumps(config))


def _disable(folder: Path) -> None:
    """Disable our extension, as ``jupyter labextension disable`` does."""
    folder.mkdir(parents=True)
    disabled = json.dumps({"disabledExtensions": {"ipyproc": True}})
    (folder / "page_config.json").write_text(disabled)


def _wait_for_answer(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            lab.request("GET", "status")
        except urllib.error.URLError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no JupyterLab: {log.read_text()}") from error
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Notebook:
    """A notebook that is open in JupyterLab or Notebook 7, its kernel ready.

    Without a kernel if its own is not to be had.
    """

    def __init__(
        self,
        page: Page,
        lab: Lab,
        name: str,
        front: str = "JupyterLab",
        *,
        kernel: bool = True,
    ) -> None:
        self.page = page
        self._lab = lab
        self._wait = self._wait_for_kernel if kernel else self._go_without_kernel
        self._name = name
        self._path = lab.root / name
        self._url = f"{lab.url}/{FRONTS[front]}/{name}?token={lab.token}&reset"
        if page.evaluate("'jupyterapp' in window"):
            self.open()
        else:
            self.load()

    def open(self) -> None:
        """Open it, or open it again, in the page that is there."""
        self.command("docmanager:open", path=self._name, factory="Notebook")
        self._wait()

    def load(self) -> None:
        """Load the page, or load it again; the kernel runs on."""
        self.page.goto(self._url)
        self._wait()

    def _wait_for_kernel(self) -> None:
        here = f"window.jupyterapp && {PATH} === '{self._name}'"
        idle = f"{here} && {KERNEL}?.status === 'idle'"
        try:
            self.page.wait_for_function(idle, timeout=PATIENCE * 1000)
            self.page.wait_for_function(ANSWERS, timeout=PATIENCE * 1000)
        except PageTimeoutError as error:
            raise AssertionError(self._why_no_kernel()) from error

    def _why_no_kernel(self) -> str:
        """What the page and the server know of a kernel that is not ready."""
        kernel = f"({KERNEL} ?? {{}})"
        told = self.page.evaluate(
            f"window.jupyterapp && [{PATH}, {kernel}.id, {kernel}.status, "
            f"{kernel}.connectionStatus]"
        )
        log = (self._lab.root.parent / "lab.log").read_text()
        return f"{told}, {self._lab.request('GET', 'sessions')}\n{log[-_END_OF_LOG:]}"

    def _go_without_kernel(self) -> None:
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name="No Kernel").click(timeout=PATIENCE * 1000)
        self.page.wait_for_function(f"{PATH} === '{self._name}'")

    def close(self) -> None:
        """Close it and all views of it, unsaved; the kernel runs on."""
        self.page.evaluate(CLOSE)

    def restart(self) -> None:
        """Restart the kernel, without JupyterLab's question."""
        self.page.evaluate(f"{KERNEL}.restart()")

    def run_all(self) -> bool:
        """Run all cells, wait for the last; False if one failed."""
        done: bool = self.command("notebook:run-all-cells")
        return done

    def start(self, number: int) -> Locator:
        """Begin to run a cell, counted from 0, and return it at once."""
        # At once: what is focused meanwhile would make its cell the active one.
        self.page.evaluate(
            f"{NOTEBOOK}.content.activeCellIndex = {number};"
            "void jupyterapp.commands.execute('notebook:run-cell')"
        )
        return self.cell(number)

    @property
    def is_open(self) -> bool:
        """Whether it is what the page shows."""
        return bool(self.page.evaluate(f"window.jupyterapp && {PATH}") == self._name)

    def write(self, number: int, source: str) -> None:
        """Change what is in a cell."""
        cell = f"{NOTEBOOK}.content.model.cells.get({number})"
        self.page.evaluate(f"text => {cell}.sharedModel.setSource(text)", source)

    def clear(self, number: int) -> None:
        """Remove what a cell shows."""
        cell = f"{NOTEBOOK}.content.model.cells.get({number})"
        self.page.evaluate(f"{cell}.outputs.clear()")

    def execute(self, code: str) -> None:
        """Have the kernel execute something, and leave the page as it is."""
        self.page.evaluate(f"code => {KERNEL}.requestExecute({{ code }}).done", code)

    def cell(self, number: int) -> Locator:
        """Return a cell, counted from 0, scrolled into view."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").nth(number)
        cell.scroll_into_view_if_needed()
        return cell

    def saved(self) -> dict[str, Any]:
        """Return what the page would save: the notebook with its outputs."""
        document: dict[str, Any] = self.page.evaluate(
            f"{NOTEBOOK}.content.model.toJSON()"
        )
        return document

    def saves(self, number: int, text: str) -> None:
        """Wait until the page would save *text* with the output of a cell."""
        cell = f"{NOTEBOOK}.content.model.cells.get({number})"
        outputs = f"{cell}?.sharedModel.getOutputs()"
        found = f"text => JSON.stringify({outputs} ?? []).includes(text)"
        self.page.wait_for_function(found, arg=text)

    def on_disk(self) -> dict[str, Any]:
        """Save it, and return what the file has."""
        self.command("docmanager:save")
        document: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        return document

    def errors(self) -> list[str]:
        """Return the errors that cells show."""
        cells = self.saved()["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        return [o["evalue"] for o in outputs if o["output_type"] == "error"]

    def themes(self) -> Iterator[str]:
        """Use each theme in turn if pictures are kept; a change takes seconds."""
        for name in THEMES if SCREENSHOTS in os.environ else ():
            self.use_theme(name)
            yield name

    def use_theme(self, name: str) -> None:
        """Switch to the theme ``light`` or ``dark``."""
        self.command("apputils:change-theme", theme=THEMES[name])
        themed = self.page.locator(f"body[data-jp-theme-name='{THEMES[name]}']")
        expect(themed).to_be_attached()
        expect(self.page.locator("#jupyterlab-splash")).not_to_be_attached()

    def command(self, name: str, **arguments: object) -> Any:
        """Execute one of JupyterLab's commands, wait, and return a word or a number.

        Some return a widget, with all that it knows: that would be copied for seconds.
        """
        script = """async ([name, given]) => {
          const result = await jupyterapp.commands.execute(name, given);
          return typeof result === "object" ? null : result;
        }"""
        return self.page.evaluate(script, [name, arguments])
