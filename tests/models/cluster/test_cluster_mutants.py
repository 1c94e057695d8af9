"""Every property of the cluster can fail: a mutant replaces one rule, and a small search finds it.

Known bugs violate some properties (tests/bugs); here is a mutant for each of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from slotspec.bugs import known_bugs
from slotspec.models import load_model
from slotspec.models.cluster import job_master, resource_manager, scheduler, task_executor
from slotspec.models.cluster.lifecycles import Execution, Job, Leader, Registration, Share
from slotspec.models.cluster.messages import TO_JOB_MASTER, send
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
REGISTERS = {**CALM, "registrations": 1}
TWO = {**CALM, "slots_per_task_manager": 2, "parallelism": 2}


def assign_the_first(s: ClusterState, share: int, allocation: int) -> None:
    """Whichever slot has arrived, the share takes the first one."""
    fire(s.share, share, Share.assign)
    s.share_allocation[share] = 0
    s.share_tm[share] = 0


def keep_the_share(s: ClusterState, allocation: int) -> None:
    """Tasks end with their slot, but their share keeps it."""
    share = scheduler.share_with(s, allocation)
    if share == NONE:
        return
    for task in range(len(s.task)):
        if scheduler.share_of(s, task) == share and scheduler.is_deployed(s, task):
            fire(s.task, task, Execution.end)


def keep_the_tasks(s: ClusterState, allocation: int) -> None:
    """A share loses its slot, but its tasks stay deployed."""
    share = scheduler.share_with(s, allocation)
    if share != NONE:
        fire(s.share, share, Share.give_up)
        s.share_allocation[share] = NONE
        s.share_tm[share] = NONE


def give_nothing_back(s: ClusterState, state: int) -> None:
    """The shares forget their slots, and do not notify the pool."""
    for share in range(len(s.share)):
        if s.share[share] == state and s.job[scheduler.region_of(s, share)] == Job.CANCELLING:
            fire(s.share, share, Share.give_up)
            s.share_allocation[share] = NONE
            s.share_tm[share] = NONE


def everything_is_slot_zero(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """Whichever slot is requested, it becomes the first."""
    task_executor.request_slot(s, tm, allocation, detail)
    for other in range(len(s.pool.slot)):
        if s.tables[tm].slot_number[other] != NONE:
            s.tables[tm].slot_number[other] = 0


def leaves_at_once(s: TaskSlotTableState, allocation: int) -> int:
    """A slot becomes free even if tasks run in it."""
    number = s.slot_number[allocation]
    if s.slot[allocation] in (TaskSlot.ALLOCATED, TaskSlot.ACTIVE):
        fire(s.slot, allocation, TaskSlot.release)
    if s.slot[allocation] == TaskSlot.RELEASING:
        fire(s.slot, allocation, TaskSlot.leave)
    recycle(s.slot, allocation)
    s.slot_number[allocation] = NONE
    return number


def close_nothing(s: SlotPoolState) -> int:
    """A pool that closes keeps what it has."""
    return NONE


def lead_without_manager(s: ClusterState) -> None:
    """The manager of a ResourceManager that leads is not started."""
    fire(s.resource_manager, 0, Leader.gain)


def keep_waiting(s: ClusterState, share: int) -> None:
    """Nobody notifies the share that its request has failed."""


def report_nothing(s: ClusterState, tm: int, instance: int) -> None:
    """The ResourceManager ignores the slot report of a heartbeat."""
    resource_manager.forget_slot_report(s, tm)


def keep_the_slot(s: ClusterState, tm: int, allocation: int) -> None:
    """The timeout of a slot frees nothing."""
    ticket = s.tables[tm].ticket[allocation]
    table.fire_timeout(s.tables[tm], allocation)
    s.tables[tm].sent[ticket] = NONE


def refuse_tasks(s: ClusterState, tm: int, allocation: int, execution: int) -> None:
    """The TaskExecutor rejects every task."""
    task_executor.tell_of_task(s, tm, int(Message.SUBMISSION_FAILED), allocation, execution)


def leave_without_a_word(s: ClusterState, connected: bool, ended: int) -> None:
    """The JobMaster does not tell the ResourceManager that it leaves."""


def look_up_anyway(s: ClusterState) -> None:
    """The ResourceManager looks up who leads before anybody has registered."""
    s.job_connecting = 2


def drop_in_silence(s: ClusterState, ended: int) -> None:
    """The ResourceManager does not tell the JobMaster that it drops it."""
    s.job_registered = 0


def answer_nothing(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The JobMaster does not answer offers."""


def ignore_tasks(s: ClusterState, tm: int, allocation: int, execution: int) -> None:
    """The TaskExecutor neither takes nor refuses tasks."""


def offer_nothing(s: ClusterState, tm: int) -> None:
    """The TaskExecutor does not offer its slots."""


def wait_for_ever(s: ClusterState, tm: int) -> None:
    """The TaskExecutor goes on to wait for answers to its offers."""


def acknowledge_anything(s: ClusterState, tm: int, allocation: int, detail: int) -> None:
    """The TaskExecutor acknowledges what it does not have."""
    task_executor.tell_resource_manager(s, tm, int(Message.CALL_ACKNOWLEDGED), NONE, detail)


def keep_the_call(s: ClusterState, allocation: int) -> None:
    """The JobMaster goes on to wait for an answer that it has."""


def close_in_silence(s: ClusterState, tm: int) -> None:
    """The TaskExecutor closes its connection to the JobMaster, and does not tell it."""
    fire(s.at_jm, tm, Registration.close)


def forget_in_silence(s: ClusterState, tm: int) -> None:
    """The ResourceManager gives a TaskExecutor up, and does not tell it."""
    resource_manager.unregister(s, tm)


def stay_connected_to_resource_manager(s: ClusterState, tm: int) -> None:
    """A TaskExecutor does not care what the ResourceManager thinks of it."""


def stay_connected_as_job_master(s: ClusterState) -> None:
    """A JobMaster does not care what the ResourceManager thinks of it."""


def tell_whoever_leads(s: ClusterState, message: int, allocation: int = NONE) -> None:
    """What a ResourceManager says to a former JobMaster reaches the next one."""
    send(s, TO_JOB_MASTER, message, allocation)


def end_tasks_at_once(s: ClusterState, region: int) -> None:
    """The scheduler gives up the tasks of a region that fails, and tells nobody."""
    if s.job[region] not in (Job.SCHEDULING, Job.RUNNING):
        return
    fire(s.job, region, Job.fail)
    for task in range(len(s.task)):
        if scheduler.is_deployed(s, task):
            fire(s.task, task, Execution.end)
    scheduler.give_up_slots(s)


@dataclass(frozen=True)
class Mutant:
    """Replaced rules, and the length of the trace that a search finds within these bounds."""

    replace: Mapping[Callable[..., Any], Callable[..., Any]]
    length: int
    bounds: Mapping[str, int] = field(default_factory=lambda: CALM)


MUTANTS = {
    "a_share_has_a_slot_of_its_own": Mutant(
        {scheduler.slot_request_fulfilled: assign_the_first}, 19, TWO
    ),
    "a_share_has_what_the_pool_gave_it": Mutant({scheduler.slot_lost: keep_the_share}, 18, EARLY),
    "an_allocated_slot_has_an_owner": Mutant({scheduler.give_up: give_nothing_back}, 18, EARLY),
    "deployed_tasks_have_slots": Mutant({scheduler.slot_lost: keep_the_tasks}, 18, EARLY),
    "a_task_that_was_given_up_does_not_start": Mutant(
        {scheduler.fail_region: end_tasks_at_once}, 24, {**TWO, "failures": 1, "busy": 4}
    ),
    "a_retired_job_holds_nothing": Mutant({pool.close: close_nothing}, 21),
    "a_job_master_answers_task_executors": Mutant({job_master.offer_slot: answer_nothing}, 15),
    "a_task_executor_answers_the_job_master": Mutant({task_executor.submit_task: ignore_tasks}, 16),
    "an_unused_slot_is_offered": Mutant(
        {task_executor.offer_slots_to_job_manager: offer_nothing}, 14
    ),
    "offers_end_with_the_connection": Mutant(
        {task_executor.forget_offers: wait_for_ever}, 16, EARLY
    ),
    "a_requested_slot_is_acknowledged_or_occupied": Mutant(
        {task_executor.request_slot: acknowledge_anything}, 12
    ),
    "an_answered_request_is_not_waited_for": Mutant(
        {job_master.request_acknowledged: keep_the_call}, 6
    ),
    "a_job_master_that_leaves_says_so": Mutant(
        {job_master.leave_resource_manager: leave_without_a_word}, 24, REGISTERS
    ),
    "a_look_up_begins_with_a_registration": Mutant(
        {job_master.forget_look_up: look_up_anyway}, 3, REGISTERS
    ),
    "a_job_master_that_is_dropped_is_told": Mutant(
        {resource_manager.close_job_manager_connection: drop_in_silence}, 25, REGISTERS
    ),
    "a_task_executor_that_leaves_says_so": Mutant(
        {task_executor.close_job_manager_connection_if_no_allocated_resources: close_in_silence}, 23
    ),
    "a_task_executor_that_is_dropped_is_told": Mutant(
        {resource_manager.close_task_manager_connection: forget_in_silence}, 7, EARLY
    ),
    "a_task_executor_that_was_dropped_closes_the_connection": Mutant(
        {task_executor.close_resource_manager_connection: stay_connected_to_resource_manager},
        9,
        EARLY,
    ),
    "a_job_master_that_was_dropped_closes_the_connection": Mutant(
        {job_master.close_connection: stay_connected_as_job_master},
        8,
        {**REGISTERS, "early_timeouts": 1, "overtaking": 2},
    ),
    "a_former_job_master_is_told_nothing": Mutant(
        {resource_manager.tell_job_master: tell_whoever_leads},
        8,
        {**REGISTERS, "leader_changes": 1},
    ),
    "no_operation_ends_with_an_exception": Mutant(
        {resource_manager.grant_leadership: lead_without_manager}, 5
    ),
}
"""Mutants with a state or step that violates a property, by its name."""

TAKEN_OVER = {
    "table_a_number_has_at_most_one_slot": Mutant(
        {task_executor.request_slot: everything_is_slot_zero}, 15, TWO
    ),
    "table_a_slot_with_tasks_stays_in_the_table": Mutant(
        {table.free_slot: leaves_at_once}, 21, EARLY
    ),
}
"""Likewise for properties of parts, which the cluster checks on each TaskExecutor."""

NEVER = {
    "every_request_is_settled": Mutant({scheduler.slot_request_failed: keep_waiting}, 14, LOSS),
    "the_views_agree_in_the_end": Mutant(
        {resource_manager.heartbeat_from: report_nothing}, 31, LOSS
    ),
    "a_finished_job_leaves_nothing": Mutant(
        {task_executor.slot_times_out: keep_the_slot}, 29, LOSS
    ),
    "the_job_finishes": Mutant({task_executor.submit_task: refuse_tasks}, 25),
}
"""Mutants in which something never happens; the length counts stem and loop."""


BROKEN = {
    "a_former_job_master_frees_no_slot_of_the_next": 30,
    "a_former_job_master_closes_no_connection_of_the_next": 24,
}
"""What Flink itself breaks, in the scope `stragglers` of 1.13; the length of the trace."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mutant"), [*MUTANTS.items(), *TAKEN_OVER.items()])
def test_a_mutant_is_noticed(name: str, mutant: Mutant) -> None:
    instance = CLUSTER.instance(
        mutant.bounds, generation="1.12", scope="losses", replace=mutant.replace
    )
    instance.properties = {name: instance.properties[name]}
    result = explore_interpreted(instance, Limits(states=50_000, seconds=60, until=name))
    (finding,) = (p.finding for p in result.properties)
    assert finding is not None
    assert len(finding.steps) == mutant.length


@pytest.mark.slow
@pytest.mark.parametrize("name", NEVER)
def test_what_never_happens_is_noticed(name: str) -> None:
    mutant = NEVER[name]
    instance = CLUSTER.instance(
        mutant.bounds, generation="1.12", scope="losses", replace=mutant.replace
    )
    result = explore_compiled(instance, Limits(states=5_000, seconds=60))
    found = next(p for p in result.properties if p.property.name == name)
    assert found.verdict is Verdict.VIOLATED
    assert found.finding is not None
    assert found.finding.loop is not None
    assert len(found.finding.steps) == mutant.length


@pytest.mark.slow
def test_what_flink_breaks_is_noticed() -> None:
    result = explore_compiled(CLUSTER.instance(generation="1.13", scope="stragglers"))
    found = {p.property.name: p for p in result.properties}
    for name, length in BROKEN.items():
        finding = found[name].finding
        assert found[name].verdict is Verdict.DEVIATES
        assert finding is not None
        assert len(finding.steps) == length


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [CALM, LOSS, EARLY, TWO], ids=["calm", "loss", "early", "two"])
def test_without_a_mutant_every_property_holds(bounds: Mapping[str, int]) -> None:
    instance = CLUSTER.instance(bounds, generation="1.12", scope="losses")
    result = explore_compiled(instance, Limits(states=30_000, seconds=60))
    assert result.verdict is Verdict.HOLDS


def test_every_property_of_the_cluster_has_a_mutant() -> None:
    """Except `sometimes` properties, and those of the parts, which have their own mutants."""
    parts = ("pool_", "manager_", "table_")
    claims = {
        name
        for name, declared in CLUSTER.properties.items()
        if declared.kind is not Kind.SOMETIMES and not name.startswith(parts)
    }
    of_bugs = {bug.property for bug in known_bugs().values() if bug.model == "cluster"}
    assert claims == {*MUTANTS, *NEVER, *BROKEN} | (of_bugs & claims)
