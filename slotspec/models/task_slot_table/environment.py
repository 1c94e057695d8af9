"""What may happen to a slot table: everything that its callers can do.

The ResourceManager requests slots: for the first time, again, for other jobs, with other
numbers and profiles. The JobMaster's acceptance activates them, late or never. Timers fire at
any time, and their messages arrive at any later time. Tasks come, fail, terminate and are
removed in any order. The TaskExecutor frees slots, even those that have left, and may stop at
any time.
"""

from __future__ import annotations

from slotspec.models.task_slot_table import operations as table
from slotspec.models.task_slot_table.lifecycles import SlotTimer, Task
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.operations import is_unused
from slotspec.models.task_slot_table.slots import is_dynamic
from slotspec.models.task_slot_table.state import (
    Outcome,
    TaskSlotTableState,
    allocations,
    executions,
    jobs,
    profiles,
    slot_numbers,
    tasks,
    tickets,
)
from slotspec.models.task_slot_table.versions import DynamicNumber
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE

NO_TIMEOUT = 0
"""The length of a timeout makes no difference: its timer may fire at any time."""


has_tasks = is_set("tasks")


# -------------------------------------------------------------------------- what is unused


def unused_ticket(s: TaskSlotTableState) -> int:
    """A ticket that no timeout has, registered or under way, or NONE."""
    return next((k for k in s.elements(tickets) if s.sent[k] == NONE and k not in s.ticket), NONE)


def unused_task(s: TaskSlotTableState) -> int:
    """A record for one more task, or NONE."""
    return next((t for t in s.elements(tasks) if is_unused(s, t)), NONE)


def may_ask(s: TaskSlotTableState, number: int) -> bool:
    """Whether a request may have this number; the counter of dynamic slots is bounded."""
    if s.dynamic_number == DynamicNumber.ASKED or not is_dynamic(s, number):
        return True
    return number == s.static_count and s.dynamic_requests < s.dynamic_count


# ------------------------------------------------------------------------------ lifecycle


@task_slot_table.action()
def start(s: TaskSlotTableState) -> int:
    """The TaskExecutor starts, or starts once more."""
    return table.start(s)


@task_slot_table.action()
def close(s: TaskSlotTableState) -> int:
    """The TaskExecutor stops, or stops once more."""
    return table.close(s)


# ---------------------------------------------------------------------------------- slots


@task_slot_table.action(number=slot_numbers, job=jobs, allocation=allocations, profile=profiles)
def allocate_slot(
    s: TaskSlotTableState, number: int, job: int, allocation: int, profile: int
) -> int:
    """The ResourceManager requests a slot: for the first time, again, or in conflict."""
    ticket = unused_ticket(s)
    if ticket == NONE or not may_ask(s, number):
        return DISABLED
    return table.allocate_slot(s, number, job, allocation, profile, ticket, NO_TIMEOUT)


@task_slot_table.action(allocation=allocations)
def mark_slot_active(s: TaskSlotTableState, allocation: int) -> int:
    """The JobMaster has accepted the offer of a slot, which may have left by now."""
    return table.mark_slot_active(s, allocation)


@task_slot_table.action(allocation=allocations)
def mark_slot_inactive(s: TaskSlotTableState, allocation: int) -> int:
    """The connection to the JobMaster is lost; its slots wait for its return."""
    ticket = unused_ticket(s)
    if ticket == NONE:
        return DISABLED
    return table.mark_slot_inactive(s, allocation, ticket, NO_TIMEOUT)


@task_slot_table.action(job=jobs, allocation=allocations)
def try_mark_slot_active(s: TaskSlotTableState, job: int, allocation: int) -> int:
    """A task is submitted to a slot, perhaps before the JobMaster has answered its offer."""
    return table.try_mark_slot_active(s, job, allocation)


@task_slot_table.action(allocation=allocations)
def free_slot(s: TaskSlotTableState, allocation: int) -> int:
    """The JobMaster or the TaskExecutor frees a slot, perhaps for the second time."""
    return table.free_slot(s, allocation)


# ---------------------------------------------------------------------------------- tasks


@task_slot_table.action(
    when=has_tasks, execution=executions, job=jobs, allocation=allocations, quick=2
)
def add_task(s: TaskSlotTableState, execution: int, job: int, allocation: int, quick: int) -> int:
    """A task is submitted, perhaps to the wrong slot, or a second time."""
    task = unused_task(s)
    if task == NONE or (quick and not s.quick_tasks):
        return DISABLED
    return table.add_task(s, task, execution, job, allocation, quick)


@task_slot_table.action(when=has_tasks, execution=executions)
def remove_task(s: TaskSlotTableState, execution: int) -> int:
    """A task reports its end, perhaps before it has terminated, or a second time."""
    return table.remove_task(s, execution)


@task_slot_table.action(when=has_tasks, task=tasks, outcome=Outcome)
def task_terminates(s: TaskSlotTableState, task: int, outcome: int) -> int:
    """A task terminates, failed from outside or not; its termination future may fail."""
    if s.task[task] != Task.RUNNING or is_unused(s, task):
        return DISABLED
    if outcome == Outcome.FAILS and not s.failing_tasks:
        return DISABLED
    return table.task_terminates(s, task, outcome)


# ------------------------------------------------------------------------------- timeouts


@task_slot_table.action(allocation=allocations)
def fire_timeout(s: TaskSlotTableState, allocation: int) -> int:
    """A timeout fires, and its message is under way."""
    if s.timer[allocation] != SlotTimer.RUNNING:
        return DISABLED
    table.fire_timeout(s, allocation)
    return NONE


@task_slot_table.action(ticket=tickets)
def timeout_arrives(s: TaskSlotTableState, ticket: int) -> int:
    """The message of a timeout arrives: the TaskExecutor frees the slot if the ticket is valid.

    Returns 1 if it was. Flink: TaskExecutor.timeoutSlot.
    """
    allocation = s.sent[ticket]
    if allocation == NONE:
        return DISABLED
    valid = table.is_valid_timeout(s, allocation, ticket)
    s.sent[ticket] = NONE
    if valid == 1:
        table.free_slot(s, allocation)
    return valid


# -------------------------------------------------------------------------------- queries


@task_slot_table.action(number=slot_numbers, job=jobs, allocation=allocations)
def is_allocated(s: TaskSlotTableState, number: int, job: int, allocation: int) -> int:
    """The TaskExecutor asks whether a slot is what a JobMaster assumes."""
    return table.is_allocated(s, number, job, allocation)


@task_slot_table.action(allocation=allocations)
def generate_slot_offer(s: TaskSlotTableState, allocation: int) -> int:
    """The TaskExecutor prepares an offer."""
    return table.generate_slot_offer(s, allocation)


@task_slot_table.action(job=jobs)
def get_allocated_slots(s: TaskSlotTableState, job: int) -> int:
    """The TaskExecutor collects the slots that it offers to a JobMaster."""
    return table.get_allocated_slots(s, job)


@task_slot_table.action()
def create_slot_report(s: TaskSlotTableState) -> int:
    """The TaskExecutor reports to the ResourceManager."""
    return table.create_slot_report(s)
