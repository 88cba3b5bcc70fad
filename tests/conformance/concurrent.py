"""The kind concurrent: commands from many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ipyproc import ExitError, command
from tests.conformance.scene import Scene


def concurrent(scene: Scene) -> None:
    """Run many commands and count those with their own output and exit code."""
    scenario = scene.scenario

    def is_right(index: int) -> bool:
        arguments = [arg.replace("{I}", str(index)) for arg in scenario["args"]]
        output, code = _ran(scenario["name"], arguments, f"in{index}".encode())
        return (output, code) == (f"out{index}:in{index}".encode(), index % 256)

    with ThreadPoolExecutor(scenario["threads"]) as pool:
        right = sum(pool.map(is_right, range(scenario["n"])))
    scene.result |= {"ok_count": right, "bad_count": scenario["n"] - right}


def _ran(name: str, arguments: list[str], stdin: bytes) -> tuple[bytes | None, int]:
    cmd = command(name, *arguments)
    cmd.stdin = stdin
    try:
        return cmd.combined_output(), 0
    except ExitError as error:
        return error.output, error.state.exit_code
