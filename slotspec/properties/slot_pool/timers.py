"""What the periodic checks may do, and what queries answer."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import (
    advance_time,
    create_allocated_slot_report,
    get_available_slots_information,
    start,
)
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import allocated_of, available_of, is_held
from slotspec.models.slot_pool.state import Effect, SlotPoolState, allocations
from slotspec.properties.slot_pool.bookkeeping import TWINS, reused
from slotspec.properties.slot_pool.views import count, satisfies
from slotspec.statemachine.declaration.rules import NONE, unchanged


@slot_pool.step("SlotPoolImpl.checkIdleSlot", on=advance_time)
def only_slots_idle_for_longer_than_the_timeout_are_freed(
    before: SlotPoolState, after: SlotPoolState
) -> bool:
    """A slot exactly as old as the idle timeout survives the check; a used one always does."""
    return all(
        before.slot[e.allocation] == PhysicalSlot.AVAILABLE
        and before.idle_for[e.allocation] + 1 > before.idle_timeout
        for e in after.effects
        if e.kind == Effect.FREE_SLOT
    )


@slot_pool.step("SlotPoolImpl.checkBatchSlotTimeout", on=advance_time, deviation=reused(TWINS))
def batch_requests_time_out_only_while_no_held_slot_matches(
    before: SlotPoolState, after: SlotPoolState
) -> bool:
    """The batch check times out marked batch requests that no held slot satisfies; no others."""
    return all(
        before.batch[e.request]
        and before.unfulfillable[e.request]
        and not any(
            is_held(after, a) and satisfies(before, after.slot_profile[a], e.request)
            for a in after.elements(allocations)
        )
        for e in after.effects
        if e.kind == Effect.REQUEST_FAILED
    )


@slot_pool.step("SlotPoolImpl.disableBatchSlotRequestTimeoutCheck (FLINK-18972)", on=start)
def starting_switches_no_check_off(before: SlotPoolState, after: SlotPoolState) -> bool:
    """The batch check goes on until its replacement switches it off."""
    return unchanged(before, after, "batch_check")


@slot_pool.always(
    "SlotPoolImpl.checkIdleSlot: a slot lives at most two idle timeouts",
    each={"allocation": allocations},
)
def no_slot_stays_idle_for_long(s: SlotPoolState, allocation: int) -> bool:
    """While the checks run, no slot is available for longer than two idle timeouts."""
    return len(s.timer) == 0 or s.idle_for[allocation] <= 2 * s.idle_timeout


@slot_pool.step("SlotInfoWithUtilization", on=get_available_slots_information)
def utilization_is_between_0_and_1(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Each available slot is listed once, with used / (used + free) in [0, 1)."""
    available = sum(status == PhysicalSlot.AVAILABLE for status in before.slot)
    return count(after, Effect.LISTED) == available and all(
        e.allocation != NONE
        and before.slot[e.allocation] == PhysicalSlot.AVAILABLE
        and before.slot_tm[e.allocation] != NONE
        and e.allocated >= 0
        and 1 <= e.available <= len(before.slot)
        for e in after.effects
        if e.kind == Effect.LISTED
    )


@slot_pool.step("SlotPoolImpl.createAllocatedSlotReport", on=create_allocated_slot_report)
def a_report_lists_every_slot_of_its_task_manager(
    before: SlotPoolState, after: SlotPoolState, tm: int
) -> bool:
    """A report has as many slots as the pool counts for that TaskExecutor."""
    return count(after, Effect.LISTED) == allocated_of(before, tm) + available_of(before, tm)
