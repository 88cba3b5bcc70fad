"""The kinds of frames of version 1, and how their data is laid out.

Those of a request have its number, and so has the answer; those that concern a job have
the number that the client gave it. Numbers that are missing here are kept for later
kinds; who gets one answers ``ERROR``.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

VERSION: Final = 1


class Kind(IntEnum):
    """What a frame says; the payload is JSON where nothing else is said."""

    #: The answer to a request that failed, or that nobody knows.
    ERROR = 0

    # From a client.
    #: The relay, before HELLO: the environment, directory and user of its side.
    RELAY = 1
    #: Who the client is, and which of its connections this is.
    HELLO = 2
    #: Start a job, under an identity and a number that the client made.
    START = 3
    #: Raise what START would that can be known before, and start nothing.
    CHECK = 4
    #: Follow a job, from given offsets on.
    ATTACH = 5
    SIGNAL = 6
    TERMINATE = 7
    #: Data for the standard input: ``OFFSET`` and bytes.
    INPUT = 8
    #: The end of the standard input: ``OFFSET``.
    CLOSE = 9
    #: How far the job, or with number 0 the connection, may go: ``OFFSET``.
    CREDIT = 10
    #: A part of what a stream printed; answered by DATA, then REPLY.
    READ = 11
    #: Lines of what a stream printed that match.
    FIND = 12
    #: When a stream printed what.
    TIMES = 13
    #: What the program does with its terminal: whether it reads keys, or a password.
    PROMPT = 14
    HISTORY = 15
    #: Answered when a pattern is printed, or the job has ended.
    UNTIL = 16
    #: Answered when the job listens on a port, or has ended.
    LISTENING = 17
    #: Drop a request that waits.
    CANCEL = 18
    USAGE = 19
    PORTS = 20
    #: Who listens on a port there.
    HOLDER = 21
    #: How many processes are left, and how many left the job.
    LEFT = 22
    #: Forget a job and what it printed.
    FORGET = 23
    PING = 24
    #: The orderly end: jobs that are not detached end, too.
    BYE = 25
    #: Change the size of the terminal.
    RESIZE = 26
    #: Interrupt what is in the foreground of the terminal.
    INTERRUPT = 27
    #: Type the end of the input.
    TYPE_END = 28
    #: The user's detached jobs there, from a given number on.
    LISTED = 29
    #: That a session has heard of the end of a detached job.
    SEEN = 30
    #: Delete what is kept of a detached job that ended.
    REMOVE = 31

    # From the agent.
    WELCOME = 32
    STARTED = 33
    REPLY = 34
    #: A piece for READ: ``OFFSET`` and bytes.
    DATA = 35
    #: What a stream printed: ``PLACE`` and bytes.
    OUT = 36
    #: What comes next of a stream begins at ``PLACE``.
    GAP = 37
    #: How much of the standard input was taken: ``OFFSET``.
    TAKEN = 38
    STATUS = 39
    #: What the job used so far.
    COURSE = 40
    #: How the process ended, and where its streams were then.
    END = 41
    #: The last writer of a stream is gone: ``PLACE``.
    EOF = 42
    PONG = 43

    # From a client, too: there is no number left above.
    #: Take the keyboard of a job, as soon as nobody is in the middle of a line.
    TAKE = 64
    #: In place of HELLO: open files come with it (SCM_RIGHTS of unix(7)), which a START
    #: names by the same word; they stay open as long as this connection.
    HAND = 65


OFFSET: Final = Struct(">Q")
#: A stream, 0 for stdout and 1 for stderr, and an offset in it.
PLACE: Final = Struct(">BQ")
STREAMS: Final = 2
