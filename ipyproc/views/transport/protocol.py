"""What a page and the kernel say to each other: the twin of the page's ``protocol.ts``.

Every live widget is a model whose id is its synced trait ``token``; by that name the
page finds the static rendering too (``#ipyproc-TOKEN``). A synced trait holds what a
page can show that gets no messages, since the kernel is busy, or since its module was
not loaded yet. The kernel ignores what a page writes to a trait, except ``value`` of a
wait status, which the page may choose.

A page gives itself a name, *page*, and asks for an entry of a table, *action*. It says
again that somebody looks (``look``) before its lease is over, that the view is out of
sight (``away``) or gone (``leave``). What changes something has a number, *seq*, and is
answered by ``done``. Seconds are the kernel's ``time.time()``; sizes are bytes; offsets
count both streams of a job in order of arrival.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from ipyproc.views.transport.output_protocol import (
    Ack,
    Begin,
    Find,
    Found,
    Output,
    Piece,
    Read,
    Ready,
    Save,
    Saved,
)
from ipyproc.views.transport.terminal_protocol import Fits, Keys, Library, Part, Size

# --- parts

#: A label, a value, and whether it is shown on request only.
Fact = tuple[str, str, bool]
#: A process: pid, name, percent of a processor, memory, and the branches below it.
Branch = tuple[int, str, float, int, "list[Branch]"]
#: An older job of the same name that runs: its number, its label and its pid.
Elder = tuple[int, str, int | None]
#: A cell of a life line: text, kind, columns, and how long it lasted: null if it lasts.
Cell = tuple[str, str, int, str | None]
#: An open descriptor: number, ``r`` and ``w`` as it can, the pipe's name, the target.
End = tuple[int, str, str, str]


# --- synced traits


class JobState(TypedDict):
    """``state`` of a job's pane: all but its output. *ran* is null while it runs.

    *pid* is null while it is queued: then *started* is since when. *reason* is what a
    job that failed said last.

    *terminal* is the size of its terminal once it is shown as one; *masked*: what is
    typed now must not be seen, for the job asks for a password; *elsewhere*: another
    session has the keyboard.
    """

    name: str
    number: int
    label: str
    host: str
    elders: list[Elder]
    command: str
    dir: str
    pid: int | None
    status: str
    text: str
    success: bool | None
    reason: str
    timed_out: bool
    started: float
    ran: str | None
    stdin: bool
    total: int | None
    facts: list[Fact] | None
    terminal: Size | None
    masked: bool
    elsewhere: bool


class JobFields(TypedDict):
    """A row of the table of jobs; *cpu* and *memory* are null where not measured."""

    name: str
    number: int
    label: str
    host: str
    command: str
    pid: int | None
    status: str
    text: str
    success: bool | None
    started: float
    ended: float | None
    ran: str | None
    cpu: float | None
    memory: float | None
    ports: list[int]
    last: str
    over: NotRequired[bool]
    detached: NotRequired[bool]


class DetachedFields(TypedDict):
    """A row of the table of detached jobs; *known*: this machine can tell its status.

    *path* is its notebook's, and *over* whether it has ended.
    """

    name: str
    notebook: str
    path: str
    pid: str
    status: str
    text: str
    success: bool | None
    since: str
    command: str
    over: bool
    known: bool


class ProcessUsage(TypedDict):
    """What a process and those below it use; *cpu* is a curve, newest last."""

    memory: int
    processes: int
    tree: Branch
    cpu: list[int]


class ProcessFields(TypedDict):
    """The one row of the pane of any process."""

    pid: int
    name: str
    command: str
    status: str
    state: str
    started: float
    since: str
    ended: float | None
    user: str
    parent: str
    threads: int | None
    usage: ProcessUsage | None


class MemberFields(TypedDict):
    """A row of the tree of sessions; *mine* is this kernel, and gone has no letter."""

    name: str
    pid: int
    parent: int
    group: int
    session: int
    letter: str
    mine: bool


class HolderFields(TypedDict):
    """A row of the table of descriptors; of this kernel only shared ones."""

    name: str
    pid: int
    mine: bool
    ended: bool
    ends: list[End]


class First(TypedDict):
    """``first`` of a view with rows: how they were when they were displayed last."""

    clock: float
    number: int
    rows: dict[str, dict[str, object]]
    notes: dict[str, object]


class TimelineState(TypedDict):
    """``state`` of a life line; *lasted*: how long the last phase had lasted then.

    *letter* is one of *letters*, which have what they mean; *buttons* have what they
    ask for; *lost* is said when the kernel is gone.
    """

    title: str
    summary: str
    rows: list[tuple[str, list[Cell]]]
    lasted: float
    pid: int
    letter: str
    letters: list[tuple[str, str]]
    buttons: list[tuple[str, str]]
    final: bool
    lost: str


# --- from the page: whether it shows the view


class Look(TypedDict):
    """Somebody sees the view; *number* is of the last ``rows`` that the page has."""

    action: Literal["look"]
    page: str
    number: NotRequired[int | None]
    tree: NotRequired[bool]


class Away(TypedDict):
    """The view is on the page, but not visible."""

    action: Literal["away"]
    page: str


class Leave(TypedDict):
    """The view is not on the page any more."""

    action: Literal["leave"]
    page: str


class Settle(TypedDict):
    """The page keeps static HTML, so the output may become that."""

    action: Literal["settle"]


# --- from the page: what a button does


class Press(TypedDict):
    """A button; in a table of jobs *job* is the key of a row.

    ``attach`` and ``forget`` are for those of detached jobs.
    """

    action: Literal[
        "interrupt",
        "terminate",
        "kill",
        "stop",
        "continue",
        "close_stdin",
        "take",
        "attach",
        "forget",
    ]
    page: str
    seq: int
    job: NotRequired[str]


class Own(TypedDict):
    """A button that is for the parent of a process only."""

    action: Literal["wait", "release"]
    page: str
    seq: int


class Again(TypedDict):
    """The button that starts an ended job once more; its pane takes the place."""

    action: Literal["again"]
    page: str
    seq: int


class EndAll(TypedDict):
    """The button of a table that ends all jobs in it that run."""

    action: Literal["end_all"]
    page: str
    seq: int


class EndElder(TypedDict):
    """The button that ends an older job of the same name, by its *number*."""

    action: Literal["end_elder"]
    page: str
    seq: int
    number: int


class Signal(TypedDict):
    """Any signal, by a name of the list in the trait ``signals``."""

    action: Literal["signal"]
    page: str
    seq: int
    signal: str
    tree: bool


class Send(TypedDict):
    """Text for the standard input."""

    action: Literal["send"]
    page: str
    seq: int
    text: str


# --- from the kernel


class Usage(TypedDict):
    """What a job uses: *cpu* is a curve in percent of one processor, newest last.

    It listens on *ports*, of the kernel's machine; *proxy*: the server passes them on.
    With the *tree* comes the *course* since the start, as labels and drawings.
    """

    kind: Literal["usage"]
    cpu: list[int]
    memory: int
    processes: int
    tree: Branch | None
    course: list[tuple[str, str]]
    ports: list[int]
    proxy: bool


class Rows(TypedDict):
    """What changed, by row; *keys* are those of all rows, *gone* of those that went."""

    kind: Literal["rows"]
    clock: float
    number: int
    rows: dict[str, dict[str, object]]
    keys: NotRequired[list[str]]
    gone: NotRequired[list[str]]
    notes: NotRequired[dict[str, object]]


class Done(TypedDict):
    """Answers what changed something; *error* is empty if it worked.

    Of a terminal's messages only the last is answered, for all before it.
    """

    kind: Literal["done"]
    page: str
    seq: int | None
    error: str


class Forget(TypedDict):
    """The job was cleared; what is on the page stays there."""

    kind: Literal["forget"]


#: What changes something; the kernel answers each with `Done`.
Asked = Press | Own | Again | EndAll | EndElder | Signal | Send | Keys | Fits
FromPage = (
    Look | Away | Leave | Settle | Ready | Ack | Save | Read | Find | Library | Asked
)
FromKernel = (
    Begin | Output | Part | Saved | Piece | Found | Usage | Rows | Done | Forget
)
