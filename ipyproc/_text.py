"""The words that Go uses for error numbers and signals on Linux."""

from __future__ import annotations

import errno
import os
import signal


def _first_letter_lowered(text: str) -> str:
    """Go prints the C library's text in lower case, but leaves acronyms alone."""
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
    """Say what an error number means (Go: ``syscall.Errno.Error``)."""
    return _ERRNO.get(number, f"errno {number}")


def signal_text(number: int) -> str:
    """Say what a signal number means (Go: ``syscall.Signal.String``)."""
    return _SIGNAL.get(number, f"signal {number}")
