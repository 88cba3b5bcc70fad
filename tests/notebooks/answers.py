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
}
