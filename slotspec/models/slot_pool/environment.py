"""What may happen to a slot pool: everything that its callers can do.

Each action is one operation of the pool with a guard: when, and with what, its caller may
call it. The environment is as free as the bounds allow. Offers may be repeated, late,
conflicting, unrequested or from unregistered TaskExecutors. The ResourceManager may change,
fail and forget. The job may ask, give up and return at any time.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.slot_pool import operations as pool
from slotspec.models.slot_pool.lifecycles import LeakedSlot, PhysicalSlot
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import free_leak_record, is_open
from slotspec.models.slot_pool.recycling import is_id_unused, is_unused
from slotspec.models.slot_pool.state import (
    Cause,
    SlotPoolState,
    Timer,
    allocations,
    gateways,
    profiles,
    request_ids,
    requests,
    slot_indices,
    task_managers,
)
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE


class Failure(IntEnum):
    """Causes that make a difference to the pool."""

    OTHER = 0
    UNFULFILLABLE = 1


has_batch = is_set("batch_requests")
has_payloads = is_set("payloads")
has_time = is_set("timers", "idle_timeout", "batch_timeout")
can_suspend = is_set("can_suspend")
can_disable_batch_check = is_set("can_disable_batch_check") & has_batch & has_time


# ------------------------------------------------------------------- what is possible now


def is_callable(s: SlotPoolState) -> bool:
    """Whether callers may call the pool yet."""
    return s.executor == 1 or s.unstarted == 1


def has_room_for_leaks(s: SlotPoolState) -> bool:
    """Whether the slots that one step can leak (two, in 1.11) still fit in."""
    if not s.reused_ids:
        return True
    leak = free_leak_record(s)
    return leak != NONE and leak + 1 < len(s.leaked) and s.leaked[leak + 1] == LeakedSlot.ABSENT


def may_use_id(s: SlotPoolState, request_id: int) -> bool:
    """Whether the job may ask under this id: an unused one, or one in use again."""
    return s.reused_ids == 1 or is_id_unused(s, request_id)


def may_request(s: SlotPoolState, request: int, request_id: int) -> bool:
    """Whether the job can make one more request, in this record and under this id."""
    return is_callable(s) and is_unused(s, request) and may_use_id(s, request_id)


def exists(s: SlotPoolState, allocation: int) -> bool:
    """Whether anybody can know this allocation id: foreign, asked for, or held."""
    return (
        allocation >= len(s.request)
        or s.slot[allocation] != PhysicalSlot.UNKNOWN
        or allocation in s.stored_allocation
    )


# ----------------------------------------------------------------------------- leadership


@slot_pool.action()
def start(s: SlotPoolState) -> int:
    """The job master gains leadership, or starts the pool once more."""
    scheduled = sum(timer != Timer.UNUSED for timer in s.timer)
    return DISABLED if 0 < len(s.timer) < scheduled + 2 else pool.start(s)


@slot_pool.action(when=can_suspend)
def suspend(s: SlotPoolState) -> int:
    """The job master loses leadership."""
    return pool.suspend(s) if is_callable(s) else DISABLED


@slot_pool.action()
def close(s: SlotPoolState) -> int:
    """The job ends."""
    return pool.close(s) if is_callable(s) else DISABLED


# ----------------------------------------------------------------------- resource manager


@slot_pool.action(gateway=gateways)
def connect_to_resource_manager(s: SlotPoolState, gateway: int) -> int:
    """A ResourceManager leader is found, also while another is connected."""
    return pool.connect_to_resource_manager(s, gateway)


@slot_pool.action()
def disconnect_resource_manager(s: SlotPoolState) -> int:
    """The ResourceManager is lost."""
    return pool.disconnect_resource_manager(s) if s.gateway != NONE else DISABLED


@slot_pool.action(request=requests)
def resource_manager_acknowledges(s: SlotPoolState, request: int) -> int:
    """The ResourceManager acknowledges a call, however late."""
    return pool.resource_manager_acknowledges(s, request) if s.call_open[request] else DISABLED


@slot_pool.action(request=requests, failure=Failure)
def resource_manager_fails(s: SlotPoolState, request: int, failure: int) -> int:
    """The ResourceManager answers a call with an error, however late."""
    return pool.resource_manager_fails(s, request, failure) if s.call_open[request] else DISABLED


# -------------------------------------------------------------------------- task managers


@slot_pool.action(tm=task_managers)
def register_task_manager(s: SlotPoolState, tm: int) -> int:
    """A task manager registers, for the first time or again."""
    return pool.register_task_manager(s, tm) if is_callable(s) else DISABLED


@slot_pool.action(tm=task_managers)
def release_task_manager(s: SlotPoolState, tm: int) -> int:
    """A task manager is lost or given up."""
    return pool.release_task_manager(s, tm) if is_callable(s) else DISABLED


@slot_pool.action(tm=task_managers, index=slot_indices, allocation=allocations, profile=profiles)
def offer_slot(s: SlotPoolState, tm: int, index: int, allocation: int, profile: int) -> int:
    """A task manager, registered or not, offers a slot: requested or not, new or again."""
    if not is_callable(s) or not exists(s, allocation) or not has_room_for_leaks(s):
        return DISABLED
    return pool.offer_slot(s, tm, index, allocation, profile)


@slot_pool.action(allocation=allocations, failure=Failure)
def fail_allocation(s: SlotPoolState, allocation: int, failure: int) -> int:
    """A task manager or the ResourceManager reports that an allocation failed."""
    if not is_callable(s) or not exists(s, allocation):
        return DISABLED
    return pool.fail_allocation(s, allocation, failure)


# -------------------------------------------------------------------------------- the job


@slot_pool.action(request=requests, request_id=request_ids, profile=profiles)
def request_new_allocated_slot(
    s: SlotPoolState, request: int, request_id: int, profile: int
) -> int:
    """The job asks for a slot."""
    return (
        pool.request_new_allocated_slot(s, request, request_id, profile)
        if may_request(s, request, request_id)
        else DISABLED
    )


@slot_pool.action(when=has_batch, request=requests, request_id=request_ids, profile=profiles)
def request_new_allocated_batch_slot(
    s: SlotPoolState, request: int, request_id: int, profile: int
) -> int:
    """The job asks for a slot for a batch task."""
    return (
        pool.request_new_allocated_batch_slot(s, request, request_id, profile)
        if may_request(s, request, request_id)
        else DISABLED
    )


@slot_pool.action(request_id=request_ids, allocation=allocations)
def allocate_available_slot(s: SlotPoolState, request_id: int, allocation: int) -> int:
    """The job takes a slot that it has seen among the available ones (it may be gone)."""
    if not is_callable(s) or not exists(s, allocation) or not has_room_for_leaks(s):
        return DISABLED
    if not may_use_id(s, request_id):
        return DISABLED
    return pool.allocate_available_slot(s, request_id, allocation)


@slot_pool.action(request_id=request_ids)
def release_slot(s: SlotPoolState, request_id: int) -> int:
    """The job gives up what it asked for, or returns what it got."""
    if not is_callable(s) or is_id_unused(s, request_id) or not has_room_for_leaks(s):
        return DISABLED
    return pool.release_slot(s, request_id, Cause.OTHER)


@slot_pool.action(request=requests)
def request_timeout(s: SlotPoolState, request: int) -> int:
    """The timeout of a streaming request fires."""
    if s.batch[request] or not is_open(s, request):
        return DISABLED
    return pool.request_timeout(s, request)


@slot_pool.action(when=has_payloads, allocation=allocations)
def assign_payload(s: SlotPoolState, allocation: int) -> int:
    """The job puts a payload into a slot, or tries a second one."""
    return (
        pool.assign_payload(s, allocation)
        if s.slot[allocation] == PhysicalSlot.ALLOCATED
        else DISABLED
    )


@slot_pool.action(when=can_disable_batch_check)
def disable_batch_slot_request_timeout_check(s: SlotPoolState) -> int:
    """Somebody else takes over the batch timeout check."""
    return pool.disable_batch_slot_request_timeout_check(s)


@slot_pool.action()
def get_available_slots_information(s: SlotPoolState) -> int:
    """The job looks at what is available."""
    return pool.get_available_slots_information(s)


@slot_pool.action()
def get_allocated_slots_information(s: SlotPoolState) -> int:
    """The job looks at what is allocated."""
    return pool.get_allocated_slots_information(s)


@slot_pool.action(tm=task_managers)
def create_allocated_slot_report(s: SlotPoolState, tm: int) -> int:
    """The job master reports to a task manager in a heartbeat."""
    return pool.create_allocated_slot_report(s, tm)


# ----------------------------------------------------------------------------------- time


@slot_pool.action(when=has_time)
def advance_time(s: SlotPoolState) -> int:
    """One tick passes."""
    return pool.advance_time(s, 1)
