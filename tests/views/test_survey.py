"""The tree of sessions and the descriptor tables, of real processes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ipyproc import (
    ProcAttr,
    Process,
    SysProcAttr,
    command,
    find_process,
    jobs,
    spawn,
    start_process,
)
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.descriptors import descriptors as read
from ipyproc.views import DescriptorsView, SessionsView
from ipyproc.views.render.chinese import CHINESE
from ipyproc.views.render.words import Words
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.widgets.survey import SurveyView
from tests.views.conftest import FrontEnd
from tests.views.test_rate_limiter import LINGER, ended
from tests.views.test_timeline import until
from tests.views.test_waitstatus import LIVE

LATIN = re.compile("[A-Za-z][a-z]+")
FAMILY = "sleep 60 & echo $!; setsid sleep 60 & echo $!; echo $$; wait"


@pytest.fixture
def show(front: FrontEnd) -> Iterator[Callable[..., Any]]:
    """Make views; nothing of them is left after the test."""
    views: list[SurveyView] = []

    def show(kind: type[SurveyView], *subjects: Any, **given: Any) -> Any:
        views.append(kind(*subjects, publisher=Publisher(LINGER), **given))
        return views[-1]

    yield show
    for view in views:
        view.close()
    assert ended()
    jobs.clear()


@pytest.fixture
def family() -> Iterator[tuple[Process, int, int]]:
    """A shell that leads a group, a child of it, and one in a session of its own."""
    cmd = command("sh", "-c", FAMILY)
    cmd.sys_proc_attr = SysProcAttr(setpgid=True)
    out = cmd.stdout_pipe()
    cmd.start()
    child, apart, _ = (int(out.readline()) for _ in range(3))
    until(lambda: os.getsid(apart) == apart)
    assert cmd.process is not None
    yield cmd.process, child, apart
    out.close()
    for pid in (child, apart):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        cmd.process.kill()
    with suppress(OSError):
        cmd.wait()


def test_sessions_and_groups(
    show: Callable[..., Any], family: tuple[Process, int, int]
) -> None:
    """Each process is in its group and session, and the kernel is there to compare."""
    shell, child, apart = family
    view = show(SessionsView, shell)

    rows = {row["pid"]: row for row in view.members()}
    assert set(rows) == {os.getpid(), shell.pid, child, apart}
    assert rows[child]["group"] == rows[shell.pid]["group"] == shell.pid
    assert rows[child]["session"] == os.getsid(0)
    assert rows[apart]["session"] == rows[apart]["group"] == apart
    assert [row["pid"] for row in rows.values() if row["mine"]] == [os.getpid()]
    lines = view.text().splitlines()
    at = lines.index(f"  group {shell.pid}")
    assert [line.split()[0] for line in lines[at + 1 : at + 3]] == [
        str(pid) for pid in sorted((shell.pid, child))
    ]
    assert lines[0] == f"session {os.getsid(0)}"
    assert f"session {apart}" in lines
    assert f"<b>session {apart}</b>" in view.html()
    assert "Z has ended, and was not waited for" in view.html()


def test_letters_and_orphans(
    show: Callable[..., Any], family: tuple[Process, int, int]
) -> None:
    """A look after each cell sees stops, zombies, and what lost its parent."""
    shell, child, apart = family
    view = show(SessionsView, shell)

    def letters() -> dict[int, str]:
        view.catch_up()
        return {row["pid"]: row["letter"] for row in view.members()}

    shell.signal(signal.SIGSTOP)
    until(lambda: letters().get(shell.pid) == "T")
    shell.kill()
    until(lambda: letters().get(shell.pid) == "Z")
    shell.wait()
    until(lambda: letters().get(shell.pid) == "")
    assert all(map(letters().get, (child, apart)))
    assert not view.final
    for pid in (child, apart):
        os.kill(pid, signal.SIGKILL)
    until(lambda: letters() and view.final)


def test_over_when_all_are_gone(show: Callable[..., Any]) -> None:
    """Once a process and what it started are gone, it is shown where it was."""
    process = start_process("/bin/sleep", ["sleep", "60"])
    view = show(SessionsView, process)
    assert not view.final
    process.kill()
    process.wait()

    view.catch_up()

    assert view.final
    rows = {row["pid"]: row for row in view.members()}
    assert rows.keys() == {os.getpid(), process.pid}
    assert (rows[process.pid]["letter"], rows[process.pid]["group"]) == (
        "",
        os.getpgid(0),
    )
    assert f"{process.pid} - sleep  gone" in view.text()
    assert "gone" in view.html()


def test_all_that_the_kernel_started(show: Callable[..., Any]) -> None:
    """Without subjects it is the kernel and all below it; it never is over."""
    job = spawn("sleep 60", name="survey")
    view = show(SessionsView)

    assert {os.getpid(), job.pid} <= {row["pid"] for row in view.members()}
    assert not view.final
    job.kill()
    job.wait()


def test_who_holds_which_end(show: Callable[..., Any]) -> None:
    """Both ends of a pipe have its name, in the kernel and in the children."""
    reader, writer = os.pipe()
    with open(os.devnull, "wb") as null:
        cat = start_process("/bin/cat", ["cat"], ProcAttr(files=[reader, null]))
    os.close(reader)
    view = show(DescriptorsView, cat)

    def loaded() -> bool:
        """Whether it has closed the libraries that it opens at first."""
        view.catch_up()
        return len(view.holders()[1]["ends"]) == 2

    until(loaded)
    own, other = view.holders()
    assert (own["mine"], other["pid"]) == (True, cat.pid)
    assert [end[:3] for end in own["ends"]] == [(writer, "w", "1")]
    assert [end[:3] for end in other["ends"]] == [(0, "r", "1"), (1, "w", "")]
    line = view.text().splitlines()[0]
    wanted = (
        rf"pipe 1: .*\({os.getpid()}\) descriptor {writer} -> cat \({cat.pid}\) .* 0"
    )
    assert re.fullmatch(wanted, line)
    assert "writing ends" in view.html()

    os.kill(cat.pid, signal.SIGSTOP)  # else it sees the end, and exits
    os.close(writer)
    view.catch_up()
    assert "none: a reader sees the end -> cat" in view.text()
    os.kill(cat.pid, signal.SIGCONT)
    cat.wait()
    view.catch_up()
    assert view.final
    assert "none: it has ended" in view.text()


def test_a_writer_without_a_reader(show: Callable[..., Any]) -> None:
    """A pipe that nobody reads is told, and a zombie has no descriptors any more."""
    reader, writer = os.pipe()
    sleep = start_process("/bin/sleep", ["sleep", "60"], ProcAttr(files=[None, writer]))
    os.close(reader)
    os.close(writer)
    view = show(DescriptorsView, sleep)
    assert view.text().splitlines()[0].endswith("-> none: a writer gets SIGPIPE")

    sleep.kill()

    def zombie() -> bool:
        view.catch_up()
        return "none: it has ended" in view.text()

    until(zombie)
    sleep.wait()


def test_who_has_no_descriptors_need_not_have_ended(show: Callable[..., Any]) -> None:
    """It was started without files; it is another thing once it has ended."""
    sleep = start_process("/bin/sleep", ["sleep", "60"])
    view = show(DescriptorsView, sleep)

    def loaded() -> bool:
        """Whether it has closed the libraries that it opens at first."""
        view.catch_up()
        (row,) = view.holders()
        return not row["ends"]

    until(loaded)
    assert view.text().endswith(f"sleep ({sleep.pid})  none")

    sleep.kill()
    sleep.wait()
    view.catch_up()
    assert view.text().endswith(f"sleep ({sleep.pid})  none: it has ended")


def test_descriptors_of_others() -> None:
    """A file has its name and mode; a process that is gone has none."""
    with open(os.devnull, "rb") as null:
        own = proc.stat(os.getpid())
        assert own is not None
        (found,) = (d for d in read(own) if d.number == null.fileno())
        assert (found.target, found.can_read, found.can_write) == ("/dev/null", 1, 0)
        assert not found.is_pipe
    child = start_process("/bin/true", ["true"])
    seen = proc.stat(child.pid)
    child.wait()
    assert seen is not None
    assert read(seen) == []


@pytest.mark.parametrize("kind", [SessionsView, DescriptorsView])
def test_what_can_be_shown(show: Callable[..., Any], kind: type[SurveyView]) -> None:
    """A pid will do, a process that is gone is nothing, and a text is a TypeError."""
    child = start_process("/bin/sleep", ["sleep", "60"])
    assert str(child.pid) in show(kind, child.pid).rows
    assert str(child.pid) in show(kind, find_process(child.pid)).rows
    child.kill()
    child.wait()
    assert show(kind, child).final
    with pytest.raises(
        TypeError, match=r"^expected a Process, a Job or a pid, not str"
    ):
        kind("42")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [SessionsView, DescriptorsView])
def test_in_chinese(show: Callable[..., Any], kind: type[SurveyView]) -> None:
    """All that Python and the page say has a translation."""
    child = start_process("/bin/sleep", ["sleep", "60"])
    view = show(kind, child, lang="zh")

    assert view.texts == {text: CHINESE[text] for text in kind.TEXTS}
    html = re.sub("<[^>]*>", " ", view.html() + view.text())
    names = {name for row in view.rows.values() for name in LATIN.findall(row["name"])}
    assert {*LATIN.findall(html)} <= names | {"Jupyter"}
    child.kill()
    child.wait()


ROW = {"name": "<b>cat</b>", "pid": 7, "mine": False}
MEMBER = ROW | {"parent": 1, "group": 7, "session": 7, "letter": "T"}
HOLDER = ROW | {
    "ended": False,
    "ends": [[0, "r", "1", "pipe:[9]"], [1, "w", "2", "pipe:[8]"]],
}


@pytest.mark.browser
@pytest.mark.xdist_group("views")
@pytest.mark.parametrize(
    ("kind", "row", "shown"),
    [
        (SessionsView, MEMBER, ["会话 7", "进程组 7", "T <b>cat</b> 7 1 的子进程"]),
        (DescriptorsView, HOLDER, ["管道 1", "描述符 0", "没有", "0 从管道 1 读"]),
    ],
)
def test_in_a_page(
    page: Page, kind: type[SurveyView], row: dict[str, Any], shown: list[str]
) -> None:
    """The page draws rows as text, in the language of the view, and follows them."""
    view = kind(lang="zh")
    view.close()
    first = view.first | {"number": 0, "rows": {"7": row}}
    given = {"texts": Words("zh").of(kind.TEXTS), "first": first, "token": view.token}
    page.evaluate(LIVE, [view._esm, view._css, given, view.html()])
    page.evaluate("show_widget()")
    section = page.locator("section[aria-label]").first

    for text in shown:
        expect(section).to_contain_text(
            re.compile(r"\s*".join(map(re.escape, text.split())))
        )
    assert [m["action"] for m in page.evaluate("model.sent")] == ["look"]

    rows = {"kind": "rows", "clock": 0.0, "number": 1, "rows": {}, "gone": ["7"]}
    page.evaluate("message => model.hear(message)", rows)
    expect(section).to_contain_text("没有进程")


@pytest.mark.parametrize("kind", [SessionsView, DescriptorsView])
def test_it_fits_into_a_saved_notebook(kind: type[SurveyView]) -> None:
    """What each model carries stays small."""
    assert len(kind._esm.encode()) + len(kind._css.encode()) <= 12_000
