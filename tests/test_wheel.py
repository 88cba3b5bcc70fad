"""What is installed: all that the package needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from flit_core import buildapi

ROOT = Path(__file__).parents[1]
KINDS = {".py", ".pyi", ".js", ".css", ".typed"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """Build the wheel that ``pip install .`` builds."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # PEP 517 runs a backend there
        name = buildapi.build_wheel(str(folder))
    with ZipFile(folder / name) as wheel:
        yield wheel


def test_the_wheel_is_the_package(wheel: ZipFile) -> None:
    """The wheel has each module, script, style sheet and the marker for types."""
    files = [path for path in (ROOT / "ipyproc").rglob("*") if path.suffix in KINDS]

    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == {str(path.relative_to(ROOT)) for path in files}


def test_an_unpacked_wheel_works(wheel: ZipFile, tmp_path: Path) -> None:
    """Without the source tree, a process runs and the pane finds its script."""
    wheel.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import ipyproc, ipyproc.views.widgets.job as views\n"
        "assert ipyproc.__file__.startswith(sys.argv[1])\n"
        "assert views.JobView._esm and views.JobView._css\n"
        "print(ipyproc.command('true').run())"
    )

    run = subprocess.run(
        [sys.executable, "-I", "-c", code, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (run.stdout, run.stderr) == ("None\n", "")
