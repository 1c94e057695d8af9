"""How the bridge connects requests and slots, and gives requests up.

Rules return a status, ``OK`` or a ``Raised``. Flink: DeclarativeSlotPoolBridge.
"""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.lifecycles import (
    Bridge,
    Requirements,
    SlotRequest,
    TaskManagerRegistration,
)
from slotspec.models.declarative_slot_pool.matching import first_matching, match_requests
from slotspec.models.declarative_slot_pool.pool import free_reserved, give_back_all_of, reserve
from slotspec.models.declarative_slot_pool.requirements import (
    decrease_by,
    decrease_by_counted,
    increase_by,
)
from slotspec.models.declarative_slot_pool.state import (
    OK,
    Cause,
    DeclarativePoolState,
    Effect,
    Error,
    Raised,
)
from slotspec.models.declarative_slot_pool.versions import BatchSpared, NewSlots
from slotspec.statemachine.declaration.queues import append, length, place_of, remove
from slotspec.statemachine.declaration.rules import NONE, Array, emit, fire

# -------------------------------------------------------------------------------- requests


def is_open(s: DeclarativePoolState, request: int) -> bool:
    """Whether the caller of `request` still waits."""
    return s.request[request] in (
        SlotRequest.PENDING,
        SlotRequest.FORGOTTEN,
    )


def pending_with_id(s: DeclarativePoolState, request_id: int) -> int:
    """The pending entry of this id, or NONE. There is at most one."""
    return next((r for r in s.pending if r != NONE and s.request_id[r] == request_id), NONE)


def forget_request(s: DeclarativePoolState, request: int) -> None:
    """Nothing in the pool leads to this request any more, and nobody told its caller."""
    if s.request[request] in (SlotRequest.PENDING, SlotRequest.BOUND):
        fire(s.request, request, SlotRequest.forget)


def put_pending(s: DeclarativePoolState, request: int) -> None:
    """Enter a request; an older entry of its id silently vanishes, and it gets that place."""
    older = pending_with_id(s, s.request_id[request])
    if older == NONE:
        append(s.pending, request)
    else:
        s.pending[place_of(s.pending, older)] = request
        forget_request(s, older)


def fail_request(s: DeclarativePoolState, request: int, error: int, cause: int) -> None:
    """Fail the future of a request that has left the map, if it is not complete."""
    if s.request[request] == SlotRequest.PENDING:
        if error == Error.RELEASED and cause != Cause.ITSELF:
            fire(s.request, request, SlotRequest.release)
        else:
            fire(s.request, request, SlotRequest.cancel)
        emit(s, Effect.REQUEST_FAILED, request, error, cause)


def put_fulfilled(s: DeclarativePoolState, request_id: int, allocation: int, load: int) -> None:
    """Note which slot a request id has; an older note silently vanishes."""
    s.fulfilled[request_id] = allocation
    if s.can_delay:
        s.fulfilled_tm[request_id] = s.slot_tm[allocation]
        s.fulfilled_load[request_id] = load


def clear_fulfilled(s: DeclarativePoolState, request_id: int) -> None:
    """The request id has no slot any more."""
    s.fulfilled[request_id] = NONE
    s.fulfilled_tm[request_id] = NONE
    s.fulfilled_load[request_id] = 0


def start_request(
    s: DeclarativePoolState, request: int, request_id: int, profile: int, batch: int, load: int
) -> int:
    """Enter a request, and require a slot for it. Free slots are not looked at.

    ``picky``, ``prefers`` and ``can_time_out`` of the record are set by the caller.
    """
    fire(s.request, request, SlotRequest.ask)
    s.request_id[request] = request_id
    s.request_profile[request] = profile
    s.batch[request] = batch
    s.request_load[request] = load
    put_pending(s, request)
    status = increase_by(s, profile, 1)
    if status != OK:
        # the call returns no future, but its entry stays
        fire(s.request, request, SlotRequest.forget)
        s.can_time_out[request] = 0
    return status


def release_request(s: DeclarativePoolState, request_id: int, cause: int) -> int:
    """Give up a pending request, or the slot of a fulfilled one. Flink: releaseSlot."""
    request = pending_with_id(s, request_id)
    if request != NONE:
        remove(s.pending, request)
        status = decrease_by(s, s.request_profile[request], 1)
        if status != OK:
            forget_request(s, request)
            return status
        fail_request(s, request, Error.RELEASED, cause)
        return OK
    allocation = s.fulfilled[request_id]
    if allocation == NONE:
        return OK
    clear_fulfilled(s, request_id)
    requirement = free_reserved(s, allocation, cause)
    if requirement == NONE:
        return OK
    status = offer_one(s, allocation)
    return decrease_by(s, requirement, 1) if status == OK else status


def is_spared(s: DeclarativePoolState, request: int) -> bool:
    """Whether "not enough resources" leaves this request alone."""
    if not s.batch[request]:
        return False
    return s.batch_spared == BatchSpared.ALWAYS or not s.batch_check


def cancel_requests(s: DeclarativePoolState, error: int, spares: int) -> int:
    """Fail all pending requests, or all that are not spared; then require less, at once.

    Flink: cancelPendingRequests.
    """
    place = 0
    while place < len(s.pending) and s.pending[place] != NONE:
        request = s.pending[place]
        if spares and is_spared(s, request):
            place += 1
        else:
            remove(s.pending, request)
            s.counted[s.request_profile[request]] += 1
            fail_request(s, request, error, Cause.ITSELF)
    return decrease_by_counted(s)


# ------------------------------------------------------------------------------------ slots


def bind(s: DeclarativePoolState, request: int, allocation: int) -> int:
    """A request leaves the pending ones, and its slot is reserved."""
    remove(s.pending, request)
    if s.request[request] == SlotRequest.PENDING:
        fire(s.request, request, SlotRequest.bind)
    status = reserve(s, allocation, s.request_profile[request])
    if status == OK:
        put_fulfilled(s, s.request_id[request], allocation, s.request_load[request])
    return status


def bind_matches(s: DeclarativePoolState) -> int:
    """Bind all matches, in order; a status."""
    for place, request in enumerate(s.match_request):
        if request == NONE:
            break
        status = bind(s, request, s.match_slot[place])
        if status != OK:
            return status
    return OK


def complete_matches(s: DeclarativePoolState, status: int) -> int:
    """Tell the callers of all bound requests; returns `status`.

    After an exception nobody is told.
    """
    for place, request in enumerate(s.match_request):
        if request != NONE:
            if status != OK:
                forget_request_if_bound(s, request)
            elif s.request[request] == SlotRequest.BOUND:
                fire(s.request, request, SlotRequest.fulfil)
                emit(s, Effect.REQUEST_FULFILLED, request, s.match_slot[place])
            s.match_request[place] = NONE
            s.match_slot[place] = NONE
    return status


def forget_request_if_bound(s: DeclarativePoolState, request: int) -> None:
    """A request whose slot is reserved is never told; one that is still pending stays so."""
    if s.request[request] == SlotRequest.BOUND:
        forget_request(s, request)


def list_wanting(s: DeclarativePoolState) -> None:
    """All pending requests are to be matched, on TaskExecutors without load."""
    for place, request in enumerate(s.pending):
        s.wanting[place] = request
    for tm in range(len(s.tm_load)):
        s.tm_load[tm] = 0


def clear_queue(queue: Array) -> None:
    """Take everything out of a queue."""
    for place in range(len(queue)):
        queue[place] = NONE


def serve_slot_by_slot(s: DeclarativePoolState) -> int:
    """Each new slot in order is bound to the first pending request that it matches (1.13, 1.14)."""
    list_wanting(s)
    status = OK
    for allocation in s.new:
        if allocation != NONE and status == OK:
            status, request = first_matching(s, allocation)
            if request != NONE:
                remove(s.wanting, request)
                append(s.match_request, request)
                append(s.match_slot, allocation)
                status = bind(s, request, allocation)
    return complete_matches(s, status)


def serve_at_once(s: DeclarativePoolState) -> int:
    """The strategy matches new slots and pending requests; then they are bound."""
    list_wanting(s)
    status = match_requests(s)
    if status == OK:
        status = bind_matches(s)
    return complete_matches(s, status)


def serve_deferred(s: DeclarativePoolState) -> int:
    """Serve the pending requests with free slots: all of them, or none (2.3).

    Flink: DeclarativeSlotPoolBridge, DeferredSlotsMatching.
    """
    clear_queue(s.new)
    if length(s.free) < length(s.pending):
        return OK
    for place, allocation in enumerate(s.free):
        s.new[place] = allocation
    list_wanting(s)
    for request_id, tm in enumerate(s.fulfilled_tm):
        if tm != NONE:
            s.tm_load[tm] += s.fulfilled_load[request_id]
    wanted = length(s.wanting)
    status = match_requests(s)
    if status == OK:
        if length(s.match_request) < wanted:
            clear_queue(s.match_request)
            clear_queue(s.match_slot)
            return OK
        status = bind_matches(s)
    return complete_matches(s, status)


def new_slots_are_available(s: DeclarativePoolState) -> int:
    """Slots are new, or free again: tell the listener. Flink: NewSlotsListener.

    The slots are in ``new``.
    """
    if not s.bridge:
        if s.slots_listener:
            emit(s, Effect.NEW_SLOTS)
            for allocation in s.new:
                if allocation != NONE:
                    emit(s, Effect.NEW_SLOT, allocation)
        return OK
    if s.bridge_state[0] == Bridge.CREATED:
        return OK
    if s.new_slots == NewSlots.SLOT_BY_SLOT:
        return serve_slot_by_slot(s)
    if s.new_slots == NewSlots.ALL_IF_ANY_PENDING and s.pending[0] == NONE:
        return OK
    if not s.defer:
        return serve_at_once(s)
    return serve_deferred(s) if s.requirements[0] == Requirements.STABLE else OK


def offer_one(s: DeclarativePoolState, allocation: int) -> int:
    """One slot is free again: tell the listener."""
    clear_queue(s.new)
    s.new[0] = allocation
    return new_slots_are_available(s)


# ------------------------------------------------------------------------------------- end


def is_registered(s: DeclarativePoolState, tm: int) -> bool:
    """Whether a TaskExecutor is registered."""
    return s.registration[tm] == TaskManagerRegistration.REGISTERED


def give_up_task_manager(s: DeclarativePoolState, tm: int, cause: int) -> int:
    """All slots of a TaskExecutor go, and reserved ones are required no more."""
    status = give_back_all_of(s, tm, cause)
    return decrease_by_counted(s) if status == OK else status


def give_up_all_task_managers(s: DeclarativePoolState) -> int:
    """The pool is closed: everything goes back, in an arbitrary order of TaskExecutors."""
    emit(s, Effect.ANY_ORDER, begins=1)
    status = OK
    for tm in range(len(s.registration)):
        if is_registered(s, tm) and status == OK:
            status = give_up_task_manager(s, tm, Cause.FLINK)
    if status == OK:
        for tm in range(len(s.registration)):
            if is_registered(s, tm):
                fire(s.registration, tm, TaskManagerRegistration.release)
    emit(s, Effect.ANY_ORDER, begins=0)
    return status


def not_started(s: DeclarativePoolState) -> int:
    """A status: an exception unless the bridge is started. Flink: assertHasBeenStarted."""
    return OK if s.bridge_state[0] == Bridge.STARTED else int(Raised.ILLEGAL_STATE)


def never_started(s: DeclarativePoolState) -> int:
    """A status: an exception if the bridge was never started, up to 1.20."""
    never = s.bridge and s.checks_started and not s.main_thread
    return int(Raised.ILLEGAL_STATE) if never else OK
