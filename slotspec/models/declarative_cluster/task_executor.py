"""The TaskExecutor of today: what differs from the older one. Flink: TaskExecutor."""

from __future__ import annotations

from slotspec.models.cluster.lifecycles import Registration
from slotspec.models.cluster.state import Message, allocations, slot_numbers
from slotspec.models.cluster.task_executor import (
    JOB,
    NO_TIMEOUT,
    connect_to_job_manager,
    free_slot_internal,
    offer_slots_to_job_manager,
    tell_resource_manager,
)
from slotspec.models.declarative_cluster.state import DeclarativeClusterState
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.environment import unused_ticket
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.models.task_slot_table.slots import allocation_under, is_known
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine.declaration.rules import NONE


def request_slot(s: DeclarativeClusterState, tm: int, allocation: int, detail: int) -> None:
    """The ResourceManager requests a slot, whichever its number. Flink: TaskExecutor.requestSlot.

    :param detail: nothing; the older ResourceManager names the slot here.
    """
    if s.at_rm[tm] != Registration.DONE or not allocate_slot(s.tables[tm], allocation):
        tell_resource_manager(s, tm, int(Message.CALL_FAILED), allocation)
        return
    if s.at_jm[tm] == Registration.DONE:
        offer_slots_to_job_manager(s, tm)
    elif s.at_jm[tm] == Registration.NONE:
        connect_to_job_manager(s, tm)
    tell_resource_manager(s, tm, int(Message.CALL_ACKNOWLEDGED), allocation)


def allocate_slot(slots: TaskSlotTableState, allocation: int) -> bool:
    """Allocate a slot of the next dynamic number: here, of the lowest that no slot has.

    Numbers mean nothing, so one that no slot has any more may be used again.
    """
    slots.dynamic_requests = next(
        (
            i
            for i in range(slots.dynamic_count)
            if allocation_under(slots, slots.static_count + i) == NONE
        ),
        NONE,
    )
    ticket = unused_ticket(slots)
    granted = table.allocate_slot(
        slots, slots.static_count, JOB, allocation, NONE, ticket, NO_TIMEOUT
    )
    slots.dynamic_requests = 0
    return granted == 1


def free_inactive_slots(s: DeclarativeClusterState, tm: int) -> None:
    """The ResourceManager says that the job has ended: free what it does not use.

    Flink: TaskExecutor.freeInactiveSlots.
    """
    for allocation in s.elements(allocations):
        if s.tables[tm].slot[allocation] == TaskSlot.ALLOCATED:
            free_slot_internal(s, tm, allocation)


def write_slot_report(s: DeclarativeClusterState, tm: int) -> None:
    """Write down which slots there are, whichever their numbers.

    Flink: TaskSlotTable.createSlotReport.
    """
    for entry in s.elements(slot_numbers):
        s.slot_report[tm * s.width + entry] = NONE
    entry = 0
    for allocation in s.elements(allocations):
        if is_known(s.tables[tm], allocation):
            s.slot_report[tm * s.width + entry] = allocation
            entry += 1
