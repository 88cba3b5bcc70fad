"""The kind quote: names in the text of an error."""

from __future__ import annotations

import base64
import os

from ipyproc import ExecError, NotFoundError
from tests.conformance.scene import Scene


def quote(scene: Scene) -> None:
    """Return the text of the error for each name."""
    scene.result["results"] = [
        {"in": encoded, "error": str(ExecError(_name(encoded), NotFoundError()))}
        for encoded in scene.scenario["strings_b64"]
    ]


def _name(encoded: str) -> str:
    return os.fsdecode(base64.b64decode(encoded))
