"""Older ipykernels beside the one of this environment; as a program: install them.

They treat interrupts, restarts and clicks differently, and people have them. Each lies
in a folder of its own that a kernel finds first when PYTHONPATH starts with it; all
else is the environment's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path


def _parts(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


_OURS = metadata.version("ipykernel")
#: The last of 6; the first and the last of 7 whose messages go by way of sub-shells.
#: Only what is older than the one of this environment can do with the rest of it.
OLDER = [v for v in ("6.31.0", "7.1.0", "7.3.0") if _parts(v) < _parts(_OURS)]
#: This environment's, and the one that differs most from it, if there is one.
EXTREMES = [None, *OLDER[:1]]
LAUNCH = (sys.executable, "-m", "ipykernel_launcher", "-f")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-qq")
FOLDER = Path(sys.prefix) / "ipykernels"


def environment(version: str) -> dict[str, str]:
    """Return what the environment of a kernel of this *version* has besides."""
    folder = FOLDER / version
    if not folder.is_dir():
        raise FileNotFoundError(f"no ipykernel {version}: run make ipykernels")
    before = os.environ.get("PYTHONPATH")
    path = [str(folder), *([before] if before else [])]
    return {"PYTHONPATH": os.pathsep.join(path)}


def write_specs(home: Path) -> None:
    """Let a Jupyter server with this home offer each, as ``ipykernel-VERSION``."""
    for version in OLDER:
        folder = home / f".local/share/jupyter/kernels/ipykernel-{version}"
        folder.mkdir(parents=True)
        spec = {
            "argv": [*LAUNCH, "{connection_file}"],
            "display_name": f"ipykernel {version}",
            "language": "python",
            "env": environment(version),
        }
        (folder / "kernel.json").write_text(json.dumps(spec))


def _install(version: str) -> None:
    target = ["--no-deps", "--target", str(FOLDER / version)]
    subprocess.run([*PIP, *target, f"ipykernel=={version}"], check=True)


def main() -> None:
    """Install those that are missing."""
    for version in OLDER:
        if not (FOLDER / version).is_dir():
            print(f"ipykernel {version}, for the tests", flush=True)
            _install(version)


if __name__ == "__main__":
    main()
