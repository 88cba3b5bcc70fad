"""Packages of the distribution that tests need, where there is a right to install."""

from __future__ import annotations

import os
import shutil
import subprocess


def may_install() -> bool:
    """Whether we can install a package."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> None:
    """Install packages; ``CalledProcessError`` if that fails."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends"]):
        names = packages if step[0] == "install" else ()
        apt = ["apt-get", "-qq", *step, *names]
        subprocess.run(apt, env=environment, stdin=subprocess.DEVNULL, check=True)
