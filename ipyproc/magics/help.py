"""The options, help and examples of the magics."""

from __future__ import annotations

from ipyproc.magics.options import Grammar, Option
from ipyproc.magics.values import (
    assignment,
    credential,
    pattern,
    port,
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
Without a command the body is the command, which can go on in indented lines.
With --shell it is a script. With --script it is a file, which the command gets
as @script, or else as its last argument. Input and scripts arrive as typed.

Words are split as a shell splits them, but no shell runs: no wildcards, pipes.
Quotes, backslashes, ~ and # mean what they do in a shell. Options precede the
program; a leading K=V is an --env, and $K in its value the job's environment.

{expr}, {expr:format}, {expr!r} and $name are replaced if they use a variable
of yours and give text, a number, a path, a date or a time; a value is never
split. Not so in single quotes, after a backslash, and in {{expr}}. @VAR stands
for a Python list of words, or a text that is split like the line; @@ is an @.""",
    options=[
        Option("--name", "the name of the job; by default its program's", "NAME"),
        Option("--dir", "the directory to start in", "DIR"),
        Option(
            "--env",
            "set a variable of its environment; can be repeated",
            "K=V",
            assignment,
            many=True,
        ),
        Option("--clear-env", "start from an empty environment"),
        Option("--no-stdin", "no standard input: it reads an end of file"),
        Option(
            "--stdin", "a file is its standard input; - keeps the input open", "FILE"
        ),
        Option(
            "--stdout",
            "write standard output to a new file, instead of capturing it",
            "FILE",
        ),
        Option("--stderr", "the same for standard error", "FILE"),
        Option("--merge", "send standard error where standard output goes"),
        Option("--pty", "give it a terminal, which its input and all output are"),
        Option("--shell", "run the rest of the line, or the body, in bash, or in sh"),
        Option("--script", "run the program on a file of its own that has the body"),
        Option("--expand", "expand the body that is input, or the script, too"),
        Option("--timeout", "end it if it runs longer", "SECONDS", seconds),
        Option(
            "--grace",
            "the time between SIGTERM and SIGKILL when it is ended",
            "SECONDS",
            seconds,
        ),
        Option("--wait", "wait for its end; an interrupt stops only the waiting"),
        Option("--check", "wait, and raise ExitError unless it exits with 0"),
        Option(
            "--until",
            "wait until what it prints matches this regular expression; it runs on",
            "RE",
            pattern,
        ),
        Option(
            "--until-port",
            "wait until it, or what it started, listens on this TCP port",
            "N",
            port,
        ),
        Option(
            "--within",
            "how long --until and --until-port wait; 60 by default",
            "SECONDS",
            seconds,
        ),
        Option("--detach", "it outlives the kernel, and another one has it again"),
        Option("--attach", "if it runs detached already, take that; else --detach it"),
        Option("--replace", "end the jobs of its --name first, and wait for that"),
        Option(
            "--on",
            "run it elsewhere: on ssh:NAME, in docker:NAME, or on the host in a "
            "variable; paths, ~ and the shell are the host's, --env K sends our value",
            "HOST",
        ),
        Option(
            "--user",
            "run it as this user, by name or number (needs the right to)",
            "USER",
            credential,
        ),
        Option("--notify", "tell of its end by a notification that leads to its pane"),
        Option("--quiet", "show no view"),
        Option(
            "--out",
            "bind this variable to its standard output: at once to the live Capture; "
            "with --wait or --check, at the end, to the text without escapes, a str",
            "VAR",
            variable,
        ),
        Option("--err", "the same for standard error", "VAR", variable),
        Option("--proc", "bind this variable to the Job, at once", "VAR", variable),
    ],
    notes="""\
examples:
  %spawn ping -c 3 localhost
  %spawn --name train --dir ~/model --env SEED=1 python3 -u train.py --epochs 3
  %spawn --check --out text git log -1 --format=%h
  %spawn --until 'listening on' --within 10 serve --port 8000
  %spawn --on ssh:gpu-3 --dir ~/model --env SEED=1 python3 -u train.py
  job = %spawn --quiet sleep 60
  words = ["-c", "print('as it is')"]
  %spawn python3 @words

  %%spawn --check sort -n
  10
  9

  %%spawn --shell --name count
  for i in 1 2 3; do echo $i; sleep 1; done

  %%spawn --script python3 -u @script --epochs 3
  import sys
  print(sys.argv[1:])

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
            "raise TimeoutError if they run longer; they go on",
            "SECONDS",
            seconds,
        ),
        Option("--check", "raise ExitError unless all that ended exited with 0"),
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
    usage="""\
%prockill job ... [--on HOST] [--signal SIGNAL] [--tree | --only]
                 [--grace SECONDS]
       %prockill --all [...]
       %prockill --pid PID ... [--signal SIGNAL] [--grace SECONDS]""",
    summary="""\
End jobs and all that they started, and say how many processes that were. It
returns when they are gone; an interrupt stops the waiting only. With --signal
send another signal: INT goes to the group of the job's process, STOP and CONT
to all that it started, others to the process alone. What is left of a job that
has ended is ended, too. Daemons, which left its session and lost their parent,
are only counted: they end with the kernel.

A job is named by its name, its pid, a variable that holds it, or _ (the last
result). With --pid any other process can be signalled, by its pid or by a
variable that holds a Process; but never pid 0 or less, 1, the kernel or its
parents.
If one of the words is wrong, nothing at all is signalled.""",
    options=[
        Option(
            "--signal", "TERM, SIGTERM or 15; KILL by default", "SIGNAL", signal_number
        ),
        Option("--tree", "signal all that the job started, whatever the signal is"),
        Option("--only", "signal the job's process alone"),
        Option("--all", "signal every job that runs and was started here"),
        Option("--detached", "with --all: also those that another kernel started"),
        Option("--on", "only the jobs on this host, as tables name it", "HOST"),
        Option(
            "--grace",
            "send SIGTERM first, and SIGKILL to what is left after this time",
            "SECONDS",
            seconds,
        ),
        Option("--pid", "numbers can be pids of processes that are no jobs"),
    ],
    notes="""\
examples:
  %prockill train
  %prockill train serve --signal INT
  %prockill --all --grace 2

Python: job.kill(), job.terminate(grace), job.signal(sig).
""",
)

PROCS = Grammar(
    "%procs",
    usage="%procs [--all] [--clear]",
    summary="""\
Show the table of jobs, which stays up to date: all that run, and the last that
ended, up to 200 rows. A click on a heading sorts, Kill ends a job and all that
it started.""",
    options=[
        Option("--all", "show every job that ended, not only the last"),
        Option("--clear", "forget the jobs that ended first"),
    ],
    notes="Python: ipyproc.jobs, a mapping by name and by pid.\n",
)

PROCFIND = Grammar(
    "%procfind",
    usage="%procfind PID",
    summary="""\
Find any process of this machine, show it, and return the Process.

Its state and what it uses are live. The buttons signal it, and never another
process that gets its pid. Only the parent of a process learns how it ends:
only a child of the kernel can be waited for.""",
    notes="""\
examples:
  %procfind 1
  process = %procfind 4242

Python: ipyproc.find_process(pid).
""",
)

PROCATTACH = Grammar(
    "%procattach",
    usage="""%procattach [--on HOST]
       %procattach job ... [--forget] [--on HOST]""",
    summary="""\
List the detached jobs of all your notebooks, with buttons that take one into
this kernel, end it or forget it; or take some into this kernel and show them:
with all that they printed, their input, signals and exit status.

A job is named by its id, as train@3f2a, or by its name: this notebook's first,
and of those one that runs. It goes on when the kernel ends, however that does.""",
    options=[
        Option(
            "--forget",
            "delete what is kept of jobs that ended: of those named, or of all of "
            "this notebook",
        ),
        Option(
            "--on",
            "those on ssh:NAME, in docker:NAME, or on the host in a variable",
            "HOST",
        ),
    ],
    notes="Python: ipyproc.jobs.detached(), ipyproc.jobs.attach(name), job.forget().\n",
)

#: The grammars of all magics.
MAGICS = (SPAWN, PROCWAIT, PROCKILL, PROCS, PROCFIND, PROCATTACH)
