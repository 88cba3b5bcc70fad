"""The life line of real processes, which must not notice that they are watched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

from ipyproc import (
    Process,
    ProcessReleasedError,
    find_process,
    jobs,
    spawn,
    start_process,
)
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.lifecycle import Phase, ProcessObserver, Sighting
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc.process import ProcessStatus
from ipyproc.state import WaitStatus
from ipyproc.views import LifeLine, life
from ipyproc.views.render.timeline import LETTERS, History
from ipyproc.views.transport import actions
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.widgets import base
from tests.views.conftest import FrontEnd
from tests.views.test_display import VIEW, Shell
from tests.views.test_rate_limiter import LINGER, ended
from tests.views.test_waitstatus import LIVE

PATIENCE = 60.0
OK, DONE, RELEASED = ProcessStatus


@pytest.fixture
def watch(front: FrontEnd) -> Iterator[Callable[..., LifeLine]]:
    """Watch processes or jobs; nothing of the views is left after the test."""
    views = []

    def watch(subject: Any) -> LifeLine:
        views.append(LifeLine(subject, publisher=Publisher(LINGER)))
        return views[-1]

    yield watch
    for view in views:
        view.close()
    assert ended()
    jobs.clear()


@pytest.fixture
def sleeper() -> Iterator[Process]:
    """A process that would run for a minute; it does not survive the test."""
    process = start_process("/bin/sleep", ["sleep", "60"])
    pid = process.pid
    yield process
    with suppress(OSError):
        found = find_process(pid)
        found.kill()
        found.wait()
    process.release()


def until(condition: Callable[[], object]) -> None:
    """Wait for something that no event tells."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def reaches(view: LifeLine, *events: str) -> None:
    """Wait for the last of *events*; they are all that happened."""
    until(lambda: view.moments[-1].event == events[-1])
    assert [moment.event for moment in view.moments] == [*events]


def phases(view: LifeLine) -> list[tuple[str, str]]:
    """What the process and its object were, one after the other."""
    return [(str(moment.phase), str(moment.status)) for moment in view.moments]


def test_a_whole_life(sleeper: Process, watch: Callable[..., LifeLine]) -> None:
    """Every phase is seen: running, stopped, running again, zombie, waited for."""
    view = watch(sleeper)
    reaches(view, "started")
    sleeper.signal(signal.SIGSTOP)
    reaches(view, "started", "stopped")
    sleeper.signal(signal.SIGCONT)
    reaches(view, "started", "stopped", "continued")
    sleeper.kill()
    end = "ended: signal: killed"
    reaches(view, "started", "stopped", "continued", end)
    assert not view.final

    sleeper.wait()

    reaches(view, "started", "stopped", "continued", end, "waited for")
    assert phases(view) == [
        *(("running", "ok"), ("stopped", "ok"), ("running", "ok"), ("zombie", "ok")),
        ("gone", "done"),
    ]
    assert view.final
    times = [moment.at for moment in view.moments]
    assert times == sorted(times)
    assert abs(times[-1] - time.time()) < PATIENCE


def test_a_view_reaps_nobody(watch: Callable[..., LifeLine]) -> None:
    """After the view has seen the end, a waiter still gets status and usage."""
    process = start_process("/bin/sh", ["sh", "-c", "exit 3"])
    view = watch(process)
    until(lambda: view.moments[-1].phase is Phase.ZOMBIE)

    assert process.status is OK
    assert process.wait().exit_code == 3
    until(lambda: view.final)
    assert "ended: exit status 3" in [moment.event for moment in view.moments]


def test_fork_and_exec(watch: Callable[..., LifeLine]) -> None:
    """A forked process has its parent's program until its exec, which is an event."""
    program = (
        "import os, sys; pid = os.fork()\n"
        "if pid: print(pid, flush=True); os.wait()\n"
        "else: sys.stdin.readline(); os.execv('/bin/sleep', ['sleep', '60'])"
    )
    python = [sys.executable, "-I", "-S", "-c", program]
    with subprocess.Popen(python, stdin=-1, stdout=-1) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        child = find_process(int(parent.stdout.readline()))
        view = watch(child)
        reaches(view, "started")
        assert "its program" not in view.html()

        parent.stdin.write(b"go\n")
        parent.stdin.flush()
        reaches(view, "started", "exec: sleep")
        child.kill()
        until(lambda: view.final)

    name = Path(sys.executable).name[:15]
    assert [moment.program for moment in view.moments][:2] == [name, "sleep"]
    assert view.moments[-1].program == "sleep"
    assert "its program" in view.html()
    child.release()


@pytest.fixture
def press(front: FrontEnd) -> Callable[[LifeLine, str], str]:
    """Press a button of a view; return what the kernel answers."""

    def press(view: LifeLine, action: str) -> str:
        seq = len(front.messages("done")) + 1
        front.say(view, {"action": action, "page": "page", "seq": seq})
        front.wait(lambda: len(front.messages("done")) == seq)
        return str(front.messages("done")[-1]["error"])

    return press


def test_it_is_driven_by_its_buttons(
    sleeper: Process,
    watch: Callable[..., LifeLine],
    press: Callable[[LifeLine, str], str],
) -> None:
    """A whole life by buttons; what cannot be done is answered with the reason."""
    view = watch(sleeper)
    reaches(view, "started")
    assert press(view, "stop") == ""
    reaches(view, "started", "stopped")
    assert press(view, "wait") == "it still runs: to wait would take until it ends"
    assert press(view, "continue") == ""
    reaches(view, "started", "stopped", "continued")
    assert press(view, "interrupt") == ""
    seen = ["started", "stopped", "continued", "ended: signal: interrupt"]
    reaches(view, *seen)
    assert press(view, "kill") == ""  # a zombie takes signals
    assert sleeper.status is OK

    assert press(view, "wait") == ""

    reaches(view, *seen, "waited for")
    assert sleeper.status is DONE


def test_released_by_a_button(
    sleeper: Process,
    watch: Callable[..., LifeLine],
    press: Callable[[LifeLine, str], str],
) -> None:
    """After that the buttons say what the methods of a released process raise."""
    view = watch(sleeper)
    assert press(view, "release") == ""

    reaches(view, "started", "released")
    assert press(view, "kill") == "os: process already released"
    assert press(view, "wait") == "invalid argument"


def test_nobody_ends_the_kernel_by_a_button(
    watch: Callable[..., LifeLine], press: Callable[[LifeLine, str], str]
) -> None:
    """The life of this very process, and of its parents, can only be watched."""
    view = watch(find_process(os.getpid()))

    assert "is the kernel itself" in press(view, "kill")


def test_the_buttons_of_a_job(
    watch: Callable[..., LifeLine], press: Callable[[LifeLine, str], str]
) -> None:
    """A job is waited for by the library, so it has no button for that."""
    view = watch(job := spawn("sleep 60", name="driven"))
    assert [name for name, _ in view.state["buttons"]] == [
        *("Stop", "Continue", "Interrupt", "Kill")
    ]

    assert press(view, "kill") == ""

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(lambda: view.final)


def test_its_letter(sleeper: Process, watch: Callable[..., LifeLine]) -> None:
    """The letter of ps is there, with all letters and what they mean."""
    view = watch(sleeper)
    until(lambda: view.state["letter"] == "S")
    sleeper.signal(signal.SIGSTOP)
    until(lambda: view.state["letter"] == "T")
    sleeper.kill()
    until(lambda: view.state["letter"] == "Z")

    assert [letter for letter, _ in view.state["letters"]] == [*"RSDTZ"]
    for letter, meaning in LETTERS.items():
        assert f"{letter} {meaning}" in view.html()
    sleeper.wait()
    until(lambda: view.state["letter"] == "")


def test_in_chinese(sleeper: Process, watch: Callable[..., LifeLine]) -> None:
    """All that is said is Chinese, but Go's texts and names."""
    view = life(sleeper, lang="zh")
    sleeper.kill()
    sleeper.wait()
    until(lambda: view.state["final"])
    view.close()

    assert "已结束: signal: killed" in view.html()
    assert "已消失" in view.html()
    words = {
        *re.findall("[A-Za-z]+", re.sub("<[^>]*>", " ", view.html() + view.text()))
    }
    assert words <= {*"RSDTZs", "sleep", "signal", "killed", "Process", "ok", "done"}
    assert view.state["summary"] == "它已经消失"
    assert view.state["buttons"][0] == ("停止", "stop")


def test_who_waits_all_the_time_leaves_no_zombie(
    watch: Callable[..., LifeLine],
) -> None:
    """An end that was waited for at once is told with how it was."""
    process = start_process("/bin/sh", ["sh", "-c", "sleep 0.1; exit 3"])
    view = watch(process)

    process.wait()
    view.catch_up()

    assert view.moments[-1].event in ("ended: exit status 3, waited for", "waited for")
    assert view.final


def test_a_released_process_is_watched_on(
    sleeper: Process, watch: Callable[..., LifeLine]
) -> None:
    """Release changes the object only; the process lives, and ends as a zombie."""
    pid = sleeper.pid
    view = watch(sleeper)
    sleeper.release()
    reaches(view, "started", "released")
    os.kill(pid, signal.SIGKILL)
    reaches(view, "started", "released", "ended")

    os.waitpid(pid, 0)

    reaches(view, "started", "released", "ended", "gone")
    assert {status for _, status in phases(view)[1:]} == {"released"}


def test_a_child_that_another_reaps(
    sleeper: Process, watch: Callable[..., LifeLine]
) -> None:
    """Where somebody else took the outcome, nobody is said to have waited."""
    view = watch(sleeper)
    sleeper.kill()
    until(lambda: view.moments[-1].phase is Phase.ZOMBIE)

    os.waitpid(sleeper.pid, 0)

    reaches(view, "started", "ended: signal: killed", "reaped by another")
    assert view.moments[-1].status is OK
    with pytest.raises(ChildProcessError):
        sleeper.wait()


def test_a_process_that_is_no_child(watch: Callable[..., LifeLine]) -> None:
    """A process of somebody else can be watched, too."""
    script = "sleep 60 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        found = find_process(int(shell.stdout.readline()))
        view = watch(found)
        until(lambda: view.moments)  # its exec may be still to come
        assert view.moments[0].event == "started"

        found.kill()

        until(lambda: view.final)
    assert view.moments[-1].status is OK
    found.release()


def test_one_that_is_gone_already(watch: Callable[..., LifeLine]) -> None:
    """A process that was waited for before is told as far as it is known."""
    process = start_process("/bin/false", ["false"])
    process.wait()

    assert watch(process).moments[-1].event == "ended: exit status 1"
    gone = watch(find_process(process.pid))
    assert gone.moments[-1].event == "no such process any more"
    assert gone.final


def test_a_released_process_without_a_number(sleeper: Process) -> None:
    """Nobody knows any more which process a released one was."""
    sleeper.release()

    with pytest.raises(ProcessReleasedError):
        life(sleeper)


def test_only_processes_and_jobs_have_lives() -> None:
    """Something else is a TypeError that says so."""
    with pytest.raises(TypeError, match=r"^expected a Process or a Job, not int$"):
        life(os.getpid())  # type: ignore[arg-type]


def test_a_job_is_never_a_zombie(watch: Callable[..., LifeLine]) -> None:
    """The line of a job has its stops, and its end is waited for at once."""
    job = spawn("sleep 60", name="life")
    view = watch(job)
    job.signal(signal.SIGSTOP)
    reaches(view, "started", "stopped")
    job.signal(signal.SIGCONT)
    reaches(view, "started", "stopped", "continued")

    job.process.kill()  # alone: all of a job is stopped first
    job.wait()

    end = "ended: signal: killed, waited for"
    reaches(view, "started", "stopped", "continued", end)


def test_without_pidfds(watch: Callable[..., LifeLine]) -> None:
    """A process without a handle is watched by its number."""
    child = subprocess.Popen(["sleep", "60"])
    view = watch(Process(child.pid))
    child.kill()
    until(lambda: view.moments[-1].phase is Phase.ZOMBIE)

    assert view.moments[-1].event == "ended"
    child.wait()
    until(lambda: view.final)


def test_nothing_is_held_by_a_closed_view(
    sleeper: Process, watch: Callable[..., LifeLine]
) -> None:
    """A view that was closed polls no more, while another one sees the end."""
    view, other = life(sleeper), watch(sleeper)
    view.close()
    sleeper.kill()
    sleeper.wait()
    until(lambda: other.final)

    view.catch_up()

    assert [moment.event for moment in view.moments] == ["started"]


def test_the_times_are_true(watch: Callable[..., LifeLine]) -> None:
    """A process is said to have started when it did, not when the view was made."""
    before = time.time()
    process = start_process("/bin/sleep", ["sleep", "60"])
    after = time.time()
    until(lambda: time.time() > after + 0.2)

    view = watch(process)

    # The kernel counts in hundredths of a second.
    assert before - 0.02 <= view.moments[0].at <= after + 0.02
    process.kill()
    process.wait()


def _history(*sightings: tuple[Phase, ProcessStatus, int | None]) -> History:
    history = History("Process 4242", 100.0)
    for second, (phase, status, end) in enumerate(sightings, 101):
        known = None if end is None else WaitStatus(end)
        history.add(Sighting(phase, status, known), float(second))
    return history


def test_rows() -> None:
    """What happens together stands in one column, and what lasts spans several."""
    history = _history(
        (Phase.RUNNING, OK, None),
        (Phase.RUNNING, RELEASED, None),
        (Phase.ZOMBIE, RELEASED, 9),
        (Phase.GONE, RELEASED, None),
    )

    events, process, status = history.rows()

    assert [cell.text for cell in events.cells] == [
        *("started", "released", "ended: signal: killed", "gone"),
    ]
    assert [(c.text, c.span, c.lasted) for c in process.cells] == [
        *(("running", 2, "3.00 s"), ("zombie", 1, "1.00 s"), ("gone", 1, "")),
    ]
    assert [(c.text, c.span) for c in status.cells] == [("ok", 1), ("released", 3)]
    assert history.over


def test_a_long_history_keeps_its_start() -> None:
    """A process that is stopped again and again fills no page."""
    pairs = [(Phase.STOPPED, OK, None), (Phase.RUNNING, OK, None)] * 100

    moments = _history((Phase.RUNNING, OK, None), *pairs).moments

    assert len(moments) == 16
    assert [moments[0].event, moments[-1].event] == ["started", "continued"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shell:
    """A shell in front of which somebody sits, or whatever the test asks for."""
    shell = Shell(**getattr(request, "param", {}))
    monkeypatch.setattr(base, "get_ipython", lambda: shell)
    return shell


def shown(shell: Shell, view: LifeLine) -> SimpleNamespace:
    """What is on display last, once nothing more is on its way."""
    view.catch_up()
    assert ended()
    return shell.shown[-1]


def test_a_page_that_settles_is_given_html(
    front: FrontEnd, shell: Shell, sleeper: Process, watch: Callable[..., LifeLine]
) -> None:
    """First there is a widget; once a page shows it, HTML that is kept up to date."""
    view = watch(sleeper)
    view._ipython_display_()
    assert shell.shown[0].data[VIEW]["model_id"] == view.model_id
    assert "running" in shell.shown[0].data["text/plain"]

    front.say(view, {"action": "settle"})

    assert set(shown(shell, view).data) == {"text/plain", "text/html"}
    assert f'id="ipyproc-{view.token}"' in shell.shown[-1].data["text/html"]
    sleeper.kill()
    reaches(view, "started", "ended: signal: killed")
    assert "zombie" in shown(shell, view).data["text/html"]
    assert {s.place for s in shell.shown} == {shell.shown[0].place}
    assert front.states("state")[-1]["summary"].startswith("it has ended")


@pytest.mark.parametrize("shell", [{"human": False}], indirect=True)
def test_without_a_page_the_html_follows_the_cells(
    front: FrontEnd, shell: Shell, sleeper: Process, watch: Callable[..., LifeLine]
) -> None:
    """What runs a notebook gets HTML after a cell, the last one final, no widget."""
    view = watch(sleeper)
    view._ipython_display_()
    sleeper.kill()
    sleeper.wait()

    shell.events.trigger("post_run_cell", None)
    shell.events.trigger("post_run_cell", None)

    assert all(VIEW not in s.data for s in shell.shown)
    assert "gone" in shell.shown[-1].data["text/plain"]
    assert len(shell.shown) == 2
    assert front.states("_esm") == [""]


@pytest.mark.parametrize("shell", [{"kernel": False}], indirect=True)
def test_in_a_terminal_it_is_text(
    shell: Shell,
    sleeper: Process,
    watch: Callable[..., LifeLine],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where there is no notebook, it is printed."""
    watch(sleeper)._ipython_display_()

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Process {sleeper.pid} (sleep)"
    assert lines[2].split() == ["+0.00", "s", "started", "running", "ok"]


def test_a_page_changes_nothing(
    front: FrontEnd, sleeper: Process, watch: Callable[..., LifeLine]
) -> None:
    """What a page writes to the state is ignored."""
    view = watch(sleeper)
    before = view.state

    front.raw(view, {"method": "update", "state": {"state": {}}, "buffer_paths": []})

    assert view.state == before


def test_a_program_that_is_known_late() -> None:
    """In the midst of an exec the program is not known, and that is no other exec."""
    history = History("Process 4242", 100.0)
    for second, (name, execution) in enumerate([("", 0), ("a", 1), ("a", 1), ("b", 2)]):
        sighting = Sighting(Phase.RUNNING, OK, None, name, execution)
        history.add(sighting, 101.0 + second)

    assert [moment.event for moment in history.moments] == ["started", "exec: b"]
    assert [moment.program for moment in history.moments] == ["a", "b"]


def test_a_stack_that_moves(sleeper: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exec is one event, whatever the kernel shows of the stack on the way."""
    us = proc.stat(os.getpid())
    assert us is not None
    until(lambda: (seen := proc.stat(sleeper.pid)) and seen.environment_end)
    ready = proc.stat(sleeper.pid)
    assert ready is not None

    def at(name: str, stack: int, environment_end: int) -> Stat:
        seen = copy(ready)
        seen.name, seen.stack, seen.environment_end = name, stack, environment_end
        return seen

    stages = [
        at(us.name, us.stack, us.environment_end),  # it still is what started it
        at(us.name, 0, 0),
        at("sleep", 0, 0),
        at("sleep", ready.stack + 1, 0),  # for the time being
        at("sleep", ready.stack, ready.environment_end),
        at("sleep", ready.stack, ready.environment_end + 1),  # it moved them itself
    ]
    upcoming = [us, *stages[:1], *stages]  # who started it, the title, the looks
    monkeypatch.setattr(proc, "stat", lambda pid: upcoming.pop(0))
    watched = ProcessObserver(sleeper)
    assert watched.title == f"Process {sleeper.pid}"

    history = History(watched.title, watched.started_at)
    for second in range(len(stages)):
        sighting = watched.look()
        assert sighting is not None
        history.add(sighting, 101.0 + second)

    assert [moment.event for moment in history.moments] == ["started"]
    assert [moment.program for moment in history.moments] == ["sleep"]


@pytest.mark.browser
@pytest.mark.xdist_group("views")
def test_in_a_page(page: Page) -> None:
    """The page draws what it is told, as text, and counts how long the last lasts."""
    process = psutil.Process()
    view = life(find_process(process.pid))
    view.close()
    state = view.state | {"title": "<b>p</b>", "lasted": 61.2}
    html = view.static()["text/html"]
    given = [view._esm, view._css, {"state": state, "token": view.token}, html]
    page.evaluate(LIVE, given)
    page.evaluate("show_widget()")
    section = page.get_by_role("region", name="<b>p</b>")

    expect(section.get_by_role("row").nth(1)).to_contain_text("running 1:01")
    summary = section.locator("header").get_by_role("status")
    expect(summary).to_have_text("it runs")
    assert page.evaluate("model.sent") == []  # this page keeps no HTML
    now = section.locator("[data-now]")
    expect(now).to_have_text(f"{view._history.letter}{LETTERS[view._history.letter]}")
    section.get_by_role("button", name="Stop").click()
    section.get_by_role("button", name="Release").click()
    sent = page.evaluate("model.sent")
    assert [message["action"] for message in sent] == ["stop", "release"]
    assert actions.read(sent[1]) == sent[1]

    page.evaluate("show_html()")
    gone = _history((Phase.RUNNING, OK, None), (Phase.GONE, DONE, 0))
    view._history = gone
    page.evaluate("state => model.set('state', state)", view._drawn())

    section = page.get_by_role("region", name="Process 4242")
    expect(section.get_by_role("button", name="Stop")).to_be_disabled()
    row = section.get_by_role("row")
    expect(row.nth(0)).to_contain_text("ended: exit status 0, waited for")
    expect(row.nth(1)).to_contain_text("running 2.00 s")
    expect(row.nth(1)).to_contain_text("gone")
    expect(row.nth(2)).to_contain_text("done")
    assert (
        page.locator("[data-kind=gone]").evaluate(
            "e => getComputedStyle(e).borderLeftWidth"
        )
        == "3px"
    )


def test_a_view_fits_into_a_saved_notebook() -> None:
    """What each model carries stays small."""
    assert len(LifeLine._esm.encode()) + len(LifeLine._css.encode()) <= 10_000
    assert Path(base.__file__).exists()
