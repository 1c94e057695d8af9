"""The slot manager: counts, verdicts, both engines, symmetry, and machines as referees."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.statemachine import DISABLED, Result
from slotspec.statemachine.declaration.model import Kind
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limit, Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.referee import Referee
from tests.models.searches import searched
from tests.variants import fast_last, fast_only

model = load_model("slot_manager")
LIMITS = Limits(states=3_000_000, seconds=60)

COUNTS = {
    ("1.11", "reports"): (125_302, 4_797_892, 18),
    ("1.11", "connections"): (11_638, 456_768, 14),
    ("1.11", "workers"): (250_960, 7_350_288, 23),
    ("1.11", "unknown"): (51_206, 1_817_692, 16),
    ("1.11", "time"): (36_066, 499_238, 28),
    ("1.11", "asking"): (5_190, 73_068, 25),
    ("1.11", "redundancy"): (50_743, 720_645, 27),
    ("1.11", "queue"): (26_064, 570_180, 26),
    ("1.11", "any_order"): (56_868, 1_738_350, 17),
    ("1.12", "reports"): (125_302, 4_672_590, 18),
    ("1.12", "connections"): (11_638, 445_130, 14),
    ("1.12", "workers"): (250_960, 7_099_328, 23),
    ("1.12", "unknown"): (51_206, 1_766_486, 16),
    ("1.12", "time"): (36_066, 467_792, 28),
    ("1.12", "asking"): (5_190, 68_346, 25),
    ("1.12", "redundancy"): (50_743, 676_694, 27),
    ("1.12", "queue"): (26_064, 547_920, 26),
    ("1.12", "any_order"): (56_868, 1_681_482, 17),
    ("1.13", "reports"): (125_302, 4_672_590, 18),
    ("1.13", "connections"): (11_638, 445_130, 14),
    ("1.13", "workers"): (182_468, 5_095_788, 25),
    ("1.13", "unknown"): (139_288, 4_780_072, 23),
    ("1.13", "time"): (13_656, 180_174, 32),
    ("1.13", "asking"): (1_345, 17_350, 20),
    ("1.13", "redundancy"): (13_747, 175_534, 25),
    ("1.13", "queue"): (26_064, 547_920, 26),
    ("1.13", "any_order"): (23_892, 687_614, 16),
}
"""States, transitions and depth of every scope."""

ONE = {
    "task_managers": 1,
    "instances": 1,
    "slots": 1,
    "report_entries": 1,
    "allocations": 1,
    "requests": 2,
    "calls": 3,
    "pending_slots": 1,
    "max_slots": 1,
    "workers": 1,
}
SMALL = {
    "time": {
        **ONE,
        "timers": 2,
        "task_manager_timeout": 1,
        "slot_request_timeout": 1,
        "wait_result_consumed": 1,
        "queries": 2,
    },
    "queue": {**ONE, "allocations": 2, "auto_run": 0, "workers": 0, "cancelled_answers": 0},
    "order": {
        **ONE,
        "instances": 2,
        "slots": 2,
        "report_entries": 2,
        "calls": 6,
        "pending_slots": 4,
        "max_slots": 4,
        "slots_per_worker": 2,
        "iteration_order": 1,
        "profiles": 2,
    },
}
"""Bounds that the interpreter searches in a few seconds."""
DEPTHS = {"order": 7, "queue": 10}
"""How deep it follows in all releases but the newest, which it searches as a whole."""


@cache
def checked(generation: str, scope: str) -> Result:
    instance = model.instance(generation=generation, scope=scope)
    return searched(instance, COUNTS[generation, scope][1])


@pytest.mark.parametrize(
    ("generation", "scope"),
    fast_only(COUNTS, ("1.13", "connections"), ("1.13", "time"), ("1.13", "asking")),
)
def test_scopes(generation: str, scope: str) -> None:
    result = checked(generation, scope)
    assert (result.states, result.transitions, result.depth) == COUNTS[generation, scope]
    assert result.verdict is Verdict.HOLDS
    setting = model.instance(generation=generation, scope=scope).setting
    for p in result.properties:
        known = p.property.deviation is not None and p.property.deviation(setting)
        assert (p.verdict is Verdict.DEVIATES) == bool(known), p.property.name


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
def test_every_transition_fires(generation: str) -> None:
    results = [checked(generation, scope) for scope in model.scopes]
    assert set.intersection(*(set(result.dead) for result in results)) == set()


@pytest.mark.parametrize("generation", model.generations)
def test_every_property_is_checked(generation: str) -> None:
    names = {
        name
        for scope in model.scopes
        for name in model.instance(generation=generation, scope=scope).properties
    }
    absent = {"the_reserve_is_kept"} if generation == "1.11" else set()
    assert set(model.properties) - names == absent


@pytest.mark.slow
def test_there_are_witnesses_and_deviations() -> None:
    kinds = [p.kind for p in model.properties.values()]
    assert kinds.count(Kind.SOMETIMES) >= 15
    assert sum(p.deviation is not None for p in model.properties.values()) >= 20


@pytest.mark.parametrize(
    "bounds",
    fast_only(SMALL, "time"),
)
@pytest.mark.parametrize("generation", fast_last(model.generations))
def test_both_engines_agree(generation: str, bounds: str) -> None:
    instance = model.instance(SMALL[bounds], generation=generation)
    depth = None if generation == "1.13" else DEPTHS.get(bounds)
    limits = LIMITS if depth is None else Limits(depth=depth)
    left, right = explore_interpreted(instance, limits), explore_compiled(instance, limits)
    assert left.limit is right.limit is (None if depth is None else Limit.DEPTH)
    assert left.states > 40
    assert (left.states, left.transitions, left.depth) == (
        right.states,
        right.transitions,
        right.depth,
    )
    assert left.fired == right.fired
    assert left.taken == right.taken
    for mine, other in zip(left.properties, right.properties, strict=True):
        assert (mine.property.name, mine.verdict) == (other.property.name, other.verdict)
        if mine.finding and other.finding:
            assert len(mine.finding.steps) == len(other.finding.steps)


@pytest.mark.slow
def test_names_of_jobs_make_no_difference() -> None:
    instance = model.instance({**SMALL["time"], "jobs": 2}, generation="1.12")
    plain = explore_compiled(instance, LIMITS)
    reduced = explore_compiled(instance, LIMITS, symmetry="exact")
    assert reduced.states < plain.states
    assert reduced.depth == plain.depth
    verdicts = [
        [(p.property.name, p.verdict) for p in result.properties] for result in (plain, reduced)
    ]
    assert verdicts[0] == verdicts[1]


@pytest.mark.slow
def test_any_order_lets_the_younger_request_go_first() -> None:
    """The choice matters: what linked maps guarantee, hash maps do not."""
    name = "a_freed_slot_goes_to_the_oldest_request"
    assert name in model.instance(scope="reports").properties
    assert name not in model.instance(scope="any_order").properties
    linked = explore_compiled(model.instance({"iteration_order": 0}, scope="any_order"), LIMITS)
    assert linked.states < checked("1.13", "any_order").states


@pytest.mark.parametrize(
    ("bounds", "fix"),
    [
        ({"max_slots": 5, "pending_slots": 4}, "set pending_slots=5"),
        ({"allocations": 7, "requests": 6}, "set requests=7"),
        ({"slots": 4, "report_entries": 2}, "set calls=12"),
        ({"slots": 4, "calls": 12}, "set report_entries=2"),
        ({"timers": 1}, "set timers=2"),
        ({"timers": 2, "wait_result_consumed": 1, "queries": 3}, "set queries=4"),
    ],
)
def test_too_few_records_are_refused(bounds: dict[str, int], fix: str) -> None:
    with pytest.raises(UsageError, match=fix) as raised:
        model.instance(bounds, scope="reports")
    assert raised.value.code == "SET002"


@pytest.mark.parametrize("generation", model.generations)
def test_machines_referee_the_rules(generation: str) -> None:
    bounds: dict[str, Any] = {
        **SMALL["order"],
        "allocations": 2,
        "requests": 4,
        "timers": 2,
        "task_manager_timeout": 1,
        "slot_request_timeout": 2,
        "wait_result_consumed": 1,
        "queries": 4,
    }
    rng = Random(7)
    instance = model.instance(bounds, generation=generation)
    referee = Referee(instance.lifecycles)
    s = instance.fresh(referee)
    assert model.settle is not None
    for _ in range(4_000):
        call = rng.choice(instance.calls)
        s.effects = []
        if call.action.name == "suspend" and rng.random() < 0.9:
            continue
        if call.action.function(s, *call.arguments) != DISABLED:
            model.settle(s)
            assert referee.agrees(s), str(call)
    assert {name for name, _, _ in referee.heard} == {
        lifecycle.__name__ for lifecycle in instance.lifecycles.values()
    }
