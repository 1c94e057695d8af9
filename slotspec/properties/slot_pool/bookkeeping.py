"""The pool's maps and queues agree with each other in every state."""

from __future__ import annotations

from collections.abc import Callable

from slotspec.models.slot_pool.lifecycles import (
    LeakedSlot,
    Payload,
    PhysicalSlot,
    Pool,
    ResourceManagerConnection,
    SlotRequest,
    TaskManagerRegistration,
)
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_held, is_open, pending_under, queued_with_id
from slotspec.models.slot_pool.state import (
    Effect,
    Raised,
    SlotPoolState,
    allocations,
    request_ids,
    requests,
)
from slotspec.properties.slot_pool.views import answers
from slotspec.statemachine.declaration.conditions import is_set, known
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE

LEAKS = "a request id entered again leaks its slot: the index keeps what the map has dropped"
TWINS = "two requests with one id: the queues keep one entry for both, or a finished one"


def reused(reason: str) -> Callable[[Setting], str | None]:
    """A deviation that shows only where request ids are used again while in use."""
    return known(reason, is_set("reused_ids"))


@slot_pool.always(
    "SlotPoolImpl.availableSlots, allocatedSlots",
    each={"allocation": allocations},
    deviation=reused(LEAKS),
)
def no_allocation_in_both_maps(s: SlotPoolState, allocation: int) -> bool:
    """No allocation is at once among the available and the allocated slots.

    The index of allocated slots by TaskExecutor counts: a slot that leaked and was offered
    again is in both.
    """
    serves = s.slot_request[allocation] != NONE
    if serves != (s.slot[allocation] == PhysicalSlot.ALLOCATED):
        return False
    return not (is_held(s, allocation) and allocation in s.leaked_allocation)


@slot_pool.always("SlotPoolImpl.allocatedSlots", deviation=reused(LEAKS))
def the_maps_of_allocated_slots_agree(s: SlotPoolState) -> bool:
    """Every slot that counts for its TaskExecutor can be found by its allocation."""
    return LeakedSlot.COUNTED not in s.leaked


@slot_pool.always(
    "SlotPoolImpl: a DualKeyLinkedMap has one entry for a request id",
    each={"request_id": request_ids},
)
def a_request_id_holds_one_slot(s: SlotPoolState, request_id: int) -> bool:
    """No two slots serve the same request id."""
    return sum(holder == request_id for holder in s.slot_request) <= 1


@slot_pool.always(
    "SlotPoolImpl: the three maps by SlotRequestId",
    each={"request_id": request_ids},
    deviation=reused(TWINS),
)
def a_request_is_in_one_place(s: SlotPoolState, request_id: int) -> bool:
    """A request id is in at most one of the waiting, the pending and the allocated ones."""
    waiting = queued_with_id(s, s.waiting, request_id) != NONE
    pending = queued_with_id(s, s.pending, request_id) != NONE
    return waiting + pending + sum(holder == request_id for holder in s.slot_request) <= 1


@slot_pool.always("SlotPoolImpl.pendingRequests", deviation=reused(TWINS))
def every_queued_request_is_open(s: SlotPoolState) -> bool:
    """Every queued request still waits: each queue has only requests of its own state."""
    return all(s.request[r] == SlotRequest.PENDING for r in s.pending if r != NONE) and all(
        s.request[r] == SlotRequest.WAITING for r in s.waiting if r != NONE
    )


@slot_pool.always(
    "SlotPoolImpl.pendingRequests, waitingForResourceManager", each={"request": requests}
)
def every_waiting_request_is_queued(s: SlotPoolState, request: int) -> bool:
    """Every waiting request is in the queue of its state, once."""
    if request in s.pending:
        return request not in s.waiting and s.request[request] != SlotRequest.WAITING
    if request in s.waiting:
        return s.request[request] != SlotRequest.PENDING
    return s.request[request] not in (SlotRequest.PENDING, SlotRequest.WAITING)


@slot_pool.always("SlotPoolImpl.pendingRequests: keys by allocation", each={"request": requests})
def pending_allocations_differ(s: SlotPoolState, request: int) -> bool:
    """No two pending requests wait under the same allocation, and each has one."""
    allocation = s.stored_allocation[request]
    return request not in s.pending or (
        allocation != NONE and pending_under(s, allocation) == request
    )


@slot_pool.always("SlotPoolImpl.requestSlotFromResourceManager", each={"allocation": allocations})
def what_is_asked_for_is_wanted(s: SlotPoolState, allocation: int) -> bool:
    """A request waits for every allocation that the pool still asks of the ResourceManager."""
    return s.slot[allocation] != PhysicalSlot.PENDING or pending_under(s, allocation) != NONE


@slot_pool.always("SlotPoolImpl.registeredTaskManagers", each={"allocation": allocations})
def held_slots_have_registered_task_managers(s: SlotPoolState, allocation: int) -> bool:
    """Every slot in the pool belongs to a registered TaskExecutor."""
    return (
        not is_held(s, allocation)
        or s.registration[s.slot_tm[allocation]] == TaskManagerRegistration.REGISTERED
    )


@slot_pool.always("AllocatedSlot.payloadReference", each={"allocation": allocations})
def only_allocated_slots_have_payloads(s: SlotPoolState, allocation: int) -> bool:
    """Nothing runs in a slot that serves nobody."""
    return s.payload[allocation] != Payload.ASSIGNED or s.slot[allocation] == PhysicalSlot.ALLOCATED


@slot_pool.always("SlotPoolImpl.resourceManagerGateway, jobMasterId")
def connections_agree(s: SlotPoolState) -> bool:
    """There is a gateway exactly while connected, and a job master id while started."""
    connected = s.connection[0] == ResourceManagerConnection.CONNECTED
    if connected != (s.gateway != NONE):
        return False
    if s.pool[0] == Pool.STARTED:
        return s.executor == s.job_master == 1
    return s.pool[0] != Pool.SUSPENDED or s.job_master == 0


@slot_pool.step("SlotPoolImpl: CompletableFuture.complete is looked at once")
def no_request_is_completed_twice(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A caller gets at most one answer, and only while it waits."""
    return all(
        e.request != NONE and is_open(before, e.request) and answers(after, e.request) == 1
        for e in after.effects
        if e.kind in (Effect.REQUEST_FULFILLED, Effect.REQUEST_FAILED)
    )


@slot_pool.step("SlotPoolImpl (FLINK-18372, FLINK-18407)")
def a_started_pool_meets_no_null_pointer(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Once it was started, no operation ends with a NullPointerException."""
    return not before.executor or not any(
        e.kind == Effect.RAISES and e.raised == Raised.NULL_POINTER for e in after.effects
    )
