"""What may happen to a SlotManager: all calls that its environment can make.

Each action is one operation of the manager, with a guard that says when and how its caller may
call it. JobMasters ask for slots and give up. TaskExecutors register, leave, return under a new
connection, and report anything about their slots: repeated, late, conflicting, stale. They answer
calls in any order, or never.

Slots and connections belong to TaskExecutors in rotation: number `n` to TaskExecutor
``n % task_managers``. A guard also rejects what the bounds leave no room for.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.orders import exchange
from slotspec.models.slot_manager import operations as manager
from slotspec.models.slot_manager.lifecycles import IdleQuery, SlotCall
from slotspec.models.slot_manager.model import slot_manager
from slotspec.models.slot_manager.records import is_call_spare, spare_request
from slotspec.models.slot_manager.state import (
    CALLS_PER_SLOT,
    Answer,
    Check,
    SlotManagerState,
    allocations,
    calls,
    instances,
    jobs,
    profiles,
    queries,
    request_places,
    slots,
)
from slotspec.models.slot_manager.updates import queued
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE


class CallFailure(IntEnum):
    """Failures of a call that the manager distinguishes."""

    OTHER = 0
    """Refused, or not answered in time."""
    CANCELLED = 1
    """A CancellationException."""


class LinkedMap(IntEnum):
    """Maps whose order makes a difference."""

    REQUESTS = 0
    PENDING_SLOTS = 1
    REGISTRATIONS = 2


has_time = is_set("timers", "task_manager_timeout", "slot_request_timeout")
asks_before_release = has_time & is_set("wait_result_consumed")
has_reports = is_set("reports")
has_occupied_answers = is_set("occupied_answers")
has_moods = is_set("moody_resources", "workers")
has_queue = ~is_set("auto_run")
has_any_order = is_set("iteration_order")
can_release_everything = is_set("can_release_everything")


# ------------------------------------------------------------------- what is possible now

SPARE_CALLS = CALLS_PER_SLOT - 1
"""The most calls that one operation may make for the same slot."""


def has_room(s: SlotManagerState) -> bool:
    """Whether every slot has records for the calls that one operation may make."""
    width = len(s.call) // len(s.slot)
    return all(
        sum(is_call_spare(s, call) for call in range(slot * width, (slot + 1) * width))
        >= SPARE_CALLS
        for slot in s.elements(slots)
    )


def has_room_for_timers(s: SlotManagerState) -> bool:
    """Whether there is room for the two timers of one more start."""
    unused = sum(check == Check.UNUSED for check in s.timer)
    return len(s.timer) == 0 or unused >= 2


def has_room_for_checks(s: SlotManagerState) -> bool:
    """Whether the main thread has run all checks, and more queries can be sent.

    A check runs up to twice a tick: once if it was due at once, and again a period later.
    """
    if any(check != Check.UNUSED for check in s.main_check):
        return False
    width = len(s.query) // len(s.registration)
    return not s.wait_result_consumed or all(
        sum(
            s.query[query] == IdleQuery.UNUSED
            for query in range(instance * width, (instance + 1) * width)
        )
        >= len(s.timer)
        for instance in s.elements(instances)
    )


def is_same_task_manager(s: SlotManagerState, instance: int, slot: int) -> bool:
    """Whether a connection and a slot belong to the same TaskExecutor."""
    return instance % s.task_managers == slot % s.task_managers


def write_report(s: SlotManagerState, instance: int, profile: int) -> None:
    """Report all slots of the connection's TaskExecutor as empty, of one profile."""
    place = 0
    for slot in s.elements(slots):
        if is_same_task_manager(s, instance, slot):
            s.report_slot[place] = slot
            s.report_profile[place] = profile
            place += 1


def write_allocation(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """Add to the report that a slot carries an allocation."""
    for place, reported in enumerate(s.report_slot):
        if reported == slot:
            s.report_allocation[place] = allocation
            s.report_job[place] = job


def write_entry(s: SlotManagerState, slot: int, allocation: int = NONE, job: int = NONE) -> None:
    """Report one slot. Only a registration reads the profiles of a report."""
    s.report_slot[0] = slot
    s.report_profile[0] = 0
    s.report_allocation[0] = allocation
    s.report_job[0] = job


# ----------------------------------------------------------------------------- leadership


@slot_manager.action()
def start(s: SlotManagerState) -> int:
    """The ResourceManager gains leadership, or starts the manager again."""
    if not has_room_for_timers(s):
        return DISABLED
    return manager.start(s)


@slot_manager.action()
def suspend(s: SlotManagerState) -> int:
    """The ResourceManager loses leadership, or shuts down."""
    return manager.suspend(s)


@slot_manager.action(when=has_moods, granted=2)
def set_resource_allocation(s: SlotManagerState, granted: int) -> int:
    """The cluster has resources for new workers, or has none any more."""
    return manager.set_resource_allocation(s, granted)


# ---------------------------------------------------------------------------- JobMasters


@slot_manager.action(allocation=allocations, job=jobs, profile=profiles)
def register_slot_request(s: SlotManagerState, allocation: int, job: int, profile: int) -> int:
    """A JobMaster asks for a slot under a new id or a known one."""
    request = spare_request(s, allocation)
    if request == NONE or not has_room(s):
        return DISABLED
    return manager.register_slot_request(s, request, allocation, job, profile)


@slot_manager.action(allocation=allocations)
def unregister_slot_request(s: SlotManagerState, allocation: int) -> int:
    """A JobMaster gives up its request."""
    if not has_room(s):
        return DISABLED
    return manager.unregister_slot_request(s, allocation)


@slot_manager.action(when=is_set("fail_flag"), fail=2)
def set_fail_unfulfillable_request(s: SlotManagerState, fail: int) -> int:
    """The ResourceManager starts or stops failing requests that no slot can fulfil."""
    return manager.set_fail_unfulfillable_request(s, fail)


# ------------------------------------------------------------------------- task managers


@slot_manager.action(instance=instances, profile=profiles)
def register_task_manager(s: SlotManagerState, instance: int, profile: int) -> int:
    """A TaskExecutor registers with empty slots, perhaps while an older connection is known."""
    if not has_room(s):
        return DISABLED
    write_report(s, instance, profile)
    return manager.register_task_manager(s, instance)


@slot_manager.action(instance=instances, slot=slots, allocation=allocations, job=jobs)
def register_task_manager_in_use(
    s: SlotManagerState, instance: int, slot: int, allocation: int, job: int
) -> int:
    """A TaskExecutor registers with an allocation in one of its slots."""
    if not is_same_task_manager(s, instance, slot) or not has_room(s):
        return DISABLED
    write_report(s, instance, 0)
    write_allocation(s, slot, allocation, job)
    return manager.register_task_manager(s, instance)


@slot_manager.action(instance=instances)
def unregister_task_manager(s: SlotManagerState, instance: int) -> int:
    """A connection is lost or closed, known or not."""
    if not has_room(s):
        return DISABLED
    return manager.unregister_task_manager(s, instance)


@slot_manager.action(when=can_release_everything)
def unregister_task_managers_and_release_resources(s: SlotManagerState) -> int:
    """All workers are released at once."""
    if not has_room(s):
        return DISABLED
    return manager.unregister_task_managers_and_release_resources(s)


@slot_manager.action(when=has_reports, instance=instances, slot=slots)
def report_empty_slot(s: SlotManagerState, instance: int, slot: int) -> int:
    """A heartbeat reports that a slot is empty; the report may be out of date."""
    if not is_same_task_manager(s, instance, slot) or not has_room(s):
        return DISABLED
    write_entry(s, slot)
    return manager.report_slot_status(s, instance)


@slot_manager.action(
    when=has_reports, instance=instances, slot=slots, allocation=allocations, job=jobs
)
def report_slot_in_use(
    s: SlotManagerState, instance: int, slot: int, allocation: int, job: int
) -> int:
    """A heartbeat reports that a slot carries an allocation; the report may be out of date."""
    if not is_same_task_manager(s, instance, slot) or not has_room(s):
        return DISABLED
    write_entry(s, slot, allocation, job)
    return manager.report_slot_status(s, instance)


@slot_manager.action(slot=slots, allocation=allocations)
def free_slot(s: SlotManagerState, slot: int, allocation: int) -> int:
    """A TaskExecutor reports, sooner or later, that a slot no longer carries an allocation."""
    if not has_room(s):
        return DISABLED
    return manager.free_slot(s, slot, allocation)


# -------------------------------------------------------------------------------- answers


def may_answer(s: SlotManagerState, call: int) -> bool:
    """Whether the call was made, and the main thread has not run its outcome."""
    return s.call[call] not in (SlotCall.UNUSED, SlotCall.SPENT) and has_room(s)


@slot_manager.action(call=calls)
def call_acknowledged(s: SlotManagerState, call: int) -> int:
    """A TaskExecutor gives the slot that a call asks for, even if nobody waits any more."""
    if not may_answer(s, call):
        return DISABLED
    return manager.call_acknowledged(s, call)


@slot_manager.action(when=has_occupied_answers, call=calls, allocation=allocations, job=jobs)
def call_occupied(s: SlotManagerState, call: int, allocation: int, job: int) -> int:
    """A TaskExecutor finds an allocation in the slot that a call asks for."""
    if not may_answer(s, call):
        return DISABLED
    return manager.call_occupied(s, call, allocation, job)


@slot_manager.action(call=calls, failure=CallFailure)
def call_fails(s: SlotManagerState, call: int, failure: int) -> int:
    """A TaskExecutor refuses, does not answer in time, or is lost."""
    cancelled = failure == CallFailure.CANCELLED
    if not may_answer(s, call) or (cancelled and not s.cancelled_answers):
        return DISABLED
    return manager.call_fails(s, call, cancelled)


@slot_manager.action(when=asks_before_release, query=queries, answer=Answer)
def query_answered(s: SlotManagerState, query: int, answer: int) -> int:
    """A TaskExecutor answers whether it may be released, or cannot be reached."""
    if s.query[query] == IdleQuery.UNUSED or s.query_answer[query] != Answer.NONE_YET:
        return DISABLED
    return manager.query_answered(s, query, answer)


# ----------------------------------------------------------------------- time and order


@slot_manager.action(when=has_queue)
def run_main_thread(s: SlotManagerState) -> int:
    """The main thread runs what has waited longest."""
    if queued(s) == 0:
        return DISABLED
    return manager.run_main_thread(s, 1)


@slot_manager.action(when=has_time)
def advance_time(s: SlotManagerState) -> int:
    """One tick of time passes."""
    if not has_room_for_checks(s) or not has_room(s):
        return DISABLED
    return manager.advance_time(s, 1)


@slot_manager.action()
def counts(s: SlotManagerState) -> int:
    """Somebody queries the sizes."""
    return manager.counts(s)


@slot_manager.action(when=has_any_order, which=LinkedMap, place=request_places)
def iteration_order_changes(s: SlotManagerState, which: int, place: int) -> int:
    """From now on a map is iterated in another order: two neighbours are exchanged.

    The manager does nothing: hash maps are free to change their order. See IterationOrder.
    """
    match which:
        case LinkedMap.REQUESTS:
            return exchange(s.entered, place)
        case LinkedMap.PENDING_SLOTS:
            return exchange(s.expected, place)
        case _:
            return exchange(s.registrations, place)
