"""The exact sizes of the cluster of today within its default bounds, and its verdicts.

If one of these numbers changes, the modelled protocol has changed.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.cluster import job_master as older_job_master
from slotspec.models.cluster import scheduler
from slotspec.models.cluster.lifecycles import Share
from slotspec.models.declarative_cluster import job_master, resource_manager
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.declarative_slot_pool import operations as pool
from slotspec.models.declarative_slot_pool import requirements
from slotspec.models.declarative_slot_pool.state import OK, DeclarativePoolState
from slotspec.statemachine import Kind, Limits, Result, Verdict, check
from slotspec.statemachine.declaration.rules import NONE, fire
from slotspec.statemachine.errors import DeclarationError
from tests.models.searches import searched
from tests.variants import fast_only

CLUSTER = load_model("declarative_cluster")
COUNTS = {
    ("1.20", "losses"): (9_820, 30_930, 50),
    ("1.20", "sharing"): (2_420, 6_935, 51),
    ("1.20", "leaders"): (30_821, 107_716, 63),
    ("1.20", "repeats"): (48_236, 169_349, 66),
    ("2.3", "losses"): (16_225, 52_124, 54),
    ("2.3", "sharing"): (7_471, 23_593, 56),
    ("2.3", "leaders"): (83_724, 303_085, 64),
    ("2.3", "failovers"): (66_192, 235_341, 65),
    ("2.3", "answers"): (85_616, 380_124, 64),
    ("2.3", "repeats"): (97_963, 348_482, 75),
    ("1.20", "stragglers"): (162_211, 574_337, 76),
    ("2.3", "stragglers"): (479_487, 1_761_599, 75),
    ("1.20", "unheard"): (93_061, 328_735, 67),
    ("2.3", "unheard"): (282_840, 1_045_836, 74),
    ("1.20", "recomputation"): (194_383, 662_214, 71),
    ("2.3", "recomputation"): (517_707, 1_859_305, 76),
    ("1.20", "spread"): (42_876, 184_359, 61),
    ("2.3", "spread"): (134_691, 617_026, 66),
    ("1.20", "whole_job"): (18_369, 55_024, 69),
    ("2.3", "whole_job"): (45_479, 145_703, 68),
    ("1.20", "look_ups"): (25_285, 84_752, 63),
    ("2.3", "look_ups"): (68_390, 237_911, 64),
    ("1.20", "reconciliation"): (47_683, 161_420, 60),
    ("2.3", "reconciliation"): (101_145, 357_070, 62),
    ("1.20", "orders"): (19_620, 92_347, 61),
    ("2.3", "orders"): (65_254, 327_334, 68),
}
"""States, transitions, depth."""
ALWAYS = {
    "manager_a_finished_job_is_forgotten",
    "manager_only_jobs_that_lack_something_cannot_be_served",
}
"""M8 shows in every run that ends, and whenever a TaskExecutor comes after the requirements."""
DEVIATIONS = {
    "losses": {*ALWAYS, "manager_pending_slots_fit"},
    "sharing": ALWAYS,
    "leaders": {
        *ALWAYS,
        "the_views_agree_in_the_end",
        "a_finished_job_leaves_nothing",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "stragglers": {
        *ALWAYS,
        "the_views_agree_in_the_end",
        "a_finished_job_leaves_nothing",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_former_job_master_frees_no_slot_of_the_next",
        "a_former_job_master_closes_no_connection_of_the_next",
    },
    "unheard": {
        *ALWAYS,
        "the_views_agree_in_the_end",
        "a_finished_job_leaves_nothing",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "spread": ALWAYS,
    "whole_job": ALWAYS,
    "look_ups": {
        *ALWAYS,
        "the_views_agree_in_the_end",
        "a_finished_job_leaves_nothing",
        "table_only_an_allocated_slot_has_a_timeout",
    },
    "recomputation": {
        *ALWAYS,
        "the_views_agree_in_the_end",
        "a_finished_job_leaves_nothing",
        "manager_pending_slots_fit",
        "table_only_an_allocated_slot_has_a_timeout",
        "a_task_that_was_given_up_does_not_start",
    },
    "failovers": ALWAYS,
    "orders": ALWAYS,
    "answers": {*ALWAYS, "a_task_that_was_given_up_does_not_start"},
    "repeats": ALWAYS,
    "reconciliation": {
        *ALWAYS,
        "the_views_agree_in_the_end",
        "a_finished_job_leaves_nothing",
        "manager_pending_slots_fit",
        "table_only_an_allocated_slot_has_a_timeout",
    },
}


def verdicts(result: Result) -> dict[str, Verdict]:
    return {p.property.name: p.verdict for p in result.properties}


@pytest.mark.parametrize(
    ("generation", "scope"),
    fast_only(COUNTS, ("2.3", "sharing")),
)
def test_every_scope_holds_with_exactly_these_states(generation: str, scope: str) -> None:
    counts = COUNTS[generation, scope]
    found = searched(CLUSTER.instance(generation=generation, scope=scope), counts[1])
    assert (found.states, found.transitions, found.depth) == counts
    assert found.verdict is Verdict.HOLDS
    others = {name for name, v in verdicts(found).items() if v is not Verdict.HOLDS}
    assert others <= DEVIATIONS[scope]
    claims = [p for p in found.properties if p.property.kind is Kind.LEADS_TO]
    # with fewer slots than tasks, a job might not finish
    assert len(claims) == (3 if scope == "recomputation" else 4)
    kept = [claim for claim in claims if claim.verdict is Verdict.HOLDS]
    assert all(claim.reason is None for claim in kept)  # each is about something


@pytest.mark.slow
@pytest.mark.parametrize(
    ("generation", "states", "transitions"),
    [("1.20", 107_460, 423_672), ("2.3", 232_852, 973_814)],
)
def test_the_first_steps_of_two_task_executors_and_both_faults(
    generation: str, states: int, transitions: int
) -> None:
    # the whole scope takes minutes; docs/declarative_cluster.md has its figures
    instance = CLUSTER.instance(generation=generation, scope="together")
    found = check(instance, limits=Limits(depth=22))
    assert (found.states, found.transitions) == (states, transitions)
    assert found.verdict is Verdict.UNKNOWN
    assert Verdict.VIOLATED not in verdicts(found).values()


CALM = {"losses": 0}


def forgets_to_declare(s: DeclarativePoolState) -> int:
    """The pool does not declare what it requires."""
    return OK


def ends_as_if_it_came_back(s: DeclarativeClusterState, heard: int) -> None:
    """The JobMaster ends, and does not say that its job has ended."""
    connected = older_job_master.is_connected(s)
    older_job_master.leave_resource_manager(s, connected, older_job_master.RUNS)
    pool.disconnect_resource_manager(s.pool)
    job_master.end_job(s, heard)


def keeps_the_request(s: DeclarativeClusterState, share: int) -> None:
    """A share returns its slot, and the pool does not hear of it."""
    fire(s.share, share, Share.give_up)
    s.share_allocation[share] = NONE
    s.share_tm[share] = NONE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "mutant", "name"),
    [
        (
            requirements.change_requirements,
            forgets_to_declare,
            "a_change_is_declared_or_about_to_be",
        ),
        (older_job_master.end_job, ends_as_if_it_came_back, "a_finished_job_leaves_nothing"),
        (scheduler.return_slot, keeps_the_request, "the_pool_requires_what_shares_want"),
    ],
)
def test_a_mutant_is_noticed(rule: Any, mutant: Any, name: str) -> None:
    instance = CLUSTER.instance(CALM, generation="2.3", replace={rule: mutant})
    assert verdicts(check(instance))[name] is Verdict.VIOLATED


def test_parts_are_redeclared_and_rules_shared() -> None:
    older = load_model("cluster")
    shared = [name for name, one in CLUSTER.actions.items() if older.actions.get(name) is one]
    assert len(shared) > len(CLUSTER.actions) // 2
    assert type(CLUSTER.instance().fresh().pool).__name__ == "DeclarativePoolState"
    with pytest.raises(DeclarationError, match=r"MDL002: declarative_cluster\.task_ends is"):
        CLUSTER.share(older, older.actions["task_ends"].function)


def test_a_check_looks_at_four_connections_in_any_order() -> None:
    s: Any = CLUSTER.instance({"task_managers": 4, "allocations": 8}, scope="orders").fresh()
    connections = [0, 5, 2, 7]
    for order in permutations(connections):
        resource_manager.arrange(s, *order[:3])
        assert sorted(s.manager.order) == list(range(8))
        assert [one for one in s.manager.order if one in connections] == list(order)
