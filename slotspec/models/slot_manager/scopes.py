"""The bounds of a default run: small scopes, each about one aspect of the manager.

One scope with everything in it would be too large to search. Bounds that a scope does not name
keep their defaults.
"""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

_one = partial(
    dict[str, int],
    task_managers=1,
    instances=1,
    slots=1,
    report_entries=1,
    allocations=2,
    requests=4,
    calls=3,
    pending_slots=1,
    max_slots=1,
)
"""One TaskExecutor of one slot, two allocations."""

_two = partial(
    dict[str, int],
    task_managers=2,
    instances=2,
    slots=2,
    report_entries=1,
    allocations=2,
    requests=4,
    calls=6,
)
"""Two TaskExecutors of one slot each, two allocations."""

SCOPES = (
    Scope(
        "reports",
        "Two TaskExecutors of one slot each, three allocations, no new workers: requests,"
        " answers and reports that contradict one another.",
        _two(allocations=3, requests=6, workers=0),
        large=True,
    ),
    Scope(
        "connections",
        "One TaskExecutor of two slots, which returns under a second connection while the"
        " first is still known.",
        _two(task_managers=1, report_entries=2, pending_slots=4, max_slots=4, workers=0),
    ),
    Scope(
        "workers",
        "New workers of two slots, which are sometimes refused, and two profiles, of which"
        " workers have the smaller: reservations, the maximum, unfulfillable requests.",
        _two(
            profiles=2,
            slots_per_worker=2,
            pending_slots=3,
            max_slots=3,
            moody_resources=1,
            fail_flag=1,
            spread=1,
            reports=0,
            occupied_answers=0,
            cancelled_answers=0,
        ),
    ),
    Scope(
        "unknown",
        "Two TaskExecutors of one slot each, whose profile may be UNKNOWN: what exceptions leave"
        " behind in 1.13.",
        _two(profiles=3, workers=0, occupied_answers=0, cancelled_answers=0),
    ),
    Scope(
        "time",
        "One TaskExecutor of one slot, two requests, both checks: requests time out while they"
        " wait for a worker, and idle TaskExecutors are released.",
        _one(
            timers=2, task_manager_timeout=1, slot_request_timeout=2, reports=0, occupied_answers=0
        ),
    ),
    Scope(
        "asking",
        "The same with one allocation and two starts: an idle TaskExecutor is asked before it"
        " is released, and answers late.",
        _one(
            allocations=1,
            requests=2,
            timers=4,
            task_manager_timeout=1,
            slot_request_timeout=1,
            wait_result_consumed=1,
            queries=4,
            reports=0,
            occupied_answers=0,
        ),
    ),
    Scope(
        "redundancy",
        "Two TaskExecutors of one slot each, one request, one worker kept in reserve.",
        _two(
            allocations=1,
            requests=2,
            timers=2,
            task_manager_timeout=1,
            slot_request_timeout=1,
            redundant_task_managers=1,
            reports=0,
            occupied_answers=0,
            cancelled_answers=0,
        ),
    ),
    Scope(
        "queue",
        "One slot, two allocations, and a busy main thread: other operations come between an"
        " answer and its outcome.",
        _one(auto_run=0, workers=0, fail_flag=1),
    ),
    Scope(
        "any_order",
        "Hash maps instead of linked ones: new workers of two slots, and any order of requests,"
        " expected slots and registrations.",
        _two(slots_per_worker=2, pending_slots=3, max_slots=3, iteration_order=1),
    ),
)
