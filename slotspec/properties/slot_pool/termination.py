"""What becomes of held slots: when they are freed, and how often."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import (
    close,
    fail_allocation,
    has_payloads,
    release_task_manager,
    suspend,
)
from slotspec.models.slot_pool.lifecycles import LeakedSlot, Payload, PhysicalSlot, Pool
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.slot_pool.state import Effect, SlotPoolState
from slotspec.properties.common.effects import count_effects
from slotspec.properties.slot_pool.bookkeeping import LEAKS, reused
from slotspec.properties.slot_pool.views import (
    is_freed,
)
from slotspec.statemachine.declaration.rules import NONE


@slot_pool.step("SlotPoolImpl.suspend: clear (but not release!)", on=suspend)
def suspend_forgets_and_frees_nothing(
    before: SlotPoolState, after: SlotPoolState, result: int
) -> bool:
    """Suspending cancels what is pending; it frees no slot, stops no payload, tells nobody."""
    if before.executor == 0:
        return True
    for i in range(len(after.effects)):
        kind = after.effects[i][0]
        if kind != Effect.CANCEL_SLOT_REQUEST and kind != Effect.ANY_ORDER:
            return False
    return is_empty(after)


def is_empty(s: SlotPoolState) -> bool:
    """Whether the pool has no slot, no request and no TaskExecutor."""
    for allocation in range(len(s.slot)):
        if s.slot[allocation] != PhysicalSlot.UNKNOWN:
            return False
    for leak in range(len(s.leaked)):
        if s.leaked[leak] == LeakedSlot.COUNTED:
            return False
    for tm in range(len(s.registration)):
        if s.registration[tm] == 1:
            return False
    return s.pending[0] == NONE and s.waiting[0] == NONE


@slot_pool.step("SlotPoolImpl.close", on=close, deviation=reused(LEAKS))
def close_frees_each_slot_once(before: SlotPoolState, after: SlotPoolState, result: int) -> bool:
    """Closing frees every slot of every registered TaskExecutor exactly once, and is empty."""
    for allocation in range(len(before.slot)):
        frees = count_effects(after, int(Effect.FREE_SLOT), NONE, allocation)
        if frees != int(is_held(before, allocation)):
            return False
    return is_empty(after)


@slot_pool.step("SlotPoolImpl.tryFailingAllocatedSlot, checkIdleSlot", deviation=reused(LEAKS))
def a_dropped_slot_is_freed(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A slot that leaves the pool is freed at its TaskExecutor, except by suspend."""
    if after.pool[0] == Pool.SUSPENDED:
        return True
    for allocation in range(len(before.slot)):
        if (
            is_held(before, allocation)
            and not is_held(after, allocation)
            and not is_freed(after, allocation)
        ):
            return False
    return True


@slot_pool.step("SlotPoolImpl: freeSlot only for slots of the pool", deviation=reused(LEAKS))
def only_held_slots_are_freed(before: SlotPoolState, after: SlotPoolState) -> bool:
    """What is freed was held before and is held no longer, at the TaskExecutor that has it."""
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.FREE_SLOT:
            allocation = after.effects[i][2]
            if not is_held(before, allocation) or is_held(after, allocation):
                return False
            if before.slot_tm[allocation] != after.effects[i][1]:
                return False
    return True


@slot_pool.step(
    "SlotPoolImpl.releaseTaskManagerInternal", on=release_task_manager, deviation=reused(LEAKS)
)
def a_lost_task_manager_takes_its_slots(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int
) -> bool:
    """Releasing a TaskExecutor frees all its slots, once each, and no other; nobody gets them."""
    for allocation in range(len(before.slot)):
        frees = count_effects(after, int(Effect.FREE_SLOT), NONE, allocation)
        expected = result == 1 and is_held(before, allocation) and before.slot_tm[allocation] == tm
        if frees != int(expected):
            return False
    return count_effects(after, int(Effect.REQUEST_FULFILLED), NONE, NONE) == 0


@slot_pool.step("AllocatedSlot.releasePayload", when=has_payloads, deviation=reused(LEAKS))
def a_payload_is_stopped_when_its_slot_goes(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A payload whose slot is taken away is told to stop, except by suspend."""
    if after.pool[0] == Pool.SUSPENDED:
        return True
    for allocation in range(len(before.slot)):
        if (
            before.payload[allocation] == Payload.ASSIGNED
            and after.payload[allocation] != Payload.ASSIGNED
            and count_effects(after, int(Effect.PAYLOAD_RELEASED), allocation, NONE) == 0
        ):
            return False
    return True


def first_effect(s: SlotPoolState, kind: int) -> int:
    """Place of the first effect of `kind`, or NONE."""
    for i in range(len(s.effects)):
        if s.effects[i][0] == kind:
            return i
    return NONE


@slot_pool.step("SlotPoolImpl.tryFailingAllocatedSlot", on=fail_allocation, when=has_payloads)
def a_failed_slot_is_freed_before_its_payload_stops(
    before: SlotPoolState, after: SlotPoolState, result: int, allocation: int, failure: int
) -> bool:
    """Failing an allocation first frees the slot, then stops what runs in it."""
    stopped = first_effect(after, int(Effect.PAYLOAD_RELEASED))
    if stopped == NONE:
        return True
    freed = first_effect(after, int(Effect.FREE_SLOT))
    return freed != NONE and freed < stopped


@slot_pool.step(
    "SlotPoolImpl.releaseTaskManagerInternal", on=release_task_manager, when=has_payloads
)
def payloads_stop_before_a_task_manager_is_freed(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int
) -> bool:
    """Releasing a TaskExecutor stops every payload before it frees the first slot."""
    freed = first_effect(after, int(Effect.FREE_SLOT))
    for i in range(len(after.effects)):
        if after.effects[i][0] == Effect.PAYLOAD_RELEASED and freed != NONE and freed < i:
            return False
    return True


@slot_pool.step("SlotPoolImpl.failAllocation", on=fail_allocation)
def an_emptied_task_manager_is_named(
    before: SlotPoolState, after: SlotPoolState, result: int, allocation: int, failure: int
) -> bool:
    """Failing a held slot names its TaskExecutor exactly if that has no slot left here."""
    if not is_freed(after, allocation):
        return result == NONE
    tm = before.slot_tm[allocation]
    left = 0
    for other in range(len(after.slot)):
        if is_held(after, other) and after.slot_tm[other] == tm:
            left += 1
    for leak in range(len(after.leaked)):
        if after.leaked_tm[leak] == tm:
            left += 1
    return result == (tm if left == 0 else NONE)
