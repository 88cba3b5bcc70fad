"""Real programs on a terminal of ours: what their pane becomes, and what it shows."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import Job, ProcessDoneError, spawn
from ipyproc.views import JobView
from ipyproc.views.terminal.emulator import Emulator
from ipyproc.views.transport.terminal import TerminalFeed
from tests.jobs.helpers import PATIENCE, eventually
from tests.readme import ROOT
from tests.views.test_terminal_picture import rows

pytestmark = pytest.mark.slow

ROWS, COLUMNS = 24, 60
CHILDREN = ROOT / "tests/children"

#: What becomes a terminal: the words, and keys that are pressed; FILE is a long text.
TERMINALS = {
    "bash": (
        ["bash", "--norc"],
        [
            "for n in 1 2 3; do echo line $n; done\r",
            "ls --color /\r",
            "abc\x1b[D\x1b[DX",
        ],
    ),
    "gdb": (
        ["gdb", "-q", "-nx", "python3"],
        ["print 6 * 7\r", "info line main\r", "show version\r", "q"],
    ),
    "htop": (["htop", "--delay=100"], ["t", "\x1b[B", "\x1b[B", "h"]),
    "less": (["env", "LESS=", "less", "FILE"], [" ", " ", "k", "/line 7\r", "b"]),
    "python": (
        ["python3", "-q"],
        ["6 * 7\r", "[n for n in range(99)]\r", "print('a\\tb')\r"],
    ),
    "top": (["top", "-n", "2", "-d", "0.2"], []),
    "vim": (
        ["vim", "--clean", "-n", "FILE"],
        ["10jdd", "ione\rtwo\x1b", ":set nu\r", "\x04", "\x15", "yyp", ":2,5d\r"],
    ),
    "vim left": (["vim", "--clean", "-n", "FILE"], ["10jdd", ":q!\r"]),
}
#: What stays a log, whatever it draws on its last lines.
PIP = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--target=here"]
LOGS = {
    "git clone": ["git", "clone", "--no-local", "repository", "clone"],
    "nested tqdm": [sys.executable, str(CHILDREN / "tqdm_nested.py")],
    "pip": [*PIP, "--index-url=URL/simple", "demo"],
    "rich": [sys.executable, str(CHILDREN / "rich_table.py")],
}
# With the system's files of packages replaced by copies, which nobody else sees.
APT = """
mount -t tmpfs none /opt && mkdir copy log cache
cp -a /var/lib/dpkg copy && mount --bind copy/dpkg /var/lib/dpkg
mount --bind log /var/log && mkdir /var/log/apt
mount --bind cache /var/cache/apt && mkdir -p /var/cache/apt/archives/partial
exec apt-get install -y -o Dpkg::Progress-Fancy=1 ./gopher.deb
"""
CONTROL = """\
Package: gopher-of-a-test
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: a file
"""


class Seen:
    """A program on a terminal, and whether its pane has become one."""

    def __init__(self, argv: list[str], folder: Path) -> None:
        self.job: Job = spawn(argv, pty=(ROWS, COLUMNS), dir=folder)
        self._feed = TerminalFeed(self.job)
        self._unsubscribe = self.job.subscribe(lambda _: self._feed.look())

    @property
    def is_terminal(self) -> bool:
        """Whether it is shown as one."""
        return self._feed.is_shown

    def press(self, keys: str) -> None:
        """Press keys, once the program reads them, and wait until it prints."""
        terminal = self.job.terminal
        assert terminal
        # Before that it may drop what was typed.
        eventually(lambda: terminal.reads_keys)
        before = self.job.stdout.total
        self.job.send(keys)
        eventually(lambda: self.job.stdout.total > before)

    def end(self) -> bytes:
        """End it, and return what it printed until then.

        More may come at its end: what is compared is one recording.
        """
        eventually(lambda: "\ufffd" not in self.job.stdout.text)
        data = self.job.stdout.bytes
        with suppress(ProcessDoneError):
            self.job.kill()
        self.job.wait()
        self._unsubscribe()
        return data


def by_tmux(data: bytes, folder: Path) -> list[str]:
    """Return what tmux shows."""
    (folder / "data").write_bytes(data)
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
    told = " ".join([*tmux, "wait-for", "-S", "shown"])
    show = f"stty raw -echo; cat {folder}/data; {told}; sleep 60"
    begin = ["new-session", "-d", f"-x{COLUMNS}", f"-y{ROWS}", "sleep 60"]
    options = ["set", "-g", "status", "off"]
    words = [*tmux, *begin, ";", *options, ";", "new-window", show]
    subprocess.run(words, check=True)
    try:
        subprocess.run([*tmux, "wait-for", "shown"], check=True, timeout=PATIENCE)
        shown = subprocess.run(
            [*tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True
        )
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
    return [row.rstrip() for row in shown.stdout.split("\n")[:-1]]


def by_us(data: bytes) -> list[str]:
    """Return what is saved of the screen."""
    emulator = Emulator(ROWS, COLUMNS)
    emulator.feed(data.decode())
    return rows(emulator)


needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="there is no tmux")


@needs_tmux
@pytest.mark.parametrize("name", TERMINALS)
def test_what_becomes_a_terminal(name: str, tmp_path: Path) -> None:
    """Its screen is that of tmux, while it runs and after its end."""
    argv, keys = TERMINALS[name]
    if not shutil.which(argv[-2] if argv[0] == "env" else argv[0]):
        pytest.skip(f"there is no {argv[0]}")
    (tmp_path / "file").write_text(
        "".join(f"line {n} of a file, {'word ' * (n % 20)}├─ 漢字\n" for n in range(99))
    )
    seen = Seen(["file" if word == "FILE" else word for word in argv], tmp_path)
    for key in keys:
        seen.press(key)
    if not keys:
        seen.job.wait(PATIENCE)
    eventually(lambda: seen.is_terminal)
    data = seen.end()

    assert by_us(data) == by_tmux(data, tmp_path)


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[str]:
    """A repository, and an index of packages; the latter's address."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for number in range(200):
        (folder / f"file {number}").write_text(f"{number}\n" * number)
    ours = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*ours, *words], cwd=folder, check=True)
    index = tmp_path / "simple/demo"
    index.mkdir(parents=True)
    wheel = "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(index / wheel, "w") as archive:
        archive.writestr("demo/data", os.urandom(1 << 21))
        metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
        archive.writestr("demo-1.0.dist-info/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("demo-1.0.dist-info/WHEEL", tags)
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    (index / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of what was asked for."""


@needs_tmux
@pytest.mark.parametrize("name", LOGS)
def test_what_stays_a_log(name: str, prepared: str, tmp_path: Path) -> None:
    """Its bars and colours are those that tmux shows."""
    argv = [word.replace("URL", prepared) for word in LOGS[name]]
    seen = Seen(argv, tmp_path)
    state = seen.job.wait(PATIENCE)
    eventually(lambda: seen.job.finished)

    assert state.success, seen.job.stdout.text
    assert b"\r" in seen.job.stdout.bytes.replace(b"\r\n", b"")
    assert not seen.is_terminal
    data = seen.end()
    assert by_us(data) == by_tmux(data, tmp_path)


@needs_tmux
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("apt-get"), reason="needs root and apt-get"
)
def test_apt(tmp_path: Path) -> None:
    """Its bar stays on the last row, below a region that scrolls."""
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("no namespace of mounts can be made")
    package = tmp_path / "package"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN/control").write_text(CONTROL)
    (package / "opt").mkdir()
    (package / "opt/gopher").write_text("hello\n")
    make = ["dpkg-deb", "--build", str(package), str(tmp_path / "gopher.deb")]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    seen = Seen(["unshare", "--mount", "sh", "-ec", APT], tmp_path)
    state = seen.job.wait(PATIENCE)
    eventually(lambda: seen.job.finished)

    assert state.success, seen.job.stdout.text
    assert b"Progress: [" in seen.job.stdout.bytes
    assert not seen.is_terminal
    data = seen.end()
    assert by_us(data) == by_tmux(data, tmp_path)
    assert not Path("/opt/gopher").exists()


@pytest.mark.skipif(not shutil.which("vim"), reason="there is no vim")
def test_what_is_saved_of_vim(tmp_path: Path) -> None:
    """The screen before it and after it, and what it drew only if it was killed."""
    (tmp_path / "file").write_text("text of a file\n")
    script = "echo before; vim --clean -n file; echo after"
    seen = Seen(["sh", "-c", script], tmp_path)
    seen.press(":q\r")
    seen.job.wait(PATIENCE)
    view = JobView(seen.job)
    text, page = view.static().values()
    view.close()

    assert "before\nafter" in text
    assert "text of a file" not in text + page
