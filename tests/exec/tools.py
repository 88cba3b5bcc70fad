"""What the tests of commands have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from ipyproc import Cmd, command, command_context
from ipyproc.context import Context

#: Longer than any test: what sleeps so long must be ended by the test.
FOR_EVER = "1000"

_Error = TypeVar("_Error", bound=BaseException)


def sh(script: str, *args: str, **fields: Any) -> Cmd:
    """Make a command that runs a shell script."""
    return command("/bin/sh", "-c", script, "sh", *args, **fields)


def sh_context(ctx: Context, script: str, *args: str) -> Cmd:
    """Make a command that runs a shell script until its context is done."""
    return command_context(ctx, "/bin/sh", "-c", script, "sh", *args)


def error_of(kind: type[_Error], function: Callable[[], object]) -> _Error:
    """Return the error of this kind that *function* must raise."""
    with pytest.raises(kind) as caught:
        function()
    return caught.value


def start_until_ready(cmd: Cmd) -> None:
    """Start a command and wait for the line that it prints when it is ready."""
    ready = cmd.stdout_pipe()
    cmd.start()
    assert ready.readline() == b"ready\n"


def open_descriptors() -> set[str]:
    """List the descriptors of this process."""
    return set(os.listdir("/proc/self/fd"))
