"""The guardian: whatever ends a session ends its jobs, too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from select import select

import psutil
import pytest

from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs import local
from ipyproc._jobs.guardian import client, connection, program
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.shutdown import shutdown
from ipyproc._process import descriptors
from tests.jobs.cold_start import kill_at_random_moments
from tests.jobs.helpers import PATIENCE, START, eventually, gone, lives, script
from tests.process.interrupts import MANY, files_below, instants, interrupt_at
from tests.process.tools import wait_until_ended
from tests.sandbox import sandbox

pytestmark = pytest.mark.slow

# Children of all kinds: in the session of a job and out of it, deaf and stopped ones;
# of a job that has ended, in its session and out of it; deaf to the end of a terminal.
FAMILY = """
start("sleep 1000 & setsid sleep 1000 & trap '' TERM; echo ready; wait")
start("sleep 1000 & echo ready; wait").signal(signal.SIGSTOP)
start("trap '' HUP; sleep 1000 & echo ready; wait", pty=True)
start("(setsid sleep 1000 >/dev/null 2>&1 &) ; sleep 1000 >/dev/null 2>&1 & echo ready")
jobs.running and jobs.last.wait(20)
jobs.clear()
def members():
    return sum(map(made, psutil.process_iter()))
eventually(lambda: members() == 9)  # as a process begins it has no environment
print(members(), flush=True)
"""
MEMBERS = 9
ENDS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "gone": "os._exit(0)",
    "aborted": "os.abort()",
    "became another": "os.execv('/bin/true', ['true'])",
    "raised": "raise SystemExit(3)",
    "ended": "",
}
both_modes = pytest.mark.parametrize("pidfd", [True, False])


def run(code: str, folder: Path, pidfd: bool = True) -> str:
    """Run a script that may end badly; fail if a process of it lives on."""
    with sandbox(folder) as environment:
        done = subprocess.run(
            [sys.executable, "-c", START + code],
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            cwd=folder,
            env={**environment, "IPYPROC_PIDFD": "1" if pidfd else "0"},
        )
    return done.stdout


def guardians(pid: int) -> list[psutil.Process]:
    """Find the guardians of a process."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if program.__name__ in words and str(pid) in words and lives(process.pid):
            found.append(process)
    return found


def has_members(group: int) -> bool:
    """Whether there is a process group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def the_guardian() -> psutil.Process:
    """Wait until this process has one guardian, and give it."""
    eventually(lambda: client.guardian().ready and len(guardians(os.getpid())) == 1)
    return guardians(os.getpid())[0]


@pytest.fixture
def sleeper() -> Iterator[int]:
    """Start a process with a session of its own that is no job."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize("how", ENDS)
def test_nothing_outlives_the_session(how: str, tmp_path: Path) -> None:
    """However a session ends, no job is left, nothing that one started, no guardian."""
    assert int(run(FAMILY + ENDS[how], tmp_path)) == MEMBERS


def test_without_pidfds(tmp_path: Path) -> None:
    """It is the same where there are no pidfds."""
    assert int(run(FAMILY + ENDS["killed"], tmp_path, pidfd=False)) == MEMBERS


def test_sessions_in_sessions(tmp_path: Path) -> None:
    """A job that has jobs of its own is ended with them."""
    inner = START + 'start("setsid sleep 1000 & echo ready; wait"); print("ready")\n'
    inner += "import time; time.sleep(1000)"
    code = f"""
job = spawn([sys.executable, "-u", "-c", {inner!r}])
ready = threading.Event()
look = lambda job: "ready" in job.stdout.text and ready.set()
job.subscribe(look)
look(job)
assert ready.wait(20)
print("ready", flush=True)
"""
    assert run(code + ENDS["killed"], tmp_path) == "ready\n"


def test_forkers(tmp_path: Path) -> None:
    """A process that forks and ends all the time, so that no look shows it, ends."""
    forker = "import os, signal\nsignal.signal(15, signal.SIG_IGN)\nprint('ready')\n"
    forker += "while True:\n if os.fork(): os._exit(0)"
    code = f"""
job = spawn([sys.executable, "-u", "-c", {forker!r}])
job.wait(20)
print(job.pid, flush=True)
"""
    group = int(run(code + ENDS["killed"], tmp_path))
    try:
        eventually(lambda: not has_members(group))
    finally:
        if has_members(group):
            os.killpg(group, signal.SIGKILL)


def test_killed_before_the_guardian_knows(tmp_path: Path) -> None:
    """A job is found that the guardian was not told of in time."""
    code = """
from ipyproc._jobs.guardian.client import Guardian
start("echo ready")  # there is a guardian
Guardian.tell = lambda self, pid, start: self.settle(start)
start("sleep 1000 & echo ready; wait")
print("ready", flush=True)
"""
    assert run(code + ENDS["killed"], tmp_path) == "ready\n"


@pytest.mark.timeout(300)
def test_killed_around_a_cold_start(tmp_path: Path) -> None:
    """Killed at any moment around the start of its first jobs, it leaves none."""
    kill_at_random_moments(50, tmp_path, Random(38))


# Ends the jobs of a session that was killed as it started one. That one executes its
# program between two looks of the guardian. Orphans come to the parent of the guardian,
# and nobody else's do.
STARTED_BETWEEN_LOOKS = """
import ctypes, os, signal, subprocess, sys, time
from ipyproc._jobs.guardian import program
from ipyproc._jobs.procinfo import proc
PR_SET_CHILD_SUBREAPER = 36
assert not ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
if us := os.fork():
    os._exit(os.waitstatus_to_exitcode(os.waitpid(us, 0)[1]))
since = time.clock_gettime_ns(proc.CLOCK)
go_read, go = os.pipe()
pids, pids_write = os.pipe()
charge = os.fork()
if not charge:
    pid = os.fork()
    if not pid:
        os.close(go)
        os.read(go_read, 1)
        os.closerange(0, 99)
        os.execve("/bin/sleep", ["sleep", "1000"], {program.MARK: "mark"})
    os.write(pids_write, b"%d" % pid)
    signal.pause()
pid = int(os.read(pids, 99))
program._IN, program._OUT = os.pipe()
stack = proc.stat(os.getpid()).stack
def kill():
    os.kill(charge, signal.SIGKILL)
    os.waitpid(charge, 0)
if sys.argv[1] == "before":
    kill()
guardian = program.Guardian(charge, stack, "mark", 10.0)
guardian._starting.add(since)
if sys.argv[1] == "later":
    kill()
freeze = guardian._jobs.freeze
def freeze_and_go_on(known):
    found = freeze(known)
    os.write(go, b"!")
    while seen := proc.stat(pid):
        if seen.ended or seen.stack != stack:
            break
    return found
guardian._jobs.freeze = freeze_and_go_on
guardian._end()
orphan = [sys.executable, "-c", "print(flush=True); input()"]
code = f'''
import os
us = os.getpid()
os.fork() and os._exit(0)
while os.getppid() == us: pass
os.execv({orphan[0]!r}, {orphan!r})
'''
other = [sys.executable, "-c", code]
with subprocess.Popen(other, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
    other.stdout.readline()
    print(pid, guardian._one_may_start())
"""


@pytest.mark.parametrize("killed", ["before", "later"])
def test_what_is_started_between_two_looks_is_found(killed: str) -> None:
    """A start that executes its program after a look is there for the next one."""
    # Whether the session was killed before its guardian had begun, or later. No other
    # orphan, such as another guardian, is taken for such a start.
    words = [sys.executable, "-c", STARTED_BETWEEN_LOOKS, killed]
    done = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=True)
    printed, other = done.stdout.split()
    pid = int(printed)

    left = lives(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    assert (left, other) == (False, b"False")


def test_it_is_there_before_the_first_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guardian's process is started before the first job's, busy loop or not."""
    assert shutdown.retire(PATIENCE)
    eventually(lambda: not client.guardian()._lines)
    started: list[str] = []
    start = local.start_process

    def note(*arguments: object, **options: object) -> object:
        started.append("job" if client.guardian()._lines else "no guardian")
        return start(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(local, "start_process", note)
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        inside.set()
        leave.wait(PATIENCE)

    event_loop().call_soon(work)
    assert inside.wait(PATIENCE)  # the event loop is busy, and starts nothing
    try:
        spawn("true")
    finally:
        leave.set()

    assert started == ["job"]


# Runs as pid 1 of a namespace, which adopts its orphans: so does a container's Python.
PID_1 = """
import os, signal, sys, threading, time
os.chdir("/")
from ipyproc import PIPE, spawn
from ipyproc._jobs.guardian import client, connection
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.shutdown import shutdown
from ipyproc._jobs.procinfo import proc
def children():
    found = (proc.stat(pid) for pid in proc.pids())
    return [each for each in found if each and each.parent == os.getpid()]
def eventually(holds):
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
def retire():
    while not shutdown.retire(20): pass
seen = []
def begun():
    seen.extend(children())
    return guardian().ready and children()
"""
GUARDIAN_LEAVES = {
    "retired": """
spawn("true").wait(20)
eventually(begun)
retire()
""",
    "idle": """
connection.LINGER = 0.05
spawn("true").wait(20)
eventually(begun)
eventually(lambda: not guardian().ready)
""",
    "killed": """
job = spawn("cat", stdin=PIPE)
eventually(begun)
old, = [each.pid for each in children() if each.pid != job.pid]
os.kill(old, signal.SIGKILL)
eventually(lambda: old not in [each.pid for each in children()])
eventually(begun)
job.close_stdin()
job.wait(20)
retire()
""",
    "one of two": """
both, real = threading.Barrier(2), client.Connection
def make(*arguments):
    made = real(*arguments)
    both.wait(20)
    return made
client.Connection = make
client.uninterrupted = lambda work: work()  # as where there is no room for a thread
threads = [threading.Thread(target=lambda: spawn("true").wait(20)) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
eventually(begun)
retire()
""",
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a pid namespace")
@pytest.mark.parametrize("way", GUARDIAN_LEAVES)
def test_as_pid_1_no_zombie_is_left(way: str) -> None:
    """Where we adopt orphans, as pid 1 of a container does, guardians are reaped."""
    code = PID_1 + GUARDIAN_LEAVES[way]
    code += "eventually(lambda: not children())\n"
    code += "print(os.getpid(), bool(seen), children())\n"
    words = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)

    assert (done.stdout, done.stderr) == ("1 True []\n", "")


def test_a_package_that_is_gone(tmp_path: Path) -> None:
    """A session whose package is deleted while it runs starts and ends its jobs."""
    copy = tmp_path / "copy"
    shutil.copytree(Path(client.__file__).parents[2], copy / "ipyproc")
    code = f"""
import os, shutil, signal, sys, time
sys.path.insert(0, {str(copy)!r})
import ipyproc
from ipyproc import spawn, jobs
from ipyproc._jobs.guardian.client import guardian
assert ipyproc.__file__.startswith({str(copy)!r})
shutil.rmtree({str(copy)!r})
job = spawn(["sh", "-c", "sleep 1000 & echo ready; wait"])
while not job.stdout.total: time.sleep(0.01)
while not guardian().ready: time.sleep(0.01)
print(job.pid, job.usage().pid == job.pid, flush=True)
other = spawn(["sh", "-c", "setsid sleep 1000 & echo ready; wait"])
while not other.stdout.total: time.sleep(0.01)
other.kill(tree=True)
print(other.wait(20), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )

    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    pid, measured = first.split()
    assert (measured, second) == ("True", "signal: killed")
    assert gone(int(pid))


def test_from_a_zip_file(tmp_path: Path) -> None:
    """A session whose package is in a zip file starts jobs, and they end with it."""
    package, archive = Path(client.__file__).parents[2], tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in package.rglob("*.py"):
            file.write(path, path.relative_to(package.parent))
    code = f"""
import os, signal, sys, time
sys.path.insert(0, {str(archive)!r})
import ipyproc
from ipyproc import spawn
from ipyproc._jobs.guardian.client import guardian
assert ipyproc.__file__.startswith({str(archive)!r})
job = spawn(["sleep", "1000"])
while not guardian().ready: time.sleep(0.01)
print(job.pid, job.usage().pid == job.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )

    assert done.stderr == ""
    pid, measured = done.stdout.split()
    assert measured == "True"
    assert gone(int(pid))


def test_an_environment_that_is_too_long_for_a_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A guardian starts whatever is in our environment."""
    assert shutdown.retire(PATIENCE)
    monkeypatch.setenv("BIG", "a" * 200_000)
    spawn("cat", stdin=PIPE, clear_env=True, env={"PATH": os.environ["PATH"]})

    assert the_guardian().is_running()


def test_a_replaced_guardian_knows_all(tmp_path: Path) -> None:
    """If the guardian is killed, another takes over what it guarded."""
    code = """
start("echo ready")
def first():
    return [p for p in psutil.process_iter(["cmdline"])
            if str(os.getpid()) in (p.info["cmdline"] or []) and p.pid != os.getpid()]
eventually(lambda: guardian().ready)
(old,) = first()
start("sleep 1000 & echo ready; wait", clear_env=True, env={"PATH": os.environ["PATH"]})
old.kill()
def replaced():
    found = first()
    return guardian().ready and len(found) == 1 and found != [old]
eventually(replaced)
print(jobs.last.pid, flush=True)
"""
    assert gone(int(run(code + ENDS["killed"], tmp_path)))


def test_what_left_its_session_is_guarded_for_long(tmp_path: Path) -> None:
    """The guardian stays as long as anything of a job is there, wherever it went."""
    code = """
import ipyproc._jobs.guardian.connection as module
module.LINGER = 0.05
start("(setsid sleep 1000 >/dev/null 2>&1 &) ; echo ready").wait(20)
eventually(lambda: not guardian().pids)
time.sleep(0.5)  # it might end now, and must not
print("ready", flush=True)
"""
    assert run(code + ENDS["killed"], tmp_path) == "ready\n"


def test_who_gives_up_the_mark_lives_on(tmp_path: Path) -> None:
    """A daemon that was started without the session's mark is left alone."""
    code = """
daemon = "echo $$ ready; exec sleep 1000 >/dev/null 2>&1"
job = start("env -u IPYPROC_SESSION -u IPYPROC_TEST_RUN setsid sh -c '%s' &" % daemon)
print(job.stdout.text.split()[0], flush=True)
"""
    pid = int(run(code + ENDS["killed"], tmp_path))

    assert lives(pid)
    os.kill(pid, signal.SIGKILL)


@both_modes
def test_a_fork_that_holds_the_pipe(pidfd: bool, tmp_path: Path) -> None:
    """A copy of the session that lives on, with all its descriptors, hides no end."""
    code = """
import ctypes
libc = ctypes.PyDLL(None)
job = start("sleep 1000 & echo ready; wait")
eventually(lambda: guardian().ready)
pid = libc.fork()  # Python does not hear of it, and closes nothing
if not pid:
    libc.close(1)
    libc.sleep(20)
print(job.pid, pid, flush=True)
"""
    environment = {**os.environ, "IPYPROC_PIDFD": "1" if pidfd else "0"}
    done = subprocess.run(
        [sys.executable, "-c", START + code + ENDS["killed"]],
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
        env=environment,
    )
    job, fork = map(int, done.stdout.split())
    try:
        assert gone(job)
        assert lives(fork)
    finally:
        os.kill(fork, signal.SIGKILL)


RETIRED_AS_A_JOB_STARTS = """
import threading, time
from ipyproc import spawn
from ipyproc._jobs.guardian import client
marks, line = [], client.Connection
client.Connection = lambda loop, mark: (marks.append(mark), line(loop, mark))[1]
guardian = client.guardian()
spawn("true").wait(20)
while not guardian.ready: time.sleep(0.001)
started, new_mark = threading.Event(), client._new_mark
def slow_mark():
    # The event loop's thread is about to choose a new mark as the main thread starts
    # a job.
    retiring.set()
    assert started.wait(20)
    return new_mark()
retiring = threading.Event()
client._new_mark = slow_mark
guardian.retire()
assert retiring.wait(20)
number = guardian.number()
mark = guardian.prepare(number)
started.set()
while guardian.mark == mark: time.sleep(0.001)
print(len(marks), marks[-1] == mark == guardian.prepare(number))
guardian.settle(number)
"""


def test_a_job_has_the_mark_that_its_guardian_knows() -> None:
    """A job that starts as a guardian retires is known by the mark of the next one."""
    assert script(RETIRED_AS_A_JOB_STARTS) == "2 True\n"


def test_forks_leave_the_guardian_alone() -> None:
    """A forked child that ends, or starts jobs, changes nothing for its parent's."""
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")  # of a fork beside threads, and of what it drops
from ipyproc import spawn
from ipyproc._jobs.guardian.client import guardian
job = spawn(["sleep", "1000"])
mine = guardian()
if not (child := os.fork()):
    assert guardian() is not mine and guardian().mark != mine.mark
    spawn("true").wait(20)
    os._exit(7)
status = os.waitpid(child, 0)[1]
print(os.waitstatus_to_exitcode(status), guardian() is mine, job.status)
"""
    assert script(code) == "7 True running\n"


def test_what_it_is() -> None:
    """It is no job and no child of ours, has its own session, and holds little."""
    job = spawn("cat", stdin=PIPE)
    process = the_guardian()

    assert process.pid not in [each.pid for each in jobs]
    assert process.pid not in [c.pid for c in psutil.Process().children(recursive=True)]
    assert os.getsid(process.pid) not in (os.getsid(0), job.pid)
    assert process.cwd() == "/"
    assert process.num_threads() == 1
    assert process.memory_full_info().uss < 10 << 20
    ours = {os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in (0, 1)}
    others = [f for f in os.listdir(f"/proc/{process.pid}/fd") if f not in "012"]
    kinds = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in others]
    assert len(ours) == 2
    assert kinds == ["anon_inode:[pidfd]"] * 2  # ours and the job's


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_for_all(sig: int) -> None:
    """A signal to all processes of a terminal or of a user does not end it."""
    spawn("cat", stdin=PIPE)
    process = the_guardian()
    process.send_signal(sig)
    spawn("true").wait(PATIENCE)

    # The second job was told of, and it is forgotten: it still does its work.
    eventually(lambda: len(client.guardian().pids) == 1)
    assert the_guardian() == process


def test_a_start_that_is_over_before_it_was_said_to_begin() -> None:
    """A start that ends as another thread starts the guardian does not keep it."""
    for number in instants():
        fresh = client.Guardian(event_loop())
        fresh._starting[7] = None
        end = partial(fresh.settle, 7)
        with interrupt_at(number, end, files_below("_jobs/guardian/client.py")) as at:
            begun = fresh._start()
        if at.left > 0:  # there were not so many instants
            end()
        assert begun
        begun.say((0, program.LEAVE_IF_IDLE))
        eventually(lambda begun=begun: not begun.is_open)  # type: ignore[misc]
        if number < MANY and at.left > 0:
            break

    assert 5 < number < MANY


def test_one_that_had_no_time_to_begin() -> None:
    """Letting it go at once, however often, does not count as a failure to begin."""
    for _ in range(6):
        spawn("true").wait(PATIENCE)
        assert shutdown.retire(PATIENCE)
    spawn("cat", stdin=PIPE)

    assert the_guardian().is_running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may unmount")
def test_without_proc() -> None:
    """Where there is no /proc, as on other systems, jobs run and none is guarded."""
    code = """
from ipyproc import spawn
job = spawn("echo hello")
print(job.wait(20), job.stdout.text, job.usage())
"""
    hide = 'umount -l /proc && exec "$0" -X dev -c "$1"'
    words = ["unshare", "--mount", "sh", "-c", hide, sys.executable, code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)

    assert done.stderr == ""
    assert done.stdout == "exit status 0 hello\n None\n"


def test_one_for_many_jobs() -> None:
    """Jobs that come one after another have one guardian, which forgets ended ones."""
    spawn("true")
    process = the_guardian()
    for _ in range(300):
        spawn("true").wait(PATIENCE)
        jobs.clear()

    assert the_guardian() == process
    eventually(lambda: not client.guardian().pids)


def test_it_ends_when_there_is_nothing_to_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A while after the last job the guardian is gone; the next job has another."""
    monkeypatch.setattr(connection, "LINGER", 0.05)
    job = spawn("cat", stdin=PIPE)
    process = the_guardian()
    job.close_stdin()
    eventually(lambda: not client.guardian().ready)
    eventually(lambda: not lives(process.pid))

    spawn("cat", stdin=PIPE)
    assert the_guardian() != process


def test_it_is_ready_once_nothing_is_left_of_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as the handle of its first process is open it is not ready."""
    begun = connection.Connection(event_loop(), "mark")
    while not begun.greeted:
        assert select([begun.ear], [], [], PATIENCE)[0]
        begun.hear()
    wait_until_ended(begun._first[0].pid)
    seen, close_last = [], descriptors.close_last

    def closing(held: list[int]) -> None:
        seen.append(begun.is_ready)
        close_last(held)

    monkeypatch.setattr(descriptors, "close_last", closing)
    begun.reap()

    assert not any(seen)
    assert begun.is_ready


def test_a_start_is_told_in_two_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears that a start begins, and then of the job and that the start is over."""
    first = spawn("cat", stdin=PIPE)
    the_guardian()
    written, write = [], connection.broken_pipe.write

    def noting(fd: int, data: bytes) -> int:
        written.append([*program.MESSAGE.iter_unpack(data)])
        return write(fd, data)

    monkeypatch.setattr(connection.broken_pipe, "write", noting)
    job = spawn("cat", stdin=PIPE)
    monkeypatch.undo()

    assert [[pid for pid, _ in each] for each in written] == [
        [program.BEGINS],
        [job.pid, program.OVER],
    ]
    first.kill()
    job.kill()


def test_a_stopped_guardian_blocks_nobody() -> None:
    """More messages than fit into a pipe arrive once the guardian continues."""
    job = spawn("cat", stdin=PIPE)
    process = the_guardian()
    process.suspend()
    try:
        for _ in range((1 << 16) // program.MESSAGE.size):
            client.guardian().tell(job.pid, 0)
    finally:
        process.resume()
    job.kill()

    eventually(lambda: not client.guardian().pids)


def test_no_guardian(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where none can be started there are jobs all the same, and one warning."""
    monkeypatch.setattr(connection, "interpreter", lambda: None)
    for _ in range(3):
        assert spawn("true").wait(PATIENCE).success
    eventually(lambda: bool(caplog.records))

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "its jobs live on" in caplog.text


def test_a_pid_that_came_again_is_a_stranger(sleeper: int) -> None:
    """A process that started after the job was there is not the job."""
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    known = program.Jobs("nobody's")
    known.told[sleeper] = now - 10**9
    assert known.find(set()) == set()
    assert known.gone() == [sleeper]

    known.told[sleeper] = now
    assert [seen.pid for seen in known.find(set())] == [sleeper]
    assert known.gone() == []
