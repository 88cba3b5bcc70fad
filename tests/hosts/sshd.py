"""A real sshd on this machine; run as a program, it makes sure that there is one.

Each login has a key of its own, which says what shell and what home it gets: nothing of
the machine is changed, and no user is made.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ipyproc.hosts import CommandHost, ssh
from tests import debian
from tests.jobs.helpers import eventually

#: Login shells that differ in how they read a command, and the packages they are in.
SHELLS = {"bash": "bash", "dash": "dash", "fish": "fish", "csh": "tcsh"}
HELP = (
    "The tests of hosts.ssh need sshd, fish and csh. Install them (Debian: apt-get "
    "install openssh-server fish tcsh)"
)
_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Banner {folder}/banner
SetEnv SHLVL=2
MaxStartups 100
"""


def path() -> str | None:
    """Return the path of sshd."""
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@dataclass
class Server:
    """A server that runs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    address: str = "127.0.0.1"

    def login(self, name: str, command: str) -> None:
        """Let the key *name* run *command*, whatever is asked for."""
        _key(self.folder / name)
        public = (self.folder / f"{name}.pub").read_text()
        quoted = command.replace("\\", "\\\\").replace('"', '\\"')
        with open(self.folder / "authorized", "a") as file:
            file.write(f'command="{quoted}" {public}')

    def shell(self, name: str, shell: str, **env: str) -> None:
        """Let the key *name* have a login *shell*, in an environment of its own."""
        found = shutil.which(shell)
        assert found, HELP
        words = shlex.join(f"{key}={value}" for key, value in env.items())
        # bash reads ~/.bashrc if sshd started it, and nothing else in between. The
        # user's own shell, which runs this first, is not to: see SHLVL above.
        run = f'exec env -u SHLVL {words} {found} -c "$SSH_ORIGINAL_COMMAND"'
        self.login(name, run)

    def options(self, name: str, known: bool = True) -> list[str]:
        """Return the options with which ssh uses the key *name*, and only that."""
        options = {
            "Port": str(self.port),
            "IdentityFile": str(self.folder / name),
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self.folder / "known") if known else os.devnull,
            "GlobalKnownHostsFile": os.devnull,
        }
        pairs = [f"{key}={value}" for key, value in options.items()]
        return ["-F", "none", *(word for pair in pairs for word in ("-o", pair))]

    def host(self, name: str, *, known: bool = True, **options: object) -> CommandHost:
        """Return the host that the key *name* leads to."""
        user = pwd.getpwuid(os.geteuid()).pw_name
        return ssh(
            f"{user}@{self.address}",
            options=self.options(name, known),
            **options,  # type: ignore[arg-type]
        )

    def connections(self) -> list[int]:
        """Return the pids of the processes that serve a connection each."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in children.split()]


@contextmanager
def serving(
    folder: Path, address: str = "127.0.0.1", through: Sequence[str] = ()
) -> Iterator[Server]:
    """Run a server on a free port until the block ends.

    *through* is a command that runs it where it has the *address*.
    """
    program = path()
    assert program, HELP
    _key(folder / "host")
    (folder / "authorized").touch()
    (folder / "banner").write_text("Authorised use only\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it insists on that
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = (folder / "host.pub").read_text()
    (folder / "known").write_text(f"[{address}]:{port} {public}")
    config = folder / "config"
    config.write_text(_CONFIG.format(port=port, folder=folder, address=address))
    log = open(folder / "log", "wb")  # noqa: SIM115 - closed below
    words = [*through, program, "-D", "-e", "-f", config]
    process = subprocess.Popen(words, stderr=log)
    try:
        eventually(lambda: process.poll() is not None or _answers(address, port))
        assert process.poll() is None, (folder / "log").read_text()
        yield Server(folder, port, process, address)
    finally:
        process.terminate()
        process.wait()
        log.close()


def _answers(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port)):
        return True
    return False


def _key(path: Path) -> None:
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)


def main() -> str | None:
    """Make sure that there are a server and the shells; return what is missing."""
    missing = [name for name in SHELLS if not shutil.which(name)]
    packages = [SHELLS[name] for name in missing]
    if not path():
        packages.append("openssh-server")
    if not shutil.which("ssh"):
        packages.append("openssh-client")
    return debian.ensure(packages, "sshd and shells, for tests", HELP)


if __name__ == "__main__":
    sys.exit(main())
