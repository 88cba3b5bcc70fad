"""The magics themselves, and what ``%config IPyProc`` sets."""

from __future__ import annotations

import functools
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar, cast

import traitlets
from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc.magics import detached, kill, wait
from ipyproc.magics.cell import User, join_continued
from ipyproc.magics.expansion import Expansion
from ipyproc.magics.help import (
    PROCATTACH,
    PROCFIND,
    PROCKILL,
    PROCS,
    PROCWAIT,
    SPAWN,
)
from ipyproc.magics.hosts import find_host, host_name
from ipyproc.magics.options import Grammar, HelpRequested
from ipyproc.magics.spawn import Limits, Scripts, start
from ipyproc.magics.targets import (
    Target,
    also_run,
    find_jobs,
    find_on,
    find_process,
    find_targets,
)
from ipyproc.magics.terminal import has_terminal, lend, own_size
from ipyproc.process import Process
from ipyproc.session import jobs, trouble
from ipyproc.state import ProcessState
from ipyproc.views import hide, show, show_detached, show_jobs, show_process
from ipyproc.views.render import console
from ipyproc.views.render.html import HEIGHT
from ipyproc.views.widgets.place import accepts_input

#: The local variables of the function that uses a magic.
Variables = dict[str, Any] | None
_Magic = TypeVar("_Magic", bound=Callable[..., object])


def _magic(grammar: Grammar) -> Callable[[_Magic], _Magic]:
    """Decorate a magic: it has the help of its grammar, and gets the line as typed."""

    def decorate(function: _Magic) -> _Magic:
        @functools.wraps(function)
        def magic(*args: Any, **kwargs: Any) -> object:
            try:
                return function(*args, **kwargs)
            except HelpRequested:
                print(grammar.help, end="")
                return None

        magic.__doc__ = grammar.help
        return cast(_Magic, no_var_expand(needs_local_scope(magic)))

    return decorate


@magics_class
class IPyProc(Magics):
    """Defaults of the magics of ipyproc."""

    grace = traitlets.Float(
        5.0, min=0.0, help="Seconds between SIGTERM and SIGKILL when a job is ended."
    ).tag(config=True)
    memory_limit = traitlets.Int(
        MEMORY_LIMIT, min=0, help="Bytes of each stream that are kept in memory."
    ).tag(config=True)
    output_limit = traitlets.Int(
        OUTPUT_LIMIT, min=0, help="Bytes of each stream that are kept at all."
    ).tag(config=True)
    ready_timeout = traitlets.Float(
        60.0, min=0.0, help="Seconds that --until and --until-port wait."
    ).tag(config=True)
    view = traitlets.Bool(
        True, help="Whether %spawn shows a pane, or prints a line."
    ).tag(config=True)

    height = traitlets.Int(
        HEIGHT, min=1, help="Lines of output that a pane shows at once."
    ).tag(config=True)

    def __init__(self, shell: Any) -> None:
        """Create the magics of *shell*; ``load`` registers them."""
        super().__init__(shell=shell)
        self._ip = shell
        #: The files of ``%%spawn --script``.
        self.scripts = Scripts()
        #: Undoes what ``load`` did to the shell.
        self.undo = ExitStack()

    @_magic(SPAWN)
    @line_cell_magic
    def spawn(
        self, line: str, cell: str | None = None, local_ns: Variables = None
    ) -> Job:
        """Start a program as a job."""
        user = self._user(local_ns)
        line, cell = join_continued(line, cell)
        options, words = SPAWN.parse_command(line, user.expansion)
        grace = self.grace if options.grace is None else options.grace
        limits = Limits(grace, self.memory_limit, self.output_limit)
        field = self._has_field(options)
        pty = options.pty and (own_size() if self._in_terminal else True)
        job = start(options, words, cell, user, limits, self.scripts, field, pty)
        self._bind(options, proc=job, out=job.stdout, err=job.stderr)
        self._show(job, options.quiet, options.notify)
        if job.id and not options.quiet:
            detached.say_end_all_the_same(job)
        within = self.ready_timeout if options.within is None else options.within
        wait.until_ready(job, options.until, options.until_port, within)
        if options.wait or options.check:
            is_lent = options.pty and not options.quiet and self._in_terminal
            if is_lent:
                lend(job)
            wait.wait([job], monitor=self._monitor(job, options.quiet or is_lent))
            self._bind(options, out=job.stdout.plain, err=job.stderr.plain)
        if options.check:
            wait.check([job])
        return job

    @_magic(PROCWAIT)
    @line_magic
    def procwait(
        self, line: str, local_ns: Variables = None
    ) -> ProcessState | dict[str, ProcessState]:
        """Wait for jobs."""
        user = self._user(local_ns)
        options, words = PROCWAIT.parse(line, user.expansion)
        named = find_jobs(words, user.variables) if words else {"": _last()}
        waited = list(dict.fromkeys(named.values()))
        enough = any if options.any else all
        ended = wait.wait(waited, options.timeout, enough, console.status(waited))
        if options.check:
            wait.check(ended)
        states = {w: wait.state(job) for w, job in named.items() if job in ended}
        several = options.any or len(named) > 1 or [*named] != (words or [""])
        return states if several else states.popitem()[1]

    @_magic(PROCKILL)
    @line_magic
    def prockill(self, line: str, local_ns: Variables = None) -> None:
        """Signal jobs."""
        user = self._user(local_ns)
        options, words = PROCKILL.parse(line, user.expansion)
        if bool(words) == options.all:
            raise UsageError("name the jobs, or write --all for all that run")
        if options.detached and not options.all:
            raise UsageError("--detached is for --all: name the jobs, or write both")
        targets = _targets(options, words, user.variables)
        kill.check(options, targets)
        kill.kill(options, targets)
        for job in also_run(words, targets):
            print(f"{kill.label(job)} runs, too")
        if not targets:
            print("no job runs")

    @_magic(PROCS)
    @line_magic
    def procs(self, line: str, local_ns: Variables = None) -> None:
        """Show the table of jobs."""
        options, words = PROCS.parse(line, self._user(local_ns).expansion)
        if words:
            raise UsageError(f"no word may follow %procs: {words[0]!r}")
        if options.clear:
            jobs.clear()
        show_jobs(every=options.all)

    @_magic(PROCFIND)
    @line_magic
    def procfind(self, line: str, local_ns: Variables = None) -> Process:
        """Find any process."""
        _, words = PROCFIND.parse(line, self._user(local_ns).expansion)
        found = find_process(words)
        show_process(found)
        return found.process

    @_magic(PROCATTACH)
    @line_magic
    def procattach(self, line: str, local_ns: Variables = None) -> Job | None:
        """List detached jobs, or take them into this kernel."""
        options, words = PROCATTACH.parse(line, self._user(local_ns).expansion)
        on = None
        if options.on is not None:
            on = find_host(options.on, self._user(local_ns).variables)
        if options.forget:
            for said in detached.forget(words, on):
                print(said)
            return None
        if not words:
            if on is not None:
                show_detached(detached.known(on))
                return None
            if said := trouble():
                print(said)
            show_detached()
            return None
        taken = detached.take(words, on)
        for job in taken:
            self._show(job, quiet=False)
        return taken[-1]

    def _user(self, local_ns: Variables) -> User:
        variables = {**self._ip.user_ns, **(local_ns or {})}
        missing = object()
        hidden = self._ip.user_ns_hidden
        theirs = [k for k, v in hidden.items() if variables.get(k, missing) is v]
        return User(variables, Expansion(variables, theirs))

    def _has_field(self, options: Namespace) -> bool:
        """Whether somebody can type input for the job: its pane is there and waits.

        Where there are no panes, what has a terminal is typed to by ``Job.send``, or,
        while we wait, by the user.
        """
        if options.pty and self._in_terminal:
            return not options.quiet
        is_live = self.view and getattr(self._ip, "kernel", None) is not None
        is_detached = options.detach or options.attach
        is_left = options.quiet or options.wait or options.check or is_detached
        return is_live and not is_left and accepts_input(self._ip)

    @property
    def _in_terminal(self) -> bool:
        """Whether this is IPython in a terminal."""
        return getattr(self._ip, "kernel", None) is None and has_terminal()

    def _show(self, job: Job, quiet: bool, notify: bool = False) -> None:
        if self.view and not quiet:
            show(job, self.height, notify)
            return
        hide(job)
        if not quiet:
            print(console.spawned(job))

    def _monitor(self, job: Job, quiet: bool) -> console.Monitor:
        """What shows the output while we wait; in a notebook the pane does."""
        if quiet or getattr(self._ip, "kernel", None) is not None:
            return console.SILENT
        return console.Output(job)

    def _bind(self, options: Namespace, **values: object) -> None:
        """Bind the variables that *options* name to *values*."""
        given = vars(options)
        self._ip.push({given[k]: v for k, v in values.items() if given[k]})


def _targets(
    options: Namespace, words: list[str], variables: Mapping[str, object]
) -> list[Target]:
    """What %prockill is about."""
    if options.on is None:
        if options.all:
            return [*jobs.running, *(_attached() if options.detached else ())]
        return find_targets(words, variables, others=options.pid)
    if options.pid:
        raise UsageError("leave out --pid or --on: elsewhere only jobs are known")
    host = host_name(options.on, variables)
    if options.all:
        return [job for job in jobs.running if job.is_on(host)]
    return find_on(words, host)


def _attached() -> list[Job]:
    """The jobs that run here and that another kernel has started."""
    return [job for job in jobs if job.is_attached and job.ended_at is None]


def _last() -> Job:
    if jobs.last is None:
        raise UsageError("there is no job to wait for")
    return jobs.last
