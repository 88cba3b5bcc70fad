"""What a page asks for, checked against the types of the protocol.

Nothing that a page says is believed: a message that is not exactly one of the types is
dropped. Fields that are unknown are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from ipyproc.views.transport import protocol
from ipyproc.views.transport.protocol import FromPage

_NAME = re.compile("[0-9a-z]{1,32}")
# JavaScript counts no further.
_LARGEST = 1 << 53


def read(content: object) -> FromPage | None:
    """Return the request that a page sent; None if it is none.

    >>> read({"action": "ack", "page": "a", "offset": 7, "more": []})
    {'action': 'ack', 'page': 'a', 'offset': 7}
    >>> read({"action": "ack", "page": "a", "offset": -7})
    """
    if not isinstance(content, dict):
        return None
    action = content.get("action")
    if not isinstance(action, str) or action not in _FIELDS:
        return None
    fields = _FIELDS[action]
    if not all(_fits(content, name, hint) for name, hint in fields.items()):
        return None
    return cast(FromPage, {k: v for k, v in content.items() if k in fields})


def is_name(page: object) -> bool:
    """Whether *page* can be the name that a page chose for itself."""
    return isinstance(page, str) and _NAME.fullmatch(page) is not None


def _fits(content: Mapping[str, object], name: str, hint: Any) -> bool:
    if get_origin(hint) is NotRequired:
        return name not in content or _fits(content, name, get_args(hint)[0])
    if name not in content:
        return False
    value = content[name]
    return is_name(value) if name == "page" else _is_a(value, hint)


def _is_a(value: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_is_a(value, one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is int:
        return type(value) is int and 0 <= value < _LARGEST
    return type(value) is hint


def _fields() -> dict[str, dict[str, Any]]:
    """Return the fields of each request, by its action."""
    fields = {}
    for kind in get_args(protocol.FromPage):
        hints = get_type_hints(kind, include_extras=True)
        fields.update(dict.fromkeys(get_args(hints["action"]), hints))
    return fields


_FIELDS = _fields()
