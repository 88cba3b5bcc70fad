"""The READMEs are true: their code runs, and what they name exists and is complete."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ipyproc.magics.help import MAGICS
from tests.kernel.fixtures import Kernel
from tests.readme import BROKEN, CHINESE, ENGLISH, ROOT, blocks, headings, prose

READMES = [ENGLISH, CHINESE]
LANGUAGES = {"python", "sh"}
#: What a reader does after the third cell, in which a program asks for a name.
TYPED = """
jobs["hello"].send("Ada\\n")
print(jobs["hello"].wait(60), jobs["hello"].stdout.lines())
"""
#: How the peers of the comparison start a process that sleeps.
STARTS = {
    "bash": "%%bash --bg\nsleep {}",
    "subprocess": "import subprocess; p = subprocess.Popen(['sleep', '{}'])",
    "ipyproc": "import ipyproc; job = ipyproc.spawn(['sleep', '{}'])",
    "!": "!sleep {}",
}
#: Which of them end with what.
ENDS = {"interrupt": {"bash", "subprocess", "!"}, "kill -9": {"ipyproc", "!"}}
_SECONDS = 1_000_000 + 10 * os.getpid()
SLEEPERS = {str(_SECONDS + number) for number in range(len(STARTS))}
PROMISED = re.compile(r"print\(.*\)\s+# (.+)")
PATH = re.compile(r"\]\(([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"")
OPTION = re.compile(r"--[a-z-]+")
MOST_OF_A_PICTURE = 150 << 10

each_readme = pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
def test_the_code_runs_and_prints_what_it_says(kernel: Kernel) -> None:
    """The blocks run one after the other, and print what their comments say."""
    kernel.run("from ipyproc import jobs")
    replies = {}
    for number, block in enumerate(blocks(ENGLISH, "python")):
        replies[block] = kernel.run(block.source, as_user=True)
        if number == 2:
            typed = kernel.run(TYPED)

    errors = [(block.line, reply.error) for block, reply in replies.items()]
    assert [(line, error) for line, error in errors if error] == []
    for block, reply in replies.items():
        printed = iter(reply.stdout.splitlines())
        missing = [it for it in PROMISED.findall(block.source) if it not in printed]
        assert (block.line, missing) == (block.line, [])
    assert typed.stdout == "exit status 0 ['Your name? Hello, Ada!']\n"
    ended = list(replies.values())[4]
    assert ended.result == "signal: killed"


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
@pytest.mark.parametrize("how", ENDS)
def test_what_is_said_of_the_peers_is_true(
    how: str, new_kernel: Callable[[], Kernel]
) -> None:
    """An interrupt and the kernel's death end the processes that the table says."""
    kernel = new_kernel()
    for number, start in enumerate(STARTS.values()):
        kernel.start(start.format(_SECONDS + number))  # the last one does not come back
    found = _wait_for(lambda them: len(them) == len(STARTS))

    if how == "interrupt":
        kernel.interrupt()
    else:
        os.kill(kernel.pid, signal.SIGKILL)

    gone = {it for it, name in zip(found, STARTS, strict=True) if name in ENDS[how]}
    left = _wait_for(lambda them: not gone & {*them})
    assert {*left} == {*found} - gone
    for process in left:
        process.kill()


def _wait_for(
    enough: Callable[[list[psutil.Process]], bool],
) -> list[psutil.Process]:
    """Return the sleepers in the order of their starts, once there are enough."""
    deadline = time.monotonic() + 60
    while not enough(found := _sleepers()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert enough(found), found
    return found


def _sleepers() -> list[psutil.Process]:
    found = {}
    for process in psutil.process_iter(["cmdline", "status"]):
        words, status = process.info["cmdline"] or [], process.info["status"]
        if words[:1] == ["sleep"] and words[-1] in SLEEPERS and status != "zombie":
            found[words[-1]] = process
    return [found[name] for name in sorted(found)]


def test_code_promises_something() -> None:
    """Some blocks say what they print, so that the test above can fail."""
    promised = [PROMISED.findall(block.source) for block in blocks(ENGLISH, "python")]

    assert len([line for lines in promised for line in lines]) >= 7


@each_readme
def test_blocks_are_of_languages_that_are_tested(path: Path) -> None:
    """There is no block of code that no test runs."""
    assert {block.language for block in blocks(path)} == LANGUAGES


def test_both_languages_have_the_same_code() -> None:
    """The blocks of the two READMEs are equal but for comments in shell blocks."""
    english, chinese = (
        [(b.language, _uncommented(b.source, b.language)) for b in blocks(path)]
        for path in READMES
    )

    assert chinese == english


def test_both_languages_have_the_same_structure() -> None:
    """The READMEs have the same headings, rows of tables, and names in code."""
    english, chinese = (
        (headings(path), _rows(path), sorted(_code_in_prose(path))) for path in READMES
    )

    assert chinese == english


def _uncommented(source: str, language: str) -> str:
    return re.sub(r"\s+# .*", "", source) if language == "sh" else source


def _rows(path: Path) -> list[int]:
    """Count the columns of each row of a table."""
    return [
        line.count("|") for line in prose(path).splitlines() if line.startswith("|")
    ]


def _code_in_prose(path: Path) -> set[str]:
    return set(re.findall(r"`([^`]+)`", prose(path)))


def test_chinese_paragraphs_are_one_line() -> None:
    """A Chinese paragraph is one line, because a line's end would show as a gap."""
    assert [it.start() for it in BROKEN.finditer(prose(CHINESE))] == []


@each_readme
def test_what_is_linked_is_there(path: Path) -> None:
    """Links and pictures are files of the repository, and pictures are small."""
    found = {one or other for one, other in PATH.findall(prose(path))}

    assert {name for name in found if not (ROOT / name).exists()} == set()
    pictures = {name for name in found if name.endswith((".png", ".webp"))}
    assert pictures >= {"notebooks/pictures/pane-dark.png"}
    assert {
        name for name in pictures if (ROOT / name).stat().st_size > MOST_OF_A_PICTURE
    } == set()


def test_every_picture_is_shown() -> None:
    """The README shows every picture, in both themes."""
    there = {path.name for path in (ROOT / "notebooks/pictures").iterdir()}

    shown = {Path(one or other).name for one, other in PATH.findall(prose(ENGLISH))}
    assert there == {name for name in shown if name.endswith((".png", ".webp"))}
    light = {name.replace("-light", "") for name in there if "-light" in name}
    dark = {name.replace("-dark", "") for name in there if "-dark" in name}
    assert light == dark


@pytest.mark.parametrize(
    "line",
    [
        line.partition("#")[0].strip()
        for block in blocks(ENGLISH, "sh")
        for line in block.source.splitlines()
    ],
)
def test_commands_exist(line: str) -> None:
    """Every line of a shell block is a target that make help lists."""
    program, target = line.split()
    assert program == "make"

    run = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True)
    told = subprocess.check_output(["make", "help"], cwd=ROOT, text=True)
    assert run.returncode == 0, run.stderr
    assert re.search(rf"^make {target} ", told, re.M)


@each_readme
def test_what_is_said_of_make_and_pip_is_true(path: Path) -> None:
    """The targets and extras that the prose names exist."""
    targets = set(re.findall(r"`make ([a-z-]+)`", prose(path)))
    extras = set(re.findall(r"'\.\[(\w+)\]'", prose(path)))

    makefile = (ROOT / "Makefile").read_text()
    assert {it for it in targets if not re.search(rf"^{it}:.*##", makefile, re.M)} == (
        set()
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert extras <= {*project["optional-dependencies"]}
    assert extras == {"lab"}


@each_readme
def test_the_options_are_those_there_are(path: Path) -> None:
    """The tables list each option of each magic, and no other."""
    told = {option for row in _magics(path) for option in OPTION.findall(row)}

    assert told == {name for grammar in MAGICS for name in grammar.options}


def _magics(path: Path) -> Iterator[str]:
    """Yield the rows about magics and their options."""
    for line in prose(path).splitlines():
        if line.startswith(("| `%", "| `--")):
            yield line


@each_readme
def test_every_magic_is_told(path: Path) -> None:
    """Each magic has a row that begins with its name."""
    rows = "\n".join(_magics(path))

    assert [it.magic for it in MAGICS if f"| `{it.magic}" not in rows] == []


@each_readme
def test_nothing_of_this_machine_is_told(path: Path) -> None:
    """The text has no address but of files beside it, and no path of a machine."""
    text = path.read_text()

    assert re.findall(r"https?://\S+|/(?:home|root|work|tmp)\b", text) == []
