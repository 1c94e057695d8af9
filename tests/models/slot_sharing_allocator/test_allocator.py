"""Slot sharing in the scheduler: counts, verdicts, both engines, mutants, walks, Hypothesis."""

from __future__ import annotations

from random import Random

import pytest

from slotspec.models import load_model
from slotspec.models.slot_sharing_allocator.state import Effect
from slotspec.oracle.fuzzing.stateful import state_machine
from slotspec.oracle.slot_sharing_allocator.adapter import SlotSharingAllocatorOracle
from slotspec.statemachine import DISABLED, Instance
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.mutation import any_notices, assert_noticed, read, recordings
from tests.models.referee import Referee
from tests.models.searches import searched
from tests.models.slot_sharing_allocator.mutants import MUTANTS
from tests.variants import fast_last, fast_only

model = load_model("slot_sharing_allocator")
LIMITS = Limits(states=3_000_000, seconds=300)
KIND, RELEASE = "slot_sharing_allocator", "2.3.0"

COUNTS = {
    "bulks": (43_562, 363_931, 12),
    "one_group": (11_634, 96_289, 9),
    "three_groups": (43_154, 410_430, 11),
    "executions": (9_756, 151_877, 11),
    "terminations": (601, 4_953, 9),
    "batch": (137_430, 1_243_006, 13),
    "greedy": (2_440, 21_146, 12),
    "pool": (26_496, 452_996, 16),
    "reactions": (2_736, 25_640, 10),
}
OLD_COUNTS = {
    **COUNTS,
    "bulks": (42_882, 356_061, 12),
    "three_groups": (38_918, 348_546, 11),
    "executions": (9_756, 151_847, 11),
    "terminations": (421, 4_953, 8),
    "batch": (136_570, 1_226_216, 13),
    "greedy": (2_440, 21_094, 12),
    "pool": (7_576, 132_948, 12),
    "reactions": (2_736, 25_610, 10),
}
"""1.12, whose slots are returned if a termination fails, and stay in use if the pool raises; and
whose physical requests have no order of their own."""
ALWAYS = {"every_pending_request_is_checked", "every_request_is_answered"}
TIMEOUTS = {
    "a_timeout_fails_every_pending_request_of_its_bulk",
    "a_check_does_not_raise",
    "a_group_stays_pending_until_it_is_decided",
}
HALF_WAY = {"a_call_that_raises_changes_nothing", "what_nobody_uses_is_given_back"}
SPARED = "a_timeout_spares_groups_that_were_fulfilled"
DEVIATING = {
    "bulks": ALWAYS | TIMEOUTS | {SPARED},
    "one_group": set[str](),
    "three_groups": ALWAYS | TIMEOUTS | {SPARED},
    "executions": ALWAYS | TIMEOUTS | {"a_vertex_gets_a_slot_that_it_can_use"},
    "terminations": {"a_vertex_gets_a_slot_that_it_can_use", "the_process_goes_on"},
    "batch": ALWAYS | TIMEOUTS | {SPARED, "every_bulk_ends"},
    "greedy": ALWAYS | TIMEOUTS | {"every_bulk_ends", "a_bulk_that_could_be_served_goes_on"},
    "pool": ALWAYS | TIMEOUTS | HALF_WAY | {"a_taken_slot_has_a_shared_slot", "every_bulk_ends"},
    "reactions": ALWAYS
    | TIMEOUTS
    | {
        "every_bulk_ends",
        "no_request_keeps_a_released_slot",
        "a_completed_request_has_a_slot_of_the_pool",
    },
}
SINCE_1_20 = {"the_process_goes_on", "a_taken_slot_has_a_shared_slot"}
LARGE = {
    "groups": 3,
    "orders": 6,
    "vertices": 4,
    "positions": 4,
    "allocations": 3,
    "task_managers": 2,
    "bulks": 3,
    "profiles": 3,
    "modes": 4,
    "strangers": 1,
    "foreigners": 1,
    "payloads": 1,
    "failing_payloads": 1,
    "at_once": 0,
    "reactions": 1,
}
"""Bounds that no search exhausts."""


def large(generation: str, **bounds: int) -> Instance:
    return model.instance({**LARGE, **bounds}, generation=generation)


@pytest.mark.parametrize("generation", fast_last(model.generations))
@pytest.mark.parametrize("scope", fast_only(COUNTS, "terminations"))
def test_scopes(generation: str, scope: str) -> None:
    expected = (OLD_COUNTS if generation == "1.12" else COUNTS)[scope]
    result = searched(model.instance(generation=generation, scope=scope), expected[1])
    assert (result.states, result.transitions, result.depth) == expected
    assert result.limit is None
    assert result.verdict is Verdict.HOLDS
    deviating = {p.property.name for p in result.properties if p.verdict is Verdict.DEVIATES}
    assert deviating == DEVIATING[scope] - (SINCE_1_20 if generation == "1.12" else set())


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
@pytest.mark.parametrize("scope", COUNTS)
def test_both_engines_agree(generation: str, scope: str) -> None:
    bounds = {"vertices": 2, "allocations": 1, "bulks": 1, "groups": 1 + (scope != "one_group")}
    instance = model.instance(bounds, generation=generation, scope=scope)
    left, right = explore_interpreted(instance, LIMITS), explore_compiled(instance, LIMITS)
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
def test_every_transition_fires_somewhere() -> None:
    fired: set[object] = set()
    every: set[object] = set()
    for scope in COUNTS:
        result = searched(model.instance(scope=scope), COUNTS[scope][1])
        fired |= {key for key, times in result.fired.items() if times}
        every |= set(result.fired)
    assert fired == every


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice_a_mutant(name: str) -> None:
    assert any_notices(SlotSharingAllocatorOracle, KIND, RELEASE, MUTANTS[name].rules)


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_search_notices_a_mutant(name: str) -> None:
    assert_noticed(model, "2.3", MUTANTS[name])


@pytest.mark.slow
def test_recordings_conform_to_the_rules_as_they_are() -> None:
    assert not any_notices(SlotSharingAllocatorOracle, KIND, RELEASE, {})


@pytest.mark.parametrize("orders", ["any order", "as they are"])
def test_the_order_of_slots_decides_whether_a_bulk_goes_on(orders: str) -> None:
    """The first group wants any slot, the second the large one that comes last."""
    instance = model.instance(scope="greedy")
    texts = [
        "allocate(selection=3, walk=0, requests=0, free=0)",
        "add_slot(allocation=0, tm=0, profile=0)",
        "add_slot(allocation=1, tm=0, profile=1)",
        *(["order_of_slots_changes(order=1)"] if orders == "any order" else []),
        "run_check()",
    ]
    calls = [next(c for c in instance.calls if str(c) == text) for text in texts]
    told = [effect[0] for effect in explain(instance, calls).steps[-1].effects]
    assert (Effect.FAILED in told) == (orders == "any order")


def test_requests_may_go_in_another_order_than_their_groups() -> None:
    """Since 1.20: the groups are asked for in one order, and their requests made in another."""
    instance = model.instance(scope="greedy")
    text = "allocate(selection=3, walk=0, requests=1, free=0)"
    call = next(c for c in instance.calls if str(c) == text)
    (step,) = explain(instance, [call]).steps
    asked = [effect[1] for effect in step.effects if effect[0] == Effect.ASKED]
    made = [effect[1] for effect in step.effects if effect[0] == Effect.REQUEST_NEW]
    assert (asked, made) == ([0, 1], [1, 0])


def test_some_orders_are_not_all() -> None:
    with pytest.raises(UsageError, match="set orders=6 or orders=1") as raised:
        model.instance({"allocations": 3}, scope="greedy")
    assert raised.value.code == "SET002"
    model.instance({"allocations": 3, "orders": 1}, scope="greedy")


def test_more_slots_than_have_all_orders_are_refused() -> None:
    with pytest.raises(UsageError, match="set allocations=3") as raised:
        model.instance({"allocations": 4}, scope="greedy")
    assert raised.value.code == "SET002"


@pytest.mark.slow
def test_a_deviation_in_text() -> None:
    instance = model.instance(scope="three_groups")
    result = searched(instance, COUNTS["three_groups"][1])
    found = next(p for p in result.properties if p.property.name == "a_check_does_not_raise")
    assert found.finding is not None
    formatter = formatter_of(instance)
    first, last = found.finding.steps
    assert formatter.format_step(first) == "allocate(v1, v2)"
    assert formatter.effects(first) == [
        "a new slot is requested for g1",
        "a new slot is requested for g2",
    ]
    assert formatter.changes(first)[:3] == [
        "g1: ABSENT -> REQUESTED",
        "g2: ABSENT -> REQUESTED",
        "request of v1: UNASKED -> PENDING",
    ]
    assert formatter.effects(last) == [
        "the request of v1 fails (no resource available)",
        "the request of g1 is given back to the pool",
        "the check raises ConcurrentModificationException",
    ]


@pytest.mark.parametrize("generation", fast_last(model.generations))
@pytest.mark.parametrize("at_once", [0, 1])
def test_random_walks_agree(generation: str, at_once: int) -> None:
    chance = Random(1)
    instance = large(generation, at_once=at_once)
    heard: set[tuple[str, str, str]] = set()
    for _ in range(12):
        referee = Referee(instance.lifecycles)
        s = instance.fresh(referee)
        for _ in range(300):
            call = chance.choice(instance.calls)
            s.effects = []
            if call.action.function(s, *call.arguments) != DISABLED:
                assert referee.agrees(s), str(call)
        heard |= set(referee.heard)
    assert len(heard) >= 12


@pytest.mark.parametrize("generation", fast_last(model.generations))
def test_replayed_recordings_agree(generation: str) -> None:
    lifecycles = model.instance(generation=generation).lifecycles
    heard = 0
    for path in recordings(KIND, f"{generation}.*")[:12]:
        header, steps = read(path)
        referee = Referee(lifecycles)
        oracle = SlotSharingAllocatorOracle(generation, header, listener=referee)
        for step in steps:
            oracle.step(step.op, **step.arguments)
            assert referee.agrees(oracle.state), f"{path.name}, line {step.line}"
        heard += sum(referee.heard.values())
    assert heard > 100


Test112 = pytest.mark.slow(state_machine(large("1.12")).TestCase)
Test120 = pytest.mark.slow(state_machine(large("1.20", orders=1)).TestCase)
Test23 = state_machine(large("2.3", at_once=1)).TestCase
