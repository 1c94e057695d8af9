"""FLINK-9427: slots are assigned before their TaskExecutor knows that it is registered."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.cluster import resource_manager
from slotspec.models.cluster.messages import Way, send, way
from slotspec.models.cluster.resource_manager import apply_effects, read_report, tm_of, unregister
from slotspec.models.cluster.state import ClusterState, Message
from slotspec.models.cluster.task_executor import write_slot_report
from slotspec.models.slot_manager import operations as manager


def register_with_slots(s: ClusterState, instance: int) -> None:
    """The registration carries the slot report; the answer is sent after both are processed."""
    tm = tm_of(s, instance)
    s.connecting[instance] = 0
    unregister(s, tm)
    s.registered[tm] = instance
    first = len(s.effects)
    write_slot_report(s, tm)
    read_report(s, tm)
    manager.register_task_manager(s.manager, instance)
    apply_effects(s, first)
    send(s, way(tm, Way.FROM_RESOURCE_MANAGER), Message.REGISTERED, detail=instance)


BUGS = [
    Bug(
        issue="FLINK-9427",
        description="A TaskExecutor reports its slots with its registration, and the"
        " ResourceManager gives one of them to a waiting request at once. The slot request reaches"
        " the TaskExecutor before the answer to the registration, when it does not know its"
        " ResourceManager yet.",
        model="cluster",
        property="no_slot_is_asked_for_ahead_of_its_registration",
        length=9,
        generation="1.12",
        scope="losses",
        bounds={"losses": 0, "early_timeouts": 0},
        replace={resource_manager.gateway_found: register_with_slots},
        fixed="1.5.0",
        likeness="The report is written when the registration is processed, not when it is sent; an"
        " unregistered TaskExecutor has the same slots at both times.",
    )
]
