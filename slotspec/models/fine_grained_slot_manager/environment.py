"""What may happen to a FineGrainedSlotManager: all calls that its environment can make.

Each action is one operation of the manager, with a guard that says when and how its caller may
call it. JobMasters declare requirements, again and again, and leave. TaskExecutors register, are
lost, answer in any order, and report. Workers that the manager asks for arrive in the end; calls
and questions are answered in the end, if only by a timeout; time passes.

Connections belong to TaskExecutors in rotation: number `n` to TaskExecutor
``n % task_managers``. A guard also rejects what the bounds leave no room for.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.orders import ORDERS, exchange, number_of_orders
from slotspec.models.fine_grained_slot_manager import operations as manager
from slotspec.models.fine_grained_slot_manager.lifecycles import (
    IdleQuery,
    ManagedSlot,
    ManagedTaskManager,
    Manager,
    PendingTaskManager,
    SlotCall,
)
from slotspec.models.fine_grained_slot_manager.model import fine_grained_slot_manager
from slotspec.models.fine_grained_slot_manager.state import (
    Answer,
    FineGrainedSlotManagerState,
    Timer,
    Work,
    allocations,
    has_several_slot_profiles,
    instances,
    jobs,
    pending_places,
    profiles,
    queries,
    task_managers,
    totals,
    wants_spare_workers,
)
from slotspec.models.fine_grained_slot_manager.syncing import queued
from slotspec.models.fine_grained_slot_manager.tracking import job_row
from slotspec.models.fine_grained_slot_manager.versions import WorkerControl
from slotspec.models.fine_grained_slot_manager.workers import (
    is_allocation_unused,
    is_on,
    is_registered,
    number_of_slots,
    pending_amount,
)
from slotspec.statemachine.declaration.conditions import equals, exceeds, is_set
from slotspec.statemachine.declaration.model import Fairness
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.rules import DISABLED, NONE

COUNTS = 5
"""Slots that a job may require of a profile: 0 to one less."""


SPARE_TIMERS = 3
"""Timers that must be free for a second start: its own, a check, a declaration."""


class HashMap(IntEnum):
    """Hash maps that live on, whose order random ids decide."""

    EXPECTED = 0
    """Workers that were asked for."""
    INDEXED = 1
    """The same workers, as a registration finds them."""


has_allocator = is_set("allocator")
declares_workers = equals("worker_control", WorkerControl.DECLARED)
"""Workers are declared, not asked for one by one."""
has_moods = is_set("moody_resources") & ~declares_workers
has_idle_time = is_set("timers", "allocator", "task_manager_timeout")
"""Idle TaskExecutors are found."""
asks_before_release = has_idle_time & (is_set("wait_result_consumed") | is_set("idle_release"))
has_reports = is_set("reports")
has_late_reports = exceeds("reports", 1)
"""Reports may name slots that the manager did not ask for, or has freed."""
has_failures = is_set("failing_answers")
has_occupied_answers = is_set("occupied_answers")
has_losses = is_set("losses")
has_restarts = is_set("restarts")
starts_twice = exceeds("restarts", 1)
"""The manager may be started while it is started."""
has_blocking = is_set("blocking") & declares_workers
has_notify_flag = is_set("notify_flag")
has_queue = ~is_set("auto_run")
has_any_order = is_set("iteration_order")
has_order_of_refused = has_any_order & declares_workers & wants_spare_workers
"""Whether the order of refused workers decides which jobs a failed check notes."""
has_order_of_leaving = has_any_order & has_several_slot_profiles
"""Whether the order of slots that leave decides which requirement is missing then."""


# ------------------------------------------------------------------- what is possible now


@fine_grained_slot_manager.final_states
def process_has_ended(s: FineGrainedSlotManagerState) -> bool:
    """A fatal exception has ended the process."""
    return s.manager[0] == Manager.KILLED


def spare_allocations(s: FineGrainedSlotManagerState) -> int:
    """How many allocations may still be made."""
    return sum(is_allocation_unused(s, allocation) for allocation in s.elements(allocations))


def units(s: FineGrainedSlotManagerState, profile: int) -> int:
    """How many small slots a slot of this profile is worth."""
    return s.amount[profile * s.resource_count]


def gain(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """How many more slots fit than there are records, once this slot has left.

    Its own record is free again only if its call is answered.
    """
    return units(s, s.slot_profile[allocation]) - int(s.call[allocation] == SlotCall.UNUSED)


def gain_of(s: FineGrainedSlotManagerState, instance: int) -> int:
    """The same for all ALLOCATED slots of a TaskExecutor."""
    return sum(
        gain(s, allocation)
        for allocation in s.elements(allocations)
        if is_on(s, allocation, instance) and s.slot[allocation] == ManagedSlot.ALLOCATED
    )


def has_records(s: FineGrainedSlotManagerState, more: int) -> bool:
    """Whether there are allocations for all slots that a step may request.

    :param more: small slots that fit only because of the step.
    """
    fitting = sum(
        max(s.unused[instance * s.resource_count] - pending_amount(s, instance, 0), 0)
        for instance in s.elements(instances)
        if is_registered(s, instance)
    )
    return spare_allocations(s) >= fitting + more


def has_questions(s: FineGrainedSlotManagerState, times: int) -> bool:
    """Whether each idle TaskExecutor can be asked so often."""
    width = len(s.query) // len(s.registration)
    return width == 0 or all(
        s.registration[instance] != ManagedTaskManager.IDLE
        or sum(s.query[instance * width + i] == IdleQuery.UNUSED for i in range(width)) >= times
        for instance in s.elements(instances)
    )


def is_busy(s: FineGrainedSlotManagerState) -> bool:
    """Whether the process has ended, or its main thread is too far behind."""
    return s.manager[0] == Manager.KILLED or (s.auto_run == 0 and queued(s) + 4 > len(s.work))


def may_run(s: FineGrainedSlotManagerState, more: int = 0) -> bool:
    """Whether the process lives, and the records suffice for whatever a step may do."""
    return not is_busy(s) and has_records(s, more) and has_questions(s, 1)


def write_report(s: FineGrainedSlotManagerState, instance: int, without: int) -> int:
    """Report the ALLOCATED slots of a TaskExecutor but one; returns how many."""
    entry = 0
    for allocation in s.elements(allocations):
        if (
            is_on(s, allocation, instance)
            and s.slot[allocation] == ManagedSlot.ALLOCATED
            and allocation != without
        ):
            write_entry(s, entry, allocation, s.slot_job[allocation], s.slot_profile[allocation])
            entry += 1
    return entry


def write_entry(
    s: FineGrainedSlotManagerState, entry: int, allocation: int, job: int, profile: int
) -> None:
    """Report one allocation."""
    s.report_allocation[entry] = allocation
    s.report_job[entry] = job
    s.report_profile[entry] = profile


# ----------------------------------------------------------------------------- leadership


@fine_grained_slot_manager.action(fair=Fairness.WEAK)
def start(s: FineGrainedSlotManagerState) -> int:
    """The ResourceManager gains leadership: for the first time, or again."""
    if s.manager[0] in (Manager.STARTED, Manager.KILLED):
        return DISABLED
    return manager.start(s)


@fine_grained_slot_manager.action(when=starts_twice, fault=True)
def start_again(s: FineGrainedSlotManagerState) -> int:
    """The ResourceManager starts a manager that is started."""
    if s.manager[0] != Manager.STARTED or timers_left(s) < SPARE_TIMERS:
        return DISABLED
    return manager.start(s)


@fine_grained_slot_manager.action(when=has_restarts, fault=True)
def suspend(s: FineGrainedSlotManagerState) -> int:
    """The ResourceManager loses leadership, or shuts down."""
    stale = sum(state == PendingTaskManager.STALE for state in s.pending)
    if (
        s.manager[0] != Manager.STARTED
        or stale + length(s.expected) + s.most_workers > len(s.pending)
        or timers_left(s) < 1
    ):
        return DISABLED
    return manager.suspend(s)


def timers_left(s: FineGrainedSlotManagerState) -> int:
    """How many more timers fit."""
    return sum(timer == Timer.UNUSED for timer in s.timer)


@fine_grained_slot_manager.action(when=has_moods, allowed=2)
def set_resource_allocation(s: FineGrainedSlotManagerState, allowed: int) -> int:
    """The cluster has resources for new workers, or has none any more (1.14)."""
    return manager.set_resource_allocation(s, allowed)


# ---------------------------------------------------------------------------- JobMasters


@fine_grained_slot_manager.action(job=jobs, profile=profiles, count=COUNTS)
def process_resource_requirements(
    s: FineGrainedSlotManagerState, job: int, profile: int, count: int
) -> int:
    """A JobMaster declares all that it requires; of one profile perhaps more or less."""
    if count > s.most_required or not may_run(s):
        return DISABLED
    row, entry, known = job_row(s, job), 0, False
    for place in s.elements(profiles):
        required = s.required_order[row + place]
        if required != NONE:
            number = count if required == profile else s.required[row + required]
            known = known or required == profile
            if number > 0:
                s.declared_profile[entry] = required
                s.declared_count[entry] = number
                entry += 1
    if not known and count > 0:
        s.declared_profile[entry] = profile
        s.declared_count[entry] = count
    return manager.process_resource_requirements(s, job, 0, 0)


@fine_grained_slot_manager.action(job=jobs)
def clear_resource_requirements(s: FineGrainedSlotManagerState, job: int) -> int:
    """A job is over."""
    if not may_run(s):
        return DISABLED
    return manager.clear_resource_requirements(s, job)


@fine_grained_slot_manager.action(when=has_notify_flag, fail=2)
def set_fail_unfulfillable_request(s: FineGrainedSlotManagerState, fail: int) -> int:
    """The ResourceManager starts or stops telling jobs that resources are missing."""
    if not may_run(s):
        return DISABLED
    return manager.set_fail_unfulfillable_request(s, fail)


@fine_grained_slot_manager.action(when=has_blocking, fair=Fairness.WEAK)
def trigger_resource_requirements_check(s: FineGrainedSlotManagerState) -> int:
    """The ResourceManager asks for a check, since TaskExecutors are no longer blocked."""
    if not may_run(s):
        return DISABLED
    return manager.trigger_resource_requirements_check(s)


@fine_grained_slot_manager.action(when=has_blocking, tm=task_managers, blocked=2)
def set_blocked(s: FineGrainedSlotManagerState, tm: int, blocked: int) -> int:
    """A TaskExecutor is put on the list of blocked ones, or taken off."""
    if not may_run(s):
        return DISABLED
    return manager.set_blocked(s, tm, blocked)


# ------------------------------------------------------------------------- task managers


def is_new(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether a connection may register: its id does not come again while it is asked."""
    return not is_registered(s, instance) and instance not in s.query_instance


def owner_of(s: FineGrainedSlotManagerState, instance: int) -> int:
    """The TaskExecutor of a connection."""
    return instance % len(s.blocked)


@fine_grained_slot_manager.action(when=has_allocator, instance=instances, fair=Fairness.STRONG)
def register_expected_task_manager(s: FineGrainedSlotManagerState, instance: int) -> int:
    """A worker that the manager has asked for registers."""
    if (
        not is_new(s, instance)
        or length(s.expected) == 0
        or not may_run(s, s.total_amount[s.worker * s.resource_count])
    ):
        return DISABLED
    return manager.register_task_manager(
        s, instance, owner_of(s, instance), s.worker, s.worker_slot
    )


@fine_grained_slot_manager.action(instance=instances, total=totals)
def register_task_manager(s: FineGrainedSlotManagerState, instance: int, total: int) -> int:
    """A TaskExecutor registers that nobody may have asked for, or that is known already."""
    known = is_registered(s, instance)
    more = gain_of(s, instance) if known else s.total_amount[total * s.resource_count]
    if not (known or is_new(s, instance)) or not may_run(s, more):
        return DISABLED
    return manager.register_task_manager(s, instance, owner_of(s, instance), total, s.worker_slot)


@fine_grained_slot_manager.action(
    when=has_late_reports, instance=instances, allocation=allocations, job=jobs, profile=profiles
)
def register_task_manager_in_use(
    s: FineGrainedSlotManagerState, instance: int, allocation: int, job: int, profile: int
) -> int:
    """A TaskExecutor registers with an allocation, as after the ResourceManager has changed."""
    if (
        not is_new(s, instance)
        or profile == s.unknown
        or s.call[allocation] != SlotCall.UNUSED
        or not may_run(s, s.total_amount[s.worker * s.resource_count] + 1)
    ):
        return DISABLED
    write_entry(s, 0, allocation, job, profile)
    return manager.register_task_manager(
        s, instance, owner_of(s, instance), s.worker, s.worker_slot
    )


@fine_grained_slot_manager.action(when=declares_workers, instance=instances, fair=Fairness.STRONG)
def stop_unwanted_task_manager(s: FineGrainedSlotManagerState, instance: int) -> int:
    """A worker that is declared unwanted stops, once the declaration is made."""
    if not s.unwanted[instance] or not may_run(s):
        return DISABLED
    return manager.unregister_task_manager(s, instance)


@fine_grained_slot_manager.action(when=has_losses, instance=instances, fault=True)
def unregister_task_manager(s: FineGrainedSlotManagerState, instance: int) -> int:
    """A connection is lost or closed."""
    if not is_registered(s, instance) or not may_run(s):
        return DISABLED
    return manager.unregister_task_manager(s, instance)


@fine_grained_slot_manager.action(when=has_reports, allocation=allocations)
def report_without_slot(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor reports all its slots but one, which it has freed."""
    if s.slot[allocation] != ManagedSlot.ALLOCATED:
        return DISABLED
    instance = s.slot_instance[allocation]
    if not is_registered(s, instance) or not may_run(s, gain(s, allocation)):
        return DISABLED
    write_report(s, instance, allocation)
    return manager.report_slot_status(s, instance)


@fine_grained_slot_manager.action(when=has_reports, allocation=allocations)
def report_requested_slot(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor reports a slot before its answer arrives."""
    if s.slot[allocation] != ManagedSlot.PENDING or not may_run(
        s, units(s, s.slot_profile[allocation])
    ):
        return DISABLED
    instance = s.slot_instance[allocation]
    entry = write_report(s, instance, NONE)
    write_entry(s, entry, allocation, s.slot_job[allocation], s.slot_profile[allocation])
    return manager.report_slot_status(s, instance)


@fine_grained_slot_manager.action(
    when=has_late_reports, instance=instances, allocation=allocations, job=jobs, profile=profiles
)
def report_unknown_slot(
    s: FineGrainedSlotManagerState, instance: int, allocation: int, job: int, profile: int
) -> int:
    """A report names a slot that the manager does not know, or has elsewhere."""
    if (
        profile == s.unknown
        or not is_registered(s, instance)
        or s.call[allocation] != SlotCall.UNUSED
        or (s.slot[allocation] != ManagedSlot.ABSENT and s.slot_instance[allocation] == instance)
        or not may_run(s, 1)
    ):
        return DISABLED
    entry = write_report(s, instance, NONE)
    write_entry(s, entry, allocation, job, profile)
    return manager.report_slot_status(s, instance)


@fine_grained_slot_manager.action(allocation=allocations)
def free_slot(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor says that an allocation is over."""
    if s.slot[allocation] == ManagedSlot.ABSENT or not may_run(s, gain(s, allocation)):
        return DISABLED
    return manager.free_slot(s, allocation)


# -------------------------------------------------------------------------------- answers


@fine_grained_slot_manager.action(allocation=allocations, fair=Fairness.WEAK)
def call_acknowledged(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor gives the slot that a call asks for, even if nobody waits any more."""
    if s.call[allocation] != SlotCall.OPEN or is_busy(s):
        return DISABLED
    return manager.call_acknowledged(s, allocation)


@fine_grained_slot_manager.action(when=has_failures, allocation=allocations, fault=True)
def call_fails(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor refuses, does not answer in time, or is lost."""
    present = s.slot[allocation] != ManagedSlot.ABSENT
    more = units(s, s.slot_profile[allocation]) - 1 if present else 0
    if s.call[allocation] != SlotCall.OPEN or not may_run(s, more):
        return DISABLED
    return manager.call_fails(s, allocation, 0)


@fine_grained_slot_manager.action(when=has_occupied_answers, allocation=allocations, fault=True)
def call_occupied(s: FineGrainedSlotManagerState, allocation: int) -> int:
    """A TaskExecutor answers that the slot is occupied."""
    if s.call[allocation] != SlotCall.OPEN or not may_run(s):
        return DISABLED
    return manager.call_fails(s, allocation, 1)


@fine_grained_slot_manager.action(
    when=asks_before_release, query=queries, answer=Answer, fair=Fairness.STRONG
)
def query_answered(s: FineGrainedSlotManagerState, query: int, answer: int) -> int:
    """A TaskExecutor answers whether it may be released, or cannot be reached."""
    if s.query[query] == IdleQuery.UNUSED or s.query_answer[query] != Answer.NONE_YET or is_busy(s):
        return DISABLED
    return manager.query_answered(s, query, answer)


# ----------------------------------------------------------------------- time and order


@fine_grained_slot_manager.action(when=has_queue, fair=Fairness.WEAK)
def run_main_thread(s: FineGrainedSlotManagerState) -> int:
    """The main thread runs what has waited longest."""
    if (
        s.work[0] == Work.NOTHING
        or s.manager[0] == Manager.KILLED
        or not has_records(s, 0)
        or not has_questions(s, 1)
    ):
        return DISABLED
    return manager.run_main_thread(s, 1)


@fine_grained_slot_manager.action(when=is_set("timers"), fair=Fairness.STRONG)
def advance_time(s: FineGrainedSlotManagerState) -> int:
    """One tick of time passes."""
    searches = sum(timer == Timer.RECONCILE for timer in s.timer)
    if not may_run(s) or not has_questions(s, searches + 1):
        return DISABLED
    return manager.advance_time(s, 1)


@fine_grained_slot_manager.action(when=has_any_order, which=HashMap, place=pending_places)
def iteration_order_changes(s: FineGrainedSlotManagerState, which: int, place: int) -> int:
    """From now on a hash map is iterated in another order.

    The manager does nothing: hash maps are free in their order. See IterationOrder.
    """
    if s.manager[0] == Manager.KILLED:
        return DISABLED
    if which == HashMap.EXPECTED:
        return exchange(s.expected, place)
    return exchange(s.indexed, place)


@fine_grained_slot_manager.action(when=has_order_of_refused, order=ORDERS)
def order_of_refused_changes(s: FineGrainedSlotManagerState, order: int) -> int:
    """Workers that are refused together will be looked at in this order."""
    if s.manager[0] == Manager.KILLED:
        return DISABLED
    s.refused_order = order
    return NONE


@fine_grained_slot_manager.action(when=has_order_of_leaving, order=ORDERS)
def order_of_leaving_changes(s: FineGrainedSlotManagerState, order: int) -> int:
    """Slots that leave together will leave in this order."""
    if s.manager[0] == Manager.KILLED or order >= orders_of_leaving(s):
        return DISABLED
    s.leaving_order = order
    return NONE


def orders_of_leaving(s: FineGrainedSlotManagerState) -> int:
    """In how many orders slots of different profiles can leave a TaskExecutor now."""
    most = max(
        number_of_slots(s, instance) if has_several_profiles(s, instance) else 1
        for instance in s.elements(instances)
    )
    return number_of_orders(most)


def has_several_profiles(s: FineGrainedSlotManagerState, instance: int) -> bool:
    """Whether a TaskExecutor has slots of several profiles."""
    return any(
        is_on(s, allocation, instance)
        and is_on(s, other, instance)
        and s.slot_profile[allocation] != s.slot_profile[other]
        for allocation in s.elements(allocations)
        for other in range(allocation)
    )
