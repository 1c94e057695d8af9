"""The slot table: counts, verdicts, both engines, symmetry, and mutants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.task_slot_table import operations as rules
from slotspec.models.task_slot_table import slots as below
from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.state import (
    ANY_PROFILE,
    Effect,
    Raised,
    TaskSlotTableState,
    resources,
)
from slotspec.oracle.task_slot_table.adapter import TaskSlotTableOracle
from slotspec.statemachine.declaration.rules import NONE, emit, fire
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits, Result, Verdict
from slotspec.statemachine.search.engine import explore_compiled
from tests.models.mutation import any_notices, noticed_by
from tests.models.searches import searched
from tests.variants import fast_last

model = load_model("task_slot_table")
LIMITS = Limits(states=3_000_000, seconds=60)

SMALL = {
    "static_slots": 1,
    "dynamic_slots": 1,
    "allocations": 2,
    "jobs": 1,
    "executions": 1,
    "tasks": 1,
    "tickets": 2,
    "profiles": 1,
    "spare": 1,
    "quick_tasks": 1,
    "failing_tasks": 1,
}
SMALL_COUNTS = {
    "1.11": (15_689, 336_005, 17),
    "1.12": (15_689, 336_005, 17),
    "1.13": (12_392, 260_168, 17),
    "2.3": (12_392, 260_168, 17),
}
SCOPE_COUNTS = {
    ("1.11", "slots"): (374_594, 24_478_792, 12),
    ("1.11", "tasks"): (1_329_779, 31_124_496, 21),
    ("1.11", "failing_tasks"): (170_453, 3_867_599, 23),
    ("1.11", "jobs"): (137_639, 4_267_086, 22),
    ("1.11", "timeouts"): (109_757, 2_695_124, 22),
    ("1.11", "profiles"): (220_372, 11_909_878, 12),
    ("1.12", "slots"): (374_594, 24_478_792, 12),
    ("1.12", "tasks"): (1_329_779, 31_124_496, 21),
    ("1.12", "jobs"): (137_639, 4_267_086, 22),
    ("1.12", "timeouts"): (109_757, 2_695_124, 22),
    ("1.12", "profiles"): (220_372, 11_909_878, 12),
    ("1.13", "slots"): (435_722, 25_557_124, 14),
    ("1.13", "tasks"): (928_912, 21_271_432, 21),
    ("1.13", "jobs"): (75_682, 2_272_065, 22),
    ("1.13", "timeouts"): (85_084, 1_994_964, 22),
    ("1.13", "profiles"): (244_984, 9_737_728, 15),
    ("2.3", "slots"): (435_722, 25_557_124, 14),
    ("2.3", "tasks"): (928_912, 21_271_432, 21),
    ("2.3", "failing_tasks"): (93_020, 2_074_490, 23),
    ("2.3", "jobs"): (75_682, 2_272_065, 22),
    ("2.3", "timeouts"): (85_084, 1_994_964, 22),
    ("2.3", "profiles"): (244_984, 9_737_728, 15),
}
TASKS = {
    "the_answer_to_free_slot_says_whether_it_is_free",
    "only_an_allocated_slot_has_a_timeout",
    "closing_the_table_never_fails",
    "every_task_can_be_removed",
}
ALWAYS_DEVIATING = {
    "slots": {"what_a_slot_report_tells_fits_into_the_budget"},
    "tasks": TASKS,
    "failing_tasks": TASKS,
    "jobs": {
        "the_answer_to_free_slot_says_whether_it_is_free",
        "only_an_allocated_slot_has_a_timeout",
        "every_task_can_be_removed",
    },
    "timeouts": {
        "the_answer_to_free_slot_says_whether_it_is_free",
        "only_an_allocated_slot_has_a_timeout",
    },
    "profiles": {"what_a_slot_report_tells_fits_into_the_budget"},
}
"""The known deviations of all releases, by scope."""
OLD_DEVIATIONS = {"a_repeated_request_is_acknowledged", "a_slot_is_allocated_to_its_own_job"}
"""Fixed in 1.13."""


@cache
def small(generation: str) -> Result:
    """The whole of the small bounds."""
    return explore_compiled(model.instance(SMALL, generation=generation), LIMITS)


@pytest.mark.parametrize("generation", fast_last(SMALL_COUNTS))
def test_small_bounds(generation: str) -> None:
    whole = small(generation)
    assert (whole.states, whole.transitions, whole.depth) == SMALL_COUNTS[generation]
    assert whole.limit is None
    assert whole.dead == []


@pytest.mark.slow
@pytest.mark.parametrize("generation", SMALL_COUNTS)
def test_both_engines_agree(generation: str) -> None:
    """On every state of the newest release, and to some depth in the others."""
    instance = model.instance(SMALL, generation=generation)
    limits = LIMITS if generation == "2.3" else Limits(depth=8)
    left = explore_interpreted(instance, limits)
    right = small(generation) if limits is LIMITS else explore_compiled(instance, limits)
    assert (left.states, left.transitions, left.depth, left.limit) == (
        right.states,
        right.transitions,
        right.depth,
        right.limit,
    )
    assert left.states > 2_000
    assert left.fired == right.fired
    assert left.taken == right.taken
    for mine, other in zip(left.properties, right.properties, strict=True):
        assert (mine.property.name, mine.verdict) == (other.property.name, other.verdict)
        if mine.finding and other.finding:
            assert len(mine.finding.steps) == len(other.finding.steps)


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "scope"), SCOPE_COUNTS)
def test_scopes(generation: str, scope: str) -> None:
    counts = SCOPE_COUNTS[generation, scope]
    result = searched(model.instance(generation=generation, scope=scope), counts[1])
    assert (result.states, result.transitions, result.depth) == counts
    assert result.verdict is Verdict.HOLDS
    deviating = {p.property.name for p in result.properties if p.verdict is Verdict.DEVIATES}
    old = OLD_DEVIATIONS if generation in ("1.11", "1.12") else set()
    if scope == "profiles":  # one job, and no tasks for which a slot stays
        old = old - {"a_slot_is_allocated_to_its_own_job"}
    if old:  # where a negative number may have any number of slots
        old = old | {"what_a_slot_report_tells_fits_into_the_budget"}
    assert deviating == ALWAYS_DEVIATING[scope] | old


@pytest.mark.slow
@pytest.mark.parametrize("generation", ["1.12", "1.13", "2.3"])
def test_names_make_no_difference(generation: str) -> None:
    bounds = {**SMALL, "jobs": 2, "executions": 2, "static_slots": 2}
    instance = model.instance(bounds, generation=generation)
    plain = explore_compiled(instance, LIMITS)
    reduced = explore_compiled(instance, LIMITS, symmetry="exact")
    assert reduced.states < plain.states / 4
    assert reduced.depth == plain.depth
    verdicts = [
        [(p.property.name, p.verdict) for p in result.properties] for result in (plain, reduced)
    ]
    assert verdicts[0] == verdicts[1]


def test_more_profiles_than_there_are() -> None:
    with pytest.raises(UsageError, match="profiles=6: choose from 1 to 5") as raised:
        model.instance({"profiles": 6})
    assert raised.value.code == "SET002"


def test_a_deviation_in_text() -> None:
    instance = model.instance(SMALL, generation="1.12")
    result = explore_compiled(instance, LIMITS)
    found = next(
        p.finding for p in result.properties if p.property.name == "closing_the_table_never_fails"
    )
    formatter = formatter_of(instance)
    assert found is not None
    assert formatter.format_step(found.steps[1]) == (
        "allocate_slot(number=0, job=j1, allocation=a1, profile=small)"
    )
    assert formatter.changes(found.steps[1])[-1] == (
        "budget left: 2 cpu, 512 task_heap_mb, 128 managed_mb, 64 network_mb"
        " -> 1 cpu, 256 task_heap_mb, 64 managed_mb, 32 network_mb"
    )
    assert formatter.format_step(found.steps[-1]) == "task_terminates(task=t1, outcome=fails)"
    assert formatter.effects(found.steps[-1]) == ["closing failed"]


# ---------------------------------------------------------------------------------- mutants


def never_acknowledged(
    s: TaskSlotTableState, allocation: int, job: int, profile: int, number: int, dynamic: bool
) -> bool:
    return False


def acknowledged_for_any_job(
    s: TaskSlotTableState, allocation: int, job: int, profile: int, number: int, dynamic: bool
) -> bool:
    return dynamic or s.slot_number[allocation] == number


def kept(s: TaskSlotTableState, profile: int) -> None:
    return


def more_is_needed(s: TaskSlotTableState, profile: int) -> bool:
    if s.boundless:
        return True
    return s.special[profile] != ANY_PROFILE and not any(
        s.total[r] - s.used[r] <= below.amount_of(s, profile, r) > 0 for r in s.elements(resources)
    )


def memory_is_not_looked_at(s: TaskSlotTableState, profile: int) -> bool:
    return s.boundless == 1 or s.total[0] - s.used[0] >= below.amount_of(s, profile, 0)


def active_with_timeout(s: TaskSlotTableState, allocation: int) -> int:
    if s.slot[allocation] == TaskSlot.RELEASING:
        return 0
    fire(s.slot, allocation, TaskSlot.activate)
    return 1


def active_while_releasing(s: TaskSlotTableState, allocation: int) -> int:
    if s.slot[allocation] == TaskSlot.RELEASING:
        return 1
    return rules.mark_existing_slot_active(s, allocation)


def old_timeout_goes_on(s: TaskSlotTableState, allocation: int, ticket: int, timeout: int) -> None:
    if s.timer[allocation] == SlotTimer.OFF:
        below.register_timeout(s, allocation, ticket, timeout)


def any_ticket_will_do(s: TaskSlotTableState, allocation: int, ticket: int) -> bool:
    return s.timer[allocation] != SlotTimer.OFF


def fired_ticket_is_spent(s: TaskSlotTableState, allocation: int, ticket: int) -> bool:
    return s.timer[allocation] == SlotTimer.RUNNING and s.ticket[allocation] == ticket


def waits_for_nothing(s: TaskSlotTableState, allocation: int) -> None:
    if s.slot[allocation] == TaskSlot.RELEASING:
        return
    fire(s.slot, allocation, TaskSlot.release)
    below.fail_tasks(s, allocation)
    fire(s.closing, allocation, ClosingFuture.complete)


def failure_unheard(s: TaskSlotTableState, allocation: int, failed: bool) -> None:
    if not below.is_waiting(s, allocation):
        fire(s.closing, allocation, ClosingFuture.complete)


def removed_in_silence(s: TaskSlotTableState, execution: int) -> int:
    if not rules.was_started(s):
        return NONE
    task = below.indexed_task(s, execution)
    if task == NONE:
        return NONE
    s.indexed[task] = 0
    s.task_slot[task] = NONE
    s.execution[task] = NONE
    s.quick[task] = 0
    return task


def leaves_with_tasks(s: TaskSlotTableState, allocation: int) -> bool:
    return not any(
        slot == allocation and s.task[task] == Task.RUNNING for task, slot in enumerate(s.task_slot)
    )


def added_to_any_slot(
    s: TaskSlotTableState, task: int, execution: int, job: int, allocation: int, quick: int
) -> int:
    if not rules.is_running(s) or not rules.is_found(s, allocation):
        return NONE
    if s.slot_job[allocation] != job:
        emit(s, Effect.RAISES, Raised.SLOT_NOT_ACTIVE)
        return NONE
    if below.task_in(s, allocation, execution) != NONE:
        return 0
    s.task_slot[task] = allocation
    s.execution[task] = execution
    s.quick[task] = quick
    s.indexed[task] = int(below.indexed_task(s, execution) == NONE)
    return 1


def free_while_releasing(s: TaskSlotTableState, number: int) -> int:
    if number == NONE or below.is_dynamic(s, number):
        return NONE
    return next(
        (
            allocation
            for allocation, slot in enumerate(s.slot)
            if s.slot_number[allocation] == number and slot != TaskSlot.RELEASING
        ),
        NONE,
    )


def table_waits_for_nothing(s: TaskSlotTableState, allocation: int) -> None:
    return


def timers_go_on(s: TaskSlotTableState) -> None:
    fire(s.table, 0, Table.finish)
    emit(s, Effect.TIMERS_SHUT_DOWN)
    fire(s.table_closing, 0, ClosingFuture.complete)
    emit(s, Effect.TABLE_CLOSED)


def newest_first(s: TaskSlotTableState, allocation: int, other: int) -> bool:
    if s.due[allocation] == s.due[other]:
        return s.registered[allocation] > s.registered[other]
    return s.due[allocation] < s.due[other]


def answers_no(s: TaskSlotTableState) -> int:
    return 0


def only_slots_are_listed(s: TaskSlotTableState) -> int:
    for allocation, number in enumerate(s.slot_number):
        if below.is_known(s, allocation):
            emit(s, Effect.LISTED, allocation, number=number)
    return NONE


MUTANTS: Mapping[str, tuple[Any, Any, str, str, str]] = {
    "never acknowledged": (
        below.is_acknowledged,
        never_acknowledged,
        "1.13.6",
        "slots",
        "a_repeated_request_is_acknowledged",
    ),
    "acknowledged for any job": (
        below.is_acknowledged,
        acknowledged_for_any_job,
        "1.13.6",
        "slots",
        "a_conflicting_request_is_refused",
    ),
    "budget kept": (
        below.give_back,
        kept,
        "1.12.5",
        "slots",
        "the_budget_is_used_by_slots_alone",
    ),
    "the last share is kept": (
        below.is_covered,
        more_is_needed,
        "1.12.5",
        "slots",
        "a_slot_is_granted_exactly_if_it_is_there",
    ),
    "memory is not looked at": (
        below.is_covered,
        memory_is_not_looked_at,
        "1.12.5",
        "profiles",
        "the_budget_is_never_exceeded",
    ),
    "active with timeout": (
        rules.mark_existing_slot_active,
        active_with_timeout,
        "1.12.5",
        "slots",
        "an_active_slot_has_no_timeout",
    ),
    "active while releasing": (
        rules.mark_existing_slot_active,
        active_while_releasing,
        "1.12.5",
        "tasks",
        "a_slot_is_activated_exactly_if_it_is_not_given_up",
    ),
    "the old timeout goes on": (
        below.register_timeout,
        old_timeout_goes_on,
        "1.12.5",
        "timeouts",
        "an_inactive_slot_has_a_new_timeout",
    ),
    "any ticket will do": (
        below.has_ticket,
        any_ticket_will_do,
        "1.12.5",
        "timeouts",
        "a_stale_timeout_frees_nothing",
    ),
    "a fired ticket is spent": (
        below.has_ticket,
        fired_ticket_is_spent,
        "1.12.5",
        "timeouts",
        "a_stale_timeout_frees_nothing",
    ),
    "waits for nothing": (
        below.close_slot,
        waits_for_nothing,
        "1.12.5",
        "tasks",
        "memory_is_given_back_when_nothing_runs",
    ),
    "failure unheard": (
        below.advance_closing,
        failure_unheard,
        "1.12.5",
        "tasks",
        "one_failed_termination_fails_the_slot",
    ),
    "removed in silence": (
        rules.remove_task,
        removed_in_silence,
        "1.12.5",
        "tasks",
        "the_last_task_of_a_slot_asks_to_free_it",
    ),
    "leaves with tasks": (
        below.is_empty,
        leaves_with_tasks,
        "1.12.5",
        "tasks",
        "a_slot_with_tasks_stays_in_the_table",
    ),
    "added to any slot": (
        rules.add_task,
        added_to_any_slot,
        "1.12.5",
        "tasks",
        "only_an_active_slot_of_its_job_takes_a_task",
    ),
    "free while releasing": (
        below.allocation_under,
        free_while_releasing,
        "1.12.5",
        "tasks",
        "a_number_has_at_most_one_slot",
    ),
    "the table waits for nothing": (
        rules.wait_for_slot,
        table_waits_for_nothing,
        "1.12.5",
        "tasks",
        "a_closed_table_runs_nothing",
    ),
    "timers go on": (
        below.finish_closing,
        timers_go_on,
        "1.12.5",
        "tasks",
        "a_closed_table_runs_nothing",
    ),
    "refused in silence": (rules.refuse, answers_no, "2.3.0", "slots", ""),
    "free numbers are not listed": (
        rules.create_slot_report,
        only_slots_are_listed,
        "2.3.0",
        "slots",
        "a_slot_report_tells_the_free_numbers_with_a_share",
    ),
    "newest first": (below.is_due_before, newest_first, "1.12.5", "timeouts", ""),
}
"""By name: the rule, what replaces it, the release and the scope that show it, and the property
that is violated there (none: only the recordings notice, not a search)."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_recordings_notice_a_mutant(name: str) -> None:
    rule, broken, version, _, _ = MUTANTS[name]
    assert any_notices(TaskSlotTableOracle, "table", version, {rule: broken})


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_search_notices_a_mutant(name: str) -> None:
    rule, broken, version, scope, violated = MUTANTS[name]
    generation = version.rpartition(".")[0]
    found = noticed_by(model, generation, scope, BOUNDS[scope], {rule: broken})
    assert violated in found if violated else found == set()


BOUNDS: Mapping[str, Mapping[str, int]] = {
    "slots": {"allocations": 2, "static_slots": 1, "tickets": 2},
    "tasks": {"executions": 1, "tasks": 1},
    "timeouts": {"tickets": 3},
    "profiles": {"allocations": 2},
}


@pytest.mark.slow
def test_recordings_conform_to_the_rules_as_they_are() -> None:
    for version in {version for _, _, version, _, _ in MUTANTS.values()}:
        assert not any_notices(TaskSlotTableOracle, "table", version, {})
