"""A user's systemd of a test's own; run as a program, it sees to it that there is one.

It has a /run of its own, so that it does not meet the one of this machine, and a cgroup
that is named as that of a user's systemd. That takes root.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests import debian
from tests.jobs.helpers import PATIENCE, eventually

HELP = (
    "The tests of a scope of its own need systemd, which need not run. Install it "
    "(Debian: apt-get install systemd)"
)
# Where the kernel shows what systemd uses: alone, beside others, or the older kind.
_HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
_BEGIN = """\
set -e
mount -t tmpfs tmpfs /run
mkdir -m 755 -p /run/systemd/system /run/user
mkdir -m 700 "$XDG_RUNTIME_DIR"
for folder in "$@"; do echo $$ > "$folder/cgroup.procs"; done
exec "$SYSTEMD" --user --log-target=console
"""


def path() -> str | None:
    """Return the path of systemd."""
    folders = f"{os.environ['PATH']}:/usr/lib/systemd:/lib/systemd"
    return shutil.which("systemd", path=folders)


@dataclass
class Systemd:
    """A user's systemd that runs."""

    pid: int
    #: Its cgroups.
    folders: Sequence[Path]
    environment: dict[str, str]

    def run(self, *words: str) -> str:
        """Run a command that meets it; return what it prints."""
        inside = ["nsenter", f"--target={self.pid}", "--mount", f"--wd={os.getcwd()}"]
        done = subprocess.run(
            [*inside, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert not done.returncode, done.stderr
        return done.stdout

    def begin(self, unit: str, *words: str) -> None:
        """Run a command as a service."""
        self.run("systemd-run", "--user", "--quiet", f"--unit={unit}", *words)

    def beside(self, *words: str) -> str:
        """Run a command in its cgroup, but not as a unit; return what it prints."""
        enter = 'for f in $CGROUPS; do echo $$ > "$f/cgroup.procs"; done; exec "$@"'
        cgroups = " ".join(map(str, self.folders))
        return self.run("env", f"CGROUPS={cgroups}", "sh", "-c", enter, "sh", *words)


@contextmanager
def systemd(folder: Path) -> Iterator[Systemd]:
    """Start one whose files are in *folder*; end it with all that it runs."""
    program, name = path(), f"ipyproc-{uuid.uuid4().hex[:8]}"
    assert program, HELP
    folders = [Path(each, name, "user@0.service") for each in _hierarchies()]
    runtime = f"/run/user/{os.geteuid()}"
    env = {
        **os.environ,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": runtime,
        "SYSTEMD": program,
    }
    env.pop("DBUS_SESSION_BUS_ADDRESS", None)
    with (folder / "log").open("wb") as log:
        try:
            for each in folders:
                each.mkdir(parents=True)
            words = ["unshare", "--mount", "sh", "-c", _BEGIN, "sh", *folders]
            process = subprocess.Popen(words, env=env, stdout=log, stderr=log)
            try:
                ready = Path(f"/proc/{process.pid}/root{runtime}/systemd/private")
                eventually(ready.exists)
                yield Systemd(process.pid, folders, env)
            finally:
                process.kill()
                process.wait()
        finally:
            for each in folders:
                _remove(each.parent)


def _hierarchies() -> list[str]:
    """List the folders of the cgroups that systemd uses here."""
    have = [each for each in _HIERARCHIES if os.path.exists(f"{each}/cgroup.procs")]
    return have[:1] if have[:1] == [_HIERARCHIES[0]] else have


def _remove(folder: Path) -> None:
    """Kill what is left in a cgroup and below, and remove it."""
    for each, _, _ in os.walk(folder, topdown=False):
        eventually(partial(_is_removed, Path(each)))


def _is_removed(folder: Path) -> bool:
    """Whether a cgroup is gone, which it is once all that was killed is reaped."""
    for pid in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _main() -> None:
    # Without root its tests do not run.
    packages = [] if path() or os.geteuid() else ["systemd"]
    sys.exit(debian.ensure(packages, "systemd, for the tests", HELP))


if __name__ == "__main__":
    _main()
