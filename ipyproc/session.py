"""The session: its one table of jobs, and ``spawn``, which starts them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from sys import modules
from typing import TYPE_CHECKING, cast

from ipyproc import _jobs
from ipyproc._jobs import replacing, request
from ipyproc._jobs.checks import Sink, Source
from ipyproc._jobs.job import Job, start
from ipyproc._jobs.local import LocalRunner
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc._jobs.output.encoding import UTF_8
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.request import Request, Words
from ipyproc._jobs.runner import Runner
from ipyproc.attr import SysProcAttr

if TYPE_CHECKING:
    from ipyproc.hosts import Host
    from ipyproc.hosts._keeper import Keeper, LocalKeeper

#: The jobs of this session.
jobs = Jobs()


def spawn(
    argv: Words,
    *,
    name: str | None = None,
    dir: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    clear_env: bool = False,
    stdin: Source = None,
    stdout: Sink = None,
    stderr: Sink = None,
    merge: bool = False,
    pty: bool | tuple[int, int] = False,
    shell: bool = False,
    timeout: float | None = None,
    grace: float = 5.0,
    detach: bool = False,
    replace: bool = False,
    sys: SysProcAttr | None = None,
    encoding: str = UTF_8,
    output_limit: int = OUTPUT_LIMIT,
    memory_limit: int = MEMORY_LIMIT,
    on: Host | None = None,
) -> Job:
    r"""Start a program as a job of the session: captured, reaped, ended with it.

    *argv* is a list of words, or one text split into words as a shell does it; only
    with *shell* a shell runs the text: ``bash``, or ``sh`` where there is none. The
    program is found as ``look_path`` finds it, in the PATH that the job will have.
    *name* is the job's in the table, by default that of its program; for ``python
    train.py`` it is ``train.py``, and with *shell* it is ``shell``. *dir* is the
    directory to start in, with ``~`` expanded. *env* is added to the environment, or,
    with *clear_env*, all of it.

    *stdin*: ``None`` is the null device, ``PIPE`` stays open for ``Job.send``, bytes or
    text are written, a ``Path`` or an open file is handed over. *stdout* and *stderr*
    are captured, unless a path (created, or emptied) or an open file is given;
    *merge* sends both into *stdout*, in the order in which they were printed.

    *pty* is for programs that want a terminal: a new one of 24 rows and 80 columns, or
    of ``(rows, columns)``, becomes the controlling terminal and all three streams; one
    stream, which is *stdout*. ``Job.send`` types, ``Job.resize`` changes the size. With
    bytes, text or a file as *stdin* only the outputs are the terminal. TERM is
    ``xterm-256color`` and COLORTERM ``truecolor`` unless *env* says otherwise. Not with
    *stdout*, *stderr* or *merge*; with *on* or *detach* the input is one, too.

    After *timeout* seconds the job is ended as ``Job.terminate`` does it, with *grace*
    seconds between TERM and KILL. A job leads a session of its own unless *sys* says
    otherwise.

    A job ends with the session, in whatever way that ends, and with it all that it
    started: descendants are known by their parents, groups and sessions, and by the
    variable ``IPYPROC_SESSION``, which is not in a cleared environment. With *detach*
    it lives on: the user's agent on its machine owns it, and ``jobs.attach`` of its
    ``Job.id``, or of its name, takes it into another session, with all of its output.
    Here it has the environment, directory, umask, limits, niceness and ignored signals
    that this session has now; *on* a host all that is the host's. While one of that
    name and notebook runs, a second is a ``RuntimeError``. It prints into files
    (``Capture.path``), which are kept for a day after a session has seen its end, and
    for at most a week.

    With *replace* all jobs of that *name* are ended first (with *detach*: the detached
    ones of this notebook, also of other sessions), with all that they started and that
    ended ones left; the new one starts when they are gone, so that their ports are
    free. What can be checked is checked before.

    *encoding* is how the bytes of both streams become text, in the captures and in
    views; what is wrong becomes U+FFFD. Text for the input is sent as UTF-8.

    *on* is the host to run it on, such as ``hosts.command`` makes it; ``None`` is this
    machine. Program, directory, paths and the shell are those of the host then, and so
    is the environment; the input is read here and sent. Open files are a ``TypeError``,
    and ``ConnectionError`` or ``TimeoutError`` say that there is no way to the host.

    Up to *memory_limit* bytes of each stream are kept in memory; if there are more, up
    to *output_limit* are kept in a file. See ``Capture``.

    Raises what ``look_path`` and ``start_process`` do, ``PathError`` for a directory or
    a file that cannot be used, and ``TypeError`` or ``ValueError`` that name the
    argument; then nothing was started.

    >>> from ipyproc import spawn
    >>> job = spawn(["wc", "-w"], stdin="three little words")
    >>> print(job.wait(timeout=60), job.stdout.text.strip())
    exit status 0 3
    >>> job = spawn("echo oops >&2; exit 3", shell=True, name="script")
    >>> job.wait().exit_code, job.stderr.text
    (3, 'oops\n')
    """
    asked = request.check(
        argv,
        name=name,
        dir=dir,
        env=env,
        clear_env=clear_env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        merge=merge,
        pty=pty,
        shell=shell,
        timeout=timeout,
        grace=grace,
        detach=detach,
        replace=replace,
        sys=sys,
        encoding=encoding,
        output_limit=output_limit,
        memory_limit=memory_limit,
        on=on,
    )
    return run(asked)


def run(asked: Request) -> Job:
    """Start what was checked, for ``spawn``, for the magics, and once more."""
    runner = _runner(asked)
    if asked.replace:
        runner.check()
        if asked.detach:
            keeper(asked.on).replace(asked.name, jobs)
        else:
            replacing.end([job for job in jobs.of_name(asked.name) if job.id is None])
    return start(asked, runner, jobs)


def keeper(on: request.Host | None = None) -> Keeper:
    """Return what knows the detached jobs of a host, by default of this machine."""
    return _local() if on is None else cast("Host", on).keeper()


def trouble() -> str:
    """Say what keeps the agent here from answering; empty if nothing does."""
    return _local().trouble()


def retire() -> None:
    """Let go of the agent, if no job of its is followed here."""
    if "ipyproc.hosts._keeper" in modules:
        _local().retire()


def _local() -> LocalKeeper:
    """What knows those of this machine; few sessions need it, so it loads late."""
    from ipyproc.hosts._keeper import LocalKeeper

    return LocalKeeper()


def _runner(asked: Request) -> Runner:
    if asked.detach:
        return keeper(asked.on).runner(asked)
    return LocalRunner(asked) if asked.on is None else _elsewhere(asked)


def _elsewhere(asked: Request) -> Runner:
    host = cast("Host", asked.on)
    return host.runner(asked)


_jobs.run = run
jobs.keeper = keeper
