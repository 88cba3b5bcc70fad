"""Finding programs: Go's rules for PATH, and its errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ipyproc import (
    DotError,
    ExecError,
    ExitError,
    NotFoundError,
    PathError,
    command,
    look_path,
)
from ipyproc.exec.look_path import clean


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a program, one in bin/, and a file that is none."""
    for name in ("here", "bin/prog", "bin/other"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (tmp_path / "plain").write_text("x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(name: str) -> ExecError:
    """Return the error that looking *name* up must raise."""
    with pytest.raises(ExecError) as caught:
        look_path(name)
    assert caught.value.name == name
    return caught.value


def test_absolute_entry_gives_an_absolute_path(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in an absolute directory of PATH is found, the first one first."""
    # Go: TestLookPath.
    monkeypatch.setenv("PATH", f"/nonexistent:{tree}/bin:{tree}")

    assert look_path("prog") == f"{tree}/bin/prog"
    assert look_path("here") == f"{tree}/here"


@pytest.mark.parametrize("path", [".", "", "/nonexistent:", ":/nonexistent", "a::b"])
@pytest.mark.parametrize("name", ["here"])
def test_program_of_the_current_directory_is_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    """A relative hit is refused with its path; an empty PATH finds nothing."""
    # Go: TestLookPathUnixEmptyPath.
    monkeypatch.setenv("PATH", path)

    error = refused(name)

    if path == "":
        assert isinstance(error.err, NotFoundError)
        assert error.path is None
    else:
        assert isinstance(error.err, DotError)
        assert error.path == "here"


def test_relative_hit_ends_the_search(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative hit is refused even if a later entry would have an absolute one."""
    monkeypatch.setenv("PATH", f"sub/../bin:{tree}/bin")

    error = refused("prog")

    assert error.path == "bin/prog"
    assert str(error) == (
        'exec: "prog": cannot run executable found relative to current directory'
    )


def test_unset_path_finds_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PATH no default is used, but a name with a slash needs none."""
    monkeypatch.delenv("PATH")

    error = refused("sh")

    assert isinstance(error, FileNotFoundError)
    assert str(error) == 'exec: "sh": executable file not found in $PATH'
    assert look_path("/bin/sh") == "/bin/sh"
    assert look_path("./here") == "./here"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_special_names_are_no_programs(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The empty name and the dot names are not found, whatever PATH has."""
    monkeypatch.setenv("PATH", f"{tree}/bin/prog:{tree}/bin:.")

    assert isinstance(refused(name).err, NotFoundError)


@pytest.mark.parametrize(
    ("name", "number", "reason"),
    [
        ("./plain", errno.EACCES, "permission denied"),
        ("./bin", errno.EISDIR, "is a directory"),
        ("/", errno.EISDIR, "is a directory"),
        ("./no", errno.ENOENT, "stat ./no: no such file or directory"),
        ("bin/prog/x", errno.ENOTDIR, "stat bin/prog/x: not a directory"),
        ("/a\0b", errno.EINVAL, "stat /a\0b: invalid argument"),
    ],
)
def test_name_with_a_slash_is_refused_for_its_own_reason(
    tree: Path, name: str, number: int, reason: str
) -> None:
    """What the kernel has against a name with a slash is the error."""
    # Go: TestLookPathNotFound.
    error = refused(name)

    assert isinstance(error.err, OSError)
    assert error.err.errno == number
    assert str(error.err) == reason
    assert isinstance(error.err, PathError) == reason.startswith("stat")


def test_each_directory_is_asked_once(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command looks its program up once, with one question for each directory."""
    asked, access = [], os.access

    def noting(path: str, *args: int, **options: bool) -> bool:
        asked.append(path)
        return access(path, *args, **options)

    monkeypatch.setenv("PATH", f"/none:{tree}:{tree}/bin:{tree}")
    monkeypatch.setattr(os, "access", noting)
    command("prog").run()

    assert asked == ["/none/prog", f"{tree}/prog", f"{tree}/bin/prog"]


def test_what_is_no_program_is_passed_over(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of PATH that is no program does not hide those after it."""
    (tree / "bin" / "plain").mkdir()
    (tree / "late").mkdir()
    (tree / "late" / "plain").write_text("#!/bin/sh\n")
    (tree / "late" / "plain").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tree}:{tree}/bin:{tree}/here:{tree}/late")

    assert look_path("plain") == f"{tree}/late/plain"


def test_find_executable_vs_noexec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a noexec mount no program is found."""
    # Go: TestFindExecutableVsNoexec.
    mount = command("mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", tmp_path)
    try:
        mount.output()
    except ExitError as error:
        pytest.skip(f"no mount: {error.stderr.decode()}")
    try:
        program = tmp_path / "prog"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

        assert isinstance(refused("prog").err, NotFoundError)
        assert str(refused(str(program)).err) == "permission denied"
        with pytest.raises(PermissionError):
            command(program).run()
    finally:
        monkeypatch.undo()
        command("umount", tmp_path).run()


def test_nul_byte_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A NUL byte never cuts a name short to one that exists."""
    monkeypatch.setenv("PATH", "/bin")

    assert str(refused("sh\0x")) == (
        'exec: "sh\\x00x": executable file not found in $PATH'
    )


def test_bytes_and_paths_are_names_too(tree: Path) -> None:
    """A name may be what Python otherwise takes for a path."""
    assert look_path(tree / "here") == f"{tree}/here"
    assert look_path(b"./here") == "./here"


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("//bin/sh", "/bin/sh"),
        ("///bin//sh/", "/bin/sh"),
        ("/..", "/"),
        ("a/../..", ".."),
        ("./sh", "sh"),
        ("", "."),
    ],
)
def test_clean_is_lexical(path: str, cleaned: str) -> None:
    """A path is cleaned as Go's filepath.Clean does, without looking at the disk."""
    assert clean(path) == cleaned
