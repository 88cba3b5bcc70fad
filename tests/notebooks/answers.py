"""A wrong answer to each exercise, by the id of its cell, and what is said of it."""

from __future__ import annotations

WRONG = {
    "processes-exercise-1": (
        'state = start_process("/bin/sh", ["sh", "-c", "echo 7"]).wait()',
        "state.exit_code is 1.",  # its standard output is closed
    ),
    "processes-exercise-2": (
        """
begin = time.monotonic()
sleep = "/bin/sleep", ["sleep", "0.3"]
states = [start_process(*sleep).wait() for _ in range(3)]
seconds = time.monotonic() - begin
""",
        "seconds < 0.8 is False.",
    ),
    "attributes-exercise-1": (
        "attr = ProcAttr(env={})",
        "exit_code is 0.",
    ),
    "attributes-exercise-2": (
        "def files(log): return [None, log]",
        "log.read() is 'one\\nthree\\n'.",
    ),
    "methods-exercise-1": (
        "p = sleeper(); p.kill(); state = p.wait()",
        "state is 'signal: killed'.",
    ),
    "methods-exercise-2": (
        'answer = {"signal", "wait"}',
        "answer is {'signal', 'wait'}.",
    ),
    "states-exercise-1": (
        "number = 5",
        "WaitStatus(number).exit_status is -1.",
    ),
    "states-exercise-2": (
        "def exited(status): return status < 0x8000",
        "exited(0x0001) is True.",
    ),
    "states-exercise-3": (
        "view = explore(6)",
        "view.status is '0x0006'.",
    ),
    "exec-exercise-1": (
        """
cmd = command("cat")
cmd.stdin = b"3\\n1\\n2\\n"
answer = cmd.output()
""",
        "answer is b'3\\n1\\n2\\n'.",
    ),
    "exec-exercise-2": (
        """
def exit_code(name, *args):
    try:
        command(name, *args).run()
    except ExitError:
        return 1
    return 0
""",
        "the code of 'exit 255' is 1.",
    ),
    "exec-exercise-3": (
        'cmd = Cmd(path="/bin/sh", args=["sh", "-c", "echo $0"])',
        "cmd.output() is b'sh\\n'.",
    ),
    "zombies-exercise-1": (
        """
def reap(processes):
    return len([process.wait() for process in processes])
""",
        "reap(children) is 3.",
    ),
    "zombies-exercise-2": (
        """
def is_zombie(process):
    return process.status == "ok"
""",
        "is_zombie(running) is True.",
    ),
    "signals-exercise-1": (
        "answer = 'echo ready; while :; do sleep 0.05; done'",
        "job.wait() is 'signal: terminated'.",
    ),
    "signals-exercise-2": (
        "def end(process): process.kill(); return process.wait()",
        "running(children) is 2.",
    ),
    "pipes-exercise-1": (
        'answer = {"reader"}',
        "answer is {'reader'}. Checking it raised TimeoutError",
    ),
    "pipes-exercise-2": (
        """
def through(cmd, data):
    into, out = cmd.stdin_pipe(), cmd.stdout_pipe()
    with cmd:
        cmd.start()
        into.write(data[:1000])
        into.close()
        return out.read()
""",
        "len(through(cmd, data)) is 1000.",
    ),
    "timeouts-exercise-1": (
        """
with with_timeout(background(), 0.2) as ctx:
    cmd = command_context(ctx, "sleep", "60")
    cmd.cancel = lambda: cmd.process.signal(signal.SIGTERM)
    try:
        cmd.run()
    except ExitError:
        pass
    state = cmd.process_state
""",
        "state is 'signal: terminated'.",
    ),
    "timeouts-exercise-2": (
        """
def first(one, other):
    one.start()
    other.start()
    return one
""",
        "first(slow, fast) is fast is False.",
    ),
    "forkexec-exercise-1": (
        'script = "echo ready; sleep 60; true"',
        "program_of(job) is 'sh'.",
    ),
    "forkexec-exercise-2": (
        """
program = '''
import os
child = os.fork()
if child == 0:
    os.execv("/bin/echo", ["echo", "hello"])
print(os.waitpid(child, 0)[0] == child)
'''
""",
        "job.stdout.lines() is ['hello', 'True'].",
    ),
    "forkexec-exercise-3": (
        'answer = {"pid", "handler"}',
        "answer is {'handler', 'pid'}.",
    ),
    "receiving-exercise-1": (
        """
program = '''
import signal, sys, time
def save(number, frame):
    print("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready")
while True:
    time.sleep(0.1)
'''
""",
        "state is 'exit status 0'.",
    ),
    "receiving-exercise-2": (
        'def is_stopped(pid): return letter(pid) != "R"',
        "is_stopped(asleep) is True.",
    ),
    "terminals-exercise-1": (
        """
def in_both(words):
    jobs = [spawn(words) for _ in range(2)]
    for job in jobs:
        job.wait()
    return [job.stdout.text for job in jobs]
""",
        "in_both(asks) is ['False\\n', 'False\\n'].",
    ),
    "terminals-exercise-2": (
        "def foreground(pid): return os.getpgid(pid)",
        "foreground(shell) == sleep is False.",
    ),
    "ready-exercise-1": (
        """
def port_of(job):
    return int(job.until(r"\\d+", timeout=10)[0])
""",
        "port_of(job) is 127.",
    ),
    "ready-exercise-2": (
        """
def is_ready(job, port, seconds):
    end = time.monotonic() + seconds
    while not accepts(port) and time.monotonic() < end:
        time.sleep(0.05)
    return accepts(port)
""",
        "is_ready(server, taken, 5) is True.",
    ),
    "ready-exercise-3": (
        """
def end(job):
    job.process.kill()
    job.wait()
""",
        "accepts(port) is True.",
    ),
}
