"""The pool's maps and queues agree with each other in every state."""

from __future__ import annotations

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
from slotspec.models.slot_pool.state import Effect, Raised, SlotPoolState
from slotspec.properties.common.effects import count_effects
from slotspec.statemachine.declaration.queues import length, place_of
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE

LEAKS = "a request id entered again leaks its slot: the index keeps what the map has dropped"
TWINS = "two requests with one id: the queues keep one entry for both, or a finished one"


def reused(reason: str) -> object:
    """A deviation that shows only where request ids are used again while in use."""

    def deviation(setting: Setting) -> str | None:
        return reason if setting["reused_ids"] else None

    return deviation


@slot_pool.always("SlotPoolImpl.availableSlots, allocatedSlots", deviation=reused(LEAKS))
def no_allocation_in_both_maps(s: SlotPoolState) -> bool:
    """No allocation is at once among the available and the allocated slots.

    The index of allocated slots by TaskExecutor counts: a slot that leaked and was offered
    again is in both.
    """
    for allocation in range(len(s.slot)):
        serves = s.slot_request[allocation] != NONE
        if serves != (s.slot[allocation] == PhysicalSlot.ALLOCATED):
            return False
        if is_held(s, allocation):
            for leak in range(len(s.leaked)):
                if s.leaked_allocation[leak] == allocation:
                    return False
    return True


@slot_pool.always("SlotPoolImpl.allocatedSlots", deviation=reused(LEAKS))
def the_maps_of_allocated_slots_agree(s: SlotPoolState) -> bool:
    """Every slot that counts for its TaskExecutor can be found by its allocation."""
    for leak in range(len(s.leaked)):
        if s.leaked[leak] == LeakedSlot.COUNTED:
            return False
    return True


@slot_pool.always("SlotPoolImpl: a DualKeyLinkedMap has one entry for a request id")
def a_request_id_holds_one_slot(s: SlotPoolState) -> bool:
    """No two slots serve the same request id."""
    for allocation in range(len(s.slot)):
        for other in range(allocation):
            if (
                s.slot_request[allocation] != NONE
                and s.slot_request[allocation] == s.slot_request[other]
            ):
                return False
    return True


@slot_pool.always("SlotPoolImpl: the three maps by SlotRequestId", deviation=reused(TWINS))
def a_request_is_in_one_place(s: SlotPoolState) -> bool:
    """A request id is in at most one of the waiting, the pending and the allocated ones."""
    for request_id in range(s.id_count):
        places = 0
        if queued_with_id(s, s.waiting, request_id) != NONE:
            places += 1
        if queued_with_id(s, s.pending, request_id) != NONE:
            places += 1
        for allocation in range(len(s.slot)):
            if s.slot_request[allocation] == request_id:
                places += 1
        if places > 1:
            return False
    return True


@slot_pool.always("SlotPoolImpl.pendingRequests", deviation=reused(TWINS))
def every_queued_request_is_open(s: SlotPoolState) -> bool:
    """What is queued still waits: each queue has only requests of its own state."""
    for place in range(len(s.pending)):
        request = s.pending[place]
        if request != NONE and s.request[request] != SlotRequest.PENDING:
            return False
        request = s.waiting[place]
        if request != NONE and s.request[request] != SlotRequest.WAITING:
            return False
    return True


@slot_pool.always("SlotPoolImpl.pendingRequests, waitingForResourceManager")
def every_waiting_request_is_queued(s: SlotPoolState) -> bool:
    """Whoever waits is in the queue of its state, once."""
    for request in range(len(s.request)):
        pending = place_of(s.pending, request) != NONE
        waiting = place_of(s.waiting, request) != NONE
        if s.request[request] == SlotRequest.PENDING and not pending:
            return False
        if s.request[request] == SlotRequest.WAITING and not waiting:
            return False
        if pending and waiting:
            return False
    return True


@slot_pool.always("SlotPoolImpl.pendingRequests: keys by allocation")
def pending_allocations_differ(s: SlotPoolState) -> bool:
    """No two pending requests wait under the same allocation, and each has one."""
    for place in range(length(s.pending)):
        allocation = s.stored_allocation[s.pending[place]]
        if allocation == NONE or pending_under(s, allocation) != s.pending[place]:
            return False
    return True


@slot_pool.always("SlotPoolImpl.requestSlotFromResourceManager")
def what_is_asked_for_is_wanted(s: SlotPoolState) -> bool:
    """An allocation that is still asked of the ResourceManager has a request waiting for it."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] == PhysicalSlot.PENDING and pending_under(s, allocation) == NONE:
            return False
    return True


@slot_pool.always("SlotPoolImpl.registeredTaskManagers")
def held_slots_have_registered_task_managers(s: SlotPoolState) -> bool:
    """Every slot in the pool belongs to a registered TaskExecutor."""
    for allocation in range(len(s.slot)):
        if is_held(s, allocation):
            tm = s.slot_tm[allocation]
            if s.registration[tm] != TaskManagerRegistration.REGISTERED:
                return False
    return True


@slot_pool.always("AllocatedSlot.payloadReference")
def only_allocated_slots_have_payloads(s: SlotPoolState) -> bool:
    """Nothing runs in a slot that serves nobody."""
    for allocation in range(len(s.slot)):
        if (
            s.payload[allocation] == Payload.ASSIGNED
            and s.slot[allocation] != PhysicalSlot.ALLOCATED
        ):
            return False
    return True


@slot_pool.always("SlotPoolImpl.resourceManagerGateway, jobMasterId")
def connections_agree(s: SlotPoolState) -> bool:
    """There is a gateway exactly while connected, and a job master id while started."""
    connected = s.connection[0] == ResourceManagerConnection.CONNECTED
    if connected != (s.gateway != NONE):
        return False
    if s.pool[0] == Pool.STARTED:
        return s.executor == 1 and s.job_master == 1
    return s.pool[0] != Pool.SUSPENDED or s.job_master == 0


@slot_pool.step("SlotPoolImpl: CompletableFuture.complete is looked at once")
def no_request_is_completed_twice(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A caller hears at most once, and only while it waits."""
    for i in range(len(after.effects)):
        if is_completion(after, i):
            request = after.effects[i][1]
            for j in range(i):
                if is_completion(after, j) and after.effects[j][1] == request:
                    return False
            if not is_open(before, request):
                return False
    return True


def is_completion(s: SlotPoolState, i: int) -> bool:
    """Whether effect `i` tells a caller its answer."""
    kind = s.effects[i][0]
    return kind == Effect.REQUEST_FULFILLED or kind == Effect.REQUEST_FAILED


@slot_pool.step("SlotPoolImpl (FLINK-18372, FLINK-18407)")
def a_started_pool_meets_no_null_pointer(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Once it was started, no operation ends with a NullPointerException."""
    return (
        before.executor == 0
        or count_effects(after, int(Effect.RAISES), int(Raised.NULL_POINTER), NONE) == 0
    )
