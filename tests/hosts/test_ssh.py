"""Hosts behind a real sshd: login shells, what is refused, and what breaks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipyproc import PIPE, jobs, spawn
from ipyproc.errors import ExecError
from ipyproc.hosts import CommandHost, ssh
from tests.hosts import sshd
from tests.hosts.helpers import agents, gone_agents
from tests.jobs.helpers import PATIENCE, eventually, gone, until_printed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Server]:
    """A server that only these tests know."""
    with sshd.serving(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def login(
    server: sshd.Server, own_agent: Path, tmp_path: Path, made: list[CommandHost]
) -> CommandHost:
    """A host with a shell as most have it."""
    name = tmp_path.name
    server.shell(name, "bash", HOME=str(tmp_path), IPYPROC_RUNTIME_DIR=str(own_agent))
    made.append(server.host(name))
    return made[0]


@pytest.mark.parametrize(
    ("shell", "named"),
    [*((shell, False) for shell in sshd.SHELLS), ("csh", True)],
)
def test_a_login_shell(
    shell: str,
    named: bool,
    server: sshd.Server,
    own_agent: Path,
    tmp_path: Path,
    made: list[CommandHost],
) -> None:
    """Whatever it is, and whatever it prints before, jobs run and say what they do."""
    noise = "echo it is $HOME; echo noise 1>&2"
    for name in (".bashrc", ".cshrc", ".config/fish/config.fish"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{noise}\n")
    where = {"HOME": str(tmp_path), "IPYPROC_RUNTIME_DIR": str(own_agent)}
    server.shell(f"{shell}-{named}", shell, **where)
    python = sys.executable if named else None
    host = server.host(f"{shell}-{named}", python=python)
    made.append(host)
    said = subprocess.run(
        ["ssh", *server.options(f"{shell}-{named}"), host.name, "echo heard"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.endswith("heard\n")
    assert ("it is" in said.stdout) == (shell != "dash")

    job = spawn("echo out; echo err >&2; pwd; exit 3", shell=True, on=host)
    assert str(job.wait(PATIENCE)) == "exit status 3"
    assert (job.stdout.text, job.stderr.text) == (f"out\n{tmp_path}\n", "err\n")
    assert jobs[host.name, job.pid] is job
    assert spawn("true", on=host).wait(PATIENCE).success
    assert len(server.connections()) == 1


def test_what_ssh_says_is_in_the_error(
    server: sshd.Server, login: CommandHost, made: list[CommandHost], tmp_path: Path
) -> None:
    """An unknown host key, a key that is not accepted, a name that nobody has."""
    unknown = server.host(tmp_path.name, known=False)
    denied = server.host("host")
    nobody = ssh("nobody.invalid", options=["-F", "none"])
    for host, said in (
        (unknown, "Host key verification failed"),
        (denied, "Permission denied"),
        (nobody, "Could not resolve hostname"),
    ):
        made.append(host)
        text = f"^{host.name}: ssh {host.name}: exit status 255: [^\n]*{said}[^\n]*$"
        with pytest.raises(ConnectionError, match=text):
            spawn("true", on=host)


def test_no_python_that_is_new_enough(
    server: sshd.Server, own_agent: Path, tmp_path: Path, made: list[CommandHost]
) -> None:
    """One line says which ones there are."""
    (tmp_path / "python3").write_text("#!/bin/sh\necho 3.9.2\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    (tmp_path / "sh").symlink_to("/bin/sh")
    path = home = str(tmp_path)
    where = {"HOME": home, "PATH": path, "IPYPROC_RUNTIME_DIR": str(own_agent)}
    server.shell("old", "bash", **where)
    made.append(server.host("old"))

    text = "needs Python 3.11 or newer: python3 is 3.9.2"
    with pytest.raises(ConnectionError, match=re.escape(text) + "$"):
        spawn("true", on=made[0])
    (tmp_path / "python3").unlink()
    with pytest.raises(ConnectionError, match=r"there is none$"):
        spawn("true", on=made[0])
    wrong = server.host("old", python="/nope/python3")
    made.append(wrong)
    with pytest.raises(ConnectionError, match=r"/nope/python3"):
        spawn("true", on=wrong)


def test_a_login_that_is_no_shell(server: sshd.Server, made: list[CommandHost]) -> None:
    """What it says is in the error."""
    server.login("nologin", "echo This account is not available.; exit 1")
    made.append(server.host("nologin"))

    with pytest.raises(ConnectionError, match=r": exit status 1: "):
        spawn("true", on=made[0])


def test_a_connection_that_is_cut(
    server: sshd.Server, login: CommandHost, own_agent: Path
) -> None:
    """The job runs on, the session comes back, and nothing is lost or twice."""
    job = spawn(["cat"], stdin=PIPE, on=login)
    job.send("before\n")
    until_printed(job, "before")
    (served,) = server.connections()
    os.kill(served, signal.SIGKILL)
    job.send("after\n")
    until_printed(job, "after")

    assert job.stdout.text == "before\nafter\n"
    assert job.status == "running"
    assert len(agents(own_agent)) == 1
    job.close_stdin()
    assert job.wait(PATIENCE).success


CLIENT = """
import sys
from ipyproc import spawn
from ipyproc.hosts import ssh
host = ssh(sys.argv[1], options=sys.argv[2:])
job = spawn("setsid sleep 1000 & echo $!; exec sleep 1000", shell=True, on=host)
job.until(r"\\d+")
print(job.pid, job.stdout.text.strip(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", ["kill", "terminate", "communicate"])
def test_a_session_that_ends(
    server: sshd.Server, login: CommandHost, own_agent: Path, tmp_path: Path, end: str
) -> None:
    """However it ends, also by kill -9, its jobs there end at once."""
    options = server.options(tmp_path.name)
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, login.name, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert client.stdout
        pids = [int(word) for word in client.stdout.readline().split()]
        assert len(pids) == 2
        getattr(client, end)()
        assert gone(*pids)
        eventually(lambda: not server.connections())
        for agent in agents(own_agent):
            os.kill(agent, signal.SIGTERM)
        assert gone_agents(own_agent)
    finally:
        client.kill()
        client.communicate()


def test_there_is_no_ssh(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: list[CommandHost]
) -> None:
    """It is said as of any program that cannot be found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    made.append(ssh("gpu-3"))

    with pytest.raises(ExecError, match="ssh"):
        spawn("true", on=made[0])


def test_the_arguments_are_checked() -> None:
    """What can be no host is a TypeError or a ValueError that names the argument."""
    for destination in ("", "-oProxyCommand=evil", None, 3):
        with pytest.raises((TypeError, ValueError), match=r"destination|name"):
            ssh(destination)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="options"):
        ssh("gpu-3", options="-p 22")
    with pytest.raises(ValueError, match="lease"):
        ssh("gpu-3", lease=-1)
    assert ssh("gpu-3").name == "gpu-3"
