"""Random lines and bodies of ``%spawn``, and what they are read as."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from random import Random
from tempfile import TemporaryDirectory

from IPython.core.error import UsageError

from ipyproc.magics.cell import Command, User, join_continued, read_command
from ipyproc.magics.expansion import Expansion
from ipyproc.magics.help import SPAWN
from ipyproc.magics.options import HelpRequested
from ipyproc.magics.parsing import Words
from tests.magics.lines import VARIABLES

PIECES = [
    *("a", "b c", "show", "-x", "--", "--name", "--env", "A=1", "A=$HOME", "--shell"),
    *("--script", "--expand", "--check", "--out", "--help", "-h", "--nmae", "--dir=~"),
    *("--until", "--until-port", "--within", "(", "[a-z", "80", "99999"),
    *("'", '"', "\\", "\\\n", "\n", "\n  ", " ", "\t", "\r\n", "#", " # c ", "\\;"),
    *("{", "}", "{{", "}}", "{n}", "{n", "{n:>{width}}", "{name!r}", "{files}", "{m}"),
    *("$", "$$", "$n", "${n}", "${", "$m", "$files", "$_hidden", "$(", "`", "$'a'"),
    *("@", "@@", "@files", "@command", "@nosuch", "@d", "|", "||", "&", ";", ">", "2>"),
    *("~", "~/x", "~root/", "~nosuch", "*", "?", "[a]", "é", "☃", "\x00", "\x1b[m"),
    *("\u202e", "\ud800", "=", ":", "{1/0}", "{n.x}", "{'", '{"', "{d['k']}", "!", "%"),
]
#: Pieces that mean the same in bash, in lines that are not refused.
SHELL_PIECES = [
    *("a", "b c", "-x", "A=1", "'", "'", '"', '"', "\\", "\\\n", " ", "  ", "\t", "#"),
    *(" # c", "\\;", "$%", "é", "=", ":", "%", ".", "/", "+", "^", "]"),
    *("{}", "}", "${n}", '"$word"', "  |", "| ", "; ", "  &", "  >", "  <"),
]
# Each command is one line of the script.
_ESCAPED = re.compile(r"\\.", re.DOTALL)
# Within a word ours leaves them alone, and bash does not.
_OPERATORS = re.compile(r"[|&;<>]")


def random_text(random: Random, pieces: list[str], longest: int = 12) -> str:
    """A text of some pieces."""
    return "".join(random.choices(pieces, k=random.randrange(longest)))


def read(
    line: str, body: str | None, variables: Mapping[str, object] = VARIABLES
) -> Command | str:
    """What a line and a body are read as, or the reason why they are refused."""
    user = User(variables, Expansion(variables))
    try:
        line, body = join_continued(line, body)
        options, words = SPAWN.parse_command(line, user.expansion)
        return read_command(options, words, body, user, lambda _: "/script")
    except HelpRequested:
        return "help"
    except UsageError as error:
        return str(error)


def read_at_random(random: Random, times: int) -> None:
    """Read random lines and bodies: each is a command, or refused in one line."""
    for _ in range(times):
        line = random_text(random, PIECES)
        body = random.choice([None, random_text(random, PIECES)])
        found = read(line, body)
        if isinstance(found, str):
            assert "\n" not in found, (line, body)
            assert found, (line, body)
        else:
            assert found.argv, (line, body)


def compare_with_bash(random: Random, times: int) -> int:
    """Compare the words of random lines with those of bash; return how many."""
    lines = [f"show {random_text(random, SHELL_PIECES)}" for _ in range(times)]
    ours = [read(line, None) for line in lines]
    accepted = [
        (line, found.argv)
        for line, found in zip(lines, ours, strict=True)
        if isinstance(found, Command) and _is_comparable(line)
    ]
    show = 'show() { printf "%s\\0" show "$@"; printf "\\1"; }; n=3; word=w\n'
    script = show + "".join(f"{line}\n" for line, _ in accepted)
    with TemporaryDirectory() as folder:  # bash may write files, whatever we think
        out = subprocess.run(
            ["bash"],
            cwd=folder,
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
    theirs = [part.split("\0")[:-1] for part in out.stdout.split("\1")[:-1]]
    for (line, argv), words in zip(accepted, theirs, strict=False):
        assert argv == words, repr(line)
    assert len(theirs) == len(accepted), out.stderr
    return len(accepted)


def _is_comparable(line: str) -> bool:
    if "\n" in _ESCAPED.sub("", line) or ("#" in line and "\n" in line):
        return False  # there are two commands, or there may be
    parts = [part for word in Words(line) for part in word.parts]
    return not any(part.is_literal and _OPERATORS.search(part.text) for part in parts)
