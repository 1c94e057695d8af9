"""The state of a TaskExecutor's slot table: TaskSlotTableImpl as small integers.

As in Flink, a slot is stored under its allocation id; the indexes by number and by job follow
from that. The index of tasks is a flag of each task. The budget is stored as the amount in use.
Only a replay of a recorded clock needs times: in a check any timer may fire at any time, since
timeouts may have any length.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.settings import choice, following_clock, switch
from slotspec.models.task_slot_table.lifecycles import (
    ClosingFuture,
    SlotTimer,
    Table,
    Task,
    TaskSlot,
)
from slotspec.models.task_slot_table.resources import (
    CATALOGUE,
    Resources,
    Special,
    equal_split,
)
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Record,
    Setting,
    Sort,
    constant,
    number,
    per,
    ref,
    scalar,
    single,
)
from slotspec.statemachine.declaration.rules import Array
from slotspec.statemachine.errors import UsageError


class Effect(Effects):
    """What an operation tells the outside, in order."""

    FAIL_TASK = effect("task")
    """TaskSlotPayload.failExternally"""
    FREE_SLOT = effect("allocation")
    """SlotActions.freeSlot: its last task is gone"""
    TIMEOUT_SLOT = effect("allocation", "ticket")
    """SlotActions.timeoutSlot"""
    TIMERS_SHUT_DOWN = effect()
    """TimerService.stop"""
    TABLE_CLOSED = effect()
    """the table's closing future completes"""
    CLOSE_FAILED = effect()
    """the table's closing future fails"""
    RAISES = effect("raised")
    """the operation ends with an exception (:class:`Raised`); it is always the last effect"""
    LISTED = effect("allocation", "task", "number")
    """one element of the answer to a query"""
    ANY_ORDER = effect("begins")
    """the effects from `begins` = 1 to `begins` = 0 come in an arbitrary order"""


class Raised(JavaExceptions):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0, "IllegalStateException"
    ILLEGAL_ARGUMENT = 1, "IllegalArgumentException"
    SLOT_NOT_FOUND = 2, "SlotNotFoundException"
    SLOT_NOT_ACTIVE = 3, "SlotNotActiveException"
    SLOT_ALLOCATION = 4, "SlotAllocationException"


class Outcome(IntEnum):
    """How a task terminates."""

    OK = 0
    FAILS = 1


static_slots = Sort("static_slots", "Slots that the table always has.", default=1, symmetric=True)
dynamic_slots = Sort(
    "dynamic_slots",
    "Numbers of dynamic slots: negative ones, or (since 1.13) as many requests for a dynamic slot.",
    default=1,
    minimum=0,
)
slot_numbers = Sort("slot_numbers", "Numbers of slots.", parts=(static_slots, dynamic_slots))
allocations = Sort(
    "allocations", "Allocation ids in use at a time.", default=2, symmetric=True, prefix="a"
)
jobs = Sort("jobs", "Jobs.", default=2, symmetric=True, prefix="j")
executions = Sort(
    "executions", "Execution ids in use at a time.", default=1, symmetric=True, prefix="e"
)
tasks = Sort("tasks", "Tasks in slots, or waited for, at a time.", default=1, minimum=0, prefix="t")
"""Numbers of tasks are those of their records: one number may mean one task after another."""
tickets = Sort(
    "tickets", "Tickets of timeouts, registered or under way, at a time.", default=2, prefix="k"
)
"""Numbers of tickets are those of their records, too."""
profiles = Sort("profiles", "Resource profiles: small, large, gpu, unknown, any.", default=1)
resources = Sort(
    "resources", "Resources: five fixed ones, then extended ones.", default=6, minimum=6
)

BOUNDS = (
    Bound("spare", "Shares of the budget in addition to those of the static slots.", 0, 0, 50),
    switch("quick_tasks", "Whether some tasks terminate as soon as they fail."),
    switch("failing_tasks", "Whether termination futures fail."),
)


def resources_of(setting: Setting) -> Resources:
    """The profiles and the budget of an instance.

    :raises UsageError: ``SET002`` if there are not so many profiles.
    """
    given = setting.choices.get("resources_given")
    if given is not None:
        assert isinstance(given, Resources)
        return given
    bounds = setting.bounds
    if bounds["profiles"] > len(CATALOGUE):
        raise UsageError(
            "SET002",
            f"bound profiles={bounds['profiles']}: choose from 1 to {len(CATALOGUE)}"
            f" ({profiles.description})",
        )
    return equal_split(bounds["static_slots"], bounds["spare"], bounds["profiles"])


def _padded(row: list[int], setting: Setting) -> list[int]:
    return row + [0] * (setting.bounds["resources"] - len(row))


def _total(setting: Setting) -> list[int]:
    found = resources_of(setting)
    return _padded(found.amounts(found.total), setting)


def _amounts(setting: Setting) -> list[int]:
    found = resources_of(setting)
    rows = [_padded(found.amounts(profile), setting) for profile in found.profiles.values()]
    return [amount for row in rows for amount in row]


class TaskSlotTableState(Record):
    """The state of one TaskSlotTableImpl, and of the tasks that it waits for."""

    table: Array = single(Table, "The table itself.")
    table_closing: Array = single(ClosingFuture, "The table's closing future.")
    dynamic_requests: int = scalar(
        number(lambda g: g["dynamic_slots"]), "The counter of dynamic slots (since 1.13)."
    )
    used: Array = per(
        resources, number(lambda g: max(_total(g))), "How much of each the slots use."
    )

    # slots: one record for each allocation id
    slot: Array = per(allocations, TaskSlot, "The slot under this allocation.")
    slot_number: Array = per(allocations, ref(slot_numbers), "Its number.")
    slot_job: Array = per(allocations, ref(jobs), "Its job.")
    slot_profile: Array = per(allocations, ref(profiles), "Its profile.")
    closing: Array = per(allocations, ClosingFuture, "Its closing future.")
    timer: Array = per(allocations, SlotTimer, "The timeout of this allocation.")
    ticket: Array = per(allocations, ref(tickets), "Its ticket.")

    # tasks
    task: Array = per(tasks, Task, "The termination future of a task.")
    task_slot: Array = per(tasks, ref(allocations), "The slot that it is in.")
    execution: Array = per(tasks, ref(executions), "Its execution id.")
    indexed: Array = per(tasks, FLAG, "The table's index of tasks has it.")
    quick: Array = per(tasks, FLAG, "It terminates as soon as failExternally is called.")
    awaited_by: Array = per(tasks, ref(allocations), "The slot whose closing waits for it.")
    closing_waits: Array = per(tasks, FLAG, "The closing of the table waits for it.")

    # timeouts under way to SlotActions
    sent: Array = per(tickets, ref(allocations), "The allocation of a ticket that has fired.")

    # time: used only to follow a recorded clock
    due: Array = per(allocations, number(0), "When its timeout fires.")
    registered: Array = per(allocations, number(0), "The serial number of its registration.")
    clock: int = scalar(number(0), "The time.")
    serial: int = scalar(number(0), "The last serial number in use.")

    # constants
    amount: Array = constant("For each profile (row), the amount of each resource.", _amounts)
    total: Array = constant("The budget of each resource.", _total)
    special: Array = constant(
        "For each profile, whether it is ANY or UNKNOWN.", lambda g: resources_of(g).specials()
    )
    twin: Array = constant(
        "For each profile, the first that equals it.", lambda g: resources_of(g).twins()
    )
    boundless: int = constant(
        "The budget is ANY.", lambda g: int(resources_of(g).total.any_ is True)
    )
    default_profile: int = constant(
        "The default profile of a static slot.", lambda g: resources_of(g).default_number
    )
    static_count: int = choice("static_slots", "The number of static slots.")
    dynamic_count: int = choice("dynamic_slots", "The number of dynamic numbers.")
    quick_tasks: int = choice("quick_tasks", "There are quick tasks.")
    failing_tasks: int = choice("failing_tasks", "Termination futures may fail.")
    follow_clock: int = following_clock("The run follows a recorded clock.")
    dynamic_number: int = choice("dynamic_number", "The number of a dynamic slot.")
    static_profile: int = choice("static_profile", "The profile of a static slot.")
    unknown_profile: int = choice("unknown_profile", "The meaning of UNKNOWN.")
    repeated_allocation: int = choice("repeated_allocation", "The answer to a repeated request.")
    unnumbered_slot: int = choice(
        "unnumbered_slot", "Whether is_allocated finds a slot by a negative number."
    )
    refused_allocation: int = choice("refused_allocation", "How a refused request ends.")


ANY_PROFILE = int(Special.ANY)
UNKNOWN_PROFILE = int(Special.UNKNOWN)
