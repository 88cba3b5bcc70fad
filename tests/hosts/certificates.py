"""Certificates for tests, each of which vouches for itself."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

from ipyproc._agent.tls import ends_as_it_is


class Certificate(NamedTuple):
    """The paths of one, and of its key."""

    path: Path
    key: Path

    def context(self, purpose: ssl.Purpose, trusts: Certificate) -> ssl.SSLContext:
        """What shows it, and takes only what *trusts* vouches for."""
        context = ssl.create_default_context(purpose, cafile=str(trusts.path))
        context.check_hostname, context.verify_mode = False, ssl.CERT_REQUIRED
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_cert_chain(self.path, self.key)
        ends_as_it_is(context)
        return context


def make(folder: Path, name: str) -> Certificate:
    """Make one called *name*."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN={name} -days 2"
    files = ["-keyout", str(made.key), "-out", str(made.path)]
    subprocess.run([*words.split(), *files], check=True, capture_output=True)
    return made
