"""Records real clusters: a Java agent for JobManager and TaskManager processes, and its files.

:mod:`building` compiles the agent, :mod:`merging` makes one recording of what the processes wrote,
and :mod:`cluster` runs a small cluster of its own.
"""
