"""A table on its way to the page: at first all of it, then only what changed."""

from __future__ import annotations

import json
from typing import Any

#: What a row says, field by field, as JSON.
Fields = dict[str, Any]
Rows = dict[str, Fields]

# What the message says besides fields: its kind, its number, commas and quotes.
_ROW_OVERHEAD = 8


class Board:
    """The rows of a table as they are, and as the pages have been told they are.

    Each message has a number, one more than the last; a page that misses one asks for
    all. The first message after ``restart`` names the keys of all rows.
    """

    def __init__(self) -> None:
        self.rows: Rows = {}
        #: What is said of the table as a whole.
        self.notes: Fields = {}
        #: The number of the last message.
        self.number = 0
        self._told: Rows = {}
        self._noted: Fields = {}
        self._begins = True

    def restart(self) -> None:
        """Tell everything again."""
        self._begins = True

    def next(self, room: int) -> Fields | None:
        """Give what a message of about *room* bytes can tell; ``None``: nothing new."""
        told: Fields = {}
        if self._begins:
            told["keys"] = list(self.rows)
            self._told = {key: {} for key in self.rows}
        elif gone := [key for key in self._told if key not in self.rows]:
            told["gone"] = gone
        if self._begins or self.notes != self._noted:
            told["notes"] = self._noted = self.notes
        rows = self._changed(room)
        if not rows and not told:
            return None
        for key in told.get("gone", ()):
            del self._told[key]
        for key, fields in rows.items():
            self._told[key] = self._told.get(key, {}) | fields
        self._begins = False
        self.number += 1
        return {"number": self.number, "rows": rows, **told}

    def _changed(self, room: int) -> Rows:
        changed: Rows = {}
        for key, fields in self.rows.items():
            before = self._told.get(key, {})
            new = {
                name: value
                for name, value in fields.items()
                if name not in before or before[name] != value
            }
            if new:
                room -= len(json.dumps(new)) + len(key) + _ROW_OVERHEAD
                if room < 0 and changed:
                    break
                changed[key] = new
        return changed
