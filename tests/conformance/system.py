"""``SysProcAttr`` from its description in a scenario."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from ipyproc import Credential, SysProcAttr, SysProcIDMap

_CLONE = {
    "FS": 0x00000200,
    "FILES": 0x00000400,
    "NEWTIME": 0x00000080,
    "NEWNS": 0x00020000,
    "NEWCGROUP": 0x02000000,
    "NEWUTS": 0x04000000,
    "NEWIPC": 0x08000000,
    "NEWUSER": 0x10000000,
    "NEWPID": 0x20000000,
    "NEWNET": 0x40000000,
}
#: Fields that mean the same there and here.
_SAME = (
    "chroot",
    "ptrace",
    "setsid",
    "setpgid",
    "setctty",
    "noctty",
    "foreground",
    "pdeathsig",
    "gid_mappings_enable_setgroups",
    "ambient_caps",
    "use_cgroup_fd",
)


def clone_flags(names: list[str] | None) -> int:
    """Add up the flags of clone(2) with these names."""
    return sum(_CLONE[name] for name in names or [])


def attributes(
    spec: dict[str, Any] | None, tty: int | None, helper: int, cleanup: ExitStack
) -> SysProcAttr | None:
    """Make the attributes that *spec* describes."""
    if spec is None:
        return None
    fields = {name: spec[name] for name in _SAME if spec.get(name) is not None}
    if spec.get("credential") is not None:
        fields["credential"] = Credential(**spec["credential"])
    for name in ("uid_mappings", "gid_mappings"):
        if spec.get(name) is not None:
            fields[name] = [SysProcIDMap(*entry) for entry in spec[name]]
    return SysProcAttr(
        **fields,
        ctty=_number(spec.get("ctty"), {"tty": tty}),
        pgid=_number(spec.get("pgid"), {"helper": helper, "pgrp": os.getpgrp()}),
        cloneflags=clone_flags(spec.get("cloneflags")),
        unshareflags=clone_flags(spec.get("unshareflags")),
        cgroup_fd=_cgroup(spec.get("cgroup_fd"), cleanup),
    )


def _number(value: Any, names: dict[str, int | None]) -> int:
    return names.get(value, value) or 0 if isinstance(value, str) else value or 0


def _cgroup(value: Any, cleanup: ExitStack) -> int:
    if not isinstance(value, str):
        return value or 0
    fd = os.open(value.removeprefix("dir:"), os.O_PATH)
    cleanup.callback(os.close, fd)
    return fd
