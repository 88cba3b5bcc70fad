"""A scope of the user's systemd: what runs in it outlives the service of a kernel."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import Final

from ipyproc._jobs.procinfo.ender import can_leave

#: How long a systemd may take to answer, and the program to start, in seconds.
PATIENCE: Final = 10.0
# What is delegated goes on when the kernel kills one of its processes for want of
# memory (OOMPolicy in systemd.scope(5), which older versions do not let us set).
_OPTIONS: Final = ("--user", "--scope", "--quiet", "--collect", "--property=Delegate=1")


def words() -> list[str]:
    """Return what makes a command run in such a scope, if it is put before its words.

    Empty where nothing would be gained, or the user has no systemd that answers.
    """
    # Whatever the environment of this session says.
    folder = f"/run/user/{os.geteuid()}"
    program = shutil.which("systemd-run")
    has_socket = os.path.exists(f"{folder}/systemd/private")
    if program is None or not has_socket or not can_leave():
        return []
    unit = f"--unit=ipyproc-agent-{secrets.token_hex(4)}"
    options = [*_OPTIONS, unit, "--description=Detached jobs of ipyproc", "--"]
    return ["env", f"XDG_RUNTIME_DIR={folder}", program, *options]
