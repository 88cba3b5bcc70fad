"""Measurements beside peers, each in one run with them; figures are ratios."""
