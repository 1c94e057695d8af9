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
    send,
    way,
)
from slotspec.models.cluster.state import (
    ENDLESS,
    MANAGER,
    NOBODY_WAITS,
    STRIDE,
    ClusterState,
    Message,
)
from slotspec.models.slot_manager import operations as manager
from slotspec.models.slot_manager.lifecycles import ManagedTaskManager, SlotCall
from slotspec.models.slot_manager.records import is_registered, spare_request
from slotspec.models.slot_manager.state import CALLS_PER_SLOT, Effect
from slotspec.models.slot_manager.timers import check_slot_request_timeouts, finish
from slotspec.statemachine.declaration.rules import NONE, fire


def tm_of(s: ClusterState, number: int) -> int:
    """The TaskExecutor of a connection or a slot."""
    return number % len(s.process)


def tell_world(s: ClusterState, first: int) -> None:
    """Send what the manager's effects say, from effect number `first` on."""
    i = first
    while i < len(s.effects):
        kind = s.effects[i][0]
        one = s.effects[i][1]
        two = s.effects[i][2]
        if kind == MANAGER + Effect.REQUEST_SLOT:
            detail = two * STRIDE + one % CALLS_PER_SLOT
            channel = way(tm_of(s, two), int(Way.FROM_RESOURCE_MANAGER))
            allocation = s.manager.request_allocation[s.effects[i][3]]
            send(s, channel, int(Message.REQUEST_TASK_SLOT), allocation, detail)
        elif kind == MANAGER + Effect.ALLOCATION_FAILED and s.job_registered:
            send(s, TO_JOB_MASTER, int(Message.ALLOCATION_FAILED), one, 0)
        i += 1


# ----------------------------------------------------------------------------- JobMasters


def request_slot(s: ClusterState, allocation: int) -> None:
    """The JobMaster asks for a slot. Flink: ResourceManager.requestSlot."""
    request = spare_request(s.manager, allocation)
    first = len(s.effects)
    if manager.register_slot_request(s.manager, request, allocation, 0, 0) == NONE:
        send(s, TO_JOB_MASTER, int(Message.REQUEST_REFUSED), allocation, 0)
    else:
        send(s, TO_JOB_MASTER, int(Message.REQUEST_ACKNOWLEDGED), allocation, 0)
    tell_world(s, first)


def cancel_slot_request(s: ClusterState, allocation: int) -> None:
    """The JobMaster gives a request up. Flink: ResourceManager.cancelSlotRequest."""
    first = len(s.effects)
    manager.unregister_slot_request(s.manager, allocation)
    tell_world(s, first)


def requests_time_out(s: ClusterState) -> None:
    """Requests that nothing could fulfil are given up. Flink: checkSlotRequestTimeouts."""
    first = len(s.effects)
    check_slot_request_timeouts(s.manager)
    finish(s.manager)
    tell_world(s, first)


# --------------------------------------------------------------------------- task managers


def spare_instance(s: ClusterState, tm: int) -> int:
    """An InstanceID of a TaskExecutor that nobody knows, or NONE."""
    for instance in range(len(s.connecting)):
        if (
            tm_of(s, instance) == tm
            and not s.connecting[instance]
            and s.registered[tm] != instance
            and s.manager.registration[instance] == ManagedTaskManager.UNREGISTERED
            and s.instance[tm] != instance
            and not is_mentioned_instance(s, tm, instance)
        ):
            return instance
    return NONE


def register_task_executor(s: ClusterState, tm: int, ignored: int) -> None:
    """A TaskExecutor registers; first its gateway is looked up.

    Only the newest look-up of a TaskExecutor counts (FLINK-12260).
    Flink: ResourceManager.registerTaskExecutor.

    :param ignored: whether it would ignore the answer.
    """
    forget_older_connecting(s, tm)
    instance = spare_instance(s, tm)
    if instance != NONE:
        s.connecting[instance] = NOBODY_WAITS if ignored else 1


def forget_answers_to_come(s: ClusterState, tm: int) -> None:
    """A TaskExecutor registers anew: nobody waits for the answer of a look-up under way."""
    for instance in range(len(s.connecting)):
        if tm_of(s, instance) == tm and s.connecting[instance]:
            s.connecting[instance] = NOBODY_WAITS


def forget_older_connecting(s: ClusterState, tm: int) -> None:
    """Look-ups of gateways of this TaskExecutor that are under way no longer count."""
    for instance in range(len(s.connecting)):
        if tm_of(s, instance) == tm:
            s.connecting[instance] = 0


def gateway_found(s: ClusterState, instance: int) -> None:
    """The look-up ends: the registration takes the place of an older one.

    Flink: ResourceManager.registerTaskExecutorInternal.
    """
    tm = tm_of(s, instance)
    ignored = s.connecting[instance] == NOBODY_WAITS
    s.connecting[instance] = 0
    unregister(s, tm)
    s.registered[tm] = instance
    if not ignored:
        send(s, way(tm, int(Way.FROM_RESOURCE_MANAGER)), int(Message.REGISTERED), NONE, instance)


def unregister(s: ClusterState, tm: int) -> None:
    """The present connection of a TaskExecutor is no more."""
    if s.registered[tm] == NONE:
        return
    first = len(s.effects)
    if is_registered(s.manager, s.registered[tm]):
        manager.unregister_task_manager(s.manager, s.registered[tm])
    s.registered[tm] = NONE
    tell_world(s, first)


def close_task_manager_connection(s: ClusterState, tm: int) -> None:
    """A TaskExecutor is given up, and told so. Flink: closeTaskManagerConnection."""
    unregister(s, tm)
    send(s, way(tm, int(Way.FROM_RESOURCE_MANAGER)), int(Message.DISCONNECT), NONE, 0)


def disconnect_task_manager(s: ClusterState, tm: int) -> None:
    """A TaskExecutor has closed the connection. Flink: ResourceManager.disconnectTaskManager."""
    if s.registered[tm] != NONE:
        close_task_manager_connection(s, tm)


def read_report(s: ClusterState, tm: int) -> None:
    """Hand the report that has arrived to the manager."""
    for index in range(s.width):
        s.manager.report_slot[index] = index * len(s.process) + tm
        s.manager.report_profile[index] = 0
        allocation = s.slot_report[tm * s.width + index]
        s.manager.report_allocation[index] = allocation
        if allocation != NONE:
            s.manager.report_job[index] = 0
        s.slot_report[tm * s.width + index] = NONE


def send_slot_report(s: ClusterState, tm: int, instance: int) -> None:
    """The first report of a connection registers its slots. Flink: sendSlotReport."""
    first = len(s.effects)
    read_report(s, tm)
    if s.registered[tm] == instance:
        manager.register_task_manager(s.manager, instance)
    else:
        manager.forget_report(s.manager)
    tell_world(s, first)


def heartbeat_from(s: ClusterState, tm: int, instance: int) -> None:
    """A heartbeat brings a report. Flink: TaskManagerHeartbeatListener.reportPayload."""
    first = len(s.effects)
    read_report(s, tm)
    if s.registered[tm] == instance and is_registered(s.manager, instance):
        manager.report_slot_status(s.manager, instance)
    else:
        manager.forget_report(s.manager)
    tell_world(s, first)


def notify_slot_available(s: ClusterState, tm: int, index: int, allocation: int) -> None:
    """A TaskExecutor has freed a slot. Flink: ResourceManager.notifySlotAvailable."""
    if s.registered[tm] == NONE or not is_registered(s.manager, s.registered[tm]):
        return
    first = len(s.effects)
    manager.free_slot(s.manager, index * len(s.process) + tm, allocation)
    tell_world(s, first)


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
    if message == Message.CALL_ACKNOWLEDGED:
        manager.call_acknowledged(s.manager, call)
    elif message == Message.CALL_OCCUPIED:
        manager.call_occupied(s.manager, call, allocation, 0)
    else:
        manager.call_fails(s.manager, call, 0)
    tell_world(s, first)


def note_retry(s: ClusterState, first: int) -> None:
    """Note whether the manager has asked again at once: it may do so for ever.

    Timers fire all the same meanwhile, so that such a loop does not stop time.
    """
    for i in range(first, len(s.effects)):
        if s.effects[i][0] == MANAGER + Effect.REQUEST_SLOT:
            s.retries = min(s.retries + 1, ENDLESS)


# ------------------------------------------------------------------------------ leadership


def grant_leadership(s: ClusterState) -> None:
    """The ResourceManager leads; for a while it waits for TaskExecutors to come.

    Flink: ResourceManager.startServicesOnLeadership, StandaloneResourceManager.
    """
    fire(s.resource_manager, 0, Leader.gain)
    manager.start(s.manager)
    manager.set_fail_unfulfillable_request(s.manager, 0)


def end_startup_period(s: ClusterState) -> None:
    """From now on requests that nothing can fulfil fail. Flink: startStartupPeriod."""
    first = len(s.effects)
    manager.set_fail_unfulfillable_request(s.manager, 1)
    tell_world(s, first)


def revoke_leadership(s: ClusterState) -> None:
    """Another ResourceManager takes over: nothing that was sent to this one counts.

    Flink: ResourceManager.onRevokeLeadership, prepareLeadershipAsync.
    """
    manager.suspend(s.manager)
    s.job_registered = 0
    empty(s, TO_RESOURCE_MANAGER)
    empty(s, TO_JOB_MASTER)
    for tm in range(len(s.registered)):
        s.registered[tm] = NONE
        s.outdated[tm] = int(s.at_rm[tm] != Registration.NONE)
        forget_older_connecting(s, tm)
        empty(s, way(tm, int(Way.TO_RESOURCE_MANAGER)))
        forget_slot_report(s, tm)
    fire(s.resource_manager, 0, Leader.lose)


def forget_slot_report(s: ClusterState, tm: int) -> None:
    """A report in flight is lost."""
    for index in range(s.width):
        s.slot_report[tm * s.width + index] = NONE
