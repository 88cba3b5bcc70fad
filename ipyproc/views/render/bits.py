"""What the bits of a wait status mean, in words: the twin of ``frontend/src/bits.ts``.

>>> reading = read(WaitStatus(0x0300))
>>> reading.text
'exit status 3'
>>> [field.meaning for field in reading.fields]
['exit code 3', 'not used', 'no signal: it exited']
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from ipyproc._text import signal_text
from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views.render.words import ENGLISH, Words

#: The methods of ``WaitStatus`` and their names in Go, in Go's order.
METHODS = {
    "exited": "Exited",
    "exit_status": "ExitStatus",
    "signaled": "Signaled",
    "signal": "Signal",
    "core_dump": "CoreDump",
    "stopped": "Stopped",
    "stop_signal": "StopSignal",
    "continued": "Continued",
    "trap_cause": "TrapCause",
}
#: The largest status of 16 bits.
LARGEST = 0xFFFF
_NOTHING = "no status that wait reports"


@dataclass(frozen=True, slots=True)
class Field:
    """Neighbouring bits of a status, from *first*, the highest, to *last*."""

    first: int
    last: int
    meaning: str

    def name(self, words: Words = ENGLISH) -> str:
        """Return the numbers of the bits: ``Bits 15-8``."""
        if self.first == self.last:
            return words("Bit {}", self.last)
        return words("Bits {}-{}", self.first, self.last)

    def digits(self, status: int) -> str:
        """Return these bits of a status, in binary."""
        width = self.first - self.last + 1
        return f"{status >> self.last & (1 << width) - 1:0{width}b}"


@dataclass(frozen=True, slots=True)
class Reading:
    """Go's text for a status, its fields, and the answer of each method."""

    text: str
    fields: tuple[Field, ...]
    values: tuple[bool | int, ...]


def signal_name(number: int) -> str:
    """Return a signal's name and number: ``SIGKILL (9)``."""
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return f"signal {number}"


def facts(status: WaitStatus) -> list[tuple[str, str]]:
    """Return the macros of wait(2) as labels and values, for the table of a state."""
    high, low = (status >> 8) & 0xFF, status & 0x7F
    if status.stopped:
        return [
            ("Bits 15-8", f"{high:08b} stopped by {signal_text(high)}"),
            ("Bits 7-0", f"{status & 0xFF:08b} stopped"),
        ]
    code = f"exit code {high}" if status.exited else "no exit code"
    ended = f"ended by {signal_text(low)}" if status.signaled else "no signal"
    core = "core dump" if status.core_dump else "no core dump"
    return [
        ("Bits 15-8", f"{high:08b} {code}"),
        ("Bit 7", f"{(status >> 7) & 1} {core}"),
        ("Bits 6-0", f"{low:07b} {ended}"),
    ]


def read(status: WaitStatus, words: Words = ENGLISH) -> Reading:
    """Return the fields of a status and the answers of its methods."""
    values = tuple(getattr(status, name) for name in METHODS)
    text = str(ProcessState(sys=status)) or words(_NOTHING)
    return Reading(text, tuple(_fields(status, words)), values)


def _fields(status: WaitStatus, words: Words) -> list[Field]:
    if status.exited:
        code = words("exit code {}", status.exit_status)
        signal = Field(6, 0, words("no signal: it exited"))
        return [Field(15, 8, code), Field(7, 7, words("not used")), signal]
    if status.signaled:
        core = Field(7, 7, words("core dump" if status.core_dump else "no core"))
        ended = Field(6, 0, words("ended by {}", signal_name(status.signal)))
        return [Field(15, 8, words("not used")), core, ended]
    if status.stopped:
        by = words("stopped by {}", signal_name(status.stop_signal))
        return [Field(15, 8, by), Field(7, 0, words("stopped, not ended"))]
    text = "continued: it goes on after a stop" if status.continued else _NOTHING
    return [Field(15, 0, words(text))]
