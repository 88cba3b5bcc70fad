"""Scenarios that real Go has answered, performed here with ipyproc.

``scenarios.json`` and ``more*.json`` say what to do, ``expected*.jsonl`` what Go did,
recorded from ``oracle.go``. A driver process performs scenarios one after the other: it
changes its own environment, descriptors and signals for each, and prints what it saw as
Go's driver does. ``python -m tests.conformance`` compares the two.
"""
