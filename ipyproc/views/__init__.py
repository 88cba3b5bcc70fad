"""Pictures of jobs and processes: live widgets, and the same as text and HTML."""

from __future__ import annotations

from ipyproc.views.display import (
    close,
    hide,
    register,
    retire,
    show,
    show_jobs,
    show_process,
    unregister,
)
from ipyproc.views.widgets.job import JobView
from ipyproc.views.widgets.timeline import LifeLine, life
from ipyproc.views.widgets.waitstatus import WaitStatusView, explore

__all__ = [
    "JobView",
    "LifeLine",
    "WaitStatusView",
    "close",
    "explore",
    "hide",
    "life",
    "register",
    "retire",
    "show",
    "show_jobs",
    "show_process",
    "unregister",
]
