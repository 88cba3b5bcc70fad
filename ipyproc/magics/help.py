"""The magics as their users know them: options, help and examples."""

from __future__ import annotations

from ipyproc.magics.grammar import Grammar, Option
from ipyproc.magics.values import (
    assignment,
    credential,
    seconds,
    signal_number,
    variable,
)

SPAWN = Grammar(
    "%spawn",
    usage="""%spawn [options] [--] program [argument ...]
       %%spawn [options] [--] program [argument ...]      + input for it
       %%spawn [options]                                  + its command line
       %%spawn [options] --shell                          + a shell script""",
    summary="""\
Start a program as a job, show it, and return the Job; the next cell can run.

With %%spawn and a command, the cell's body is the program's standard input.
Without a command the body is the command line: a newline is a space there, and
{expr} and $var are expanded as on the line. With --shell it is a script, as is.

Words are split as a shell splits them, but no shell runs: no wildcards, pipes.
{expr} and $var are IPython's; {{ }} and $$ are plain. @VAR stands for a Python
list of words, or for a word that shall not be split; @@ is a plain @. Options
precede the program.""",
    options=[
        Option("--name", "call the job so; its program's name if not given", "NAME"),
        Option("--dir", "start it in this directory", "DIR"),
        Option(
            "--env",
            "set a variable of its environment; may be repeated",
            "K=V",
            assignment,
            many=True,
        ),
        Option("--clear-env", "start from an empty environment"),
        Option("--no-stdin", "give it no standard input: it reads an end of file"),
        Option("--stdin", "let it read a file", "FILE"),
        Option("--stdout", "let it write a new file; it is not captured then", "FILE"),
        Option("--stderr", "the same for its standard error", "FILE"),
        Option("--merge", "send standard error where standard output goes"),
        Option("--shell", "let $SHELL, or sh, run the rest of the line or the body"),
        Option("--timeout", "end it if it runs longer", "SECONDS", seconds),
        Option(
            "--grace",
            "how long it may take to obey SIGTERM before SIGKILL ends it",
            "SECONDS",
            seconds,
        ),
        Option("--wait", "wait for its end; an interrupt stops the waiting only"),
        Option("--check", "wait, and stop here with ExitError unless it exits with 0"),
        Option("--detach", "let it outlive the kernel"),
        Option(
            "--user",
            "run it as this user, by name or number (needs the right to)",
            "USER",
            credential,
        ),
        Option("--quiet", "show no view"),
        Option(
            "--out",
            "bind this variable to its standard output: the live Capture at once; "
            "with --wait or --check the text, a str, at the end",
            "VAR",
            variable,
        ),
        Option("--err", "the same for its standard error", "VAR", variable),
        Option("--proc", "bind this variable to the Job, at once", "VAR", variable),
    ],
    notes="""\
examples:
  %spawn ping -c 3 localhost
  %spawn --name train --dir ~/model --env SEED=1 python3 -u train.py --epochs 3
  %spawn --check --out text git log -1 --format=%h
  job = %spawn --quiet sleep 60
  words = ["-c", "print('as it is')"]
  %spawn python3 @words

  %%spawn --check sort -n
  10
  9

  %%spawn --shell --name count
  for i in 1 2 3; do echo $i; sleep 1; done

Python: ipyproc.spawn([...]). See %procwait, %prockill, %procs.
""",
)

PROCWAIT = Grammar(
    "%procwait",
    usage="%procwait [job ...] [--any] [--timeout SECONDS] [--check]",
    summary="""\
Wait until jobs have ended; without a name, the one that was started last.

Returns the ProcessState; for several jobs, or with --any, a dict by name.
A job is named by its name, its pid, a variable that holds it, or _ (the last
result).

An interrupt stops the waiting, the cell and "Run all"; the job goes on.""",
    options=[
        Option("--any", "return as soon as one of them has ended"),
        Option(
            "--timeout",
            "stop with TimeoutError if they run longer; they go on",
            "SECONDS",
            seconds,
        ),
        Option("--check", "stop with ExitError unless all that ended exited with 0"),
    ],
    notes="""\
examples:
  %procwait
  %procwait train --timeout 60
  states = %procwait first second --check

Python: job.wait(timeout), await job.
""",
)

PROCKILL = Grammar(
    "%prockill",
    usage="""%prockill job ... [--signal SIGNAL] [--tree] [--grace SECONDS]
       %prockill --all [...]
       %prockill --pid PID ... [--signal SIGNAL] [--grace SECONDS]""",
    summary="""\
Send a signal to jobs, SIGKILL if not said otherwise, and say what was done.

A job is named by its name, its pid, a variable that holds it, or _ (the last
result). Only with --pid may any other process be signalled, by its pid or by a
variable that holds a Process; never pid 0 or less, 1, the kernel's or those of
its parents.
If one of the words is wrong, nothing at all is signalled.""",
    options=[
        Option(
            "--signal", "TERM, SIGTERM or 15; KILL by default", "SIGNAL", signal_number
        ),
        Option("--tree", "signal all that the job started, too"),
        Option("--all", "signal every job that runs"),
        Option(
            "--grace",
            "send SIGTERM, and SIGKILL if it still runs after this time",
            "SECONDS",
            seconds,
        ),
        Option("--pid", "the numbers may be pids of processes that are no jobs"),
    ],
    notes="""\
examples:
  %prockill train
  %prockill train serve --signal INT
  %prockill --all --tree --grace 2

Python: job.signal(sig), job.terminate(grace), job.kill(tree=True).
""",
)

PROCS = Grammar(
    "%procs",
    usage="%procs [--all] [--clear]",
    summary="""\
Show the table of jobs, which stays up to date: all that run, and of those that
ended the last, up to 200 rows. A click on a heading sorts, Kill ends a job and
all that it started.""",
    options=[
        Option("--all", "show every job that ended, however many there are"),
        Option("--clear", "forget the jobs that ended first"),
    ],
    notes="Python: ipyproc.jobs, a mapping by name and by pid.\n",
)

PROCFIND = Grammar(
    "%procfind",
    usage="%procfind PID",
    summary="""\
Find any process of this machine, show it, and return the Process.

Its state and what it uses are live; the buttons signal it and never another
process with its pid. How it ends only its parent learns: only a child of the
kernel can be waited for.""",
    notes="""\
examples:
  %procfind 1
  process = %procfind 4242

Python: ipyproc.find_process(pid).
""",
)
