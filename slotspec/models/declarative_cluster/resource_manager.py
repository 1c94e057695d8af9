"""The ResourceManager with the fine-grained manager: what differs from the older one.

Flink: ResourceManager. It learns of a JobMaster by a message, and chooses which slots to request,
under allocation ids of its own.
"""

from __future__ import annotations

from slotspec.models.cluster.messages import (
    TO_RESOURCE_MANAGER,
    is_in_channel,
    order_task_executor,
)
from slotspec.models.cluster.resource_manager import forget_slot_report, tell_job_master, tm_of
from slotspec.models.cluster.state import (
    ENDLESS,
    MANAGER,
    Message,
    instances,
    slot_numbers,
)
from slotspec.models.common.orders import bring
from slotspec.models.declarative_cluster import allocation_ids
from slotspec.models.declarative_cluster.slot_manager_service import (
    APPLICATION,
    JOB,
    PROFILE,
    TARGET,
)
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.fine_grained_slot_manager import operations as manager
from slotspec.models.fine_grained_slot_manager.lifecycles import SlotCall
from slotspec.models.fine_grained_slot_manager.state import Effect, Timer
from slotspec.models.fine_grained_slot_manager.workers import is_registered
from slotspec.statemachine.declaration.queues import place_of
from slotspec.statemachine.declaration.rules import NONE


def apply_effects(s: DeclarativeClusterState, first: int) -> None:
    """Send what the manager's effects say, from effect number `first` on."""
    for i in range(first, len(s.effects)):
        kind, one, two, _, _ = s.effects[i]
        match kind - MANAGER:
            case Effect.REQUEST_SLOT:
                order_task_executor(s, tm_of(s, two), int(Message.REQUEST_TASK_SLOT), one)
            case Effect.FREE_INACTIVE_SLOTS:
                order_task_executor(s, tm_of(s, one), int(Message.FREE_INACTIVE_SLOTS))
            case Effect.NOT_ENOUGH_RESOURCES:
                if s.job_registered:
                    tell_job_master(s, int(Message.NOT_ENOUGH_RESOURCES))


# ------------------------------------------------------------------------------- JobMasters


def declare_required_resources(s: DeclarativeClusterState, required: int) -> None:
    """The JobMaster declares what it requires; it must be registered.

    Only the newest declaration is answered, since nobody waits for another answer. Flink:
    ResourceManager.declareRequiredResources.
    """
    first = len(s.effects)
    answer = Message.REQUEST_REFUSED
    if s.job_registered:
        if required > 0:
            s.manager.declared_profile[0] = PROFILE
            s.manager.declared_count[0] = required
        manager.process_resource_requirements(s.manager, JOB, TARGET, APPLICATION)
        answer = Message.REQUEST_ACKNOWLEDGED
    if not is_in_channel(s, TO_RESOURCE_MANAGER, Message.DECLARE_REQUIREMENTS):
        tell_job_master(s, int(answer))
    apply_effects(s, first)


def close_job_manager_connection(s: DeclarativeClusterState, ended: int) -> None:
    """Drop the JobMaster, and tell it; what it requires stays unless its job has ended.

    Flink: ResourceManager.closeJobManagerConnection.
    """
    if not s.job_registered:
        return
    s.job_registered = 0
    first = len(s.effects)
    if ended:
        manager.clear_resource_requirements(s.manager, JOB)
    apply_effects(s, first)
    tell_job_master(s, int(Message.DISCONNECT))


# ----------------------------------------------------------------------------------- checks


def is_check_due(s: DeclarativeClusterState) -> bool:
    """Whether a check of requirements is scheduled, and there are ids for what it requests."""
    return s.manager.timer[0] != Timer.UNUSED and allocation_ids.new_allocations(s) >= lacking(s)


def lacking(s: DeclarativeClusterState) -> int:
    """How many slots the job lacks in the view of the manager."""
    return max(0, s.manager.required[JOB] - s.manager.served[JOB])


def check_requirements(s: DeclarativeClusterState, instance: int, second: int, third: int) -> None:
    """The delay of a check is over. Flink: FineGrainedSlotManager.checkResourceRequirements.

    :param instance: the connection that is looked at first: they are in a hash table.
    :param second: the one that is looked at next, if it is another; then the `third`. The others
        follow as in a ring.
    """
    first = len(s.effects)
    arrange(s, instance, second, third)
    allocation_ids.note_known(s)
    manager.advance_time(s.manager, 1)
    allocation_ids.forget_known(s)
    for place in s.elements(instances):
        s.manager.order[place] = NONE
    apply_effects(s, first)


def arrange(s: DeclarativeClusterState, instance: int, second: int, third: int) -> None:
    """In which order a check looks at the connections."""
    count = len(s.elements(instances))
    for place in s.elements(instances):
        s.manager.order[place] = (instance + place) % count
    if second != instance:
        bring(s.manager.order, place_of(s.manager.order, second), 1)
    if third not in (instance, second):
        bring(s.manager.order, place_of(s.manager.order, third), 2)


def may_come_first(s: DeclarativeClusterState, instance: int) -> bool:
    """Whether a check may look at this connection first, and that makes a difference."""
    if any(is_registered(s.manager, one) for one in s.elements(instances)):
        return is_registered(s.manager, instance)
    return instance == 0


# -------------------------------------------------------------------------- task managers


def read_report(s: DeclarativeClusterState, tm: int) -> None:
    """Hand the report that has arrived to the manager."""
    for entry in s.elements(slot_numbers):
        allocation = s.slot_report[tm * s.width + entry]
        s.manager.report_allocation[entry] = allocation
        if allocation != NONE:
            s.manager.report_job[entry] = JOB
            s.manager.report_profile[entry] = PROFILE
    forget_slot_report(s, tm)


def is_waited_for(s: DeclarativeClusterState, allocation: int) -> bool:
    """Whether anybody waits for the answer to the request for this slot."""
    return s.manager.call[allocation] == SlotCall.OPEN


def call_answered(s: DeclarativeClusterState, message: int, allocation: int, detail: int) -> None:
    """A TaskExecutor has answered a request for a slot, or the call has timed out."""
    if not is_waited_for(s, allocation):
        return
    first = len(s.effects)
    if message == Message.CALL_ACKNOWLEDGED:
        manager.call_acknowledged(s.manager, allocation)
    else:
        manager.call_fails(s.manager, allocation, int(message == Message.CALL_OCCUPIED))
    apply_effects(s, first)


def note_retry(s: DeclarativeClusterState, first: int) -> None:
    """Note that a slot was refused, and will be requested again soon: maybe so for ever.

    Timers still fire during such a loop, so that it does not stop time.
    """
    s.retries = min(s.retries + 1, ENDLESS)
