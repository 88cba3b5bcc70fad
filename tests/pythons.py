"""Further Pythons for `make matrix`; as a program: print their names, or find one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

NAME = re.compile(r"python3\.(\d+)")
#: The minor version of the lowest Python, which `make test-floors` uses.
FLOOR = 11


def names() -> list[str]:
    """Return the names of newer Pythons than the floor that are in the PATH and start.

    The Python that runs the tests already is left out.
    """
    folders = (Path(folder) for folder in os.get_exec_path() if folder)
    files = (path.name for folder in folders for path in folder.glob("python3.*"))
    found = {int(match[1]) for file in files if (match := NAME.fullmatch(file))}
    minors = sorted(found - {*range(FLOOR + 1), sys.version_info.minor})
    return [name for minor in minors if find(name := f"python3.{minor}")]


def find(name: str) -> str | None:
    """Return the path of this Python, or None if there is none that starts."""
    # A shim of pyenv refuses to start a version that nobody selected.
    environment = os.environ | {"PYENV_VERSION": name.removeprefix("python")}
    ask = [name, "-c", "import sys; print(sys.executable)"]
    try:
        run = subprocess.run(ask, env=environment, capture_output=True, text=True)
    except OSError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def main() -> str | None:
    """Print the names, or the path of the one named; return what is wrong, or None."""
    if not sys.argv[1:]:
        print(*names())
        return None
    (name,) = sys.argv[1:]
    path = find(name)
    print(path or "")
    return None if path else f"no {name} in the PATH starts"


if __name__ == "__main__":
    sys.exit(main())
