"""The bounds of a default run: small scopes, each about one aspect of slot sharing."""

from __future__ import annotations

from functools import partial

from slotspec.statemachine.declaration.model import Scope

_bounds = partial(dict[str, int], groups=2, vertices=3, allocations=2, bulks=2)
"""Two groups, three vertices, two slots, two bulks at a time."""

SCOPES = (
    Scope(
        "bulks",
        "Two groups, three vertices, two slots, two bulks at a time, in a streaming job: who is"
        " served, cancelled, timed out and lost.",
        _bounds(),
    ),
    Scope(
        "one_group",
        "A single group of three vertices, two slots, two bulks at a time: what holds where no"
        " bulk has several groups.",
        _bounds(groups=1),
    ),
    Scope(
        "three_groups",
        "Three groups of one vertex, one slot, two bulks at a time: walks over several groups.",
        _bounds(groups=3, allocations=1, orders=6),
    ),
    Scope(
        "executions",
        "Two groups, three vertices with executions, which terminate at once, later or never.",
        _bounds(bulks=1, payloads=1),
        large=True,
    ),
    Scope(
        "terminations",
        "One group of two vertices with executions whose termination futures may fail.",
        _bounds(groups=1, vertices=2, allocations=1, bulks=1, payloads=1, failing_payloads=1),
    ),
    Scope(
        "batch",
        "A batch job, whose slots others may have later; slots and requests of several profiles.",
        _bounds(indefinitely=0, profiles=2),
    ),
    Scope(
        "greedy",
        "A pool that gives its slots away when it likes, groups and slots of two profiles: checks"
        " that look at slots in any order.",
        _bounds(vertices=2, bulks=1, at_once=0, profiles=2),
    ),
    Scope(
        "pool",
        "A pool that fails, refuses and raises; slots with other payloads; a vertex that is no"
        " member of its group.",
        _bounds(bulks=1, modes=4, foreigners=1, strangers=1),
    ),
    Scope(
        "reactions",
        "A pool that gives its slots away when it likes; slots are lost while requests complete.",
        _bounds(bulks=1, at_once=0, reactions=1),
    ),
)
