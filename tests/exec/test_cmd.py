"""Commands that run, fail, or were never found."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import (
    Cmd,
    CmdStateError,
    ExecError,
    ExitError,
    NotFoundError,
    PathError,
    command,
    command_context,
    look_path,
)
from ipyproc.attr import Credential, SysProcAttr
from ipyproc.context import background
from tests.exec.tools import FOR_EVER, error_of, sh
from tests.threads import SOON, in_threads


def test_echo() -> None:
    """output() gives what the command prints."""
    # Go: TestEcho.
    assert command("echo", "foo bar", "baz").output() == b"foo bar baz\n"
    assert command("echo", "é").output(text=True) == "é\n"


def test_text_never_fails() -> None:
    """Text is UTF-8, and what is none becomes U+FFFD; line ends are as they come."""
    assert sh(r"printf 'a\377\r\n'").output(text=True) == "a\ufffd\r\n"
    assert sh("echo out; echo err >&2").combined_output(text=True) == "out\nerr\n"


def test_command_relative_name(tmp_path: Path) -> None:
    """A relative path is one relative to dir."""
    # Go: TestCommandRelativeName.
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "prog").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "sub" / "prog").chmod(0o755)

    cmd = command("sub/prog")
    cmd.dir = tmp_path

    assert cmd.output() == b"ran\n"


def test_cat_good_and_bad_file() -> None:
    """combined_output() has both streams, also on the error."""
    # Go: TestCatGoodAndBadFile.
    error = error_of(
        ExitError, command("cat", "/bogus/file.foo", __file__).combined_output
    )

    assert str(error) == "exit status 1"
    assert error.output is not None
    assert error.output.startswith(b"cat: /bogus/file.foo: No such file")
    assert b"def test_cat_good_and_bad_file" in error.output


def test_no_exist_executable() -> None:
    """A missing program is a PathError of run()."""
    # Go: TestNoExistExecutable.
    error = error_of(PathError, command("/no-exist-executable").run)

    assert isinstance(error, FileNotFoundError)
    assert str(error) == "fork/exec /no-exist-executable: no such file or directory"


def test_exit_status() -> None:
    """An ExitError says with what code."""
    # Go: TestExitStatus.
    cmd = sh("exit 42")
    error = error_of(ExitError, cmd.run)

    assert str(error) == "exit status 42"
    assert error.state == cmd.process_state


@pytest.mark.parametrize("code", [0, 2, 42, 255])
def test_exit_code(code: int) -> None:
    """The state has the exit code, whether it is an error or not."""
    # Go: TestExitCode.
    cmd = sh(f"exit {code}")
    if code:
        error_of(ExitError, cmd.run)
    else:
        cmd.run()

    assert cmd.process_state is not None
    assert cmd.process_state.exit_code == code


def test_exit_by_signal() -> None:
    """The text of an ExitError names the signal."""
    cmd = sh("kill -TERM $$")
    error = error_of(ExitError, cmd.run)

    assert str(error) == "signal: terminated"
    assert error.state.sys.signal == signal.SIGTERM


def test_state_of_a_command_that_never_ran() -> None:
    """Without a start there is no state, and no process."""
    # Go: TestExitCode.
    cmd = command("/no-exist-executable")
    error_of(PathError, cmd.run)

    assert (cmd.process_state, cmd.process) == (None, None)


def test_string() -> None:
    """A command shows its resolved path and its arguments."""
    # Go: TestString.
    echo = look_path("echo")

    assert str(command("echo")) == echo
    assert str(command("echo", "a", "b c", "")) == f"{echo} a b c "
    assert repr(command("/bin/echo", "a")) == (
        "Cmd(path='/bin/echo', args=['/bin/echo', 'a'])"
    )


def test_string_path_not_resolved() -> None:
    """A command that was not found shows the name that was given."""
    # Go: TestStringPathNotResolved.
    assert str(command("makemeasandwich")) == "makemeasandwich"
    assert str(command("makemeasandwich", "-lettuce")) == "makemeasandwich -lettuce"


def test_no_string_panic() -> None:
    """An empty command can be shown, too."""
    # Go: TestNoStringPanic.
    assert str(Cmd()) == ""
    assert repr(Cmd()) == "Cmd(path='', args=())"


def test_no_path() -> None:
    """An empty command cannot be started."""
    # Go: TestNoPath.
    cmd = Cmd()

    assert str(error_of(CmdStateError, cmd.start)) == "exec: no command"
    assert isinstance(cmd.err, CmdStateError)


def test_failed_look_up_is_kept() -> None:
    """command() never fails; start() raises what is in err, and a user may clear it."""
    cmd = command("surely-not-here")

    assert isinstance(cmd.err, ExecError)
    assert isinstance(cmd.err.err, NotFoundError)
    assert error_of(ExecError, cmd.start) is cmd.err


def test_cleared_err_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of the current directory runs if err is cleared."""
    # Go: TestLookPath.
    (tmp_path / "prog").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "prog").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".")

    cmd = command("prog")
    assert isinstance(cmd.err, ExecError)
    cmd.err = None

    assert cmd.output() == b"ran\n"


def test_abs_path_exec(tmp_path: Path) -> None:
    """A path is used as it is, argv[0] is free, a bare path is one in dir."""
    # Go: TestAbsPathExec.
    assert Cmd(path="/bin/echo", args=["anything", "hi"]).output() == b"hi\n"
    assert Cmd(path="/bin/pwd", dir=tmp_path).output(text=True) == f"{tmp_path}\n"

    cmd = command("/bin/false")
    cmd.path = "/bin/true"
    cmd.run()

    bare = Cmd(path="true", dir="/")
    assert str(error_of(PathError, bare.run)) == (
        "fork/exec true: no such file or directory"
    )


def test_empty_args_are_the_path() -> None:
    """Without arguments the program is named by its path."""
    cmd = Cmd(path="/bin/sh", stdin=b"tr '\\0' '|' </proc/$$/cmdline")

    assert cmd.output() == b"/bin/sh|"


def test_start_twice() -> None:
    """A command starts once, even if that failed."""
    # Go: TestStart_twice.
    cmd = command("/bin/nonexistent")
    error_of(PathError, cmd.start)

    for again in (cmd.start, cmd.run, cmd.output):
        assert str(error_of(CmdStateError, again)) == "exec: already started"


def test_wait_out_of_turn() -> None:
    """wait() comes after start(), once."""
    cmd = command("true")

    assert str(error_of(CmdStateError, cmd.wait)) == "exec: not started"
    cmd.start()
    cmd.wait()
    assert str(error_of(CmdStateError, cmd.wait)) == "exec: Wait was already called"


def test_output_twice() -> None:
    """The second output() finds stdout taken, by the first."""
    cmd = command("true")
    assert cmd.output() == b""

    for again in (cmd.output, cmd.combined_output):
        assert str(error_of(CmdStateError, again)) == "exec: Stdout already set"
    assert str(error_of(CmdStateError, cmd.run)) == "exec: already started"


def test_output_stderr_capture() -> None:
    """The error of output() has what went to stderr."""
    # Go: TestOutputStderrCapture.
    error = error_of(ExitError, sh("echo o; echo some stderr text >&2; exit 1").output)

    assert error.stderr == b"some stderr text\n"
    assert error.output == b"o\n"


def test_output_leaves_a_given_stderr_alone() -> None:
    """Stderr that goes elsewhere is not in the error."""
    cmd = sh("echo text >&2; exit 1")
    with open(os.devnull, "wb") as cmd.stderr:
        assert error_of(ExitError, cmd.output).stderr == b""


def test_error_of_a_failed_start_has_no_output() -> None:
    """If nothing ran there is no output, which is not the same as an empty one."""
    error = error_of(PathError, command("/nonexistent").output)

    assert error.output is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [("/bin/a\0b",), ("/bin/echo", "a\0b")])
def test_nul_byte_is_refused_as_by_the_kernel(words: tuple[str, ...]) -> None:
    """A NUL byte in a path or an argument is Go's EINVAL."""
    error = error_of(PathError, command(*words).run)

    assert str(error) == f"fork/exec {words[0]}: invalid argument"


def test_words_may_be_paths_and_bytes(tmp_path: Path) -> None:
    """Words may be str, bytes and paths, but no numbers."""
    (tmp_path / "file").write_bytes(b"content")

    assert command(Path("/bin/cat"), tmp_path / "file").output() == b"content"
    assert command(b"/bin/echo", b"\xff").output() == b"\xff\n"
    with pytest.raises(TypeError, match="not int"):
        command("echo", 3)  # type: ignore[arg-type]


def test_sys_proc_attr_is_passed_on() -> None:
    """A command may lead a session of its own."""
    cmd = sh("echo $$; ps -o sid= -p $$")
    cmd.sys_proc_attr = SysProcAttr(setsid=True)

    pid, session = cmd.output().split()
    assert pid == session


def test_credential_no_set_groups() -> None:
    """Our own user without setgroups needs no privilege."""
    # Go: TestCredentialNoSetGroups.
    cmd = command("id", "-u")
    me = Credential(os.getuid(), os.getgid(), no_set_groups=True)
    cmd.sys_proc_attr = SysProcAttr(credential=me)

    assert cmd.output(text=True) == f"{os.getuid()}\n"


def test_stopped_is_not_ended() -> None:
    """A stop ends no wait, and the process can still be signalled."""
    # Go: TestWaitid.
    cmd = command("sleep", FOR_EVER)
    cmd.start()
    assert cmd.process is not None
    ended = threading.Event()

    def wait() -> None:
        error_of(ExitError, cmd.wait)
        ended.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    cmd.process.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, cmd.process.pid, os.WSTOPPED | os.WNOWAIT)

    assert not ended.is_set()
    cmd.process.signal(signal.SIGCONT)
    cmd.process.kill()
    waiter.join(SOON)
    assert str(cmd.process_state) == "signal: killed"


def test_sigchld() -> None:
    """A start raises one SIGCHLD, for the command itself."""
    # Go: TestSIGCHLD.
    seen: list[int] = []
    before = signal.signal(signal.SIGCHLD, lambda number, _: seen.append(number))
    try:
        command("true").run()
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert seen == [signal.SIGCHLD]


def test_path_race() -> None:
    """Showing a command while it starts is safe."""
    # Go: TestPathRace.
    cmd = command("true")
    shown = str(cmd)

    in_threads(2, lambda index: cmd.run() if index else str(cmd))

    assert str(cmd) == shown


def test_concurrent_exec() -> None:
    """Commands that hang do not hold up those that end."""
    # Go: TestConcurrentExec.
    hanging = [command("cat") for _ in range(3)]
    inputs = [cmd.stdin_pipe() for cmd in hanging]
    for cmd in hanging:
        cmd.start()

    in_threads(5, lambda index: error_of(ExitError, sh(f"exit {index + 1}").run))

    for pipe, cmd in zip(inputs, hanging, strict=True):
        pipe.close()
        cmd.wait()


def test_many_at_once_keep_their_own_output() -> None:
    """Output, input and exit codes of concurrent commands are never mixed up."""

    def run(index: int) -> None:
        cmd = sh(f"printf {index}:; cat; exit {index}")
        cmd.stdin = f"in{index}".encode()
        output = error_of(ExitError, cmd.output)
        assert output.output == f"{index}:in{index}".encode()
        assert output.state.exit_code == index

    in_threads(12, lambda index: run(index + 1))


def test_leaving_the_block_ends_the_command() -> None:
    """A with block kills what runs in it and waits for it."""
    with sh("sleep 1000 & echo ready; sleep 1000") as cmd:
        cmd.sys_proc_attr = SysProcAttr(setpgid=True)
        pipe = cmd.stdout_pipe()
        cmd.start()
        assert pipe.readline() == b"ready\n"
        group = cmd.process.pid if cmd.process else 0

    os.killpg(group, signal.SIGKILL)  # the grandchild, which kept the pipe open
    assert pipe.closed
    assert str(cmd.process_state) == "signal: killed"
    assert str(error_of(CmdStateError, cmd.wait)) == "exec: Wait was already called"


def test_leaving_the_block_ends_the_copying_too() -> None:
    """A grandchild that keeps a pipe open does not keep the block from ending."""
    with sh("sleep 1000 & echo $! >&2; echo ready") as cmd:
        cmd.stdin = b"x" * 10_000_000
        cmd.stdout = Taker()
        errors = cmd.stderr_pipe()
        cmd.start()
        pid = int(errors.readline())

    os.kill(pid, signal.SIGKILL)
    assert cmd.process_state is not None


def test_leaving_the_block_after_the_end() -> None:
    """A command that was waited for, or never started, is left as it is."""
    with sh("exit 3") as cmd:
        error_of(ExitError, cmd.run)
    assert str(cmd.process_state) == "exit status 3"

    with command("true") as cmd:
        pipe = cmd.stdout_pipe()
    assert pipe.closed


def test_an_error_in_the_block_goes_on() -> None:
    """The block's own error is not replaced by that of the command."""
    with suppress(KeyError), command("sleep", FOR_EVER) as cmd:
        cmd.start()
        raise KeyError

    assert str(cmd.process_state) == "signal: killed"


class Taker:
    """Takes all."""

    def write(self, data: bytes) -> None:
        """Take it."""


#: Go's fields and methods, and nothing else.
NAMES = """
path args env dir stdin stdout stderr extra_files sys_proc_attr process process_state
err cancel wait_delay
run start wait output combined_output stdin_pipe stdout_pipe stderr_pipe environ
"""


def test_names_are_gos_and_no_others() -> None:
    """A Cmd has Go's public names only."""
    public = [name for name in dir(command("true")) if not name.startswith("_")]

    assert sorted(public) == sorted(NAMES.split())


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("stdot", "stdout"), ("environment", "environ"), ("wait_deley", "wait_delay")],
)
def test_unknown_attribute_names_the_nearest(wrong: str, nearest: str) -> None:
    """A name that Cmd does not have is an AttributeError, read or set."""
    cmd = command("true")

    message = f"^Cmd has no '{wrong}'; the nearest is '{nearest}'$"
    with pytest.raises(AttributeError, match=message):
        getattr(cmd, wrong)
    with pytest.raises(AttributeError, match=message):
        setattr(cmd, wrong, None)
    assert not hasattr(cmd, wrong)


def test_method_cannot_be_set() -> None:
    """A method's name is no field."""
    with pytest.raises(AttributeError, match="read-only"):
        command("true").run = print  # type: ignore[method-assign]


def test_fields_by_keyword() -> None:
    """command and command_context set fields, args and cancel included."""
    env = ["A=1"]
    cmd = command("sh", env=env, dir="/", args=["sh", "-c", "echo $A; pwd"])
    assert cmd.output() == b"1\n/\n"

    gentle = command_context(background(), "true", cancel=None, wait_delay=3.0)
    assert (gentle.cancel, gentle.wait_delay) == (None, 3.0)
    gentle.run()


def test_unknown_field_by_keyword() -> None:
    """A keyword that is no field names the nearest field."""
    with pytest.raises(AttributeError, match="nearest is 'env'"):
        command("true", evn=[])
    with pytest.raises(AttributeError, match="has no 'run'"):
        command("true", run=None)


def test_exit_code_of_an_error() -> None:
    """An ExitError has the exit code of its state, -1 for a signal."""
    assert error_of(ExitError, sh("exit 7").run).exit_code == 7
    assert error_of(ExitError, sh("kill -9 $$").run).exit_code == -1
