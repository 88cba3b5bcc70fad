"""The magics in terminal IPython."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.magics.helpers import TELL
from tests.magics.terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    """A terminal with ipyproc loaded."""
    terminal.run("%load_ext ipyproc")
    return terminal


def test_a_job_is_one_line(loaded: Terminal) -> None:
    """A line says what was started; IPython's line for the value follows."""
    screen = loaded.run("%spawn --name nap sleep 60")

    (pid,) = re.findall(r"spawned nap \(pid (\d+)\): sleep 60", screen)
    assert f"Out[2]: <Job nap pid={pid} running>" in screen
    assert f"nap (pid {pid}): SIGKILL sent" in loaded.run("%prockill nap")
    assert "signal: killed" in loaded.run("%procwait")


def test_a_table_is_text(loaded: Terminal) -> None:
    """%procs prints columns, as ps does."""
    loaded.run("%spawn --name nap --wait true")

    screen = loaded.run("%procs")

    assert re.search(r"NAME +PID +STATUS", screen)
    assert re.search(r"nap +\d+ +exit status 0", screen)


def test_waiting_shows_the_output_as_it_comes(loaded: Terminal, tmp_path: Path) -> None:
    """--wait prints output as it comes, with colours; the prompt is on its own line."""
    go = tmp_path / "go"
    os.mkfifo(go)
    script = tmp_path / "script"
    script.write_text(
        "printf '\\033[31mr''ed\\033[0m\\n'; echo tr''ouble >&2\n"
        f"read line < {go}; printf 'the e''nd'\n"
    )
    begin = len(loaded.screen)

    loaded.press(f"%spawn --wait sh {script}\n")
    loaded.until("trouble\r\n", begin)
    go.write_text("on\n")
    loaded.ready()

    assert "\x1b[31mred\x1b[0m\r\n" in loaded.written
    assert re.search(
        r"red\r\n(.*\r\n)?the end\r\nOut\[2\]: <Job sh pid=\d+ exit status 0>",
        loaded.screen[begin:],
        re.S,
    )


def test_the_state_of_a_job_is_one_line_that_lives(
    loaded: Terminal, tmp_path: Path
) -> None:
    """The status line shows the last line of output, and disappears at the end."""
    go = tmp_path / "go"
    os.mkfifo(go)
    script = tmp_path / "script"
    script.write_text(
        "printf 'wor''king\\n50 %%\\r100 %%\\n'\n"
        f"exec 3< {go}; read line <&3; echo ready; read line <&3\n"
    )
    loaded.run(f"%spawn --name train sh {script}")
    begin = len(loaded.screen)

    with go.open("w", buffering=1) as pen:
        loaded.press("%procwait\n")
        first = loaded.until("| 100 %", begin)
        pen.write("on\n")
        loaded.until("| ready", begin)
        pen.write("on\n")
        loaded.ready()

    assert re.search(
        r"\rtrain \(pid \d+\): running, [\d.]+ s, CPU \d+ %, [\d.]+ MB \| 100 %", first
    )
    *_, line, last = loaded.screen[begin:].split("Out[3]")[0].split("\r")
    assert (line.strip(), last) == ("", "")  # blanks over it, and the cursor in front
    assert "Out[3]: exit status 0" in loaded.screen[begin:]
    assert "\n" not in loaded.screen[begin:].partition("\rtrain")[2].split("Out[3]")[0]


def test_the_state_of_several_jobs_is_one_line(loaded: Terminal) -> None:
    """The status line names the jobs that still run; Ctrl-C removes it."""
    for name in ("train", "serve"):
        loaded.run(f"%spawn --quiet --name {name} sleep 60")
    loaded.run("%spawn --quiet --name done --wait true")
    begin = len(loaded.screen)

    loaded.press("%procwait done train serve\n")
    loaded.until("2 of 3 run: train ", begin)
    loaded.press("\x03")
    loaded.ready()

    assert re.search(
        r"\r {20,}\rKeyboardInterrupt: waiting stopped; train \(pid \d+\), serve \(pid",
        loaded.screen[begin:],
    )


def test_mistakes_are_one_line(loaded: Terminal) -> None:
    """A mistake is one line, without a traceback."""
    screen = loaded.run("%spawn nosuchprogram")
    screen += loaded.run("%prockill 0")
    screen += loaded.run("%spawn --nmae x ls")

    assert 'ExecError: exec: "nosuchprogram": executable file not found' in screen
    assert "UsageError: pid 0 is refused" in screen
    assert "UsageError: no option '--nmae': did you mean '--name'?" in screen
    assert "Traceback" not in screen


def test_ctrl_c_stops_only_the_waiting(loaded: Terminal, tmp_path: Path) -> None:
    """Ctrl-C stops the waiting and does not reach the job."""
    loaded.run("%spawn --name nap sleep 60")
    (tmp_path / "tell.py").write_text(TELL)
    loaded.run(f"tell = open('{tmp_path}/tell.py').read()")
    begin = len(loaded.screen)

    loaded.press("exec(tell); get_ipython().run_line_magic('procwait', '')\n")
    loaded.until("it waits", begin)
    loaded.press("\x03")
    loaded.ready()

    assert "KeyboardInterrupt: waiting stopped; nap (pid " in loaded.screen[begin:]
    assert "running" in loaded.run("%procs")


def test_tab_completes(loaded: Terminal) -> None:
    """Tab completes options and names of jobs."""
    loaded.run("%spawn --name nightly-training --quiet sleep 60")
    begin = len(loaded.screen)

    for typed, added in (("%prockill nigh", "tly"), (" --sig", "nal"), (" TER", "M")):
        loaded.press(typed)
        loaded.until(typed[-1], len(loaded.screen))
        before = len(loaded.screen)
        loaded.press("\t")
        loaded.until(added, before)
    loaded.press("\n")
    loaded.ready()

    assert "SIGTERM sent" in loaded.screen[begin:]


def test_leaving_ends_the_jobs(loaded: Terminal) -> None:
    """Leaving IPython ends the jobs."""
    screen = loaded.run("%spawn --name nap sleep 60")
    (pid,) = re.findall(r"spawned nap \(pid (\d+)\)", screen)

    loaded.press("exit\n")

    assert str(loaded.process.wait(30)) == "exit status 0"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
