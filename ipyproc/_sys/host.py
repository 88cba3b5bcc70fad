"""What ipykernel did to the process that it runs us in."""

from __future__ import annotations

import sys

from ipyproc.attr import HasFileno


def descriptor(file: HasFileno) -> int:
    """Give the descriptor by which a child reaches what *file* stands for.

    ``fileno()`` of ipykernel's ``sys.stdout`` is the terminal of the server; what a
    child writes to descriptor 1 or 2 itself is what reaches the cell.
    """
    iostream = sys.modules.get("ipykernel.iostream")
    if iostream is not None and isinstance(file, iostream.OutStream):
        return 2 if file.name == "stderr" else 1
    return file.fileno()
