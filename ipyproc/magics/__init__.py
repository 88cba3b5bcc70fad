"""The magics: each reads its line and makes one call into jobs, process or views."""
