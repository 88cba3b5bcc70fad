"""The guardian: another process, which ends the jobs when this one was killed."""
