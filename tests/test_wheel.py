"""What is built: the wheel and the sdist have all that they need, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
FRONTEND = Path("ipyproc/views/frontend")
#: Where JupyterLab and Notebook 7 look for extensions.
LABEXTENSION = "share/jupyter/labextensions/ipyproc/"
KINDS = {".py", ".pyi", ".js", ".css", ".gz", ".txt", ".typed"}
#: Bytes, of which the terminal takes 100,000.
MOST = 750_000
#: Bytes of the extension of the front ends.
MOST_OF_LAB = 30_000


def build(kind: str, source: Path, to: Path, **env: str) -> subprocess.CompletedProcess:
    """Build a wheel or an sdist as pip does, but in this environment."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", to],
        cwd=source,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel that ``pip install .`` builds."""
    folder = tmp_path_factory.mktemp("wheel")
    build("wheel", ROOT, folder).check_returncode()
    with ZipFile(next(folder.iterdir())) as wheel:
        yield wheel


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    build("sdist", ROOT, folder).check_returncode()
    return next(folder.iterdir())


@pytest.fixture
def unpacked(sdist: Path, tmp_path: Path) -> Path:
    """The sdist, unpacked."""
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path, filter="data")
    return next(tmp_path.glob("ipyproc-*"))


@pytest.fixture
def no_npm(tmp_path: Path) -> str:
    """A PATH without node and npm."""
    (tmp_path / "bin").mkdir()
    return str(tmp_path / "bin")


def names(wheel: ZipFile) -> set[str]:
    """Return the names of all files of the package in a wheel."""
    return {name for name in wheel.namelist() if name.startswith("ipyproc/")}


def labextension(wheel: ZipFile) -> dict[str, bytes]:
    """Return the files of the front ends' extension in a wheel, by name."""
    parts = {name: name.partition(LABEXTENSION) for name in wheel.namelist()}
    return {part[2]: wheel.read(name) for name, part in parts.items() if part[1]}


def test_the_wheel_is_the_package(wheel: ZipFile) -> None:
    """The wheel has each module, each built script and style sheet, and no source."""
    files = [path.relative_to(ROOT) for path in (ROOT / "ipyproc").rglob("*")]
    wanted = {str(path) for path in files if path.suffix in KINDS}
    sources = {str(path) for path in files if path.is_relative_to(FRONTEND)}

    assert names(wheel) == wanted - sources
    assert {"ipyproc/views/static/job.js", "ipyproc/views/static/job.css"} < wanted


def test_the_wheel_is_small(wheel: ZipFile) -> None:
    """Nothing big came along by mistake, and no map of sources."""
    text = b"".join(wheel.read(name) for name in names(wheel) if name.endswith("s"))

    assert sum(info.compress_size for info in wheel.infolist()) < MOST
    assert b"sourceMappingURL" not in text


def test_the_wheel_has_the_extension_of_the_front_ends(wheel: ZipFile) -> None:
    """It has what JupyterLab reads, of the version of the wheel, and is small."""
    files = labextension(wheel)
    about = json.loads(files["package.json"])

    assert {*files} == {
        about["jupyterlab"]["_build"]["load"],
        "package.json",
        "install.json",
    }
    assert wheel.filename is not None
    assert f"-{about['version']}-" in wheel.filename
    assert sum(map(len, files.values())) < MOST_OF_LAB


def test_jupyterlab_lists_the_extension(wheel: ZipFile, tmp_path: Path) -> None:
    """Once the wheel is installed, it is there and enabled."""
    for name, data in labextension(wheel).items():
        path = tmp_path / "labextensions" / "ipyproc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    run = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"],
        env={**os.environ, "JUPYTER_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    lines = re.sub(r"\x1b\[\d*m", "", run.stdout + run.stderr).splitlines()
    after = lines[lines.index(str(tmp_path / "labextensions")) :]
    assert re.match(r"\s+ipyproc v\S+ enabled OK \(python, ipyproc\)", after[1])


def test_the_readme_is_the_long_description(wheel: ZipFile) -> None:
    """An index shows the README."""
    name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = message_from_string(wheel.read(name).decode())

    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text("utf-8")


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


def test_an_sdist_needs_no_npm(
    wheel: ZipFile, unpacked: Path, no_npm: str, tmp_path: Path
) -> None:
    """What is built from the sdist without npm is the same as from here."""
    run = build("wheel", unpacked, tmp_path / "again", PATH=no_npm)

    assert run.returncode == 0, run.stderr
    with ZipFile(next((tmp_path / "again").iterdir())) as again:
        assert {n: again.read(n) for n in names(again)} == {
            n: wheel.read(n) for n in names(wheel)
        }
        assert labextension(again) == labextension(wheel)


def test_an_sdist_has_the_sources_of_the_page(unpacked: Path) -> None:
    """The page can be built from an sdist, which has nothing that npm installed."""
    page, here = unpacked / FRONTEND, ROOT / FRONTEND

    for folder in ("src", "lab"):
        names = {path.name for path in (here / folder).iterdir()}
        assert {path.name for path in (page / folder).iterdir()} == names
    assert {"build.mjs", "package-lock.json"} < {path.name for path in page.iterdir()}
    assert not (page / "node_modules").exists()


@pytest.mark.parametrize("changed", ["src/job.ts", "lab/document.ts"])
def test_a_changed_source_is_built_again(
    unpacked: Path, no_npm: str, changed: str
) -> None:
    """A built file of other sources is not packed; one line says what is missing."""
    with (unpacked / FRONTEND / changed).open("a") as source:
        source.write("\n")

    run = build("wheel", unpacked, unpacked / "dist", PATH=no_npm)

    assert run.returncode == 1
    assert run.stderr.splitlines()[-1:] == [
        "ipyproc's page cannot be built: it needs npm and Node 20 or newer"
    ]
    assert "Traceback" not in run.stdout + run.stderr


def test_a_registry_that_is_not_there_is_one_line(unpacked: Path) -> None:
    """A build that cannot fetch its tools says so in one line."""
    (unpacked / FRONTEND / "build" / "sources.sha256").unlink()
    nowhere = {
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_cache": str(unpacked / "cache"),
    }

    run = build("wheel", unpacked, unpacked / "dist", **nowhere)

    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith(
        "ipyproc's page cannot be built: `npm ci` failed: the npm registry cannot be "
        "reached (connect ECONNREFUSED"
    )
    assert "Traceback" not in run.stdout + run.stderr


def test_the_lock_file_names_no_registry() -> None:
    """Each package of npm is known by its hash, wherever it comes from."""
    lock = json.loads((ROOT / FRONTEND / "package-lock.json").read_text("utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}

    assert packages
    assert all(each["integrity"] for each in packages.values())
    assert not any("resolved" in each for each in packages.values())
