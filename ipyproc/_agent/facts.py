"""What is learnt of a job on its way: its end, what it uses, what it used."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._jobs.procinfo.course import Course, Sample, UsagePoint
from ipyproc._jobs.procinfo.ports import Ports
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.runner import Terminal
from ipyproc.state import ProcessState, Rusage, WaitStatus

_RUSAGE = tuple(field.name for field in fields(Rusage))


def body_of_state(state: ProcessState) -> Body:
    """Return the status word and the rusage."""
    usage = [getattr(state.sys_usage, name) for name in _RUSAGE]
    return {"pid": state.pid, "sys": int(state.sys), "usage": usage}


def state_of(asked: Fields) -> ProcessState:
    """Make the state again."""
    usage = asked.body.get("usage")
    if not isinstance(usage, list) or len(usage) != len(_RUSAGE):
        raise ProtocolError("usage: expected the fields of a rusage")
    status = WaitStatus(asked.number("sys"))
    return ProcessState(asked.number("pid"), status, Rusage(*usage))


def body_of_usage(usage: Usage) -> Body:
    """Return what the process and those below it use."""
    body: dict[str, Any] = {
        field.name: getattr(usage, field.name)
        for field in fields(Usage)
        if field.name != "children"
    }
    return body | {"children": [body_of_usage(child) for child in usage.children]}


def usage_of(asked: Fields) -> Usage:
    """Make it again."""
    below = asked.body.get("children")
    children = below if isinstance(below, list) else []
    return Usage(
        pid=asked.number("pid"),
        name=asked.text("name"),
        cpu_percent=asked.seconds("cpu_percent", 0.0) or 0.0,
        memory=asked.number("memory"),
        threads=asked.number("threads"),
        descriptors=asked.count("descriptors"),
        read_bytes=asked.count("read_bytes"),
        write_bytes=asked.count("write_bytes"),
        children=tuple(usage_of(Fields(child)) for child in children),
    )


def body_of_course(course: Course) -> Body:
    """Return what was used at most; the points travel by themselves."""
    peak, times = course.peak, course.times
    most = [peak.memory, *times, peak.processes]
    return {"most": most, "max_rss": course.max_rss}


def restore_course(course: Course, asked: Fields) -> None:
    """Take over what is new of a course; the points before it are known."""
    most, points = asked.body.get("most"), asked.body.get("points")
    first = asked.number("from", 0)
    if not isinstance(most, list) or len(most) != 4 or not isinstance(points, list):
        raise ProtocolError("COURSE: expected what was used")
    course.restore(
        Sample(*most),
        (*course.history[:first], *(UsagePoint(*point) for point in points)),
        asked.count("max_rss"),
    )


def body_of_terminal(terminal: Terminal) -> Body:
    """Return what the program does with its terminal now."""
    return {
        "keys": terminal.reads_keys,
        "prompt": terminal.password_prompt,
        "size": [terminal.rows, terminal.columns],
    }


def body_of_ports(ports: Ports) -> Body:
    """Return the ports."""
    return {"own": sorted(ports.own), "new": sorted(ports.new)}


def ports_of(asked: Fields) -> Ports:
    """Make them again."""
    own, new = asked.body.get("own"), asked.body.get("new")
    if not isinstance(own, list) or not isinstance(new, list):
        raise ProtocolError("PORTS: expected two lists")
    return Ports(frozenset(own), frozenset(new))
