"""A host that ssh leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ipyproc._agent.protocol.known import LEASE
from ipyproc._jobs import checks
from ipyproc.hosts._command import CommandHost, checked, no_text

# No terminal, no escape character in what is sent, no question that nobody would see;
# and an end of ssh, after a quarter of a minute, where nothing comes back any more.
_OPTIONS: Final = (
    *("-T", "-e", "none"),
    *("-o", "BatchMode=yes"),
    *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
)


def ssh(
    destination: str,
    python: str | None = None,
    *,
    options: Sequence[str] = (),
    lease: float = LEASE,
) -> CommandHost:
    """Return the host that the system's ``ssh`` leads to, for ``spawn(..., on=host)``.

    *destination* is as on the command line of ssh: ``gpu-3``, ``user@gpu-3``, or a name
    in its configuration; *options* are more of its options, such as ``["-p", "2222"]``.
    Keys and host keys must be known: ssh cannot ask, and what it says is in the error.
    Any login shell will do. For *python* and *lease*, and for what a broken connection
    means, see ``command``.

    Raises ``TypeError`` and ``ValueError``; that there is no way is said by ``spawn``.

    >>> ssh("gpu-3")
    <host gpu-3>
    """
    name = checks.job_name(destination)
    if name is None:
        raise checks.wrong("destination", "a str", destination)
    if name.startswith("-"):
        raise ValueError(f"destination: {name} is an option of ssh, and no host")
    argv = ["ssh", *_OPTIONS, *no_text("options", options), "--", name]
    return checked(name, argv, python, lease, shown=f"ssh {name}")
