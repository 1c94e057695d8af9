"""Every property of the cluster can fail: one rule is broken, and a search of few states shows it.

What a known bug breaks is shown in tests/bugs; here is a break for each of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from slotspec.bugs import known_bugs
from slotspec.models import load_model
from slotspec.models.cluster import resource_manager, scheduler, task_executor
from slotspec.models.cluster.lifecycles import Execution, Leader, Share
from slotspec.models.cluster.state import ClusterState, Message
from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine import Kind, Limits, Verdict
from slotspec.statemachine.declaration.rules import NONE, fire, recycle
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.search.engine import explore_compiled

CLUSTER = load_model("cluster")
CALM = {
    "slots_per_task_manager": 1,
    "parallelism": 1,
    "allocations": 2,
    "losses": 0,
    "early_timeouts": 0,
}
LOSS = {**CALM, "losses": 1}
EARLY = {**CALM, "early_timeouts": 1}
TWO = {**CALM, "slots_per_task_manager": 2, "parallelism": 2}


def assign_the_first(s: ClusterState, share: int, allocation: int) -> None:
    """Whatever slot has come, the share takes the first one."""
    fire(s.share, share, Share.assign)
    s.share_allocation[share] = 0


def keep_the_share(s: ClusterState, allocation: int) -> None:
    """Tasks end with their slot, while their share keeps it."""
    share = scheduler.share_with(s, allocation)
    if share == NONE:
        return
    for task in range(len(s.task)):
        if scheduler.share_of(s, task) == share and scheduler.is_deployed(s, task):
            fire(s.task, task, Execution.end)
    scheduler.fail_job(s)


def keep_the_tasks(s: ClusterState, allocation: int) -> None:
    """A share loses its slot, while its tasks stay deployed."""
    share = scheduler.share_with(s, allocation)
    if share != NONE:
        fire(s.share, share, Share.give_up)
        s.share_allocation[share] = NONE


def give_nothing_back(s: ClusterState, state: int) -> None:
    """The shares forget their slots, and nobody tells the pool."""
    for share in range(len(s.share)):
        if s.share[share] == state:
            fire(s.share, share, Share.give_up)
            s.share_allocation[share] = NONE


def everything_is_slot_zero(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """Whichever slot is asked for, it becomes the first."""
    task_executor.request_slot(s, tm, allocation, detail)
    for other in range(len(s.pool.slot)):
        if s.tables[tm].slot_number[other] != NONE:
            s.tables[tm].slot_number[other] = 0


def leaves_at_once(s: TaskSlotTableState, allocation: int) -> int:
    """A slot is free, whatever runs in it."""
    number = s.slot_number[allocation]
    if s.slot[allocation] in (TaskSlot.ALLOCATED, TaskSlot.ACTIVE):
        fire(s.slot, allocation, TaskSlot.release)
    if s.slot[allocation] == TaskSlot.RELEASING:
        fire(s.slot, allocation, TaskSlot.leave)
    recycle(s.slot, allocation)
    s.slot_number[allocation] = NONE
    return number


def close_nothing(s: SlotPoolState) -> int:
    """A pool that ends keeps what it has."""
    return NONE


def lead_without_manager(s: ClusterState) -> None:
    """The manager of a ResourceManager that leads is not started."""
    fire(s.resource_manager, 0, Leader.gain)


def keep_waiting(s: ClusterState, share: int) -> None:
    """The share is not told that its request has failed."""


def report_nothing(s: ClusterState, tm: int, instance: int) -> None:
    """What a heartbeat tells of slots is not looked at."""
    resource_manager.forget_slot_report(s, tm)


def keep_the_slot(s: ClusterState, tm: int, allocation: int) -> None:
    """The timeout of a slot frees nothing."""
    ticket = s.tables[tm].ticket[allocation]
    table.fire_timeout(s.tables[tm], allocation)
    s.tables[tm].sent[ticket] = NONE


def refuse_tasks(s: ClusterState, tm: int, allocation: int, execution: int) -> None:
    """No task is ever taken."""
    task_executor.tell_of_task(s, tm, int(Message.TASK_FAILED), allocation, execution)


@dataclass(frozen=True)
class Break:
    """A rule that is broken, and where a search shows that."""

    replace: Mapping[Callable[..., Any], Callable[..., Any]]
    length: int
    bounds: Mapping[str, int] = field(default_factory=lambda: CALM)


BREAKS = {
    "a_share_has_a_slot_of_its_own": Break(
        {scheduler.slot_request_fulfilled: assign_the_first}, 19, TWO
    ),
    "a_share_has_what_the_pool_gave_it": Break({scheduler.slot_lost: keep_the_share}, 18, EARLY),
    "an_allocated_slot_has_an_owner": Break({scheduler.give_up: give_nothing_back}, 23, EARLY),
    "deployed_tasks_have_slots": Break({scheduler.slot_lost: keep_the_tasks}, 18, EARLY),
    "a_retired_job_holds_nothing": Break({pool.close: close_nothing}, 20),
    "no_operation_ends_with_an_exception": Break(
        {resource_manager.grant_leadership: lead_without_manager}, 5
    ),
}
"""A state, or a step to one, that must not be: name of the property -> what breaks it."""

TAKEN_OVER = {
    "table_a_number_has_at_most_one_slot": Break(
        {task_executor.request_slot: everything_is_slot_zero}, 15, TWO
    ),
    "table_a_slot_with_tasks_stays_in_the_table": Break(
        {table.free_slot: leaves_at_once}, 20, EARLY
    ),
}
"""Likewise of what is taken over from a part, which is held against each TaskExecutor."""

NEVER = {
    "every_request_is_settled": Break({scheduler.slot_request_failed: keep_waiting}, 14, LOSS),
    "the_views_agree_in_the_end": Break(
        {resource_manager.heartbeat_from: report_nothing}, 30, LOSS
    ),
    "a_finished_job_leaves_nothing": Break({task_executor.slot_times_out: keep_the_slot}, 28, LOSS),
    "the_job_finishes": Break({task_executor.submit_task: refuse_tasks}, 25),
}
"""What never comes: name of the property -> what breaks it, steps of the stem and the loop."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "broken"), [*BREAKS.items(), *TAKEN_OVER.items()])
def test_a_broken_rule_is_noticed(name: str, broken: Break) -> None:
    instance = CLUSTER.instance(
        broken.bounds, generation="1.12", scope="losses", replace=broken.replace
    )
    result = explore_interpreted(instance, Limits(states=5_000, seconds=60, until=name))
    finding = next(p.finding for p in result.properties if p.property.name == name)
    assert finding is not None
    assert len(finding.steps) == broken.length


@pytest.mark.parametrize("name", NEVER)
def test_what_never_comes_is_noticed(name: str) -> None:
    broken = NEVER[name]
    instance = CLUSTER.instance(
        broken.bounds, generation="1.12", scope="losses", replace=broken.replace
    )
    result = explore_compiled(instance, Limits(states=5_000, seconds=60))
    found = next(p for p in result.properties if p.property.name == name)
    assert found.verdict is Verdict.VIOLATED
    assert found.finding is not None
    assert found.finding.loop is not None
    assert len(found.finding.steps) == broken.length


@pytest.mark.parametrize("bounds", [CALM, LOSS, EARLY, TWO], ids=["calm", "loss", "early", "two"])
def test_nothing_is_noticed_of_whole_rules(bounds: Mapping[str, int]) -> None:
    instance = CLUSTER.instance(bounds, generation="1.12", scope="losses")
    result = explore_compiled(instance, Limits(states=30_000, seconds=60))
    assert result.verdict is Verdict.HOLDS


def test_every_property_of_the_cluster_is_broken_by_something() -> None:
    """But for what holds of the parts, which their own tests break, and for what can happen."""
    parts = ("pool_", "manager_", "table_")
    claims = {
        name
        for name, declared in CLUSTER.properties.items()
        if declared.kind is not Kind.SOMETIMES and not name.startswith(parts)
    }
    of_bugs = {bug.property for bug in known_bugs().values() if bug.model == "cluster"}
    assert claims == {*BREAKS, *NEVER} | (of_bugs & claims)
