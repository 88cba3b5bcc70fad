"""Settings for all tests; the fixtures are in the modules that are named here."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import tempfile

from hypothesis import HealthCheck, find, settings
from hypothesis.strategies import none

# No test meets an agent of the user's, nor one of other code.
os.environ["IPYPROC_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="ipyproc-")
atexit.register(shutil.rmtree, os.environ["IPYPROC_RUNTIME_DIR"], True)
os.environ["XDG_STATE_HOME"] = os.path.join(os.environ["IPYPROC_RUNTIME_DIR"], "state")

pytest_plugins = [
    "tests.guard",
    "tests.doctests",
    "tests.alone",
    "tests.kernel.fixtures",
    "tests.browser.fixtures",
]

# Programs that tests start, and measurements, are no tests and are not imported; trials
# are tests for those who ask for them.
collect_ignore = ["children", "benchmarks"]
if "IPYPROC_TRIALS" not in os.environ:
    collect_ignore.append("trials")


def pytest_collection_finish() -> None:
    """Exempt tests and modules, which stay to the end, from garbage collection."""
    # Hypothesis inspects the collector at its first example; that must come before.
    find(none(), lambda _: True, settings=settings(database=None))
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Shorten long values: a test's name is in its environment, which has a limit."""
    long = isinstance(val, str | bytes) and len(val) > 1000
    return f"{len(val)} {type(val).__name__}" if long else None  # type: ignore[arg-type]


# A shell that runs us in the background, or nohup, sets these to ignored, and children
# inherit it.
for _signal, _handler in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, _handler)

# A busy machine must not turn a property red: no deadline for one example.
settings.register_profile(
    "ipyproc",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ipyproc")
