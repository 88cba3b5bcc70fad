"""The magics: each reads its line and makes one call into jobs, process or views."""

from __future__ import annotations

from ipyproc.magics.extension import load, unload

__all__ = ["load", "unload"]
