"""The ResourceManager: what it does with messages, and what it sends for its manager.

Flink: ResourceManager, StandaloneResourceManager. Each method of the same name is one rule
here; the manager's own rules are those of the slot manager model. Slot number `n` is of
TaskExecutor ``n % task_managers``, and so is connection `n`.
"""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Leader, Registration
from slotspec.models.cluster.messages import (
    TO_JOB_MASTER,
    TO_RESOURCE_MANAGER,
    Way,
    empty,
    is_mentioned_instance,
    order_task_executor,
    send,
    way,
)
from slotspec.models.cluster.state import (
    ENDLESS,
    MANAGER,
    NOBODY_WAITS,
    OF_FORMER,
    STRIDE,
    ClusterState,
    Message,
    instances,
    slot_numbers,
    task_managers,
)
from slotspec.models.common.orders import bring
from slotspec.models.slot_manager import operations as manager
from slotspec.models.slot_manager.lifecycles import ManagedTaskManager, SlotCall, TaskManagerSlot
from slotspec.models.slot_manager.records import is_registered, spare_request
from slotspec.models.slot_manager.state import CALLS_PER_SLOT, Effect
from slotspec.models.slot_manager.timers import check_slot_request_timeouts, finish, run_one
from slotspec.models.slot_manager.updates import queued
from slotspec.statemachine.declaration.rules import NONE, fire


def tm_of(s: ClusterState, number: int) -> int:
    """The TaskExecutor of a connection or a slot."""
    return number % len(s.process)


def apply_effects(s: ClusterState, first: int) -> None:
    """Send what the manager's effects say, from effect number `first` on.

    First the manager's main thread runs what it has queued, unless it is held up.
    """
    if s.queued_steps and not s.held_up:
        run_queued(s)
    for i in range(first, len(s.effects)):
        kind, one, two, three, _ = s.effects[i]
        if kind == MANAGER + Effect.REQUEST_SLOT:
            allocation = s.manager.request_allocation[three]
            detail = two * STRIDE + one % CALLS_PER_SLOT
            tm = tm_of(s, two)
            order_task_executor(s, tm, int(Message.REQUEST_TASK_SLOT), allocation, detail)
        elif kind == MANAGER + Effect.ALLOCATION_FAILED and s.job_registered:
            tell_job_master(s, int(Message.ALLOCATION_FAILED), one)


def run_queued(s: ClusterState) -> None:
    """Run all that the manager has queued for the main thread."""
    while queued(s.manager) > 0:
        run_one(s.manager)


def go_on(s: ClusterState) -> None:
    """The main thread comes to what it has queued: the outcome of a call for a slot.

    If there are several, each is a step of its own.
    """
    first = len(s.effects)
    if queued(s.manager) > 1:
        run_one(s.manager)
    else:
        s.held_up = 0
    apply_effects(s, first)


def bring_forward(s: ClusterState, place: int) -> bool:
    """Bring a queued outcome to the front, if it is of a lost TaskExecutor's slot as is the first.

    :returns: whether it is.
    """
    if place == 0 or place >= queued(s.manager):
        return False
    gone = s.manager.main_call[0]
    call = s.manager.main_call[place]
    if (
        NONE in (gone, call)
        or lost_with(s, gone) == NONE
        or lost_with(s, gone) != lost_with(s, call)
    ):
        return False
    bring(s.manager.main_call, place, 0)
    bring(s.manager.main_query, place, 0)
    bring(s.manager.main_check, place, 0)
    return True


def lost_with(s: ClusterState, call: int) -> int:
    """The TaskExecutor with which the slot of a call was lost; NONE for a slot that is there."""
    slot = s.manager.call_slot[call]
    return tm_of(s, slot) if s.manager.slot[slot] == TaskManagerSlot.ABSENT else NONE


# ----------------------------------------------------------------------------- JobMasters


def tell_job_master(s: ClusterState, message: int, allocation: int = NONE) -> None:
    """Send the JobMaster a message, unless it leads no more: the next one refuses its fencing
    token.

    Flink: FencedAkkaRpcActor.
    """
    if not s.jm_deposed:
        send(s, TO_JOB_MASTER, message, allocation)


def register_job_master(s: ClusterState, detail: int) -> None:
    """A JobMaster registers; first the ResourceManager looks up who leads its job.

    It declines one that leads no more. Flink: ResourceManager.registerJobManager.

    :param detail: whether the JobMaster would ignore the answer, or leads no more.
    """
    if detail == OF_FORMER:
        return
    s.jm_deposed = 0
    s.job_connecting = NOBODY_WAITS if detail else 1


def job_master_found(s: ClusterState) -> None:
    """The look-up ends: the JobMaster is registered, if it leads its job.

    Flink: ResourceManager.registerJobMasterInternal.
    """
    if is_job_master_leading(s):
        register_found(s)
    else:
        s.job_connecting = 0


def is_job_master_leading(s: ClusterState) -> bool:
    """Whether the JobMaster that the ResourceManager has heard of leads its job."""
    return s.job_master[0] == Leader.LEADING and not s.revoked and not s.jm_deposed


def register_found(s: ClusterState) -> None:
    """Register the JobMaster, and answer if somebody waits. Flink: registerJobMasterInternal."""
    s.job_registered = 1
    if s.job_connecting != NOBODY_WAITS and s.job_master[0] == Leader.LEADING:
        tell_job_master(s, int(Message.REGISTERED))
    s.job_connecting = 0


def close_job_manager_connection(s: ClusterState, ended: int) -> None:
    """Drop the JobMaster, and tell it; what it has requested stays.

    Flink: ResourceManager.closeJobManagerConnection.

    :param ended: whether its job has ended, which makes no difference.
    """
    if s.job_registered:
        s.job_registered = 0
        if s.registrations:
            tell_job_master(s, int(Message.DISCONNECT))


def request_slot(s: ClusterState, allocation: int) -> None:
    """The JobMaster requests a slot; it must be registered. Flink: ResourceManager.requestSlot."""
    if not s.job_registered:
        tell_job_master(s, int(Message.REQUEST_REFUSED), allocation)
        return
    request = spare_request(s.manager, allocation)
    first = len(s.effects)
    refused = manager.register_slot_request(s.manager, request, allocation, 0, 0) == NONE
    answer = Message.REQUEST_REFUSED if refused else Message.REQUEST_ACKNOWLEDGED
    tell_job_master(s, int(answer), allocation)
    apply_effects(s, first)


def cancel_slot_request(s: ClusterState, allocation: int) -> None:
    """The JobMaster withdraws a request. Flink: ResourceManager.cancelSlotRequest."""
    first = len(s.effects)
    manager.unregister_slot_request(s.manager, allocation)
    apply_effects(s, first)


def requests_time_out(s: ClusterState) -> None:
    """Give up requests that nothing could fulfil. Flink: checkSlotRequestTimeouts."""
    first = len(s.effects)
    check_slot_request_timeouts(s.manager)
    finish(s.manager)
    apply_effects(s, first)


# --------------------------------------------------------------------------- task managers


def spare_instance(s: ClusterState, tm: int) -> int:
    """An InstanceID of a TaskExecutor that nobody knows, or NONE."""
    return next(
        (
            instance
            for instance in s.elements(instances)
            if tm_of(s, instance) == tm
            and not s.connecting[instance]
            and instance not in (s.registered[tm], s.instance[tm])
            and s.manager.registration[instance] == ManagedTaskManager.UNREGISTERED
            and not is_mentioned_instance(s, tm, instance)
        ),
        NONE,
    )


def register_task_executor(s: ClusterState, tm: int, ignored: int) -> None:
    """A TaskExecutor registers; first the ResourceManager looks up its gateway.

    Only the newest look-up of a TaskExecutor counts (FLINK-12260).
    Flink: ResourceManager.registerTaskExecutor.

    :param ignored: whether the TaskExecutor would ignore the answer.
    """
    forget_older_connecting(s, tm)
    instance = spare_instance(s, tm)
    if instance != NONE:
        s.connecting[instance] = NOBODY_WAITS if ignored else 1


def forget_answers_to_come(s: ClusterState, tm: int) -> None:
    """A TaskExecutor registers again: nobody waits for the answer to an earlier look-up."""
    for instance in s.elements(instances):
        if tm_of(s, instance) == tm and s.connecting[instance]:
            s.connecting[instance] = NOBODY_WAITS


def forget_older_connecting(s: ClusterState, tm: int) -> None:
    """Forget earlier look-ups of the gateway of this TaskExecutor."""
    for instance in s.elements(instances):
        if tm_of(s, instance) == tm:
            s.connecting[instance] = 0


def gateway_found(s: ClusterState, instance: int) -> None:
    """The look-up ends: the registration replaces an older one.

    Flink: ResourceManager.registerTaskExecutorInternal.
    """
    tm = tm_of(s, instance)
    ignored = s.connecting[instance] == NOBODY_WAITS
    s.connecting[instance] = 0
    unregister(s, tm)
    s.registered[tm] = instance
    s.stale[tm] = 0
    if not ignored:
        order_task_executor(s, tm, int(Message.REGISTERED), NONE, instance)


def unregister(s: ClusterState, tm: int) -> None:
    """End the current connection of a TaskExecutor."""
    if s.registered[tm] == NONE:
        return
    first = len(s.effects)
    if is_registered(s.manager, s.registered[tm]):
        manager.unregister_task_manager(s.manager, s.registered[tm])
    s.registered[tm] = NONE
    apply_effects(s, first)


def close_task_manager_connection(s: ClusterState, tm: int) -> None:
    """Give up a TaskExecutor, and notify it. Flink: closeTaskManagerConnection."""
    unregister(s, tm)
    order_task_executor(s, tm, int(Message.DISCONNECT))
    s.stale[tm] = 0


def disconnect_task_manager(s: ClusterState, tm: int) -> None:
    """A TaskExecutor has closed the connection. Flink: ResourceManager.disconnectTaskManager."""
    if s.registered[tm] != NONE:
        close_task_manager_connection(s, tm)


def read_report(s: ClusterState, tm: int) -> None:
    """Hand the report that has arrived to the manager."""
    for index in s.elements(slot_numbers):
        s.manager.report_slot[index] = index * len(s.process) + tm
        s.manager.report_profile[index] = 0
        allocation = s.slot_report[tm * s.width + index]
        s.manager.report_allocation[index] = allocation
        if allocation != NONE:
            s.manager.report_job[index] = 0
    forget_slot_report(s, tm)


def send_slot_report(s: ClusterState, tm: int, instance: int) -> None:
    """The first report of a connection registers its slots. Flink: sendSlotReport."""
    first = len(s.effects)
    read_report(s, tm)
    if s.registered[tm] == instance:
        manager.register_task_manager(s.manager, instance)
    else:
        manager.forget_report(s.manager)
    apply_effects(s, first)


def heartbeat_from(s: ClusterState, tm: int, instance: int) -> None:
    """A heartbeat brings a report. Flink: TaskManagerHeartbeatListener.reportPayload."""
    first = len(s.effects)
    read_report(s, tm)
    if s.registered[tm] == instance and is_registered(s.manager, instance):
        manager.report_slot_status(s.manager, instance)
    else:
        manager.forget_report(s.manager)
    apply_effects(s, first)


def notify_slot_available(s: ClusterState, tm: int, index: int, allocation: int) -> None:
    """A TaskExecutor has freed a slot. Flink: ResourceManager.notifySlotAvailable."""
    if s.registered[tm] == NONE or not is_registered(s.manager, s.registered[tm]):
        return
    first = len(s.effects)
    manager.free_slot(s.manager, index * len(s.process) + tm, allocation)
    apply_effects(s, first)


def call_of(detail: int) -> int:
    """The call that an answer is to."""
    return detail // STRIDE * CALLS_PER_SLOT + detail % STRIDE


def is_waited_for(s: ClusterState, detail: int) -> bool:
    """Whether anybody waits for this answer."""
    return detail % STRIDE < CALLS_PER_SLOT and s.manager.call[call_of(detail)] == SlotCall.OPEN


def call_answered(s: ClusterState, message: int, allocation: int, detail: int) -> None:
    """A TaskExecutor has answered a request for a slot, or the call has timed out."""
    if not is_waited_for(s, detail):
        return
    first = len(s.effects)
    call = call_of(detail)
    match message:
        case Message.CALL_ACKNOWLEDGED:
            manager.call_acknowledged(s.manager, call)
        case Message.CALL_OCCUPIED:
            manager.call_occupied(s.manager, call, allocation, 0)
        case _:
            manager.call_fails(s.manager, call, 0)
    apply_effects(s, first)


def note_retry(s: ClusterState, first: int) -> None:
    """Note whether the manager has retried at once: it may do so for ever.

    Timers still fire during such a loop, so that it does not stop time.
    """
    for i in range(first, len(s.effects)):
        if s.effects[i].kind == MANAGER + Effect.REQUEST_SLOT:
            s.retries = min(s.retries + 1, ENDLESS)


# ------------------------------------------------------------------------------ leadership


def grant_leadership(s: ClusterState) -> None:
    """The ResourceManager leads; for a while it waits for TaskExecutors to register.

    Flink: ResourceManager.startServicesOnLeadership, StandaloneResourceManager.
    """
    fire(s.resource_manager, 0, Leader.gain)
    manager.start(s.manager)
    manager.set_fail_unfulfillable_request(s.manager, 0)


def end_startup_period(s: ClusterState) -> None:
    """From now on requests that nothing can fulfil fail. Flink: startStartupPeriod."""
    first = len(s.effects)
    manager.set_fail_unfulfillable_request(s.manager, 1)
    apply_effects(s, first)


def revoke_leadership(s: ClusterState) -> None:
    """Another ResourceManager takes over: messages to this one are lost, its own still arrive.

    Flink: ResourceManager.onRevokeLeadership, prepareLeadershipAsync.
    """
    manager.suspend(s.manager)
    s.held_up = 0
    apply_effects(s, len(s.effects))
    s.job_registered = 0
    s.job_connecting = 0
    s.rm_deposed = int(s.registrations and (s.pool.gateway != NONE or s.registering == 1))
    empty(s, TO_RESOURCE_MANAGER)
    for tm in s.elements(task_managers):
        s.registered[tm] = NONE
        s.stale[tm] = 0
        s.outdated[tm] = int(s.at_rm[tm] != Registration.NONE)
        forget_older_connecting(s, tm)
        empty(s, way(tm, Way.TO_RESOURCE_MANAGER))
        forget_slot_report(s, tm)
    fire(s.resource_manager, 0, Leader.lose)


def forget_slot_report(s: ClusterState, tm: int) -> None:
    """Clear the report that was in flight."""
    for index in s.elements(slot_numbers):
        s.slot_report[tm * s.width + index] = NONE
