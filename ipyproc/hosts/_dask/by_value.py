"""Functions that travel as text, to where nothing of ours is installed."""

from __future__ import annotations

import builtins
from importlib.util import find_spec
from typing import Final

# An expression, for that is all that unpickling calls: the text is compiled where it is
# used, whatever Python that is. Its module can be imported nowhere, so that whoever
# passes the function on sends it as a whole, too.
_EXPRESSION: Final = """\
(lambda it: (exec(compile({source!r}, {name!r}, "exec"), it), it[{name!r}])[1])(
    {{"__name__": "ipyproc_by_value"}}
)
"""


class ByValue:
    """The function *name* of the module of this package whose name is *module*.

    Unpickled, it is that function.
    """

    def __init__(self, module: str, name: str) -> None:
        self.__name__ = name
        self._text = _EXPRESSION.format(source=_source(module), name=name)

    def __call__(self, *args: object) -> object:
        """Refuse: it is called where it is unpickled."""
        raise RuntimeError(f"{self.__name__} is for workers")

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return builtins.eval, (self._text,)


def _source(module: str) -> str:
    """Read the text of a module, from wherever the package is."""
    spec = find_spec(module)
    get = getattr(spec and spec.loader, "get_source", None)
    source = get and get(module)
    if not isinstance(source, str):
        raise ImportError(f"the text of {module} cannot be read")
    return source
