"""All kinds of lines that tell about slots."""

from __future__ import annotations

from slotspec.logs import job_master_lines, resource_manager_lines, task_manager_lines
from slotspec.logs.line_kinds import KindTable

LINES = KindTable(
    [*job_master_lines.KINDS, *resource_manager_lines.KINDS, *task_manager_lines.KINDS]
)

KNOWN = ((1, 11), (2, 3))
"""The first and the last minor version whose lines are known."""
