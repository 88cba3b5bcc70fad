"""Frozen dataclasses that a script can import without the module ``dataclasses``.

That module and what it needs, such as ``inspect``, take longer to import than all of
ipyproc that starts a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class", bound=type)


@dataclass_transform(frozen_default=True)
def value(cls: _Class) -> _Class:
    """Make *cls* what ``dataclass(frozen=True)`` makes of it.

    Its fields are its annotations; a default is a value that never changes.
    ``dataclasses`` itself takes it for one of its own: ``replace``, ``asdict`` and
    ``fields`` work, too.
    """
    names = tuple(cls.__annotations__)
    members: dict[str, object] = {
        "__init__": _initializer(cls, names),
        "__match_args__": names,
        "__dataclass_fields__": _Fields(),
        **_METHODS,
    }
    for name, member in members.items():
        setattr(cls, name, member)
    return cls


def _initializer(cls: type, names: tuple[str, ...]) -> object:
    """Make the ``__init__`` that takes the fields in order, or by their names."""
    defaults = _defaults(cls)
    given = {name: f"={name}" if name in defaults else "" for name in names}
    lines = [
        f"def __init__(self, {', '.join(map(''.join, given.items()))}):",
        f"  self.__dict__.update({', '.join(f'{name}={name}' for name in names)})",
        "  self.__post_init__()" if hasattr(cls, "__post_init__") else "",
    ]
    made: dict[str, Any] = {}
    exec("\n".join(lines), {**defaults}, made)
    made["__init__"].__annotations__ = {**cls.__annotations__, "return": None}
    made["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    return made["__init__"]


def _defaults(cls: type) -> Mapping[str, object]:
    given = vars(cls)
    return {name: given[name] for name in cls.__annotations__ if name in given}


class _Fields:
    """The fields as ``dataclasses`` has them, for the day that it asks."""

    def __init__(self) -> None:
        self._made: dict[type, object] = {}

    def __get__(self, _: object, owner: type) -> object:
        if owner not in self._made:
            self._made[owner] = _fields(owner)
        return self._made[owner]


def _fields(owner: type) -> object:
    from dataclasses import dataclass

    plain = {"__annotations__": owner.__annotations__, **_defaults(owner)}
    made: Any = dataclass(type(owner.__name__, (), plain))
    return made.__dataclass_fields__


def _repr(self: object) -> str:
    given = ", ".join(f"{name}={it!r}" for name, it in vars(self).items())
    return f"{type(self).__qualname__}({given})"


def _eq(self: object, other: object) -> bool:
    return vars(self) == vars(other) if type(self) is type(other) else NotImplemented


def _hash(self: object) -> int:
    return hash(tuple(vars(self).values()))


def _refuse(self: object, name: str, *_: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field {name!r}")


def _replace(self: object, **changes: object) -> object:
    return type(self)(**{**vars(self), **changes})


_METHODS = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__replace__": _replace,
}
