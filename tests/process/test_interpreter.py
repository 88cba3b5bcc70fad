"""The Python that helpers run on, in programs that are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import ipyproc
from ipyproc._sys import interpreter as module
from ipyproc._sys.interpreter import interpreter
from tests.process.tools import run_python

PACKAGE = Path(ipyproc.__file__).parent
START = """
from ipyproc import ProcAttr, SysProcAttr, start_process
attr = ProcAttr(files=[None, 1, 2], sys=SysProcAttr(pdeathsig=9))
print(start_process("/bin/sh", ["sh", "-c", "echo hello"], attr).wait())
"""
HELLO = {"hello", "exit status 0"}


def program(path: Path, script: str) -> str:
    """Write a shell script that can be executed, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def frozen(executable: str, *, path: str = "/nope") -> str:
    """Return the beginning of a program that was frozen and finds Python in *path*."""
    return (
        "import os, sys\n"
        f"sys.frozen, sys.executable = True, {executable!r}\n"
        f"sys._base_executable, sys.base_exec_prefix = sys.executable, '/nope'\n"
        f"os.environ['PATH'] = {path!r}\n"
    )


def test_we_are_a_python_ourselves() -> None:
    """An ordinary Python is used as it is, without a question."""
    found = interpreter()

    assert found is not None
    assert found.program == "/proc/self/exe"
    assert os.path.samefile(found.name, "/proc/self/exe")


def test_frozen_program_is_not_started_again(tmp_path: Path) -> None:
    """A frozen program never runs itself; without a Python the error says so."""
    trace = tmp_path / "ran"
    app = program(tmp_path / "app", f"touch {trace}")
    code = frozen(app) + (
        f"try:\n    exec({START!r})\nexcept OSError as error:\n    print(error)\n"
    )
    said = run_python(code)

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert said == (
        f"fork/exec /bin/sh: needs the launcher, which needs a Python {version}: "
        "this program is none, and none was found\n"
    )
    assert not trace.exists()


def test_frozen_program_named_like_a_python(tmp_path: Path) -> None:
    """A program that only has the name of a Python is asked, and not believed."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    program(tmp_path / f"python{version}", "echo ipyproc")
    code = frozen("", path=str(tmp_path)) + (
        "from ipyproc._sys.interpreter import interpreter\nprint(interpreter())"
    )

    assert run_python(code) == "None\n"


def test_frozen_program_finds_a_python(tmp_path: Path) -> None:
    """A Python of the same version in PATH does a frozen program's starts."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    real = os.path.realpath(sys.executable)
    program(tmp_path / f"python{version}", f'exec {real} "$@"')
    code = frozen("/nope/app", path=str(tmp_path)) + START

    assert set(run_python(code, "-u").splitlines()) == HELLO


@pytest.mark.slow
@pytest.mark.parametrize("executable", ["", "/bin/true"])
def test_embedded_python(executable: str) -> None:
    """What an embedding program puts into sys.executable is never run."""
    code = f"import sys; sys.executable = {executable!r}\n" + START

    assert set(run_python(code, "-u").splitlines()) == HELLO


def test_no_room_for_a_question_is_not_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lack of descriptors is raised, and the next search succeeds."""

    def refuse() -> None:
        raise OSError(24, "too many open files")

    module._found.cache_clear()
    monkeypatch.setattr(module, "_own_program", refuse)
    with pytest.raises(OSError, match="too many open files"):
        interpreter()
    monkeypatch.undo()

    assert interpreter() is not None


def test_long_environment_is_no_matter() -> None:
    """A variable too long for an exec does not stop a child that does not get it."""
    code = (
        "import os; os.environ['BIG'] = 'a' * 200_000\n"
        "from ipyproc import ProcAttr, SysProcAttr, start_process\n"
        "attr = ProcAttr(env=[], sys=SysProcAttr(pdeathsig=9))\n"
        "print(start_process('/bin/true', ['true'], attr).wait())"
    )

    assert run_python(code) == "exit status 0\n"


def test_small_limit_of_file_sizes() -> None:
    """RLIMIT_FSIZE does not count for what the launcher is sent."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\n"

    assert set(run_python(limit + START, "-u").splitlines()) == HELLO


@pytest.mark.slow
def test_long_task_is_sent_in_pieces() -> None:
    """Arguments and environment of megabytes reach a launched program."""
    code = (
        "from ipyproc import ProcAttr, SysProcAttr, start_process\n"
        "words = ['x' * 100_000] * 15\n"
        "attr = ProcAttr(files=[None, 1], env=['A=' + 'y' * 100_000],\n"
        "                sys=SysProcAttr(pdeathsig=9))\n"
        "script = 'for word; do n=$((n + ${#word})); done; echo $n ${#A}'\n"
        "argv = ['sh', '-c', script, 'sh', *words]\n"
        "start_process('/bin/sh', argv, attr).wait()"
    )

    assert run_python(code) == "1500000 100000\n"


def test_relocated_python(tmp_path: Path) -> None:
    """A Python that finds its library by PYTHONHOME only can launch, too."""
    home = tmp_path / "home"
    library = sysconfig.get_path("stdlib")
    (home / "lib").mkdir(parents=True)
    (home / "lib" / Path(library).name).symlink_to(library)
    env = {"PYTHONHOME": str(home), "PYTHONPATH": str(PACKAGE.parent), "PATH": ""}
    real = os.path.realpath(sys.executable)
    code = "import sys; assert sys.prefix == sys.argv[1], sys.prefix\n" + START
    done = subprocess.run(
        [real, "-u", "-c", code, home], env=env, capture_output=True, text=True
    )

    assert (done.stderr, set(done.stdout.splitlines())) == ("", HELLO)


def test_from_a_zip_file(tmp_path: Path) -> None:
    """The launcher works where the package is in a zip file."""
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in PACKAGE.rglob("*.py"):
            file.write(path, path.relative_to(PACKAGE.parent))
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        + START
        + ("import ipyproc; assert 'all.zip' in ipyproc.__file__")
    )

    assert set(run_python(code, "-u").splitlines()) == HELLO


@pytest.mark.slow
def test_package_that_was_replaced(tmp_path: Path) -> None:
    """After the first start the launcher does not need the package's files."""
    copy = tmp_path / "lib" / "ipyproc"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("views", "*.pyc"))
    code = (
        f"import shutil, sys; sys.path.insert(0, {str(copy.parent)!r})\n{START}"
        f"shutil.rmtree({str(copy)!r}); print('gone')\n{START}"
    )

    assert run_python(code, "-u").splitlines() == [
        *["hello", "exit status 0", "gone", "hello", "exit status 0"]
    ]
