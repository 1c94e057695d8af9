"""The fine-grained slot manager: counts, verdicts, both engines, and machines as referees."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from slotspec.models import load_model
from slotspec.models.common.orders import ORDERS
from slotspec.models.fine_grained_slot_manager.checking import note_unfulfillable
from slotspec.models.fine_grained_slot_manager.workers import plan_row
from slotspec.statemachine import DISABLED, Result
from slotspec.statemachine.declaration.model import Kind
from slotspec.statemachine.declaration.queues import append
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.referee import Referee
from tests.models.searches import searched
from tests.variants import fast_only

model = load_model("fine_grained_slot_manager")
NEWEST = list(model.generations)[-1]
LIMITS = Limits(states=3_000_000, seconds=120)

COUNTS = {
    ("1.14", "requests"): (104_378, 1_760_693, 23),
    ("1.14", "workers"): (734, 7_601, 17),
    ("1.14", "redundancy"): (6_836, 80_391, 17),
    ("1.14", "minimum"): (13_082, 173_704, 22),
    ("1.14", "profiles"): (46_337, 660_693, 22),
    ("1.14", "reports"): (356_965, 4_294_637, 29),
    ("1.14", "restarts"): (4_603, 50_936, 26),
    ("1.14", "starts"): (8_594, 92_340, 24),
    ("1.14", "spread"): (17_946, 211_085, 19),
    ("1.14", "fewest"): (35_891, 493_943, 20),
    ("1.14", "sizes"): (10_245, 124_158, 23),
    ("1.14", "queue"): (482_998, 2_185_854, 33),
    ("1.14", "any_order"): (13_378, 182_152, 15),
    ("1.14", "refusals"): (336, 3_182, 11),
    ("1.14", "leaving"): (13_887, 190_799, 23),
    ("1.20", "requests"): (41_146, 695_221, 22),
    ("1.20", "workers"): (4_174, 47_535, 25),
    ("1.20", "redundancy"): (6_645, 72_028, 27),
    ("1.20", "minimum"): (11_376, 162_419, 19),
    ("1.20", "profiles"): (14_268, 205_907, 18),
    ("1.20", "reports"): (136_938, 1_653_556, 22),
    ("1.20", "restarts"): (83_413, 1_007_111, 36),
    ("1.20", "starts"): (9_667, 123_950, 22),
    ("1.20", "spread"): (36_432, 612_272, 17),
    ("1.20", "fewest"): (15_931, 220_633, 15),
    ("1.20", "sizes"): (18_257, 235_389, 22),
    ("1.20", "queue"): (186_364, 891_834, 24),
    ("1.20", "any_order"): (15_606, 307_866, 11),
    ("1.20", "refusals"): (2_424, 44_556, 10),
    ("1.20", "leaving"): (5_403, 75_419, 18),
    ("2.3", "requests"): (41_146, 695_221, 22),
    ("2.3", "workers"): (4_174, 47_535, 25),
    ("2.3", "redundancy"): (6_645, 72_028, 27),
    ("2.3", "minimum"): (11_376, 162_419, 19),
    ("2.3", "profiles"): (14_268, 205_907, 18),
    ("2.3", "reports"): (136_938, 1_653_556, 22),
    ("2.3", "restarts"): (83_413, 1_007_111, 36),
    ("2.3", "starts"): (9_667, 123_950, 22),
    ("2.3", "spread"): (36_432, 612_272, 17),
    ("2.3", "fewest"): (15_951, 220_933, 15),
    ("2.3", "sizes"): (18_257, 235_389, 22),
    ("2.3", "queue"): (186_364, 891_834, 24),
    ("2.3", "any_order"): (15_606, 307_866, 11),
    ("2.3", "refusals"): (2_424, 44_556, 10),
    ("2.3", "leaving"): (5_403, 75_419, 18),
}
"""States, transitions and depth of every scope."""

FINDINGS = {
    "M1": (
        ("redundancy", "a_check_under_way_is_made", 3),
        ("redundancy", "delayed_work_succeeds", 3),
        ("redundancy", "missing_slots_that_fit_are_requested", 9),
        ("redundancy", "what_is_declared_is_served_or_refused", 10),
        ("any_order", "declaring_requirements_succeeds", 3),
        ("refusals", "what_is_declared_is_served_or_refused", 6),
    ),
    "M2": (
        ("requests", "missing_slots_that_fit_are_requested", 7),
        ("requests", "what_is_declared_is_served_or_refused", 7),
    ),
    "M3": (
        ("profiles", "declaring_requirements_succeeds", 6),
        ("profiles", "no_slot_is_in_excess_that_is_missing", 7),
    ),
    "M4": (
        ("workers", "unwanted_task_managers_have_no_slots", 6),
        ("workers", "no_task_manager_with_slots_is_given_away", 6),
    ),
    "M5": (
        ("restarts", "a_declaration_under_way_is_made", 4),
        ("restarts", "delayed_work_succeeds", 4),
    ),
    "M6": (("reports", "the_process_survives", 5),),
    "M7": (
        ("restarts", "registering_succeeds", 6),
        ("restarts", "an_expected_worker_is_accepted", 8),
    ),
    "M8": (
        ("reports", "pending_slots_are_waited_for", 4),
        ("reports", "every_slot_is_known_to_its_task_manager", 3),
        ("fewest", "only_jobs_that_lack_something_are_told", 4),
        ("requests", "a_finished_job_is_forgotten", 3),
    ),
    "M10": (("refusals", "blocked_task_managers_get_no_slots", 4),),
}
"""Each finding: scope, property, steps of the shortest trace (a lasso: of its stem and loop)."""

ONE = {
    "jobs": 1,
    "task_managers": 1,
    "instances": 1,
    "most_required": 1,
    "allocator": 1,
}
SMALL = {
    "tracking": {
        **ONE,
        "allocations": 2,
        "allocator": 0,
        "most_required": 2,
        "slots_per_worker": 2,
        "pending_workers": 2,
        "timers": 1,
    },
    "workers": {
        **ONE,
        "allocations": 1,
        "pending_workers": 1,
        "timers": 3,
        "check_delay": 1,
        "declare_delay": 1,
        "task_manager_timeout": 1,
        "queries": 2,
        "failing_answers": 0,
    },
    "reports": {
        **ONE,
        "allocations": 2,
        "allocator": 0,
        "pending_workers": 1,
        "report_entries": 2,
        "timers": 1,
        "reports": 2,
        "occupied_answers": 1,
        "losses": 0,
    },
    "queue": {
        **ONE,
        "allocations": 2,
        "allocator": 0,
        "pending_workers": 1,
        "timers": 1,
        "auto_run": 0,
    },
}
"""Bounds that the interpreter searches in a few seconds."""


@cache
def checked(generation: str, scope: str) -> Result:
    instance = model.instance(generation=generation, scope=scope)
    return searched(instance, COUNTS[generation, scope][1])


@pytest.mark.parametrize(
    ("generation", "scope"),
    fast_only(COUNTS, ("1.14", "restarts"), (NEWEST, "workers"), (NEWEST, "redundancy")),
)
def test_scopes(generation: str, scope: str) -> None:
    result = checked(generation, scope)
    assert (result.states, result.transitions, result.depth) == COUNTS[generation, scope]
    assert result.verdict is Verdict.HOLDS
    setting = model.instance(generation=generation, scope=scope).setting
    for p in result.properties:
        known = p.property.deviation is not None and p.property.deviation(setting)
        assert (p.verdict is Verdict.DEVIATES) == bool(known), p.property.name


def test_the_default_run_is_of_every_scope() -> None:
    assert set(COUNTS) == {(g, s) for g in model.generations for s in model.scopes}


@pytest.mark.slow
@pytest.mark.parametrize("finding", FINDINGS)
def test_findings_have_shortest_traces(finding: str) -> None:
    for scope, name, length in FINDINGS[finding]:
        answer = next(p for p in checked("2.3", scope).properties if p.property.name == name)
        assert answer.verdict is Verdict.DEVIATES
        assert answer.finding is not None
        assert len(answer.finding.steps) == length, name
        assert answer.reason is not None


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
def test_every_transition_fires(generation: str) -> None:
    # 1.14 never gives up a worker that it has asked for, and clears its plan when it is suspended
    absent = {
        ("PendingTaskManager", "SPARE", "drop"),
        ("PendingTaskManager", "PLANNED", "suspend"),
    }
    expected = absent if generation == "1.14" else set()
    scopes = iter(model.scopes)
    dead = set(checked(generation, next(scopes)).dead)
    # once all others have fired, no further scope can make a difference, unless some never fire
    while dead != set() and (scope := next(scopes, None)) is not None:
        dead &= set(checked(generation, scope).dead)
    assert dead == expected


def test_every_property_is_checked() -> None:
    names = {
        name
        for scope in model.scopes
        for name in model.instance(generation="2.3", scope=scope).properties
    }
    assert set(model.properties) == names


def test_there_are_witnesses_and_deviations() -> None:
    kinds = [p.kind for p in model.properties.values()]
    assert kinds.count(Kind.SOMETIMES) >= 15
    assert sum(p.deviation is not None for p in model.properties.values()) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("bounds", SMALL)
@pytest.mark.parametrize("generation", model.generations)
def test_both_engines_agree(generation: str, bounds: str) -> None:
    instance = model.instance(SMALL[bounds], generation=generation)
    left, right = explore_interpreted(instance, LIMITS), explore_compiled(instance, LIMITS)
    assert left.limit is None
    assert right.limit is None
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
        if mine.finding and other.finding and mine.finding.loop is None:
            assert len(mine.finding.steps) == len(other.finding.steps)


@pytest.mark.slow
def test_any_order_reaches_more() -> None:
    """The choice matters: in some order a failed check notes a job, in another it does not."""
    for scope in ("any_order", "refusals", "leaving"):
        fixed = explore_compiled(model.instance({"iteration_order": 0}, scope=scope), LIMITS)
        assert fixed.states < checked("2.3", scope).states


def test_a_check_that_is_due_before_the_first_start_is_the_last() -> None:
    """As in the recorded scenario check_triggered_before_start_stops_all_checks."""
    bounds = {"redundant_task_managers": 0, "check_delay": 1, "timers": 2, "iteration_order": 0}
    result = explore_compiled(model.instance(bounds, scope="refusals"), LIMITS)
    assert result.verdict is Verdict.HOLDS
    found = {p.property.name: p for p in result.properties}
    for name in ("a_check_under_way_is_made", "delayed_work_succeeds"):
        finding = found[name].finding
        assert finding is not None
        assert [step.call.action.name for step in finding.steps] == [
            "trigger_resource_requirements_check",
            "advance_time",
        ]


def outcomes(orders: range) -> set[tuple[int, ...]]:
    """Which jobs a check notes that is refused three workers, in each order."""
    instance = model.instance(scope="refusals")
    found = set()
    for order in orders:
        s = instance.fresh()
        for worker in range(3):
            append(s.refused, worker)
        # the first has a plan for the first job, the second for the second, the third has none
        s.draft_order[plan_row(s, 0, 0)] = s.draft_order[plan_row(s, 1, 1)] = 0
        s.refused_order = order
        note_unfulfillable(s)
        found.add(tuple(s.unfulfillable))
    return found


def test_every_order_of_refused_workers_is_tried() -> None:
    """Going up or down alone never notes just one of two jobs."""
    assert outcomes(range(ORDERS)) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert outcomes(range(0, ORDERS, 5)) == {(0, 0), (1, 1)}


@pytest.mark.parametrize(
    ("scope", "bounds", "fix"),
    [
        ("refusals", {"most_required": 2, "pending_workers": 5}, "set most_required=1"),
        (
            "leaving",
            {"slots_per_worker": 4, "totals": 2, "allocations": 5},
            "set slots_per_worker=3",
        ),
    ],
)
def test_more_orders_than_are_tried_are_refused(
    scope: str, bounds: dict[str, int], fix: str
) -> None:
    with pytest.raises(UsageError, match=fix) as raised:
        model.instance(bounds, scope=scope)
    assert raised.value.code == "SET002"
    model.instance({**bounds, "iteration_order": 0}, scope=scope)


@pytest.mark.parametrize(
    ("bounds", "fix"),
    [
        ({"profiles": 4}, "set profiles=3"),
        ({"totals": 3}, "set totals=2"),
        ({"resources": 3}, "set resources=2"),
        ({"allocations": 1}, "set allocations=2"),
        ({"most_required": 3}, "set pending_workers=6"),
        ({"profiles": 2, "pending_workers": 8}, "set requirement_entries=2"),
        ({"reports": 1}, "set report_entries=3"),
        ({"declare_delay": 1}, "set timers=2"),
        ({"allocator": 1, "timers": 2, "task_manager_timeout": 1}, "set queries=4"),
    ],
)
def test_too_few_records_are_refused(bounds: dict[str, int], fix: str) -> None:
    with pytest.raises(UsageError, match=fix) as raised:
        model.instance(bounds, scope="requests")
    assert raised.value.code == "SET002"


@pytest.mark.parametrize("generation", model.generations)
def test_machines_referee_the_rules(generation: str) -> None:
    rng = Random(7)
    heard: set[str] = set()
    instance = model.instance(generation=generation)
    for scope in ("requests", "workers", "starts", "reports"):
        instance = model.instance(generation=generation, scope=scope)
        referee = Referee(instance.lifecycles)
        s = instance.fresh(referee)
        for _ in range(2_000):
            call = rng.choice(instance.calls)
            s.effects = []
            if call.action.name in ("suspend", "call_occupied") and rng.random() < 0.9:
                continue
            if call.action.function(s, *call.arguments) != DISABLED:
                assert referee.agrees(s), str(call)
        heard |= {name for name, _, _ in referee.heard}
    assert heard == {lifecycle.__name__ for lifecycle in instance.lifecycles.values()}
