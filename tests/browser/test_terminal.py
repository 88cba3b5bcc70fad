"""Terminals where people meet them: real programs in JupyterLab's page."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.fixtures import OpenNotebook, Picture
from tests.browser.lab import PATIENCE, SCREENSHOTS, Lab, Notebook
from tests.browser.test_pane import (
    lines,
    pane_of,
    press,
    say,
    status,
)
from tests.kernel.fixtures import BUSY

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("terminals")]

Terminals = Callable[..., Notebook]

SHELL = ["bash", "--norc", "--noprofile"]
#: It asks its terminal who it is, and writes what it reads into a file.
ASKS = r"""
import os, select, sys, termios, tty
tty.setraw(0)
with open(sys.argv[1], "ab", buffering=0) as log:
    os.write(1, b"\x1b[?1049h\x1b[?1004h\x1b[2J\x1b[Hasking\x1b[c\x1b[6n\x1b]11;?\x07")
    while (key := os.read(0, 1024)) != b"q":
        log.write(key)
        if b"%" in key:
            os.write(1, b"\x1b[3;1H\x1b[5n")
        if b"!" in key:
            os.write(1, b"\x1b[4;1Hheard")
"""
#: It prints five megabytes as fast as it can, and then what is to be seen.
FLOOD = (
    "yes 'a line of a flood of lines' | head -c 5000000; "
    "printf '\\nthe end\\n$ '; read -n1"
)
#: What is copied of a terminal's selection.
COPIED = """() => {
  const clipboardData = new DataTransfer();
  const how = { clipboardData, bubbles: true };
  document.activeElement.dispatchEvent(new ClipboardEvent('copy', how));
  return clipboardData.getData('text/plain');
}"""
SLEEPER = "%spawn --name sleeper sleep 99"
#: It has no sub-shells: it handles a page's messages when the cell has ended.
QUEUES = ("6.31.0",)
#: It prints each key that it reads.
KEYS = """
import os, tty
tty.setraw(0)
print("raw")
while True:
    print(repr(os.read(0, 1)), end="\\r\\n", flush=True)
"""
MARKS = count()
HAS_TMUX = pytest.mark.skipif(not shutil.which("tmux"), reason="there is no tmux")


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where a program is not there."""
    return pytest.mark.skipif(
        not shutil.which(program), reason=f"there is no {program}"
    )


@pytest.fixture
def terminals(open_notebook: OpenNotebook, tmp_path: Path) -> Terminals:
    """Open a notebook with a cell for each command, which a terminal is for."""

    def open_(*commands: list[str] | str, kernel: str = "python3") -> Notebook:
        sources = [
            f"ipyproc.spawn({command!r}, pty=True, name='job{number}')"
            if isinstance(command, list)
            else command
            for number, command in enumerate(commands)
        ]
        sources[0] = f"%load_ext ipyproc\nimport ipyproc\n{sources[0]}"
        cells = [new_code_cell(source) for source in sources]
        metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
        path = tmp_path / "terminal.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        return open_notebook(path)

    return open_


class Programs:
    """A notebook whose kernel runs one program after the other, each in a new cell."""

    def __init__(self, lab: Lab, page: Page) -> None:
        self._lab = lab
        self._page = page
        self._number = -1
        self._notebook: Notebook | None = None

    @property
    def notebook(self) -> Notebook:
        """The notebook; a new one if the page was left after a failure."""
        if self._notebook is None or not self._notebook.is_open:
            self._number = -1
            sources = ["%load_ext ipyproc\nimport ipyproc", *[""] * 20]
            cells = [new_code_cell(source) for source in sources]
            metadata = {"kernelspec": {"name": "python3", "display_name": "python3"}}
            path = self._lab.root / "programs.ipynb"
            nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
            self._notebook = Notebook(self._page, self._lab, path.name)
            self.run("%load_ext ipyproc\nimport ipyproc")
        return self._notebook

    def run(self, source: str) -> Locator:
        """Run code in the next cell."""
        notebook = self.notebook
        self._number += 1
        notebook.write(self._number, source)
        return notebook.start(self._number)

    def start(self, *argv: str) -> Locator:
        """Start a program; return its pane."""
        name = f"job{self._number + 1}"
        spawn = f"ipyproc.spawn({list(argv)!r}, pty=True, name={name!r})"
        return pane_of(self.run(spawn), name)

    def terminal(self, *argv: str) -> Locator:
        """Start a program; return its pane once that is a terminal."""
        return becomes_terminal(self.start(*argv))

    @property
    def cell(self) -> dict[str, object]:
        """What would be saved of the last cell."""
        cell: dict[str, object] = self.notebook.saved()["cells"][self._number]
        return cell

    def end(self) -> None:
        """End what runs, and empty the cell."""
        if self._notebook and self._notebook.is_open:
            self._notebook.execute("for job in ipyproc.jobs.running: job.kill()")
            self._notebook.clear(self._number)


@pytest.fixture(scope="module")
def _programs(lab: Lab, tab: Page) -> Programs:
    return Programs(lab, tab)


@pytest.fixture
def programs(_programs: Programs, page: Page) -> Iterator[Programs]:
    """Programs in one notebook; what one test has started is gone in the next."""
    yield _programs
    _programs.end()


def becomes_terminal(pane: Locator) -> Locator:
    """Wait until the pane of a job is a terminal."""
    expect(pane.locator(".ipyproc-terminal:not([data-hidden])")).to_be_visible()
    return pane


def terminal(notebook: Notebook, number: int = 0) -> Locator:
    """Run a cell; return the pane of its job once that is a terminal."""
    return becomes_terminal(pane_of(notebook.start(number), f"job{number}"))


def types(pane: Locator, text: str) -> None:
    """Type a text, after a click into the terminal."""
    focus(pane)
    pane.page.keyboard.type(text)


def focus(pane: Locator) -> None:
    """Click into the terminal."""
    pane.locator(".xterm-screen").click(position={"x": 200, "y": 20})
    expect(pane.locator("textarea")).to_be_focused()


def shows(pane: Locator, text: str | re.Pattern[str]) -> None:
    """Wait until the screen contains a text."""
    expect(pane.locator(".xterm-rows")).to_contain_text(text)


def screen(pane: Locator) -> list[str]:
    """Return the rows of the screen."""
    rows = pane.locator(".xterm-rows > div").all_text_contents()
    return [row.replace("\xa0", " ").rstrip() for row in rows]


def size(pane: Locator) -> tuple[int, int]:
    """Return the rows and columns that a shell in it sees."""
    mark = f"size {next(MARKS)}:"
    types(pane, f"clear; echo {mark} $(stty size)\n")
    said = re.compile(rf"{mark} (\d+) (\d+)")
    shows(pane, said)
    found = said.search(" ".join(screen(pane)))
    assert found
    return int(found[1]), int(found[2])


def runs(cell: Locator) -> None:
    """Assert that a cell still runs."""
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[*]:")


def done(cell: Locator) -> None:
    """Wait until a cell has run."""
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))


def reload(notebook: Notebook) -> None:
    """Load the page again; the front end finds its widgets in the file."""
    notebook.command("docmanager:save")
    notebook.load()


class Tmux:
    """A program in a tmux of its own, an independent judge of what a terminal shows."""

    def __init__(self, folder: Path, size: tuple[int, int], *argv: str) -> None:
        self._tmux = ["tmux", "-S", f"{folder}/tmux", "-f", os.devnull]
        rows, columns = size
        new = ["new-session", "-d", f"-x{columns}", f"-y{rows}", shlex.join(argv)]
        subprocess.run(
            [*self._tmux, "start-server", ";", "set", "-g", "status", "off", ";", *new],
            check=True,
        )

    def type(self, *keys: str) -> None:
        """Press keys."""
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def screen(self) -> list[str]:
        """Return the rows of the screen."""
        shown = subprocess.run(
            [*self._tmux, "capture-pane", "-p"],
            check=True,
            capture_output=True,
            text=True,
        )
        return [row.rstrip() for row in shown.stdout.split("\n")[:-1]]

    def close(self) -> None:
        """End it."""
        subprocess.run([*self._tmux, "kill-server"], check=True)


# --- a log, and a terminal


def test_what_only_prints_stays_a_log(programs: Programs) -> None:
    """A program with bars and colours on a terminal of its own has those of a log."""
    program = (
        "import sys, time\n"
        "print(sys.stdout.isatty(), '\\x1b[32mgreen\\x1b[0m')\n"
        "for n in range(101): print(f'\\r{n} %', end='', flush=True)\n"
        "print('\\nname?')\n"
        "print('hello', input())"
    )
    pane = programs.start(sys.executable, "-c", program)
    lines(pane, "True green", "100 %", "name?")
    say(pane, "gopher")

    lines(pane, "True green", "100 %", "name?", "gopher", "hello gopher")
    status(pane, "exit status 0")
    assert pane.locator(".ipyproc-terminal").count() == 0


def test_a_password_is_not_seen(programs: Programs) -> None:
    """The field is masked while the program asks, and not before or after."""
    program = "import getpass; print(len(getpass.getpass())); print(input('name? '))"
    pane = programs.start(sys.executable, "-c", program)
    field = pane.get_by_label("Standard input")
    expect(field).to_have_attribute("type", "password")
    say(pane, "secret")

    expect(field).to_have_attribute("type", "text")
    lines(pane, "Password: ", "6", "name? ")
    say(pane, "gopher")
    status(pane, "exit status 0")
    assert "secret" not in pane.inner_html()


def test_a_shell(programs: Programs, page: Page) -> None:
    """A prompt makes a terminal with the same screen; it takes keys, and ends."""
    pane = programs.terminal(*SHELL, "-c", "echo before; exec bash --norc --noprofile")
    shows(pane, "before")
    types(pane, "echo $((6*7))\n")
    shows(pane, "42")
    types(pane, "sleep 99\n")
    shows(pane, "sleep 99")
    page.keyboard.press("Control+c")
    shows(pane, "^C")
    types(pane, "exit 3\n")

    status(pane, "exit status 3")
    shows(pane, "42")
    assert pane.locator(".ipyproc-terminal").count() == 1


def test_a_python_prompt(programs: Programs) -> None:
    """A REPL with history and the arrow keys."""
    pane = programs.terminal(sys.executable, "-q", "-i", "-c", "import readline")
    shows(pane, ">>>")
    types(pane, "6 * 7\n")
    shows(pane, "42")
    pane.page.keyboard.press("ArrowUp")
    types(pane, "0\n")
    shows(pane, "420")
    pane.page.keyboard.press("Control+d")
    status(pane, "exit status 0")


def test_interrupt(programs: Programs) -> None:
    """The button interrupts what runs in the foreground, not the shell."""
    pane = programs.terminal(*SHELL)
    types(
        pane,
        "python3 -c 'import time; print(\"it sleeps\"); time.sleep(99)'\n",
    )
    shows(pane, re.compile(r"it sleeps\s*$"))
    press(pane, "Interrupt")

    shows(pane, "KeyboardInterrupt")
    types(pane, "echo $((6*7))\n")
    shows(pane, "42")


# --- full-screen programs, as tmux shows them


@HAS_TMUX
@needs("vim")
def test_vim(programs: Programs, tmp_path: Path) -> None:
    """It is drawn as in tmux, edits a file, and leaves the screen as it was."""
    path = tmp_path / "a file.txt"
    path.write_text(
        "".join(f"line {n} of a file, with 漢字 and ├─ lines\n" for n in range(60))
    )
    vim = ["vim", "--clean", "-n", str(path)]
    pane = programs.terminal(*SHELL, "-c", f"echo before; {shlex.join(vim)}; read -n1")
    shows(pane, "line 5 of")
    pane.locator("textarea").focus()  # a click moves the cursor
    for key in (":", *"set number", "Enter", *"10jdd", *"Goadded", "Escape", *"gg"):
        pane.page.keyboard.press("Space" if key == " " else key)
    shows(pane, re.compile("1 line 0"))

    twin = Tmux(tmp_path, (24, width(pane)), *vim[:3], str(copied(path)))
    twin.type(":set number", "Enter", "10jdd", "Goadded", "Escape", "gg")
    expect_same(pane, twin, but_last=True)

    pane.page.keyboard.type(":wq\n")
    shows(pane, "before")
    expect(pane.locator(".xterm-rows")).not_to_contain_text("line 5")
    assert "added" in path.read_text().splitlines()[-1]
    assert "line 10 of" not in path.read_text()


def copied(path: Path) -> Path:
    """Return a copy of a file, in a folder of its own so that it has the same name."""
    folder = path.parent / "twin"
    folder.mkdir()
    return Path(shutil.copy(path, folder / path.name))


def width(pane: Locator) -> int:
    """Return how many columns the terminal has, which a row of tabs does not tell."""
    return int(pane.locator(".ipyproc-terminal").evaluate("e => e.dataset.columns"))


def expect_same(pane: Locator, twin: Tmux, *, but_last: bool = False) -> None:
    """Wait until both show the same; *but_last*: the last row names the file."""
    end = -1 if but_last else None
    try:
        wait_for(pane.page, lambda: screen(pane)[:end] == twin.screen()[:end])
        assert screen(pane)[:end] == twin.screen()[:end]
    finally:
        twin.close()


def wait_for(page: Page, check: Callable[[], bool]) -> None:
    """Wait until *check* is true; a failure after a minute."""
    for _ in range(1200):
        if check():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come true")


@needs("vim")
def test_the_mouse(programs: Programs, tmp_path: Path) -> None:
    """A program that wants it gets it: a click moves the cursor, the wheel scrolls."""
    path = tmp_path / "file"
    path.write_text("".join(f"line {n}.\n" for n in range(200)))
    vim = ["vim", "--clean", "-n", "-c", "set mouse=a", str(path)]
    pane = programs.terminal(*vim)
    shows(pane, "line 20.")
    rows = pane.locator(".xterm-rows > div")
    box = rows.nth(6).bounding_box()
    assert box
    pane.page.mouse.click(box["x"] + 3, box["y"] + 5)
    pane.page.keyboard.type("Ahere")
    shows(pane, "line 6.here")
    pane.page.keyboard.press("Escape")
    pane.page.mouse.wheel(0, 500)
    expect(rows.first).not_to_have_text("line 0.")


def test_text_is_selected_and_scrolled_back(programs: Programs) -> None:
    """The wheel shows what was above, and a double click selects a word of it."""
    pane = programs.terminal(*SHELL)
    types(pane, "for n in $(seq 200); do echo word$n; done\n")
    shows(pane, "word200")
    while "word3" not in screen(pane):
        pane.page.mouse.wheel(0, -100)
    line = pane.locator(".xterm-rows > div", has_text=re.compile("^word3$"))
    box = line.bounding_box()
    assert box
    pane.page.mouse.dblclick(box["x"] + 5, box["y"] + 5)

    assert pane.page.evaluate(COPIED) == "word3"


@HAS_TMUX
@needs("less")
def test_less(programs: Programs, tmp_path: Path) -> None:
    """It scrolls both ways, searches, and is drawn as in tmux."""
    path = tmp_path / "file"
    path.write_text("".join(f"{n}: {'word ' * (n % 40)}\n" for n in range(500)))
    pane = programs.terminal("env", "LESS=", "less", str(path))
    shows(pane, "20: ")
    focus(pane)
    for key in ("Space", "Space", "k", "ArrowUp", "/", *"200:", "Enter", "b"):
        pane.page.keyboard.press(key)
    shows(pane, "199: ")

    twin = Tmux(tmp_path, (24, width(pane)), "env", "LESS=", "less", str(path))
    twin.type("Space", "Space", "k", "Up", "/", "200:", "Enter", "b")
    expect_same(pane, twin)


@needs("top")
def test_top(programs: Programs) -> None:
    """It draws each second, takes keys, and fills the screen."""
    pane = programs.terminal("top", "-d", "1")
    shows(pane, "load average")
    shows(pane, "PID USER")
    focus(pane)
    pane.page.keyboard.press("h")
    shows(pane, "Help for Interactive Commands")
    pane.page.keyboard.press("q")
    shows(pane, "load average")
    pane.page.keyboard.press("q")
    status(pane, "exit status 0")


# --- keys and the notebook


def test_the_notebooks_shortcuts_do_not_fire(programs: Programs, page: Page) -> None:
    """Each key is the program's; Shift-Escape goes back to the notebook."""
    pane = programs.terminal(sys.executable, "-c", KEYS)
    notebook = programs.notebook
    cells = len(notebook.saved()["cells"])
    focus(pane)
    for key in ("Escape", "a", "b", "d", "d", "Shift+Enter", "Control+s", "Control+b"):
        page.keyboard.press(key)
    for text in (r"b'\x1b'", "b'd'", r"b'\r'", r"b'\x13'", r"b'\x02'"):
        shows(pane, text)
    assert len(notebook.saved()["cells"]) == cells
    expect(pane.locator("textarea")).to_be_focused()

    page.keyboard.press("Shift+Escape")
    expect(pane.locator("textarea")).not_to_be_focused()
    page.keyboard.press("b")  # a cell below
    wait_for(page, lambda: len(notebook.saved()["cells"]) == cells + 1)


# --- much, and the file


def test_a_flood(programs: Programs) -> None:
    """The last screen is right, whatever came before."""
    pane = programs.terminal(*SHELL, "-c", FLOOD)

    shows(pane, "the end")
    text = [row for row in screen(pane) if row]
    assert text[-2:] == ["the end", "$"]
    assert set(text[1:-3]) == {"a line of a flood of lines"}


def test_the_library_is_in_no_file(programs: Programs) -> None:
    """A cell with a terminal is small, while it runs and afterwards."""
    pane = programs.terminal(*SHELL)
    types(pane, "echo $((6*7))\n")
    shows(pane, "42")
    assert len(str(programs.cell)) < 20_000
    types(pane, "exit\n")
    status(pane, "exit status 0")
    wait_for(pane.page, lambda: "exit status 0" in str(programs.cell))

    assert len(str(programs.cell)) < 20_000


# --- attach, reload, two pages


@needs("less")
def test_a_reload(terminals: Terminals, tmp_path: Path) -> None:
    """The page has the same screens again, and types nothing by itself."""
    path, log = tmp_path / "file", tmp_path / "log"
    path.write_text("".join(f"{n}: {'word ' * (n % 15)}\n" for n in range(20_000)))
    notebook = terminals(
        SHELL,
        ["env", "LESS=", "less", str(path)],
        [sys.executable, "-c", ASKS, str(log)],
    )
    shell, less = terminal(notebook), terminal(notebook, 1)
    types(shell, "for n in 1 2 3; do echo line $n; done\n")
    shows(shell, "line 3")
    page_through(less)
    asks = terminal(notebook, 2)
    shows(asks, "asking")
    wait_for(notebook.page, lambda: log.read_bytes().count(b"rgb:") == 1)
    assert b"\x1b[?1;2c" in log.read_bytes()  # it is new, so it is answered
    before, said = [screen(shell), screen(less)], log.read_bytes()
    reload(notebook)

    shell, less, asks = (pane_of(notebook.cell(n), f"job{n}") for n in range(3))
    shows(shell, "line 3")
    wait_for(notebook.page, lambda: screen(shell) == before[0])
    shows(less, "19010: ")
    # Not the last rows: while it draws for another size there is one row less.
    wait_for(notebook.page, lambda: screen(less)[:20] == before[1][:20])
    shows(becomes_terminal(asks), "asking")
    assert log.read_bytes() == said
    types(asks, "!")
    shows(asks, "heard")
    assert log.read_bytes().removeprefix(said) == b"\x1b[I!"
    types(asks, "%")
    wait_for(notebook.page, lambda: log.read_bytes().count(b"\x1b[0n") == 1)
    types(shell, "echo $((6*7))\n")
    shows(shell, "42")


def test_in_notebook_7(lab: Lab, browser: Browser) -> None:
    """It is a terminal there as well: keys, shortcuts, its size, and a reload."""
    name = "terminal-7.ipynb"
    start = f"%load_ext ipyproc\nimport ipyproc\nipyproc.spawn({SHELL}, pty=True)"
    cells = [new_code_cell(start), new_code_cell("")]
    metadata = {"kernelspec": {"name": "python3", "display_name": "python3"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), lab.root / name)
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        notebook = Notebook(page, lab, name, "Notebook 7")
        pane = becomes_terminal(pane_of(notebook.start(0), "bash"))
        rows, columns = size(pane)
        assert columns > 80
        assert rows >= 20
        types(pane, "echo $((6*7))a; xb\n")
        shows(pane, "xb: command not found")
        for key in ("Escape", "b", "d", "d", "Control+u"):
            page.keyboard.press(key)
        assert len(notebook.saved()["cells"]) == len(cells)
        types(pane, "clear; seq 3\n")
        wait_for(page, lambda: screen(pane)[2] == "3" and bool(screen(pane)[3]))
        before = screen(pane)
        assert before[:2] == ["1", "2"]
        reload(notebook)

        pane = becomes_terminal(pane_of(notebook.cell(0), "bash"))
        wait_for(page, lambda: screen(pane) == before)
        types(pane, "exit 3\n")
        status(pane, "exit status 3")
    lab.end_kernels()


def page_through(less: Locator) -> None:
    """Let it draw more than a page keeps, up to line 19000."""
    focus(less)
    less.page.keyboard.press("9")
    less.page.keyboard.press("g")
    for _ in range(3):  # each draws a screen for each of so many lines
        less.page.keyboard.type("3000j")
        shows(less, re.compile(r"\d{4}: "))
    # Another size, which a terminal gets that was not sent everything, ends a number.
    for _ in range(6):
        less.page.keyboard.type("19000g")
        with suppress(AssertionError):
            expect(less.locator(".xterm-rows")).to_contain_text("19010: ", timeout=5000)
            break


def test_two_pages(terminals: Terminals, lab: Lab, tmp_path: Path) -> None:
    """Both show the same; who has the keyboard decides the size, and answers."""
    log = tmp_path / "log"
    notebook = terminals(SHELL, [sys.executable, "-c", ASKS, str(log)])
    first, asks = terminal(notebook), terminal(notebook, 1)
    shows(asks, "asking")
    rows, columns = size(first)
    notebook.command("docmanager:save")
    other = notebook.page.context.new_page()
    other.set_viewport_size({"width": 800, "height": 700})
    try:
        there = Notebook(other, lab, "terminal.ipynb")
        second = pane_of(there.cell(0), "job0")
        shows(second, f"{rows} {columns}")
        assert width(second) == columns
        types(second, "echo $((6*7))\n")
        shows(first, "42")
        narrow = size(second)
        assert narrow[1] < columns
        expect(first.locator(".ipyproc-terminal")).to_have_attribute(
            "data-columns", str(narrow[1])
        )
        wait_for(other, lambda: screen(first) == screen(second))
        assert size(first) == (rows, columns)

        asked = pane_of(there.cell(1), "job1")
        types(asked, "%")
        types(asks, "%!")
        shows(asked, "heard")
        wait_for(other, lambda: log.read_bytes().count(b"\x1b[0n") >= 2)
        assert log.read_bytes().count(b"\x1b[0n") == 2
    finally:
        other.close()


# --- many, and a busy kernel


def test_many_panes(terminals: Terminals) -> None:
    """Fifty panes of which ten are terminals: each shows what is its own."""
    many = (
        "from IPython.display import display\n"
        "for n in range(50):\n"
        "    pty = n % 5 == 0\n"
        "    then = 'exec bash --norc' if pty else 'sleep 99'\n"
        "    argv = ['bash', '-c', f'echo pane {n}; {then}']\n"
        "    display(ipyproc.spawn(argv, pty=pty, name=f'p{n}'))"
    )
    notebook = terminals(many)
    cell = notebook.start(0)
    expect(cell.locator(".ipyproc-terminal:not([data-hidden])")).to_have_count(10)
    for number in (0, 25, 45):
        pane = pane_of(cell, f"p{number}")
        shows(pane, f"pane {number}")
        types(pane, f"echo $(({number} + 1000))\n")
        shows(pane, str(number + 1000))
    lines(pane_of(cell, "p49"), "pane 49")


@pytest.mark.parametrize("version", ["6.31.0", "7.1.0", "7.3.0", "current"])
def test_a_busy_kernel(terminals: Terminals, version: str) -> None:
    """Kill and keys act while a cell sleeps or waits; with ipykernel 6 they queue."""
    queues = version in QUEUES
    kernel = "python3" if version == "current" else f"ipykernel-{version}"
    waited = "%spawn --name waited sleep 99\n%procwait waited"
    notebook = terminals(SHELL, SLEEPER, BUSY, waited, kernel=kernel)
    shell = terminal(notebook)
    sleeper = pane_of(notebook.start(1), "sleeper")
    status(sleeper, "running")
    busy = notebook.start(2)
    expect(busy).to_contain_text("it sleeps")

    types(shell, "echo $((6*7))\n")
    press(sleeper, "Kill")
    if queues:
        expect(shell).to_contain_text("what you type is queued: the kernel is busy")
        expect(sleeper).to_contain_text("Kill is queued: the kernel is busy")
        status(sleeper, "running")
        notebook.command("notebook:interrupt-kernel")
    shows(shell, "42")
    status(sleeper, "signal: killed")
    expect(sleeper).not_to_contain_text("queued")
    if not queues:
        runs(busy)
        notebook.command("notebook:interrupt-kernel")
    done(busy)

    waits = notebook.start(3)
    pane = pane_of(waits, "waited")
    status(pane, "running")
    press(pane, "Kill")
    if queues:
        expect(pane).to_contain_text("Kill is queued: the kernel is busy")
        notebook.command("notebook:interrupt-kernel")
    status(pane, "signal: killed")
    done(waits)


# --- pictures


@pytest.mark.skipif(SCREENSHOTS not in os.environ, reason="no pictures are kept")
def test_pictures(terminals: Terminals, picture: Picture) -> None:
    """What it looks like, light and dark."""
    notebook = terminals(
        SHELL,
        ["top", "-d", "9"],
        ["vim", "--clean", "-n", os.__file__],
        [
            sys.executable,
            "-c",
            "for n in range(9): print(f'\\x1b[3{n % 8}mline\\x1b[0m {n}')",
        ],
    )
    for number in range(3):
        terminal(notebook, number)
    types(pane_of(notebook.page, "job0"), "ls --color -l / | head; git --version\n")
    status(pane_of(notebook.start(3), "job3"), "exit status 0")
    for theme in notebook.themes():
        for number in range(4):
            pane = pane_of(notebook.page, f"job{number}")
            pane.scroll_into_view_if_needed()
            picture(pane, f"terminal-{number}-{theme}")
