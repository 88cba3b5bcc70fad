"""Pictures of jobs and processes: live widgets, and the same as text and HTML."""

from __future__ import annotations

from ipyproc.views.display import (
    close,
    hide,
    register,
    retire,
    show,
    show_detached,
    show_jobs,
    show_process,
    unregister,
)
from ipyproc.views.render.words import use_language
from ipyproc.views.widgets.descriptors import DescriptorsView, descriptors
from ipyproc.views.widgets.job import JobView
from ipyproc.views.widgets.sessions import SessionsView, sessions
from ipyproc.views.widgets.timeline import LifeLine, life
from ipyproc.views.widgets.waitstatus import WaitStatusView, explore

__all__ = [
    "DescriptorsView",
    "JobView",
    "LifeLine",
    "SessionsView",
    "WaitStatusView",
    "close",
    "descriptors",
    "explore",
    "hide",
    "life",
    "register",
    "retire",
    "sessions",
    "show",
    "show_detached",
    "show_jobs",
    "show_process",
    "unregister",
    "use_language",
]
