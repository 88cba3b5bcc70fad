"""A slow link: runs a command, and lets a megabyte a second through each way.

``python slow_link.py COMMAND ...`` connects its own streams with those of the command.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time

RATE = 1_000_000
_PIECE = 4096
_F_SETPIPE_SZ = 1031


def main() -> None:
    """Run the command, and pass on what it says, slowly."""
    command = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert command.stdin
    assert command.stdout
    # Large buffers would hide how slow the link is.
    for pipe in (command.stdin, command.stdout):
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIECE)
    up = threading.Thread(target=_pass_on, args=(0, command.stdin.fileno()))
    up.daemon = True
    up.start()
    _pass_on(command.stdout.fileno(), 1)
    command.wait()


def _pass_on(source: int, target: int) -> None:
    free = time.monotonic()
    try:
        while data := os.read(source, _PIECE):
            free = max(free, time.monotonic()) + len(data) / RATE
            time.sleep(max(0.0, free - time.monotonic()))
            while data:
                data = data[os.write(target, data) :]
    finally:
        os.close(target)


if __name__ == "__main__":
    main()
