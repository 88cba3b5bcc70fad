"""Running modules of ours in a fresh, isolated Python that need not find them.

A helper's code is read when its user is imported, and handed over through a pipe or a
file. So it is the code of this session, also if the package is replaced or deleted
meanwhile, and neither the isolated mode nor a zip file hides it.
"""

from __future__ import annotations

import marshal
from importlib.util import find_spec
from types import CodeType

from ipyproc._sys.interpreter import OPTIONS

# Reads the bundle, puts its modules in place as an import would, and calls `main`.
_PROGRAM = """\
import marshal, os, sys
code = b""
while len(code) < {size}:
    part = os.read({fd}, {size} - len(code))
    if not part:
        sys.exit("the code of the helper is incomplete")
    code += part
for name, code in marshal.loads(code):
    module = sys.modules[name] = type(sys)(name)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    if code is None:
        module.__path__ = []
    else:
        exec(code, module.__dict__)
module.main(*sys.argv[2:])
"""


class HelperCode:
    """The code of a helper: *modules* by their full names, each after what it imports.

    The last one has a function ``main``, which takes words.
    """

    def __init__(self, *modules: str) -> None:
        entries: dict[str, CodeType | None] = {}
        for name in modules:
            words = name.split(".")
            for end in range(1, len(words)):
                entries.setdefault(".".join(words[:end]), None)
            entries[name] = code_of(name)
        #: What the helper reads from its descriptor.
        self.bundle = marshal.dumps(list(entries.items()))
        self._name = modules[-1]

    def words(self, fd: int, *arguments: str) -> list[str]:
        """The words behind the Python that runs the helper.

        The bundle comes on descriptor *fd*, and whatever comes behind it is left there
        for ``main`` to read.
        """
        program = _PROGRAM.format(fd=fd, size=len(self.bundle))
        return [*OPTIONS, "-c", program, self._name, *arguments]


def code_of(name: str) -> CodeType:
    """Read the code of a module; ``ImportError`` if that cannot be read."""
    code = _of(name, "get_code")
    if not isinstance(code, CodeType):
        raise ImportError(f"the code of {name} cannot be read")
    return code


def text_of(name: str) -> str:
    """Read the text of a module; ``ImportError`` if that cannot be read."""
    text = _of(name, "get_source")
    if not isinstance(text, str):
        raise ImportError(f"the text of {name} cannot be read")
    return text


def _of(name: str, what: str) -> object:
    """Let the loader of a module get something of it, wherever that is."""
    spec = find_spec(name)
    # Not a question of its class: the loader of a zip file is no ``InspectLoader``.
    get = getattr(spec and spec.loader, what, None)
    return get and get(name)
