from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core import completer
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from ipyproc.magics.complete import NAMES


@pytest.fixture(scope="module", autouse=True)
def kept_trees() -> Iterator[None]:
    """What IPython's completer keeps of what it read is left alone by later tests.

    Each looks through all there is for garbage, and that is most of it.
    """
    yield
    gc.freeze()


def texts(ip: InteractiveShell, source: str) -> list[str]:
    """The lines that a front end gets when it applies our completions."""
    with provisionalcompleter():
        found = list(ip.Completer.completions(source, len(source)))
    return [source[: completion.start] + completion.text for completion in found]


def test_a_front_end_gets_our_completions(ip: InteractiveShell) -> None:
    """JupyterLab and the terminal get options, also for an empty word."""
    assert texts(ip, "%spawn --na") == ["%spawn --name"]
    assert texts(ip, "x = 1\n%spawn --na") == ["x = 1\n%spawn --name"]
    assert texts(ip, "%%spawn --merg") == ["%%spawn --merge"]
    assert "%procs --clear" in texts(ip, "%procs ")
    assert texts(ip, "%prockill --signal=HU") == ["%prockill --signal=HUP"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a file and a directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some file").touch()
    (tmp_path / "some-dir").mkdir()


@pytest.mark.usefixtures("folder")
def test_words_of_any_kind_are_completed(ip: InteractiveShell) -> None:
    """Words with dashes and blanks are completed, also by IPython 7."""
    assert "%spawn cat some-dir/" in texts(ip, "%spawn cat some-")
    assert "%spawn cat ./some-dir/" in texts(ip, "%spawn cat ./some-")
    assert "%spawn cat some\\ file" in texts(ip, "%spawn cat some")
    assert "%spawn --dir=some-dir/" in texts(ip, "%spawn --dir=so")


@pytest.mark.skipif(
    not hasattr(completer, "context_matcher"), reason="IPython 7 asks all of its own"
)
@pytest.mark.usefixtures("folder")
def test_nothing_stands_beside_ours(ip: InteractiveShell) -> None:
    """IPython's own guesses are not offered beside ours."""
    assert texts(ip, "%spawn cat some-") == ["%spawn cat some-dir/"]
    assert texts(ip, "%spawn cat ./some-") == ["%spawn cat ./some-dir/"]


def test_other_lines_are_completed_as_before(ip: InteractiveShell) -> None:
    """Lines of other magics, and Python, are completed as before."""
    ip.user_ns["some_long_name"] = 1

    assert "some_long_name" in texts(ip, "some_long_n")
    assert any(text.endswith("%spawn") for text in texts(ip, "%spa"))


def test_all_magics_are_known(ip: InteractiveShell) -> None:
    """Every magic that is registered is completed."""
    ours = {
        name
        for name, function in ip.magics_manager.magics["line"].items()
        if type(getattr(function, "__self__", None)).__name__ == "IPyProc"
    }

    assert ours == set(NAMES)
