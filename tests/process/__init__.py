"""Tests of the process layer: real children, real kernel, both modes."""
