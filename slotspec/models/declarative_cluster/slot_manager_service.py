"""What the ResourceManager calls of its manager, whichever manager it is. Flink: SlotManager.

The rules of the older cluster call the older manager's operations; these have the same parameters
and results, and call the fine-grained manager.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slotspec.models.fine_grained_slot_manager import operations as fine_grained
from slotspec.models.fine_grained_slot_manager.state import (
    OK,
    Effect,
    FineGrainedSlotManagerState,
)
from slotspec.models.fine_grained_slot_manager.timers import raise_first, raised_of
from slotspec.models.fine_grained_slot_manager.workers import is_registered
from slotspec.models.slot_manager import operations as manager
from slotspec.models.slot_manager import records
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.declaration.rules import NONE, emit

JOB = 0
APPLICATION = 0
TARGET = 0
PROFILE = 0
WORKER = 0


def suspend(s: FineGrainedSlotManagerState) -> int:
    """The ResourceManager no longer leads, and its manager ends; another leads with a new one.

    Flink: ResourceManagerServiceImpl.
    """
    restart(s)
    return NONE


def register_task_manager(s: FineGrainedSlotManagerState, instance: int) -> int:
    """The first report of a connection. Flink: SlotManager.registerTaskManager."""
    tm = instance % len(s.blocked)
    return fine_grained.register_task_manager(s, instance, tm, WORKER, PROFILE)


def free_slot(s: FineGrainedSlotManagerState, slot: int, allocation: int) -> int:
    """A TaskExecutor has freed a slot. Flink: SlotManager.freeSlot."""
    return fine_grained.free_slot(s, allocation)


def raise_each(s: FineGrainedSlotManagerState, status: int) -> None:
    """A step of the main thread ends with an exception; what came before it does not matter."""
    if status != OK:
        emit(s, Effect.RAISES, raised_of(status))


SLOT_MANAGER_SERVICE: Mapping[Callable[..., Any], Callable[..., Any]] = {
    raise_first: raise_each,
    manager.start: fine_grained.start,
    manager.suspend: suspend,
    manager.is_stopped: fine_grained.is_stopped,
    manager.set_fail_unfulfillable_request: fine_grained.set_fail_unfulfillable_request,
    manager.register_task_manager: register_task_manager,
    manager.unregister_task_manager: fine_grained.unregister_task_manager,
    manager.report_slot_status: fine_grained.report_slot_status,
    manager.forget_report: fine_grained.forget_report,
    manager.free_slot: free_slot,
    records.is_registered: is_registered,
}
"""Which operation of the fine-grained manager stands for which of the older one."""
