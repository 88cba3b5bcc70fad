"""The hosts that ``--on`` names."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from IPython.core.error import UsageError

from ipyproc.session import jobs

if TYPE_CHECKING:
    from ipyproc.hosts import Host

# A pattern or an exception in a configuration of ssh.
_PATTERN = frozenset("*?!")


def find_host(word: str, variables: Mapping[str, object]) -> Host:
    """The host that *word* names: a variable, or ``ssh:NAME``, or ``docker:NAME``.

    ``UsageError`` if it names none.
    """
    # Not before it is needed: most sessions start nothing elsewhere.
    from ipyproc.hosts import named

    value = variables.get(word)
    if _is_host(value):
        return value
    try:
        return named(word)
    except ValueError as error:
        held = f": that variable holds a {type(value).__name__}"
        which = held if word in variables else f": {error}, or a variable"
        raise UsageError(f"no host {word!r}{which}") from None


def host_name(word: str, variables: Mapping[str, object]) -> str:
    """The name of the host that *word* names, which may be as tables write it."""
    if any(job.host.name == word for job in jobs):
        return word
    return find_host(word, variables).name


def names(variables: Mapping[str, object]) -> Iterator[str]:
    """The words that name a host: variables, and what the user's ssh knows."""
    for name, value in variables.items():
        if _is_host(value) and not name.startswith("_"):
            yield name
    yield from ("ssh:", "docker:")
    for name in _known_to_ssh():
        yield f"ssh:{name}"


def _is_host(value: object) -> TypeGuard[Host]:
    hosts = sys.modules.get("ipyproc.hosts")  # if it is not there, there is no host
    return hosts is not None and isinstance(value, hosts.Host)


def _known_to_ssh() -> Iterator[str]:
    """The host names in the user's configuration of ssh."""
    with suppress(OSError, UnicodeDecodeError, RuntimeError):
        for line in Path("~/.ssh/config").expanduser().read_text().splitlines():
            key, *words = line.replace("=", " ", 1).split() or [""]
            if key.lower() == "host":
                yield from (word for word in words if not _PATTERN & set(word))
