"""Go's words for error numbers and signals on Linux, and Go's way to quote a name."""

from __future__ import annotations

import errno
import os
import signal


def _first_letter_lowered(text: str) -> str:
    """Return *text* as Go prints it: in lower case, except for an acronym."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


# Read once, at import: strerror(3) follows a later setlocale(3), Go's texts do not.
# Numbers above ERFKILL are newer than Go's table.
_ERRNO = {
    number: _first_letter_lowered(os.strerror(number))
    for number in errno.errorcode
    if number <= getattr(errno, "ERFKILL", 132)
}

_SIGNAL = {
    int(getattr(signal, name)): text
    for name, text in {
        "SIGHUP": "hangup",
        "SIGINT": "interrupt",
        "SIGQUIT": "quit",
        "SIGILL": "illegal instruction",
        "SIGTRAP": "trace/breakpoint trap",
        "SIGABRT": "aborted",
        "SIGBUS": "bus error",
        "SIGFPE": "floating point exception",
        "SIGKILL": "killed",
        "SIGUSR1": "user defined signal 1",
        "SIGSEGV": "segmentation fault",
        "SIGUSR2": "user defined signal 2",
        "SIGPIPE": "broken pipe",
        "SIGALRM": "alarm clock",
        "SIGTERM": "terminated",
        "SIGSTKFLT": "stack fault",
        "SIGCHLD": "child exited",
        "SIGCONT": "continued",
        "SIGSTOP": "stopped (signal)",
        "SIGTSTP": "stopped",
        "SIGTTIN": "stopped (tty input)",
        "SIGTTOU": "stopped (tty output)",
        "SIGURG": "urgent I/O condition",
        "SIGXCPU": "CPU time limit exceeded",
        "SIGXFSZ": "file size limit exceeded",
        "SIGVTALRM": "virtual timer expired",
        "SIGPROF": "profiling timer expired",
        "SIGWINCH": "window changed",
        "SIGIO": "I/O possible",
        "SIGPWR": "power failure",
        "SIGSYS": "bad system call",
    }.items()
    if hasattr(signal, name)
}


def errno_text(number: int) -> str:
    """Return the text of an error number (Go: ``syscall.Errno.Error``)."""
    return _ERRNO.get(number, f"errno {number}")


def signal_text(number: int) -> str:
    """Return the text of a signal number (Go: ``syscall.Signal.String``)."""
    return _SIGNAL.get(number, f"signal {number}")


_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def quote(text: str) -> str:
    r"""Quote *text* for a message, as one line of printable characters.

    Go: ``strconv.Quote``. A byte that was no UTF-8, kept by surrogateescape, is shown
    as ``\xNN``.
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
