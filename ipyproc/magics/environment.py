"""The environment of a job that ``%spawn`` starts: whose Python, and whose colours."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ipyproc.magics.parsing import Part, Word, home

#: What ipykernel sets for itself, whatever the user had, so that what is printed into a
#: cell is coloured and waits for no pager.
_IPYKERNELS = {
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "TERM": "xterm-color",
}
#: What makes Python print at once, here and elsewhere.
UNBUFFERED: Final = {"PYTHONUNBUFFERED": "1"}
# Directories of the system's programs: to search them first would hide the user's own.
_SYSTEM = ("/usr/bin", "/bin")
_PYTHONS = ("python", "python3")
# A home directory at the beginning of a value, as in a shell's assignment, and later.
_HOME = re.compile(r"(?:^|(?<=:))~[^/:]*")
_LATER_HOME = re.compile(r"(?<=:)~[^/:]*")


def assigned(
    words: Iterable[Word], clear: bool, is_here: bool = True
) -> dict[str, str]:
    """Return the variables that ``K=V`` words set; ``$K`` in a value is the job's own.

    ``K`` by itself has our value. *clear*: whether the job inherits no variables. If
    not *is_here* those are not known, nor are the home directories.
    """
    known = dict(os.environ) if is_here and not clear else {}
    added = {}
    for word in words:
        key, equals, _ = word.text.partition("=")
        if not equals:
            added[key] = known[key] = os.environ[key]
            continue
        value = word.removeprefix(f"{key}=")
        added[key] = known[key] = "".join(_values(value.parts, known, is_here))
    return added


def defaults(given: Collection[str]) -> dict[str, str]:
    """Return what a job gets beside what it inherits and what the user has *given*.

    Python prints at once, and ``python`` is the one of this process.
    """
    added = {k: v for k, v in UNBUFFERED.items() if k not in os.environ}
    if "PATH" not in given:
        added |= _own_python()
    return {key: value for key, value in added.items() if key not in given}


def ipykernels() -> list[str]:
    """List the inherited variables that have the values that ipykernel gives them.

    They ask for colours, which are right in a pane, and wrong in a file or a variable.
    """
    return [key for key, value in _IPYKERNELS.items() if os.environ.get(key) == value]


def _own_python() -> dict[str, str]:
    """Return what makes ``python`` this process's own, if another is found first."""
    programs = os.path.join(sys.prefix, "bin")
    path = os.environ.get("PATH", "")
    if programs in _SYSTEM or not _is_hidden(Path(programs), path):
        return {}
    return {"PATH": os.pathsep.join(filter(None, [programs, path]))} | _activation()


def _is_hidden(programs: Path, path: str) -> bool:
    """Whether a Python of *programs* is not what its name finds in *path*."""
    for name in _PYTHONS:
        found = shutil.which(name, path=path)
        if not os.access(programs / name, os.X_OK):
            continue
        if found is None or not os.path.samefile(os.path.dirname(found), programs):
            return True
    return False


def _activation() -> dict[str, str]:
    """Return the variables by which tools know of an environment, as activating does.

    One that names another environment is set to nothing.
    """
    is_conda = os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
    kinds = {
        "VIRTUAL_ENV": sys.prefix if sys.prefix != sys.base_prefix else "",
        "CONDA_PREFIX": sys.prefix if is_conda else "",
    }
    return {key: own for key, own in kinds.items() if os.environ.get(key, "") != own}


def _values(
    parts: Iterable[Part], known: Mapping[str, str], is_here: bool
) -> Iterator[str]:
    begins = True
    for part in parts:
        if is_here and part.is_literal and not part.name:
            pattern = _HOME if begins else _LATER_HOME
            yield pattern.sub(lambda found: home(found[0]), part.text)
        else:
            yield known.get(part.name, part.text)
        begins = False
