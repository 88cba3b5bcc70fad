"""Addresses in text as it was typed: the twin of the page's ``links.ts``."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What no address contains as people write it ends it; so does the punctuation of the
# sentence that it stands in.
_ADDRESS = re.compile(
    r"\bhttps?://[!#-;=?-\[\]_a-z~]{1,2000}", re.IGNORECASE | re.ASCII
)
_PUNCTUATION = ".,;:!?'*"
_BRACKETS = {")": "(", "]": "["}


def linked(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of *text*, each with the address that it is, or none.

    >>> list(linked("see http://a.b/c(d)."))
    [('see ', ''), ('http://a.b/c(d)', 'http://a.b/c(d)'), ('.', '')]
    """
    at = 0
    if "://" in text:
        for match in _ADDRESS.finditer(text):
            address = _bare(match[0])
            if address.endswith("/" * 2):  # nothing is left of it
                continue
            if match.start() > at:
                yield text[at : match.start()], ""
            yield address, address
            at = match.start() + len(address)
    if at < len(text):
        yield text[at:], ""


def _bare(address: str) -> str:
    """Return *address* without the punctuation behind it."""
    while True:
        last = address[-1]
        opens = _BRACKETS.get(last)
        is_odd = opens and address.count(last) > address.count(opens)
        if last not in _PUNCTUATION and not is_odd:
            return address
        address = address[:-1]
