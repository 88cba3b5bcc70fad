from __future__ import annotations

import io
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, jobs, spawn
from ipyproc._jobs import request
from ipyproc._process.environment import Entries
from ipyproc.attr import SysProcAttr
from ipyproc.errors import ExecError, NotFoundError, PathError, SyscallError
from tests.jobs.helpers import PATIENCE


def printed(*args: object, **options: object) -> str:
    """Run a job that must succeed, and give what it printed."""
    job = spawn(*args, **options)  # type: ignore[arg-type]
    assert job.wait(PATIENCE).success, job.stderr.text
    return job.stdout.text


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["printf", "%s.", "a b", "$HOME"], "a b.$HOME."),
        (("printf", "%s.", "a"), "a."),
        (["printf", b"%s.", Path("/x")], "/x."),
        ("printf %s. 'a b' c\\ d $HOME *", "a b.c d.$HOME.*."),
        ("printf '%s.'   a\nb", "a.b."),
    ],
)
def test_words(argv: object, words: str) -> None:
    """A list is taken as it is; a text is split like a shell's words, and no more."""
    assert printed(argv) == words


def test_shell() -> None:
    """With shell=True a shell runs the text, and its program is the shell's."""
    assert printed("echo $((1 + 1)) | tr 2 3", shell=True) == "3\n"
    assert jobs.last is not None
    assert jobs.last.argv[1:] == ("-c", "echo $((1 + 1)) | tr 2 3")


def test_which_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell is bash, or sh where PATH has none; never the user's."""
    monkeypatch.setenv("SHELL", "/bin/nosuchshell")
    (tmp_path / "sh").symlink_to("/bin/sh")

    assert spawn("true", shell=True).argv[0] == "bash"
    assert spawn("true", shell=True, env={"PATH": str(tmp_path)}).argv[0] == "sh"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert spawn("true", shell=True).argv[0] == "sh"


@pytest.mark.parametrize("path", [None, "sh"])
def test_long_scripts(path: str | None, tmp_path: Path) -> None:
    """A script can have any length; what it starts gets none of it."""
    env = {}
    if path:
        for program in ("sh", "ls", "cat"):
            found = shutil.which(program)
            assert found is not None
            (tmp_path / program).symlink_to(found)
        env = {"PATH": str(tmp_path)}
    script = "cat\nls /proc/self/fd\n" + "# é comment\n" * 100_000 + "echo end $0\n"
    job = spawn(script, shell=True, env=env, stdin="input\n", name="long")
    job.wait(60)

    assert job.stderr.text == ""
    assert job.stdout.lines()[0] == "input"
    assert len(job.stdout.lines()) == 1 + 4 + 1  # 0 to 2, and the folder that ls reads
    assert job.stdout.lines()[-1].startswith("end ")
    assert job.name == "long"


def test_the_path_of_the_job(tmp_path: Path) -> None:
    """A program is looked up in the PATH that the job has."""
    (tmp_path / "only here").symlink_to("/bin/echo")

    assert printed(["only here", "x"], env={"PATH": str(tmp_path)}) == "x\n"
    with pytest.raises(ExecError, match="not found in \\$PATH"):
        spawn(["echo"], env={"PATH": str(tmp_path)})
    with pytest.raises(ExecError, match="not found in \\$PATH"):
        spawn(["echo"], env={"PATH": ""})
    assert printed(["env"], clear_env=True) == ""


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["python3", "a/train.py", "--x", "y.py"], "train.py"),
        (["python3.11", "-u", "train.py"], "train.py"),
        (["python3", "-m", "http.server", "x.py"], "http.server"),
        (["python3", "-c", "1", "x.py"], "python3"),
        (["python3", "-"], "python3"),
        (["/bin/ls", "x.py"], "ls"),
    ],
)
def test_names_by_default(argv: list[str], name: str) -> None:
    """A job of a Python has the name of what that runs."""
    assert request.check(argv).name == name
    assert request.check("ls", shell=True).name == "shell"


def test_names() -> None:
    """A job is named after its program, unless it is given a name; both may recur."""
    made = [spawn("/bin/true"), spawn("true"), spawn("true", name="x")]

    assert [job.name for job in made] == ["true", "true", "x"]
    assert [job.is_named for job in made] == [False, False, True]
    assert made[1].number == made[0].number + 1


def test_a_name_has_no_hash(tmp_path: Path) -> None:
    """`#` stands before a number: a name with it is refused, a program's is changed."""
    program = tmp_path / "a#1"
    program.symlink_to("/bin/true")

    assert spawn([program]).name == "a_1"
    with pytest.raises(ValueError, match=r"name: # is for numbers, .*: 'a#1'"):
        spawn("true", name="a#1")


def test_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job starts in its directory, and PWD says so; ~ is the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub")

    assert printed("pwd", dir=tmp_path) == f"{tmp_path}\n"
    assert printed("pwd", dir="~/sub") == f"{tmp_path}/sub\n"
    assert printed("sh -c pwd", dir="~/link") == f"{tmp_path}/link\n"
    assert spawn("true", dir="~/sub").dir == f"{tmp_path}/sub"
    assert spawn("true", dir="").dir is None


def test_a_working_directory_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative directory has no absolute name there, which PWD would tell the job."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(SyscallError) as caught:
        spawn("true", dir=".")

    assert isinstance(caught.value, FileNotFoundError)
    assert str(caught.value) == "getwd: no such file or directory"
    assert spawn("true").wait(PATIENCE).success
    assert spawn("true", dir="/").wait(PATIENCE).success


def test_program_relative_to_dir(tmp_path: Path) -> None:
    """A path to the program is one from the directory that it starts in."""
    program = tmp_path / "hello"
    program.write_text("#!/bin/sh\necho hello $0")
    program.chmod(0o755)

    assert printed(["./hello"], dir=tmp_path) == "hello ./hello\n"
    assert printed([str(program)], dir="/") == f"hello {program}\n"


def test_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables are added to ours, or are all there is; PWD is the caller's to set."""
    monkeypatch.setenv("OURS", "1")
    show = ["sh", "-c", "echo $OURS $THEIRS"]

    assert printed(show) == "1\n"
    assert printed(show, env={"THEIRS": "2"}) == "1 2\n"
    assert printed(show, env={"OURS": "", "THEIRS": "2"}) == "2\n"
    assert printed("env", env={"THEIRS": "2=3"}, clear_env=True) == "THEIRS=2=3\n"
    assert printed("env", clear_env=True, dir="/") == ""
    assert "PWD=/x\n" in printed("env", env={"PWD": "/x"}, dir="/")


def test_outputs_to_paths(tmp_path: Path) -> None:
    """A path is created, or emptied, and nothing is captured."""
    out, err = tmp_path / "out", tmp_path / "err"
    err.write_text("something long that was there before")
    job = spawn(["sh", "-c", "echo out; echo err >&2"], stdout=str(out), stderr=err)
    job.wait(PATIENCE)

    assert (out.read_text(), err.read_text()) == ("out\n", "err\n")
    assert job.total == 0
    assert stat.S_IMODE(out.stat().st_mode) & 0o111 == 0


def test_outputs_to_one_path(tmp_path: Path) -> None:
    """Two streams to one path do not overwrite one another, nor do merged ones."""
    script = ["sh", "-c", "echo out; echo err >&2; echo out"]
    for options in ({"stderr": tmp_path / "log"}, {"merge": True}):
        printed(script, stdout=tmp_path / "log", **options)
        assert (tmp_path / "log").read_text() == "out\nerr\nout\n"


def test_outputs_to_files(tmp_path: Path) -> None:
    """An open file, or its number, is handed over as it stands, and stays open."""
    with (tmp_path / "out").open("wb", buffering=0) as file:
        file.write(b"before ")
        printed("echo out", stdout=file)
        printed(["sh", "-c", "echo err >&2"], stderr=file.fileno())
        file.write(b"after")

    assert (tmp_path / "out").read_text() == "before out\nerr\nafter"


def test_session_of_its_own() -> None:
    """A job leads its own session, unless the caller's attributes say otherwise."""
    job = spawn("sleep 1000")
    other = spawn("sleep 1000", sys=SysProcAttr(setpgid=True))

    assert os.getsid(job.pid) == os.getpgid(job.pid) == job.pid
    assert os.getsid(other.pid) == os.getsid(0)
    assert os.getpgid(other.pid) == other.pid


def test_limits() -> None:
    """The limits of the capture are those of spawn."""
    job = spawn("seq 100", output_limit=10, memory_limit=0)
    job.wait(PATIENCE)

    assert job.stdout.bytes == b"1\n2\n39\n100\n"[:5] + b"\n100\n"


BAD: list[tuple[str, object, type[Exception]]] = [
    ("argv", [], ValueError),
    ("argv", "", ValueError),
    ("argv", "echo 'unbalanced", ValueError),
    ("argv", ["echo", "a\0b"], ValueError),
    ("argv", ["echo", 1], TypeError),
    ("argv", b"echo", TypeError),
    ("argv", None, TypeError),
    ("argv", {"echo"}, TypeError),
    ("name", 1, TypeError),
    ("name", "", ValueError),
    ("name", " a", ValueError),
    ("name", "a\nb", ValueError),
    ("dir", 1, TypeError),
    ("dir", "a\0b", ValueError),
    ("env", [("a", "b")], TypeError),
    ("env", ["A=b"], TypeError),
    ("env", {"A": 1}, TypeError),
    ("env", {1: "A"}, TypeError),
    ("env", {"A=": "b"}, ValueError),
    ("env", {"": "b"}, ValueError),
    ("env", {"A": "b\0"}, ValueError),
    ("clear_env", 1, TypeError),
    ("stdin", 1.5, TypeError),
    ("stdin", True, TypeError),
    ("stdin", -1, ValueError),
    ("stdin", 1 << 40, ValueError),
    ("stdin", io.BytesIO(b"x"), TypeError),
    ("stdin", Path("a\0b"), ValueError),
    ("stdout", PIPE, TypeError),
    ("stdout", b"out", TypeError),
    ("stdout", "a\0b", ValueError),
    ("stderr", -5, ValueError),
    ("stderr", io.StringIO(), TypeError),
    ("merge", "yes", TypeError),
    ("shell", None, TypeError),
    ("timeout", "1", TypeError),
    ("timeout", True, TypeError),
    ("timeout", -1, ValueError),
    ("timeout", float("nan"), ValueError),
    ("grace", None, TypeError),
    ("grace", -0.5, ValueError),
    ("detach", 0, TypeError),
    ("sys", {"setsid": True}, TypeError),
    ("output_limit", 1.5, TypeError),
    ("output_limit", -1, ValueError),
    ("memory_limit", None, TypeError),
    ("memory_limit", True, TypeError),
]


@pytest.mark.parametrize(("argument", "value", "error"), BAD)
def test_bad_values(argument: str, value: object, error: type[Exception]) -> None:
    """A bad value is refused by the argument's name, and nothing is started."""
    options = {"argv": ["true"], argument: value}
    with pytest.raises(error, match=f"^{argument}: ") as raised:
        spawn(**options)  # type: ignore[arg-type]

    assert "\n" not in str(raised.value)
    assert jobs.last is None


def test_closed_file(tmp_path: Path) -> None:
    """A file that was closed is refused by the argument's name."""
    with (tmp_path / "x").open("w") as file:
        pass
    with pytest.raises(ValueError, match=r"^stdout: .*not open"):
        spawn("true", stdout=file)


def test_shell_takes_text() -> None:
    """A list needs no shell."""
    with pytest.raises(TypeError, match=r"^argv: "):
        spawn(["echo", "a"], shell=True)


def test_merged_stderr() -> None:
    """A merged stderr has no place of its own."""
    with pytest.raises(ValueError, match=r"^stderr: "):
        spawn("true", merge=True, stderr="x")


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (
            lambda at: spawn("no-such-program"),
            NotFoundError,
            'exec: "no-such-program": executable file not found in $PATH',
        ),
        (
            lambda at: spawn(["./nope"], dir=at),
            FileNotFoundError,
            'exec: "{at}/./nope": stat {at}/./nope: no such file or directory',
        ),
        (
            lambda at: spawn([f"{at}/plain"]),
            PermissionError,
            'exec: "{at}/plain": permission denied',
        ),
        (
            lambda at: spawn([str(at)]),
            IsADirectoryError,
            'exec: "{at}": is a directory',
        ),
        (
            lambda at: spawn([f"{at}/empty"]),
            PathError,
            "fork/exec {at}/empty: exec format error",
        ),
        (
            lambda at: spawn("true", dir=at / "nope"),
            FileNotFoundError,
            "chdir {at}/nope: no such file or directory",
        ),
        (
            lambda at: spawn("true", dir=at / "plain"),
            NotADirectoryError,
            "chdir {at}/plain: not a directory",
        ),
        (
            lambda at: spawn("true", stdin=at / "nope"),
            FileNotFoundError,
            "open {at}/nope: no such file or directory",
        ),
        (
            lambda at: spawn("true", stdout=at),
            IsADirectoryError,
            "open {at}: is a directory",
        ),
        (
            # Not even root may write this one.
            lambda at: spawn("true", stdout="/proc/sys/kernel/ostype"),
            PermissionError,
            "open /proc/sys/kernel/ostype: permission denied",
        ),
        (
            lambda at: spawn("true", stdout="x", stderr=f"{at}/plain/x"),
            NotADirectoryError,
            "open {at}/plain/x: not a directory",
        ),
    ],
)
def test_refused(
    act: Callable[[Path], Job],
    error: type[OSError],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the system refuses is one clear error, and nothing is started or open."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch()
    (tmp_path / "empty").write_bytes(b"\0")
    (tmp_path / "empty").chmod(0o755)
    with pytest.raises(OSError, match=r"^[a-z]") as raised:
        act(tmp_path)

    assert str(raised.value) == text.format(at=tmp_path)
    cause = raised.value.err if isinstance(raised.value, ExecError) else raised.value
    assert isinstance(cause, error)
    assert jobs.last is None


def test_environment_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs share the entries of our environment; with more variables, one is made."""
    made, of = [], Entries.of

    def noting(variables: dict[bytes, bytes]) -> Entries:
        made.append(len(variables))
        return of(variables)

    spawn(["true"]).wait()
    monkeypatch.setattr(Entries, "of", noting)
    spawn(["true"]).wait()
    assert made == []

    job = spawn(["sh", "-c", "echo $A $B"], env={"A": "1"})
    job.wait()
    assert len(made) == 1
    assert job.stdout.lines() == ["1"]

    monkeypatch.setenv("B", "2")
    again = spawn(["sh", "-c", "echo $A $B"])
    again.wait()
    assert len(made) == 2
    assert again.stdout.lines() == ["2"]


def test_a_nul_byte_is_no_part_of_an_environment() -> None:
    """What would end an entry in the system call is refused where entries are made."""
    with pytest.raises(ValueError, match="NUL byte"):
        Entries.of({b"A": b"1\0B=2"})
