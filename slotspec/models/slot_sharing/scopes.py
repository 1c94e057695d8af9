"""The bounds of a default run: small scopes, each about one aspect of slot sharing.

One scope with everything in it would be too large. In the first five, scheduler and pool do
what the real ones do; in the others, also what nothing forbids. Bounds that a scope does not
name keep their defaults.
"""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

_bounds = partial(
    dict[str, int],
    multis=2,
    slots=2,
    groups=2,
    payloads=1,
    physical_slots=0,
    profiles=1,
    deployments=0,
)
"""Two multi-task slots, two single-task slots of two groups, no separate physical slots."""

SCOPES = (
    Scope(
        "sharing",
        "Three multi-task slots, as roots or co-location slots, three tasks of two profiles, a"
        " payload: trees grow, are resolved, and are released.",
        _bounds(multis=3, slots=3, profiles=2, allocations=2, deployments=1),
        large=True,
    ),
    Scope(
        "colocation",
        "Four multi-task slots: co-location within co-location.",
        _bounds(multis=4, slots=3, profiles=2, most_reserved=2),
        large=True,
    ),
    Scope(
        "payloads",
        "One root, three tasks, three payloads that end at once, later or never: owners that call"
        " back when slots are returned.",
        _bounds(multis=1, slots=3, groups=3, profiles=2, payloads=3, deployments=1),
    ),
    Scope(
        "resources",
        "Five profiles, two of which do not fit into each other, one unknown and one unbounded:"
        " reservations, and what fits.",
        _bounds(slots=3, groups=3, profiles=5, most_reserved=4),
        large=True,
    ),
    Scope(
        "profiles",
        "The same with two groups.",
        _bounds(slots=3, groups=2, profiles=5, most_reserved=4),
    ),
    Scope(
        "callbacks",
        "Two roots, three tasks of three groups; in the middle of a release the scheduler requests"
        " another share, or returns one.",
        _bounds(slots=3, groups=3, profiles=2, deployments=1, callbacks=1),
    ),
    Scope(
        "places",
        "Three roots, two TaskExecutors, two allocations that the pool gives twice: the tables of"
        " roots.",
        _bounds(multis=3, groups=1, task_managers=2, allocations=2, taken_allocations=1),
    ),
    Scope(
        "replaced",
        "Groups that are requested again below a slot, in trees of depth three.",
        _bounds(multis=3, repeated_groups=1),
    ),
    Scope(
        "surprises",
        "Groups requested again, allocations given twice, and slots that are too small, together.",
        _bounds(
            profiles=2,
            deployments=1,
            repeated_groups=1,
            taken_allocations=1,
            small_slots=1,
        ),
    ),
    Scope(
        "late",
        "Callers call slots that have left all tables; owners release nothing.",
        _bounds(late_calls=1, owner_releases=0),
    ),
)
