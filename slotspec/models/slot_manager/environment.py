"""What may happen to a SlotManager: whoever calls it, with whatever is possible.

Each action is one operation of the manager with a guard that says when and with what its
caller may call it. JobMasters ask and give up; TaskExecutors come, leave, come back under a
new connection, and say anything of their slots: repeated, late, conflicting, stale. Answers
to calls come in any order, or never.

Slots and connections belong to TaskExecutors in turn: number `n` to TaskExecutor
``n % task_managers``. A guard also refuses what the bounds have no room for.
"""

from __future__ import annotations

from enum import IntEnum

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
from slotspec.statemachine.declaration.queues import length
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import DISABLED, NONE, Array


class CallFailure(IntEnum):
    """Failures of a call that make a difference."""

    OTHER = 0
    """Refused, or no answer in time."""
    CANCELLED = 1
    """A CancellationException."""


class LinkedMap(IntEnum):
    """Maps whose order decides something."""

    REQUESTS = 0
    PENDING_SLOTS = 1
    REGISTRATIONS = 2


def has_time(setting: Setting) -> bool:
    return bool(
        setting["timers"] and setting["task_manager_timeout"] and setting["slot_request_timeout"]
    )


def asks_before_release(setting: Setting) -> bool:
    return has_time(setting) and bool(setting["wait_result_consumed"])


def has_reports(setting: Setting) -> bool:
    return bool(setting["reports"])


def has_occupied_answers(setting: Setting) -> bool:
    return bool(setting["occupied_answers"])


def has_moods(setting: Setting) -> bool:
    return bool(setting["moody_resources"] and setting["workers"])


def has_fail_flag(setting: Setting) -> bool:
    return bool(setting["fail_flag"])


def has_queue(setting: Setting) -> bool:
    return not setting["auto_run"]


def has_any_order(setting: Setting) -> bool:
    return bool(setting["iteration_order"])


def can_release_everything(setting: Setting) -> bool:
    return bool(setting["can_release_everything"])


# ------------------------------------------------------------------- what is possible now

SPARE_CALLS = CALLS_PER_SLOT - 1
"""Calls that one operation may make for the same slot, at most."""


def has_room(s: SlotManagerState) -> bool:
    """Whether the calls that one operation may make still fit in, whatever slots it gives."""
    width = len(s.call) // len(s.slot)
    for slot in range(len(s.slot)):
        spare = 0
        for i in range(width):
            if is_call_spare(s, slot * width + i):
                spare += 1
        if spare < SPARE_CALLS:
            return False
    return True


def has_room_for_timers(s: SlotManagerState) -> bool:
    """Whether one more start fits in."""
    scheduled = 0
    for place in range(len(s.timer)):
        if s.timer[place] != Check.UNUSED:
            scheduled += 1
    return len(s.timer) == 0 or scheduled + 2 <= len(s.timer)


def has_room_for_checks(s: SlotManagerState) -> bool:
    """Whether the main thread has run all checks, and more questions can be asked.

    A check runs up to twice a tick: one that was due at once, and its next.
    """
    for place in range(len(s.main_check)):
        if s.main_check[place] != Check.UNUSED:
            return False
    if s.wait_result_consumed:
        width = len(s.query) // len(s.registration)
        for instance in range(len(s.registration)):
            spare = 0
            for i in range(width):
                if s.query[instance * width + i] == IdleQuery.UNUSED:
                    spare += 1
            if spare < len(s.timer):
                return False
    return True


def is_same_task_manager(s: SlotManagerState, instance: int, slot: int) -> bool:
    """Whether a connection and a slot are of the same TaskExecutor."""
    return instance % s.task_managers == slot % s.task_managers


def write_report(s: SlotManagerState, instance: int, profile: int) -> None:
    """Report all slots of the connection's TaskExecutor as empty, of one profile."""
    place = 0
    for slot in range(len(s.slot)):
        if is_same_task_manager(s, instance, slot):
            s.report_slot[place] = slot
            s.report_profile[place] = profile
            place += 1


def write_allocation(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """Let the report say that a slot carries an allocation."""
    for place in range(len(s.report_slot)):
        if s.report_slot[place] == slot:
            s.report_allocation[place] = allocation
            s.report_job[place] = job


def write_entry(s: SlotManagerState, slot: int, allocation: int, job: int) -> None:
    """Report one slot. Profiles of a report are looked at in a registration only."""
    s.report_slot[0] = slot
    s.report_profile[0] = 0
    s.report_allocation[0] = allocation
    s.report_job[0] = job


# ----------------------------------------------------------------------------- leadership


@slot_manager.action()
def start(s: SlotManagerState) -> int:
    """The ResourceManager gains leadership, or starts the manager once more."""
    if not has_room_for_timers(s):
        return DISABLED
    return manager.start(s)


@slot_manager.action()
def suspend(s: SlotManagerState) -> int:
    """The ResourceManager loses leadership, or ends."""
    return manager.suspend(s)


@slot_manager.action(when=has_moods, granted=2)
def set_resource_allocation(s: SlotManagerState, granted: int) -> int:
    """The cluster has resources for new workers, or has none."""
    return manager.set_resource_allocation(s, granted)


# ---------------------------------------------------------------------------- JobMasters


@slot_manager.action(allocation=allocations, job=jobs, profile=profiles)
def register_slot_request(s: SlotManagerState, allocation: int, job: int, profile: int) -> int:
    """A JobMaster asks for a slot, under a new id or a known one."""
    request = spare_request(s, allocation)
    if request == NONE or not has_room(s):
        return DISABLED
    return manager.register_slot_request(s, request, allocation, job, profile)


@slot_manager.action(allocation=allocations)
def unregister_slot_request(s: SlotManagerState, allocation: int) -> int:
    """A JobMaster gives up what it asked for."""
    if not has_room(s):
        return DISABLED
    return manager.unregister_slot_request(s, allocation)


@slot_manager.action(when=has_fail_flag, fail=2)
def set_fail_unfulfillable_request(s: SlotManagerState, fail: int) -> int:
    """The ResourceManager begins or ends to fail requests that nothing can fulfil."""
    return manager.set_fail_unfulfillable_request(s, fail)


# ------------------------------------------------------------------------- task managers


@slot_manager.action(instance=instances, profile=profiles)
def register_task_manager(s: SlotManagerState, instance: int, profile: int) -> int:
    """A TaskExecutor connects with empty slots, also while another connection of it is known."""
    if not has_room(s):
        return DISABLED
    write_report(s, instance, profile)
    return manager.register_task_manager(s, instance)


@slot_manager.action(instance=instances, slot=slots, allocation=allocations, job=jobs)
def register_task_manager_in_use(
    s: SlotManagerState, instance: int, slot: int, allocation: int, job: int
) -> int:
    """A TaskExecutor connects with an allocation in one of its slots."""
    if not is_same_task_manager(s, instance, slot) or not has_room(s):
        return DISABLED
    write_report(s, instance, 0)
    write_allocation(s, slot, allocation, job)
    return manager.register_task_manager(s, instance)


@slot_manager.action(instance=instances)
def unregister_task_manager(s: SlotManagerState, instance: int) -> int:
    """A connection is lost or given up, known or not."""
    if not has_room(s):
        return DISABLED
    return manager.unregister_task_manager(s, instance)


@slot_manager.action(when=can_release_everything)
def unregister_task_managers_and_release_resources(s: SlotManagerState) -> int:
    """Everything is given back at once."""
    if not has_room(s):
        return DISABLED
    return manager.unregister_task_managers_and_release_resources(s)


@slot_manager.action(when=has_reports, instance=instances, slot=slots)
def report_empty_slot(s: SlotManagerState, instance: int, slot: int) -> int:
    """A heartbeat says that a slot is empty; that may have been true some time ago."""
    if not is_same_task_manager(s, instance, slot) or not has_room(s):
        return DISABLED
    write_entry(s, slot, NONE, NONE)
    return manager.report_slot_status(s, instance)


@slot_manager.action(
    when=has_reports, instance=instances, slot=slots, allocation=allocations, job=jobs
)
def report_slot_in_use(
    s: SlotManagerState, instance: int, slot: int, allocation: int, job: int
) -> int:
    """A heartbeat says that a slot carries an allocation; likewise."""
    if not is_same_task_manager(s, instance, slot) or not has_room(s):
        return DISABLED
    write_entry(s, slot, allocation, job)
    return manager.report_slot_status(s, instance)


@slot_manager.action(slot=slots, allocation=allocations)
def free_slot(s: SlotManagerState, slot: int, allocation: int) -> int:
    """A TaskExecutor says that an allocation is gone from a slot, soon or late."""
    if not has_room(s):
        return DISABLED
    return manager.free_slot(s, slot, allocation)


# -------------------------------------------------------------------------------- answers


def may_answer(s: SlotManagerState, call: int) -> bool:
    """Whether the call was made, and its outcome was not run yet."""
    return s.call[call] != SlotCall.UNUSED and s.call[call] != SlotCall.SPENT and has_room(s)


@slot_manager.action(call=calls)
def call_acknowledged(s: SlotManagerState, call: int) -> int:
    """A TaskExecutor gives the slot it was asked for, also when nobody waits any more."""
    if not may_answer(s, call):
        return DISABLED
    return manager.call_acknowledged(s, call)


@slot_manager.action(when=has_occupied_answers, call=calls, allocation=allocations, job=jobs)
def call_occupied(s: SlotManagerState, call: int, allocation: int, job: int) -> int:
    """A TaskExecutor finds an allocation in the slot that it was asked for."""
    if not may_answer(s, call):
        return DISABLED
    return manager.call_occupied(s, call, allocation, job)


@slot_manager.action(call=calls, failure=CallFailure)
def call_fails(s: SlotManagerState, call: int, failure: int) -> int:
    """A TaskExecutor refuses, does not answer in time, or is lost."""
    if not may_answer(s, call):
        return DISABLED
    if failure == CallFailure.CANCELLED and not s.cancelled_answers:
        return DISABLED
    return manager.call_fails(s, call, int(failure == CallFailure.CANCELLED))


@slot_manager.action(when=asks_before_release, query=queries, answer=Answer)
def query_answered(s: SlotManagerState, query: int, answer: int) -> int:
    """A TaskExecutor says whether it may be released, or cannot be asked."""
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
    """One tick passes."""
    if not has_room_for_checks(s) or not has_room(s):
        return DISABLED
    return manager.advance_time(s, 1)


@slot_manager.action()
def counts(s: SlotManagerState) -> int:
    """Somebody looks at the sizes."""
    return manager.counts(s)


def exchange(queue: Array, place: int) -> int:
    """Exchange an element and its successor."""
    if place + 1 >= length(queue):
        return DISABLED
    first = queue[place]
    queue[place] = queue[place + 1]
    queue[place + 1] = first
    return NONE


@slot_manager.action(when=has_any_order, which=LinkedMap, place=request_places)
def iteration_order_changes(s: SlotManagerState, which: int, place: int) -> int:
    """A map is gone through in another order from now on: two neighbours change places.

    Nothing happens in the manager: that is a hash map's freedom. See IterationOrder.
    """
    if which == LinkedMap.REQUESTS:
        return exchange(s.entered, place)
    if which == LinkedMap.PENDING_SLOTS:
        return exchange(s.expected, place)
    return exchange(s.registrations, place)
