"""What happens to held slots: when they are freed, and how often."""

from __future__ import annotations

from slotspec.models.slot_pool.environment import (
    close,
    fail_allocation,
    has_payloads,
    release_task_manager,
    suspend,
)
from slotspec.models.slot_pool.lifecycles import (
    LeakedSlot,
    Payload,
    PhysicalSlot,
    Pool,
    TaskManagerRegistration,
)
from slotspec.models.slot_pool.model import slot_pool
from slotspec.models.slot_pool.queues import is_held
from slotspec.models.slot_pool.state import Effect, SlotPoolState, allocations
from slotspec.properties.slot_pool.bookkeeping import LEAKS, reused
from slotspec.properties.slot_pool.views import count, frees
from slotspec.statemachine.declaration.rules import NONE


@slot_pool.step("SlotPoolImpl.suspend: clear (but not release!)", on=suspend)
def suspend_forgets_and_frees_nothing(before: SlotPoolState, after: SlotPoolState) -> bool:
    """Suspending cancels pending allocations; it frees no slot, stops no payload, tells nobody."""
    return not before.executor or (
        all(e.kind in (Effect.CANCEL_SLOT_REQUEST, Effect.ANY_ORDER) for e in after.effects)
        and is_empty(after)
    )


def is_empty(s: SlotPoolState) -> bool:
    """Whether the pool has no slot, no request and no TaskExecutor."""
    return (
        all(status == PhysicalSlot.UNKNOWN for status in s.slot)
        and LeakedSlot.COUNTED not in s.leaked
        and TaskManagerRegistration.REGISTERED not in s.registration
        and s.pending[0] == s.waiting[0] == NONE
    )


@slot_pool.step(
    "SlotPoolImpl.close", on=close, each={"allocation": allocations}, deviation=reused(LEAKS)
)
def close_frees_each_slot_once(
    before: SlotPoolState, after: SlotPoolState, allocation: int
) -> bool:
    """Closing frees every slot of every registered TaskExecutor exactly once, and is empty."""
    return frees(after, allocation) == is_held(before, allocation) and is_empty(after)


@slot_pool.step(
    "SlotPoolImpl.tryFailingAllocatedSlot, checkIdleSlot",
    each={"allocation": allocations},
    deviation=reused(LEAKS),
)
def a_dropped_slot_is_freed(before: SlotPoolState, after: SlotPoolState, allocation: int) -> bool:
    """A slot that leaves the pool is freed at its TaskExecutor, except by suspend."""
    return (
        after.pool[0] == Pool.SUSPENDED
        or not is_held(before, allocation)
        or is_held(after, allocation)
        or frees(after, allocation) > 0
    )


@slot_pool.step("SlotPoolImpl: freeSlot only for slots of the pool", deviation=reused(LEAKS))
def only_held_slots_are_freed(before: SlotPoolState, after: SlotPoolState) -> bool:
    """A freed slot was held before, at that TaskExecutor, and is no longer."""
    return all(
        e.allocation != NONE
        and is_held(before, e.allocation)
        and not is_held(after, e.allocation)
        and before.slot_tm[e.allocation] == e.tm
        for e in after.effects
        if e.kind == Effect.FREE_SLOT
    )


@slot_pool.step(
    "SlotPoolImpl.releaseTaskManagerInternal",
    on=release_task_manager,
    each={"allocation": allocations},
    deviation=reused(LEAKS),
)
def a_lost_task_manager_takes_its_slots(
    before: SlotPoolState, after: SlotPoolState, result: int, tm: int, allocation: int
) -> bool:
    """Releasing a TaskExecutor frees exactly its slots, once each; no request gets them."""
    goes = result == 1 and is_held(before, allocation) and before.slot_tm[allocation] == tm
    return frees(after, allocation) == goes and count(after, Effect.REQUEST_FULFILLED) == 0


@slot_pool.step(
    "AllocatedSlot.releasePayload",
    each={"allocation": allocations},
    when=has_payloads,
    deviation=reused(LEAKS),
)
def a_payload_is_stopped_when_its_slot_goes(
    before: SlotPoolState, after: SlotPoolState, allocation: int
) -> bool:
    """The pool stops a payload whose slot goes away, except when it suspends."""
    return (
        after.pool[0] == Pool.SUSPENDED
        or before.payload[allocation] != Payload.ASSIGNED
        or after.payload[allocation] == Payload.ASSIGNED
        or any(
            e.kind == Effect.PAYLOAD_RELEASED and e.allocation == allocation for e in after.effects
        )
    )


def first_effect(after: SlotPoolState, kind: int) -> int:
    """Position of the first effect of `kind`, or NONE, which is larger than any."""
    return next((i for i, e in enumerate(after.effects) if e.kind == kind), NONE)


@slot_pool.step("SlotPoolImpl.tryFailingAllocatedSlot", on=fail_allocation, when=has_payloads)
def a_failed_slot_is_freed_before_its_payload_stops(after: SlotPoolState) -> bool:
    """Failing an allocation first frees the slot, then stops what runs in it."""
    stopped = first_effect(after, Effect.PAYLOAD_RELEASED)
    return stopped == NONE or first_effect(after, Effect.FREE_SLOT) < stopped


@slot_pool.step(
    "SlotPoolImpl.releaseTaskManagerInternal", on=release_task_manager, when=has_payloads
)
def payloads_stop_before_a_task_manager_is_freed(after: SlotPoolState) -> bool:
    """Releasing a TaskExecutor stops every payload before it frees the first slot."""
    freed = first_effect(after, Effect.FREE_SLOT)
    return all(i < freed for i, e in enumerate(after.effects) if e.kind == Effect.PAYLOAD_RELEASED)


@slot_pool.step("SlotPoolImpl.failAllocation", on=fail_allocation)
def an_emptied_task_manager_is_named(
    before: SlotPoolState, after: SlotPoolState, result: int, allocation: int
) -> bool:
    """Failing a held slot names its TaskExecutor exactly if that has no slot left here."""
    if not frees(after, allocation):
        return result == NONE
    tm = before.slot_tm[allocation]
    has_slots = tm in after.leaked_tm or any(
        is_held(after, other) and after.slot_tm[other] == tm
        for other in after.elements(allocations)
    )
    return result == (NONE if has_slots else tm)
