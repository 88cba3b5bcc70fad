"""Terminal IPython, driven through a pseudo-terminal as a user drives it."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ipyproc import (
    ProcAttr,
    Process,
    ProcessStatus,
    SysProcAttr,
    start_process,
)
from tests.sandbox import sandbox

PATIENCE = 60
#: What a terminal does not print: colours, cursor moves, titles.
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\a]*\a|[@-Z\\^_=>])")
_BEGUN = re.compile(r"\x1b(\[[0-?]*[ -/]*|\][^\a]*)?\Z")


class Terminal:
    """An IPython in a terminal, and what is on its screen."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._fd, theirs = os.openpty()
        self.screen = ""
        #: All that was written, escapes and all.
        self.written = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""
        try:
            self.process = self._start(theirs, environment)
        finally:
            os.close(theirs)
        self._prompt = 0

    def _start(self, terminal: int, environment: dict[str, str]) -> Process:
        words = [sys.executable, "-m", "IPython", "--no-banner", "--no-confirm-exit"]
        attr = ProcAttr(
            env=environment | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            files=[terminal] * 3,
            sys=SysProcAttr(setsid=True, setctty=True),
        )
        return start_process(sys.executable, words, attr)

    def until(self, text: str, begin: int = 0) -> str:
        """Read the screen until it has *text*; return what is new since *begin*."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.screen[begin:]:
            left = deadline - time.monotonic()
            if not select.select([self._fd], [], [], max(0, left))[0]:
                raise TimeoutError(f"no {text!r} on the screen:\n{self.screen}")
            self._draw(os.read(self._fd, 1 << 16))
        return self.screen[begin:]

    def _draw(self, data: bytes) -> None:
        new = self._decoder.decode(data)
        self.written += new
        text = self._begun + new
        begun = _BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        self.screen += _ESCAPES.sub("", text.removesuffix(self._begun))

    def press(self, keys: str) -> None:
        """Press keys: Return is a newline, Tab a tab, Ctrl-C ``\\x03``."""
        os.write(self._fd, keys.replace("\n", "\r").encode())

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal."""
        termios.tcsetwinsize(self._fd, (rows, columns))

    def settings(self) -> list[Any]:
        """Return the settings of the terminal."""
        return termios.tcgetattr(self._fd)

    def restore(self, settings: list[Any]) -> None:
        """Change the settings, as the shell does that it was started from."""
        termios.tcsetattr(self._fd, termios.TCSANOW, settings)

    def ready(self) -> None:
        """Wait for the next prompt."""
        self._prompt += 1
        self.until(f"In [{self._prompt}]: ")

    def run(self, source: str) -> str:
        """Type lines; return what is on the screen until the next prompt."""
        begin = len(self.screen)
        for line in source.strip().splitlines():
            self.press(line + "\n")
            self.ready()
        return self.screen[begin:]

    def close(self) -> None:
        """Leave IPython, whatever the line contains, and close the terminal."""
        if self.process.status is ProcessStatus.OK:
            self.press("\x03\x04")
            self.process.wait(PATIENCE)
        os.close(self._fd)


@contextmanager
def running(home: Path) -> Iterator[Terminal]:
    """Run IPython in a terminal, in a home of its own, and end it."""
    with sandbox(home) as environment:
        terminal = Terminal(environment)
        try:
            terminal.ready()
            yield terminal
        finally:
            terminal.close()
