"""When slots leave the pool, and what is told to whom."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.environment import (
    advance_time,
    fail_allocation,
    is_bridge,
    release_free_slots_on_task_manager,
    release_idle_slots,
    release_task_manager,
)
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, Bridge
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.pool import is_held
from slotspec.models.declarative_slot_pool.schedule import place_of_timer
from slotspec.models.declarative_slot_pool.state import (
    DeclarativePoolState,
    Effect,
    Timer,
    allocations,
    requests,
)
from slotspec.models.declarative_slot_pool.timers import is_able
from slotspec.properties.declarative_slot_pool.views import (
    LOST_IN_UNKNOWN,
    MISTAKES,
    bridged,
    has_idle_check,
    is_started,
    pending_count,
    raised,
    returned,
)
from slotspec.statemachine.declaration.conditions import exceeds, first_of, is_set, known
from slotspec.statemachine.declaration.rules import NONE, unchanged

unreturned = known(MISTAKES, is_set("mistakes"))


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.freeAndReleaseSlots",
    each={"a": allocations},
    deviation=unreturned,
)
def a_slot_that_leaves_is_freed(
    before: DeclarativePoolState, after: DeclarativePoolState, a: int
) -> bool:
    """A slot leaves the pool exactly if its TaskExecutor is told to free it, once."""
    left = is_held(before, a) and not is_held(after, a)
    return returned(after, a) == int(left)


@declarative_slot_pool.step("DefaultDeclarativeSlotPool.freeAndReleaseSlots")
def slots_are_freed_at_their_task_manager(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """It is the TaskExecutor of a slot that is told to free it."""
    return all(
        e.kind != Effect.FREE_SLOT or e.tm == before.slot_tm[e.allocation] for e in after.effects
    )


@declarative_slot_pool.step(
    "AllocatedSlot.releasePayload", each={"a": allocations}, deviation=unreturned
)
def a_payload_is_stopped_when_its_slot_goes(
    before: DeclarativePoolState, after: DeclarativePoolState, a: int
) -> bool:
    """What runs in a slot that is freed or goes is told to stop."""
    stays = before.payload[a] == after.payload[a]
    told = any(e.kind == Effect.PAYLOAD_RELEASED and e.allocation == a for e in after.effects)
    return before.payload[a] == 0 or stays or told


@declarative_slot_pool.step(
    "DeclarativeSlotPoolService.releaseTaskManager", on=release_task_manager, when=bridged
)
def a_lost_task_manager_takes_its_slots(
    before: DeclarativePoolState, after: DeclarativePoolState, result: int, tm: int
) -> bool:
    """With a TaskExecutor go all of its slots; requests stay."""
    if raised(after):
        return True
    if result != 1:
        return unchanged(before, after)
    return tm not in after.slot_tm and unchanged(before, after, "pending")


@declarative_slot_pool.step(
    "DeclarativeSlotPoolService.failAllocation", on=fail_allocation, when=bridged
)
def a_failed_slot_is_gone(
    before: DeclarativePoolState, after: DeclarativePoolState, result: int, allocation: int
) -> bool:
    """A failed slot leaves the pool. Its TaskExecutor is the answer, if it has no other slot."""
    tm = before.slot_tm[allocation]
    if raised(after):
        return True
    return not is_held(after, allocation) and (result == tm) == (tm not in after.slot_tm)


@declarative_slot_pool.step(
    "DeclarativeSlotPoolService.releaseFreeSlotsOnTaskManager",
    on=release_free_slots_on_task_manager,
    when=bridged,
)
def free_slots_of_a_blocked_task_manager_go(
    before: DeclarativePoolState, after: DeclarativePoolState, tm: int
) -> bool:
    """The free slots of the TaskExecutor go, all others stay, and so does what is required."""
    return raised(after) or (
        unchanged(before, after, "required")
        and all(
            (state == AllocatedSlot.FREE and before.slot_tm[a] == tm) != is_held(after, a)
            or not is_held(before, a)
            for a, state in enumerate(before.slot)
        )
    )


def only_idle_returned(before: DeclarativePoolState, after: DeclarativePoolState) -> bool:
    """Whether every slot that a step returned was free, and counted for more than is required."""
    return all(
        e.kind != Effect.FREE_SLOT
        or (
            before.slot[e.allocation] == AllocatedSlot.FREE
            and before.acquired[before.matched[e.allocation]]
            > before.required[before.matched[e.allocation]]
        )
        for e in after.effects
    )


@declarative_slot_pool.step(
    "DefaultDeclarativeSlotPool.releaseIdleSlots", on=advance_time, when=is_bridge
)
def only_excess_slots_time_out(before: DeclarativePoolState, after: DeclarativePoolState) -> bool:
    """Time takes only free slots that count for more than is required."""
    return only_idle_returned(before, after)


@declarative_slot_pool.step("DefaultDeclarativeSlotPool.releaseIdleSlots", on=release_idle_slots)
def only_idle_excess_slots_are_released(
    before: DeclarativePoolState, after: DeclarativePoolState
) -> bool:
    """Only free slots that count for more than is required, and are idle, are returned."""
    return only_idle_returned(before, after) and all(
        e.kind != Effect.FREE_SLOT or before.idle_for[e.allocation] >= before.idle_timeout
        for e in after.effects
    )


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.checkIdleSlotTimeout",
    when=has_idle_check,
    deviation=first_of(
        (
            "a payload in a free slot makes the idle check raise, and it never runs again (D5)",
            is_set("mistakes"),
        ),
        (LOST_IN_UNKNOWN, is_set("unknown_slots")),
    ),
)
def the_idle_check_goes_on(s: DeclarativePoolState) -> bool:
    """As long as the bridge is started, its idle check is scheduled."""
    return not is_started(s) or Timer.IDLE_CHECK in s.timer


has_batch_timeout = is_bridge & is_set("batch_timeout")
"""The bridge checks for batch requests that wait too long."""
blinded = known(
    "an UNKNOWN slot makes the batch check raise, and it never runs again (D6)",
    is_set("unknown_slots"),
)


@declarative_slot_pool.always(
    "DeclarativeSlotPoolBridge.checkBatchSlotTimeout", when=has_batch_timeout, deviation=blinded
)
def the_batch_check_goes_on(s: DeclarativePoolState) -> bool:
    """As long as the bridge is started and the check enabled, it is scheduled."""
    return not is_started(s) or s.batch_check == 0 or Timer.BATCH_CHECK in s.timer


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge.checkBatchSlotTimeout",
    on=advance_time,
    when=has_batch_timeout,
    each={"r": requests},
    deviation=blinded,
)
def a_request_that_a_slot_matches_is_not_marked(
    before: DeclarativePoolState, after: DeclarativePoolState, r: int
) -> bool:
    """After a batch check, only requests that no slot matches are marked."""
    place = place_of_timer(before, Timer.BATCH_CHECK)
    if place == NONE or before.due_in[place] > 1 or before.batch_check == 0:
        return True
    return r not in after.pending or after.unfulfillable[r] == 0 or is_able(after, r) != Answer.YES


effective_balanced = exceeds("strategy", 1) & is_set("can_delay")
"""Whether the balanced strategy is in use."""


@declarative_slot_pool.step(
    "DeclarativeSlotPoolBridge, DefaultDeclarativeSlotPool",
    deviation=first_of(
        ("an UNKNOWN slot is accepted, and then cannot be compared (D6)", is_set("unknown_slots")),
        (MISTAKES, is_set("mistakes")),
        (
            "calls before the start or after the end are half done when they raise",
            is_set("late_calls"),
        ),
        (
            "the balanced strategy refuses requests for ANY",
            is_set("any_requests") & effective_balanced,
        ),
        (
            "a declaration that was delayed until after the close raises",
            is_set("can_delay", "interval", "bridge"),
        ),
    ),
)
def nothing_raises(after: DeclarativePoolState) -> bool:
    """No call and no timer ends with an exception."""
    return not any(e.kind in (Effect.RAISES, Effect.TIMER_RAISED) for e in after.effects)


@declarative_slot_pool.always("DeclarativeSlotPoolService.close", when=bridged)
def a_closed_pool_has_nothing(s: DeclarativePoolState) -> bool:
    """After the end, no slot is held and no request is pending."""
    return s.bridge_state[0] != Bridge.CLOSED or (
        pending_count(s) == 0 and not any(is_held(s, a) for a in range(len(s.slot)))
    )


@declarative_slot_pool.always("DeclarativeSlotPoolService.close", when=bridged)
def a_closed_pool_is_disconnected(s: DeclarativePoolState) -> bool:
    """After the end, no ResourceManager is connected and no TaskExecutor registered."""
    return s.bridge_state[0] != Bridge.CLOSED or (s.gateway == NONE and sum(s.registration) == 0)
