"""Small bounds of the slot pool, and their check, which runs once for all tests."""

from __future__ import annotations

from functools import cache

from slotspec.models import load_model
from slotspec.statemachine import Call, Instance, Result
from slotspec.statemachine.formatting import TraceFormatter, formatter_of
from tests.models.searches import searched

POOL = load_model("slot_pool")
ONE = {
    "task_managers": 1,
    "slot_indices": 1,
    "requests": 1,
    "request_ids": 1,
    "foreign_allocations": 0,
    "profiles": 1,
    "gateways": 1,
}
BOUNDS = {
    "time": {
        **ONE,
        "foreign_allocations": 1,
        "profiles": 2,
        "batch_requests": 1,
        "payloads": 1,
        "timers": 2,
        "idle_timeout": 1,
        "batch_timeout": 1,
    },
    "reuse": {
        **ONE,
        "requests": 2,
        "request_ids": 2,
        "batch_requests": 1,
        "payloads": 1,
        "reused_ids": 1,
        "leaks": 2,
    },
    "queue": {**ONE, "requests": 3, "request_ids": 3},
}
"""Together these show every known deviation and every witness (see test_export)."""

RUNS = [
    (scope, generation)
    for scope in BOUNDS
    for generation in POOL.generations
    # without remaps, three requests show nothing that two do not
    if (scope, generation) != ("queue", "1.11")
]


def instance(scope: str, generation: str) -> Instance:
    """The slot pool within these bounds."""
    return POOL.instance(BOUNDS[scope], generation=generation)


TRANSITIONS = {"time": 200_000, "reuse": 2_000_000, "queue": 10_000_000}
"""Roughly how many there are, which decides how well to compile."""


@cache
def checked(scope: str, generation: str) -> Result:
    """The result of a compiled check of these bounds, with all their states."""
    return searched(instance(scope, generation), TRANSITIONS[scope])


def calls(instance: Instance, *wanted: str) -> list[Call]:
    """The calls of these texts, such as ``offer_slot(tm=0, index=0, allocation=0, profile=0)``."""
    by_text = {str(call): call for call in instance.calls}
    return [by_text[text] for text in wanted]


def formatter(scope: str = "time", generation: str = "1.12") -> TraceFormatter:
    """The formatter of such an instance."""
    return formatter_of(instance(scope, generation))
