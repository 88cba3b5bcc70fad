"""Handlers that end jobs at random moments while the main thread ends them too."""

from __future__ import annotations

from tests.jobs.handlers import ENDINGS, end_in
from tests.trials import TRIALS, dice

#: How often a handler comes while the main thread repeats one call.
TIMES = 20


def test_a_handler_ends_what_the_main_thread_ends() -> None:
    """A job is ended once, however its end and a handler's calls fall together."""
    random = dice("handlers")
    for _ in range(TRIALS):
        end_in(random.choice(list(ENDINGS)), TIMES)
