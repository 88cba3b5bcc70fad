"""Where ipyproc differs from Go on purpose, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

BOTH = ("pidfd", "pid")


@dataclass(frozen=True)
class Difference:
    """One deliberate difference: in which scenarios, and where in their results.

    *ids* and *where* are patterns of fnmatch(3).
    """

    ids: str
    where: str
    reason: str
    modes: tuple[str, ...] = BOTH


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "err-nul-*",
        ".start.err*",
        "a NUL byte in name, argv or env is a ValueError that names the argument: no"
        " system could take it",
    ),
    Difference(
        "argv-nil",
        "*",
        "a missing argv is a ValueError: the program's own name belongs there",
    ),
    Difference(
        "argv-empty",
        "*",
        "an empty argv is a ValueError: the program's own name belongs there",
    ),
    Difference(
        "signal-custom-type",
        ".steps.?.err.str",
        "what is no number is a TypeError, in Python's words, in any state",
    ),
    Difference("err-nil-attr", "*", "attr=None is no attributes; Go panics"),
    Difference(
        "files-leak-below-3-closed",
        ".files.*",
        "a child has the descriptors that it was given and no others",
    ),
    Difference(
        "sys-signals-ignored-inherit",
        ".stdout.*",
        "SIGPIPE is always back to default: that Python ignores it cannot be told from"
        " the user's own wish",
    ),
    Difference(
        "pidfd-*",
        ".start.pidfd",
        "Process.fileno() takes the place of Go's *PidFD; a failed start has none",
    ),
    Difference(
        "*pidfd*",
        ".start.pidfd",
        "in pid mode there is no pidfd; Go has one for *PidFD alone",
        modes=("pid",),
    ),
    Difference(
        "*pidfd*",
        ".steps.?.is_pidfd",
        "in pid mode there is no pidfd; Go has one for *PidFD alone",
        modes=("pid",),
    ),
    Difference(
        "*pidfd*",
        ".steps.?.pid_*",
        "in pid mode there is no pidfd; Go has one for *PidFD alone",
        modes=("pid",),
    ),
    *(
        Difference(
            "*tbl-errno*",
            f".results.*.{question}",
            "what Python has no class of exceptions for is not asked",
        )
        for question in ("temporary", "timeout", "unsupported")
    ),
    Difference(
        "*tbl-errno*",
        ".results.*.exist",
        "ENOTEMPTY is no FileExistsError in Python",
    ),
    Difference(
        "more-userns-unshare-[45]",
        "*",
        "an empty list of id maps is EINVAL; Go's child panics",
    ),
    Difference(
        "err-emfile",
        "*",
        "posix_spawn needs no descriptor, where Go needs a pipe; without room for a"
        " pidfd the Process is in pid mode",
    ),
    Difference(
        "*-godebug*", "*", "GODEBUG is a knob of Go's run time; Python has none"
    ),
)
