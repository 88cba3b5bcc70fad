"""Where the browser is; run as a program, it makes sure that there is one.

Playwright would download its own browser. The distribution's is enough, gets its
security updates, and comes from the server that the machine's packages come from.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests import debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HELP = (
    "The browser tests need Chromium and found none. Install it (Debian: apt-get "
    "install chromium) or name one: CHROMIUM=/path/to/chromium make test"
)
#: What is installed: also what is shown in terminals, and what judges them.
PACKAGES = (
    "chromium",
    "fonts-dejavu-core",
    "gdb",
    "htop",
    "less",
    "procps",
    "tmux",
    "vim",
)


def find() -> str | None:
    """Return the path of Chromium: ``$CHROMIUM``, or what is in the PATH, or None."""
    named = os.environ.get("CHROMIUM")
    found = [shutil.which(name) for name in ([named] if named else NAMES)]
    return next((path for path in found if path and _starts(path)), None)


def _starts(path: str) -> bool:
    """Whether it runs: on some systems it is a stub that only names a package."""
    run = subprocess.run([path, "--version"], capture_output=True)
    return run.returncode == 0


def main() -> str | None:
    """Make sure that there is a browser; return why there is none, or None."""
    if find():
        return None
    if os.environ.get("CHROMIUM"):
        return HELP
    if said := debian.ensure(PACKAGES, "Chromium, for the browser tests", HELP):
        return said
    return None if find() else HELP


if __name__ == "__main__":
    sys.exit(main())
