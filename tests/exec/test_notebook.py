"""Commands in a real kernel."""

from __future__ import annotations

import pytest

from tests.kernel.fixtures import Kernel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]

PRINTING = """
import sys
from ipyproc import command
cmd = command("sh", "-c", "echo from the child; echo and its errors >&2")
cmd.stdout, cmd.stderr = sys.stdout, sys.stderr
cmd.run()
"""


def test_stdout_of_a_cell(kernel: Kernel) -> None:
    """What a command writes to sys.stdout and sys.stderr appears in the notebook."""
    kernel.start(PRINTING)
    seen = {"stdout": "", "stderr": ""}
    while "child" not in seen["stdout"] or "errors" not in seen["stderr"]:
        message = kernel.client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "stream":
            seen[message["content"]["name"]] += message["content"]["text"]

    assert seen["stdout"].strip() == "from the child"
    assert "and its errors" in seen["stderr"]
