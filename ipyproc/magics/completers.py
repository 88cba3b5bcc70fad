"""How IPython asks us to complete: by a matcher, or before 8.6 by a hook."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from IPython.core import completer

from ipyproc.magics.complete import NAMES, Completions, complete

Undo = Callable[[], None]


def install(ip: Any) -> Undo:
    """Have *ip* complete the lines of our magics; return what undoes exactly that."""
    if hasattr(completer, "context_matcher"):
        return _install_matcher(ip)
    return _install_hook(ip)


def _install_matcher(ip: Any) -> Undo:
    @completer.context_matcher(identifier="ipyproc", priority=1000)
    def match(context: Any) -> dict[str, Any]:
        found = complete(context.text_until_cursor, ip.user_ns)
        found = found or Completions(context.token, [])
        return {
            "completions": [
                completer.SimpleCompletion(c.text, type=c.kind)
                for c in found.candidates
            ],
            "matched_fragment": found.fragment,
            "suppress": bool(found.candidates),
            "ordered": True,
        }

    matchers = ip.Completer.custom_matchers
    matchers.append(match)
    return lambda: matchers.remove(match)


def _install_hook(ip: Any) -> Undo:
    def hook(_: object, event: SimpleNamespace) -> list[str]:
        found = complete(event.text_until_cursor, ip.user_ns)
        return _from_symbol(found, event.symbol) if found else []

    for key in _KEYS:
        ip.set_hook("complete_command", hook, str_key=key)
    return lambda: _remove_hook(ip, hook)


_KEYS = [mark + name for name in NAMES for mark in ("%", "%%")]


def _from_symbol(found: Completions, symbol: str) -> list[str]:
    """Give candidates for *symbol*, which is but the end of the word for IPython 7."""
    if not found.fragment.endswith(symbol):
        return []
    done = found.fragment.removesuffix(symbol)
    texts = [candidate.text for candidate in found.candidates]
    return [text.removeprefix(done) for text in texts if text.startswith(done)]


def _remove_hook(ip: Any, hook: object) -> None:
    table = ip.strdispatchers["complete_command"].strs
    for key in _KEYS:
        chain = table[key].chain
        chain[:] = [entry for entry in chain if entry[1].__func__ is not hook]
        if not chain:
            del table[key]
