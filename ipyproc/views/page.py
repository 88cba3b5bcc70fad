"""What a widget sends to the page, from plain files of one subject each in ``page/``.

anywidget wants one module and one style sheet, and each model of a widget, and each
notebook that is saved with it, has a copy. So a widget writes::

    _esm = page.module("job.js")
    _css = page.style("job.css")

`module` joins a file with all that it imports, and `style` joins style sheets; both
leave out comments and spaces. There is no bundler and no build step: a browser, or a
test, can load the same files as they are. For that they keep to a few rules, and a file
that does not is refused:

* ``import { a, b } from "./other.js";`` is a line of its own and renames nothing;
* ``export`` stands before a declaration, ``export default`` in the first file only;
* what is declared at the top of a file has a name that no other file gives;
* no template stands in another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).with_name("page")

_IMPORT = re.compile(r'^import \{ \w+(?:, \w+)* \} from "\./([\w-]+\.js)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async |const |function |class ))", re.M)
_LEFT = re.compile(r"^(?:import|export(?! default \{))\b.*", re.M)

_STRING = r'"(?:\\.|[^"\\\n])*"'
# A slash begins a regular expression where no operand stands before it.
_NO_OPERAND = r"(?:(?<=[(,=:\[!&|?{};])|(?<=[(,=:\[!&|?{};] )|(?<=return ))"
_REGEXP = rf"{_NO_OPERAND}/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*"
_TEMPLATE = r"`(?:\\.|[^`\\])*`"
_COMMENT = r"/\*.*?\*/|//[^\n]*"
_JS_TOKEN = re.compile(rf"({_COMMENT})|{_STRING}|{_TEMPLATE}|{_REGEXP}", re.S)
_CSS_TOKEN = re.compile(rf"(/\*.*?\*/)|{_STRING}", re.S)


def module(name: str) -> str:
    """Return the module *name* and all that it imports as one, without spaces.

    What it imports comes before it, each file once.
    """
    return _shrunk("\n".join(_files(name, set())), _JS_TOKEN, _shrunk_js)


def style(*names: str) -> str:
    """Return style sheets as one, without spaces."""
    text = "\n".join((FOLDER / name).read_text("utf-8") for name in names)
    return _shrunk(text, _CSS_TOKEN, _shrunk_css)


def _files(name: str, seen: set[str]) -> Iterator[str]:
    """Give what *name* imports, and then itself without the words that tie them."""
    if name in seen:
        return
    seen.add(name)
    text = (FOLDER / name).read_text("utf-8")
    for imported in _IMPORT.findall(text):
        yield from _files(imported, seen)
    text = _EXPORT.sub("", _IMPORT.sub("", text))
    if line := _LEFT.search(text):
        raise ValueError(f"{name}: cannot be joined: {line[0]}")
    yield text


def _shrunk(text: str, token: re.Pattern[str], shrink: Callable[[str], str]) -> str:
    """Return *text* without comments, and what is between literals shrunk.

    Twice: what stood on both sides of a comment is then one piece.
    """
    for _ in range(2):
        at, parts = 0, []
        for match in token.finditer(text):
            _check(match[0])
            parts += [shrink(text[at : match.start()]), "" if match[1] else match[0]]
            at = match.end()
        text = "".join([*parts, shrink(text[at:])])
    return text.strip()


def _check(literal: str) -> None:
    if literal[0] == "`" and literal.count("${") != literal.count("}"):
        raise ValueError(f"cannot be shrunk, for it may have another inside: {literal}")


def _shrunk_js(code: str) -> str:
    """Take out spaces, and ends of lines where no statement can end or begin."""
    code = re.sub(r"\s*\n\s*", "\n", code)
    code = re.sub(r" ?([=<>{}()\[\],;:?|&*%!]) ?", r"\1", code)
    code = re.sub(r"(?<![+-]) ?([+-]) ?(?![+-])", r"\1", code)
    return re.sub(r"(?<=[{(\[,;=:?|&>])\n|\n(?=[})\],:?|&=.])", "", code)


def _shrunk_css(code: str) -> str:
    code = re.sub(r"\s+", " ", code)
    code = re.sub(r" ?([{};,>]) ?", r"\1", code)
    return re.sub(r"(?<=[\w-]): ", ":", code).replace(";}", "}")
