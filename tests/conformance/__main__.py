"""``python -m tests.conformance [-v] [--mode M] [--user U] [ID...]``."""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatchcase

from tests.conformance.compare import Verdict
from tests.conformance.runs import Run, judged, possible, scenarios


def main() -> int:
    """Perform scenarios, print a summary for each run, and say whether all agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("ids", nargs="*", default=["*"], help="ids, with * and ?")
    parser.add_argument("--mode", choices=["pidfd", "pid"])
    parser.add_argument("--user", choices=["root", "nobody", "user"])
    parser.add_argument("-v", "--verbose", action="store_true", help="name everything")
    options = parser.parse_args()
    ids = [
        name
        for name in scenarios()
        if any(fnmatchcase(name, pattern) for pattern in options.ids)
    ]
    failed = 0
    for run in possible():
        if options.mode in (None, run.mode) and options.user in (None, run.user):
            failed += _report(run, judged(run, ids), options.verbose)
    return 1 if failed else 0


def _report(run: Run, verdicts: list[Verdict], verbose: bool) -> int:
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    meant = [verdict for verdict in verdicts if verdict.meant and not verdict.wrong]
    skipped = [verdict for verdict in verdicts if verdict.skipped]
    for verdict in wrong:
        print(f"{run}: {verdict.id}")
        print(*(f"    {deviation}"[:400] for deviation in verdict.wrong), sep="\n")
    if verbose:
        for verdict in meant:
            reasons = "; ".join(difference.reason for difference in verdict.meant)
            print(f"{run}: {verdict.id} differs on purpose: {reasons}")
        for verdict in skipped:
            print(f"{run}: {verdict.id} skipped: {verdict.skipped}")
    agree = len(verdicts) - len(wrong) - len(meant) - len(skipped)
    print(
        f"{run}: {len(verdicts)} scenarios, {agree} agree, {len(meant)} differ on"
        f" purpose, {len(skipped)} skipped, {len(wrong)} wrong"
    )
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
