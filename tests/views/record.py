"""Record what real programs print, and what a real terminal shows of it.

Each recording is a vector, as in ``vectors.json``: bytes as they came through a pipe or
a terminal of 80 columns, and the picture that tmux draws of them, as an independent
judge. It has to be looked at before it is committed. To record again::

    python -m tests.views.record [NAME...]

Everything runs in ``/tmp/x``, in an environment of its own that names nobody, and
nothing leaves the machine: what is downloaded comes from a server of this program.
That is why nothing has to be taken out of a recording afterwards.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import termios
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path

Run = tuple[str, str]
Lines = list[list[Run]]

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "children"
RECORDINGS = HERE / "recordings"
FOLDER = Path("/tmp/x")
PORT = 8000
SIZE = (24, 80)
LARGEST = 20_000

#: What is run, in a shell; those that end in ``-terminal`` have a terminal.
COMMANDS = {
    "curl": "curl -o data http://127.0.0.1:8000/data",
    "curl-bar": "curl -# -o data http://127.0.0.1:8000/data",
    "curl-terminal": "curl -# -o data http://127.0.0.1:8000/data",
    "gcc": "gcc -fdiagnostics-color=always -Wall -c fault.c",
    "gcc-links-terminal": "gcc -fdiagnostics-urls=always -Wall -c fault.c",
    "git-clone": "git clone --no-local --progress repository clone",
    "git-clone-terminal": "git clone --no-local repository clone",
    "git-diff-terminal": "git -C repository --no-pager diff --color-words @~ -- text",
    "git-fetch-terminal": "git -C behind fetch",
    "ls": "ls --color=always -go --time-style=+ things",
    "ls-terminal": "ls --color things",
    "npm": "npm install --color=always",
    "npm-terminal": "npm install",
    "npm-error-terminal": "npm install nothing-of-this-name",
    "pip": "{python} -m pip install --target=t --progress-bar=on demo",
    "pip-terminal": "{python} -m pip install --target=t demo",
    "rich": "FORCE_COLOR=1 {python} rich_table.py",
    "rich-terminal": "{python} rich_table.py",
    "tqdm": "{python} tqdm_nested.py",
    "tqdm-terminal": "{python} tqdm_nested.py",
}
ENVIRONMENT = {
    "COLUMNS": "80",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": str(FOLDER),
    "LANG": "C.UTF-8",
    "LS_COLORS": "di=01;34:ln=01;36:ex=01;32:pi=40;33:*.gz=01;31:*.png=38;5;13",
    "PATH": os.defpath,
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_INDEX_URL": f"http://127.0.0.1:{PORT}/simple",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "TERM": "xterm-256color",
    "npm_config_audit": "false",
    "npm_config_fetch_retries": "0",
    "npm_config_logs_max": "0",
    "npm_config_registry": f"http://127.0.0.1:{PORT}/npm/",
    "npm_config_update_notifier": "false",
}
SETTING = """
mkdir things things/folder && cd things && ln -s folder link && mkfifo fifo
touch run archive.tar.gz picture.png 'with blank' && chmod +x run && cd ..
git init -q repository && cd repository
git config user.name x && git config user.email x@x
for n in $(seq 400); do echo "file $n" > file-$n; done
printf 'one word\\ntwo words\\n' > text
git add . && git commit -qm first && cd .. && git clone -q repository behind
cd repository && printf 'one world\\ntwo words\\nthree words\\n' > text
for n in $(seq 200); do echo more > more-$n; done
git add . && git commit -qm second && git tag v1.0 && cd ..
mkdir part && echo '{"name": "part", "version": "1.0.0"}' > part/package.json
echo '{"dependencies": {"part": "file:part"}}' > package.json
"""


def main(names: list[str]) -> None:
    """Record these, or all."""
    for name in names or COMMANDS:
        with _folder(), _server():
            data = _record(name)
        _write(name, data, picture(data))


def _record(name: str) -> bytes:
    command = COMMANDS[name].format(python=sys.executable)
    run = _on_terminal if name.endswith("-terminal") else _through_pipe
    return run(command)


def _through_pipe(command: str) -> bytes:
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=FOLDER,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.stdout


def _on_terminal(command: str) -> bytes:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, SIZE)
    process = subprocess.Popen(
        ["setsid", "--ctty", "sh", "-c", command],
        cwd=FOLDER,
        env=ENVIRONMENT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    data = b""
    with suppress(OSError):  # EIO is the end
        while piece := os.read(ours, 65536):
            data += piece
    os.close(ours)
    process.wait()
    return data


@contextmanager
def _folder() -> Iterator[None]:
    """Make the folder in which everything happens."""
    FOLDER.mkdir()
    try:
        for program in ("fault.c", "rich_table.py", "tqdm_nested.py"):
            shutil.copy(PROGRAMS / program, FOLDER)
        shell = ["sh", "-ec", SETTING]
        subprocess.run(shell, cwd=FOLDER, env=ENVIRONMENT, check=True)
        yield
    finally:
        shutil.rmtree(FOLDER)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Gives a package, slowly, and an index in which there is nothing else."""

    WHEEL = "demo-1.0-py3-none-any.whl"
    ANSWERS = {  # noqa: RUF012 - nobody changes it
        "/data": ("application/octet-stream", lambda: bytes(600_000)),
        f"/{WHEEL}": ("application/zip", lambda: _wheel()),
        "/simple/demo/": (
            "text/html",
            lambda: f"<a href=/{_Handler.WHEEL}>{_Handler.WHEEL}</a>".encode(),
        ),
    }

    def do_GET(self) -> None:
        """Answer."""
        kind, answer = self.ANSWERS.get(self.path, ("text/plain", None))
        body = answer() if answer else b"not found"
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(0, len(body), 100_000):
            self.wfile.write(body[at : at + 100_000])
            time.sleep(0.15)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _wheel() -> bytes:
    path = FOLDER / "demo.whl"
    info = "demo-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("demo.bin", bytes(600_000))
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path.read_bytes()


@contextmanager
def _server() -> Iterator[None]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", PORT), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def picture(data: bytes) -> Lines:
    """Return what tmux shows of *data*: its lines, each as runs of text and look."""
    pen: dict[str, str] = {}
    lines = [_runs(line, pen) for line in _captured(data)]
    while lines and not lines[-1]:
        lines.pop()
    for address, text in _LINK.findall(data):  # tmux knows none before 3.4
        lines = _linked(lines, _PLAIN.sub("", text.decode()), address.decode())
    return lines


def _captured(data: bytes) -> list[str]:
    """Show *data* in a tmux of its own, which is large enough for all of it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder, "output")
        path.write_bytes(data)
        tmux = ["tmux", "-S", f"{folder}/socket", "-f", os.devnull]
        show = f"cat {path}; {shlex.join(tmux)} wait-for -S shown; sleep 60"
        window = [*tmux, "new-session", "-d", "-x500", "-y900", show]
        try:
            subprocess.run(window, check=True)
            subprocess.run([*tmux, "wait-for", "shown"], check=True)
            capture = [*tmux, "capture-pane", "-p", "-e", "-N"]
            return subprocess.check_output(capture, text=True).splitlines()
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)


_FLAGS = {"1": "bold", "2": "dim", "3": "italic", "4": "underline", "7": "inverse"}
_FLAGS["9"] = "strike"
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_PLAIN = re.compile(r"\x1b\[[\d;]*[mK]")
# Links elsewhere are no links to us.
_LINK = re.compile(rb"\x1b\]8;[^;]*;(https?:[^\x07\x1b]+)(?:\x07|\x1b\\)(.*?)\x1b\]8;;")


def _runs(line: str, pen: dict[str, str]) -> list[Run]:
    """Split a line that tmux wrote; blanks at its end are not seen.

    *pen* is what is written with, over all lines.
    """
    cells: list[tuple[str, str]] = []
    first, *rest = _SGR.split(line)
    for codes, text in zip([None, *rest[::2]], [first, *rest[1::2]], strict=True):
        if codes is not None:
            _obey(pen, codes.split(";"))
        look = " ".join(pen[key] for key in (*_FLAGS, "fg", "bg") if key in pen)
        cells += [(char, look) for char in text]
    while cells and cells[-1] == (" ", ""):
        cells.pop()
    runs = groupby(cells, lambda cell: cell[1])
    return [("".join(char for char, _ in run), look) for look, run in runs]


def _obey(pen: dict[str, str], codes: list[str]) -> None:
    """Change what is written with, as the codes of one sequence say."""
    while codes:
        code = codes.pop(0) or "0"
        if code == "0":
            pen.clear()
        elif code in ("38", "48"):
            ground = "fg" if code == "38" else "bg"
            if codes.pop(0) == "5":
                pen[ground] = f"{ground}={codes.pop(0)}"
            else:
                red, green, blue = (int(codes.pop(0)) for _ in range(3))
                pen[ground] = f"{ground}=#{red:02x}{green:02x}{blue:02x}"
        elif code in _FLAGS:
            pen[code] = _FLAGS[code]
        elif code in ("39", "49"):
            pen.pop("fg" if code == "39" else "bg", None)
        else:
            number = int(code)
            ground = "fg" if number // 10 in (3, 9) else "bg"
            pen[ground] = f"{ground}={number % 10 + 8 * (number >= 90)}"


def _linked(lines: Lines, text: str, address: str) -> Lines:
    """Link the first *text* of one look that has no link yet."""
    for line in lines:
        for at, (whole, look) in enumerate(line):
            if text in whole and "link=" not in look:
                before, _, after = whole.partition(text)
                link = (text, f"{look} link={address}".strip())
                parts = [(before, look), link, (after, look)]
                line[at : at + 1] = [part for part in parts if part[0]]
                return lines
    raise ValueError(f"{text!r} is not there to be linked")


def _write(name: str, data: bytes, lines: Lines) -> None:
    found = {"name": name, "command": COMMANDS[name], "output": data.decode()}
    head = json.dumps(found, indent=1, ensure_ascii=False)[:-2]
    rows = ",\n".join(f"  {json.dumps(line, ensure_ascii=False)}" for line in lines)
    text = f'{head},\n "lines": [\n{rows}\n ]\n}}\n'
    if len(text.encode()) > LARGEST:
        raise ValueError(f"{name}: {len(text.encode())} bytes are too many")
    RECORDINGS.joinpath(f"{name}.json").write_text(text, "utf-8")
    print(f"{name}: {len(data)} bytes, {len(lines)} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
