"""The code that an agent runs, packed, and the text that unpacks it far away.

It is read once, when it is first needed, and kept: so it is the code of this session,
also if the package is replaced or deleted meanwhile. There, it is in memory only.
"""

from __future__ import annotations

import json
import marshal
import pkgutil
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import MAGIC_NUMBER, find_spec
from types import CodeType
from typing import Final, NamedTuple

_PACKAGE: Final = "ipyproc"
# What an agent does not need: what lies above it, and the clients' side of it.
_LEFT_OUT: Final = (
    "ipyproc._agent.bundle",
    "ipyproc._agent.remote",
    "ipyproc.hosts",
    "ipyproc.magics",
    "ipyproc.session",
    "ipyproc.views",
)
_RELAY: Final = (
    "ipyproc",
    "ipyproc._agent",
    "ipyproc._agent.door",
    "ipyproc._agent.place",
    "ipyproc._agent.protocol",
    "ipyproc._agent.protocol.frames",
    "ipyproc._agent.protocol.kinds",
    "ipyproc._agent.relay",
    "ipyproc._agent.tls",
    "ipyproc._jobs",
)

#: The options of the Python that runs it, and the program, whose argument is a marker.
#: It waits for the marker on its standard input, and writes nothing without it, so
#: that what a login prints before is not taken for ours.
OPTIONS: Final = ("-I", "-S", "-B", "-c")
_LOADER: Final = """\
import os, sys
marker = sys.argv[1].encode()
def say(text):
    os.write(1, b"\\n" + marker + b" " + text.encode("utf-8", "replace") + b"\\n")
if sys.version_info < (3, 11):
    say("none %s is %d.%d.%d" % ((sys.executable,) + sys.version_info[:3]))
    sys.exit(1)
from importlib.machinery import ModuleSpec
def read(size):
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            sys.exit(1)
        data += piece
    return data
class Bundle:
    modules = {}
    def find_spec(self, name, path=None, target=None):
        if name in self.modules:
            return ModuleSpec(name, self, is_package=self.modules[name][0])
    def create_module(self, spec):
        pass
    def exec_module(self, module):
        exec(self.get_code(module.__name__), module.__dict__)
    def get_code(self, name):
        code = self.modules[name][1]
        if isinstance(code, str):
            code = compile(code, name, "exec", dont_inherit=True)
        return code
bundle = Bundle()
sys.meta_path.insert(0, bundle)
def load():
    import json, marshal, zlib
    data = read(int.from_bytes(read(4), "big"))
    loads = json.loads if data[:1] == b"j" else marshal.loads
    bundle.modules.update(loads(zlib.decompress(data[1:])))
seen = b""
while not seen.endswith(marker):
    seen = seen[-len(marker):] + read(1)
load()
"""
PROGRAM: Final = f"""{_LOADER}\
from ipyproc._agent.relay import main
main(say, load)
"""
#: The same for a door, which reads what is asked of it behind that.
DOOR: Final = f"""{_LOADER}\
from ipyproc._agent.door import main
main(say, read, load)
"""


def relay() -> bytes:
    """Return the relay, packed; it is compiled there, whatever Python that is."""
    sources = _modules().sources
    return _packed(b"j", json.dumps({name: sources[name] for name in _RELAY}).encode())


def agent(magic: str) -> bytes:
    """Return all that an agent needs, packed.

    *magic* is that of the Python there, in hexadecimal: where it is ours, the code is
    sent as it is compiled already.
    """
    modules = _modules()
    if magic == MAGIC_NUMBER.hex():
        return _packed(b"m", marshal.dumps(modules.code))
    return _packed(b"j", json.dumps(modules.sources).encode())


class _Modules(NamedTuple):
    """By its name, of each module whether it is a package, and what it consists of."""

    sources: dict[str, tuple[bool, str]]
    code: dict[str, tuple[bool, CodeType]]


@lru_cache(maxsize=1)
def _modules() -> _Modules:
    """Read our modules; ``ImportError`` if that is not possible."""
    modules = _Modules({}, {})
    for name, is_package, loader in _loaders():
        source, code = _got(loader, "get_source", name), _got(loader, "get_code", name)
        if not isinstance(source, str) or not isinstance(code, CodeType):
            raise ImportError(f"the code of {name} cannot be read")
        modules.sources[name] = is_package, source
        modules.code[name] = is_package, code
    return modules


def _got(loader: object, method: str, name: str) -> object:
    get = getattr(loader, method, None)
    return get and get(name)


@lru_cache(maxsize=4)
def _packed(kind: bytes, data: bytes) -> bytes:
    packed = kind + zlib.compress(data)
    return len(packed).to_bytes(4, "big") + packed


def _loaders() -> Iterator[tuple[str, bool, object]]:
    spec = find_spec(_PACKAGE)
    if spec is None:
        raise ImportError(f"{_PACKAGE} cannot be found")
    yield _PACKAGE, True, spec.loader
    yield from _below(_PACKAGE, spec.submodule_search_locations or [])


def _below(package: str, path: Sequence[str]) -> Iterator[tuple[str, bool, object]]:
    for info in pkgutil.iter_modules(path):
        name = f"{package}.{info.name}"
        if name in _LEFT_OUT:
            continue
        # By its path: otherwise what is above it would be imported.
        spec = PathFinder.find_spec(name, path)
        yield name, info.ispkg, spec and spec.loader
        if info.ispkg:
            yield from _below(name, [f"{each}/{info.name}" for each in path])
