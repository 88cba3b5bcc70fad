from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from ipyproc.magics.help import MAGICS, PROCKILL, SPAWN
from ipyproc.magics.options import Grammar


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("ls --name x", "ls --name x"),
        ("--wait ls -l", "ls -l"),
        ("--wait -- --odd name", "--odd name"),
        ("--wait -- -- x", "-- x"),
        ("--wait 'a  b' | c", "'a  b' | c"),
        ("--wait", ""),
        ("", ""),
        ("'--wait' ls", "'--wait' ls"),
    ],
)
def test_options_end_where_the_command_begins(line: str, command: str) -> None:
    """What follows the program, or ``--``, is left as it was written."""
    assert SPAWN.parse_command(line)[1].rest == command


def test_options_are_read() -> None:
    """A value follows its option, or an ``=``; an option not given is None."""
    options, command = SPAWN.parse_command(
        "--name 'my job' --dir=/tmp --env A=1 --env B='x =y' --timeout 1.5 --check ls"
    )

    assert (options.name, options.dir) == ("my job", "/tmp")
    assert [word.text for word in options.env] == ["A=1", "B=x =y"]
    assert (options.timeout, options.check, options.wait) == (1.5, True, False)
    assert (options.grace, options.stdin, options.no_stdin) == (None, None, False)
    assert command.rest == "ls"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--nmae x ls", "no option '--nmae': did you mean '--name'?"),
        ("--no-stdn ls", "no option '--no-stdn': did you mean '--no-stdin'?"),
        ("--wai ls", "no option '--wai': did you mean '--wait'?"),
        ("--qqq ls", "no option '--qqq'"),
        ("-n x ls", "no option '-n': %spawn? lists the options"),
        ("- ls", "no option '-': %spawn? lists the options"),
        ("--name", "--name needs a value: --name NAME"),
        ("--name --dir x", "--name needs a value: --name NAME"),
        ("--wait=3 ls", "--wait: ignored explicit argument '3'"),
        ("--env A ls", "--env: expected K=V, not 'A'"),
        ("--env =A ls", "--env: expected K=V, not '=A'"),
        ("--out 2x ls", "--out: expected the name of a variable, not '2x'"),
        ("--proc None ls", "--proc: expected the name of a variable, not 'None'"),
        ("--timeout -1 ls", "--timeout: expected seconds, such as 1.5, not '-1'"),
        ("--timeout nan ls", "--timeout: expected seconds, such as 1.5, not 'nan'"),
        ("--grace inf ls", "--grace: expected seconds, such as 1.5, not 'inf'"),
        ("--user roto ls", "--user: no user 'roto': did you mean 'root'?"),
        (
            "--until '(' ls",
            "--until: missing ), unterminated subpattern at position 0 in '('",
        ),
        ("--until '*' ls", "--until: nothing to repeat at position 0 in '*'"),
        ("--until-port 0 ls", "--until-port: expected a port from 1 to 65535, not '0'"),
        (
            "--until-port 65536 ls",
            "--until-port: expected a port from 1 to 65535, not '65536'",
        ),
        (
            "--until-port http ls",
            "--until-port: expected a port from 1 to 65535, not 'http'",
        ),
        ("--within soon ls", "--within: expected seconds, such as 1.5, not 'soon'"),
        ("--name 'x ls", "a quotation mark is not closed: --name 'x ls"),
    ],
)
def test_wrong_options_are_usage_errors(line: str, text: str) -> None:
    """A wrong option is one line, with the nearest name if there is one."""
    with pytest.raises(UsageError) as caught:
        SPAWN.parse_command(line)

    assert str(caught.value) == text


def test_options_and_names_may_be_mixed() -> None:
    """Options and names can be mixed; numbers are names."""
    options, names = PROCKILL.parse("a --signal int 12 -1 --tree -- --b")

    assert names == ["a", "12", "-1", "--b"]
    assert (options.signal, options.tree, options.all) == (2, True, False)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--signal TREM a", "--signal: no signal 'TREM': did you mean 'TERM'?"),
        ("--signal sigtrem a", "--signal: no signal 'sigtrem': did you mean 'SIGTERM'"),
        ("--signal 0 a", "--signal: no signal 0: they are 1 to 64"),
        ("--signal 65 a", "--signal: no signal 65: they are 1 to 64"),
        ("--signal -9 a", "--signal: no signal '-9'"),
        ("--kill a", "no option '--kill'"),
        ("-KILL a", "no option '-KILL': %prockill? lists the options"),
    ],
)
def test_wrong_signals_are_usage_errors(line: str, text: str) -> None:
    """A wrong signal or option is an error; a distant name is not proposed."""
    with pytest.raises(UsageError) as caught:
        PROCKILL.parse(line)

    assert str(caught.value).removesuffix("?") == text.removesuffix("?")


@pytest.mark.parametrize("name", ["TERM", "SIGTERM", "term", "sigterm", "15"])
def test_a_signal_has_many_names(name: str) -> None:
    """A signal has its name with SIG or without, in any case, or its number."""
    assert PROCKILL.parse(f"--signal {name}")[0].signal.name == "SIGTERM"


@pytest.mark.parametrize("grammar", MAGICS, ids=lambda grammar: grammar.magic)
def test_help_is_complete(grammar: Grammar) -> None:
    """Help shows the magic, every option and the Python way, in 80 columns."""
    lines = grammar.help.splitlines()

    assert lines[0].startswith(f"usage: {grammar.magic}")
    assert all(name in grammar.help for name in grammar.options)
    assert "Python: " in grammar.help
    assert max(map(len, lines)) <= 80
