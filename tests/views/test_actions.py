from __future__ import annotations

import threading
from typing import Any

import pytest

from ipyproc import jobs, spawn
from ipyproc.views.transport.actions import act, perform, read
from ipyproc.views.transport.worker import Worker
from tests.jobs.helpers import PATIENCE, python, until, until_printed
from tests.views.test_rate_limiter import refuse

KILL = {"action": "kill", "page": "a", "seq": 7}


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand slow signals few wait; the page is told of the others."""
    worker, begun, go_on = Worker(), threading.Event(), threading.Event()
    monkeypatch.setattr("ipyproc.views.transport.worker.shared", worker)
    answers: list[Any] = []
    done: list[int] = []

    def slow() -> None:
        begun.set()
        go_on.wait(20)
        done.append(1)

    perform(KILL, slow, answers.append)  # type: ignore[arg-type]
    assert begun.wait(20)
    for _ in range(1000):
        perform(KILL, slow, answers.append)  # type: ignore[arg-type]

    refused = [answer for answer in answers if answer["error"]]
    assert len(refused) == 1000 - 64
    assert refused[0]["error"] == "too much is asked of the kernel: try again"
    go_on.set()
    assert worker.retire(20)
    assert len(done) == 65
    assert len(answers) == 1001


def test_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is told, nothing is done, and the next request works again."""
    worker, answers, done = Worker(), [], threading.Event()
    monkeypatch.setattr("ipyproc.views.transport.worker.shared", worker)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        perform(KILL, done.set, answers.append)  # type: ignore[arg-type]
    assert [bool(answer["error"]) for answer in answers] == [True]

    perform(KILL, done.set, answers.append)  # type: ignore[arg-type]

    assert done.wait(20)
    assert worker.retire(20)
    assert [answer["error"] for answer in answers[1:]] == [""]


@pytest.mark.parametrize(
    "content",
    [
        {"action": "look", "page": "a"},
        {"action": "look", "page": "a", "number": None, "tree": True},
        {"action": "away", "page": "a"},
        {"action": "settle"},
        {"action": "ready", "page": "a", "have": None, "seq": 1},
        {"action": "save", "page": "a", "offset": 0},
        {"action": "kill", "page": "a", "seq": 1, "job": "0"},
        {"action": "signal", "page": "a", "seq": 1, "signal": "x", "tree": False},
        {"action": "send", "page": "a", "seq": 1, "text": ""},
    ],
    ids=str,
)
def test_requests(content: dict[str, object]) -> None:
    """A request of the protocol is read; fields that it does not have are left out."""
    assert read({**content, "more": 1}) == content


@pytest.mark.parametrize(
    "content",
    [
        *(None, [], "kill", {}, {"action": []}, {"action": "none", "page": "a"}),
        *({**KILL, "seq": seq} for seq in (None, -1, 1.5, True, "1", 1 << 53)),
        *({**KILL, "page": page} for page in ("", "*", "A", "a" * 33, 1, None, [])),
        *({**KILL, "job": job} for job in (None, 0, [])),
        {"action": "kill", "page": "a"},
        {"action": "look", "page": "a", "number": "1"},
        {"action": "signal", "page": "a", "seq": 1, "signal": "x", "tree": 1},
        {"action": "send", "page": "a", "seq": 1, "text": b""},
    ],
    ids=str,
)
def test_what_is_no_request(content: object) -> None:
    """Whatever is not exactly a type of the protocol is dropped."""
    assert read(content) is None


def test_interrupt_of_a_terminal() -> None:
    """The button interrupts who is in the foreground, though it reads keys."""
    code = """
import os, signal, tty
tty.setraw(0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.write(1, b"ready")
    signal.pause()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    job = spawn(python(code), pty=True)
    until_printed(job, "ready")
    pressed = act(job, {"action": "interrupt", "page": "a", "seq": 1})
    assert pressed is not None
    pressed()
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)

    assert job.stdout.plain.split("ready")[1].split() == ["-2"]
    jobs.clear()
