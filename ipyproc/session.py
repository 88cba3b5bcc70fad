"""The session: its one table of jobs, and ``spawn``, which starts them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from signal import SIGKILL

from ipyproc._jobs import request
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.job import Job
from ipyproc._jobs.local import LocalRunner
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.request import Command, Sink, Source, Words
from ipyproc._jobs.shutdown import ending
from ipyproc.attr import SysProcAttr

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
    shell: bool = False,
    timeout: float | None = None,
    grace: float = 5.0,
    detach: bool = False,
    sys: SysProcAttr | None = None,
    output_limit: int = OUTPUT_LIMIT,
    memory_limit: int = MEMORY_LIMIT,
) -> Job:
    r"""Start a program as a job of the session: captured, reaped, ended with it.

    *argv* is a list of words, or one text split into words as a shell does it; only
    with *shell* a shell (``$SHELL`` or ``sh``) runs the text. The program is found as
    ``look_path`` finds it. *name* is the job's in the table, by default its program's.
    *dir* is the directory to start in, with ``~`` expanded. *env* is added to the
    environment, or, with *clear_env*, all of it.

    *stdin*: ``None`` is the null device, ``PIPE`` stays open for ``Job.send``, bytes or
    text are written, a ``Path`` or an open file is handed over. *stdout* and *stderr*
    are captured, unless a path (created, or emptied) or an open file is given;
    *merge* sends both into *stdout*, in the order in which they were printed.

    After *timeout* seconds the job is ended as ``Job.terminate`` does it, with *grace*
    seconds between TERM and KILL. A job leads a session of its own unless *sys* says
    otherwise.

    A job ends with the session, in whatever way that ends, and with it all that it
    started: descendants are known by their parents, groups and sessions, and by the
    variable ``IPYPROC_SESSION``, which is not in a cleared environment. With *detach*
    it lives on, and prints into new files in the working directory of the session,
    called ``NAME.out`` and ``NAME.err``, or ``NAME-2.out`` ... rather than over old
    ones. As long as the session lasts they are captured, too; ``Capture.path`` names
    them. The end of the session is the end of a detached job's ``PIPE``.

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
    words = request.words(argv, request.flag("shell", shell))
    chosen = request.name(name) or os.path.basename(words[0]) or words[0]
    if request.flag("merge", merge) and stderr is not None:
        raise ValueError("stderr: with merge=True it goes where stdout goes")
    limits = (
        request.size("memory_limit", memory_limit),
        request.size("output_limit", output_limit),
    )
    timeout = None if timeout is None else request.seconds("timeout", timeout)
    grace = request.seconds("grace", grace)
    detach = request.flag("detach", detach)
    directory = request.directory(dir)
    clear_env = request.flag("clear_env", clear_env)
    mark = "" if detach else guardian().mark
    command = Command(
        argv=words,
        path=request.program(words[0], directory),
        dir=directory,
        env=request.environment(env, clear_env, directory, mark),
        stdin=request.source(stdin),
        stdout=request.sink("stdout", stdout),
        stderr=request.sink("stderr", stderr),
        merge=merge,
        sys=request.system(sys),
        detach=detach,
        log=request.log(chosen) if detach else "",
    )
    runner = LocalRunner(command, Output(*limits))
    job = None
    try:
        job = Job(runner, words, directory, name=chosen, timeout=timeout, grace=grace)
        jobs.add(job)
        ending.add(job, detach)
    except BaseException:
        # If it was started, and then came an interrupt: nobody would know of it.
        with suppress(OSError):
            runner.signal(SIGKILL, tree=False)
        jobs.discard(job)
        raise
    return job
