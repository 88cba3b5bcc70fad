"""The agent's process: who holds the lock listens, serves, and leaves when idle."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
from contextlib import suppress

from ipyproc._agent.place import READY, Place
from ipyproc._agent.server.agent import Agent
from ipyproc._jobs.shutdown import shutdown


def main(where: Place, say: int) -> None:
    """Be the agent of *where*, if nobody is; say so on the descriptor *say*.

    That is ``READY``, also if another one has the lock, or what went wrong.
    """
    lock = os.open(where.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.write(say, READY)
        os.close(say)
        return
    with socket.socket(socket.AF_UNIX) as listener:
        with suppress(FileNotFoundError):  # of one that was killed
            os.unlink(where.socket)
        listener.bind(where.socket)
        os.chmod(where.socket, 0o600)
        listener.listen(128)
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
        agent = Agent(listener)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: agent.left.set())
        os.write(say, READY)
        os.close(say)
        agent.left.wait()
        # In this order: who connects from now on finds nobody, and starts another,
        # which waits for the lock until the jobs have ended.
        os.unlink(where.socket)
    shutdown.run()
