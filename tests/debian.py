"""Packages of the distribution that tests need, where there is a right to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence


def ensure(packages: Sequence[str], what: str, otherwise: str) -> str | None:
    """Install packages that are missing, which are *what* is needed.

    Returns what to do if that is not possible, *otherwise*; else None.
    """
    if not packages:
        return None
    if os.geteuid() or not shutil.which("apt-get"):
        return otherwise
    print(f"{what}: installing Debian's {', '.join(packages)}", flush=True)
    try:
        _install(packages)
    except subprocess.CalledProcessError as error:
        return f"{otherwise}\n({error})"
    return None


def _install(packages: Sequence[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends"]):
        names = packages if step[0] == "install" else ()
        apt = ["apt-get", "-qq", *step, *names]
        subprocess.run(apt, env=environment, stdin=subprocess.DEVNULL, check=True)
