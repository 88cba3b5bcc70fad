"""The event loop, and the files between us and the jobs."""
