"""Docstrings of public names say what they are, here and in Go, and have examples."""

from __future__ import annotations

import ast
import asyncio
import builtins
import doctest
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

import ipyproc
from ipyproc import context, errors
from tests.kernel.fixtures import Kernel

#: What Go 1.27 exports, as ``go doc`` lists it; of context what processes need.
GO = {
    "os": """
        FindProcess StartProcess Process ProcAttr ProcessState SyscallError Interrupt
        Kill ErrProcessDone ErrNoHandle
    """,
    "fs": "PathError",
    "exec": """
        LookPath Command CommandContext Cmd Error ExitError ErrDot ErrNotFound
        ErrWaitDelay
    """,
    "context": """
        Background WithCancel WithCancelCause WithDeadline WithTimeout AfterFunc Cause
        Context Canceled DeadlineExceeded
    """,
    "syscall": "SysProcAttr Credential SysProcIDMap WaitStatus Rusage",
    "Process": "Pid Kill Release Signal Wait WithHandle",
    "ProcessState": "ExitCode Exited String Success SystemTime UserTime",
    "WaitStatus": """
        Continued CoreDump ExitStatus Exited Signal Signaled StopSignal Stopped
        TrapCause
    """,
    "Cmd": """
        CombinedOutput Environ Output Run Start StderrPipe StdinPipe StdoutPipe String
        Wait
    """,
    "Context": "Deadline Done Err",
}
#: The fields of Go's structures that are fields here, too.
GO_FIELDS = {
    "ProcAttr": "Dir Env Files Sys",
    "SysProcAttr": """
        Chroot Credential Ptrace Setsid Setpgid Setctty Noctty Ctty Foreground Pgid
        Pdeathsig Cloneflags Unshareflags UidMappings GidMappings
        GidMappingsEnableSetgroups AmbientCaps UseCgroupFD CgroupFD
    """,
    "Credential": "Uid Gid Groups NoSetGroups",
    "SysProcIDMap": "ContainerID HostID Size",
    "Rusage": """
        Utime Stime Maxrss Ixrss Idrss Isrss Minflt Majflt Nswap Inblock Oublock Msgsnd
        Msgrcv Nsignals Nvcsw Nivcsw
    """,
    "ProcessState": "Pid Sys SysUsage",
    "Cmd": """
        Path Args Env Dir Stdin Stdout Stderr ExtraFiles SysProcAttr Process
        ProcessState Err Cancel WaitDelay
    """,
}
#: What Go has no name for, and why; a class stands for all its members.
NOT_IN_GO = {
    "Job Jobs JobStatus Capture Chunk Usage UsagePoint Peak spawn jobs PIPE "
    "NotReadyError JobLostError": ("Go keeps no processes"),
    "Process.wait_async": "Go has no async functions",
    "Process.fileno": "Go gives the pidfd by an out-parameter, SysProcAttr.PidFD",
    "Process.status ProcessStatus": "Go keeps that to itself",
    "ProcessReleasedError ProcessNotInitializedError CmdStateError": (
        "in Go these are texts without a name"
    ),
    "ExecError.path": "in Go the path is in the Cmd",
    "Done Pair": "in Go a channel, and two results",
    "life descriptors sessions use_language": "Go draws no pictures",
}
CITED = re.compile(r"Go: ``(\w+\.\w+)``")
ERROR = re.compile(r"``(\w+Error)``")
IN_SECONDS = {"timeout", "grace", "wait_delay", "deadline"}
#: Classes that users get and do not construct.
MADE_FOR_USERS = {"Done", "Job", "JobStatus", "ProcessStatus", "Context", "Pair"}
CONSTANTS = {"INTERRUPT", "KILL", "PIPE"}
ROOT = Path(__file__).parents[1]
VIEW_NAMES = ("descriptors", "explore", "life", "sessions", "use_language")


def _named() -> Iterator[tuple[str, Any]]:
    """Yield every public name with its value."""
    for name in ipyproc.__all__:
        yield name, getattr(ipyproc, name)
    for name in context.__all__:
        if not name.endswith("Error"):
            yield name, getattr(context, name)
    for name in VIEW_NAMES:
        yield name, getattr(import_module("ipyproc.views"), name)


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class that are ipyproc's own."""
    for base in cls.__mro__:
        if base.__module__.startswith("ipyproc"):
            for name, value in vars(base).items():
                is_ours = callable(value) or isinstance(value, property | classmethod)
                if is_ours and not name.startswith("_"):
                    yield f"{cls.__name__}.{name}", value


NAMES = {
    name: value
    for name, value in _named()
    if inspect.isclass(value) or inspect.isfunction(value)
}
CLASSES = {name: value for name, value in NAMES.items() if inspect.isclass(value)}
THINGS = NAMES | dict(member for cls in CLASSES.values() for member in _members(cls))
FUNCTIONS = {
    name: value.fget if isinstance(value, property) else value
    for name, value in THINGS.items()
    if not inspect.isclass(value)
}


def _doc(thing: object) -> str:
    return inspect.cleandoc(getattr(thing, "__doc__", None) or "")


def _in_its_context(name: str) -> str:
    """Return the documentation of a function and of its class."""
    cls = CLASSES.get(name.partition(".")[0])
    return f"{_doc(THINGS[name])}\n{_doc(cls) if cls else ''}"


def test_one_sentence_comes_first() -> None:
    """Every public docstring begins with one sentence on its own line."""
    begins = {
        name: (*_doc(thing).split("\n", 2)[:2], "") for name, thing in THINGS.items()
    }

    wrong = {
        name
        for name, (first, second, *_) in begins.items()
        if not (first[:1].isupper() and first.endswith(".")) or second
    }
    assert wrong == set()


def test_everything_says_what_it_is_in_go() -> None:
    """A public name cites its Go counterpart, or is in the table of what Go lacks."""
    alone = {name for names in NOT_IN_GO for name in names.split()}
    alone |= {name for name in THINGS if name.partition(".")[0] in alone}
    says = {name for name, thing in THINGS.items() if CITED.search(_doc(thing))}

    assert set(THINGS) - says - alone == set()
    assert says & alone == {"Job.signal"}  # which does what Process.signal does


def test_everything_of_go_is_there() -> None:
    """The cited names are those that Go exports: none is missing, none invented."""
    exported = [f"{of}.{name}" for of, names in GO.items() for name in names.split()]
    cited = [name for thing in THINGS.values() for name in CITED.findall(_doc(thing))]
    constants = CITED.findall(_source("ipyproc.process"))

    assert sorted({*cited, *constants}) == sorted(exported)


@pytest.mark.parametrize("name", GO_FIELDS)
def test_each_field_is_there_and_is_told(name: str) -> None:
    """A structure has Go's fields in snake_case, and documents each of them."""
    cls = CLASSES[name]
    found = [name for name in cls.__annotations__ if not name.startswith("_")]

    in_go = GO_FIELDS[name].lower().split()
    assert [field.replace("_", "") for field in found] == in_go
    assert [field for field in found if f"*{field}*" not in _doc(cls)] == []


def test_each_member_is_told() -> None:
    """An enumeration documents each of its members."""
    enums = [cls for cls in CLASSES.values() if issubclass(cls, Enum)]

    assert enums
    assert [
        member for cls in enums for member in cls if f"``{member}``" not in _doc(cls)
    ] == []


def test_each_parameter_is_told() -> None:
    """A function documents each parameter, and the unit of times."""
    given = [
        (name, it, _in_its_context(name))
        for name, function in FUNCTIONS.items()
        for it in inspect.signature(function).parameters
        if it != "self"
    ]

    assert [(name, it) for name, it, told in given if f"*{it}*" not in told] == []
    assert [
        (name, it)
        for name, it, told in given
        if it in IN_SECONDS and "seconds" not in told
    ] == []


def test_each_parameter_of_a_class_is_told() -> None:
    """A class that users construct documents each parameter."""
    given = [
        (cls, it)
        for name, cls in CLASSES.items()
        if name not in MADE_FOR_USERS and inspect.isfunction(cls.__init__)
        for it in inspect.signature(cls).parameters
    ]

    assert [
        (cls.__name__, it)
        for cls, it in given
        if f"*{it}*" not in _doc(cls) and f"{cls.__name__}({it})" not in _doc(cls)
    ] == []


def test_errors_are_told() -> None:
    """A function or its class documents each error that the function raises."""
    silent = {
        (name, error)
        for name, function in FUNCTIONS.items()
        for error in set(_raised(function)) - {"TypeError"}  # that a type is wrong
        if f"``{error}``" not in _in_its_context(name)
    }

    assert silent == set()


def _raised(function: Any) -> Iterator[str]:
    for node in ast.walk(ast.parse(dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(what, ast.Name) and what.id[0].isupper():
                yield what.id


def test_errors_that_are_told_exist() -> None:
    """Every error that a docstring names exists."""
    told = {error for thing in THINGS.values() for error in ERROR.findall(_doc(thing))}

    homes = (builtins, errors, asyncio)
    assert {it for it in told if not any(hasattr(home, it) for home in homes)} == set()


def test_what_is_imported_shows_how_it_is_used() -> None:
    """Each public name has an example; the errors share theirs."""
    silent = {
        name
        for name, thing in _named()
        if name in {*ipyproc.__all__, *VIEW_NAMES} - CONSTANTS
        if ">>> " not in _doc(thing) and not name.endswith("Error")
    }

    assert silent == set()
    assert ">>> " in _doc(errors)


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("INTERRUPT", "ipyproc.process"),
        ("KILL", "ipyproc.process"),
        ("PIPE", "ipyproc._jobs.checks"),
    ],
)
def test_constants_are_told(name: str, home: str) -> None:
    """A constant has a comment where it is defined."""
    assert re.search(rf"^#: .+\n{name}\b", _source(home), re.M)


def test_every_example_runs() -> None:
    """pytest runs every docstring that has an example."""
    root = Path(ipyproc.__file__).parent
    modules = [_module(path.relative_to(root.parent)) for path in root.rglob("*.py")]
    # Python 3.13 strips the indentation from docstrings when it compiles them.
    found = {
        inspect.cleandoc(test.docstring or "")
        for module in modules
        for test in doctest.DocTestFinder(exclude_empty=True).find(module)
    }

    written = {text for it in modules for text in _with_examples(_source(it.__name__))}
    assert written
    assert written - found == set()
    assert [text for text in written if "+SKIP" in text] == []


def test_doctests_are_tests(pytestconfig: pytest.Config) -> None:
    """By default pytest collects the doctests of the package."""
    assert pytestconfig.getoption("doctestmodules")
    assert "ipyproc" in pytestconfig.getini("testpaths")
    assert re.search(r"^TESTS \?= ipyproc ", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
def test_shift_tab_shows_an_example(kernel: Kernel) -> None:
    """A front end that inspects a name gets its signature and an example."""
    kernel.run("from ipyproc import start_process")

    reply = kernel.client.inspect("start_process", reply=True, timeout=60)

    text = re.sub(r"\x1b\[[\d;]*m", "", reply["content"]["data"]["text/plain"])
    assert "attr: 'ProcAttr | None' = None" in text
    assert "Go: ``os.StartProcess``" in text
    assert '>>> p = start_process("/bin/sh"' in text


def _module(path: Path) -> ModuleType:
    return import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))


def _source(module: str) -> str:
    return inspect.getsource(import_module(module))


def _with_examples(source: str) -> Iterator[str]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented):
            text = ast.get_docstring(node) or ""
            if ">>> " in text:
                yield text
