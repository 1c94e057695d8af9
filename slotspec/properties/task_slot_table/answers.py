"""What the slot table answers, and what its answers mean."""

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
from slotspec.models.task_slot_table.slots import allocation_under, is_known, profile_for
from slotspec.models.task_slot_table.state import ANY_PROFILE, Effect, TaskSlotTableState
from slotspec.models.task_slot_table.versions import (
    DynamicNumber,
    RepeatedAllocation,
    UnnumberedSlot,
)
from slotspec.properties.common.effects import count_effects
from slotspec.properties.task_slot_table.views import (
    same_slot,
    same_slots,
    same_tasks,
    used_by_slots,
)
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import NONE


def repetitions_are_refused(setting: Setting) -> str | None:
    if setting["repeated_allocation"] == RepeatedAllocation.DISABLED:
        return "a repeated request is refused, although it was granted"
    return None


def answers_mislead(setting: Setting) -> str | None:
    if setting["tasks"]:
        return (
            "the answer says whether the tasks have terminated, not whether they were removed,"
            " which lets the slot leave"
        )
    return None


def jobs_do_not_count(setting: Setting) -> str | None:
    loose = setting["unnumbered_slot"] == UnnumberedSlot.BY_ALLOCATION
    if loose and setting["dynamic_slots"] and (setting["jobs"] > 1 or setting["tasks"]):
        return "for a negative number neither the job nor the slot's state is looked at"
    return None


# ------------------------------------------------------------------------------- requests


def fits(s: TaskSlotTableState, profile: int) -> bool:
    """Whether the slots in the table leave enough for one more of this profile."""
    if s.special[profile] == ANY_PROFILE:
        return False
    for resource in range(len(s.used)):
        wanted = s.amount[profile * len(s.used) + resource]
        if used_by_slots(s, resource) + wanted > s.total[resource]:
            return False
    return True


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_request_that_is_not_granted_changes_nothing(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
    profile: int,
) -> bool:
    """A request that is refused, invalid or repeated leaves slots, budget and tasks alone."""
    if result == 1 and not is_known(before, allocation):
        return True
    return same_slots(before, after) and same_tasks(before, after)


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_new_slot_is_what_was_asked_for(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
    profile: int,
) -> bool:
    """A granted request makes one ALLOCATED slot of this job and number, with a timeout."""
    if result != 1 or is_known(before, allocation):
        return True
    if before.dynamic_number == DynamicNumber.COUNTED and number >= before.static_count:
        number = before.static_count + before.dynamic_requests
    for other in range(len(before.slot)):
        if other != allocation and not same_slot(before, after, other):
            return False
    return (
        after.slot[allocation] == TaskSlot.ALLOCATED
        and after.slot_job[allocation] == job
        and after.slot_number[allocation] == number
        and after.timer[allocation] == SlotTimer.RUNNING
    )


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_slot_is_granted_exactly_if_it_is_there(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
    profile: int,
) -> bool:
    """A new request is granted if its number is free and its profile fits, else not."""
    if before.table[0] != Table.RUNNING or is_known(before, allocation):
        return True
    free = number >= before.static_count or allocation_under(before, number) == NONE
    possible = count_effects(after, int(Effect.RAISES)) == 0
    wanted = profile_for(before, number, profile)
    return (result == 1) == (possible and free and fits(before, wanted))


@task_slot_table.step(
    "TaskSlotTableImpl.allocateSlot", on=allocate_slot, deviation=repetitions_are_refused
)
def a_repeated_request_is_acknowledged(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
    profile: int,
) -> bool:
    """Asking once more for what was granted is answered yes, so that a retry succeeds."""
    if (
        before.table[0] != Table.RUNNING
        or not is_known(before, allocation)
        or number >= before.static_count
        or before.slot_number[allocation] != number
        or before.slot_job[allocation] != job
        or before.slot_profile[allocation] != profile_for(before, number, profile)
    ):
        return True
    return result == 1


@task_slot_table.step("TaskSlotTableImpl.allocateSlot", on=allocate_slot)
def a_conflicting_request_is_refused(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
    profile: int,
) -> bool:
    """No slot goes to a second job, and no static number to a second allocation."""
    if before.table[0] != Table.RUNNING:
        return True
    if is_known(before, allocation) and before.slot_job[allocation] != job:
        return result == 0
    if number < before.static_count:
        found = allocation_under(before, number)
        if found != NONE and found != allocation:
            return result == 0
    return True


# -------------------------------------------------------------------------- use and release


@task_slot_table.step("TaskSlotTableImpl.markSlotActive", on=mark_slot_active)
def a_slot_is_activated_exactly_if_it_is_not_given_up(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """A slot that was allocated becomes active; one that is being released does not."""
    if before.table[0] != Table.RUNNING or not is_known(before, allocation):
        return result == NONE and same_slots(before, after)
    if before.slot[allocation] == TaskSlot.RELEASING:
        return result == 0 and same_slots(before, after)
    return result == 1 and after.slot[allocation] == TaskSlot.ACTIVE


@task_slot_table.step("TaskSlotTableImpl.tryMarkSlotActive", on=try_mark_slot_active)
def a_slot_is_activated_for_its_own_job_only(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, job: int, allocation: int
) -> bool:
    """Another job's slot is left alone."""
    if before.slot_job[allocation] != job:
        return result == 0 and same_slots(before, after)
    return result == int(before.slot[allocation] != TaskSlot.RELEASING)


@task_slot_table.step(
    "TaskExecutor.submitTask: tryMarkSlotActive (FLINK-9932)", on=try_mark_slot_active
)
def a_submission_activates_the_slot_of_its_job(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, job: int, allocation: int
) -> bool:
    """A task that comes before the answer to the offer of its slot finds that slot active."""
    if before.slot_job[allocation] != job or before.slot[allocation] != TaskSlot.ALLOCATED:
        return True
    return result == 1 and after.slot[allocation] == TaskSlot.ACTIVE


@task_slot_table.step("TaskSlotTableImpl.markSlotInactive", on=mark_slot_inactive)
def an_inactive_slot_has_a_new_timeout(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """A slot that is not used for now waits anew; what was under way to it is stale."""
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
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """After free_slot the slot has left, or its tasks are still there."""
    if before.table[0] == Table.CREATED:
        return True
    empty = True
    for task in range(len(before.task)):
        if before.task_slot[task] == allocation:
            empty = False
    if empty:
        return after.slot[allocation] == TaskSlot.FREE
    return after.slot[allocation] == TaskSlot.RELEASING


@task_slot_table.step("TaskSlotTableImpl.freeSlot", on=free_slot, deviation=answers_mislead)
def the_answer_to_free_slot_says_whether_it_is_free(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, allocation: int
) -> bool:
    """A number is answered exactly if that number has become free."""
    if before.table[0] == Table.CREATED or not is_known(before, allocation):
        return True
    return (result != NONE) == (after.slot[allocation] == TaskSlot.FREE)


# ------------------------------------------------------------------------------- timeouts


@task_slot_table.step("TaskExecutor.timeoutSlot", on=timeout_arrives)
def a_stale_timeout_frees_nothing(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, ticket: int
) -> bool:
    """A timeout that comes when the slot is active, or waits anew, is not obeyed."""
    allocation = before.sent[ticket]
    if before.table[0] == Table.RUNNING and before.ticket[allocation] == ticket:
        return result == 1
    return result == 0 and same_slots(before, after) and same_tasks(before, after)


@task_slot_table.step("TaskExecutor.timeoutSlot", on=timeout_arrives)
def a_timeout_in_time_gives_the_slot_up(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, ticket: int
) -> bool:
    """A valid timeout frees its slot: it leaves, or is being released."""
    now = after.slot[before.sent[ticket]]
    return result != 1 or now == TaskSlot.FREE or now == TaskSlot.RELEASING


@task_slot_table.step("TaskExecutor.timeoutSlot (FLINK-18012)", on=timeout_arrives)
def a_slot_in_use_does_not_time_out(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, ticket: int
) -> bool:
    """A timeout that arrives while the slot is active frees nothing."""
    allocation = before.sent[ticket]
    return before.slot[allocation] != TaskSlot.ACTIVE or same_slots(before, after)


# -------------------------------------------------------------------------------- queries


@task_slot_table.step("TaskSlotTableImpl.isAllocated", on=is_allocated, deviation=jobs_do_not_count)
def a_slot_is_allocated_to_its_own_job(
    before: TaskSlotTableState,
    after: TaskSlotTableState,
    result: int,
    number: int,
    job: int,
    allocation: int,
) -> bool:
    """A slot is said to be allocated only if it is this job's, and not given up."""
    if result != 1:
        return True
    return before.slot_job[allocation] == job and before.slot[allocation] != TaskSlot.RELEASING


@task_slot_table.step("TaskSlotTableImpl.getAllocatedSlots", on=get_allocated_slots)
def only_allocated_slots_are_offered(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int, job: int
) -> bool:
    """Exactly the ALLOCATED slots of a job are offered to it, each once."""
    for allocation in range(len(before.slot)):
        offered = before.slot[allocation] == TaskSlot.ALLOCATED
        if before.slot_job[allocation] != job:
            offered = False
        if count_effects(after, int(Effect.LISTED), allocation) != int(offered):
            return False
    return True


@task_slot_table.step("TaskSlotTableImpl.createSlotReport", on=create_slot_report)
def a_slot_report_tells_every_slot_once(
    before: TaskSlotTableState, after: TaskSlotTableState, result: int
) -> bool:
    """Every slot in the table is reported once, and every empty static one too."""
    known = 0
    for allocation in range(len(before.slot)):
        if is_known(before, allocation):
            known += 1
        if count_effects(after, int(Effect.LISTED), allocation) != int(
            is_known(before, allocation)
        ):
            return False
    free = 0
    for number in range(before.static_count):
        if allocation_under(before, number) == NONE:
            free += 1
    return count_effects(after, int(Effect.LISTED)) == known + free
