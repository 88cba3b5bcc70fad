"""The placeholders in the texts of a scenario."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from typing import Any

_NAMESPACE = re.compile(r"\{NS:(\w+)\}")
_REPEATED = re.compile(r"\{REP:([^:]*):(\d+)\}")


def own_cgroups(scenario: dict[str, Any]) -> dict[str, str]:
    """Give each cgroup that a scenario makes a name that nobody else has.

    The hierarchy is the machine's: it also has what other drivers make, or left.
    """
    made = [step["cgroup"] for step in scenario.get("setup") or [] if "cgroup" in step]
    names = map(os.path.basename, made)
    return {name: f"{name}-{secrets.token_hex(8)}" for name in names}


def expander(
    directory: str, terminal: str | None, cgroups: dict[str, str]
) -> Callable[[str], str]:
    """Return the function that fills in the placeholders of one text."""
    names = {
        **cgroups,
        "{T}": directory,
        "{PTS}": terminal or "",
        "{PID}": str(os.getpid()),
        "{PGRP}": str(os.getpgrp()),
        "{SID}": str(os.getsid(0)),
    }

    def expand(text: str) -> str:
        for placeholder, value in names.items():
            text = text.replace(placeholder, value)
        text = _NAMESPACE.sub(lambda m: os.readlink(f"/proc/self/ns/{m[1]}"), text)
        return _REPEATED.sub(lambda m: m[1] * int(m[2]), text)

    return expand


def expanded(value: Any, expand: Callable[[str], str]) -> Any:
    """Fill in the placeholders of every text in a JSON value."""
    if isinstance(value, str):
        return expand(value)
    if isinstance(value, list):
        return [expanded(item, expand) for item in value]
    if isinstance(value, dict):
        return {key: expanded(item, expand) for key, item in value.items()}
    return value
