"""The exit codes of every command."""

HOLDS, VIOLATED, USAGE, UNKNOWN, FAULT = range(5)
"""A run that shows only known deviations ends with HOLDS; Ctrl-C ends it with UNKNOWN.

For traces and peers HOLDS means that they conform, and VIOLATED that they diverge.
"""
