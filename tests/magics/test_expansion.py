from __future__ import annotations

import pytest

from ipyproc.magics.expansion import Expansion

VARIABLES = {
    "n": 3,
    "name": "a b",
    "files": ["x"],
    "d": {"k": "v"},
    "exit": 1,
    "open": 2,
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("{n} $n ${n}", "3 3 3"),
        ("'{n}' \"$n\" \\{n}", "'3' \"3\" \\3"),
        ("for i in {n}: print(f'{i}', {d['k']})", "for i in 3: print(f'{i}', v)"),
        ("{files} $files {m} $m {4}", "{files} $files {m} $m {4}"),
        ("{\n n}", "{\n n}"),
        ("{{n}} {{m}} $$n", "{n} {{m}} $n"),
        ("{exit} $exit {open} {n + exit}", "{exit} $exit {open} 4"),
        ("{n", "{n"),
        ("{n!x} {n:q} {n!r:>3}", "{n!x} {n:q}   3"),
        ("{(lambda: n)()} {[n for n in files][0]}", "3 x"),
        ("{[m for m in (1,)][0]}", "{[m for m in (1,)][0]}"),
    ],
)
def test_a_text_is_expanded(text: str, expanded: str) -> None:
    """Quotes mean nothing in a text; each expression is expanded by itself."""
    assert Expansion(VARIABLES, {"open"}).expand(text) == expanded


def test_an_odd_text_takes_no_time() -> None:
    """Many braces are looked at a bounded number of times each."""
    for text in ("{" * 3000, "}" * 3000, "{n n " * 1500 + "}" * 1500, "{:" * 1500):
        assert Expansion(VARIABLES).expand(text).count("{") == text.count("{")


def test_each_expression_is_evaluated_once() -> None:
    """An expression with an effect has it once."""
    calls: list[int] = []

    assert (
        Expansion({"f": lambda: calls.append(1) or len(calls)}).expand("{f()}") == "1"
    )
    assert calls == [1]
