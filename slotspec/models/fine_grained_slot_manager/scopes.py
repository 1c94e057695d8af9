"""The bounds of a default run: small scopes, each about one aspect of the manager.

One scope with everything in it would be too large to search. Bounds that a scope does not name
keep their defaults.
"""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

_standalone = partial(dict[str, int], allocator=0, timers=1)
"""A cluster whose workers nobody asks for."""

_restarts = partial(dict[str, int], allocations=2, timers=4, task_manager_timeout=1, queries=3)
"""One worker that is asked for and given back, a manager that is started again."""

_two = partial(
    dict[str, int],
    task_managers=2,
    instances=2,
    allocations=2,
    pending_workers=3,
    timers=2,
    task_manager_timeout=1,
    queries=4,
)
"""Two TaskExecutors that are asked for and given back."""

_two_of_two = partial(
    _standalone,
    task_managers=2,
    instances=2,
    slots_per_worker=2,
    allocations=4,
    most_required=3,
    pending_workers=3,
    failing_answers=0,
)
"""Two TaskExecutors of two slots, which nobody asks for, and one job of three slots."""

_mixed = partial(_standalone, allocations=3, profiles=3, requirement_entries=3)
"""One TaskExecutor, which nobody asks for, and slots that are small, large, or any."""

SCOPES = (
    Scope(
        "requests",
        "A standalone cluster of two TaskExecutors of one slot each, two jobs: answers that fail"
        " together, losses.",
        _standalone(
            jobs=2, task_managers=2, instances=2, allocations=3, most_required=2, pending_workers=4
        ),
        large=True,
    ),
    Scope(
        "workers",
        "One job of one slot, one worker that is asked for and given back, checks and"
        " declarations with delays.",
        _restarts(pending_workers=1, timers=3, check_delay=1, declare_delay=1),
    ),
    Scope(
        "redundancy",
        "One worker in reserve, and a maximum of two.",
        _two(
            most_required=2,
            check_delay=1,
            redundant_task_managers=1,
            max_slots=2,
            failing_answers=0,
        ),
    ),
    Scope(
        "minimum",
        "A minimum of one worker, and a maximum of two.",
        _two(most_required=2, min_slots=1, max_slots=2, moody_resources=1),
    ),
    Scope(
        "profiles",
        "One TaskExecutor of three slots, one job that requires small slots, large ones, or any:"
        " requirements that change while slots are there.",
        _mixed(slots_per_worker=3, most_required=2, pending_workers=6, failing_answers=0, losses=0),
    ),
    Scope(
        "reports",
        "One TaskExecutor of two slots, one job that requires small slots, large ones, or any:"
        " reports that overtake answers or name slots that nobody asked for.",
        _mixed(
            report_entries=3,
            slots_per_worker=2,
            pending_workers=3,
            reports=2,
            occupied_answers=1,
            losses=0,
        ),
    ),
    Scope(
        "restarts",
        "A ResourceManager that loses leadership and gains it again, with delayed checks and"
        " declarations.",
        _restarts(pending_workers=3, check_delay=1, declare_delay=1, restarts=1),
        large=True,
    ),
    Scope(
        "starts",
        "The same without delays, and a manager that is started twice.",
        _restarts(pending_workers=2, restarts=2),
    ),
    Scope(
        "spread",
        "Two TaskExecutors of two slots, the least utilized first; one may be blocked.",
        _two_of_two(strategy=1, blocking=1),
        large=True,
    ),
    Scope(
        "fewest",
        "Two TaskExecutors of two slots, the most utilized first (2.3); notifications that are"
        " switched off.",
        _two_of_two(strategy=2, notify_flag=1),
    ),
    Scope(
        "sizes",
        "TaskExecutors of one and of two slots, while the manager asks for those of one slot;"
        " a minimum and a maximum.",
        _two(totals=2, allocations=4, min_slots=2, max_slots=3, failing_answers=0),
    ),
    Scope(
        "queue",
        "A busy main thread: other operations come between an answer and what it leads to.",
        _standalone(
            slots_per_worker=2, allocations=3, most_required=2, pending_workers=2, auto_run=0
        ),
        large=True,
    ),
    Scope(
        "any_order",
        "Hash maps in any order: two jobs, workers of two slots, a maximum.",
        {
            "jobs": 2,
            "slots_per_worker": 2,
            "allocations": 2,
            "most_required": 2,
            "pending_workers": 5,
            "max_slots": 4,
            "timers": 1,
            "iteration_order": 1,
            "redundant_task_managers": 1,
        },
    ),
    Scope(
        "refusals",
        "Two jobs, a maximum of one worker, one in reserve: three workers are refused together,"
        " in any order, while a blocked one is there.",
        {
            "jobs": 2,
            "allocations": 1,
            "pending_workers": 3,
            "max_slots": 1,
            "timers": 1,
            "iteration_order": 1,
            "redundant_task_managers": 1,
            "blocking": 1,
        },
    ),
    Scope(
        "leaving",
        "One TaskExecutor of three small slots, one job: slots of several profiles leave together,"
        " in any order.",
        _mixed(slots_per_worker=3, pending_workers=3, failing_answers=0, iteration_order=1),
    ),
)
