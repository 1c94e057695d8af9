"""What the process ends with."""

HOLDS, VIOLATED, USAGE, UNKNOWN, FAULT = range(5)
"""Ctrl-C gives UNKNOWN; a run that only shows known deviations gives HOLDS."""
