"""The slot pool: the operations of Flink's SlotPool interface, as SlotPoolImpl does them.

Each operation is a plain rule over :class:`SlotPoolState`. It emits what it tells the world,
and returns its answer. Ids that Flink generates inside an operation (the record of a new
request, and with it its allocation id) are arguments.
"""

from __future__ import annotations

from slotspec.models.common.timers import next_timer
from slotspec.models.slot_pool.futures import (
    cancel_slot_request,
    complete,
    fail_request,
    run_cancel_hook,
)
from slotspec.models.slot_pool.lifecycles import (
    LeakedSlot,
    Payload,
    PhysicalSlot,
    Pool,
    ResourceManagerConnection,
    SlotRequest,
    TaskManagerRegistration,
)
from slotspec.models.slot_pool.matching import (
    enter_allocated,
    remove_served,
    try_fulfill_slot_request_or_make_available,
)
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import (
    allocated_of,
    available_of,
    clear_slot,
    drop_leak,
    drop_slot,
    forget_request,
    held_by,
    is_held,
    is_open,
    leak_slot,
    pending_under,
    put_allocated,
    put_pending,
    queued_with_id,
    stash_waiting,
    take,
)
from slotspec.models.slot_pool.state import (
    Cause,
    Effect,
    Error,
    Raised,
    Root,
    SlotPoolState,
    Timer,
    allocations,
)
from slotspec.models.slot_pool.timers import (
    check_batch_slot_timeout,
    check_idle_slot,
    elapse,
    schedule,
    unschedule,
)
from slotspec.models.slot_pool.versions import (
    CancelOrder,
    IgnoredFailure,
    OfferedSlot,
    ReleaseCause,
)
from slotspec.statemachine.declaration.queues import append, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire


def has_main_thread(s: SlotPoolState) -> bool:
    """Whether the pool was ever started; if not, the operation raises an exception."""
    if not s.executor:
        emit(s, Effect.RAISES, Raised.NULL_POINTER)
        return False
    return True


# ------------------------------------------------------------------------------ lifecycle


@slot_pool.operation
def start(s: SlotPoolState) -> int:
    """Start the pool for a job master. It checks nothing and clears nothing.

    Each start begins two more chains of timers. Flink: SlotPoolImpl.start.
    """
    fire(s.pool, 0, Pool.start)
    s.executor = 1
    s.job_master = 1
    schedule(s, Timer.IDLE_CHECK, s.idle_timeout)
    schedule(s, Timer.BATCH_CHECK, s.batch_timeout)
    return NONE


@slot_pool.operation
def suspend(s: SlotPoolState) -> int:
    """Leadership is lost: the pool forgets everything, frees nothing, tells no caller.

    Flink: SlotPoolImpl.suspend (1.11, 1.12).
    """
    if not has_main_thread(s):
        return NONE
    cancel_pending_slot_requests(s)
    fire(s.pool, 0, Pool.suspend)
    s.job_master = 0
    if s.gateway != NONE:
        fire(s.connection, 0, ResourceManagerConnection.drop)
        s.gateway = NONE
    clear(s)
    return NONE


@slot_pool.operation
def close(s: SlotPoolState) -> int:
    """The job is over: the pool frees every slot of every registered task manager, then forgets.

    Flink: SlotPoolImpl.close.
    """
    cancel_pending_slot_requests(s)
    emit(s, Effect.ANY_ORDER, begins=1)
    for tm, registration in enumerate(s.registration):
        if registration == TaskManagerRegistration.REGISTERED:
            release_payloads_of(s, tm)
            free_slots_of(s, tm)
    emit(s, Effect.ANY_ORDER, begins=0)
    fire(s.pool, 0, Pool.close)
    clear(s)
    return NONE


def cancel_pending_slot_requests(s: SlotPoolState) -> None:
    """Cancel every pending allocation at the present ResourceManager, if there is one."""
    if s.gateway == NONE:
        return
    if s.cancel_order == CancelOrder.ARBITRARY:
        emit(s, Effect.ANY_ORDER, begins=1)
    for request in s.pending:
        if request != NONE:
            cancel_slot_request(s, s.gateway, s.stored_allocation[request])
    if s.cancel_order == CancelOrder.ARBITRARY:
        emit(s, Effect.ANY_ORDER, begins=0)


def clear(s: SlotPoolState) -> None:
    """Empty all five collections, and tell nobody. Flink: SlotPoolImpl.clear."""
    while s.pending[0] != NONE:
        request = s.pending[0]
        remove(s.pending, request)
        forget_request(s, request)
    while s.waiting[0] != NONE:
        request = s.waiting[0]
        remove(s.waiting, request)
        forget_request(s, request)
    for allocation in s.elements(allocations):
        if is_held(s, allocation):
            drop_slot(s, allocation)
    for leak, slot in enumerate(s.leaked):
        if slot == LeakedSlot.COUNTED:
            fire(s.leaked, leak, LeakedSlot.drop)
            drop_leak(s, leak)
    for tm, registration in enumerate(s.registration):
        if registration == TaskManagerRegistration.REGISTERED:
            fire(s.registration, tm, TaskManagerRegistration.drop)


# --------------------------------------------------------------------- resource manager


@slot_pool.operation
def connect_to_resource_manager(s: SlotPoolState, gateway: int) -> int:
    """Use this ResourceManager from now on, and send it every waiting request, in order.

    Pending requests are not sent again. Works before the first start and while suspended.
    Flink: SlotPoolImpl.connectToResourceManager.
    """
    if s.gateway == NONE:
        fire(s.connection, 0, ResourceManagerConnection.connect)
    else:
        fire(s.connection, 0, ResourceManagerConnection.replace)
    s.gateway = gateway
    while s.waiting[0] != NONE:
        request = s.waiting[0]
        remove(s.waiting, request)
        request_slot_from_resource_manager(s, request)
    return NONE


@slot_pool.operation
def disconnect_resource_manager(s: SlotPoolState) -> int:
    """Forget the ResourceManager, and nothing else: pending requests stay pending.

    Flink: SlotPoolImpl.disconnectResourceManager.
    """
    if s.gateway != NONE:
        fire(s.connection, 0, ResourceManagerConnection.disconnect)
        s.gateway = NONE
    return NONE


def request_slot_from_resource_manager(s: SlotPoolState, request: int) -> None:
    """Send a request under a new allocation id. Flink: requestSlotFromResourceManager."""
    s.sent_to[request] = s.gateway
    s.stored_allocation[request] = request
    s.call_open[request] = 1
    fire(s.slot, request, PhysicalSlot.ask)
    put_pending(s, request)
    if s.request[request] in (SlotRequest.UNUSED, SlotRequest.WAITING):
        fire(s.request, request, SlotRequest.send)
    else:
        # the caller got its answer while the entry waited: the hook finds a finished future
        run_cancel_hook(s, request)
    emit(s, Effect.REQUEST_SLOT, s.gateway, request, s.request_profile[request])


@slot_pool.operation
def resource_manager_acknowledges(s: SlotPoolState, request: int) -> int:
    """The ResourceManager acknowledges the call made for `request`.

    1 if the call was open. Flink: completion of requestSlot's future.
    """
    if not s.call_open[request]:
        return 0
    s.call_open[request] = 0
    return 1


@slot_pool.operation
def resource_manager_fails(s: SlotPoolState, request: int, cause: int) -> int:
    """The ResourceManager answers the call made for `request` with an error.

    The call remembers the request *id*, not the allocation. It fails whatever is pending under
    that id now, unless that is a batch request and the failure is not final. 1 if the call
    was open. Flink: SlotPoolImpl.slotRequestToResourceManagerFailed.
    """
    if not s.call_open[request]:
        return 0
    s.call_open[request] = 0
    hit = queued_with_id(s, s.pending, s.request_id[request])
    if hit != NONE and not is_batch_request_and_failure_can_be_ignored(s, hit, cause):
        remove_served(s, hit)
        fail_request(s, hit, Error.NO_RESOURCE, Root.GIVEN, cause)
    return 1


def is_batch_request_and_failure_can_be_ignored(s: SlotPoolState, request: int, cause: int) -> bool:
    """Batch requests wait on, unless no ResourceManager could ever fulfil them.

    Flink: the method of the same name in SlotPoolImpl.
    """
    return s.batch[request] == 1 and cause != Cause.UNFULFILLABLE


# ------------------------------------------------------------------------ task managers


@slot_pool.operation
def register_task_manager(s: SlotPoolState, tm: int) -> int:
    """Consider offers of `tm` from now on. 0 if it was registered already.

    Flink: SlotPoolImpl.registerTaskManager.
    """
    if not has_main_thread(s):
        return NONE
    if s.registration[tm] == TaskManagerRegistration.REGISTERED:
        return 0
    fire(s.registration, tm, TaskManagerRegistration.register)
    return 1


@slot_pool.operation
def release_task_manager(s: SlotPoolState, tm: int) -> int:
    """Give up `tm`: stop the payloads of its slots, then free all of them. 0 if unknown.

    Flink: SlotPoolImpl.releaseTaskManager.
    """
    if not has_main_thread(s):
        return NONE
    if s.registration[tm] != TaskManagerRegistration.REGISTERED:
        return 0
    fire(s.registration, tm, TaskManagerRegistration.release)
    emit(s, Effect.ANY_ORDER, begins=1)
    release_payloads_of(s, tm)
    emit(s, Effect.ANY_ORDER, begins=0)
    emit(s, Effect.ANY_ORDER, begins=1)
    free_slots_of(s, tm)
    emit(s, Effect.ANY_ORDER, begins=0)
    return 1


def release_payload(s: SlotPoolState, allocation: int) -> None:
    """Stop what runs in an allocated slot. Flink: AllocatedSlot.releasePayload."""
    if s.payload[allocation] == Payload.ASSIGNED:
        fire(s.payload, allocation, Payload.release)
        emit(s, Effect.PAYLOAD_RELEASED, allocation)


def release_payloads_of(s: SlotPoolState, tm: int) -> None:
    """Stop what runs in the slots of `tm`, leaked ones too."""
    for allocation, holder in enumerate(s.slot_tm):
        if holder == tm:
            release_payload(s, allocation)
    for leak, holder in enumerate(s.leaked_tm):
        if holder == tm and s.leaked_payload[leak]:
            s.leaked_payload[leak] = 0
            emit(s, Effect.PAYLOAD_RELEASED, s.leaked_allocation[leak])


def free_slots_of(s: SlotPoolState, tm: int) -> None:
    """Free the slots of `tm`, leaked ones too. No request gets them.

    Each leaves the map by its allocation, whoever is there: a slot of another TaskExecutor
    that was allocated under the id of a leaked one leaks in its turn.
    Flink: AllocatedSlots.removeSlotsForTaskManager.
    """
    for allocation, holder in enumerate(s.slot_tm):
        if holder == tm:
            emit(s, Effect.FREE_SLOT, tm, allocation)
            fire(s.slot, allocation, PhysicalSlot.lose_task_manager)
            clear_slot(s, allocation)
    for leak, holder in enumerate(s.leaked_tm):
        if holder == tm:
            shared = s.leaked_allocation[leak]
            emit(s, Effect.FREE_SLOT, tm, shared)
            fire(s.leaked, leak, LeakedSlot.lose_task_manager)
            drop_leak(s, leak)
            if s.slot[shared] == PhysicalSlot.ALLOCATED:
                leak_slot(s, shared)


# -------------------------------------------------------------------------------- offers


def is_registered(s: SlotPoolState, tm: int) -> bool:
    """Whether the pool considers offers of `tm`."""
    return s.registration[tm] == TaskManagerRegistration.REGISTERED


def is_same_slot(s: SlotPoolState, allocation: int, tm: int, index: int) -> bool:
    """Whether an offer repeats the slot that is held under its allocation."""
    return s.slot_tm[allocation] == tm and s.slot_index[allocation] == index


@slot_pool.operation
def offer_slot(s: SlotPoolState, tm: int, index: int, allocation: int, profile: int) -> int:
    """A TaskExecutor offers slot number `index` under `allocation`. 1 if it is accepted.

    Flink: SlotPoolImpl.offerSlot; offerSlots does this for each of its offers, in order.
    """
    if not has_main_thread(s):
        return NONE
    if not is_registered(s, tm):
        return 0
    if is_held(s, allocation):
        return int(is_same_slot(s, allocation, tm, index))
    s.slot_tm[allocation] = tm
    s.slot_index[allocation] = index
    s.slot_profile[allocation] = profile
    if s.offered_slot == OfferedSlot.OWN_REQUEST and offer_to_own_request(s, allocation):
        return 1
    if not try_fulfill_slot_request_or_make_available(s, allocation):
        # the exception leaves no trace of the offending slot
        s.slot_tm[allocation] = NONE
        s.slot_index[allocation] = NONE
        s.slot_profile[allocation] = NONE
        return NONE
    return 1


def offer_to_own_request(s: SlotPoolState, allocation: int) -> bool:
    """1.11: the request pending under this allocation gets the slot, whatever its profile.

    False if there is none, or if its caller already has an answer.
    """
    request = pending_under(s, allocation)
    if request == NONE:
        return False
    remove(s.pending, request)
    if not is_open(s, request):
        # the slot is entered and removed again, by when the id's other slot has leaked
        older = held_by(s, s.request_id[request])
        if older != NONE:
            leak_slot(s, older)
        return False
    enter_allocated(s, s.request_id[request], allocation)
    complete(s, request, allocation)
    return True


@slot_pool.operation
def fail_allocation(s: SlotPoolState, allocation: int, cause: int) -> int:
    """An allocation has failed: fail the request pending under it, or else free its slot.

    Returns the task manager if it has no slot left here, else NONE.
    Flink: SlotPoolImpl.failAllocation.
    """
    if not has_main_thread(s):
        return NONE
    request = pending_under(s, allocation)
    if request == NONE:
        return try_failing_allocated_slot(s, allocation)
    if is_batch_request_and_failure_can_be_ignored(s, request, cause):
        if s.ignored_failure == IgnoredFailure.MOVES_TO_END:
            remove(s.pending, request)
            append(s.pending, request)
        return NONE
    remove_served(s, request)
    fail_request(s, request, Error.GIVEN, Root.GIVEN, cause)
    return NONE


def try_failing_allocated_slot(s: SlotPoolState, allocation: int) -> int:
    """Free a held slot and then stop its payload. Flink: tryFailingAllocatedSlot."""
    if not is_held(s, allocation):
        return NONE
    tm = s.slot_tm[allocation]
    free_then_release_payload(s, allocation)
    fire(s.slot, allocation, PhysicalSlot.fail)
    clear_slot(s, allocation)
    return tm if allocated_of(s, tm) + available_of(s, tm) == 0 else NONE


def free_then_release_payload(s: SlotPoolState, allocation: int) -> None:
    """Free the slot first; releasing a task manager does it in the opposite order."""
    emit(s, Effect.FREE_SLOT, s.slot_tm[allocation], allocation)
    release_payload(s, allocation)


# ------------------------------------------------------------------------------ requests


@slot_pool.operation
def request_new_allocated_slot(
    s: SlotPoolState, request: int, request_id: int, profile: int
) -> int:
    """Ask for a new slot, without a look at the available ones. The future is `request`.

    Flink: SlotPoolImpl.requestNewAllocatedSlot.
    """
    return request_new_allocated_slot_internal(s, request, request_id, profile, batch=0)


@slot_pool.operation
def request_new_allocated_batch_slot(
    s: SlotPoolState, request: int, request_id: int, profile: int
) -> int:
    """Ask for a new slot for a batch job: failures that are not final do not matter.

    It has no timeout of its own; the batch check gives up on it while no held slot matches.
    Flink: SlotPoolImpl.requestNewAllocatedBatchSlot.
    """
    return request_new_allocated_slot_internal(s, request, request_id, profile, batch=1)


def request_new_allocated_slot_internal(
    s: SlotPoolState, request: int, request_id: int, profile: int, batch: int
) -> int:
    """Queue a request, or send it at once. Flink: requestNewAllocatedSlotInternal."""
    if not has_main_thread(s):
        return NONE
    s.request_id[request] = request_id
    s.request_profile[request] = profile
    s.batch[request] = batch
    if s.gateway == NONE:
        s.waited[request] = 1
        fire(s.request, request, SlotRequest.stash)
        stash_waiting(s, request)
    else:
        request_slot_from_resource_manager(s, request)
    return NONE


@slot_pool.operation
def allocate_available_slot(s: SlotPoolState, request_id: int, allocation: int) -> int:
    """Take an available slot for `request_id`. Returns the allocation, or NONE.

    Looks at no queue and compares no profile. Flink: SlotPoolImpl.allocateAvailableSlot.
    """
    if not has_main_thread(s):
        return NONE
    if s.slot[allocation] != PhysicalSlot.AVAILABLE:
        return NONE
    fire(s.slot, allocation, PhysicalSlot.allocate)
    s.slot_request[allocation] = NONE
    put_allocated(s, request_id, allocation)
    return allocation


@slot_pool.operation
def release_slot(s: SlotPoolState, request_id: int, cause: int) -> int:
    """The job gives up a request, or else returns the slot that it got.

    A returned slot goes straight to the next matching request. Flink:
    SlotPoolImpl.releaseSlot.
    """
    if not has_main_thread(s):
        return NONE
    request = take(s, request_id)
    if request != NONE:
        kept = s.release_cause == ReleaseCause.KEPT and cause != Cause.ABSENT
        fail_request(s, request, Error.RELEASED, Root.GIVEN if kept else Root.ITSELF, cause)
        return NONE
    allocation = held_by(s, request_id)
    if allocation != NONE:
        release_payload(s, allocation)
        if not try_fulfill_slot_request_or_make_available(s, allocation):
            drop_slot(s, allocation)
    return NONE


@slot_pool.operation
def request_timeout(s: SlotPoolState, request: int) -> int:
    """The timeout of a request fires. 1 if its caller still waited.

    The caller gets the error while the request is still queued; only then does the hook take
    whatever is queued under its id. Flink: FutureUtils.orTimeout on the request's future.
    """
    if not is_open(s, request):
        return 0
    fail_request(s, request, Error.TIMEOUT, Root.ITSELF, Cause.TIMEOUT)
    return 1


@slot_pool.operation
def disable_batch_slot_request_timeout_check(s: SlotPoolState) -> int:
    """Stop the batch check for good. Flink: the method of the same name (1.12, 1.13)."""
    s.batch_check = 0
    return NONE


@slot_pool.operation
def assign_payload(s: SlotPoolState, allocation: int) -> int:
    """Put a payload into an allocated slot. 0 if it has one; NONE if it is not allocated.

    Flink: AllocatedSlot.tryAssignPayload.
    """
    if s.slot[allocation] != PhysicalSlot.ALLOCATED:
        return NONE
    if s.payload[allocation] == Payload.ASSIGNED:
        return 0
    fire(s.payload, allocation, Payload.assign)
    return 1


# ------------------------------------------------------------------------------- queries


@slot_pool.operation
def get_available_slots_information(s: SlotPoolState) -> int:
    """List the available slots, each with the utilization of its task manager.

    Utilization is allocated / (allocated + available), leaked slots counted as allocated.
    Flink: the method of the same name.
    """
    for allocation, status in enumerate(s.slot):
        if status == PhysicalSlot.AVAILABLE:
            tm = s.slot_tm[allocation]
            emit(s, Effect.LISTED, allocation, allocated_of(s, tm), available_of(s, tm))
    return NONE


@slot_pool.operation
def get_allocated_slots_information(s: SlotPoolState) -> int:
    """List the allocated slots; the order of the answer is that of their entry.

    Flink: the method of the same name (private in 1.11).
    """
    for allocation, status in enumerate(s.slot):
        if status == PhysicalSlot.ALLOCATED:
            emit(s, Effect.LISTED, allocation)
    return NONE


@slot_pool.operation
def create_allocated_slot_report(s: SlotPoolState, tm: int) -> int:
    """List what the pool holds at `tm`: available slots, then allocated ones, leaked too.

    Flink: SlotPoolImpl.createAllocatedSlotReport.
    """
    for half in (PhysicalSlot.AVAILABLE, PhysicalSlot.ALLOCATED):
        for allocation, status in enumerate(s.slot):
            if status == half and s.slot_tm[allocation] == tm:
                emit(s, Effect.LISTED, allocation)
    for leak, holder in enumerate(s.leaked_tm):
        if holder == tm:
            emit(s, Effect.LISTED, s.leaked_allocation[leak], 0, 0, leak)
    return NONE


# ---------------------------------------------------------------------------------- time


@slot_pool.operation
def advance_time(s: SlotPoolState, ms: int) -> int:
    """Let `ms` pass and run the checks that become due, each at its own time.

    If a check throws, so does the operation once all the time has passed. Flink: the main
    thread executor's schedule, on a manual clock.
    """
    threw = 0
    place = next_timer(s)
    while place != NONE and s.due_in[place] <= ms:
        ms -= s.due_in[place]
        elapse(s, s.due_in[place])
        threw = max(threw, run_timer(s, place))
        place = next_timer(s)
    elapse(s, ms)
    if threw:
        emit(s, Effect.RAISES, Raised.UNSUPPORTED)
    return NONE


def run_timer(s: SlotPoolState, place: int) -> int:
    """Run the check that is due; it schedules itself again at its end. 1 if it threw."""
    timer = s.timer[place]
    unschedule(s, place)
    if timer == Timer.IDLE_CHECK:
        if check_idle_slot(s):
            schedule(s, timer, s.idle_timeout)
    elif check_batch_slot_timeout(s):
        schedule(s, timer, s.batch_timeout)
    elif s.batch_check:
        return 1  # it was not switched off, so it has met an UNKNOWN slot
    return 0
