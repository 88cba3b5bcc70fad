"""What ``ipyproc.process`` delegates to: starting, owning, waiting, reaping."""
