"""The magics in a real kernel: what a front end gets."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.kernel.fixtures import Kernel, Message, Reply
from tests.magics.helpers import TELL

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]

#: What a kernel holds: the names of its threads, and its children.
LOOK = """
def look():
    import os, threading
    threads = [t.name for t in threading.enumerate() if "ipyproc" in t.name]
    tasks = os.listdir("/proc/self/task")
    files = [f"/proc/self/task/{task}/children" for task in tasks]
    return threads, [open(file).read() for file in files if os.path.exists(file)]
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


def displays(reply: Reply) -> list[Message]:
    """What a cell displayed, without later updates."""
    return [content["data"] for content in reply.contents("display_data")]


def answer(kernel: Kernel, request: str) -> Message:
    """The content of the reply to a request."""
    while True:
        reply: Message = kernel.client.get_shell_msg(timeout=30)
        if reply["parent_header"]["msg_id"] == request:
            return dict(reply["content"])


@pytest.fixture(autouse=True)
def no_job_is_left(kernel: Kernel) -> None:
    """Each test begins with an empty table."""
    kernel.run(
        "%prockill --all --tree\nfrom ipyproc import jobs\n"
        "for job in jobs: job.wait()\njobs.clear()"
    )


@pytest.mark.parametrize("asks", ["python3 -c 'input()'", "sh -c 'cat; exit 1'"])
@pytest.mark.parametrize(
    ("options", "allow_stdin", "is_open"),
    [
        ("", True, True),
        ("", False, False),
        ("--quiet", True, False),
        ("--wait", True, False),
        ("--check", True, False),
        ("--quiet --stdin -", True, True),
    ],
)
def test_input_is_open_where_a_pane_has_a_field(
    kernel: Kernel, options: str, allow_stdin: bool, is_open: bool, asks: str
) -> None:
    """A program that asks waits only where somebody can answer in a pane."""
    code = f"%spawn {options} --name asks {asks}"
    kernel.run(code, as_user=allow_stdin)

    asked = kernel.run("job = jobs['asks']; job.stdin_open, str(job.state)").result
    kernel.run("if job.stdin_open: job.close_stdin()")
    state = kernel.run("print(job.wait())").stdout

    assert asked is not None
    assert asked.startswith(f"({is_open}, ")
    assert state == "exit status 1\n"


def test_a_job_is_shown_once(kernel: Kernel) -> None:
    """A job is shown once, as widget, HTML and text; ``Out`` draws nothing."""
    reply = kernel.run("%spawn --wait echo hello")

    (shown,) = displays(reply)
    assert {"text/html", "text/plain"} <= shown.keys()
    assert "echo hello" in shown["text/plain"]
    assert reply.result is None
    assert kernel.run("_.name, _.stdout.text").result == "('echo', 'hello\\n')"


def test_a_running_job_is_a_widget(kernel: Kernel) -> None:
    """The pane lives as long as the job."""
    (shown,) = displays(kernel.run("%spawn sleep 60", as_user=True))

    assert WIDGET in shown


def test_quiet_shows_nothing(kernel: Kernel) -> None:
    """--quiet and an assignment show neither a pane nor a value."""
    reply = kernel.run("%spawn --quiet --wait echo hello")

    # A pane of an earlier test may change meanwhile.
    kinds = {message["msg_type"] for message in reply.messages}
    assert kinds <= {"update_display_data"}
    assert kernel.run("_.name").result == "'echo'"


def test_without_views_a_line_is_printed(kernel: Kernel) -> None:
    """Without panes a line of text is printed."""
    reply = kernel.run("%config IPyProc.view = False\n%spawn --name x echo hello")
    kernel.run("%config IPyProc.view = True")

    assert displays(reply) == []
    assert reply.result is None
    assert reply.stdout.startswith("spawned x (pid ")


def test_the_height_of_panes_is_set(kernel: Kernel) -> None:
    """The configured height is that of the widget and of the saved output."""
    kernel.run("%config IPyProc.height = 5\njob = %spawn --wait echo hello")
    reply = kernel.run("%config IPyProc.height = 17\njob")

    assert "max-height:7.0em" in displays(reply)[0]["text/html"]
    assert kernel.run("job.widget.height").result == "5"


def test_the_table_and_a_process_are_text_and_html(kernel: Kernel) -> None:
    """Every front end gets something that it can show."""
    kernel.run("%spawn --wait echo hello")
    (table,) = displays(kernel.run("%procs"))
    found = kernel.run("%procfind 1")

    assert "ipyproc-jobs" in table["text/html"]
    assert "exit status 0" in table["text/plain"]
    assert found.result == "<Process pid=1 ok>"
    assert 'data-pid="1"' in displays(found)[0]["text/html"]


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (
            "%spawn nosuchprogram",
            'ExecError: exec: "nosuchprogram": executable file not found in $PATH',
        ),
        ("%spawn --check false", "ExitError: false: exit status 1"),
    ],
)
def test_a_failure_is_one_line(kernel: Kernel, cell: str, line: str) -> None:
    """An error's traceback is one line, and nothing else."""
    reply = kernel.run(cell)

    (error,) = reply.contents("error")
    assert error["traceback"] == [line]
    assert reply.stderr == ""


def test_a_mistake_is_one_line(kernel: Kernel) -> None:
    """IPython writes a usage error to standard error."""
    kernel.run("%spawn --name train --quiet sleep 60")
    reply = kernel.run("%prockill tran")

    assert reply.stderr == "UsageError: no job 'tran': did you mean 'train'?\n"
    assert reply.contents("error") == []


@pytest.mark.parametrize(
    "cell",
    [
        "%spawn nosuchprogram",
        "%spawn --dir /nosuch ls",
        "%spawn --check false",
        "%spawn --nosuchoption ls",
        "%procwait nosuchjob",
        "%prockill 0",
        "%spawn --quiet sleep 60\n%procwait --timeout 0",
    ],
)
def test_a_failure_stops_run_all(kernel: Kernel, cell: str) -> None:
    """The reply is an error, so that the front end runs no further cell."""
    execution = kernel.start(cell)

    assert kernel.finish(execution).messages != []
    assert answer(kernel, execution)["status"] == "error"


def test_an_interrupt_reaches_the_waiting_at_once(kernel: Kernel) -> None:
    """An interrupt ends the cell; the job goes on, and the line says so."""
    kernel.run("%spawn --quiet sleep 60")
    waiting = kernel.start(TELL + "%procwait")
    messages = []

    for message in kernel.messages(waiting):
        messages.append(message)
        if "it waits" in message["content"].get("text", ""):
            kernel.interrupt()

    (error,) = Reply(messages).contents("error")
    assert error["ename"] == "KeyboardInterrupt"
    (line,) = error["traceback"]
    assert line.startswith("KeyboardInterrupt: waiting stopped; sleep (pid ")
    assert kernel.run("jobs.running").result == kernel.run("list(jobs)").result


def test_waiting_leaves_the_control_of_the_kernel_free(kernel: Kernel) -> None:
    """A request on the control channel is answered while a cell waits."""
    kernel.run("%spawn --quiet sleep 60")
    waiting = kernel.start(TELL + "%procwait")

    for message in kernel.messages(waiting):
        if "it waits" in message["content"].get("text", ""):
            client = kernel.client
            asked = client.session.msg("kernel_info_request")
            client.control_channel.send(asked)
            answer = client.get_control_msg(timeout=30)
            assert answer["parent_header"]["msg_id"] == asked["header"]["msg_id"]
            kernel.interrupt()


def test_a_server_is_started_asked_and_ended(kernel: Kernel) -> None:
    """Four cells, of which each finds what the one before has made."""
    kernel.run(
        "import socket, urllib.request\n"
        "with socket.create_server(('127.0.0.1', 0)) as listening:\n"
        "    port = listening.getsockname()[1]"
    )

    started = kernel.run(
        "%spawn --name web --until-port {port} --until '^Serving HTTP on (.*)' "
        "python3 -m http.server --bind 127.0.0.1 {port}"
    )
    asked = kernel.run("urllib.request.urlopen(f'http://127.0.0.1:{port}').status")
    printed = kernel.run("jobs['web'].until(r'GET / .* (\\d+) -$', timeout=30)[1]")
    ended = kernel.run("%prockill web")

    assert [each.error for each in (started, asked, printed, ended)] == [None] * 4
    assert (asked.result, printed.result) == ("200", "'200'")
    again = kernel.run("jobs['web'].until_listening(port, timeout=30)")
    assert "NotReadyError: web: signal: killed before it was ready" in again.error


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (
            "%spawn --until ready sh -c 'echo no; exit 3'",
            "NotReadyError: sh: exit status 3 before it was ready; last line: no",
        ),
        (
            "%spawn --until ready --within 0 --name it sleep 60",
            "TimeoutError: it has not printed what was waited for after 0 s; it (pid ",
        ),
    ],
)
def test_what_is_not_ready_is_one_line(kernel: Kernel, cell: str, line: str) -> None:
    """The cell fails with one line, and no traceback."""
    reply = kernel.run(cell)

    (traceback,) = reply.contents("error")[0]["traceback"]
    assert line in traceback
    assert traceback.count("\n") == 0


def test_completion(kernel: Kernel) -> None:
    """A completion request is answered with the words and the range they replace."""
    code = "x = 1\n%spawn --na"
    content = answer(kernel, kernel.client.complete(code, len(code)))

    assert content["matches"] == ["--name"]
    assert code[content["cursor_start"] : content["cursor_end"]] == "--na"


def test_help(kernel: Kernel) -> None:
    """``%spawn?`` pages the whole help."""
    execution = kernel.start("%spawn?")
    kernel.finish(execution)

    (page,) = answer(kernel, execution)["payload"]
    text = page["data"]["text/plain"]
    assert "usage: %spawn [options]" in text
    assert "--clear-env" in text
    assert "%spawn --check --out text" in text


def test_jobs_are_awaited(kernel: Kernel) -> None:
    """``await job`` lets other tasks of the kernel run."""
    reply = kernel.run("%spawn --quiet sh -c 'exit 3'\nawait jobs.last")

    assert reply.result == "exit status 3"


def test_unloading_ends_the_jobs(new_kernel: Callable[[], Kernel]) -> None:
    """Unloading ends and names the jobs, leaves nothing, and loading works again."""
    kernel = new_kernel()
    kernel.run(LOOK)
    before = kernel.run("look()").result

    for _ in range(2):
        kernel.run("%load_ext ipyproc")
        kernel.run("%spawn --name train sleep 60")
        kernel.run("%procs\nfound = %procfind 1")
        assert kernel.run("look()").result != before

        reply = kernel.run("%unload_ext ipyproc")

        assert reply.stdout.endswith(": ended with ipyproc, signal: terminated\n")
        assert "not found" in kernel.run("%spawn ls").stderr
        assert kernel.run("look()").result == before


def test_the_table_keeps_up_with_the_cells(kernel: Kernel) -> None:
    """Without a live widget the table is updated at the end of each cell."""
    kernel.run("%spawn --quiet --name train sleep 60")
    reply = kernel.run("%procs")
    (table,) = displays(reply)
    assert WIDGET not in table
    assert re.search('data-name="train" .*=running>', table["text/html"])

    ended = kernel.run("%prockill train\nstate = %procwait train")
    cleared = kernel.run("%procs --clear")

    update = ended.contents("update_display_data")[-1]
    shown = update["data"]["text/html"]
    assert re.search('data-name="train" .*=signaled>', shown)
    assert displays(cleared)[0]["text/plain"] == "no jobs"


def test_all_that_ended(kernel: Kernel) -> None:
    """Rows above the limit are counted; ``--all`` shows them."""
    kernel.run(
        "import ipyproc\nmany = [ipyproc.spawn('true') for _ in range(203)]\n"
        "for job in many: job.wait()"
    )

    (table,) = displays(kernel.run("%procs"))
    (every,) = displays(kernel.run("%procs --all"))

    lines = table["text/plain"].splitlines()
    # A line of headings, and at the end the time.
    assert (len(lines), lines[-2]) == (203, "3 more jobs that ended: %procs --all")
    assert len(every["text/plain"].splitlines()) == 205


def test_a_process_that_is_no_job(kernel: Kernel) -> None:
    """A process is shown live, then as gone; the value is a Process."""
    kernel.run("import subprocess; other = subprocess.Popen(['sleep', '61'])")
    found = kernel.run("%procfind {other.pid}")
    (shown,) = displays(found)
    assert "Command  sleep 61" in shown["text/plain"]
    assert "User " in shown["text/plain"]
    assert found.result is not None
    assert found.result.endswith(" ok>")

    ended = kernel.run("_.kill(); code = other.wait(); code")

    assert ended.result == "-9"
    (update,) = ended.contents("update_display_data")[-1:]
    assert "how it ended only its parent was told" in update["data"]["text/plain"]
    assert 'data-status="gone"' in update["data"]["text/html"]


def test_the_kernel_itself_is_found_but_not_signalled(kernel: Kernel) -> None:
    """The pane refuses the pids that ``%prockill`` refuses."""
    kernel.run("from ipyproc.views.process import ForeignProcess; import os")

    for pid in ("1", "os.getpid()", "os.getppid()"):
        reply = kernel.run(f"ForeignProcess({pid}).signal(0)")
        assert reply.error is not None
        assert "PermissionError" in reply.error
        assert "is refused: it is" in reply.error
