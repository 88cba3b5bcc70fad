"""Views of processes that know those of this machine only."""

from __future__ import annotations

import pytest

from ipyproc import spawn
from ipyproc._jobs.procinfo.lifecycle import Phase, observer
from ipyproc.hosts import CommandHost
from ipyproc.views import DescriptorsView, SessionsView, descriptors, sessions

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("view", [sessions, descriptors])
def test_a_pid_of_elsewhere_is_nobodys_here(
    host: CommandHost, view: type[SessionsView | DescriptorsView]
) -> None:
    """A job elsewhere has no letter, and no process of this machine is taken for it."""
    job = spawn("sleep 60", on=host, name="away")

    seen = observer(job).look()

    assert seen is not None
    assert (seen.phase, seen.letter) == (Phase.RUNNING, "")
    with pytest.raises(ValueError, match=rf"^job away runs on {host.name}, not here$"):
        view(job)
