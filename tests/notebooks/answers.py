"""A wrong answer to each exercise of the notebooks, by the id of its cell."""

from __future__ import annotations

WRONG = {
    "processes-exercise-1": (
        'state = start_process("/bin/sh", ["sh", "-c", "echo 7"]).wait()'
    ),
    "processes-exercise-2": """
begin = time.monotonic()
sleep = "/bin/sleep", ["sleep", "0.3"]
states = [start_process(*sleep).wait() for _ in range(3)]
seconds = time.monotonic() - begin
""",
    "attributes-exercise-1": "attr = ProcAttr(env={})",
    "attributes-exercise-2": "def files(log): return [None, log]",
    "methods-exercise-1": "p = sleeper(); p.kill(); state = p.wait()",
    "methods-exercise-2": 'answer = {"signal", "wait"}',
    "states-exercise-1": "number = 5",
    "states-exercise-2": "def exited(status): return status < 0x8000",
    "states-exercise-3": "view = explore(6)",
    "exec-exercise-1": """
cmd = command("cat")
cmd.stdin = b"3\\n1\\n2\\n"
answer = cmd.output()
""",
    "exec-exercise-2": """
def exit_code(name, *args):
    try:
        command(name, *args).run()
    except ExitError:
        return 1
    return 0
""",
    "exec-exercise-3": 'cmd = Cmd(path="/bin/sh", args=["sh", "-c", "echo $0"])',
    "zombies-exercise-1": """
def reap(processes):
    return len([process.wait() for process in processes])
""",
    "zombies-exercise-2": """
def is_zombie(process):
    return process.status == "ok"
""",
    "signals-exercise-1": "answer = 'echo ready; while :; do sleep 0.05; done'",
    "signals-exercise-2": "def end(process): process.kill(); return process.wait()",
    "pipes-exercise-1": 'answer = {"reader"}',
    "pipes-exercise-2": """
def through(cmd, data):
    into, out = cmd.stdin_pipe(), cmd.stdout_pipe()
    with cmd:
        cmd.start()
        into.write(data[:1000])
        into.close()
        return out.read()
""",
    "timeouts-exercise-1": """
with with_timeout(background(), 0.2) as ctx:
    cmd = command_context(ctx, "sleep", "60")
    cmd.cancel = lambda: cmd.process.signal(signal.SIGTERM)
    try:
        cmd.run()
    except ExitError:
        pass
    state = cmd.process_state
""",
    "timeouts-exercise-2": """
def first(one, other):
    one.start()
    other.start()
    return one
""",
    "receiving-exercise-1": """
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
    "receiving-exercise-2": 'def is_stopped(pid): return letter(pid) != "R"',
    "ready-exercise-1": """
def port_of(job):
    return int(job.until(r"\\d+", timeout=10)[0])
""",
    "ready-exercise-2": """
def is_ready(job, port, seconds):
    end = time.monotonic() + seconds
    while not accepts(port) and time.monotonic() < end:
        time.sleep(0.05)
    return accepts(port)
""",
    "ready-exercise-3": """
def end(job):
    job.process.kill()
    job.wait()
""",
}
