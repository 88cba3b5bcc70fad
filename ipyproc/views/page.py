"""What a widget sends to the page, from plain files of one subject each in ``page/``.

anywidget wants one module and one style sheet, and each model of a widget, and each
notebook that is saved with it, has a copy. So a widget writes::

    _esm = page.module("job.js")
    _css = page.style("theme.css", "job.css")

`module` joins a file with all that it imports, and packs that: it takes a third of the
room then, and what the browser's tools show is the files as they are written. All
models of a page share one instance of it. There is no bundler and no build step; a test
can load the same files one by one. They keep to a few rules, and one that does not is
refused:

* ``import { a, b } from "./other.js";`` is a line of its own and renames nothing;
* ``export`` stands before a declaration, ``export default`` in the first file only;
* what is declared at the top of a file has a name that no other file gives: the browser
  says so otherwise.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).with_name("page")

_IMPORT = re.compile(r'^import \{ \w+(?:, \w+)* \} from "\./([\w-]+\.js)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async |const |function |class ))", re.M)
_LEFT = re.compile(r"^(?:import|export(?! default \{))\b.*", re.M)

# A page that has its style can do this: both are of 2023. It unpacks a module once, for
# all models that have it: anywidget gives each two seconds to load, and one that takes
# longer, as on a page that opens with many, never hears of its kernel again.
_UNPACK = """\
// ipyproc/views/page/%s and what it imports, deflated.
const text = "%s";
const modules = (globalThis[Symbol.for("ipyproc")] ??= new Map());
if (!modules.has(text)) modules.set(text, unpacked());
export default (await modules.get(text)).default;

async function unpacked() {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const packed = new Blob([bytes]).stream();
  const plain = packed.pipeThrough(new DecompressionStream("deflate"));
  const headers = { "content-type": "text/javascript" };
  const url = URL.createObjectURL(await new Response(plain, { headers }).blob());
  const module = await import(url);
  URL.revokeObjectURL(url);
  return module;
}
"""


def module(name: str) -> str:
    """Return the module *name* and all that it imports as one, packed."""
    packed = zlib.compress(joined(name).encode(), 9)
    return _UNPACK % (name, base64.b64encode(packed).decode("ascii"))


def joined(name: str) -> str:
    """Return the module *name* after all that it imports, each file once."""
    return "\n".join(_files(name, set()))


def style(*names: str) -> str:
    """Return style sheets as one, without indentation."""
    lines = [line for name in names for line in _read(name).splitlines()]
    return "\n".join(line.strip() for line in lines if line)


def _files(name: str, seen: set[str]) -> Iterator[str]:
    """Give what *name* imports, and then itself without the words that tie them."""
    if name in seen:
        return
    seen.add(name)
    text = _read(name)
    for imported in _IMPORT.findall(text):
        yield from _files(imported, seen)
    text = _EXPORT.sub("", _IMPORT.sub("", text))
    if line := _LEFT.search(text):
        raise ValueError(f"{name}: cannot be joined: {line[0]}")
    yield text


def _read(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")
