"""jupyter-collaboration beside this environment; as a program: install it.

With it a JupyterLab shares its documents, which other tests must not have to do. It
lies in a folder of its own that a server finds if it is told.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(sys.prefix) / "collaboration"
#: It and what it needs that JupyterLab does not.
PACKAGES = (
    "jupyter-collaboration>=5,<6",
    "jupyter-collaboration-ui",
    "jupyter-docprovider",
    "jupyter-server-fileid",
    "jupyter-server-ydoc",
    "jupyter-ydoc",
    "pycrdt",
    "pycrdt-store",
    "pycrdt-websocket",
    "sqlite-anyio",
)
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-qq")


def environment() -> dict[str, str]:
    """Return what the environment of a server that has it has besides."""
    return {
        "PYTHONPATH": str(FOLDER),
        "JUPYTER_PATH": str(FOLDER / "share/jupyter"),
        "JUPYTER_CONFIG_PATH": str(FOLDER / "etc/jupyter"),
    }


def main() -> None:
    """Install it, if it is missing."""
    if not FOLDER.is_dir():
        print("jupyter-collaboration, for the tests", flush=True)
        target = ["--no-deps", "--target", str(FOLDER)]
        subprocess.run([*PIP, *target, *PACKAGES], check=True)


if __name__ == "__main__":
    main()
