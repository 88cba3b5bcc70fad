from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from ipyproc.views import page as joiner
from tests.views.test_screen import VECTORS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that modules and style sheets come from."""
    monkeypatch.setattr(joiner, "FOLDER", tmp_path)
    return tmp_path


def joined(folder: Path, **files: str) -> str:
    """Write modules and join them, beginning with ``first``."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return joiner.module("first.js")


def test_modules_become_one(folder: Path) -> None:
    """
    What is imported comes first, once, and the words that tied the files are gone.
    """
    got = joined(
        folder,
        first='import { b } from "./b.js";\nimport { a } from "./a.js";\n'
        "export default { f: () => a + b };\n",
        b='// B.\nimport { a } from "./a.js";\n\nexport const b = a;\n',
        a="/** A. */\nexport function a() {}\n",
    )

    assert got == "function a(){}\nconst b=a;export default{f:()=>a+b};"


@pytest.mark.parametrize(
    "line",
    [
        'import { a as b } from "./a.js";',
        'import a from "./a.js";',
        'import { a } from "https://a.b/a.js";',
        'import "./a.js";',
        "export { a };",
        'export * from "./a.js";',
        "const a = `${`b`}`;",
        "const a = `${b ? `c` : {}}`;",
    ],
)
def test_what_cannot_be_joined_is_refused(folder: Path, line: str) -> None:
    """
    A file that does not keep to the rules is no module with a hole in it.
    """
    with pytest.raises(ValueError, match="cannot be "):
        joined(folder, first=line + "\n", a="export const a = 1;\n")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a = 1; // one\nb = 2;", "a=1;b=2;"),
        ('a = "x  //  y"; // z', 'a="x  //  y";'),
        ('a = " \\" , " + b', 'a=" \\" , "+b'),
        ("a = `b , ${c + d}\n  e`;", "a=`b , ${c + d}\n  e`;"),
        ("a.replace(/ , [/ ] , /g, b)", "a.replace(/ , [/ ] , /g,b)"),
        ("if (!/ = /.test(a)) return / ; /;", "if(!/ = /.test(a))return / ; /;"),
        ("a = b / c / d , e", "a=b / c / d,e"),
        ("a + +b - -c + 1 - d++ + e", "a+ +b- -c+1-d++ +e"),
        ("a\n  = b\n  ?.c\n(d)\n[e]", "a=b?.c\n(d)\n[e]"),
        ("a++\nb\n--c\n", "a++\nb\n--c"),
        ("const f = () => {\n  g();\n}\nh()", "const f=()=>{g();}\nh()"),
        ("return a in b ? typeof c : new D", "return a in b?typeof c:new D"),
    ],
)
def test_spaces_go_where_they_mean_nothing(folder: Path, text: str, want: str) -> None:
    """
    Strings, templates and regular expressions stay; so do ends of lines that matter.
    """
    assert joined(folder, first=text) == want


def test_style_sheets_become_one(folder: Path) -> None:
    """
    A space that tells a descendant from the element itself stays.
    """
    (folder / "a.css").write_text(
        '/* A: */\n.a {\n  color: red;\n\n  & :hover, > b { content: " ; "; }\n}\n'
    )
    (folder / "b.css").write_text("b { margin: calc(1px + 2px) 0; } /* , */\n")

    got = joiner.style("a.css", "b.css")

    assert got == '.a{color:red;& :hover,>b{content:" ; "}}b{margin:calc(1px + 2px) 0}'


@pytest.mark.browser
@pytest.mark.xdist_group("views")
def test_the_files_do_what_the_joined_module_does(page: Page) -> None:
    """
    A browser can load the files as they are; the other tests have what was joined.
    """
    page.wait_for_function("window.loaded")
    names = page.evaluate(
        "async () => Object.keys((await import('./page/job.js')).default)"
    )
    assert names == ["initialize", "render"]
    page.evaluate("async () => { window.files = await import('./page/screen.js'); }")

    for vector in VECTORS:
        got = page.evaluate("vector => played(vector, files)", vector)

        assert got["lines"] == vector["lines"], vector["name"]
