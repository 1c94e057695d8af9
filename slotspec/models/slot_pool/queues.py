"""The pool's bookkeeping: which request is queued where, which slot is held by whom.

Rules below the operations. Flink: DualKeyLinkedMap, waitingForResourceManager,
AllocatedSlots and AvailableSlots, all inside SlotPoolImpl.
"""

from __future__ import annotations

from slotspec.models.slot_pool.lifecycles import LeakedSlot, Payload, PhysicalSlot, SlotRequest
from slotspec.models.slot_pool.state import SlotPoolState, allocations
from slotspec.models.slot_pool.versions import RepeatedId
from slotspec.statemachine.declaration.queues import append, place_of, remove
from slotspec.statemachine.declaration.rules import NONE, Array, fire, only, recycle

# ------------------------------------------------------------------------------- requests


def is_open(s: SlotPoolState, request: int) -> bool:
    """Whether the caller of `request` still waits for an answer."""
    return s.request[request] in (
        SlotRequest.WAITING,
        SlotRequest.PENDING,
        SlotRequest.FORGOTTEN,
    )


def queued_with_id(s: SlotPoolState, queue: Array, request_id: int) -> int:
    """The entry of `queue` with this request id, or NONE. There is at most one."""
    return next((r for r in queue if r != NONE and s.request_id[r] == request_id), NONE)


def pending_under(s: SlotPoolState, allocation: int) -> int:
    """The pending entry under this allocation id, or NONE. There is at most one."""
    return next((r for r in s.pending if r != NONE and s.stored_allocation[r] == allocation), NONE)


def take(s: SlotPoolState, request_id: int) -> int:
    """Remove the waiting entry of this id, or else the pending one; that entry, or NONE.

    Flink: SlotPoolImpl.removePendingRequest.
    """
    request = queued_with_id(s, s.waiting, request_id)
    if request != NONE:
        remove(s.waiting, request)
        return request
    request = queued_with_id(s, s.pending, request_id)
    if request != NONE:
        remove(s.pending, request)
    return request


def put_pending(s: SlotPoolState, request: int) -> None:
    """Enter `request` among the pending ones; an older entry of its id silently vanishes.

    Flink: DualKeyLinkedMap.put.
    """
    older = queued_with_id(s, s.pending, s.request_id[request])
    if older == NONE:
        append(s.pending, request)
    elif s.repeated_id == RepeatedId.MOVES_TO_END:
        remove(s.pending, older)
        append(s.pending, request)
    else:
        s.pending[place_of(s.pending, older)] = request
    if older != NONE and older != request:
        forget_request(s, older)


def stash_waiting(s: SlotPoolState, request: int) -> None:
    """Enter `request` among the waiting ones, in the place of an older one of its id.

    Flink: SlotPoolImpl.stashRequestWaitingForResourceManager.
    """
    older = queued_with_id(s, s.waiting, s.request_id[request])
    if older == NONE:
        append(s.waiting, request)
    else:
        s.waiting[place_of(s.waiting, older)] = request
        forget_request(s, older)


def forget_request(s: SlotPoolState, request: int) -> None:
    """`request` has left the queues; do not tell its caller."""
    if is_open(s, request):
        fire(s.request, request, SlotRequest.forget)
    allocation = s.stored_allocation[request]
    if allocation != NONE:
        orphan_allocation(s, allocation)


def orphan_allocation(s: SlotPoolState, allocation: int) -> None:
    """Nobody waits for `allocation` any more; do not tell the ResourceManager."""
    if s.slot[allocation] == PhysicalSlot.PENDING:
        fire(s.slot, allocation, PhysicalSlot.orphan)
        clear_slot(s, allocation)


# ---------------------------------------------------------------------------------- slots


def is_held(s: SlotPoolState, allocation: int) -> bool:
    """Whether the pool's maps have a slot under this allocation."""
    return s.slot[allocation] in (PhysicalSlot.AVAILABLE, PhysicalSlot.ALLOCATED)


def is_held_by(s: SlotPoolState, allocation: int, request_id: int) -> bool:
    """Whether the slot under this allocation serves this request id."""
    return s.slot_request[allocation] == request_id and s.slot[allocation] == PhysicalSlot.ALLOCATED


def held_by(s: SlotPoolState, request_id: int) -> int:
    """The allocation of the slot that serves this request id, or NONE."""
    return only((a for a in s.elements(allocations) if is_held_by(s, a, request_id)), NONE)


def put_allocated(s: SlotPoolState, request_id: int, allocation: int) -> None:
    """Enter a slot under `request_id`; the slot that the id holds already leaks.

    The caller fires the slot's own event. Flink: AllocatedSlots.add.
    """
    older = held_by(s, request_id)
    if older != NONE:
        leak_slot(s, older)
    s.slot_request[allocation] = request_id
    s.idle_for[allocation] = 0
    if s.follow_clock:
        s.serial += 1
        s.entered[allocation] = s.serial


def put_available(s: SlotPoolState, allocation: int) -> None:
    """Enter a slot among the available ones, idle from now on. Flink: AvailableSlots.add.

    The caller fires the slot's own event.
    """
    s.slot_request[allocation] = NONE
    s.idle_for[allocation] = 0
    s.entered[allocation] = 0


def free_leak_record(s: SlotPoolState) -> int:
    """A record for one more leaked slot, or NONE."""
    return next((leak for leak, slot in enumerate(s.leaked) if slot == LeakedSlot.ABSENT), NONE)


def leak_slot(s: SlotPoolState, allocation: int) -> None:
    """The slot leaves the map by id; the index by TaskExecutor keeps it."""
    leak = free_leak_record(s)
    fire(s.leaked, leak, LeakedSlot.leak)
    s.leaked_allocation[leak] = allocation
    s.leaked_tm[leak] = s.slot_tm[allocation]
    s.leaked_index[leak] = s.slot_index[allocation]
    s.leaked_profile[leak] = s.slot_profile[allocation]
    if s.payload[allocation] == Payload.ASSIGNED:
        s.leaked_payload[leak] = 1
        fire(s.payload, allocation, Payload.leave)
    fire(s.slot, allocation, PhysicalSlot.leak)
    clear_slot(s, allocation)


def drop_leak(s: SlotPoolState, leak: int) -> None:
    """Clear the record of a leaked slot; the caller has fired its event."""
    s.leaked_allocation[leak] = NONE
    s.leaked_tm[leak] = NONE
    s.leaked_index[leak] = NONE
    s.leaked_profile[leak] = NONE
    s.leaked_payload[leak] = 0


def clear_slot(s: SlotPoolState, allocation: int) -> None:
    """The slot's life is over; another one under the same allocation may use its record."""
    recycle(s.slot, allocation)
    s.slot_tm[allocation] = NONE
    s.slot_index[allocation] = NONE
    s.slot_profile[allocation] = NONE
    s.slot_request[allocation] = NONE
    s.idle_for[allocation] = 0
    s.entered[allocation] = 0


def drop_slot(s: SlotPoolState, allocation: int) -> None:
    """Forget a held slot without giving it back and without telling its payload."""
    if s.payload[allocation] == Payload.ASSIGNED:
        fire(s.payload, allocation, Payload.leave)
    fire(s.slot, allocation, PhysicalSlot.drop)
    clear_slot(s, allocation)


def allocated_of(s: SlotPoolState, tm: int) -> int:
    """Number of slots of `tm` in the index of allocated slots; leaked ones count."""
    allocated = sum(
        status == PhysicalSlot.ALLOCATED and s.slot_tm[allocation] == tm
        for allocation, status in enumerate(s.slot)
    )
    return allocated + sum(holder == tm for holder in s.leaked_tm)


def available_of(s: SlotPoolState, tm: int) -> int:
    """Number of available slots of `tm`."""
    return sum(
        status == PhysicalSlot.AVAILABLE and s.slot_tm[allocation] == tm
        for allocation, status in enumerate(s.slot)
    )
