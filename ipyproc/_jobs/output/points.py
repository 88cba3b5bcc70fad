"""Two columns of numbers that grow together, in memory or in an archive."""

from __future__ import annotations

import sys
from array import array
from typing import Protocol

from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.output.storage import Archived


class Numbers(Protocol):
    """As much of a list of numbers as it takes to find one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> int: ...


class Points:
    """Rows of two numbers, of which the first never falls; one thread adds them.

    When there are *most*, every other one of the older half goes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys, self._values = array("Q"), array("Q")
        #: The two columns, for any thread: here, or in an archive.
        self.columns: tuple[Numbers, Numbers] = self._keys, self._values

    @property
    def in_memory(self) -> int:
        """How many bytes of memory they take."""
        return 2 * self._keys.itemsize * len(self._keys)

    def add(self, key: int, value: int) -> None:
        """Add a row; ``MemoryError`` if there is no room, and nothing is changed."""
        keys, values = self._keys, self._values
        if len(keys) >= self._most:
            keys, values = self._thinned(keys), self._thinned(values)
        # In this order: a reader finds a value for each key.
        values.append(value)
        try:
            keys.append(key)
        except MemoryError:
            values.pop()
            raise
        if keys is not self._keys:
            self._keys, self._values = self.columns = keys, values

    def increase(self, key: int, value: int) -> None:
        """Add to the numbers of the last row."""
        self._keys[-1] += key
        self._values[-1] += value

    def repeat(self) -> None:
        """Add a row like the last one; as ``add``."""
        self.add(self._keys[-1], self._values[-1])

    def move_to(self, archive: Archive) -> None:
        """Move them there; after that, no more can be added."""
        self.columns = (
            _ArchivedNumbers(archive, self._keys),
            _ArchivedNumbers(archive, self._values),
        )
        self._keys, self._values = array("Q"), array("Q")

    def _thinned(self, column: array[int]) -> array[int]:
        """Copy a column without every other number of the older half."""
        copy = column[:]
        del copy[1 : self._most // 2 : 2]
        return copy


class _ArchivedNumbers:
    """Numbers that lie in an archive."""

    def __init__(self, archive: Archive, numbers: array[int]) -> None:
        self._size = numbers.itemsize
        self._length = len(numbers)
        with memoryview(numbers) as view, view.cast("B") as data:
            self._store = Archived(archive, data)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> int:
        data = self._store.read(index * self._size, self._size)
        return int.from_bytes(data, sys.byteorder)
