"""The architecture as a table, and functions that find what breaks it.

Each rule takes the modules of a package and yields one line for each fault, so that
the tests can run the same rules on ``ipyproc`` and on small trees that are wrong.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "ipyproc"
#: From the bottom up: a layer imports from itself and from the layers before it.
#: A module is in the layer that lists the first part of its name below the package.
LAYERS = {
    "model": ["errors", "state", "attr", "_text", "_value"],
    "system": ["_sys"],
    "process": ["process", "_process"],
    "exec": ["context", "exec"],
    "jobs": ["_jobs"],
    "agent": ["_agent"],
    "hosts": ["hosts"],
    "session": ["session"],
    "views": ["views"],
    "magics": ["magics"],
    "facade": [""],
}
#: The only layers that call the system layer; the others have ``Process``.
CALL_THE_SYSTEM = {"system", "process"}
#: What calls no system but lies beside it, for all that start a helper.
HELPERS = {"ipyproc._sys.helper_code", "ipyproc._sys.interpreter"}
#: Which part of the package imports which third party; all else is standard library.
THIRD_PARTIES = {
    "psutil": ["views", "magics"],
    "distributed": ["hosts._dask"],
    "anywidget": ["views"],
    "ipywidgets": ["views"],
    "comm": ["views"],
    "traitlets": ["views", "magics"],
    "IPython": ["views", "magics"],
    "hatchling": ["views.frontend.hatch_build"],  # builds; no module imports it
}
#: Where ctypes is allowed.
CTYPES = "_sys"
MOST_LINES = 400
# Functions that import what a string names.
_BY_NAME = {"import_module", "__import__", "resolve_name", "exec_module"}

_ORDER = list(LAYERS)
_LAYER_OF = {part: layer for layer, parts in LAYERS.items() for part in parts}


@dataclass(frozen=True)
class Module:
    """What the rules need to know of a module; *imports* are full names."""

    name: str
    imports: frozenset[str]
    by_name: bool
    relative: bool
    lines: int

    @property
    def below(self) -> str:
        """Its name without the package's; the facade's is empty."""
        return _below(self.name)


Modules = Mapping[str, Module]
Rule = Callable[[Modules], Iterator[str]]


def read(root: Path) -> Modules:
    """Read every module of the package whose folder is *root*."""
    sources = {
        ".".join((PACKAGE, *path.relative_to(root).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path.read_text()
        for path in sorted(root.rglob("*.py"))
    }
    known = frozenset(sources)
    return {name: _parse(name, text, known) for name, text in sources.items()}


@cache
def _parse(name: str, source: str, known: frozenset[str]) -> Module:
    nodes = list(ast.walk(ast.parse(source)))
    return Module(
        name,
        frozenset(it for node in nodes for it in _imported(node, known)),
        any(_is_by_name(node) for node in nodes),
        any(isinstance(node, ast.ImportFrom) and node.level for node in nodes),
        len(source.splitlines()),
    )


def _imported(node: ast.AST, known: frozenset[str]) -> Iterator[str]:
    """Yield the modules that one node imports, wherever in the file it stands.

    ``from a import b`` imports ``a.b`` if that is a module, else ``a``.
    """
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names):
            full = {f"{module}.{alias.name}" for alias in names}
            yield from full & known
            if full - known:
                yield module
        case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
            if _is_by_name(function):
                yield module


def _is_by_name(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name.rpartition(".")[2] in _BY_NAME
    return False


def _below(name: str) -> str:
    return name.removeprefix(PACKAGE).removeprefix(".")


def _layer(name: str) -> str | None:
    return _LAYER_OF.get(_below(name).partition(".")[0])


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE


def _is_in(below: str, part: str) -> bool:
    return f"{below}.".startswith(f"{part}.")


def layers_point_down(modules: Modules) -> Iterator[str]:
    """A module imports from its own layer and from those before it only."""
    for module in modules.values():
        own = _layer(module.name)
        if own is None:
            yield f"{module.name} is in no layer"
            continue
        for name in sorted(filter(_is_ours, module.imports)):
            other = _layer(name)
            if other is None or _ORDER.index(other) > _ORDER.index(own):
                yield f"{module.name} ({own}) imports {name} ({other})"


def the_system_is_for_processes(modules: Modules) -> Iterator[str]:
    """Only the process layer calls the system layer."""
    for module in modules.values():
        for name in sorted(filter(_is_ours, module.imports - HELPERS)):
            if _layer(name) == "system" and _layer(module.name) not in CALL_THE_SYSTEM:
                yield f"{module.name} imports {name}"


def third_parties_have_their_place(modules: Modules) -> Iterator[str]:
    """Each third party is imported only where the table has it."""
    for module in modules.values():
        for name in sorted({it.partition(".")[0] for it in module.imports}):
            if name == PACKAGE or name in sys.stdlib_module_names:
                continue
            if not any(_is_in(module.below, it) for it in THIRD_PARTIES.get(name, [])):
                yield f"{module.name} imports {name}"


def ctypes_has_its_place(modules: Modules) -> Iterator[str]:
    """Only the system layer uses ctypes."""
    for module in modules.values():
        uses = any(it.partition(".")[0] == "ctypes" for it in module.imports)
        if uses and not _is_in(module.below, CTYPES):
            yield f"{module.name} imports ctypes"


def only_the_facade_imports_by_name(modules: Modules) -> Iterator[str]:
    """An import that a string names hides a way up, so only the facade has one."""
    for module in modules.values():
        if module.by_name and module.name != PACKAGE:
            yield f"{module.name} imports by name"


def imports_are_absolute(modules: Modules) -> Iterator[str]:
    """An import gives the full name of its module."""
    for module in modules.values():
        if module.relative:
            yield f"{module.name} has a relative import"


def there_is_no_circle(modules: Modules) -> Iterator[str]:
    """No module imports, at any time, what imports it."""
    graph = {it.name: it.imports & set(modules) - {it.name} for it in modules.values()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1][:0:-1]  # each imports the next
        first = circle.index(min(circle))
        yield " imports ".join([*circle[first:], *circle[:first], circle[first]])


def modules_hold_one_subject(modules: Modules) -> Iterator[str]:
    """A module has at most 400 lines: a longer one would hold two subjects."""
    for module in modules.values():
        if module.lines > MOST_LINES:
            yield f"{module.name} has {module.lines} lines"


RULES: list[Rule] = [
    layers_point_down,
    the_system_is_for_processes,
    third_parties_have_their_place,
    ctypes_has_its_place,
    only_the_facade_imports_by_name,
    imports_are_absolute,
    there_is_no_circle,
    modules_hold_one_subject,
]
