"""The bounds of a default run: small scopes, each about one aspect of the pool.

One scope with everything in it would be too large to search. Bounds that a scope does not name
keep their defaults; bounds about what a generation does not have change nothing there.
"""

from __future__ import annotations

from functools import partial

from slotspec.models.declarative_slot_pool.versions import Strategy
from slotspec.statemachine.declaration.model import Scope

_any_order = partial(dict[str, int], iteration_order=1)
"""Hash tables in any order."""

SCOPES = (
    Scope(
        "core",
        "The bridge: two TaskExecutors, three allocations, two requests of one profile.",
        {"task_managers": 2, "allocations": 3},
    ),
    Scope(
        "profiles",
        "Two requests, for a profile or for any (UNKNOWN), and slots that can serve both.",
        {"profiles": 3},
        large=True,
    ),
    Scope(
        "any_slots",
        "Slots of profile ANY, which serve everything, and requirements for ANY, which are"
        " confused with the wildcard.",
        _any_order(any_slots=1, any_requests=1),
    ),
    Scope(
        "restarts",
        "A job that takes all slots while it restarts, and payloads in them.",
        {"restarts": 1, "payloads": 1},
    ),
    Scope(
        "delay",
        "Declarations that wait for two ticks; a job of mixed profiles.",
        {"profiles": 3, "interval": 2, "timers": 1, "losses": 0},
    ),
    Scope(
        "repetition",
        "Declarations that wait, fail and are sent again, also to another ResourceManager.",
        {
            "interval": 1,
            "longest_backoff": 2,
            "timers": 2,
            "gateways": 2,
            "allocations": 1,
            "losses": 0,
        },
    ),
    Scope(
        "deferral",
        "Requests that wait until all can be served, by the load of two TaskExecutors.",
        _any_order(
            profiles=3,
            task_managers=2,
            interval=1,
            defer=1,
            strategy=Strategy.BALANCED,
            loads=2,
            timers=2,
            losses=0,
            gives_up=0,
        ),
        large=True,
    ),
    Scope(
        "balanced",
        "The balanced strategy without deferral, and two slots in one offer.",
        _any_order(task_managers=2, offer_entries=2, strategy=Strategy.BALANCED, loads=2),
    ),
    Scope(
        "preferences",
        "Three requests that may name an allocation, and two slots in one offer.",
        _any_order(
            requests=3,
            request_ids=3,
            most_required=6,
            offer_entries=2,
            strategy=Strategy.PREFERRED,
            preferences=1,
            losses=0,
        ),
        large=True,
    ),
    Scope(
        "picky",
        "The same with two requests.",
        _any_order(
            most_required=6, offer_entries=2, strategy=Strategy.PREFERRED, preferences=1, losses=0
        ),
    ),
    Scope(
        "idle",
        "Slots that are free for too long, and a job of mixed profiles.",
        _any_order(profiles=3, idle_timeout=1, timers=1, losses=0),
    ),
    Scope(
        "batch",
        "Batch requests that time out, and idle slots.",
        _any_order(idle_timeout=1, batch_timeout=1, timers=2, batch_requests=1),
    ),
    Scope(
        "unknown_slots",
        "Slots of profile UNKNOWN, which nothing can be compared with.",
        _any_order(
            profiles=3,
            unknown_slots=1,
            batch_timeout=1,
            timers=1,
            batch_requests=1,
            requests=1,
            request_ids=1,
        ),
    ),
    Scope(
        "mistakes",
        "An allocation twice in one offer, slots that are taken though they are gone or do not"
        " match, payloads in free slots.",
        _any_order(
            mistakes=1,
            offer_entries=2,
            payloads=1,
            idle_timeout=1,
            timers=1,
            any_requests=1,
            requests=1,
            request_ids=1,
        ),
        large=True,
    ),
    Scope(
        "late",
        "Calls before the start and after the end, and request ids that are used again.",
        {"reused_ids": 1, "late_calls": 1, "batch_requests": 1, "interval": 1, "timers": 1},
    ),
    Scope(
        "any_order",
        "Hash tables in any order: slots that serve everything, and idle ones.",
        _any_order(profiles=3, any_slots=1, idle_timeout=1, timers=1, losses=0),
        large=True,
    ),
    Scope(
        "pool",
        "The pool alone, as the adaptive scheduler drives it.",
        _any_order(bridge=0, profiles=3, idle_timeout=1, interval=1, timers=1, payloads=1),
    ),
    Scope(
        "pool_mistakes",
        "The pool alone with slots of any profile, and callers that make mistakes.",
        _any_order(
            bridge=0, profiles=2, any_slots=1, mistakes=1, payloads=1, idle_timeout=1, timers=1
        ),
    ),
)
