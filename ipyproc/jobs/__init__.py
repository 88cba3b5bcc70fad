"""Processes that a session keeps: started, captured, reaped and ended for it."""
