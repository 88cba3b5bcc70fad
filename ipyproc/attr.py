"""What to start: the attributes of a new process, as plain values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from ipyproc._value import value


class HasFileno(Protocol):
    """Anything with a descriptor: an open file, a socket, a pipe's end."""

    def fileno(self) -> int:
        """Return the descriptor."""


#: An entry of ``ProcAttr.files``: ``None`` is a descriptor that is closed in the child.
File = HasFileno | int | None
#: What ``ProcAttr.env`` may be; ``None`` is the environment of the caller.
Env = Sequence[str | bytes] | Mapping[str, str] | Mapping[bytes, bytes] | None


@value
class Credential:
    """The user and groups that a child runs as (Go: ``syscall.Credential``).

    *uid* and *gid* are the numbers of its user and group, *groups* those of its
    supplementary groups. The child has exactly these groups, unless *no_set_groups*
    leaves it the caller's. A caller that may not become that user gets a ``PathError``
    that is a ``PermissionError``.

    >>> nobody = SysProcAttr(credential=Credential(uid=65534, gid=65534))
    >>> nobody.credential.groups
    ()
    """

    uid: int
    gid: int
    groups: Sequence[int] = ()
    no_set_groups: bool = False


@value
class SysProcIDMap:
    """One range of a user namespace's id map (Go: ``syscall.SysProcIDMap``).

    Ids *container_id* to *container_id* + *size* - 1 inside are those from *host_id*
    outside; see user_namespaces(7). Root inside, and an ordinary user outside:

    >>> root = SysProcIDMap(container_id=0, host_id=os.getuid(), size=1)
    >>> sys = SysProcAttr(cloneflags=0x10000000, uid_mappings=[root])  # CLONE_NEWUSER
    """

    container_id: int
    host_id: int
    size: int


@value
class SysProcAttr:
    """Attributes that only some systems have (Go: ``syscall.SysProcAttr`` on Linux).

    *chroot*: the child's root directory.
    *credential*: its user and groups.
    *ptrace*: it stops at its exec to be traced by the calling thread, ptrace(2).
    *setsid*: it leads a new session.
    *setpgid*: it joins the process group *pgid*, or leads a new one if that is 0.
    *setctty*: the terminal on its descriptor *ctty* becomes its controlling terminal
    (needs *setsid*).
    *noctty*: it gives up the controlling terminal on descriptor 0.
    *foreground*: its process group comes to the foreground of the terminal on the
    *caller's* descriptor *ctty*; implies *setpgid*.
    *pdeathsig*: the signal it gets when the thread that started it ends, prctl(2).
    *cloneflags*: the ``CLONE_NEW*`` namespaces it is born into, clone(2).
    *unshareflags*: those it enters by itself, unshare(2).
    *uid_mappings*, *gid_mappings*: id maps of its user namespace; ``None`` writes no
    map, an empty list is refused by the kernel.
    *gid_mappings_enable_setgroups*: whether it may call setgroups(2) there.
    *ambient_caps*: numbers of ambient capabilities, capabilities(7).
    *use_cgroup_fd*: it is born into the cgroup of the open directory *cgroup_fd*.

    Go's ``PidFD`` out-parameter is ``Process.fileno()`` here.

    >>> from ipyproc import start_process
    >>> attr = ProcAttr(sys=SysProcAttr(setsid=True))
    >>> p = start_process("/bin/sleep", ["sleep", "60"], attr)
    >>> os.getsid(p.pid) == p.pid
    True
    >>> p.kill()
    >>> print(p.wait())
    signal: killed
    """

    chroot: str | bytes | os.PathLike[str] | None = None
    credential: Credential | None = None
    ptrace: bool = False
    setsid: bool = False
    setpgid: bool = False
    setctty: bool = False
    noctty: bool = False
    ctty: int = 0
    foreground: bool = False
    pgid: int = 0
    pdeathsig: int = 0
    cloneflags: int = 0
    unshareflags: int = 0
    uid_mappings: Sequence[SysProcIDMap] | None = None
    gid_mappings: Sequence[SysProcIDMap] | None = None
    gid_mappings_enable_setgroups: bool = False
    ambient_caps: Sequence[int] = ()
    use_cgroup_fd: bool = False
    cgroup_fd: int = 0


@value
class ProcAttr:
    """Attributes of a new process (Go: ``os.ProcAttr``).

    *dir*: the directory it starts in; ``None`` or ``""`` is the caller's.
    *env*: its environment, ``"K=V"`` strings or a mapping; ``None`` is the caller's,
    an empty one is empty.
    *files*: entry *i* becomes its descriptor *i*: an object with ``fileno()``, a
    descriptor, or ``None`` for a closed one; every other descriptor is closed.
    *sys*: attributes that only some systems have.

    >>> from ipyproc import start_process
    >>> reader, writer = os.pipe()
    >>> attr = ProcAttr(dir="/", env={"NAME": "child"}, files=[None, writer])
    >>> p = start_process("/bin/sh", ["sh", "-c", "echo I, $NAME, am in $(pwd)"], attr)
    >>> os.close(writer)
    >>> with open(reader) as pipe:
    ...     print(pipe.read().strip())
    I, child, am in /
    >>> print(p.wait())
    exit status 0
    """

    dir: str | bytes | os.PathLike[str] | None = None
    env: Env = None
    files: Sequence[File] = ()
    sys: SysProcAttr | None = None
