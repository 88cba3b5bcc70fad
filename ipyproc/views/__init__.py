"""Pictures of jobs: the pane in the notebook, and the same as text and HTML."""

from __future__ import annotations

from ipyproc.views.display import hide, register, show, unregister
from ipyproc.views.render import html, text
from ipyproc.views.waitstatus import WaitStatusView, explore
from ipyproc.views.widgets.job import JobView
from ipyproc.views.widgets.timeline import LifeLine, life

__all__ = [
    "JobView",
    "LifeLine",
    "WaitStatusView",
    "explore",
    "hide",
    "html",
    "life",
    "register",
    "show",
    "text",
    "unregister",
]
