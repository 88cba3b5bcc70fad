"""Clicks while the kernel is busy."""

from __future__ import annotations


def answer_where_asked(comm: object) -> None:
    """Let the page's messages be handled where the page sends them, on ipykernel 7.4.

    It sends a message to the thread that last published on the comm, which is the main
    one even while the main one is busy; front ends name a sub-shell for good reason.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default
