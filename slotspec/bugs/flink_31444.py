"""FLINK-31444: slots of a finished job are left on TaskExecutors until they time out."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.fine_grained_slot_manager import operations as manager
from slotspec.models.fine_grained_slot_manager.checking import declare_with_delay, reconcile
from slotspec.models.fine_grained_slot_manager.state import (
    NULL_POINTER,
    OK,
    FineGrainedSlotManagerState,
)
from slotspec.models.fine_grained_slot_manager.tracking import notify_requirements
from slotspec.models.fine_grained_slot_manager.workers import clear_plans_of
from slotspec.statemachine.declaration.rules import NONE


def forget_and_tell_nobody(s: FineGrainedSlotManagerState, job: int) -> int:
    """Forget what the job requires, and leave its slots where they are."""
    s.target[job] = NONE
    status = notify_requirements(s, job)
    if status != OK:
        return status
    if manager.is_stopped(s):
        return NULL_POINTER
    if not s.allocator:
        return OK
    clear_plans_of(s, job)
    reconcile(s)
    return declare_with_delay(s)


BUGS = [
    Bug(
        issue="FLINK-31444",
        description="A job ends. A slot that was freed and allocated to it again, before the"
        " ResourceManager learnt that the job requires nothing, stays on its TaskExecutor until"
        " it times out.",
        model="fine_grained_slot_manager",
        property="inactive_slots_of_a_finished_job_are_freed",
        length=4,
        replace={manager.clear_requirements: forget_and_tell_nobody},
        generation="2.3",
        scope="requests",
        fixed="1.18.0",
    )
]
