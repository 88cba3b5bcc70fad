from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ipyproc.views import page as joiner


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that modules and style sheets come from."""
    monkeypatch.setattr(joiner, "FOLDER", tmp_path)
    return tmp_path


def joined(folder: Path, **files: str) -> str:
    """Write modules and join them, beginning with ``first``."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return joiner.joined("first.js")


FIRST = """\
import { b } from "./b.js";
import { a } from "./a.js";

export default { f: (x) => a(b, x) };
"""
B = """\
// B.
import { a } from "./a.js";

export const b = a("export const ", "é");
"""
A = """\
export function a(x, y) {
  return x + y;
}
"""


def test_modules_become_one(folder: Path) -> None:
    """
    What is imported comes first, once, and the words that tied the files are gone.
    """
    assert joined(folder, first=FIRST, b=B, a=A).splitlines() == [
        *("function a(x, y) {", "  return x + y;", "}", ""),
        *("// B.", "", 'const b = a("export const ", "é");', ""),
        *("", "export default { f: (x) => a(b, x) };"),
    ]


def test_two_that_import_each_other(folder: Path) -> None:
    """
    A circle ends.
    """
    text = 'import { a } from "./first.js";\nexport const b = () => a;\n'
    first = 'import { b } from "./b.js";\nexport const a = () => b;\n'

    got = joined(folder, first=first, b=text)

    assert got == "const b = () => a;\n\nconst a = () => b;\n"


@pytest.mark.parametrize(
    "line",
    [
        'import { a as b } from "./a.js";',
        'import a from "./a.js";',
        'import { a } from "https://a.b/a.js";',
        'import "./a.js";',
        "export { a };",
        'export * from "./a.js";',
    ],
)
def test_what_cannot_be_joined_is_refused(folder: Path, line: str) -> None:
    """
    A file that does not keep to the rules makes no module with a hole in it.
    """
    with pytest.raises(ValueError, match=r"first.js: cannot be joined: "):
        joined(folder, first=line + "\n", a="export const a = 1;\n")


@pytest.mark.parametrize("name", ["job", "jobs", "found", "life", "waitstatus"])
def test_no_two_files_of_a_module_give_the_same_name(name: str) -> None:
    """
    What is joined shares its names: a page would refuse it.
    """
    text = joiner.joined(f"{name}.js")
    names = re.findall(r"^(?:const|let|class|(?:async )?function) (\w+)", text, re.M)
    names += re.findall(r"^(?:const|let) .*?[,{] (\w+) [=}]", text, re.M)

    assert len(names) > 10
    assert sorted(names) == sorted(set(names))


def test_style_sheets_become_one(folder: Path) -> None:
    """
    Style sheets follow each other.
    """
    (folder / "a.css").write_text(".a {\n  color: red;\n\n  & :hover { top: 0; }\n}\n")
    (folder / "b.css").write_text("b { margin: 0; }\n")

    got = joiner.style("a.css", "b.css")

    assert got == ".a {\ncolor: red;\n& :hover { top: 0; }\n}\nb { margin: 0; }"


@pytest.mark.browser
@pytest.mark.xdist_group("views")
def test_what_is_packed_is_unpacked_by_the_page(folder: Path, page: Page) -> None:
    """
    The page gets what the first file exports by default, and all its models the same.
    """
    joined(folder, first=FIRST, b=B, a=A)

    got = page.evaluate(
        """async (text) => {
          const blob = new Blob([text], { type: "text/javascript" });
          const load = () => import(URL.createObjectURL(blob));
          const [first, second] = [(await load()).default, (await load()).default];
          return [first.f("!"), first === second];
        }""",
        joiner.module("first.js"),
    )

    assert got == ["export const é!", True]
