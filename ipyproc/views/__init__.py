"""Pictures of jobs: the pane in the notebook, and the same as text and HTML."""

from __future__ import annotations

from ipyproc.views.display import hide, register, show, unregister
from ipyproc.views.render import html, text
from ipyproc.views.widgets.job import JobView
from ipyproc.views.widgets.timeline import LifeLine, life
from ipyproc.views.widgets.waitstatus import WaitStatusView, explore

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
