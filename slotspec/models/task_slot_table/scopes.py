"""The bounds of a default run: small scopes, each about one aspect of the table."""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

_bounds = partial(
    dict[str, int],
    static_slots=1,
    dynamic_slots=1,
    allocations=2,
    jobs=1,
    executions=1,
    tasks=2,
    tickets=2,
    profiles=1,
    spare=1,
)
"""A static and a dynamic slot, a job of one execution, two tasks at a time."""

SCOPES = (
    Scope(
        "slots",
        "Two static slots and some dynamic ones, two profiles, a budget of three shares, two jobs.",
        _bounds(
            static_slots=2, dynamic_slots=2, allocations=3, jobs=2, tasks=0, tickets=3, profiles=2
        ),
        large=True,
    ),
    Scope(
        "tasks",
        "Two slots, two executions, two tasks at a time, quick and failing ones among them, which"
        " terminate and are removed in any order.",
        _bounds(executions=2, quick_tasks=1, failing_tasks=1),
        large=True,
    ),
    Scope(
        "failing_tasks",
        "The same with one execution.",
        _bounds(quick_tasks=1, failing_tasks=1),
    ),
    Scope(
        "jobs",
        "Two jobs, two slots, two tasks of one execution: which job may use which slot.",
        _bounds(jobs=2),
    ),
    Scope(
        "timeouts",
        "Two slots, a task, and up to two timeouts that arrive too late.",
        _bounds(tasks=1, tickets=4),
    ),
    Scope(
        "profiles",
        "Three slots and all five profiles, one of which needs the only extended resource.",
        _bounds(dynamic_slots=3, allocations=3, tasks=0, tickets=3, profiles=5, spare=2),
    ),
)
