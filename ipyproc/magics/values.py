"""Reading the values of options."""

from __future__ import annotations

import keyword
import math
import os
import pwd
import re
import signal
import threading
from argparse import ArgumentTypeError

from ipyproc.attr import Credential
from ipyproc.magics.errors import unknown

#: Every signal by its name without SIG, as in kill(1).
SIGNALS = {
    name.removeprefix("SIG"): member
    for name, member in signal.Signals.__members__.items()
}


def seconds(text: str) -> float:
    """Read a time in seconds, 0 or more.

    >>> seconds("1.5")
    1.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= threading.TIMEOUT_MAX:
        raise ArgumentTypeError(f"expected seconds, such as 1.5, not {text!r}")
    return number


def pattern(text: str) -> re.Pattern[str]:
    """Read a regular expression.

    >>> pattern("^ready").search("a\\nready").group()
    'ready'
    """
    try:
        return re.compile(text, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ArgumentTypeError(f"{error} in {text!r}") from None


def port(text: str) -> int:
    """Read the number of a TCP port.

    >>> port("8000")
    8000
    """
    if not (text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"expected a port from 1 to 65535, not {text!r}")
    return int(text)


def assignment(text: str) -> tuple[str, str]:
    """Read a variable of an environment and its value; by itself it has ours.

    >>> assignment("SEED=1")
    ('SEED', '1')
    """
    key, equals, value = text.partition("=")
    if not key or (not equals and key not in os.environ):
        raise ArgumentTypeError(f"expected K=V, not {text!r}")
    return key, value if equals else os.environ[key]


def variable(text: str) -> str:
    """Read the name of a Python variable.

    >>> variable("out")
    'out'
    """
    if not text.isidentifier() or keyword.iskeyword(text):
        raise ArgumentTypeError(f"expected the name of a variable, not {text!r}")
    return text


def signal_number(text: str) -> signal.Signals | int:
    """Read a signal: ``TERM``, ``SIGTERM`` or ``15``.

    >>> signal_number("term")
    <Signals.SIGTERM: 15>
    """
    name = text.upper().removeprefix("SIG")
    if name in SIGNALS:
        return SIGNALS[name]
    if not text.isdecimal():
        prefix = "SIG" if len(name) < len(text) else ""
        names = (prefix + known for known in SIGNALS)
        raise ArgumentTypeError(str(unknown("signal", text, names)))
    number = int(text)
    if not 0 < number < signal.NSIG:
        last = signal.NSIG - 1
        raise ArgumentTypeError(f"no signal {number}: they are 1 to {last}")
    return by_number(number)


def by_number(number: int) -> signal.Signals | int:
    """The signal *number*, with its name if it has one."""
    return next((s for s in signal.Signals if s == number), number)


def credential(text: str) -> Credential:
    """Look a user up by name or by number, with the groups of that user.

    >>> credential("root").uid
    0
    """
    try:
        user = pwd.getpwuid(int(text)) if text.isdecimal() else pwd.getpwnam(text)
    except KeyError:
        names = (entry.pw_name for entry in pwd.getpwall())
        raise ArgumentTypeError(str(unknown("user", text, names))) from None
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    return Credential(user.pw_uid, user.pw_gid, groups)
