"""The live widgets."""
