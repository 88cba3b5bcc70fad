"""Hosts by what one writes on a line, such as ``ssh:gpu-3``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from ipyproc.hosts._command import CommandHost, command
from ipyproc.hosts._ssh import ssh


def _container(name: str) -> CommandHost:
    if name.startswith("-"):
        raise ValueError(f"{name} is an option of docker, and no container")
    return command(name, ["docker", "exec", "-i", name])


#: How a host is found, by what stands before the colon.
KINDS: Final[dict[str, Callable[[str], CommandHost]]] = {
    "docker": _container,
    "ssh": ssh,
}


@cache
def named(text: str) -> CommandHost:
    """Return the host that is called so: ``ssh:gpu-3``, ``docker:c1``.

    It is the same host for the same text, so that all jobs there share one connection.
    Raises ``ValueError`` for anything else.

    >>> named("docker:c1")
    <host c1>
    >>> named("docker:c1") is named("docker:c1")
    True
    """
    kind, colon, name = text.partition(":")
    if kind not in KINDS or not colon or not name:
        known = " or ".join(f"{kind}:NAME" for kind in sorted(KINDS, reverse=True))
        raise ValueError(f"expected {known}, not {text!r}")
    return KINDS[kind](name)
