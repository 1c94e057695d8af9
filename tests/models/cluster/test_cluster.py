"""The exact sizes of the cluster within its default bounds, and its verdicts.

If one of these numbers changes, the modelled protocol has changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.cluster import job_master, resource_manager, scheduler
from slotspec.models.cluster.lifecycles import Job, Leader
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    in_flight,
    receive,
    send,
    way,
)
from slotspec.models.cluster.state import Message
from slotspec.models.declarative_cluster import job_master as declarative_job_master
from slotspec.models.slot_manager.lifecycles import TaskManagerSlot
from slotspec.models.slot_manager.matching import offer_free_slot
from slotspec.models.slot_manager.state import CALLS_PER_SLOT, OK, SlotManagerState
from slotspec.models.slot_manager.updates import enqueue
from slotspec.statemachine import Kind, Limits, Result, Verdict, check
from slotspec.statemachine.declaration.rules import DISABLED, NONE, fire
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.simulate import simulate
from tests.models.searches import searched
from tests.variants import fast_last, fast_only

CLUSTER = load_model("cluster")
COUNTS = {
    ("1.11", "losses"): (407_273, 1_409_308, 70),
    ("1.11", "sharing"): (178_536, 534_507, 100),
    ("1.11", "crashes"): (2_918_738, 12_182_233, 96),
    ("1.11", "leaders"): (873_573, 3_048_543, 78),
    ("1.11", "repeats"): (1_214_775, 4_122_834, 91),
    ("1.11", "answers"): (214_579, 816_886, 61),
    ("1.11", "cancels"): (6_412, 20_860, 50),
    ("1.11", "delays"): (173_656, 666_995, 67),
    ("1.11", "regions"): (18_331, 71_095, 48),
    ("1.11", "batch"): (117_643, 394_561, 70),
    ("1.12", "losses"): (407_273, 1_409_308, 70),
    ("1.12", "sharing"): (178_756, 534_713, 100),
    ("1.12", "crashes"): (2_918_738, 12_182_233, 96),
    ("1.12", "leaders"): (876_866, 3_062_857, 78),
    ("1.12", "repeats"): (1_214_775, 4_122_834, 91),
    ("1.12", "answers"): (214_673, 817_107, 61),
    ("1.12", "cancels"): (6_412, 20_860, 50),
    ("1.12", "delays"): (173_656, 666_995, 67),
    ("1.12", "regions"): (37_250, 144_860, 49),
    ("1.12", "batch"): (96_589, 335_821, 66),
    ("1.13", "losses"): (407_200, 1_409_309, 70),
    ("1.13", "sharing"): (178_294, 533_287, 100),
    ("1.13", "crashes"): (2_917_766, 12_178_717, 96),
    ("1.13", "leaders"): (300_321, 1_078_027, 72),
    ("1.13", "repeats"): (576_101, 2_005_937, 86),
    ("1.13", "answers"): (212_671, 811_406, 61),
    ("1.13", "cancels"): (6_059, 20_312, 50),
    ("1.13", "delays"): (162_880, 638_471, 67),
    ("1.13", "regions"): (39_286, 153_756, 49),
    ("1.13", "batch"): (95_901, 333_911, 66),
    ("1.11", "slots"): (54_205, 142_627, 95),
    ("1.11", "job_masters"): (86_142, 300_199, 56),
    ("1.11", "resource_managers"): (19_909, 60_441, 64),
    ("1.11", "late_answers"): (26_937, 94_363, 58),
    ("1.11", "lost_answers"): (90_908, 279_801, 61),
    ("1.12", "slots"): (54_293, 142_631, 95),
    ("1.12", "job_masters"): (86_142, 300_199, 56),
    ("1.12", "resource_managers"): (19_909, 60_441, 64),
    ("1.12", "late_answers"): (26_937, 94_363, 58),
    ("1.12", "lost_answers"): (90_908, 279_801, 61),
    ("1.13", "slots"): (53_831, 141_205, 95),
    ("1.13", "job_masters"): (22_033, 76_860, 51),
    ("1.13", "resource_managers"): (19_909, 60_441, 64),
    ("1.13", "late_answers"): (26_729, 93_841, 58),
    ("1.11", "registrations"): (181_775, 554_054, 70),
    ("1.12", "registrations"): (181_775, 554_054, 70),
    ("1.13", "registrations"): (82_634, 263_749, 70),
    ("1.13", "lost_answers"): (90_899, 279_803, 61),
    ("1.11", "queues"): (29_742, 112_689, 61),
    ("1.12", "queues"): (29_742, 112_689, 61),
    ("1.13", "queues"): (29_738, 112_675, 61),
    ("1.11", "orders"): (1_513, 4_138, 32),
    ("1.12", "orders"): (1_529, 4_174, 34),
    ("1.13", "orders"): (1_309, 3_432, 33),
    ("1.11", "releases"): (12_333, 29_953, 55),
    ("1.12", "releases"): (12_415, 30_030, 55),
    ("1.13", "releases"): (12_415, 30_030, 55),
    ("1.11", "stragglers"): (14_589, 38_943, 49),
    ("1.12", "stragglers"): (14_589, 38_943, 49),
    ("1.13", "stragglers"): (40_672, 125_084, 60),
    ("1.11", "unheard"): (52_599, 150_261, 51),
    ("1.12", "unheard"): (52_599, 150_261, 51),
    ("1.13", "unheard"): (12_365, 38_324, 50),
    ("1.11", "spread"): (33_356, 120_212, 53),
    ("1.12", "spread"): (33_356, 120_212, 53),
    ("1.13", "spread"): (32_600, 117_296, 53),
    ("1.11", "whole_job"): (3_597, 9_784, 54),
    ("1.12", "whole_job"): (10_881, 32_620, 54),
    ("1.13", "whole_job"): (10_739, 32_162, 54),
    ("1.11", "look_ups"): (20_956, 57_334, 57),
    ("1.12", "look_ups"): (20_956, 57_334, 57),
    ("1.13", "look_ups"): (7_908, 22_647, 57),
    ("1.11", "recomputation"): (127_592, 369_911, 73),
    ("1.12", "recomputation"): (73_407, 215_595, 65),
    ("1.13", "recomputation"): (73_405, 215_590, 65),
    ("1.11", "reconciliation"): (61_235, 199_067, 63),
    ("1.12", "reconciliation"): (75_508, 244_578, 63),
    ("1.13", "reconciliation"): (62_768, 207_711, 63),
}
"""States, transitions, depth. With one task and one slot 1.11 and 1.12 behave alike. 1.13
tells older offers from the newest, and its JobMaster leads again with a new pool."""

DEVIATIONS = {
    "losses": {
        "a_task_that_was_given_up_does_not_start",
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "sharing": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "manager_idle_connections_are_unused",
    },
    "crashes": {
        "a_task_that_was_given_up_does_not_start",
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "manager_an_allocation_is_in_one_slot",
        "manager_carried_allocations_are_fulfilled",
    },
    "leaders": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
    },
    "repeats": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
    },
    "answers": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
        "a_slot_report_knows_what_was_answered_before_it",
    },
    "slots": {
        "manager_unused_connections_are_idle",
        "manager_idle_connections_are_unused",
    },
    "job_masters": {
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "stragglers": {
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_former_job_master_frees_no_slot_of_the_next",
        "a_former_job_master_closes_no_connection_of_the_next",
    },
    "unheard": {"manager_unused_connections_are_idle"},
    "spread": set(),
    "whole_job": {"manager_idle_connections_are_unused"},
    "look_ups": {"manager_unused_connections_are_idle"},
    "recomputation": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
    },
    "reconciliation": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "queues": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "manager_slots_are_given_to_living_requests",
        "manager_a_called_request_will_hear",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "orders": {"a_restart_serves_no_old_request"},
    "releases": {"manager_unused_connections_are_idle"},
    "resource_managers": {"manager_unused_connections_are_idle"},
    "registrations": {"manager_unused_connections_are_idle"},
    "late_answers": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
        "a_slot_report_knows_what_was_answered_before_it",
    },
    "lost_answers": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
    },
    "cancels": {
        "manager_unused_connections_are_idle",
        "a_task_that_was_given_up_does_not_start",
    },
    "delays": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
        "a_slot_report_knows_what_was_answered_before_it",
    },
    "regions": {"manager_idle_connections_are_unused"},
    "batch": {
        "manager_no_allocation_is_waiting_and_fulfilled",
        "manager_unused_connections_are_idle",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
        "a_slot_report_knows_what_was_answered_before_it",
    },
}
TINY = {"slots_per_task_manager": 1, "parallelism": 1, "allocations": 2}
CALM = {**TINY, "losses": 0, "early_timeouts": 0}


def verdicts(result: Result) -> dict[str, Verdict]:
    return {p.property.name: p.verdict for p in result.properties}


@pytest.mark.parametrize(
    ("generation", "scope"),
    fast_only(COUNTS, ("1.13", "slots"), ("1.13", "recomputation")),
)
def test_every_scope_holds_with_exactly_these_states(generation: str, scope: str) -> None:
    instance = CLUSTER.instance(generation=generation, scope=scope)
    counts = COUNTS[generation, scope]
    found = searched(instance, counts[1])
    assert (found.states, found.transitions, found.depth) == counts
    assert found.verdict is Verdict.HOLDS
    others = {name: v for name, v in verdicts(found).items() if v is not Verdict.HOLDS}
    mended = scope == "spread" or (generation, scope) in (
        ("1.13", "orders"),
        ("1.11", "whole_job"),
    )
    assert set(others.values()) == (set() if mended else {Verdict.DEVIATES})
    assert set(others) <= DEVIATIONS[scope]
    claims = [p for p in found.properties if p.property.kind is Kind.LEADS_TO]
    # with fewer slots than tasks, a job might not finish
    assert len(claims) == (3 if scope in ("batch", "recomputation", "orders", "releases") else 4)
    about_nothing = {claim.property.name for claim in claims if claim.reason is not None}
    never_finishes = scope in ("orders", "releases")
    assert about_nothing == ({"a_finished_job_leaves_nothing"} if never_finishes else set())


@pytest.mark.slow
@pytest.mark.parametrize("generation", CLUSTER.generations)
def test_the_first_steps_of_two_task_executors_and_both_faults(generation: str) -> None:
    # the whole scope takes a minute; docs/runs.md has its figures
    instance = CLUSTER.instance(generation=generation, scope="together")
    found = check(instance, limits=Limits(depth=24))
    assert (found.states, found.transitions) == (257_716, 900_962)
    assert found.verdict is Verdict.UNKNOWN
    assert Verdict.VIOLATED not in verdicts(found).values()


@pytest.mark.slow
@pytest.mark.parametrize("generation", CLUSTER.generations)
def test_without_faults_there_are_few_states(generation: str) -> None:
    found = check(CLUSTER.instance(CALM, generation=generation))
    assert (found.states, found.transitions, found.depth) == (196, 410, 29)
    assert found.verdict is Verdict.HOLDS


@pytest.mark.parametrize("generation", fast_last(CLUSTER.generations))
def test_slow_answers_cost_few_states(generation: str) -> None:
    found = check(CLUSTER.instance({**CALM, "overtaking": 3}, generation=generation))
    assert (found.states, found.transitions, found.depth) == (259, 603, 30)
    assert found.verdict is Verdict.HOLDS


@pytest.mark.slow
def test_both_engines_agree_on_a_cluster_that_loses_a_message() -> None:
    instance = CLUSTER.instance({**CALM, "losses": 1}, generation="1.12")
    one, other = explore_interpreted(instance), explore_compiled(instance)
    assert (one.states, one.transitions, one.depth) == (
        other.states,
        other.transitions,
        other.depth,
    )
    assert one.fired == other.fired
    assert verdicts(one) == verdicts(other)
    assert one.states > 1_000


def keep_nothing(s: SlotManagerState, slot: int) -> int:
    """The manager forgets a free slot."""
    return OK


@pytest.mark.slow
def test_a_rule_of_a_part_is_replaced_in_the_cluster() -> None:
    instance = CLUSTER.instance(CALM, generation="1.12", replace={offer_free_slot: keep_nothing})
    for explore in (explore_interpreted, explore_compiled):
        found = {p.property.name: p for p in explore(instance).properties}
        never = found["the_job_finishes"]
        assert never.verdict is Verdict.VIOLATED
        assert never.finding is not None
        assert never.finding.loop is not None
        assert (
            found["every_request_is_settled"].verdict is Verdict.HOLDS
        )  # it fails, again and again


@pytest.mark.slow
def test_a_storm_breaks_nothing() -> None:
    found = simulate(
        CLUSTER.instance(generation="1.12", scope="storm"), "compiled", seed=3, runs=200, steps=400
    )
    assert found.violation is None
    assert found.steps > 20_000


@pytest.mark.parametrize("name", ["cluster", "declarative_cluster"])
def test_all_readers_of_lost_results_run_again(name: str) -> None:
    """Those that have finished too. Flink: RestartPipelinedRegionFailoverStrategy."""
    model = load_model(name)
    s: Any = model.instance({"parallelism": 4, "sources": 2}, scope="recomputation").fresh()
    lost, kept, finished, failing = range(4)
    for region in range(4):
        fire(s.job, region, Job.submit)
        fire(s.job, region, Job.deploy)
        if region != failing:
            fire(s.job, region, Job.finish)
    s.lost_partitions[lost] = 1
    scheduler.fail_region(s, failing)
    scheduler.rerun_sources(s)
    again = [region for region in range(4) if s.job[region] == Job.CANCELLING]
    assert again == [lost, finished, failing]
    assert s.job[kept] == Job.FINISHED
    assert not any(s.lost_partitions)


@pytest.mark.parametrize(
    ("name", "generation"), [("cluster", "1.13"), ("declarative_cluster", "2.3")]
)
def test_a_leader_that_ends_unheard_leaves_no_message_to_the_next(
    name: str, generation: str
) -> None:
    instance = load_model(name).instance(generation=generation, scope="unheard")
    s: Any = instance.fresh()
    fire(s.resource_manager, 0, Leader.gain)
    instance.rule(job_master.grant_leadership)(s)
    send(s, TO_JOB_MASTER, int(Message.REQUEST_REFUSED), 0)
    send(s, way(0, Way.TO_JOB_MASTER), int(Message.OFFER_SLOT), 0)
    instance.rule(job_master.end_job)(s, 0)
    assert in_flight(s, TO_JOB_MASTER) == in_flight(s, way(0, Way.TO_JOB_MASTER)) == 0
    assert s.job_master[0] == Leader.STANDBY


@pytest.mark.parametrize(
    ("name", "generation", "scope"),
    [
        ("cluster", "1.12", "registrations"),
        ("cluster", "1.13", "registrations"),
        ("declarative_cluster", "2.3", "leaders"),
    ],
)
def test_what_a_resource_manager_says_to_a_former_leader_does_not_reach_the_next(
    name: str, generation: str, scope: str
) -> None:
    instance = load_model(name).instance(generation=generation, scope=scope)
    s: Any = instance.fresh()

    def call(rule: Any, *arguments: int) -> None:
        instance.rule(rule)(s, *arguments)

    call(resource_manager.grant_leadership)
    call(job_master.grant_leadership)
    call(job_master.register)
    call(resource_manager.register_job_master, 0)
    call(resource_manager.job_master_found)
    assert s.job_registered == in_flight(s, TO_JOB_MASTER) == 1
    call(job_master.revoke_leadership)
    if s.job_master[0] == Leader.LEADING:  # its scheduler is suspended first
        call(declarative_job_master.revoke_leadership)
    call(job_master.grant_leadership)
    call(resource_manager.close_job_manager_connection, 0)
    assert s.job_registered == in_flight(s, TO_JOB_MASTER) == 0

    # its last registration is declined, that of the next one is not
    _, _, detail = receive(s, TO_RESOURCE_MANAGER, 0)
    call(resource_manager.register_job_master, detail)
    assert s.job_connecting == 0
    call(job_master.register)
    call(resource_manager.register_job_master, 0)
    call(resource_manager.job_master_found)
    call(resource_manager.close_job_manager_connection, 0)
    assert in_flight(s, TO_JOB_MASTER) == 2  # that it is registered, and that it is dropped


@pytest.mark.parametrize(
    ("name", "generation"), [("cluster", "1.12"), ("declarative_cluster", "2.3")]
)
def test_a_failure_restarts_the_whole_job_if_so_configured(name: str, generation: str) -> None:
    """Flink: RestartAllFailoverStrategy."""
    instance = load_model(name).instance(generation=generation, scope="whole_job")
    s: Any = instance.fresh()
    for region in range(2):
        fire(s.job, region, Job.submit)
        fire(s.job, region, Job.deploy)
    fire(s.job, 0, Job.finish)
    scheduler.fail_region(s, 1)
    instance.rule(job_master.apply_effects)(s, 0)
    assert list(s.job[:2]) == [Job.CANCELLING] * 2
    assert s.reader_failed == 0


@pytest.mark.parametrize(
    ("name", "scope"), [("cluster", "look_ups"), ("declarative_cluster", "look_ups")]
)
def test_a_former_job_master_may_be_registered(name: str, scope: str) -> None:
    instance = load_model(name).instance(scope=scope)
    s: Any = instance.fresh()
    fire(s.resource_manager, 0, Leader.gain)
    s.job_connecting = 1
    s.jm_deposed = 1
    step = instance.model.actions["resource_manager_finds_former_job_master"].function
    assert step(s) == NONE
    assert (s.job_registered, s.job_connecting, in_flight(s, TO_JOB_MASTER)) == (1, 0, 0)
    assert step(s) == DISABLED


def test_both_engines_agree_on_more_messages_than_a_byte_counts() -> None:
    instance = CLUSTER.instance({"task_managers": 4, "channel_room": 26}, scope="crashes")
    assert len(instance.fresh().message) == 468
    limits = Limits(depth=5)
    compiled, interpreted = (
        explore(instance, limits=limits) for explore in (explore_compiled, explore_interpreted)
    )
    assert (compiled.states, compiled.transitions) == (interpreted.states, interpreted.transitions)
    assert compiled.states > 100


def test_outcomes_of_lost_slots_come_in_any_order() -> None:
    bounds = {"task_managers": 2, "slots_per_task_manager": 2, "allocations": 4, "queued_steps": 1}
    s: Any = CLUSTER.instance(bounds).fresh()
    step = CLUSTER.actions["queued_outcome_comes_first"].function
    first, second, other = 0, 2 * CALLS_PER_SLOT, CALLS_PER_SLOT
    for call, slot in ((first, 0), (second, 2), (other, 1)):
        s.manager.call_slot[call] = slot
        enqueue(s.manager, call=call)
    assert step(s, 1) == DISABLED  # it is not held up
    s.held_up = 1
    assert step(s, 0) == step(s, 2) == DISABLED  # the third is of another TaskExecutor
    assert step(s, 1) == NONE
    assert list(s.manager.main_call[:3]) == [second, first, other]
    fire(s.manager.slot, 0, TaskManagerSlot.register)
    assert step(s, 1) == DISABLED  # this slot is there
