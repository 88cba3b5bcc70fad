from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipyproc.magics import environment
from tests.magics.helpers import RunCell, output

ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")


def layout(root: Path) -> Path:
    """Make a folder of programs with a Python in it."""
    programs = root / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "python3"):
        (programs / name).symlink_to(sys.executable)
    return programs


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH finds another Python first, and nothing says that one is active."""
    other = layout(tmp_path / "other")
    monkeypatch.setenv("PATH", f"{other}:/usr/bin:/bin")
    for name in (*ACTIVE, "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    return other


def own(monkeypatch: pytest.MonkeyPatch, prefix: Path, base: Path) -> None:
    """Let this process be the Python of *prefix*."""
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "base_prefix", str(base))


def test_a_venv(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a kernel of a venv that is not in PATH, python is that of the venv."""
    made = [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"]
    subprocess.run(made, check=True)
    own(monkeypatch, tmp_path / "venv", Path(sys.base_prefix))

    assert environment.defaults(()) == {
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{tmp_path}/venv/bin:{elsewhere}:/usr/bin:/bin",
        "VIRTUAL_ENV": f"{tmp_path}/venv",
    }


def test_a_conda_environment(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a conda environment CONDA_PREFIX tells; another active venv is no more so."""
    programs = layout(tmp_path / "env")
    (tmp_path / "env" / "conda-meta").mkdir()
    monkeypatch.setenv("VIRTUAL_ENV", str(elsewhere.parent))
    own(monkeypatch, tmp_path / "env", tmp_path / "env")

    found = environment.defaults(())

    assert found["PATH"].startswith(f"{programs}:")
    assert (found["CONDA_PREFIX"], found["VIRTUAL_ENV"]) == (f"{tmp_path}/env", "")


def test_a_pyenv_version(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python that only a shim leads to goes first; nothing is active."""
    programs = layout(tmp_path / "versions" / "3.12.1")
    own(monkeypatch, programs.parent, programs.parent)

    found = environment.defaults(())

    assert found["PATH"].startswith(f"{programs}:{elsewhere}:")
    assert not found.keys() & set(ACTIVE)


def test_what_is_right_stays(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PATH stays where it finds our Python, where it is given, and for the system's."""
    own(monkeypatch, elsewhere.parent, elsewhere.parent)
    assert "PATH" not in environment.defaults(())

    own(monkeypatch, tmp_path, tmp_path)  # a folder that has no Python
    assert "PATH" not in environment.defaults(())

    own(monkeypatch, Path("/usr"), Path("/usr"))
    assert "PATH" not in environment.defaults(())

    own(monkeypatch, layout(tmp_path / "mine").parent, tmp_path)
    assert "PATH" in environment.defaults(())
    assert environment.defaults({"PATH": "/x"}) == {"PYTHONUNBUFFERED": "1"}


def test_python_prints_at_once(run: RunCell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python does not keep its output back, unless the user wants that."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    printing = "printenv PYTHONUNBUFFERED"

    assert output(run(f"%spawn {printing}").value) == "1\n"
    assert output(run(f"%spawn PYTHONUNBUFFERED= {printing}").value) == "\n"
    assert output(run(f"%spawn --clear-env {printing}").value) == ""
    monkeypatch.setenv("PYTHONUNBUFFERED", "")
    assert output(run(f"%spawn {printing}").value) == "\n"


@pytest.mark.parametrize("where", ["--out text", "--err text", "--stdout {file}"])
def test_colours_are_for_panes(
    run: RunCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """What ipykernel sets for colours does not reach a file or a variable."""
    for name, value in environment._IPYKERNELS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PAGER", "less")  # this one is the user's
    names = " ".join(environment._IPYKERNELS)
    asking = f"for name in {names}; do printenv $name; done"
    file = tmp_path / "file"

    seen = run(f"%spawn --wait --shell {asking}").value
    where = where.format(file=file)
    job = run(f"%spawn --wait {where} --shell {asking} >&2; {asking}").value

    values = sorted([*environment._IPYKERNELS.values(), "less"])
    values.remove("cat")
    assert sorted(output(seen).split()) == values
    kept = file.read_text() if file.exists() else job.stdout.text
    assert (kept, job.stderr.text) == ("less\n", "less\n")


def test_the_kernels_own_python_runs(run: RunCell) -> None:
    """`python3` in a cell is the Python of the session, whatever PATH says."""
    before = os.environ["PATH"]
    os.environ["PATH"] = "/usr/bin:/bin"
    try:
        job = run("%spawn python3 -c 'import sys; print(sys.prefix)'").value
    finally:
        os.environ["PATH"] = before

    assert output(job) == f"{sys.prefix}\n"
