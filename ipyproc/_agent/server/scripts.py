"""The files of jobs that run a script from one, on the machine that they run on."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace

from ipyproc._jobs.request import Request

_NAME = "script"


def make_folder() -> str:
    """Make a folder for the file of one job, for its owner alone."""
    return tempfile.mkdtemp(prefix="ipyproc-")


def remove(folder: str) -> None:
    """Remove it, with the file."""
    shutil.rmtree(folder, ignore_errors=True)


def placed(request: Request, folder: str) -> Request:
    """Write the file of *request* into *folder*, and name it in the command."""
    path = os.path.join(folder, _NAME)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(request.file or b"")
    argv = list(request.argv)
    for index in request.file_words:
        if index < len(argv):
            argv[index] = path
    env = {**_import_path(request), **request.env}
    return replace(request, argv=tuple(argv), env=env, file=None, file_words=())


def _import_path(request: Request) -> Mapping[str, str]:
    """What lets a Python import the modules in its directory, as a notebook would.

    It looks for modules beside the script, and that is in a folder of its own.
    """
    if not re.match(r"python[\d.]*$", os.path.basename(request.argv[0])):
        return {}
    inherited = {} if request.clear_env else request.inherited or {}
    folders = filter(None, [request.dir, inherited.get("PYTHONPATH")])
    return {"PYTHONPATH": os.pathsep.join(folders)}
