"""Commands as in Go's package os/exec."""

from __future__ import annotations

from ipyproc.exec.cmd import Cmd
from ipyproc.exec.command import command, command_context
from ipyproc.exec.look_path import look_path

__all__ = ["Cmd", "command", "command_context", "look_path"]
