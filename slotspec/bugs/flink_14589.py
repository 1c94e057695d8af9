"""FLINK-14589: one allocation gets a second slot, and the first is forgotten."""

from __future__ import annotations

from slotspec.bugs.bug import Bug
from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import Table, TaskSlot
from slotspec.models.task_slot_table.slots import (
    allocation_under,
    is_covered,
    is_dynamic,
    profile_for,
)
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.statemachine.declaration.rules import NONE, fire, recycle


def entered_over_the_first(
    s: TaskSlotTableState,
    number: int,
    job: int,
    allocation: int,
    profile: int,
    ticket: int,
    timeout: int,
) -> int:
    """Whether the allocation has a slot is not looked at: a free number is enough."""
    if (
        s.table[0] == Table.RUNNING
        and (s.slot[allocation] == TaskSlot.ALLOCATED or s.slot[allocation] == TaskSlot.ACTIVE)
        and number != NONE
        and not is_dynamic(s, number)
        and allocation_under(s, number) == NONE
        and is_covered(s, profile_for(s, number, profile))
    ):
        fire(s.slot, allocation, TaskSlot.release)
        fire(s.slot, allocation, TaskSlot.leave)
        recycle(s.slot, allocation)
    return table.allocate_slot(s, number, job, allocation, profile, ticket, timeout)


BUGS = [
    Bug(
        issue="FLINK-14589",
        description="A request is repeated with the same allocation and another slot number; both"
        " numbers are allocated, the table keeps the second, and the first is never freed.",
        model="task_slot_table",
        property="the_budget_is_used_by_slots_alone",
        length=3,
        replace={table.allocate_slot: entered_over_the_first},
        generation="1.12",
        scope="slots",
        fixed="1.8.3, 1.9.2, 1.10.0",
        likeness="In the model a slot is known by its allocation alone: what the first leaves"
        " behind is its share of the budget, which Flink had not then, and not its number.",
    )
]
