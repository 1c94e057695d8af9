"""What the slot pool's properties look at: effects counted, states compared."""

from __future__ import annotations

from slotspec.models.common.resource_profile import Answer
from slotspec.models.slot_pool.state import Effect, SlotPoolState
from slotspec.properties.common.effects import count_effects
from slotspec.statemachine.declaration.rules import NONE


def satisfies(s: SlotPoolState, profile: int, request: int) -> bool:
    """Whether a slot of `profile` has what `request` asks for.

    Stated on the table itself: a property that asked the pool's own rule would agree with
    whatever that does.
    """
    return s.satisfies[profile * s.profile_count + s.request_profile[request]] == Answer.YES


def calls_made(s: SlotPoolState) -> int:
    """How many effects reached somebody else (marks of order and answers do not count)."""
    count = 0
    for i in range(len(s.effects)):
        kind = s.effects[i][0]
        if kind != Effect.ANY_ORDER and kind != Effect.LISTED and kind != Effect.RAISES:
            count += 1
    return count


def is_freed(s: SlotPoolState, allocation: int) -> bool:
    """Whether the step freed a slot under this allocation at its TaskExecutor."""
    return count_effects(s, int(Effect.FREE_SLOT), NONE, allocation) > 0


def same_slot(a: SlotPoolState, b: SlotPoolState, allocation: int) -> bool:
    """Whether both states have the same slot under `allocation`, in the same use."""
    return (
        a.slot[allocation] == b.slot[allocation]
        and a.slot_tm[allocation] == b.slot_tm[allocation]
        and a.slot_index[allocation] == b.slot_index[allocation]
        and a.slot_profile[allocation] == b.slot_profile[allocation]
        and a.slot_request[allocation] == b.slot_request[allocation]
        and a.payload[allocation] == b.payload[allocation]
        and a.idle_for[allocation] == b.idle_for[allocation]
    )


def same_request(a: SlotPoolState, b: SlotPoolState, request: int) -> bool:
    """Whether both states have the same request in record `request`."""
    return (
        a.request[request] == b.request[request]
        and a.request_id[request] == b.request_id[request]
        and a.stored_allocation[request] == b.stored_allocation[request]
        and a.sent_to[request] == b.sent_to[request]
        and a.unfulfillable[request] == b.unfulfillable[request]
    )


def is_unchanged(a: SlotPoolState, b: SlotPoolState) -> bool:
    """Whether both states have the same slots, requests, queues and connections."""
    for allocation in range(len(a.slot)):
        if not same_slot(a, b, allocation):
            return False
    for request in range(len(a.request)):
        if not same_request(a, b, request):
            return False
    for place in range(len(a.pending)):
        if a.pending[place] != b.pending[place] or a.waiting[place] != b.waiting[place]:
            return False
    for tm in range(len(a.registration)):
        if a.registration[tm] != b.registration[tm]:
            return False
    for leak in range(len(a.leaked)):
        if a.leaked_allocation[leak] != b.leaked_allocation[leak]:
            return False
    return a.gateway == b.gateway and a.pool[0] == b.pool[0]
