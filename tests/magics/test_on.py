"""The magics with --on: what is started elsewhere, and what means what there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from ipyproc import jobs
from ipyproc.hosts import CommandHost, named
from ipyproc.magics.complete import complete
from tests.hosts.conftest import own_agent  # noqa: F401 - a fixture
from tests.hosts.helpers import bare
from tests.jobs.helpers import eventually, until
from tests.magics.helpers import PATIENCE, RunCell

pytestmark = pytest.mark.slow


@pytest.fixture
def there(
    own_agent: Path,  # noqa: F811 - the fixture
    ip: InteractiveShell,
    tmp_path: Path,
) -> Iterator[CommandHost]:
    """A host in the variable ``there``, which has a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    host = bare(own_agent, python=sys.executable, HOME=str(home), OF_THERE="1")
    ip.user_ns["there"] = host
    yield host
    host.close()
    jobs.clear()


def test_a_job_on_a_host(run: RunCell, there: CommandHost) -> None:
    """It runs there, is shown as any other, and is named with its host."""
    ran = run("%%spawn --on there --check --out text wc -w\none two three")

    assert ran.error is None
    assert ran.value.host is there
    assert jobs["there", ran.value.pid] is ran.value
    assert run("text").value.strip() == "3"


def test_paths_and_homes_are_the_hosts(
    run: RunCell, there: CommandHost, tmp_path: Path
) -> None:
    """``~`` is the home there in every path, but not in quotes, and not here."""
    home = tmp_path / "home"
    (home / "sub").mkdir()
    (home / "tool").write_text('#!/bin/sh\necho "$PWD" "$@"\n')
    (home / "tool").chmod(0o755)
    (tmp_path / "in").write_text("of here\n")

    job = run("%spawn --on there --check --dir ~/sub ~/tool ~ ~/x '~' a~").value
    assert job.stdout.lines() == [f"{home}/sub {home} {home}/x ~ a~"]
    assert run("%spawn --on there --check --stdout ~/out echo x").error is None
    assert (home / "out").read_text() == "x\n"
    job = run(f"%spawn --on there --check --stdin {tmp_path}/in cat").value
    assert job.stdout.text == "of here\n"


def test_the_environment_is_the_hosts(
    run: RunCell, there: CommandHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what is there and what is set; K by itself sends the value of here."""
    monkeypatch.setenv("OF_HERE", "2")
    monkeypatch.setenv("SENT", "3")
    line = "%spawn --on there --check --env SENT A=~ --env B=$A:$OF_HERE env"
    job = run(line).value
    env = dict(line.split("=", 1) for line in job.stdout.lines())

    assert (env["OF_THERE"], env["SENT"]) == ("1", "3")
    assert "OF_HERE" not in env
    assert (env["A"], env["B"]) == ("~", "~:$OF_HERE")
    assert env["PYTHONUNBUFFERED"] == "1"
    assert env["PATH"] == os.environ["PATH"]
    ran = run("%spawn --env NOBODY_SET_IT env")
    assert isinstance(ran.error, UsageError)


def test_a_script_for_the_shell_there(run: RunCell, there: CommandHost) -> None:
    """With --shell the body runs there, where ~ is the shell's."""
    job = run("%%spawn --on there --check --shell\necho ~\necho $OF_THERE").value

    assert job.stdout.lines()[1] == "1"
    assert job.stdout.lines()[0].endswith("/home")


POOL = """
import beside, multiprocessing, sys

def double(number):
    return 2 * number

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]), beside.x, sys.argv[1:])
    print(__file__, flush=True)
    1 / 0  # here
"""


def test_a_script_in_a_file_there(
    run: RunCell, there: CommandHost, tmp_path: Path
) -> None:
    """Processes, imports and tracebacks are as here; the file goes with the job."""
    (tmp_path / "home" / "beside.py").write_text("x = 7")
    python = Path(sys.executable).resolve()
    paths: list[Path] = []
    for words in (f"{python}", f"{python} @script a '@script'"):
        job = run(f"%%spawn --on there --script {words}{POOL}").value
        job.wait(PATIENCE)
        until(job, lambda job: job.finished)
        first, path = job.stdout.lines()
        assert first.startswith("[2, 4] 7 ")
        assert first.endswith("['a', '@script']" if "@" in words else "[]")
        assert "1 / 0  # here" in job.stderr.text
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700
        ran = job.again()
        ran.wait(PATIENCE)
        assert ran.stdout.lines()[0] == first
        paths += [Path(path), Path(ran.stdout.lines()[1])]
    assert all(path.exists() for path in paths)

    home = tmp_path / "home" / ".local" / "state" / "ipyproc" / "jobs"
    job = run(f"%%spawn --on there --detach --quiet --script {python}{POOL}").value
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    path = job.stdout.lines()[1]
    assert Path(path) == home / job.id / "script"
    job.forget()
    assert not Path(path).exists()
    there.close()
    eventually(lambda: not any(path.parent.exists() for path in paths))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--on nowhere true", "no host 'nowhere': expected ssh:NAME or docker:NAME"),
        ("--on number true", "no host 'number': that variable holds a int"),
        ("--on ssh: true", "no host 'ssh:'"),
        ("--on ssh:-oX=1 true", "is an option of ssh"),
        ("--on docker:-v true", "is an option of docker"),
        ("--on there --user root true", "leave out --on or --user"),
        ("--on there nope-nope", "executable file not found in $PATH"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    run: RunCell, there: CommandHost, line: str, said: str
) -> None:
    """A host that there is not, options that make no sense, a program it lacks."""
    run("number = 3")
    ran = run(f"%spawn {line}")

    assert said in str(ran.error)
    assert "\n" not in str(ran.error)
    assert len(jobs) == 0


def test_prockill_on_a_host(run: RunCell, there: CommandHost) -> None:
    """Only what runs there is meant, by its name, its pid, or all of it."""
    here = run("%spawn --name one sleep 1000").value
    one = run("%spawn --on there --name one sleep 1000").value
    two = run("%spawn --on there --name two sleep 1000").value
    run("%spawn --name one sleep 1000")

    assert isinstance(run(f"%prockill --on there {here.pid}").error, UsageError)
    assert isinstance(run("%prockill --on there thre").error, UsageError)
    assert isinstance(run("%prockill --on nowhere one").error, UsageError)
    assert isinstance(run("%prockill --on there --pid 1").error, UsageError)
    assert run("%prockill --on there one").error is None
    assert str(one.wait(PATIENCE)) == "signal: killed"
    assert run(f"%prockill --on there {two.pid}").error is None
    assert str(two.wait(PATIENCE)) == "signal: killed"
    three = run("%spawn --on there sleep 1000").value
    assert run("%prockill --on there --all").error is None
    assert str(three.wait(PATIENCE)) == "signal: killed"
    assert [job.host.name for job in jobs.running] == ["localhost"] * 2


def test_hosts_are_completed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: CommandHost
) -> None:
    """Variables, and the names in the user's configuration of ssh."""
    config = tmp_path / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text("Host gpu-3 gpu-*\n  User me\nhost=login !bad\nHostName x\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    def words(before: str) -> list[str]:
        found = complete(before, {"there": there, "other": 1, "_hidden": there})
        assert found
        return [candidate.text for candidate in found.candidates]

    assert words("%spawn --on t") == ["there"]
    assert words("%spawn --on ssh:") == ["ssh:", "ssh:gpu-3", "ssh:login"]
    assert words("%prockill --on do") == ["docker:"]


def test_one_word_is_one_host() -> None:
    """All jobs of a host share its connection, in whichever cell they start."""
    assert named("ssh:gpu-3") is named("ssh:gpu-3")
    assert named("docker:c1").argv == ("docker", "exec", "-i", "c1")


def test_a_terminal_there(run: RunCell, there: CommandHost) -> None:
    """``--pty`` gives the job a terminal on the host's machine, with a size."""
    ran = run("%spawn --on there --pty --wait sh -c 'stty size <&1'")

    assert ran.error is None
    assert ran.value.stdout.text == "24 80\r\n"
    assert ran.value.terminal is not None
