"""The answers of the slot table, and what they mean."""

from __future__ import annotations

from slotspec.models.task_slot_table.environment import (
    allocate_slot,
    create_slot_report,
    free_slot,
    get_allocated_slots,
    is_allocated,
    mark_slot_active,
    mark_slot_inactive,
    timeout_arrives,
    try_mark_slot_active,
)
from slotspec.models.task_slot_table.lifecycles import SlotTimer, Table, TaskSlot
from slotspec.models.task_slot_table.model import task_slot_table
from slotspec.models.task_slot_table.slots import (
    allocation_under,
    amount_of,
    is_dynamic,
    is_known,
    profile_for,
)
from slotspec.models.task_slot_table.state import (
    ANY_PROFILE,
    Effect,
    Raised,
    TaskSlotTableState,
    allocations,
    resources,
)
from slotspec.models.task_slot_table.versions import (
    DynamicNumber,
    RepeatedAllocation,
    UnnumberedSlot,
)
from slotspec.properties.task_slot_table.views import (
    same_slot,
    same_slots,
    same_tasks,
    used_by_slots,
)
from slotspec.statemachine.declaration.conditions import equals, exceeds, is_set, known
from slotspec.statemachine.declaration.rules import NONE

jobs_do_not_count = known(
    "for a negative number, neither the job nor the slot's state matters",
    equals("unnumbered_slot", UnnumberedSlot.BY_ALLOCATION)
    & is_set("dynamic_slots")
    & (exceeds("jobs", 1) | is_set("tasks")),
)


# ------------------------------------------------------------------------------- requests


def fits(s: TaskSlotTableState, profile: int) -> bool:
    """Whether the slots in the table leave enough for one more of this profile."""
    return s.special[profile] != ANY_PROFILE and all(
        used_by_slots(s, r) + amount_of(s, profile, r) <= s.total[r] for r in s.elements(resources)
    )


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_request_that_is_not_granted_changes_nothing(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """A request that is refused, invalid or repeated changes no slot, no task, no budget."""
    return (result == 1 and not is_known(before, allocation)) or (
        same_slots(before, after) and same_tasks(before, after)
    )


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_new_slot_is_what_was_asked_for(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
) -> bool:
    """A granted request makes one ALLOCATED slot of this job and number, with a timeout."""
    if result != 1 or is_known(before, allocation):
        return True
    if before.dynamic_number == DynamicNumber.COUNTED and is_dynamic(before, number):
        number = before.static_count + before.dynamic_requests
    return (
        after.slot[allocation] == TaskSlot.ALLOCATED
        and after.slot_job[allocation] == job
        and after.slot_number[allocation] == number
        and after.timer[allocation] == SlotTimer.RUNNING
        and all(
            other == allocation or same_slot(before, after, other)
            for other in before.elements(allocations)
        )
    )


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_slot_is_granted_exactly_if_it_is_there(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    allocation: int,
    profile: int,
) -> bool:
    """A new request is granted exactly if its number is free and its profile fits."""
    if before.table[0] != Table.RUNNING or is_known(before, allocation):
        return True
    return (result == 1) == (
        (is_dynamic(before, number) or allocation_under(before, number) == NONE)
        and not any(
            e.kind == Effect.RAISES and e.raised != Raised.SLOT_ALLOCATION for e in after.effects
        )
        and fits(before, profile_for(before, number, profile))
    )


@task_slot_table.step(
    "TaskSlotTableImpl.allocateSlot",
    on=allocate_slot,
    deviation=known(
        "a repeated request is refused, although it was granted",
        equals("repeated_allocation", RepeatedAllocation.REFUSED),
    ),
)
def a_repeated_request_is_acknowledged(
    before: TaskSlotTableState, result: int, number: int, job: int, allocation: int, profile: int
) -> bool:
    """Repeating a granted request is answered yes, so that a retry succeeds."""
    repeated = (
        before.table[0] == Table.RUNNING
        and is_known(before, allocation)
        and not is_dynamic(before, number)
        and before.slot_number[allocation] == number
        and before.slot_job[allocation] == job
        and before.slot_profile[allocation] == profile_for(before, number, profile)
    )
    return result == 1 or not repeated


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_conflicting_request_is_refused(
    before: TaskSlotTableState, result: int, number: int, job: int, allocation: int
) -> bool:
    """No slot goes to a second job, and no static number to a second allocation."""
    if before.table[0] != Table.RUNNING:
        return True
    other_job = is_known(before, allocation) and before.slot_job[allocation] != job
    taken = not is_dynamic(before, number) and allocation_under(before, number) not in (
        NONE,
        allocation,
    )
    return result != 1 or not (other_job or taken)


# -------------------------------------------------------------------------- use and release


@task_slot_table.step("TaskSlotTableImpl.markSlotActive", on=mark_slot_active)
def a_slot_is_activated_exactly_if_it_is_not_given_up(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """A slot in the table becomes active, unless it is being released."""
    if before.table[0] != Table.RUNNING or not is_known(before, allocation):
        return result == NONE and same_slots(before, after)
    if before.slot[allocation] == TaskSlot.RELEASING:
        return result == 0 and same_slots(before, after)
    return result == 1 and after.slot[allocation] == TaskSlot.ACTIVE


@task_slot_table.step("TaskSlotTableImpl.tryMarkSlotActive", on=try_mark_slot_active)
def a_slot_is_activated_for_its_own_job_only(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, job: int, allocation: int
) -> bool:
    """Another job's slot does not change."""
    if before.slot_job[allocation] != job:
        return result == 0 and same_slots(before, after)
    return result == int(before.slot[allocation] != TaskSlot.RELEASING)


@task_slot_table.step(
    "TaskExecutor.submitTask: tryMarkSlotActive (FLINK-9932)", on=try_mark_slot_active
)
def a_submission_activates_the_slot_of_its_job(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, job: int, allocation: int
) -> bool:
    """A task that arrives before the answer to its slot's offer finds that slot active."""
    if before.slot_job[allocation] != job or before.slot[allocation] != TaskSlot.ALLOCATED:
        return True
    return result == 1 and after.slot[allocation] == TaskSlot.ACTIVE


@task_slot_table.step("TaskSlotTableImpl.markSlotInactive", on=mark_slot_inactive)
def an_inactive_slot_has_a_new_timeout(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """A slot that becomes inactive gets a new timeout, and older ones under way are stale."""
    if result != 1:
        return same_slots(before, after)
    return (
        before.slot[allocation] != TaskSlot.RELEASING
        and after.slot[allocation] == TaskSlot.ALLOCATED
        and after.timer[allocation] == SlotTimer.RUNNING
        and after.ticket[allocation] != before.ticket[allocation]
        and after.sent[after.ticket[allocation]] == NONE
    )


@task_slot_table.step("TaskSlotTableImpl.freeSlotInternal", on=free_slot)
def a_slot_is_freed_or_being_released(
    before: TaskSlotTableState, after: TaskSlotTableState, allocation: int
) -> bool:
    """After free_slot the slot has left, or its tasks are still there."""
    left = allocation not in before.task_slot
    return before.table[0] == Table.CREATED or after.slot[allocation] == (
        TaskSlot.FREE if left else TaskSlot.RELEASING
    )


@task_slot_table.step(
    "TaskSlotTableImpl.freeSlot",
    on=free_slot,
    deviation=known(
        "the answer says whether the tasks have terminated, not whether they were removed,"
        " which lets the slot leave",
        is_set("tasks"),
    ),
)
def the_answer_to_free_slot_says_whether_it_is_free(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """The answer is a number exactly if that number has become free."""
    if before.table[0] == Table.CREATED or not is_known(before, allocation):
        return True
    return (result != NONE) == (after.slot[allocation] == TaskSlot.FREE)


# ------------------------------------------------------------------------------- timeouts


@task_slot_table.step("TaskExecutor.timeoutSlot", on=timeout_arrives)
def a_stale_timeout_frees_nothing(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, ticket: int
) -> bool:
    """A timeout has no effect if its slot is active by now, or has a new timeout."""
    if before.table[0] == Table.RUNNING and before.ticket[before.sent[ticket]] == ticket:
        return result == 1
    return result == 0 and same_slots(before, after) and same_tasks(before, after)


@task_slot_table.step("TaskExecutor.timeoutSlot", on=timeout_arrives)
def a_timeout_in_time_gives_the_slot_up(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, ticket: int
) -> bool:
    """A valid timeout frees its slot, which leaves or is being released."""
    slot = after.slot[before.sent[ticket]]
    return result != 1 or slot in (TaskSlot.FREE, TaskSlot.RELEASING)


@task_slot_table.step("TaskExecutor.timeoutSlot (FLINK-18012)", on=timeout_arrives)
def a_slot_in_use_does_not_time_out(
    before: TaskSlotTableState, after: TaskSlotTableState, ticket: int
) -> bool:
    """A timeout that arrives while the slot is active frees nothing."""
    return before.slot[before.sent[ticket]] != TaskSlot.ACTIVE or same_slots(before, after)


# -------------------------------------------------------------------------------- queries


@task_slot_table.step("TaskSlotTableImpl.isAllocated", on=is_allocated, deviation=jobs_do_not_count)
def a_slot_is_allocated_to_its_own_job(
    before: TaskSlotTableState, result: int, job: int, allocation: int
) -> bool:
    """The answer is yes only if the slot belongs to this job and is not being released."""
    return result != 1 or (
        before.slot_job[allocation] == job and before.slot[allocation] != TaskSlot.RELEASING
    )


def times_listed(after: TaskSlotTableState, allocation: int) -> int:
    """How often the answer to a query has the allocation."""
    return sum(e.kind == Effect.LISTED and e.allocation == allocation for e in after.effects)


@task_slot_table.step(
    "TaskSlotTableImpl.getAllocatedSlots", on=get_allocated_slots, each={"allocation": allocations}
)
def only_allocated_slots_are_offered(
    before: TaskSlotTableState, after: TaskSlotTableState, job: int, allocation: int
) -> bool:
    """Exactly the ALLOCATED slots of a job are offered to it, each once."""
    offered = before.slot[allocation] == TaskSlot.ALLOCATED and before.slot_job[allocation] == job
    return times_listed(after, allocation) == offered


@task_slot_table.step("TaskSlotTableImpl.createSlotReport", on=create_slot_report)
def a_slot_report_tells_every_slot_once(
    before: TaskSlotTableState, after: TaskSlotTableState
) -> bool:
    """The report has every slot in the table once, and no static number twice."""
    return all(
        times_listed(after, a) == is_known(before, a) for a in before.elements(allocations)
    ) and all(
        sum(e.kind == Effect.LISTED and e.number == number for e in after.effects) <= 1
        for number in range(before.static_count)
    )


def free_numbers(s: TaskSlotTableState) -> int:
    """How many static numbers have no slot."""
    return sum(allocation_under(s, number) == NONE for number in range(s.static_count))


@task_slot_table.step("TaskSlotTableImpl.createSlotReport", on=create_slot_report)
def a_slot_report_tells_the_free_numbers_with_a_share(
    before: TaskSlotTableState, after: TaskSlotTableState
) -> bool:
    """The report has all free static numbers, if the budget left has a share for each."""
    free = free_numbers(before)
    listed = sum(e.kind == Effect.LISTED and e.allocation == NONE for e in after.effects)
    return listed == free or (
        listed < free
        and any(
            used_by_slots(before, r) + free * amount_of(before, before.default_profile, r)
            > before.total[r]
            for r in before.elements(resources)
        )
    )


@task_slot_table.step(
    "TaskSlotTableImpl.createSlotReport (FLINK-38375)",
    on=create_slot_report,
    deviation=known(
        "a free static number is reported even if dynamic slots have used up its share"
        " (FLINK-38375, open)",
        is_set("dynamic_slots"),
    ),
)
def what_a_slot_report_tells_fits_into_the_budget(
    before: TaskSlotTableState, after: TaskSlotTableState
) -> bool:
    """The slots of a report, free ones included, need no more than the budget in total.

    The ResourceManager takes each entry for a slot that the TaskExecutor has.
    """
    listed = sum(e.kind == Effect.LISTED and e.allocation == NONE for e in after.effects)
    return before.boundless == 1 or all(
        used_by_slots(before, r) + listed * amount_of(before, before.default_profile, r)
        <= before.total[r]
        for r in before.elements(resources)
    )
