"""Processes that a session keeps: started, captured, reaped and ended for it.

This layer needs the standard library only, and nothing above itself. What it calls up
there is registered here by the facade, so that importing it costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it; `import ipyproc` does not pay for that
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Starts what a job's ``again`` asks for.
run: Callable[[Any], Any]
#: Makes the page that ``Job.save("x.html")`` writes.
make_page: Callable[[Any], str]
#: Makes the view of a ``Job``, when ``Job.widget`` is asked for the first time.
make_widget: Callable[[Any], Any]
