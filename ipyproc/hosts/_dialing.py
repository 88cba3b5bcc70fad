"""Making a connection through a command: a Python there, the relay, the agent."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from ipyproc._agent import bundle
from ipyproc._agent.remote.stream import Stream
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc.hosts._child import Child
from ipyproc.hosts._greeting import Greeting

# What a shell there runs: the first Python that is new enough runs the program $1.
_CHOOSE: Final = """\
for p in python3.14 python3.13 python3.12 python3.11 python3; do
  v=$("$p" -I -S -c 'import sys
print("%d.%d.%d" % sys.version_info[:3])
sys.exit(sys.version_info < (3, 11))' 2>/dev/null </dev/null) &&
    exec "$p" -I -S -B -c "$1" "$2"
  [ -n "$v" ] && found="$found $p is $v,"
done
echo
echo "$2 none$found"
"""
# For a command that takes one word, and has a login shell split it: that word is sh,
# which any of them knows, and this is what that reads. It is read as a whole before it
# begins, and says so: what comes behind it is not for the shell. A bash that is the
# outermost shell of an ssh session reads ~/.bashrc, which those of jobs are not to do.
_SCRIPT: Final = """\
{{ set -- {program} {marker}
echo; echo "$2 shell"
[ "${{SHLVL:-0}}" -gt 0 ] || export SHLVL=1
{run}
}}
"""
_WORD: Final = "sh"
# How many words of the command an error shows.
_SHOWN: Final = 4


class CommandDialer:
    """Opens connections by running a command with words put behind it.

    If it is *shown* as something else in errors, it takes one word.
    """

    def __init__(
        self, name: str, argv: Sequence[str], python: str | None, shown: str
    ) -> None:
        self._name = name
        self._argv = argv
        self._python = python
        self._shown = shown
        # Now: the code of this session, whatever becomes of the package.
        self._relay = bundle.relay()

    def dial(
        self, opened: Callable[[Stream], None], failed: Callable[[OSError], None]
    ) -> None:
        """Run the command, and call one of the two once, later."""
        marker = f"ipyproc-{secrets.token_hex(16)}"
        try:
            child = Child(event_loop(), [*self._argv, *self._words(marker)])
        except OSError as error:
            event_loop().call_soon(lambda error=error: failed(error))  # type: ignore[misc]
            return
        greeting = Greeting(self._name, child, marker.encode(), opened, failed)
        greeting.shown = self._shown or " ".join(self._argv[:_SHOWN])
        greeting.relay = marker.encode() + self._relay
        greeting.send(self._script(marker) if self._shown else greeting.relay)

    def _words(self, marker: str) -> list[str]:
        program = bundle.PROGRAM
        if self._shown:
            return [_WORD]
        if self._python is not None:
            return [self._python, *bundle.OPTIONS, program, marker]
        return ["sh", "-c", _CHOOSE, "sh", program, marker]

    def _script(self, marker: str) -> bytes:
        run = _CHOOSE
        if self._python is not None:
            options = " ".join(bundle.OPTIONS)
            run = f'exec {shlex.quote(self._python)} {options} "$1" "$2"'
        program = shlex.quote(bundle.PROGRAM)
        return _SCRIPT.format(program=program, marker=marker, run=run).encode()
