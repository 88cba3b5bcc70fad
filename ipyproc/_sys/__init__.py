"""The only code that makes system calls; it takes ints and bytes, knows no Process."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError(f"ipyproc runs on Linux only, not on {sys.platform}")
