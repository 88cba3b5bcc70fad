"""What to start is described by frozen, comparable values."""

from __future__ import annotations

import dataclasses

import pytest

from ipyproc.attr import Credential, ProcAttr, SysProcAttr, SysProcIDMap

# The names are the contract: Go's fields in snake_case.
FIELDS = {
    ProcAttr: "dir env files sys",
    Credential: "uid gid groups no_set_groups",
    SysProcIDMap: "container_id host_id size",
    SysProcAttr: "chroot credential ptrace setsid setpgid setctty noctty ctty "
    "foreground pgid pdeathsig cloneflags unshareflags uid_mappings gid_mappings "
    "gid_mappings_enable_setgroups ambient_caps use_cgroup_fd cgroup_fd",
}
VALUES = [
    ProcAttr(files=(0, 1, 2), dir="/tmp"),
    SysProcAttr(setsid=True),
    Credential(1, 2, groups=(3,)),
    SysProcIDMap(0, 1000, 1),
]
NAMES = [type(value).__name__ for value in VALUES]


@pytest.mark.parametrize(("cls", "names"), FIELDS.items())
def test_fields(cls: type, names: str) -> None:
    """Every field of Go's struct is there, in its order."""
    assert [field.name for field in dataclasses.fields(cls)] == names.split()


@pytest.mark.parametrize("value", VALUES, ids=NAMES)
def test_values(value: ProcAttr) -> None:
    """Attributes are equal by content, hashable and show themselves."""
    copy = dataclasses.replace(value)

    assert copy == value
    assert hash(copy) == hash(value)
    assert repr(value).startswith(f"{type(value).__name__}(")


@pytest.mark.parametrize("value", VALUES, ids=NAMES)
def test_frozen(value: ProcAttr) -> None:
    """No attribute changes after it was given."""
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_no_map_and_an_empty_map_differ() -> None:
    """None is Go's nil; an empty list is something to write."""
    assert SysProcAttr() != SysProcAttr(uid_mappings=())
