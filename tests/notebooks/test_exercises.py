"""What checks an answer never fails itself, and says what the answer did."""

from __future__ import annotations

import signal
import string
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ipyproc import command, start_process
from ipyproc.views import explore, use_language

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
answer: object


@pytest.fixture
def english() -> ModuleType:
    """The module, as one notebook imports it."""
    return _imported(NOTEBOOKS / "exercises.py")


@pytest.fixture
def chinese() -> Iterator[ModuleType]:
    """The module of the Chinese notebooks, which chooses the language of views, too."""
    yield _imported(NOTEBOOKS / "zh" / "exercises.py")
    use_language("en")


def _imported(path: Path) -> ModuleType:
    spec = spec_from_file_location("exercises_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _doubles(function: Any) -> Iterator[tuple[str, object, object]]:
    yield "answer(2)", function(2), 4
    yield "answer(3)", function(3), 6


def _said(module: ModuleType, given: object, capsys: Any) -> str:
    global answer  # where a notebook has its names
    answer = given
    module.check("answer", _doubles)
    return str(capsys.readouterr().out)


def _blank(n: int) -> object:
    return ...


def _half(n: int) -> object:
    return 4 if n == 2 else ...


def _fails(n: int) -> object:
    raise ValueError("no")


def _leaves(n: int) -> object:
    sys.exit(3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda n: 2 * n, "Right!\n"),
        (..., "Not yet: fill in"),
        (_blank, "Not yet: fill in"),
        (_half, "Not yet: fill in"),
        (lambda n: n * n, "Not quite: answer(3) is 9.\nThere are two hints below.\n"),
        (lambda n: None, "Not quite: answer(2) is None.\n"),
        (_fails, "Not quite: answer raises ValueError: no.\n"),
        (_leaves, "Not quite: answer raises SystemExit: 3.\n"),
        (lambda: 4, "Not quite: answer raises TypeError: "),
        (lambda n: ValueError("no"), "Not quite: answer(2) raises ValueError: no.\n"),
        (7, "Not quite: answer is 7. Checking it raised TypeError: 'int' object"),
        (lambda n: "x" * 500, "Not quite: answer(2) is 'xxxx"),
    ],
)
def test_what_is_said(
    english: ModuleType, capsys: Any, given: object, said: str
) -> None:
    """Each answer has its verdict, in less than three short lines."""
    found = _said(english, given, capsys)

    assert found.startswith(said)
    assert len(found) < 250


def test_an_answer_that_is_not_there(english: ModuleType, capsys: Any) -> None:
    """A check that is run before the answer says what to run first."""
    english.check("no_such_name", _doubles)

    assert capsys.readouterr().out.startswith("Not yet: run the cell above first")


def test_an_answer_that_hangs(english: ModuleType, capsys: Any) -> None:
    """It is interrupted, whatever it catches, and the alarm is as it was before."""
    english.PATIENCE = 0.05
    before = signal.getsignal(signal.SIGALRM)

    def stubborn(n: int) -> object:
        with suppress(BaseException):
            threading.Event().wait(60)
        return threading.Event().wait(60)

    assert _said(english, stubborn, capsys).startswith(
        "Not quite: answer was not done after 0.05 seconds.\n"
    )
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_what_a_judge_started_is_ended(english: ModuleType, capsys: Any) -> None:
    """The judge cleans up at once, after a wrong answer and after one that hangs."""
    english.PATIENCE = 0.05
    ended = []

    def judge(given: Any) -> Iterator[tuple[str, object, object]]:
        try:
            yield "answer(60)", given(60), 1
        finally:
            ended.append(given)

    global answer
    for answer in (lambda n: 2), time.sleep, (lambda n: 1):
        kept = judge(answer)  # so that it does not end because nobody has it
        english.check("answer", lambda _, kept=kept: kept)
        assert ended.pop() is answer
    said = capsys.readouterr().out
    assert [word in said for word in ("is 2.", "not done", "Right!")] == [True] * 3


def test_an_interrupt_is_the_readers(english: ModuleType, capsys: Any) -> None:
    """The interrupt button ends a check."""

    def interrupted(n: int) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _said(english, interrupted, capsys)


def test_in_another_thread(english: ModuleType, capsys: Any) -> None:
    """A cell that does not run in the main thread is checked, too."""
    found: list[str] = []
    thread = threading.Thread(
        target=lambda: found.append(_said(english, lambda n: 2 * n, capsys))
    )
    thread.start()
    thread.join()

    assert found == ["Right!\n"]


def test_processes_are_tidied_up(english: ModuleType) -> None:
    """Processes, commands and pids end; what is none of these is ignored."""
    process = start_process("/bin/sleep", ["sleep", "60"])
    cmd = command("sleep", "60")
    cmd.start()
    child = start_process("/bin/sleep", ["sleep", "60"])

    english.tidy(None, process, "text", cmd, child.pid, command("sleep"), ...)

    assert str(process.status) == str(cmd.process.status) == "done"
    with pytest.raises(ChildProcessError):
        child.wait()


def test_progress(english: ModuleType, capsys: Any) -> None:
    """It names what is left; what was solved stays solved."""
    english.progress("answer", "other")
    assert capsys.readouterr().out == (
        "0 of 2 exercises are solved. Still to do: answer, other.\n"
    )
    _said(english, lambda n: 2 * n, capsys)
    _said(english, lambda n: 0, capsys)

    english.progress("answer", "other")
    assert "1 of 2" in capsys.readouterr().out
    english.progress("answer")
    assert capsys.readouterr().out.startswith("All ")


def test_chinese_says_the_same(
    english: ModuleType, chinese: ModuleType, capsys: Any
) -> None:
    """Each text is there in Chinese, with the same places to fill in."""
    texts = chinese._above.TEXTS
    assert {name: _places(text) for name, text in texts.items()} == {
        name: _places(text) for name, text in english.TEXTS.items()
    }
    assert [name for name in texts if texts[name] == english.TEXTS[name]] == []

    assert _said(chinese, lambda n: n * n, capsys).startswith(
        texts["wrong"].format(what="answer(3)", got=9)
    )
    assert _said(chinese, lambda n: 2 * n, capsys) == texts["right"] + "\n"
    assert "退出码 3" in explore(0x0300).text()
    chinese.progress("answer")
    assert "全部完成" in capsys.readouterr().out


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}
