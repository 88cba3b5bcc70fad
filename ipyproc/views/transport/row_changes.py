"""A table on its way to the page: at first all of it, then only what changed."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from ipyproc.views.transport import protocol

#: What a row says, field by field, as JSON.
Fields: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[str, Fields]

# The size of a row besides its fields: commas, quotes, braces.
_ROW_OVERHEAD = 8


class RowChanges:
    """What was sent of the rows of a table, and what to send next.

    Each message has a number, one more than the last; a page that misses one asks for
    all. The first message after ``restart`` names the keys of all rows.
    """

    def __init__(self) -> None:
        #: The number of the last message.
        self.number = 0
        self._told: Rows = {}
        self._noted: Fields = {}
        self._begins = True

    def restart(self) -> None:
        """Send everything again."""
        self._begins = True

    def next(
        self, rows: Rows, notes: Fields, clock: float, room: int
    ) -> protocol.Rows | None:
        """Return a message of about *room* bytes; None if nothing is new."""
        message: protocol.Rows = {
            "kind": "rows",
            "clock": clock,
            "number": self.number + 1,
            "rows": {},
        }
        if self._begins:
            message["keys"] = list(rows)
            self._told = {key: {} for key in rows}
        elif gone := [key for key in self._told if key not in rows]:
            message["gone"] = gone
        if self._begins or notes != self._noted:
            message["notes"] = self._noted = notes
        message["rows"] = self._changed(rows, room)
        if not message["rows"] and not message.keys() & {"keys", "gone", "notes"}:
            return None
        for key in message.get("gone", ()):
            del self._told[key]
        for key, fields in message["rows"].items():
            self._told[key] = self._told.get(key, {}) | fields
        self._begins = False
        self.number += 1
        return message

    def _changed(self, rows: Rows, room: int) -> Rows:
        changed: Rows = {}
        for key, fields in rows.items():
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
