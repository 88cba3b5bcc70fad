"""The wire: ``protocol.py`` and the page's ``protocol.ts`` say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ipyproc.views.transport import (
    file_protocol,
    output_protocol,
    protocol,
    terminal_protocol,
)

PYTHON = "\n".join(
    Path(module.__file__).read_text("utf-8")
    for module in (protocol, output_protocol, terminal_protocol, file_protocol)
)
TYPESCRIPT = (
    Path(protocol.__file__).parents[1] / "frontend" / "src" / "protocol.ts"
).read_text("utf-8")
SCALARS = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "bytes": "DataView",
}
UNION = re.compile(r"\|(?![^\[<{]*[\]>}])")

#: Definitions by name; of a message its fields and their types, "name?" if optional.
Types = dict[str, str | dict[str, str]]


def in_python(text: str) -> Types:
    """Read the types of a Python module, written as TypeScript writes them."""
    types: Types = {}
    for node in ast.parse(text).body:
        match node:
            case ast.ClassDef(name=name, body=body):
                fields = [each for each in body if isinstance(each, ast.AnnAssign)]
                types[name] = dict(map(_field, fields))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                types[name] = _typescript(value)
    return types


def _field(node: ast.AnnAssign) -> tuple[str, str]:
    name, kind = ast.unparse(node.target), node.annotation
    match kind:
        case ast.Subscript(value=ast.Name(id="NotRequired"), slice=inner):
            return f"{name}?", _typescript(inner)
    return name, _typescript(kind)


def _typescript(node: ast.expr) -> str:
    """Write an annotation as TypeScript does."""
    match node:
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=str(text)):
            return _typescript(ast.parse(text, mode="eval").body)
        case ast.Name(id=name):
            return SCALARS.get(name, "unknown" if name == "object" else name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_typescript(left)} | {_typescript(right)}"
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if name == "Literal":
                return " | ".join(f'"{ast.literal_eval(part)}"' for part in parts)
            kinds = [_typescript(part) for part in parts]
            match name:
                case "list":
                    kind = kinds[0]
                    return f"({kind})[]" if UNION.search(kind) else f"{kind}[]"
                case "tuple":
                    return f"[{', '.join(kinds)}]"
                case "dict":
                    return f"Record<{', '.join(kinds)}>"
    raise ValueError(f"no type of a message: {ast.unparse(node)}")


def in_typescript(text: str) -> Types:
    """Read the types of a TypeScript module, each field in a line of its own."""
    types: Types = dict(re.findall(r"^export type (\w+) = (.+);$", text, re.M))
    for name, body in re.findall(
        r"^export interface (\w+) \{\n(.*?)^\}", text, re.M | re.S
    ):
        types[name] = dict(re.findall(r"^  (\w+\??): (.+);$", body, re.M))
        assert len(types[name]) == body.count("\n"), f"{name}: one field a line"
    return types


def test_both_ends_know_the_same_messages() -> None:
    """Each trait and message has the same fields of the same types on both sides."""
    ours, theirs = in_python(PYTHON), in_typescript(TYPESCRIPT)

    assert len(ours) > 15
    assert theirs == ours


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    facts: list[Fact] | None\n", "    facts: list[Fact]\n"),
        ("    seq: int\n    signal: str", "    seq: int"),
        ("number: NotRequired[int | None]", "number: int | None"),
        ('        "interrupt",\n', ""),
        ("Streams = list[tuple[str, int]]", "Streams = list[tuple[str, str]]"),
        ("class Forget(", "class Forgot("),
    ],
)
def test_a_difference_is_seen(old: str, new: str) -> None:
    """A field, its type, or a name that one side has alone is found."""
    assert PYTHON.count(old) == 1

    assert in_python(PYTHON.replace(old, new)) != in_typescript(TYPESCRIPT)


def test_each_message_is_in_a_union() -> None:
    """A message that no union lists could be neither sent nor heard by the page."""
    unions = TYPESCRIPT.partition("// --- all of them")[2]
    messages = re.findall(r"interface (\w+) \{\n  (?:action|kind): ", TYPESCRIPT)

    assert len(messages) > 10
    assert [name for name in messages if not re.search(rf"\b{name}\b", unions)] == []
