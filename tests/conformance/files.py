"""The files of a scenario: what it hands to children, and what they print."""

from __future__ import annotations

import os
import threading
from typing import Any, BinaryIO

#: The lowest descriptors are slots that a scenario may ask for by number.
SLOTS = 10
#: Where the driver keeps what is its own.
ABOVE_SLOTS = 100

_FLAGS = {
    "r": os.O_RDONLY,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "rw": os.O_RDWR | os.O_CREAT,
}


class Capture:
    """Reads what children write into a pipe until its last writer is gone."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        self._chunks: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while chunk := os.read(self._reader, 65536):
            self._chunks.append(chunk)

    def finish(self, seconds: float) -> tuple[bytes, bool]:
        """Return what was written, and whether a writer was left in the end."""
        self._thread.join(seconds)
        left_open = self._thread.is_alive()
        if not left_open:
            os.close(self._reader)
        return b"".join(self._chunks), left_open


class Opened:
    """The least that has a descriptor; unlike open() it takes directories, too."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)


class Files:
    """The open files of one scenario, and the driver's ends of its pipes."""

    def __init__(self, terminal: str | None, tty: int | None, spare: int) -> None:
        self.captures: dict[str, Capture] = {}
        self.stdin: BinaryIO | None = None
        self.terminal = terminal
        self.tty = tty
        self._spare = spare
        self._opened: list[Opened] = []
        self._slots: list[int] = []

    def open_all(self, specs: list[Any] | None) -> list[Any]:
        """Open the files that a list of specifications asks for."""
        opened: list[Any] = []
        for spec in specs or []:
            opened.append(self.open(spec, opened))
        return opened

    def open(self, spec: Any, before: list[Any]) -> Any:
        """Open what one entry of a list asks for; *before* are those before it."""
        if isinstance(spec, str):
            spec = {"use": spec}
        if spec is None:
            return None
        if "ref" in spec:
            return before[spec["ref"]]
        if spec.get("use") == "tty":
            return self.tty
        if "closed" in spec:
            with open(spec["closed"], "ab+", buffering=0) as file:
                return file
        return self._placed(self._fresh(spec), spec)

    def close_after_start(self) -> None:
        """Close the driver's copies of what the child got."""
        for file in self._opened:
            file.close()
        for slot in self._slots:
            os.dup2(self._spare, slot, inheritable=False)
        self._opened, self._slots = [], []

    def _fresh(self, spec: dict[str, Any]) -> int:
        use = spec.get("use", "")
        if use == "stdin_pipe":
            reader, writer = os.pipe()
            self.stdin = os.fdopen(writer, "wb", buffering=0)
            return reader
        if use == "devnull":
            return os.open(os.devnull, os.O_RDWR)
        if use == "pts":
            return os.open(str(self.terminal), os.O_RDWR | os.O_NOCTTY)
        if use:
            capture = Capture()
            self.captures[use.removesuffix("_pipe")] = capture
            return capture.writer
        fd = os.open(spec["path"], _FLAGS[spec["mode"]], 0o666)
        if "seek" in spec:
            os.lseek(fd, spec["seek"], os.SEEK_SET)
        return fd

    def _placed(self, fd: int, spec: dict[str, Any]) -> Opened | int:
        inherit = bool(spec.get("inherit"))
        if "at_fd" in spec:
            slot: int = spec["at_fd"]
            os.dup2(fd, slot, inheritable=inherit)
            os.close(fd)
            self._slots.append(slot)
            return slot
        os.set_inheritable(fd, inherit)
        file = Opened(fd)
        self._opened.append(file)
        return file
