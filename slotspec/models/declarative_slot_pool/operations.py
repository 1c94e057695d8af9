"""The operations of DeclarativeSlotPoolBridge, under Flink's names.

Each operation is a plain rule over :class:`DeclarativePoolState`. It emits what it tells the world
and returns its answer. The caller writes offers to the ``offer_…`` fields before the operation that
reads them, and passes the record for a new request as an argument. The operations of
DefaultDeclarativeSlotPool are in :mod:`slotspec.models.declarative_slot_pool.pool_operations`.
"""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.bridge import (
    cancel_requests,
    give_up_all_task_managers,
    give_up_task_manager,
    is_open,
    is_registered,
    is_spared,
    never_started,
    new_slots_are_available,
    not_started,
    put_fulfilled,
    release_request,
    start_request,
)
from slotspec.models.declarative_slot_pool.lifecycles import (
    AllocatedSlot,
    Bridge,
    DeclarationCall,
    Payload,
    ResourceManagerConnection,
    SlotRequest,
    TaskManagerRegistration,
)
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.pool import (
    accept_offers,
    enter_offers,
    free_in_order,
    free_slots_of,
    give_back,
    is_held,
    list_accepted,
    reserve,
    slots_of,
)
from slotspec.models.declarative_slot_pool.requirements import (
    declare,
    decrease_by_counted,
    increase_by,
)
from slotspec.models.declarative_slot_pool.schedule import schedule
from slotspec.models.declarative_slot_pool.state import (
    OK,
    Cause,
    DeclarativePoolState,
    Effect,
    Error,
    Raised,
    Timer,
)
from slotspec.models.declarative_slot_pool.timers import run_time
from slotspec.statemachine.declaration.queues import append, length
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def ended(s: DeclarativePoolState, status: int = OK, result: int = NONE) -> int:
    """End an operation: raise if it failed; returns its answer."""
    if status != OK:
        emit(s, Effect.RAISES, status)
        return NONE
    return result


# ------------------------------------------------------------------------------- lifecycle


@declarative_slot_pool.operation
def start(s: DeclarativePoolState) -> int:
    """Start the bridge and schedule both checks. Flink: start."""
    if s.bridge_state[0] != Bridge.CREATED:
        return ended(s, Raised.ILLEGAL_STATE)
    fire(s.bridge_state, 0, Bridge.start)
    s.main_thread = 1
    if s.idle_timeout > 0:
        schedule(s, Timer.IDLE_CHECK, s.idle_timeout)
    if s.batch_timeout > 0:
        schedule(s, Timer.BATCH_CHECK, s.batch_timeout)
    return ended(s)


@declarative_slot_pool.operation
def close(s: DeclarativePoolState) -> int:
    """Fail all requests and give all slots back; the timers go on.

    If failing them raises, nothing else happens, and the next close succeeds. Flink: close.
    """
    if s.bridge_state[0] == Bridge.CLOSED:
        return ended(s)
    status = cancel_requests(s, Error.RELEASED, 0)
    if status == OK:
        if s.gateway != NONE:
            fire(s.connection, 0, ResourceManagerConnection.close)
            s.gateway = NONE
        s.connection_closed = 1
        status = give_up_all_task_managers(s)
    if status == OK:
        fire(s.bridge_state, 0, Bridge.close)
    return ended(s, status)


# ------------------------------------------------------------------------ resource manager


@declarative_slot_pool.operation
def connect_to_resource_manager(s: DeclarativePoolState, gateway: int) -> int:
    """A ResourceManager is found, also while another is connected: declare everything, at once.

    After a close that raised half-way, it does nothing: a connection manager without function
    has taken the place of the one that is closed. Flink: connectToResourceManager.
    """
    status = not_started(s)
    if status == OK and not s.connection_closed:
        fire(s.connection, 0, ResourceManagerConnection.connect)
        s.gateway = gateway
        status = declare(s)
    return ended(s, status)


@declarative_slot_pool.operation
def disconnect_resource_manager(s: DeclarativePoolState) -> int:
    """The ResourceManager is lost; slots, requests and requirements stay.

    Flink: disconnectResourceManager.
    """
    status = not_started(s)
    if status == OK and s.gateway != NONE:
        fire(s.connection, 0, ResourceManagerConnection.disconnect)
        s.gateway = NONE
    return ended(s, status)


@declarative_slot_pool.operation
def not_enough_resources(s: DeclarativePoolState) -> int:
    """The ResourceManager cannot serve what is required: pending requests fail.

    Flink: notifyNotEnoughResourcesAvailable, failPendingRequests.
    """
    status = never_started(s)
    if status == OK and any(r != NONE and not is_spared(s, r) for r in s.pending):
        status = cancel_requests(s, Error.NO_RESOURCE, 1)
    return ended(s, status)


@declarative_slot_pool.operation
def rm_acknowledges(s: DeclarativePoolState, call: int) -> int:
    """The ResourceManager acknowledges a declaration. Returns 0 if it has answered before."""
    return int(answer_call(s, call))


@declarative_slot_pool.operation
def rm_fails(s: DeclarativePoolState, call: int, cancelled: int) -> int:
    """A declaration fails: it is sent again later, unless it was cancelled or is outdated then.

    Returns 0 if it was answered before. Flink: sendResourceRequirements of the connection manager.
    """
    if s.call[call] != DeclarationCall.OPEN:
        return 0
    repeats, backoff = int(call == s.current), s.call_backoff[call]
    answer_call(s, call)
    if not cancelled and backoff > 0:
        schedule(s, Timer.REPETITION, backoff, repeats, backoff)
    return 1


def answer_call(s: DeclarativePoolState, call: int) -> bool:
    """A call is answered; whether it was open."""
    if s.call[call] != DeclarationCall.OPEN:
        return False
    fire(s.call, call, DeclarationCall.answer)
    s.call_backoff[call] = 0
    if s.current == call:
        s.current = NONE
    return True


# --------------------------------------------------------------------------- task managers


@declarative_slot_pool.operation
def register_task_manager(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor registers. Returns 0 if it is registered. Flink: registerTaskManager."""
    status = not_started(s)
    if status != OK or is_registered(s, tm):
        return ended(s, status, 0)
    fire(s.registration, tm, TaskManagerRegistration.register)
    return ended(s, status, 1)


@declarative_slot_pool.operation
def release_task_manager(s: DeclarativePoolState, tm: int, cause: int) -> int:
    """A TaskExecutor is gone, with its slots. Returns 0 if it is unknown; requests stay.

    Flink: releaseTaskManager.
    """
    status = not_started(s)
    if status != OK or not is_registered(s, tm):
        return ended(s, status, 0)
    fire(s.registration, tm, TaskManagerRegistration.release)
    return ended(s, give_up_task_manager(s, tm, cause), 1)


@declarative_slot_pool.operation
def release_free_slots_on_task_manager(s: DeclarativePoolState, tm: int, cause: int) -> int:
    """The free slots of a TaskExecutor go back; what is required stays (1.20).

    They are in a hash set.

    Flink: releaseFreeSlotsOnTaskManager.
    """
    status = not_started(s)
    if status == OK and is_registered(s, tm):
        for place in range(length(s.free)):
            allocation = free_in_order(s, place)
            if s.slot_tm[allocation] == tm:
                append(s.new, allocation)
        for allocation in s.new:
            if status == OK and allocation != NONE:
                status = give_back(s, allocation, cause)
    return ended(s, status)


@declarative_slot_pool.operation
def offer_slots(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor offers slots. A held allocation is accepted again, whoever offers it.

    Flink: offerSlots.
    """
    status = not_started(s)
    if status != OK or not is_registered(s, tm):
        return ended(s, status)
    return ended(s, take_offers(s, tm, s.job_restarting))


def take_offers(s: DeclarativePoolState, tm: int, take_all: int) -> int:
    """Accept what is required, or everything, and tell the listener of new slots; a status.

    Flink: DefaultDeclarativeSlotPool.offerSlots, registerSlots.
    """
    status = accept_offers(s, tm, take_all)
    if status == OK:
        status = enter_offers(s, tm)
    if status == OK and s.new[0] != NONE:
        status = new_slots_are_available(s)
    if status == OK:
        list_accepted(s)
    return status


@declarative_slot_pool.operation
def fail_allocation(s: DeclarativePoolState, tm: int, allocation: int, cause: int) -> int:
    """An allocation failed: its slot goes. Returns the TaskExecutor if it has no slot left.

    That is the one that is *given*; nobody asks whose slot it was. Flink: failAllocation.
    """
    status = not_started(s)
    if status == OK and tm == NONE:
        status = int(Raised.NULL_POINTER)
    if status == OK:
        status = give_back(s, allocation, cause)
    if status == OK:
        status = decrease_by_counted(s)
    return ended(s, status, NONE if tm == NONE or slots_of(s, tm) > 0 else tm)


# -------------------------------------------------------------------------------- the job


@declarative_slot_pool.operation
def request_new_allocated_slot(
    s: DeclarativePoolState, request: int, request_id: int, profile: int, load: int
) -> int:
    """The job asks for a slot. Free slots are not looked at. Flink: requestNewAllocatedSlot."""
    return request_slot(s, request, request_id, profile, load, 0)


@declarative_slot_pool.operation
def request_new_allocated_batch_slot(
    s: DeclarativePoolState, request: int, request_id: int, profile: int, load: int
) -> int:
    """The job asks for a slot for a batch task. Flink: requestNewAllocatedBatchSlot."""
    return request_slot(s, request, request_id, profile, load, 1)


def request_slot(
    s: DeclarativePoolState, request: int, request_id: int, profile: int, load: int, batch: int
) -> int:
    """Ask for a slot; if that raises, the entry and its requirement may stay."""
    status = never_started(s)
    if status == OK:
        status = start_request(s, request, request_id, profile, batch, load)
    return ended(s, status)


@declarative_slot_pool.operation
def allocate_available_slot(
    s: DeclarativePoolState, request_id: int, allocation: int, profile: int, load: int
) -> int:
    """The job takes a free slot. What it requires grows first, and stays if that fails.

    Flink: allocateAvailableSlot.
    """
    status = never_started(s)
    if status == OK:
        status = increase_by(s, profile, 1)
    if status == OK:
        status = reserve(s, allocation, profile)
    if status == OK:
        put_fulfilled(s, request_id, allocation, load)
    return ended(s, status, allocation)


@declarative_slot_pool.operation
def release_slot(s: DeclarativePoolState, request_id: int, cause: int) -> int:
    """The job gives up what it asked for, or returns what it got. Flink: releaseSlot."""
    status = never_started(s)
    if status == OK:
        status = release_request(s, request_id, cause)
    return ended(s, status)


@declarative_slot_pool.operation
def request_timeout(s: DeclarativePoolState, request: int) -> int:
    """The timeout of a request fires: its *id* is released, then its future fails.

    Returns 0 if the future was complete. Flink: the timeout in internalRequestNewAllocatedSlot.
    """
    if not is_open(s, request):
        return 0
    fire(s.request, request, SlotRequest.time_out)
    if never_started(s) == OK:
        # an exception of the release is lost
        release_request(s, s.request_id[request], Cause.TIMEOUT)
    emit(s, Effect.REQUEST_FAILED, request, Error.TIMEOUT, Cause.ITSELF)
    return 1


@declarative_slot_pool.operation
def assign_payload(s: DeclarativePoolState, allocation: int) -> int:
    """Put a payload into a slot, free or not: 1 if it is the first, NONE without such a slot.

    Flink: PhysicalSlot.tryAssignPayload.
    """
    if not is_held(s, allocation):
        return NONE
    if s.payload[allocation] == Payload.ASSIGNED:
        return 0
    fire(s.payload, allocation, Payload.assign)
    return 1


@declarative_slot_pool.operation
def disable_batch_slot_request_timeout_check(s: DeclarativePoolState) -> int:
    """Switch the batch timeout check off, for good. Flink: the method of the same name."""
    s.batch_check = 0
    return ended(s)


@declarative_slot_pool.operation
def set_is_job_restarting(s: DeclarativePoolState, restarting: int) -> int:
    """From now on the job is restarting, and takes every slot; or it is not (1.20).

    Flink: setIsJobRestarting.
    """
    s.job_restarting = restarting
    return ended(s)


# --------------------------------------------------------------------------------- queries


def list_slot(s: DeclarativePoolState, allocation: int) -> None:
    """Answer one slot, with the numbers of slots of its TaskExecutor."""
    tm = s.slot_tm[allocation]
    emit(s, Effect.LISTED, allocation, slots_of(s, tm), free_slots_of(s, tm))


@declarative_slot_pool.operation
def get_available_slots_information(s: DeclarativePoolState) -> int:
    """List the free slots, oldest first. Flink: getAvailableSlotsInformation."""
    status = never_started(s)
    if status == OK:
        for allocation in s.free:
            if allocation != NONE:
                list_slot(s, allocation)
    return ended(s, status)


@declarative_slot_pool.operation
def get_allocated_slots_information(s: DeclarativePoolState) -> int:
    """List the slots that are not free. Flink: getAllocatedSlotsInformation."""
    status = never_started(s)
    if status == OK:
        for allocation, state in enumerate(s.slot):
            if state == AllocatedSlot.RESERVED:
                list_slot(s, allocation)
    return ended(s, status)


@declarative_slot_pool.operation
def create_allocated_slot_report(s: DeclarativePoolState, tm: int) -> int:
    """List all slots of a TaskExecutor. Flink: createAllocatedSlotReport."""
    status = not_started(s)
    if status == OK:
        for allocation, holder in enumerate(s.slot_tm):
            if holder == tm and is_held(s, allocation):
                list_slot(s, allocation)
    return ended(s, status)


# ------------------------------------------------------------------------------------- time


@declarative_slot_pool.operation
def advance_time(s: DeclarativePoolState, ms: int) -> int:
    """Let `ms` pass, and run what is due by then. Flink: scheduled runs of the main thread."""
    run_time(s, ms)
    return ended(s)
