"""The language of the views that teach: English, or Chinese where it is asked for.

The English text is the key: what has no translation stays English, and so do names of
the field and Go's own texts, such as ``exit status 3``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ipyproc.views.render.chinese import CHINESE

_TEXTS: Final[dict[str, dict[str, str]]] = {"en": {}, "zh": CHINESE}


class Words:
    """The texts of one language; called with an English one, it returns that one's.

    >>> Words("zh")("stopped"), Words("zh")("exit code {}", 3), Words("en")("stopped")
    ('已停止', '退出码 3', 'stopped')
    """

    def __init__(self, lang: str | None = None) -> None:
        """*lang* is ``en``, ``zh``, or ``None`` for what `use_language` chose."""
        self.lang = _checked(_chosen.lang if lang is None else lang)
        #: What differs from English.
        self.texts = _TEXTS[self.lang]

    def of(self, texts: Iterable[str]) -> dict[str, str]:
        """Return what differs from English in some texts, for a page."""
        return {text: self.texts[text] for text in texts if text in self.texts}

    def __call__(self, text: str, *values: object) -> str:
        """Return a text in this language, with *values* in the places for them."""
        return self.texts.get(text, text).format(*values)


class _Chosen:
    """The language of what names none."""

    lang = "en"


_chosen = _Chosen()


def use_language(lang: str) -> None:
    """Choose the language of the views that teach; *lang* is ``en`` or ``zh``.

    Those that were made before keep theirs, and ``lang=`` of one view decides for it.

    >>> use_language("zh"); Words()("stopped")
    '已停止'
    >>> use_language("en"); Words()("stopped")
    'stopped'
    """
    _chosen.lang = _checked(lang)


def _checked(lang: str) -> str:
    if lang not in _TEXTS:
        known = " or ".join(map(repr, _TEXTS))
        raise ValueError(f"lang: expected {known}, not {lang!r}")
    return lang


#: What is not translated.
ENGLISH: Final = Words("en")
