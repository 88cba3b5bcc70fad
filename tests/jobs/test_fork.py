"""A forked child asks its parent's jobs, whatever other threads were doing."""

from __future__ import annotations

import pytest

from tests.jobs.helpers import both_modes, script

pytestmark = pytest.mark.slow

QUIET = "import warnings; warnings.simplefilter('ignore')"

# Threads that use everything all the time, while the main thread forks; each child asks
# everything and must end with 0 within its time.
ASK_IN_FORKS = f"""
import os, select, signal, sys, threading, time
{QUIET}
from contextlib import suppress
from ipyproc import PIPE, jobs, spawn
noisy = spawn("yes", memory_limit=1 << 16, output_limit=1 << 18)
job = spawn("cat", stdin=PIPE)
shell = spawn("cat", name="shell", pty=True)
over = threading.Event()
def ask():
    job.status, job.state, repr(job), repr(jobs), list(jobs), jobs.running
    job.usage(), job.peak, job.history, job.left(), job.daemons(), job.ports()
    job.label, job.elders, jobs.find_all("cat#*"), noisy.whole_as_utf8.total
    job.host, job.dir, job.timed_out, job.silence, job.last_usage()
    shell.password_prompt, shell.terminal.reads_keys, shell.terminal.rows
    with suppress(ProcessLookupError):
        shell.resize(30, 90)
    noisy.stdout.tail(1 << 14), noisy.read(0, 1 << 14), noisy.stdout.dropped
    with suppress(TimeoutError, ChildProcessError):
        job.wait(0.001)
    with suppress(TimeoutError, ChildProcessError):
        job.until("zzz", timeout=0.001)
    with suppress(TimeoutError, ChildProcessError):
        job.until_listening(timeout=0)
    with suppress(RuntimeError):
        job.send("x")
        job.subscribe(lambda job: None)()
def use():
    while not over.is_set():
        ask()
        spawn("true", name="short").wait(20)
        jobs.clear()
threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads: thread.start()
outcomes = set()
for number in range(60):
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            ask()
            job.signal(0)
            assert number % 10 or spawn("true").wait(20).success
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(1)
        os._exit(0)
    outcomes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
for thread in threads: thread.join()
noisy.kill()
print(outcomes, job.status, noisy.wait(20))
"""


@both_modes
def test_every_question_has_an_answer(pidfd: bool) -> None:
    """Nothing hangs in a child, and the parent's jobs are as they were."""
    assert script(ASK_IN_FORKS, pidfd) == "{0} running signal: killed\n"


def test_a_child_ends_nothing() -> None:
    """What a child cannot do to its parent's job it refuses before it does a part."""
    code = f"""
import os
{QUIET}
from ipyproc import PIPE, spawn
job = spawn("cat", name="mine", stdin=PIPE)
if not (child := os.fork()):
    replace = lambda: spawn("cat", name="mine", stdin=PIPE, replace=True)
    again = lambda: job.again(replace=True)
    calls = [lambda: job.terminate(1), lambda: job.send("x"), replace, again]
    for call in calls:
        try:
            call()
        except RuntimeError as error:
            print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
job.send("alive")
job.close_stdin()
print(job.wait(20), job.stdout.text)
"""
    refusal = "the event loop of the jobs has ended"
    assert script(code).splitlines() == [*4 * [refusal], "exit status 0 alive"]


def test_a_slow_subscriber_does_not_delay_a_fork() -> None:
    """A fork does not wait until a callback has returned."""
    code = f"""
import os, threading
{QUIET}
from ipyproc import PIPE, spawn
inside, go_on = threading.Event(), threading.Event()
def slow(job):
    inside.set()
    assert go_on.wait(20)
job = spawn("cat", stdin=PIPE)
job.subscribe(slow)
job.send("x")
assert inside.wait(20)
for _ in range(5):
    if not (child := os.fork()):
        os._exit(0)
    os.waitpid(child, 0)
print("forked", job.status, inside.is_set() and not go_on.is_set())
go_on.set()
job.close_stdin()
print(job.wait(20))
"""
    assert script(code) == "forked running True\nexit status 0\n"


WORK = """
import os, sys
from ipyproc import spawn, jobs
def work(number):
    job = spawn(["sh", "-c", f"echo {number}"])
    state = job.wait(20)
    return f"{state} {job.stdout.text.strip()}"
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: object) -> None:
    """Workers of multiprocessing have jobs of their own, beside their parent's."""
    path = f"{tmp_path}/work.py"
    with open(path, "w") as file:
        file.write(WORK)
    code = f"""
import multiprocessing, sys
{QUIET}
sys.path.insert(0, {str(tmp_path)!r})
import work
from ipyproc import PIPE, spawn
job = spawn("cat", stdin=PIPE)
with multiprocessing.get_context({method!r}).Pool(2) as pool:
    print(*pool.map(work.work, range(3)), sep=", ")
job.close_stdin()
print(job.wait(20))
"""
    lines = ", ".join(f"exit status 0 {number}" for number in range(3))
    assert script(code) == f"{lines}\nexit status 0\n"
