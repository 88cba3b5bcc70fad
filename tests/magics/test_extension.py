from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

import ipyproc
from ipyproc import jobs, spawn
from ipyproc.magics import complete, load, unload
from ipyproc.views import retire
from tests.guard import holdings
from tests.magics.helpers import RunCell, until


def picture(ip: Any) -> dict[str, object]:
    """All that an extension can change in a shell."""
    assert retire(20)  # a thread of the test before this one may still linger
    manager = ip.magics_manager
    formatter = ip.display_formatter
    formatters = [*formatter.formatters.values(), formatter.ipython_display_formatter]
    hooks = ip.strdispatchers["complete_command"].strs
    return {
        "line": dict(manager.magics["line"]),
        "cell": dict(manager.magics["cell"]),
        "registry": dict(manager.registry),
        "configurables": list(ip.configurables),
        "matchers": list(ip.Completer.custom_matchers),
        "hooks": {key: list(chain.chain) for key, chain in hooks.items()},
        "printers": [dict(f.type_printers) for f in formatters],
        "events": {name: list(c) for name, c in ip.events.callbacks.items()},
        "threads": set(threading.enumerate()),
        "held": holdings(),
    }


def test_unloading_leaves_nothing(shell: InteractiveShell) -> None:
    """Unloading restores magics, displays, completion, settings, hooks and threads."""
    before = picture(shell)

    ipyproc.load_ipython_extension(shell)
    loaded = picture(shell)
    ipyproc.unload_ipython_extension(shell)

    assert loaded != before
    assert picture(shell) == before


def test_loading_twice_is_loading_once(shell: InteractiveShell) -> None:
    """Loading twice changes nothing, nor does unloading twice."""
    before = picture(shell)

    load(shell)
    once = picture(shell)
    load(shell)
    twice = picture(shell)
    unload(shell)
    unload(shell)

    assert twice == once
    assert picture(shell) == before


def test_the_magics_of_ipython_load_and_unload(run: RunCell, ip: Any) -> None:
    """%load_ext, %reload_ext and %unload_ext work as a user writes them."""
    unload(ip)
    run("%load_ext ipyproc\n%unload_ext ipyproc")  # IPython makes these when used
    before = picture(ip)

    for _ in range(2):
        assert run("%load_ext ipyproc").error is None
        assert run("%spawn --wait true").error is None
        assert run("%reload_ext ipyproc").error is None
        assert run("%spawn --wait true").error is None
        assert "already loaded" in run("%load_ext ipyproc").out
        assert picture(ip) != before
        assert run("%unload_ext ipyproc").error is None
        assert picture(ip) == before


def test_nothing_of_the_jobs_is_left(run: RunCell, ip: InteractiveShell) -> None:
    """Unloading leaves no thread, descriptor or process, not even of ended jobs."""
    unload(ip)
    before = picture(ip)

    load(ip)
    heir = 'trap "" TERM; exec sleep 60'
    for script in (f"({heir}) & exit", f"setsid sh -c '{heir}' & echo; wait"):
        job = spawn(["sh", "-c", f"{script}"])
        until(job, lambda job: job.total > 0 or job.ended_at is not None)
    unload(ip)

    assert picture(ip) == before


def test_jobs_without_the_extension(run: RunCell, ip: InteractiveShell) -> None:
    """After unloading ended jobs answer and new ones run; after loading, too."""
    ended = run("%spawn --wait sh -c 'exit 3'").value
    unload(ip)
    told = threading.Event()
    ended.subscribe(lambda _: told.set())

    assert told.wait(30)
    assert ended.wait().exit_code == 3
    assert spawn("echo plain").wait(30).success

    unload(ip)
    load(ip)

    assert run("%spawn --wait echo again").value.stdout.text == "again\n"


@magics_class
class Foreign(Magics):
    """Another extension's magics with our names."""

    @line_magic
    def spawn(self, line: str) -> str:
        """Something else."""
        return f"foreign {line}"


def test_what_was_there_before_comes_back(shell: InteractiveShell) -> None:
    """A magic that has one of our names."""
    foreign = Foreign(shell=shell)
    shell.register_magics(foreign)

    load(shell)
    unload(shell)

    assert shell.run_line_magic("spawn", "x") == "foreign x"
    del shell.magics_manager.magics["line"]["spawn"]
    shell.magics_manager.registry.pop("Foreign")
    shell.configurables.remove(foreign)


def test_what_came_later_stays(shell: InteractiveShell) -> None:
    """Unloading removes only what is ours."""

    class Thing:
        pass

    def matcher(text: str) -> list[str]:
        return []

    load(shell)
    foreign = Foreign(shell=shell)
    shell.register_magics(foreign)
    shell.Completer.custom_matchers.append(matcher)
    plain: Any = shell.display_formatter.formatters["text/plain"]
    plain.for_type(Thing, str)
    unload(shell)

    assert shell.run_line_magic("spawn", "x") == "foreign x"
    assert matcher in shell.Completer.custom_matchers
    assert Thing in plain.type_printers
    assert "procwait" not in shell.magics_manager.magics["line"]
    shell.Completer.custom_matchers.remove(matcher)
    del plain.type_printers[Thing]
    del shell.magics_manager.magics["line"]["spawn"]
    shell.magics_manager.registry.pop("Foreign")
    shell.configurables.remove(foreign)


def test_a_load_that_fails_leaves_nothing(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure while loading undoes what was done until then."""
    before = picture(shell)

    def fail(_: object) -> None:
        raise RuntimeError("no completion here")

    with monkeypatch.context() as patch:
        patch.setattr(complete, "install", fail)
        with pytest.raises(RuntimeError, match="no completion here"):
            load(shell)

    assert picture(shell) == before


def test_jobs_end_with_the_extension(run: RunCell, ip: InteractiveShell) -> None:
    """Each job that unloading ends is named, with how it ended, deaf ones included."""
    unload(ip)
    run("%load_ext ipyproc")
    good = run("%spawn --name good sleep 60").value
    deaf = run(
        "%spawn --name deaf --grace 0.1 "
        "sh -c 'trap \"\" TERM; sleep 60 & echo; exec sleep 60'"
    ).value
    run("%spawn --name done --wait true")
    until(deaf, lambda job: job.total > 0)

    ran = run("%unload_ext ipyproc")

    assert ran.out.splitlines() == [
        f"good (pid {good.pid}): ended with ipyproc, signal: terminated",
        f"deaf (pid {deaf.pid}): ended with ipyproc, signal: killed",
    ]
    assert not jobs.running
    until(deaf, lambda job: job.finished)  # nobody holds its pipes


def test_a_detached_job_outlives_the_extension(
    run: RunCell,
    ip: InteractiveShell,
    alone: Path,
) -> None:
    """A detached job is named, and goes on."""
    job = run("%spawn --detach --quiet sleep 60").value
    unload(ip)

    ran = run("%load_ext ipyproc\n%unload_ext ipyproc")

    assert ran.out == f"sleep (pid {job.pid}): detached, goes on\n"
    assert job.ended_at is None
    job.kill()
    job.wait(30)


def test_settings(run: RunCell, ip: InteractiveShell) -> None:
    """%config shows and sets the defaults; a bad value changes nothing."""
    help_text = run("%config IPyProc").out

    names = "grace", "height", "memory_limit", "output_limit", "ready_timeout", "view"
    for name in names:
        assert f"IPyProc.{name}=" in help_text

    run("%config IPyProc.output_limit = 4")
    run("%config IPyProc.view = False")
    ran = run("%spawn --wait --out text echo 123456789")

    assert run("text").value == "12\n9\n"
    assert ran.value.stdout.dropped == 6
    assert ran.out.startswith("spawned echo (pid ")


def test_a_bad_setting(run: RunCell, ip: InteractiveShell) -> None:
    """With a bad setting the extension is not loaded, and nothing is changed."""
    run("%config IPyProc.grace = -1")
    assert run("%config IPyProc.grace").value == 5.0

    unload(ip)
    before = picture(ip)
    ran = run("%load_ext ipyproc")

    assert isinstance(ran.error, UsageError)
    assert "'grace'" in str(ran.error)
    assert picture(ip) == before


def test_the_grace_of_the_settings(run: RunCell) -> None:
    """The configured grace is that of every job that has none of its own."""
    run("%config IPyProc.grace = 0.1")
    job = run("%spawn sh -c 'trap \"\" TERM; echo; exec sleep 60'").value
    until(job, lambda job: job.total > 0)

    job.terminate()

    assert str(job.wait(30)) == "signal: killed"


def test_help_is_shown(run: RunCell, ip: InteractiveShell) -> None:
    """``%spawn?`` has usage, options and examples."""
    for name in ("spawn", "procwait", "prockill", "procs", "procfind"):
        magic = ip.find_line_magic(name)
        info = ip.inspector.info(magic)
        assert info["docstring"].startswith(f"usage: %{name}")

    assert "%spawn --check --out text" in ip.find_cell_magic("spawn").__doc__
