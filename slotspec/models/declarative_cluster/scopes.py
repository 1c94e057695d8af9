"""The bounds of the declarative cluster's default runs, and of its simulation."""

from __future__ import annotations

from slotspec.models.cluster.scopes import (
    RECOMPUTATION,
    STRAGGLERS,
    TOGETHER,
    UNHEARD,
    WHOLE_JOB,
    one_slot,
    storm,
    two_slots,
)
from slotspec.statemachine.declaration.model import Scope

SCOPES = (
    Scope(
        "losses",
        "One slot and a job that needs it; one message is lost.",
        one_slot(losses=1),
    ),
    Scope(
        "sharing",
        "Two slots of one TaskExecutor, and a job of two tasks that needs both.",
        two_slots(allocations=4),
    ),
    Scope(
        "timeouts",
        "One slot; one message is lost, and one timer fires early.",
        one_slot(losses=1, early_timeouts=1),
        large=True,
    ),
    Scope(
        "batches",
        "Two slots, requested together; one message is lost.",
        two_slots(allocations=4, losses=1),
        large=True,
    ),
    Scope(
        "crashes",
        "Two TaskExecutors of one slot each, of which the job needs one; one crashes and restarts.",
        one_slot(task_managers=2, allocations=4, crashes=1),
        large=True,
    ),
    Scope(
        "leaders",
        "One slot, which leaves in a step of its own after its task; the JobMaster loses its"
        " leadership, and another regains it.",
        one_slot(leader_changes=1, late_slots=1),
        large=True,
    ),
    Scope(
        "failovers",
        "One slot; the ResourceManager fails over.",
        one_slot(failovers=1),
        large=True,
    ),
    Scope(
        "answers",
        "One slot; answers are overtaken by what is sent after them, one task fails, and the user"
        " cancels the job: up to four calls to cancel each task.",
        one_slot(overtaking=3, failures=1, cancels=1, cancel_tries=4),
        large=True,
    ),
    Scope(
        "repeats",
        "One slot; two calls are repeated.",
        one_slot(repeats=2),
        large=True,
    ),
    Scope(
        "reconciliation",
        "One slot; one timer fires early. Heartbeats tell of tasks that the JobMaster has given up,"
        " and a freed slot may leave before its memory is released.",
        one_slot(early_timeouts=1, late_slots=1, deployment_reports=1, slow_closing=1),
        large=True,
    ),
    Scope(
        "orders",
        "Two TaskExecutors of one slot each, and a job of two tasks that needs both: the"
        " ResourceManager asks either first.",
        {
            "task_managers": 2,
            "parallelism": 2,
            "allocations": 4,
            "channel_room": 10,
            "connection_orders": 1,
        },
        large=True,
    ),
    STRAGGLERS,
    UNHEARD,
    RECOMPUTATION,
    WHOLE_JOB,
    Scope(
        "spread",
        "Two TaskExecutors of two slots each, and a job of two tasks: each is asked for one.",
        two_slots(task_managers=2, allocations=8, connection_orders=1, evenly_spread=1),
        large=True,
    ),
    Scope(
        "look_ups",
        "One slot; the JobMaster loses its leadership, and the ResourceManager may register the"
        " former one.",
        one_slot(leader_changes=1, late_look_ups=1),
        large=True,
    ),
    TOGETHER,
    Scope(
        "storm",
        "Three TaskExecutors of two slots, a job of four shares, and any number of faults.",
        storm(allocations=12, regions=1),
        simulation_only=True,
    ),
)
