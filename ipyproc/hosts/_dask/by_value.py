"""Functions that travel as text, to where nothing of ours is installed."""

from __future__ import annotations

import builtins
from typing import Final

from ipyproc._sys.helper_code import text_of

# An expression, for that is all that unpickling calls: the text is compiled where it is
# used, whatever Python that is. Its module can be imported nowhere, so a worker that
# passes the function on sends all of it, too.
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
        self._text = _EXPRESSION.format(source=text_of(module), name=name)

    def __call__(self, *args: object) -> object:
        """Refuse: it is called where it is unpickled."""
        raise RuntimeError(f"{self.__name__} is for workers")

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return builtins.eval, (self._text,)
