"""Go's process model for Python and the notebook."""
