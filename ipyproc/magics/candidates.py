"""What completes a word of a magic's line: programs, files, jobs, signals, ..."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ipyproc._agent import records
from ipyproc._jobs.request import HERE
from ipyproc.magics import hosts
from ipyproc.magics.targets import job_names
from ipyproc.magics.values import SIGNALS
from ipyproc.session import jobs

Namespace = Mapping[str, object]
Source = Callable[[str, Namespace], Iterable["Candidate"]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that completes, and its kind, which the front end shows."""

    text: str
    kind: str


def files(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The files and directories whose paths begin with *prefix*."""
    for entry, path in _entries(prefix):
        yield _file(entry, path)


def directories(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The directories whose paths begin with *prefix*."""
    for entry, path in _entries(prefix):
        if entry.is_dir():
            yield _file(entry, path)


def programs(prefix: str, namespace: Namespace) -> Iterator[Candidate]:
    """The programs of PATH, or of a directory if *prefix* names one."""
    if "/" in prefix:
        for entry, path in _entries(prefix):
            if entry.is_dir() or _is_program(entry):
                yield _file(entry, path)
        return
    for folder in dict.fromkeys(os.get_exec_path()):
        for entry in _listed(folder or "."):
            if entry.name.startswith(prefix) and _is_program(entry):
                yield Candidate(entry.name, "program")


def arguments(prefix: str, namespace: Namespace) -> Iterator[Candidate]:
    """Arguments of a program: files, and after ``@`` variables that hold lists."""
    if not prefix.startswith("@"):
        yield from files(prefix, namespace)
        return
    for name in _visible(namespace):
        if isinstance(namespace[name], list | tuple):
            yield from _beginning(prefix, [f"@{name}"], "variable")


def variables(prefix: str, namespace: Namespace) -> Iterator[Candidate]:
    """The user's variables."""
    return _beginning(prefix, _visible(namespace), "variable")


def signals(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The signals, with SIG if *prefix* has it."""
    prefix = prefix.upper()
    sig = "SIG" if prefix.startswith("SIG") else ""
    return _beginning(prefix, (sig + name for name in SIGNALS), "signal")


def users(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The users of this machine."""
    return _beginning(prefix, (entry.pw_name for entry in pwd.getpwall()), "user")


def environment(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The variables of the environment, for a new value."""
    return _beginning(prefix, (f"{name}=" for name in os.environ), "variable")


def all_jobs(prefix: str, namespace: Namespace) -> Iterator[Candidate]:
    """The jobs by name and by variable, and those that run by pid."""
    yield from _beginning(prefix, job_names(namespace), "job")
    yield from pids(prefix, namespace)


def running_jobs(prefix: str, namespace: Namespace) -> Iterator[Candidate]:
    """The jobs that run, by name and by pid."""
    running = (job.label for job in jobs if job.ended_at is None)
    yield from _beginning(prefix, running, "job")
    yield from pids(prefix, namespace)


def detached_jobs(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The detached jobs, by name and by id, wherever they were started."""
    known = records.read_all()
    names = dict.fromkeys([*(r.name for r in known), *(r.id for r in known)])
    return _beginning(prefix, names, "job")


def pids(prefix: str, _: Namespace) -> Iterator[Candidate]:
    """The pids of the jobs that run here."""
    here = (job.pid for job in jobs.running if job.host is HERE)
    ours = (str(pid) for pid in here if pid is not None)
    return _beginning(prefix, ours, "pid")


def all_hosts(prefix: str, namespace: Namespace) -> Iterator[Candidate]:
    """The hosts: variables, those that ssh knows, and those that jobs run on."""
    used = (job.host.name for job in jobs if job.host is not HERE)
    known = dict.fromkeys([*hosts.names(namespace), *used])
    return _beginning(prefix, known, "host")


def nothing(_: str, __: Namespace) -> Iterator[Candidate]:
    """Nothing: the word is free."""
    return iter(())


#: What completes the value of an option, by the name of that value in the help.
VALUES: dict[str, Source] = {
    "DIR": directories,
    "FILE": files,
    "HOST": all_hosts,
    "K=V": environment,
    "SIGNAL": signals,
    "USER": users,
    "VAR": variables,
}


def _beginning(prefix: str, names: Iterable[str], kind: str) -> Iterator[Candidate]:
    return (Candidate(n, kind) for n in names if n.startswith(prefix))


def _visible(namespace: Namespace) -> list[str]:
    return [name for name in namespace if not name.startswith("_")]


def _entries(prefix: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    """The entries whose paths begin with *prefix*, each with its path as typed."""
    head, tail = os.path.split(prefix)
    typed = prefix[: len(prefix) - len(tail)]
    for entry in _listed(os.path.expanduser(head) or "."):
        hidden = entry.name.startswith(".") and not tail.startswith(".")
        if entry.name.startswith(tail) and not hidden:
            yield entry, typed + entry.name


def _listed(folder: str) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _file(entry: os.DirEntry[str], path: str) -> Candidate:
    is_dir = entry.is_dir()
    return Candidate(path + "/" * is_dir, "path" if is_dir else "file")


def _is_program(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        return entry.is_file() and os.access(entry.path, os.X_OK)
    return False
