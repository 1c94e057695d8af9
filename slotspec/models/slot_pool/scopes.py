"""The bounds of a default run: small scopes, each about one aspect of the pool.

One scope with everything would have too many states, most of which only combine features
that do not interact. Bounds that a scope does not name keep their defaults.
"""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

_bounds = partial(
    dict[str, int],
    task_managers=1,
    requests=2,
    request_ids=2,
    foreign_allocations=1,
    profiles=1,
)
"""One task manager, two requests of one profile, an allocation that nobody asked for."""

_reuse = partial(_bounds, batch_requests=1, reused_ids=1, leaks=2, payloads=1, unstarted=1)
"""Everything about request ids that are used again."""

SCOPES = (
    Scope(
        "matching",
        "Two task managers, two requests, two profiles of which one satisfies the other, and"
        " an allocation that nobody asked for: who gets which slot.",
        _bounds(task_managers=2, profiles=2),
        large=True,
    ),
    Scope("one_task_manager", "The same with one task manager.", _bounds(profiles=2)),
    Scope(
        "queue",
        "Three requests and a foreign slot: order, cancels, and remaps of remaps.",
        _bounds(requests=3, request_ids=3),
        large=True,
    ),
    Scope(
        "remaps",
        "The same without a foreign slot.",
        _bounds(requests=3, request_ids=3, foreign_allocations=0),
    ),
    Scope(
        "time",
        "Streaming and batch requests of two profiles, payloads, and the two checks.",
        _bounds(
            profiles=2, batch_requests=1, payloads=1, timers=2, idle_timeout=1, batch_timeout=2
        ),
        large=True,
    ),
    Scope(
        "leaders",
        "Two ResourceManager leaders, two slot numbers, payloads, two starts on running"
        " timers: who receives which call, and what survives.",
        _bounds(
            slot_indices=2,
            foreign_allocations=0,
            gateways=2,
            payloads=1,
            timers=4,
            idle_timeout=1,
            batch_timeout=1,
        ),
    ),
    Scope(
        "reuse",
        "Request ids reused while in use, batch and streaming, and operations"
        " before the first start: leaks, twins and finished entries.",
        _reuse(),
        large=True,
    ),
    Scope("twins", "The same without a foreign slot.", _reuse(foreign_allocations=0)),
)
