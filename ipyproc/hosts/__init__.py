"""Where jobs run: other machines, containers, whatever a command leads to.

>>> from ipyproc import hosts, spawn
>>> host = hosts.command("sandbox", ["env"])
>>> job = spawn("echo hello", on=host)
>>> print(job.wait(timeout=60), job.stdout.text.strip(), job.host.name)
exit status 0 hello sandbox
>>> host.close()
"""

from __future__ import annotations

from ipyproc.hosts._command import CommandHost, command
from ipyproc.hosts._dask import DaskHost, dask
from ipyproc.hosts._host import Host
from ipyproc.hosts._named import named
from ipyproc.hosts._ssh import ssh

__all__ = ["CommandHost", "DaskHost", "Host", "command", "dask", "named", "ssh"]
