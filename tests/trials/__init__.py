"""What fails once in a thousand times, tried as often as ``make trials`` says.

``make test`` leaves these out, for they take minutes. A trial does its work `TRIALS`
times, at random. Its random numbers come from `dice`: the same seed repeats them.
"""

from __future__ import annotations

import os
import random

#: How often each trial does its work.
TRIALS = int(os.environ.get("IPYPROC_TRIALS", "0"))
_SEED = os.environ.get("IPYPROC_SEED") or str(random.randrange(10**9))


def dice(*purpose: object) -> random.Random:
    """Random numbers for one *purpose*; a test that fails prints their seed."""
    print(f"IPYPROC_SEED={_SEED}")
    return random.Random(f"{_SEED} {purpose}")
