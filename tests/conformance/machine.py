"""What this machine can do, of what scenarios need."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.conformance.values import Json


def missing(scenario: Json) -> str:
    """Return a need of *scenario* that this machine does not meet, or nothing."""
    needs = scenario.get("needs") or []
    return next((need for need in needs if not _meets(need)), "")


@cache
def _meets(need: str) -> bool:
    if kernel := re.fullmatch(r"Linux >= (\d+)\.(\d+)", need):
        return _kernel() >= (int(kernel[1]), int(kernel[2]))
    return {
        # Go's answers as nobody say what a scenario does without its privileges.
        "root": lambda: True,
        "hard RLIMIT_CORE unlimited": _core_dumps,
        "kernel with ETXTBSY on exec": _busy_text,
        "Debian amd64 /bin/sh and libc": _debian_amd64,
        "cgroup2 mounted at /sys/fs/cgroup/unified": _unified,
    }[need]()


def _kernel() -> tuple[int, int]:
    major, minor = re.findall(r"\d+", platform.release())[:2]
    return int(major), int(minor)


def _core_dumps() -> bool:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    return hard == resource.RLIM_INFINITY and "/" not in pattern and pattern[0] != "|"


def _busy_text() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        program = shutil.copy("/bin/true", directory)
        with open(program, "ab"):
            try:
                subprocess.run([program], check=False)
            except OSError:
                return True
    return False


def _debian_amd64() -> bool:
    needed = ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")
    dash = os.path.realpath("/bin/sh").endswith("dash")
    return dash and all(map(os.path.exists, needed))


def _unified() -> bool:
    return os.path.exists("/sys/fs/cgroup/unified/cgroup.procs")
