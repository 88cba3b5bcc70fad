"""What is to be started, on its way to the machine where it is resolved."""

from __future__ import annotations

import base64
import binascii
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from errno import EIO
from typing import Any

from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._jobs import checks
from ipyproc._jobs.checks import PIPE, Source
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc._jobs.request import Request, open_files
from ipyproc._process.surroundings import Limit, Surroundings
from ipyproc.attr import Credential, SysProcAttr, SysProcIDMap
from ipyproc.errors import PathError

# These cross as they are.
_PLAIN = ("merge", "append", "clear_env", "shell", "output_limit", "memory_limit")


def body_of(request: Request) -> Body:
    """Return what travels of *request*; ``TypeError`` for what only makes sense here.

    Input is not in it: it follows as INPUT.
    """
    _check_travels(request)
    script = request.script
    body = {
        "argv": request.argv,
        "homes": request.homes,
        "name": request.name,
        "dir": request.dir,
        "env": dict(request.env),
        "without": request.without,
        "stdin": request.stdin is not None,
        "pty": request.pty,
        "keyboard": request.stdin is None or request.stdin is PIPE,
        "stdout": request.stdout,
        "stderr": request.stderr,
        "timeout": request.timeout,
        "grace": request.grace,
        "encoding": request.encoding,
        "script": None if script is None else _encoded(script),
        "file": None if request.file is None else _encoded(request.file),
        "file_words": request.file_words,
        "sys": None if request.sys is None else _body_of_system(request.sys),
    }
    return body | {name: getattr(request, name) for name in _PLAIN}


def input_of(request: Request) -> bytes | None:
    """Return what follows as INPUT, if it is known before the start.

    A file is read here; ``PathError`` if it cannot be.
    """
    stdin = request.stdin
    if isinstance(stdin, bytes):
        return stdin
    if not isinstance(stdin, str):
        return None
    try:
        with open(stdin, "rb") as file:
            return file.read()
    except OSError as error:
        raise PathError("open", stdin, error.errno or EIO) from None


def request_of(asked: Fields, side: Fields) -> Request:
    """Make the request as it is meant here: *side* is the user's environment here."""
    inherited = asked.mapping("inherited") or side.mapping("env") or dict(os.environ)
    home = inherited.get("HOME") or os.path.expanduser("~")
    script, file = asked.optional("script"), asked.optional("file")
    system = asked.fields("sys").body if asked.body.get("sys") else None
    directory = asked.optional("dir")
    kept = asked.fields("detached")
    return Request(
        argv=_argv(asked, inherited, home),
        name=asked.text("name"),
        dir=_path(directory, home) if directory else home,
        env=asked.mapping("env"),
        without=tuple(asked.texts("without")),
        inherited=inherited,
        is_named=kept.flag("is_named"),
        shown=kept.text("shown", ""),
        detach=bool(kept.body),
        folder=kept.optional("folder"),
        surroundings=_surroundings_of(kept),
        stdin=_path(kept.optional("stdin"), home) or _source(asked),
        pty=_terminal_size(asked),
        stdout=_path(asked.optional("stdout"), home),
        stderr=_path(asked.optional("stderr"), home),
        timeout=asked.seconds("timeout"),
        grace=asked.seconds("grace", 5.0) or 0.0,
        encoding=asked.text("encoding", "utf-8"),
        script=None if script is None else _decoded(script),
        file=None if file is None else _decoded(file),
        file_words=tuple(asked.numbers("file_words")),
        sys=None if system is None else _system_of(system),
        merge=asked.flag("merge"),
        append=asked.flag("append"),
        clear_env=asked.flag("clear_env"),
        shell=asked.flag("shell"),
        output_limit=asked.number("output_limit", OUTPUT_LIMIT),
        memory_limit=asked.number("memory_limit", MEMORY_LIMIT),
    )


def body_of_surroundings(surroundings: Surroundings) -> Body:
    """Return what a job that outlives its session inherits of that."""
    return {
        "umask": surroundings.umask,
        "limits": surroundings.limits,
        "nice": surroundings.nice,
        "ignored": surroundings.ignored,
    }


def _surroundings_of(kept: Fields) -> Surroundings | None:
    told = kept.fields("surroundings")
    if not told.body:
        return None
    limits, nice = told.body.get("limits"), told.body.get("nice")
    if not isinstance(limits, list) or not isinstance(nice, int):
        raise ProtocolError("surroundings: expected limits, and a niceness")
    return Surroundings(
        told.number("umask", most=0o1000),
        tuple(Limit(*limit) for limit in limits),
        nice,
        tuple(told.numbers("ignored")),
    )


def _check_travels(request: Request) -> None:
    for name, file in open_files(request).items():
        raise checks.wrong(name, "what another machine can open", file)
    system = request.sys
    if system and (system.use_cgroup_fd or system.foreground):
        raise TypeError("sys: a descriptor means nothing on another machine")


def _argv(asked: Fields, inherited: Mapping[str, str], home: str) -> tuple[str, ...]:
    argv = asked.texts("argv")
    if not argv:
        raise ProtocolError("argv: expected words")
    if asked.flag("shell"):
        path = asked.mapping("env").get("PATH", inherited.get("PATH"))
        argv[0] = "bash" if shutil.which("bash", path=path) else "sh"
    if any("\0" in word for word in argv):
        raise ProtocolError("argv: a NUL byte")
    for index in asked.numbers("homes"):
        if index < len(argv):
            argv[index] = _from_home(argv[index], home)
    return tuple(argv)


def _source(asked: Fields) -> Source:
    """The input: what follows as INPUT, or is typed, or nothing."""
    if asked.body.get("pty") is None:
        return PIPE if asked.flag("stdin") else None
    return None if asked.flag("keyboard") else os.devnull


def _terminal_size(asked: Fields) -> tuple[int, int] | None:
    if asked.body.get("pty") is None:
        return None
    rows, columns = asked.numbers("pty", 2)
    return checks.terminal_size((rows, columns))


def _path(path: str | None, home: str) -> str | None:
    """The path as it is meant on this machine: from the user's home."""
    if path is None or "\0" in path:
        return None
    return os.path.join(home, _from_home(path, home))


def _from_home(path: str, home: str) -> str:
    """The path with the home directory here that it begins with, if it does."""
    if path == "~" or path.startswith("~/"):
        return home + path[1:]
    return os.path.expanduser(path)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ProtocolError(f"script: {error}") from None


def _body_of_system(system: SysProcAttr) -> Body:
    body = asdict(system)
    if system.chroot is not None:
        body["chroot"] = os.fsdecode(system.chroot)
    return body


def _system_of(body: Body) -> SysProcAttr:
    known: dict[str, Any] = {
        field.name: body[field.name]
        for field in fields(SysProcAttr)
        if field.name in body
    }
    if known.get("credential"):
        known["credential"] = Credential(**known["credential"])
    for name in ("uid_mappings", "gid_mappings"):
        if known.get(name):
            known[name] = [SysProcIDMap(**each) for each in known[name]]
    return SysProcAttr(**known)
