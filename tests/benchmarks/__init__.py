"""Measurements beside peers, in the same run; the figures are ratios."""
