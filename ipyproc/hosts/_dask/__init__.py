"""Hosts that a Dask cluster has: its scheduler decides where and when."""

from __future__ import annotations

from ipyproc.hosts._dask.host import DaskHost, dask

__all__ = ["DaskHost", "dask"]
