from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from ipyproc import Job, jobs, spawn
from ipyproc.errors import ExitError
from ipyproc.magics import unload
from ipyproc.magics.help import MAGICS
from ipyproc.views.render import console, format, html
from tests.alone import state
from tests.magics.helpers import (
    PATIENCE,
    RunCell,
    interrupt_when_waiting,
    output,
    until,
)

WORDS = [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
PROGRAM = f"{WORDS[0]} -c '{WORDS[2]}'"


def test_a_program_becomes_a_job(run: RunCell) -> None:
    """The magic returns the job at once; ``Out`` and ``_`` hold it, too."""
    ran = run("%spawn sleep 60")

    assert isinstance(ran.value, Job)
    assert (ran.value.name, ran.value.argv) == ("sleep", ("sleep", "60"))
    assert ran.value.state is None
    assert run("_").value is ran.value is jobs["sleep"]


def test_a_line_in_a_terminal_says_what_was_started(run: RunCell) -> None:
    """Outside a notebook one line has the name, the pid and the command."""
    ran = run("%spawn --name say sleep '60'")
    line, value = ran.out.splitlines()

    assert line == f"spawned say (pid {ran.value.pid}): sleep '60'"
    assert value.endswith(f"]: <Job say pid={ran.value.pid} running>")
    assert run("job = %spawn true").out.startswith("spawned true (pid ")


def test_words_are_split_and_nothing_is_expanded(run: RunCell) -> None:
    """No shell runs: wildcards, and operators in quotes, are words like any other."""
    ran = run(f"%spawn {PROGRAM} 'a  b' * '|' wc \"\" # why")

    assert output(ran.value) == "['a  b', '*', '|', 'wc', '']\n"


def test_the_options_of_the_program_are_its_own(run: RunCell) -> None:
    """An option after the program, or after ``--``, is the program's."""
    assert output(run(f"%spawn {PROGRAM} --wait --name x").value) == (
        "['--wait', '--name', 'x']\n"
    )
    assert output(run("%spawn --name y -- echo -- --wait").value) == "-- --wait\n"


def test_python_is_expanded_by_ipython(run: RunCell) -> None:
    """``{expr}`` and ``$var`` are expanded as in every magic."""
    run("n, words = 6, 'a b'")

    assert output(run("%spawn echo {n * 7} $words").value) == "42 a b\n"


def test_a_list_stands_for_words(run: RunCell) -> None:
    """``@VAR`` is a list, or a text to split; what is no variable's name is a word."""
    run("from pathlib import Path; words = ['a  b', 7, 1.5, Path('x'), b'y', '']")
    run("text = \"'c  d' e\"")

    ran = run(f"%spawn {PROGRAM} @words @text @@words @types/x a@b @")

    assert output(ran.value) == (
        "['a  b', '7', '1.5', 'x', 'y', '', 'c  d', 'e', "
        "'@words', '@types/x', 'a@b', '@']\n"
    )


def test_a_list_may_be_the_whole_command(run: RunCell) -> None:
    """A list can be the program and its arguments."""
    run(f"words = {[*WORDS, '--name', 'x']!r}")

    assert output(run("%spawn @words").value) == "['--name', 'x']\n"


def test_a_variable_of_a_function_is_found(run: RunCell) -> None:
    """A magic in a function sees the function's variables."""
    run(
        "def f():\n    words = ['in f']\n    return get_ipython().run_line_magic("
        "'spawn', 'echo @words')"
    )

    assert output(run("f()").value) == "in f\n"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("@wrods", "no variable 'wrods': did you mean 'words'?"),
        ("@jobs_", "no variable 'jobs_'"),
        ("@number", "@number: expected a list of words, not of dict"),
        ("@nested", "@nested: expected a list of words, not of list"),
    ],
)
def test_what_is_no_list_of_words_is_said(run: RunCell, word: str, text: str) -> None:
    """A missing variable, or one without words, is an error; nothing starts."""
    run("words, number, nested = ['a'], {'a': 1}, [['a']]")

    ran = run(f"%spawn echo {word}")

    assert isinstance(ran.error, UsageError)
    assert str(ran.error).startswith(text)
    assert not jobs.running


def test_the_body_is_the_input(run: RunCell) -> None:
    """With a command on the line the body is its input, unexpanded."""
    run("n = 1")

    ran = run("%%spawn cat\n{n} $n é\nline 2\n")

    assert output(ran.value) == "{n} $n é\nline 2\n"


def test_the_body_is_the_command(run: RunCell) -> None:
    """Without a command on the line the body is the command, expanded like the line."""
    run("n = 3")

    ran = run("%%spawn --name x\necho {n}\n  'a\n b' \\\n\n  $n\n")

    assert (ran.value.name, ran.value.argv) == ("x", ("echo", "3", "a\n b", "3"))
    assert not ran.value.stdin_open


def test_the_body_is_a_script(run: RunCell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --shell the body goes to the shell as it is; its input can be left open."""
    monkeypatch.setenv("SHELL", "/bin/sh")
    run("n = 1")

    script = 'read word\nfor n in a "b c"; do\n  echo "$n $word"\ndone'
    ran = run(f"%%spawn --shell --stdin -\n{script}")
    ran.value.send("yes\n")

    assert output(ran.value) == "a yes\nb c yes\n"


def test_the_line_is_a_script(run: RunCell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --shell the rest of the line goes to the shell with its quotation marks."""
    monkeypatch.setenv("SHELL", "/bin/sh")

    assert output(run("%spawn --shell echo 'a  b' | tr a-z A-Z").value) == "A  B\n"
    assert output(run("%%spawn --shell tr a-z A-Z | cat\nbody").value) == "BODY\n"


def test_input_is_open_where_it_can_be_typed(run: RunCell) -> None:
    """Where no pane has a field for input there is none, but for --stdin -."""
    asking = run("%spawn --stdin - cat").value
    asking.send("hello")
    asking.close_stdin()

    assert output(asking) == "hello"
    assert output(run("%spawn cat").value) == ""
    assert output(run("%spawn --no-stdin cat").value) == ""
    assert run("%spawn --wait python3 -c 'input()'").value.state.exit_code == 1


def test_files_can_be_the_streams(run: RunCell, tmp_path: Path) -> None:
    """Files can be the streams; what goes to a file is not captured."""
    (tmp_path / "in put").write_text("text")

    job = run(
        f"%spawn --stdin '{tmp_path}/in put' --stdout {tmp_path}/out --stderr "
        f"{tmp_path}/err sh -c 'cat; echo wrong >&2'"
    ).value

    assert output(job) == ""
    assert (tmp_path / "out").read_text() == "text"
    assert (tmp_path / "err").read_text() == "wrong\n"


def test_home_is_understood(
    run: RunCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``~`` in the paths of options is the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "in").write_text("text")

    job = run("%spawn --dir ~ --stdin ~/in --stdout ~/out sh -c 'cat; pwd'").value

    assert output(job) == ""
    assert (tmp_path / "out").read_text() == f"text{tmp_path}\n"


def test_both_streams_can_be_one(run: RunCell) -> None:
    """--merge keeps what was printed in order."""
    job = run("%spawn --merge sh -c 'echo 1; echo 2 >&2; echo 3'").value

    assert output(job) == "1\n2\n3\n"


def test_environment(run: RunCell, monkeypatch: pytest.MonkeyPatch) -> None:
    """--env adds to the environment; with --clear-env it is all of it."""
    monkeypatch.setenv("OLD", "old")

    added = run("%spawn --env A=1 --env 'B=2 =3' sh -c 'echo $A $B $OLD'").value
    alone = run("%spawn --clear-env --env A=1 /usr/bin/env").value

    assert output(added) == "1 2 =3 old\n"
    assert output(alone) == "A=1\n"


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("A=1 B='x y' sh -c 'echo $A $B'", "1 x y"),
        ("--env A=1 B=$A$A sh -c 'echo $B'", "11"),
        ("B=$OLD:x sh -c 'echo $B'", "old:x"),
        ("B=\"$OLD\" C='$OLD' sh -c 'echo $B $C'", "old $OLD"),
        ("OLD=new B=$OLD sh -c 'echo $B'", "new"),
        ("--clear-env B=$HOME,$OLD /bin/sh -c 'echo $B'", "$HOME,python"),
        ("B={n} C=$n sh -c 'echo $B $C'", "3 3"),
        ("OLD=x B={OLD} sh -c 'echo $B'", "python"),
        ("P=~/x:~/y Q='~' sh -c 'echo $P $Q'", "/home/u/x:/home/u/y ~"),
        ("A=1 --env B=2 sh -c 'echo $A$B'", "12"),
        ("-- A=1 sh -c 'echo $A'", "1"),
        ("--env 'A'=1 sh -c 'echo $A'", "1"),
        ("--env=A=1=2 sh -c 'echo $A'", "1=2"),
        ("sh -c 'echo $0' A=1", "A=1"),
    ],
)
def test_values_of_the_environment(
    run: RunCell, monkeypatch: pytest.MonkeyPatch, line: str, printed: str
) -> None:
    """A leading ``K=V`` is an --env; ``$K`` in it is the job's environment."""
    monkeypatch.setenv("OLD", "old")
    monkeypatch.setenv("HOME", "/home/u")
    run("n, OLD = 3, 'python'")

    assert output(run(f"%spawn {line}").value) == f"{printed}\n"


def test_the_line_can_go_on_in_the_body(run: RunCell) -> None:
    """A backslash at the end of a cell magic's line continues it."""
    ran = run("%%spawn --name x \\\n  cat \\\n  - \nbody\n")

    assert (ran.value.name, ran.value.argv) == ("x", ("cat", "-"))
    assert output(ran.value) == "body\n"
    assert output(run("%%spawn --no-stdin \\\necho a").value) == "a\n"


def test_hints(run: RunCell, tmp_path: Path) -> None:
    """A wildcard that matches, and an unknown name in braces, stay and are told."""
    (tmp_path / "a.txt").touch()
    run("epochs, files = 3, []")

    told = run(f"job = %spawn --quiet --dir {tmp_path} echo *.txt {{epocs}} x{{files}}")
    quoted = run(
        f"job = %spawn --quiet --dir {tmp_path} echo '*.txt' *.py \"{{epocs}}\""
    )

    assert told.err.splitlines() == [
        "hint: {epocs} stays as it is: there is no variable 'epocs'; "
        "did you mean {epochs}?",
        "hint: {files} stays as it is: it is a list",
        "hint: *.txt stays as it is: with --shell it is the files",
    ]
    assert quoted.err == ""


@pytest.mark.parametrize("magic", [grammar.magic for grammar in MAGICS])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_can_be_asked_for(run: RunCell, magic: str, option: str) -> None:
    """--help prints the whole help, and nothing is done."""
    ran = run(f"{magic} {option}")

    assert ran.error is None
    assert ran.out.startswith(f"usage: {magic}")
    assert ran.value is None
    assert not [*jobs]


POOL = """
import multiprocessing, sys

def double(number):
    return 2 * number

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]), sys.argv[1:])
"""


def test_the_body_is_a_file(run: RunCell) -> None:
    """With --script a program runs the body, multiprocessing and all."""
    last = run(f"%%spawn --script {sys.executable}{POOL}").value
    first = run(f"%%spawn --script {sys.executable} @script a '@script'{POOL}").value

    assert output(last) == "[2, 4] []\n"
    assert output(first) == "[2, 4] ['a', '@script']\n"


def test_a_traceback_shows_the_source(run: RunCell) -> None:
    """A traceback of a --script has the lines, also of code that shows it later."""
    job = run(f"%%spawn --script {sys.executable}\n1 / 0  # here").value
    job.wait(PATIENCE)

    assert "1 / 0  # here" in job.stderr.text


def test_modules_beside_the_notebook_can_be_imported(
    run: RunCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A --script of Python imports from the directory that the job starts in."""
    (tmp_path / "beside.py").write_text("x = 1")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/later.py").write_text("y = 2")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}/other")
    name = "python3"
    body = "import beside, later; print(beside.x + later.y)"

    assert output(run(f"%%spawn --dir {tmp_path} --script {name}\n{body}").value) == (
        "3\n"
    )
    mine = "import sys; print('/mine' in sys.path)"
    job = run(f"%%spawn --script PYTHONPATH=/mine {name}\n{mine}").value
    assert output(job) == "True\n"


def test_scripts_are_removed(run: RunCell, ip: InteractiveShell) -> None:
    """The files of scripts are for the user only, and go with the extension."""
    path = Path(run("%%spawn --script cat\nbody").value.argv[1])

    assert path.read_text() == "body\n"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    unload(ip)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("%spawn --script cat", "--script needs a body: write the script below"),
        ("%%spawn --script\nbody", "no command: write the program that runs the"),
        ("%%spawn --script --shell cat\nbody", "leave out --shell or --script: one"),
    ],
)
def test_a_script_needs_a_body_and_a_program(
    run: RunCell, cell: str, text: str
) -> None:
    """A --script without one of them, or for a shell, is an error of one line."""
    ran = run(cell)

    assert isinstance(ran.error, UsageError)
    assert str(ran.error).startswith(text)


def test_scripts_and_input_can_be_expanded(run: RunCell) -> None:
    """--expand replaces in input, and in scripts of both kinds; else nothing is."""
    run("n, name = 3, 'a b'")
    body = "{n} $name {m} {{n}}\n"
    expanded = "3 a b {m} {n}\n"

    assert output(run(f"%%spawn --expand cat\n{body}").value) == expanded
    assert output(run(f"%%spawn --expand --script cat\n{body}").value) == expanded
    assert output(run("%%spawn --expand --shell\necho {n} $name").value) == "3 a b\n"
    assert output(run("%spawn --expand --shell echo {n}").value) == "3\n"
    assert output(run("%spawn --shell echo {n}").value) == "{n}\n"
    assert output(run(f"%%spawn --script cat\n{body}").value) == body


SECRETS = [
    '%spawn --wait --name {} true {{token}} $token "x{{token}}"',
    "%%spawn --wait --name {} --expand --shell\n# {{token}}\ntrue",
    "%%spawn --wait --name {} --env T={{token}} U=$token\ntrue\n  {{token}}",
    "%%spawn --wait --name {} --script sh @script {{token}}\ntrue",
]


@pytest.mark.parametrize("cell", SECRETS)
def test_a_command_is_shown_as_it_was_typed(run: RunCell, cell: str) -> None:
    """The value of an expression is in no line, picture or table."""
    run("token = 'hunter2'")

    ran = run(cell.format("x"))
    job = ran.value
    pictures = [
        format.command(job),
        console.spawned(job),
        str(html.job(job)),
        repr(job),
        str(format.snapshot(job)),
    ]
    pictures += [ran.out, ran.err, run("%procs").out]

    assert job.state is not None
    assert job.state.success
    assert "hunter2" in job.argv[-1]
    assert [it for it in pictures if "hunter2" in it] == []


def test_a_script_is_shown_by_its_first_line(run: RunCell) -> None:
    """The header of a script has its first line, without escapes."""
    job = run("%%spawn --wait --shell\n\necho 'é'\ttab\necho 2").value
    line = run("%spawn --wait echo  'a  b' {1} # why").value

    assert format.command(job) == "echo 'é' tab …"
    assert job.name == "shell"
    assert format.command(line) == "echo 'a  b' {1}"
    assert format.command(spawn(["echo", "a  b"])) == "echo 'a  b'"


def test_waiting_shows_and_returns_the_job(run: RunCell) -> None:
    """After --wait the job has ended, with success or without."""
    ran = run("%spawn --wait sh -c 'exit 3'")

    assert str(ran.value.state) == "exit status 3"


def test_waiting_in_a_terminal_prints_the_output(run: RunCell) -> None:
    """--wait prints each stream to its own, also if a variable gets it."""
    command = "sh -c 'echo out; echo err >&2; printf end'"

    ran = run(f"job = %spawn --wait --out text {command}")
    *_, checked = run(f"job = %spawn --check {command}").out.splitlines()

    line, *printed = ran.out.splitlines()
    assert line.startswith("spawned sh (pid ")
    assert (printed, ran.err) == (["out", "end"], "err\n")
    assert run("text").value == "out\nend"
    assert checked == "end"
    # Of two streams either may come last, and one of them ends its line.
    assert run("job = %spawn --wait printf end").out.endswith("end\n")


def test_all_is_printed_however_much_it_is(run: RunCell) -> None:
    """All output is printed; a gap is marked with its size."""
    run("%config IPyProc.output_limit = 100_000")

    few = run("job = %spawn --wait seq 10000").out
    many = run("job = %spawn --wait seq 100000").out

    assert few.splitlines()[1:] == [str(n) for n in range(1, 10001)]
    # Printing while it runs can keep up, or fall behind, more than once.
    gaps = re.findall(r"^\[.*\]$", many, re.M)
    assert gaps or many.splitlines()[1:] == [str(n) for n in range(1, 100_001)]
    assert all(re.fullmatch(r"\[[\d.]+ k?B of output not shown\]", g) for g in gaps)
    assert many.endswith("\n99999\n100000\n")


def test_captured_output_is_text(run: RunCell) -> None:
    """%%capture gets text, without split characters."""
    ran = run("%%capture --no-display seen\n%spawn --wait printf 'é\\377é'")

    assert ran.error is None
    assert run("seen.stdout").value.splitlines()[1] == "é\ufffdé"


def test_check_stops_the_cell(run: RunCell) -> None:
    """A failure is an ExitError in one line, with the state and the last of stderr."""
    ran = run("%spawn --check --name bad sh -c 'echo why >&2; exit 3'\nreached = True")

    assert isinstance(ran.error, ExitError)
    assert (ran.error.state.exit_code, ran.error.stderr) == (3, b"why\n")
    assert ran.out.splitlines()[-1] == "ExitError: bad: exit status 3"
    assert "Traceback" not in ran.out + ran.err
    assert run("%spawn --check true").error is None


def test_a_time_out_ends_the_job(run: RunCell) -> None:
    """--timeout ends it by SIGTERM, and --check says why."""
    ran = run("%spawn --check --timeout 0.1 sleep 60")

    assert isinstance(ran.error, ExitError)
    assert (
        ran.out.splitlines()[-1] == "ExitError: sleep: signal: terminated (timed out)"
    )


def test_grace_is_given_to_the_job(run: RunCell) -> None:
    """After --grace a job that ignores SIGTERM is killed."""
    job = run("%spawn --grace 0.1 sh -c 'trap \"\" TERM; echo; exec sleep 60'").value
    until(job, lambda job: job.total > 0)

    job.terminate()

    assert str(job.wait(30)) == "signal: killed"


def test_variables_are_bound(run: RunCell) -> None:
    """Variables get the live captures at once, and after --wait the final text."""
    run("%spawn --out out --err err --proc proc cat")
    job = run("proc").value

    assert run("out").value is job.stdout
    assert run("err").value is job.stderr

    run("%spawn --wait --out out --err err sh -c 'echo 1; echo 2 >&2'")

    assert (run("out").value, run("err").value) == ("1\n", "2\n")


def test_the_text_is_plain(run: RunCell) -> None:
    """After --wait it is as a terminal would show it."""
    run(r"%spawn --wait --out out printf '10 %%\r\033[32m100 %%\033[m\n'")

    assert run("out").value == "100 %\n"


def test_variables_are_bound_before_a_failure(run: RunCell) -> None:
    """Variables are bound also if --check fails."""
    run("%spawn --check --out out --err err sh -c 'echo 1; echo 2 >&2; exit 1'")

    assert (run("out").value, run("err").value) == ("1\n", "2\n")


def test_an_interrupt_stops_only_the_waiting(run: RunCell) -> None:
    """The job goes on, one line says so, and variables are bound."""
    with interrupt_when_waiting():
        ran = run("%spawn --wait --out out sleep 60")
    job = jobs["sleep"]

    assert isinstance(ran.error, KeyboardInterrupt)
    assert ran.out.splitlines()[-1] == (
        f"KeyboardInterrupt: waiting stopped; sleep (pid {job.pid}) still runs"
    )
    assert job.ended_at is None
    assert run("out").value is job.stdout


def test_quiet_shows_nothing(run: RunCell) -> None:
    """--quiet prints nothing; the value is the job all the same."""
    ran = run("%spawn --quiet --wait echo hello")

    assert isinstance(ran.value, Job)
    assert re.fullmatch(rf"Out\[\d+\]: {re.escape(repr(ran.value))}\n", ran.out)


def test_a_detached_job_is_one(run: RunCell, alone: Path) -> None:
    """A detached job is in the table, and its output is also in files."""
    job = run("%spawn --detach --name hi echo hello").value

    job.wait(30)
    assert job.stdout.text == "hello\n"
    assert (state(alone) / job.id / "out").read_text() == "hello\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user(run: RunCell) -> None:
    """--user gives the program the user's ids and groups."""
    job = run("%spawn --user nobody id -un").value

    assert output(job) == "nobody\n"
    assert job.stderr.text == ""
