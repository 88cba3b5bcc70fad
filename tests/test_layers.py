"""Layers point one way: the rules of tests/layers.py hold, and each can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ipyproc
from tests import layers
from tests.layers import RULES, THIRD_PARTIES, Rule

ROOT = Path(ipyproc.__file__).parent
#: A package that breaks no rule.
SOUND = {
    "__init__": "from importlib import import_module\nimport_module('ipyproc.views')",
    "errors": "import errno",
    "_sys.libc": "import ctypes",
    "process": "from ipyproc import errors\nfrom ipyproc._sys import libc",
    "session": "from ipyproc.process import Process",
    "views.__init__": "",
    "views.job": "import psutil\nfrom ipyproc.session import jobs",
}
#: For each rule what is changed in that package, and the fault that it finds.
BROKEN = [
    (
        layers.layers_point_down,
        {"errors": "import ipyproc.process"},
        "ipyproc.errors (model) imports ipyproc.process (process)",
    ),
    (
        layers.layers_point_down,
        {"session": "def f():\n    if f:\n        from ipyproc import views"},
        "ipyproc.session (session) imports ipyproc.views (views)",
    ),
    (
        layers.layers_point_down,
        {"session": "if TYPE_CHECKING:\n    from ipyproc.views.job import JobView"},
        "ipyproc.session (session) imports ipyproc.views.job (views)",
    ),
    (
        layers.layers_point_down,
        {"process": "def f():\n    import_module('ipyproc.session')"},
        "ipyproc.process (process) imports ipyproc.session (session)",
    ),
    (
        layers.layers_point_down,
        {"process": "views = __import__('ipyproc.views')"},
        "ipyproc.process (process) imports ipyproc.views (views)",
    ),
    (
        layers.layers_point_down,
        {"views.job": "from ipyproc import Job"},
        "ipyproc.views.job (views) imports ipyproc (facade)",
    ),
    (layers.layers_point_down, {"attic": ""}, "ipyproc.attic is in no layer"),
    (
        layers.the_system_is_for_processes,
        {"views.job": "from ipyproc._sys import libc"},
        "ipyproc.views.job imports ipyproc._sys.libc",
    ),
    (
        layers.third_parties_have_their_place,
        {"_jobs.tree": "import psutil"},
        "ipyproc._jobs.tree imports psutil",
    ),
    (
        layers.third_parties_have_their_place,
        {"hosts._command": "def f():\n    from distributed.comm import connect"},
        "ipyproc.hosts._command imports distributed",
    ),
    (
        layers.third_parties_have_their_place,
        {"views.job": "import numpy.linalg"},
        "ipyproc.views.job imports numpy",
    ),
    (
        layers.ctypes_has_its_place,
        {"process": "def f():\n    import ctypes.util"},
        "ipyproc.process imports ctypes",
    ),
    (
        layers.only_the_facade_imports_by_name,
        {"session": "import importlib\nimportlib.import_module(name)"},
        "ipyproc.session imports by name",
    ),
    (
        layers.only_the_facade_imports_by_name,
        {"session": "from importlib import import_module as load"},
        "ipyproc.session imports by name",
    ),
    (
        layers.imports_are_absolute,
        {"views.job": "from . import page"},
        "ipyproc.views.job has a relative import",
    ),
    (
        layers.there_is_no_circle,
        {"_sys.a": "import ipyproc._sys.b", "_sys.b": "import ipyproc._sys.a"},
        "ipyproc._sys.a imports ipyproc._sys.b imports ipyproc._sys.a",
    ),
    (
        layers.there_is_no_circle,
        {
            "_sys.a": "from ipyproc._sys.b import f",
            "_sys.b": "def f():\n    from ipyproc._sys import a",
        },
        "ipyproc._sys.a imports ipyproc._sys.b imports ipyproc._sys.a",
    ),
    (
        layers.modules_hold_one_subject,
        {"errors": "\n" * 401},
        "ipyproc.errors has 401 lines",
    ),
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


def _write(root: Path, sources: dict[str, str]) -> Path:
    for name, source in sources.items():
        path = root.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


@each_rule
def test_the_package_follows_the_rule(rule: Rule) -> None:
    """No module of ipyproc breaks a rule of the architecture."""
    assert list(rule(layers.read(ROOT))) == []


@each_rule
def test_a_sound_package_follows_the_rule(rule: Rule, tmp_path: Path) -> None:
    """The made-up package is sound, so each fault below comes from its change."""
    assert list(rule(layers.read(_write(tmp_path, SOUND)))) == []


@pytest.mark.parametrize(
    ("rule", "change", "fault"), BROKEN, ids=[rule.__name__ for rule, _, _ in BROKEN]
)
def test_a_rule_finds_its_fault(
    rule: Rule, change: dict[str, str], fault: str, tmp_path: Path
) -> None:
    """A rule finds what breaks it, at any depth of a file."""
    found = list(rule(layers.read(_write(tmp_path, SOUND | change))))

    assert found == [fault]


def test_each_rule_is_seen_to_fail() -> None:
    """There is no rule without a package that breaks it."""
    assert {rule.__name__ for rule, _, _ in BROKEN} == {it.__name__ for it in RULES}


@pytest.mark.parametrize(
    ("modules", "spared"),
    [
        ("ipyproc, ipyproc.exec", {*THIRD_PARTIES, "asyncio"}),
        ("ipyproc.session", {*THIRD_PARTIES}),
    ],
)
def test_a_script_pays_for_nothing_else(modules: str, spared: set[str]) -> None:
    """The process model and the jobs import no notebook, no widget and no psutil."""
    code = f"import sys, {modules}; print(*{{n.split('.')[0] for n in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert not set(done.stdout.split()) & spared
