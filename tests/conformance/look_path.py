"""The kind look_path: names looked up in a PATH."""

from __future__ import annotations

import base64
import os

from ipyproc import ExecError, command
from ipyproc import look_path as look_up
from tests.conformance.scene import Scene
from tests.conformance.values import Json


def look_path(scene: Scene) -> None:
    """Look names up, and make a command of each if the scenario says so."""
    scenario = scene.scenario
    if scenario.get("path") is None:
        os.environ.pop("PATH", None)
    else:
        os.environ["PATH"] = scenario["path"]
    names = list(scenario.get("names") or [])
    for encoded in scenario.get("names_b64") or []:
        names.append(os.fsdecode(base64.b64decode(encoded)))
    results = [_looked_up(scene, name) for name in names]
    if scenario.get("with_command"):
        for name, result in zip(names, results, strict=True):
            result["command"] = _commanded(scene, name)
    scene.result["results"] = results


def _looked_up(scene: Scene, name: str) -> Json:
    try:
        return {"path": scene.texts.text(look_up(name)), "ok": True}
    except ExecError as error:
        # Go returns the path that it refuses, here it is on the error.
        path = scene.texts.text(error.path or "")
        return scene.texts.set({"path": path}, error)


def _commanded(scene: Scene, name: str) -> Json:
    cmd = command(name, "arg")
    return {
        "path": scene.texts.text(cmd.path),
        "err": scene.texts.error(cmd.err),
        "string": scene.texts.text(cmd),
    }
