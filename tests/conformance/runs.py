"""Running the driver: in both modes, as root and as nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conformance import machine
from tests.conformance.compare import Verdict, judge
from tests.conformance.values import Json

_HERE = Path(__file__).parent
NOBODY = 65534
DROP = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@dataclass(frozen=True)
class Run:
    """How the driver runs: with a pidfd or by the pid, and as whom."""

    mode: str
    user: str

    def __str__(self) -> str:
        return f"{self.mode} mode as {self.user}"


def possible() -> list[Run]:
    """Return the runs that make sense for who we are."""
    uid = os.geteuid()
    users = {0: ["root", "nobody"], NOBODY: ["nobody"]}.get(uid, ["user"])
    return [Run(mode, user) for user in users for mode in ("pidfd", "pid")]


@cache
def why_impossible(run: Run) -> str:
    """Return why this user cannot run the driver, or an empty string.

    A Python below the home of root, such as one of pyenv, is closed to others.
    """
    empty = [*_prefix(run), sys.executable, "-c", ""]
    done = subprocess.run(empty, stderr=subprocess.PIPE, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


@cache
def scenarios() -> dict[str, Json]:
    """Return all scenarios by their ids: the shared ones, then the project's own."""
    listed: list[Json] = []
    for name in ("scenarios.json", "more.process.json", "more.json"):
        listed += json.loads((_HERE / name).read_text())
    return {scenario["id"]: scenario for scenario in listed}


@cache
def expected(run: Run) -> dict[str, Json]:
    """Return Go's answers for a run by the ids of scenarios.

    Those in pid mode are stored where they differ only.
    """
    suffix = "" if run.user == "root" else ".nobody"
    answers = _lines((_HERE / f"expected{suffix}.jsonl").read_text())
    if run.mode == "pid":
        answers |= _lines((_HERE / f"expected.pid{suffix}.jsonl").read_text())
    return answers


def judged(run: Run, ids: list[str]) -> list[Verdict]:
    """Perform scenarios in one driver process and compare with Go's answers."""
    skipped = {name: _why_not(run, scenarios()[name]) for name in ids}
    perform = [scenarios()[name] for name in ids if not skipped[name]]
    got = performed(run, perform)
    return [
        Verdict(name, skipped=skipped[name])
        if skipped[name]
        else judge(expected(run)[name], got.get(name), run.mode)
        for name in ids
    ]


def performed(run: Run, wanted: list[Json]) -> dict[str, Json]:
    """Perform scenarios and give what happened.

    A driver gives up at a scenario that does not end; another goes on behind it.
    """
    results: dict[str, Json] = {}
    while len(results) < len(wanted):
        done = subprocess.run(
            [*_prefix(run), sys.executable, "-m", "tests.conformance.driver"],
            input=json.dumps(wanted[len(results) :]),
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(run),
            cwd=_HERE.parents[1],
            # The scenarios expect no controlling terminal.
            start_new_session=True,
            check=False,
        )
        if not done.stdout:
            break
        results |= _lines(done.stdout)
    return results


def _why_not(run: Run, scenario: Json) -> str:
    if run.user == "user" and "root" in (scenario.get("needs") or []):
        return "needs root"
    return machine.missing(scenario)


def _prefix(run: Run) -> tuple[str, ...]:
    return DROP if run.user == "nobody" and os.geteuid() == 0 else ()


def _environment(run: Run) -> dict[str, str]:
    # A slow first import must not hide in a scenario that has a time limit.
    kept = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    kept.pop("IPYPROC_PIDFD", None)
    return kept | ({"IPYPROC_PIDFD": "0"} if run.mode == "pid" else {})


def _lines(text: str) -> dict[str, Json]:
    results = map(json.loads, text.splitlines())
    return {result["id"]: result for result in results}
