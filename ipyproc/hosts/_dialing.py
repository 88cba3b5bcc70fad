"""Making a connection through a command: a Python there, the relay, the agent."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Callable, Sequence
from selectors import EVENT_READ, EVENT_WRITE
from typing import Final

from ipyproc._agent import bundle
from ipyproc._agent.remote.stream import Stream
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc.hosts._child import Child

# How long it may take until there is a connection, in seconds.
_PATIENCE: Final = 30.0
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
# The most that is read before the marker, of whatever a login prints.
_LONGEST_BANNER: Final = 1 << 20


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


class Greeting:
    """What is said on a connection before the agent is at its other end."""

    def __init__(
        self,
        name: str,
        child: Child,
        marker: bytes,
        opened: Callable[[Child], None],
        failed: Callable[[OSError], None],
    ) -> None:
        self._name = name
        self._child = child
        self._marker = marker
        self._opened = opened
        self._failed = failed
        self._loop = event_loop()
        #: The beginning of the command, for errors.
        self.shown = ""
        #: What the program there waits for.
        self.relay = b""
        self._seen = b""
        self._out = memoryview(b"")
        self._is_over = False
        self._timer: Timer = self._loop.call_later(_PATIENCE, self._time_out)
        self._loop.watch(child.input, EVENT_READ, self._read)

    def send(self, data: bytes) -> None:
        """Send *data* behind what was sent."""
        was_empty = not self._out
        self._out = memoryview(bytes(self._out) + data)
        if was_empty:
            self._loop.watch(self._child.output, EVENT_WRITE, self._write)

    def _write(self) -> None:
        if self._is_over:
            return
        try:
            size = self._child.write(self._out)
        except OSError:  # its end says why
            size = len(self._out)
        self._out = self._out[size:]
        if not self._out:
            self._loop.unwatch(self._child.output)

    def _read(self) -> None:
        if self._is_over:
            return
        try:
            data = os.read(self._child.input, 1 << 16)
        except BlockingIOError:
            return
        self._seen += data
        if not data:
            self._child.when_ended(self._has_ended)
        elif len(self._seen) > _LONGEST_BANNER:
            self._fail(f"{self._name} prints without end, and is no host")
        while (line := self._next_line()) is not None:
            self._hear(line)

    def _next_line(self) -> bytes | None:
        """Return what follows the next marker, to the end of its line."""
        if self._is_over:
            return None
        _, found, rest = self._seen.partition(b"\n" + self._marker + b" ")
        line, end, behind = rest.partition(b"\n")
        if not found or not end:
            return None
        self._seen = behind
        return line

    def _hear(self, line: bytes) -> None:
        word, _, text = line.decode(errors="replace").partition(" ")
        match word:
            case "shell":
                self.send(self.relay)
            case "load":
                self.send(bundle.agent(text))
            case "open" | "began":
                self._end()
                self._child.early = self._seen
                self._opened(self._child)
            case "none":
                found = text.rstrip(",") or "there is none"
                self._fail(f"{self._name} needs Python 3.11 or newer: {found}")
            case _:
                self._fail(f"{self._name}: {text}")

    def _has_ended(self, how: str) -> None:
        if not self._is_over:
            said = self._child.complaint or "it said nothing"
            self._fail(f"{self._name}: {self.shown}: {how}: {said}")

    def _time_out(self) -> None:
        text = f"{self._name} did not answer within {_PATIENCE:g} s"
        if self._child.complaint:
            text += f": {self._child.complaint}"
        self._fail(text)

    def _end(self) -> None:
        self._is_over = True
        self._timer.cancel()
        self._loop.unwatch(self._child.input)
        self._loop.unwatch(self._child.output)

    def _fail(self, text: str) -> None:
        self._end()
        self._child.close()
        self._failed(ConnectionError(text))
