"""What a user types behind ``%spawn``, and what arrives at the program."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from ipyproc import jobs
from ipyproc.magics.expansion import as_text
from tests.kernel.fixtures import Kernel
from tests.magics.lines import (
    BODIES,
    LIKE_BASH,
    OURS,
    REFUSED,
    REFUSED_BODIES,
    VARIABLES,
    VERBATIM,
)
from tests.magics.random_lines import compare_with_bash, read, read_at_random
from tests.readme import CHINESE, ENGLISH, ROOT, blocks
from tests.trials import dice

READMES = [ENGLISH, CHINESE]
#: Prints the arguments that it gets.
SHOW = """#!/bin/sh
for argument; do printf '%s\\0' "$argument"; done
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, a home that is not there, and ``show`` in PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/show").write_text(SHOW)
    (tmp_path / "bin/show").chmod(0o755)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "empty"


@pytest.fixture
def arrives(ip: InteractiveShell, folder: Path) -> None:
    """The user has the variables of the table."""
    ip.push(VARIABLES)


def arguments(job_output: str) -> list[str]:
    """The arguments that ``show`` printed."""
    return job_output.split("\0")[:-1]


@pytest.mark.parametrize(("line", "words"), [*LIKE_BASH, *OURS])
@pytest.mark.usefixtures("arrives")
def test_a_line_arrives(ip: InteractiveShell, line: str, words: list[str]) -> None:
    """The words after the program are what the table says."""
    job = ip.run_line_magic("spawn", f"--check --quiet show {line}")

    assert arguments(job.stdout.text) == words


def test_bash_does_the_same(folder: Path) -> None:
    """What the table says of bash is what bash does."""
    variables = {name: as_text(value) for name, value in VARIABLES.items()}
    env = {name: text for name, text in variables.items() if text is not None}
    env |= {"HOME": "/home/u", "PATH": os.environ["PATH"]}
    different = []
    for line, words in LIKE_BASH:
        if "\r" not in line:
            script = f"show {line}\n"
            got = subprocess.check_output(["bash", "-c", script], env=env, text=True)
            different += [(line, arguments(got))] * (arguments(got) != words)

    assert different == []


@pytest.mark.parametrize(("line", "reason"), REFUSED)
@pytest.mark.usefixtures("arrives")
def test_a_line_is_refused(ip: InteractiveShell, line: str, reason: str) -> None:
    """A mistake is one line that names the way out, and nothing is started."""
    with pytest.raises(UsageError, match=f"^{re.escape(reason)}[^\n]*$"):
        ip.run_line_magic("spawn", f"show {line}")

    assert not [*jobs]


@pytest.mark.parametrize(("body", "words"), BODIES)
@pytest.mark.usefixtures("arrives")
def test_a_body_is_the_command(
    ip: InteractiveShell, body: str, words: list[str]
) -> None:
    """A body without a command on the line is one command, over indented lines."""
    job = ip.run_cell_magic("spawn", "--check --quiet --no-stdin", body)

    assert arguments(job.stdout.text) == words


@pytest.mark.parametrize(("body", "reason"), REFUSED_BODIES)
@pytest.mark.usefixtures("arrives")
def test_a_body_is_refused(ip: InteractiveShell, body: str, reason: str) -> None:
    """What is not one command is one line that names the way out."""
    with pytest.raises(UsageError, match=f"^{re.escape(reason)}[^\n]*$"):
        ip.run_cell_magic("spawn", "", body)

    assert not [*jobs]


@pytest.mark.parametrize("body", VERBATIM)
@pytest.mark.usefixtures("arrives")
def test_input_arrives_byte_for_byte(ip: InteractiveShell, body: str) -> None:
    """Nothing in a body that is input is replaced."""
    ran = ip.run_cell_magic("spawn", "--check --quiet cat", body)

    assert ran.stdout.bytes == body.encode()


@pytest.mark.parametrize("body", VERBATIM)
@pytest.mark.usefixtures("arrives")
def test_a_script_arrives_byte_for_byte(ip: InteractiveShell, body: str) -> None:
    """Nothing in a script is replaced."""
    quoted = f"cat <<'END OF IT'\n{body}\nEND OF IT\n"
    ran = ip.run_cell_magic("spawn", "--check --quiet --shell", quoted)

    assert ran.stdout.bytes == f"{body}\n".encode()


def test_the_table_is_long() -> None:
    """There are at least 200 lines and bodies."""
    tables = [LIKE_BASH, OURS, REFUSED, BODIES, REFUSED_BODIES, VERBATIM]

    assert sum(map(len, tables)) >= 200


def test_random_lines_are_answered() -> None:
    """Any line and body is a command, or is refused in one line."""
    read_at_random(dice("lines"), 500)


def test_random_lines_are_split_as_bash_does_it() -> None:
    """What is not refused is split as bash splits it."""
    assert compare_with_bash(dice("bash"), 500) > 50


def spawn_cells() -> list[str]:
    """The cells of the READMEs and the notebooks that start a job by a magic."""
    cells = [block.source for path in READMES for block in blocks(path, "python")]
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        notebook = json.loads(path.read_text())
        cells += ["".join(cell["source"]) for cell in notebook["cells"]]
    return [cell for cell in dict.fromkeys(cells) if re.match(r"%%?spawn ", cell)]


@pytest.mark.parametrize("cell", spawn_cells())
def test_names_of_the_user_change_no_cell_of_ours(cell: str) -> None:
    """What our own cells start is the same if every name in them is a variable."""
    line, _, body = cell.partition("\n")
    _, _, line = line.partition(" ")
    user = dict.fromkeys(re.findall(r"[^\W\d]\w*", cell), "replaced")
    ours = body if cell.startswith("%%") else None

    assert read(line, ours, user) == read(line, ours, {})


#: Defines what tells of the last job what it was started with, and ends it.
SEEN = """
def _seen():
    from ipyproc import jobs
    job = jobs.last
    try:
        job.kill()
    except ProcessLookupError:
        pass  # it has ended
    return job.argv, job._request.stdin, job._request.script, dict(job._request.env)
"""


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
@pytest.mark.parametrize("cell", spawn_cells())
def test_names_of_the_user_change_no_cell_in_a_kernel(
    kernel: Kernel, cell: str
) -> None:
    """In a kernel, too, a cell of ours starts the same if all its names are taken."""
    kernel.run(SEEN)
    names = sorted(set(re.findall(r"[^\W\d]\w*", cell)))

    first = kernel.run(cell)
    plain = kernel.run("_seen()").result
    kernel.run(f"get_ipython().push(dict.fromkeys({names}, 'replaced'))")
    again = kernel.run(cell)
    taken = kernel.run("_seen()").result
    kernel.run(f"get_ipython().drop_by_id(dict.fromkeys({names}, 'replaced'))")

    assert (first.error, again.error) == (None, None)
    assert plain == taken is not None


def test_there_are_cells_of_ours() -> None:
    """The READMEs and the notebooks have lines, input and scripts."""
    assert len(spawn_cells()) >= 6
