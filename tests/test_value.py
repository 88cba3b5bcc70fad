"""Values are frozen dataclasses in all that a program can see."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from dataclasses import (
    FrozenInstanceError,
    asdict,
    dataclass,
    fields,
    is_dataclass,
    replace,
)
from typing import Any

import pytest

from ipyproc import (
    Credential,
    ProcAttr,
    ProcessState,
    Rusage,
    SysProcAttr,
    SysProcIDMap,
    WaitStatus,
)

VALUES: list[Any] = [
    Credential(1, 2),
    SysProcIDMap(0, 1000, 1),
    SysProcAttr(setsid=True),
    ProcAttr(dir="/"),
    Rusage(utime=1.5),
    ProcessState(pid=7, sys=WaitStatus(0x0300)),
]


@dataclass(frozen=True)
class Twin:
    """What the standard library makes of the fields of a credential."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    no_set_groups: bool = False


each = pytest.mark.parametrize("it", VALUES, ids=lambda it: type(it).__name__)


@each
def test_values_are_dataclasses(it: Any) -> None:
    """The functions of ``dataclasses`` take a value for one of their own."""
    names = [field.name for field in fields(it)]

    assert is_dataclass(it)
    assert [*asdict(it)] == names == list(type(it).__match_args__)
    assert replace(it, **{names[0]: 5}) == type(it)(**{**vars(it), names[0]: 5})
    assert [field.default for field in fields(Twin)] == [
        field.default for field in fields(Credential)
    ]


@each
def test_values_are_compared_by_their_fields(it: Any) -> None:
    """Equal fields make equal values of one class, with equal hashes."""
    same, other = copy.deepcopy(it), replace(it, **{fields(it)[-1].name: 9})

    assert same == it
    assert other != it
    assert it != 5
    assert len({it, same, other}) == 2
    assert pickle.loads(pickle.dumps(it)) == it


@each
def test_values_never_change(it: Any) -> None:
    """No field can be set or deleted, and no other attribute added."""
    for name in (fields(it)[0].name, "another"):
        with pytest.raises(FrozenInstanceError):
            setattr(it, name, 1)
        with pytest.raises(FrozenInstanceError):
            delattr(it, name)


def test_values_are_shown_and_made_as_dataclasses_are() -> None:
    """Text, signature and refusals are those that the standard library gives."""
    ours, theirs = Credential(1, gid=2), Twin(1, gid=2)

    assert repr(ours).partition("(")[1:] == repr(theirs).partition("(")[1:]
    for made in (Credential, Twin):
        parameters = inspect.signature(made).parameters
        assert [*parameters] == ["uid", "gid", "groups", "no_set_groups"]
        assert parameters["groups"].default == ()
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            made(1)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unexpected keyword argument 'user'"):
            made(1, 2, user=3)  # type: ignore[call-arg]


def test_processes_and_commands_import_no_dataclasses() -> None:
    """A script that runs a command does not wait for modules that describe code."""
    code = "import sys; from ipyproc import command, start_process; "
    code += (
        "command('true').output(); print({'dataclasses', 'inspect'} & {*sys.modules})"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert said == "set()\n"
