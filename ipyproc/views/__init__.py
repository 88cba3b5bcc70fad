"""Pictures of jobs: the pane in the notebook, and the same as text and HTML."""

from __future__ import annotations

from ipyproc.views import html, text
from ipyproc.views.display import hide, register, show, unregister
from ipyproc.views.job import JobView

__all__ = ["JobView", "hide", "html", "register", "show", "text", "unregister"]
