"""Hosts that a command leads to: which Python, what is sent, what means what there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import ipyproc
from ipyproc import NoHandleError, PathError, SysProcAttr, jobs, spawn
from ipyproc._agent import bundle
from ipyproc.errors import ExecError, ProcessDoneError
from ipyproc.hosts import CommandHost, command
from tests.hosts.helpers import agents, bare, relays
from tests.jobs.helpers import PATIENCE, eventually, script, until

ROOT = Path(ipyproc.__file__).parents[1]


def test_a_job_on_a_host(host: CommandHost) -> None:
    """It has what a job has, and says where it runs."""
    job = spawn("echo out; echo err >&2; exit 3", shell=True, on=host, name="it")

    assert str(job.wait(PATIENCE)) == "exit status 3"
    assert (job.stdout.text, job.stderr.text) == ("out\n", "err\n")
    assert job.host is host
    assert job.host.name == "there"
    assert job.pid > 0
    assert jobs["there", job.pid] is job
    assert ("there", job.pid) in jobs
    assert job.pid not in jobs
    assert 0 < job.elapsed < PATIENCE


def test_there_is_no_handle_on_a_far_process(host: CommandHost) -> None:
    """Its pid means nothing here, so that there is no Process of it."""
    job = spawn(["sleep", "1000"], on=host)

    with pytest.raises(NoHandleError, match=r"^os: process handle unavailable$"):
        _ = job.process
    assert job.kill() == 1


def test_a_job_here_is_on_this_machine() -> None:
    """The host of a job here has a name, too."""
    job = spawn("true")
    job.wait(PATIENCE)

    assert job.host.name == "localhost"
    assert jobs["localhost", job.pid] is job


def test_errors_are_those_of_here(host: CommandHost, tmp_path: Path) -> None:
    """What cannot be started raises the same there as here, class and text."""
    file = tmp_path / "file"
    file.write_text("")
    for argv, options in [
        (["nope-nope"], {}),
        (["/nope/nope"], {}),
        ([str(file)], {}),
        (["true"], {"dir": "/nope"}),
        (["true"], {"dir": str(file)}),
        (["true"], {"stdout": Path("/nope/out")}),
        (["true"], {"stdin": Path("/nope/in")}),
        (["true"], {"sys": SysProcAttr(chroot="/nope")}),
        (["./there"], {"dir": str(tmp_path)}),
    ]:
        with pytest.raises(OSError, match=r".") as here:
            spawn(argv, **options)  # type: ignore[arg-type]
        with pytest.raises(OSError, match=r".") as there:
            spawn(argv, on=host, **options)  # type: ignore[arg-type]
        assert str(there.value) == str(here.value)
        assert type(there.value) is type(here.value)
        assert there.value.errno == here.value.errno


def test_what_makes_sense_here_only_is_refused(host: CommandHost) -> None:
    """Open files and descriptors do not travel, and say so before anything starts."""
    with open(os.devnull) as file:
        for options in (
            {"stdin": file},
            {"stdout": file},
            {"stderr": file.fileno()},
            {"sys": SysProcAttr(use_cgroup_fd=True, cgroup_fd=file.fileno())},
        ):
            with pytest.raises(TypeError):
                spawn("true", on=host, **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="on: expected a host, not str"):
        spawn("true", on="there")  # type: ignore[arg-type]


def test_paths_are_the_hosts(own_agent: Path, tmp_path: Path, made: list) -> None:
    """The home, ``~`` and relative paths are those of the other side."""
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    host = bare(own_agent, HOME=str(home))
    made.append(host)

    def pwd(**options: object) -> str:
        job = spawn("pwd", on=host, **options)  # type: ignore[arg-type]
        job.wait(PATIENCE)
        return job.stdout.text.strip()

    assert pwd() == str(home)
    assert pwd(dir="~/sub") == str(home / "sub")
    assert pwd(dir="sub") == str(home / "sub")
    job = spawn("echo x", on=host, stdout=Path("~/out"))
    job.wait(PATIENCE)
    assert (home / "out").read_text() == "x\n"


def test_the_environment_is_the_hosts(
    own_agent: Path, monkeypatch: pytest.MonkeyPatch, made: list
) -> None:
    """It is what the command gives, and what is added; nothing of this session's."""
    monkeypatch.setenv("OF_HERE", "1")
    host = bare(own_agent, OF_THERE="2")
    made.append(host)
    job = spawn("env", on=host, env={"ADDED": "3"})
    job.wait(PATIENCE)
    env = dict(line.split("=", 1) for line in job.stdout.lines())

    assert (env["OF_THERE"], env["ADDED"]) == ("2", "3")
    assert "OF_HERE" not in env
    # Another connection to the same agent has an environment of its own.
    other = bare(own_agent, OF_THERE="4")
    made.append(other)
    job = spawn(["printenv", "OF_THERE"], on=other)
    job.wait(PATIENCE)
    assert job.stdout.text == "4\n"
    assert len(agents(own_agent)) == 1


def test_the_shell_is_the_hosts(own_agent: Path, tmp_path: Path, made: list) -> None:
    """Whether there is a bash is asked there; a long script arrives whole."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    # What PATH has as python3 may be a script for bash.
    (binaries / "python3").symlink_to(os.path.realpath(sys.executable))
    for name in ("sh", "wc", "env"):
        found = shutil.which(name)
        assert found
        (binaries / name).symlink_to(os.path.realpath(found))
    host = bare(own_agent, PATH=str(binaries))
    made.append(host)

    job = spawn('echo "$0 ${BASH_VERSION:-none}"', shell=True, on=host)
    job.wait(PATIENCE)
    assert job.stdout.text == "sh none\n"
    job = spawn(f"echo start; : {'x' * 200_000}; echo end", shell=True, on=host)
    assert job.wait(PATIENCE).success
    assert job.stdout.text == "start\nend\n"


def test_a_file_for_the_input_is_read_here(host: CommandHost, tmp_path: Path) -> None:
    """A path for the standard input is one of this machine, and is sent."""
    data = os.urandom(1_000_000)
    (tmp_path / "in").write_bytes(data)
    job = spawn(["cat"], stdin=tmp_path / "in", on=host)

    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    assert job.stdout.bytes == data


def test_much_output_is_fetched(host: CommandHost) -> None:
    """All that was printed can be read, also what never came by itself."""
    job = spawn(["seq", "1000000"], on=host)
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    want = "".join(f"{i}\n" for i in range(1, 1_000_001))

    assert job.stdout.total == len(want)
    assert job.stdout.in_memory < 2 << 20
    assert job.stdout.text == want
    assert job.stdout[3_000_000:3_000_010] == want[3_000_000:3_000_010].encode()


def test_python_that_is_named(own_agent: Path, tmp_path: Path, made: list) -> None:
    """``python=`` names the one to use, and what is wrong with it is said."""
    link = tmp_path / "mine"
    link.symlink_to(os.path.realpath(sys.executable))
    host = command("named", bare(own_agent).argv, python=str(link))
    made.append(host)
    assert spawn("true", on=host).wait(PATIENCE).success
    (agent,) = agents(own_agent)
    assert Path(f"/proc/{agent}/cmdline").read_bytes().startswith(os.fsencode(link))

    wrong = command("wrong", bare(own_agent).argv, python="/nope/python3")
    made.append(wrong)
    with pytest.raises(ConnectionError, match=r"^wrong: env -i .*: exit status 127"):
        spawn("true", on=wrong)


def test_a_named_python_that_is_too_old(
    own_agent: Path, tmp_path: Path, made: list
) -> None:
    """It is said which one it is, and how old."""
    old = tmp_path / "old"
    run = "import sys; sys.version_info = (3, 9, 2, 'final', 0); exec(sys.argv.pop(1))"
    old.write_text(f'#!/bin/sh\nshift 4; exec {sys.executable} -c "{run}" "$@"\n')
    old.chmod(0o755)
    host = command("aged", bare(own_agent).argv, python=str(old))
    made.append(host)

    with pytest.raises(
        ConnectionError, match=r"^aged needs Python 3.11 .* is 3\.9\.2$"
    ):
        spawn("true", on=host)


def test_a_python_of_another_version(
    lone_host: CommandHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where our compiled code is of no use, the source is sent and compiled there."""
    monkeypatch.setattr(bundle, "MAGIC_NUMBER", b"another")
    job = spawn(["sh", "-c", "echo hello; exit 3"], on=lone_host)

    assert str(job.wait(PATIENCE)) == "exit status 3"
    assert job.stdout.text == "hello\n"


def test_no_python_that_is_new_enough(
    own_agent: Path, tmp_path: Path, made: list
) -> None:
    """One line says which ones there are, and how old."""
    for name, version in (("python3.12", ""), ("python3", "3.9.2")):
        fake = tmp_path / name
        fake.write_text(f"#!/bin/sh\necho {version}\nexit 1\n")
        fake.chmod(0o755)
    (tmp_path / "sh").symlink_to("/bin/sh")
    host = bare(own_agent, PATH=str(tmp_path))
    made.append(host)

    text = "there needs Python 3.11 or newer: python3 is 3.9.2"
    with pytest.raises(ConnectionError, match=re.escape(text) + "$"):
        spawn("true", on=host)
    (tmp_path / "python3").unlink()
    with pytest.raises(ConnectionError, match=r"there is none$"):
        spawn("true", on=host)


def test_what_a_login_prints_does_no_harm(own_agent: Path, made: list) -> None:
    """Banners before the program are skipped on both streams."""
    words = [
        "sh",
        "-c",
        'echo Welcome; echo news >&2; printf "no end"; exec "$@"',
        "sh",
    ]
    host = command("banner", [*words, *bare(own_agent).argv])
    made.append(host)

    job = spawn(["echo", "hello"], on=host)
    assert job.wait(PATIENCE).success
    assert job.stdout.text == "hello\n"


def test_a_command_that_fails(made: list) -> None:
    """What it said before its end is in the error; so is that there is no command."""
    host = command("gone", ["sh", "-c", "echo no such container >&2; exit 1"])
    made.append(host)
    with pytest.raises(
        ConnectionError, match=r"^gone: sh -c [^\n]*: exit status 1: no such container$"
    ):
        spawn("true", on=host)
    host = command("missing", ["nope-nope"])
    made.append(host)
    with pytest.raises(ExecError, match="nope-nope"):
        spawn("true", on=host)


def test_the_arguments_are_checked() -> None:
    """What can be no host is a TypeError or a ValueError that names the argument."""
    for arguments in (("x", "docker exec"), ("x", []), ("", ["env"]), (None, ["env"])):
        with pytest.raises((TypeError, ValueError), match=r"argv|name"):
            command(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lease"):
        command("x", ["env"], lease=-1)


def test_later_jobs_share_the_connection(
    lone_host: CommandHost, own_agent: Path
) -> None:
    """There is one relay and one agent, however many jobs there are."""
    running = [spawn(["sleep", "1000"], on=lone_host) for _ in range(10)]

    assert len(relays(own_agent)) == 1
    assert len(agents(own_agent)) == 1
    for job in running:
        job.kill()


def test_closing_a_host_ends_its_jobs(lone_host: CommandHost, own_agent: Path) -> None:
    """They end there, are lost here, and the next job connects anew."""
    job = spawn(["sleep", "1000"], on=lone_host)
    lone_host.close()

    assert job.status == "lost"
    assert job.left() == 0
    with pytest.raises(ProcessDoneError):
        job.terminate()
    eventually(lambda: not Path(f"/proc/{job.pid}").exists())
    assert spawn("true", on=lone_host).wait(PATIENCE).success


def test_the_folder_of_an_agent_is_ours_alone(own_agent: Path, made: list) -> None:
    """Nobody else may use it: a folder that others can enter is refused."""
    host = bare(own_agent)
    made.append(host)
    spawn("true", on=host).wait(PATIENCE)
    socket = own_agent / "agent-1.socket"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    open_folder = own_agent / "open"
    open_folder.mkdir()
    open_folder.chmod(0o755)
    other = bare(open_folder)
    made.append(other)

    with pytest.raises(ConnectionError, match="only its owner may use"):
        spawn("true", on=other)


def test_what_was_started_is_forgotten_with_the_job(
    lone_host: CommandHost, own_agent: Path
) -> None:
    """The agent keeps no output of a job that this session has forgotten."""
    for _ in range(3):
        job = spawn(["head", "-c", "20000000", "/dev/zero"], on=lone_host)
        job.wait(PATIENCE)
        until(job, lambda job: job.finished)
    del job
    (agent,) = agents(own_agent)
    eventually(lambda: _open_files(agent, "(deleted)") == 3)
    jobs.clear()

    eventually(lambda: _open_files(agent, "(deleted)") == 0)


def _open_files(pid: int, text: str) -> int:
    folder = Path(f"/proc/{pid}/fd")
    links = [os.readlink(each) for each in folder.iterdir() if each.is_symlink()]
    return sum(text in link for link in links)


@pytest.mark.slow
def test_nothing_is_needed_of_where_the_code_came_from(
    own_agent: Path, tmp_path: Path
) -> None:
    """An agent does all that it does after the package it came from was deleted."""
    shutil.copytree(ROOT / "ipyproc", tmp_path / "ipyproc", ignore=_not_python)
    code = f"""
import shutil, sys
sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]
import ipyproc
assert ipyproc.__file__.startswith({str(tmp_path)!r})
from ipyproc import PIPE, SysProcAttr, hosts, spawn
words = ["env", "-i", "PATH=/usr/bin:/bin", "IPYPROC_RUNTIME_DIR={own_agent}"]
host = hosts.command("there", words, python={sys.executable!r})
print(spawn("true", on=host).wait(20))
shutil.rmtree({str(tmp_path / "ipyproc")!r})
job = spawn(["sh", "-c", "setsid sleep 1000 & echo $!; cat"], stdin=PIPE, on=host)
print(job.until(r"\\d+") is not None, job.usage().pid == job.pid, job.left())
print(job.kill(), job.wait(20))
print(spawn(["pwd"], on=host, sys=SysProcAttr(chroot="/")).wait(20))
host.close()
"""
    assert script(code, cwd=ROOT).splitlines() == [
        "exit status 0",
        "True True 3",
        "3 signal: killed",
        "exit status 0",
    ]


def _not_python(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in ("frontend", "static", "__pycache__")]


def test_an_agent_has_the_standard_library_only(
    lone_host: CommandHost, own_agent: Path
) -> None:
    """It maps and opens nothing of this environment's packages, nor of ipyproc."""
    spawn("true", on=lone_host).wait(PATIENCE)
    (agent,) = agents(own_agent)
    maps = Path(f"/proc/{agent}/maps").read_text()

    assert "site-packages" not in maps
    assert str(ROOT) not in maps
    assert b"-S" in Path(f"/proc/{agent}/cmdline").read_bytes().split(b"\0")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_in_namespaces_of_its_own(tmp_path: Path) -> None:
    """A host may be another user, with other mounts: everything is that user's."""
    if subprocess.run(["unshare", "--user", "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    folder.chmod(0o700)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words += ["unshare", "--user", "--map-user=1234", "--mount", "--pid", "--fork"]
    env = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={folder}"]
    env += [f"IPYPROC_RUNTIME_DIR={folder}/run"]
    host = command("them", [*words, *env], python="/usr/bin/python3")
    job = spawn("id -u; pwd; echo $$", shell=True, on=host)

    assert job.wait(PATIENCE).success
    assert job.stdout.lines()[:2] == ["1234", str(folder)]
    assert int(job.stdout.lines()[2]) == job.pid
    host.close()
    jobs.clear()
    for pid in agents(folder / "run"):
        os.kill(pid, signal.SIGKILL)


def test_errors_of_a_signal(host: CommandHost) -> None:
    """A bad signal, and a process that has ended, are the errors of here."""
    job = spawn("true", on=host)
    job.wait(PATIENCE)
    with pytest.raises(ProcessLookupError, match=r"^os: process already finished$"):
        job.signal(signal.SIGTERM)
    job = spawn(["sleep", "1000"], on=host)
    with pytest.raises(OSError, match=r"^invalid argument$"):
        job.signal(12345)
    with pytest.raises(TypeError):
        job.signal("TERM")  # type: ignore[arg-type]
    job.kill()


def test_a_path_error_keeps_its_parts(host: CommandHost) -> None:
    """Operation, path and errno of an error there can be asked for."""
    with pytest.raises(PathError) as caught:
        spawn("true", on=host, dir="/nope")

    assert (caught.value.op, caught.value.path, caught.value.errno) == (
        "chdir",
        "/nope",
        2,
    )
