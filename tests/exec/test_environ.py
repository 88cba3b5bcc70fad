"""The environment of a command."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc import Cmd, SyscallError, command
from ipyproc.exec.environ import absolute, deduplicated
from tests.exec.tools import error_of


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        (["k1=v1", "k2=v2", "K1=v3"], ["k1=v1", "k2=v2", "K1=v3"]),
        (["k1=v1", "K1=V2", "k1=v3"], ["K1=V2", "k1=v3"]),
        (["=a", "=b", "foo", "bar"], ["=b", "foo", "bar"]),
        (["=C:=C:\\a", "=D:=D:\\b", "=C:=x"], ["=D:=D:\\b", "=C:=x"]),
        (["", "a", "a", "", "A="], ["a", "a", "A="]),
        (["=", "==", "=x=1", "=x=2"], ["=", "==", "=x=2"]),
    ],
)
def test_dedup_env(entries: list[str], kept: list[str]) -> None:
    """The last entry of a key stays, at its place."""
    # Go: TestDedupEnv.
    assert deduplicated(entries) == kept


@given(st.lists(st.text("A=1", max_size=4)))
def test_dedup_keeps_the_last_of_each(entries: list[str]) -> None:
    """An entry stays unless it is empty or a later one has its key."""

    def key(entry: str) -> str | None:
        match = re.match("(=?[^=]*)=", entry)
        return match and match[1]

    def stays(index: int) -> bool:
        own, later = key(entries[index]), map(key, entries[index + 1 :])
        return entries[index] != "" and (own is None or own not in later)

    kept = [entry for index, entry in enumerate(entries) if stays(index)]
    assert deduplicated(entries) == kept


def test_dedup_env_echo() -> None:
    """A child sees the last of each key."""
    # Go: TestDedupEnvEcho.
    cmd = command("env")
    cmd.env = ["FOO=bad", "FOO=good"]

    assert cmd.output() == b"FOO=good\n"


@pytest.mark.parametrize("env", [[], {}])
def test_empty_environment_is_empty(env: list[str]) -> None:
    """Only None is the environment of the caller."""
    cmd = Cmd(path="/usr/bin/env", env=env)

    assert cmd.output() == b""


def test_environment_may_be_a_mapping_or_bytes() -> None:
    """A mapping and bytes are as good as "K=V"."""
    assert Cmd(env={"A": "1", "B": "2"}).environ() == ["A=1", "B=2"]
    assert Cmd(env={b"A": b"\xff"}).environ() == ["A=\udcff"]
    assert Cmd(path="/usr/bin/env", env=[b"A=\xff"]).output() == b"A=\xff\n"


@pytest.mark.parametrize("env", ["A=1", b"A=1", [1], {"A": 1}])
def test_environment_of_another_type(env: object) -> None:
    """Anything else is a TypeError that names the argument."""
    cmd = Cmd(path="/bin/true")
    cmd.env = env  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"^env: expected"):
        cmd.start()


def test_env_nul_character() -> None:
    """An entry with a NUL byte cannot be started with."""
    # Go: TestEnvNULCharacter.
    cmd = Cmd(path="/usr/bin/env", env=["FOO=foo\0BAR=bar", "A=1"])

    assert cmd.environ() == ["A=1"]
    error = error_of(ValueError, cmd.start)
    assert str(error) == "exec: environment variable contains NUL"
    assert cmd.process is None


def test_implicit_pwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PWD follows dir in an inherited environment only."""
    # Go: TestImplicitPWD.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    cases = {
        None: [f"PWD={tmp_path}"],
        "": [f"PWD={tmp_path}"],
        ".": [f"PWD={tmp_path}"],
        "..": [f"PWD={tmp_path.parent}"],
        str(tmp_path): [f"PWD={tmp_path}"],
        "/usr/bin/..": ["PWD=/usr"],
    }

    for directory, pwd in cases.items():
        cmd = Cmd(path="/usr/bin/env", dir=directory)
        assert [e for e in cmd.environ() if e.startswith("PWD=")] == pwd
        seen = cmd.output(text=True).splitlines()
        assert [e for e in seen if e.startswith("PWD=")] == pwd


def test_no_pwd_is_added_without_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the caller has no PWD, a command in the same directory gets none."""
    monkeypatch.delenv("PWD", raising=False)

    assert not any(entry.startswith("PWD=") for entry in Cmd().environ())


def test_explicit_pwd(tmp_path: Path) -> None:
    """A PWD in env stays as it is."""
    # Go: TestExplicitPWD.
    for pwd in (["PWD=/elsewhere"], [f"PWD={tmp_path}/."], []):
        cmd = Cmd(path="/usr/bin/env", dir=tmp_path, env=[*pwd, "A=1"])
        assert cmd.output(text=True).splitlines() == [*pwd, "A=1"]


def test_pwd_keeps_the_name_of_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right PWD of ours is trusted, so a linked name stays; a stale one is not."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")

    monkeypatch.setenv("PWD", f"{tmp_path}/link")
    assert absolute("sub") == f"{tmp_path}/link/sub"
    monkeypatch.setenv("PWD", "/usr")
    assert absolute("sub") == f"{tmp_path.resolve()}/real/sub"
    monkeypatch.setenv("PWD", "sub")
    assert absolute("../x") == f"{tmp_path.resolve()}/x"


def test_directory_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the current directory has no name any more, start() says so."""
    lost = tmp_path / "lost"
    lost.mkdir()
    monkeypatch.chdir(lost)
    lost.rmdir()
    cmd = Cmd(path="/bin/true", dir="sub")

    assert not any(entry.endswith("/sub") for entry in cmd.environ())
    assert str(error_of(SyscallError, cmd.start)) == "getwd: no such file or directory"
    os.chdir(tmp_path)
