from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from ipyproc.magics.parsing import Words


def split(text: str) -> list[str]:
    """The words of a text, by what they mean."""
    return [word.text for word in Words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n ", []),
        ("ls -l", ["ls", "-l"]),
        ("echo 'a  b' \"c d\" e\\ f", ["echo", "a  b", "c d", "e f"]),
        ("echo '' \"\"", ["echo", "", ""]),
        ("echo a#b # c", ["echo", "a#b"]),
        ("echo * a|wc y;z", ["echo", "*", "a|wc", "y;z"]),
        ("echo\n  one\n\n  two\n", ["echo", "one", "two"]),
        ("python3 -c 'if 1:\n  print(1)'", ["python3", "-c", "if 1:\n  print(1)"]),
        ("a \\\n  b", ["a", "b"]),
        ('a "b\\\nc"', ["a", "bc"]),
        ("a 'b\\\nc'", ["a", "b\\\nc"]),
        ("it\\'s 'x' \\\n y", ["it's", "x", "y"]),
        ("é ☃ 'ß'", ["é", "☃", "ß"]),
    ],
)
def test_a_text_falls_into_words(text: str, words: list[str]) -> None:
    """Words are split as a shell splits them; outside quotes a newline is a space."""
    assert split(text) == words


@pytest.mark.parametrize("text", ["echo 'a", 'echo "a', "echo 'a\nb c"])
def test_an_open_quotation_mark_is_said(text: str) -> None:
    """An open quotation mark is an error of one line."""
    with pytest.raises(UsageError, match=r"^a quotation mark is not closed: echo .a"):
        split(text)


def test_a_lone_backslash_is_said() -> None:
    """A backslash at the end of the text is an error."""
    with pytest.raises(UsageError, match=r"^a backslash ends the line: echo a \\$"):
        split("echo a \\")


def test_the_rest_is_as_it_was_written() -> None:
    """The rest keeps its quotes and spaces, for a shell to read."""
    words = Words("  --name x   echo 'a  b' | tr a-z A-Z  ")

    assert (next(words).text, next(words).text) == ("--name", "x")
    assert words.rest == "echo 'a  b' | tr a-z A-Z"
    assert next(words).text == "echo"
    assert words.rest == "'a  b' | tr a-z A-Z"


def test_what_is_not_read_need_not_be_balanced() -> None:
    """The rest, which a shell reads, can have an open quotation mark."""
    words = Words("--shell echo 'a")

    assert next(words).text == "--shell"
    assert words.rest == "echo 'a"
