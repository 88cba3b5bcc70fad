"""Layers point one way; this table is the architecture."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ipyproc

ROOT = Path(ipyproc.__file__).parent

# From the bottom up: a layer may import from those listed before it and from itself.
LAYERS = {
    "_text": "model",
    "_quote": "model",
    "state": "model",
    "errors": "model",
    "attr": "model",
    "_sys": "system",
    "_process": "process",
    "process": "process",
    "context": "exec",
    "exec": "exec",
    "_jobs": "jobs",
    "session": "session",
    "views": "views",
    "magics": "magics",
    "__init__": "facade",
}
ORDER = [
    "model",
    "system",
    "process",
    "exec",
    "jobs",
    "session",
    "views",
    "magics",
    "facade",
]
SYSTEM_IS_FOR = {"system", "process"}
THIRD_PARTY = {
    "psutil": {"jobs", "views", "magics"},
    "anywidget": {"views"},
    "ipywidgets": {"views"},
    "traitlets": {"views", "magics"},
    "IPython": {"views", "magics"},
}
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def layer(module: str) -> str:
    """Give the layer of a dotted name below ipyproc."""
    return LAYERS[module.split(".")[0] or "__init__"]


def imports(path: Path) -> list[str]:
    """List the full names of the modules that a file imports."""
    tree = ast.parse((ROOT / path).read_text())
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name their module in full"
            module = node.module or ""
            deeper = module == "ipyproc"
            names += [f"{module}.{a.name}" for a in node.names] if deeper else [module]
    return names


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_down(path: Path) -> None:
    """
    A module imports from the layers below its own only.
    """
    own = layer(path.parts[0].removesuffix(".py"))
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "ipyproc":
            other = layer(rest)
            assert ORDER.index(other) <= ORDER.index(own), f"{path} imports {name}"
            assert other != "system" or own in SYSTEM_IS_FOR, f"{path} imports {name}"
        elif top not in sys.stdlib_module_names:
            assert own in THIRD_PARTY.get(top, set()), f"{path} imports {name}"


def test_only_the_system_layer_uses_ctypes() -> None:
    """
    System calls through ctypes are in one place.
    """
    users = {path.parts[0] for path in MODULES if "ctypes" in imports(path)}

    assert users == {"_sys"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_fit_in_the_head(path: Path) -> None:
    """
    No module is longer than 400 lines: it would hold two subjects.
    """
    assert len((ROOT / path).read_text().splitlines()) <= 400


def test_a_script_pays_for_nothing_else() -> None:
    """
    The process model imports no notebook, no widget and no psutil.
    """
    code = (
        "import sys, ipyproc, ipyproc.exec;"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert not set(done.stdout.split()) & {*THIRD_PARTY, "asyncio"}
