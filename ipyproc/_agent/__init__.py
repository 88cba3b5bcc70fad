"""Jobs behind a byte stream: an agent owns them, and clients follow them.

The agent is built on ``_jobs`` and needs the standard library only.
"""
