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
from slotspec.models.slot_pool.state import Effect, SlotPoolState
from slotspec.properties.slot_pool.bookkeeping import TWINS, reused
from slotspec.properties.slot_pool.views import satisfies
from slotspec.statemachine.declaration.rules import NONE


@slot_pool.step("SlotPoolImpl.checkIdleSlot", on=advance_time)
def only_slots_idle_for_longer_than_the_timeout_are_freed(
    before: SlotPoolState, after: SlotPoolState, result: int
) -> bool:
    """A slot exactly as old as the idle timeout survives the check; a used one always does."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.FREE_SLOT:
            allocation = after.effects[i][2]
            if before.slot[allocation] != PhysicalSlot.AVAILABLE:
                return False
            if before.idle_for[allocation] + 1 <= before.idle_timeout:
                return False
    return True


@slot_pool.step("SlotPoolImpl.checkBatchSlotTimeout", on=advance_time, deviation=reused(TWINS))
def batch_requests_time_out_only_while_no_held_slot_matches(
    before: SlotPoolState, after: SlotPoolState, result: int
) -> bool:
    """The batch check times out marked batch requests that no held slot satisfies; no others."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.REQUEST_FAILED:
            request = after.effects[i][1]
            if not before.batch[request] or not before.unfulfillable[request]:
                return False
            for allocation in range(len(after.slot)):
                if is_held(after, allocation) and satisfies(
                    before, after.slot_profile[allocation], request
                ):
                    return False
    return True


@slot_pool.step("SlotPoolImpl.disableBatchSlotRequestTimeoutCheck (FLINK-18972)", on=start)
def starting_switches_no_check_off(
    before: SlotPoolState, after: SlotPoolState, result: int
) -> bool:
    """The batch check goes on until somebody who takes it over switches it off."""
    return after.batch_check == before.batch_check


@slot_pool.always("SlotPoolImpl.checkIdleSlot: a slot lives at most two idle timeouts")
def no_slot_stays_idle_for_long(s: SlotPoolState) -> bool:
    """While the checks run, no slot is available for longer than two idle timeouts."""
    for allocation in range(len(s.slot)):
        if len(s.timer) > 0 and s.idle_for[allocation] > 2 * s.idle_timeout:
            return False
    return True


@slot_pool.step("SlotInfoWithUtilization", on=get_available_slots_information)
def utilization_is_between_0_and_1(
    before: SlotPoolState, after: SlotPoolState, result: int
) -> bool:
    """Each available slot is listed once, with used / (used + free) in [0, 1)."""
    listed = 0
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.LISTED:
            listed += 1
            tm = before.slot_tm[after.effects[i][1]]
            if before.slot[after.effects[i][1]] != PhysicalSlot.AVAILABLE:
                return False
            if after.effects[i][2] < 0 or after.effects[i][3] < 1:
                return False
            if after.effects[i][3] > len(before.slot) or tm == NONE:
                return False
    available = 0
    for allocation in range(len(before.slot)):
        if before.slot[allocation] == PhysicalSlot.AVAILABLE:
            available += 1
    return listed == available


@slot_pool.step("SlotPoolImpl.createAllocatedSlotReport", on=create_allocated_slot_report)
def a_report_lists_every_slot_of_its_task_manager(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int
) -> bool:
    """A report has as many slots as the pool counts for that TaskExecutor."""
    listed = 0
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.LISTED:
            listed += 1
    return listed == allocated_of(before, tm) + available_of(before, tm)
