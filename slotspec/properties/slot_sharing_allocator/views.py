"""What properties of slot sharing look at, and why Flink breaks some of them."""

from __future__ import annotations

from slotspec.models.slot_sharing_allocator.environment import BITS
from slotspec.models.slot_sharing_allocator.lifecycles import Bulk, LogicalRequest, SharedSlot
from slotspec.models.slot_sharing_allocator.state import (
    Effect,
    SlotSharingAllocatorState,
    groups,
)
from slotspec.models.slot_sharing_allocator.versions import FailedTermination, NewRequests
from slotspec.models.slot_sharing_allocator.walks import in_bulk, vertex_in_bulk
from slotspec.statemachine.declaration.conditions import equals, exceeds, first_of, is_set, known
from slotspec.statemachine.declaration.records import Setting


def is_pending(s: SlotSharingAllocatorState, vertex: int) -> bool:
    """Whether the vertex waits for a slot."""
    return s.request[vertex] == LogicalRequest.PENDING


def is_named(selection: int, vertex: int) -> bool:
    """Whether a call names the vertex."""
    return selection & BITS[vertex] != 0


def awaits(s: SlotSharingAllocatorState, bulk: int, group: int) -> bool:
    """Whether a bulk that is checked waits for the group."""
    return s.bulk[bulk] == Bulk.CHECKED and s.pending[in_bulk(s, bulk, group)] == 1


def is_in_bulk(s: SlotSharingAllocatorState, bulk: int, vertex: int) -> bool:
    """Whether a bulk that is checked has the vertex."""
    return s.bulk[bulk] == Bulk.CHECKED and s.includes[vertex_in_bulk(s, bulk, vertex)] == 1


def has_pending_group(s: SlotSharingAllocatorState, bulk: int) -> bool:
    """Whether a bulk that is checked waits for any group."""
    return any(awaits(s, bulk, g) for g in s.elements(groups))


def is_undecided(s: SlotSharingAllocatorState, group: int) -> bool:
    """Whether the group waits for its physical slot."""
    return s.group[group] == SharedSlot.REQUESTED


def was_told(after: SlotSharingAllocatorState, kind: int, vertex: int) -> int:
    """How often a step has told this of the vertex."""
    return sum(e.kind == kind and e[1] == vertex for e in after.effects)


def raises(after: SlotSharingAllocatorState) -> bool:
    """Whether a step ends with an exception."""
    return any(e.kind == Effect.RAISES for e in after.effects)


# ------------------------------------------------------------------------------------ settings


has_several_groups = exceeds("groups", 1)
serves_at_once = is_set("at_once")
raises_half_way = equals("strangers", 1) | exceeds("modes", 2)
"""Whether a call may raise after it has done something."""
slots_are_never_reusable = is_set("at_once", "indefinitely")
"""Whether a slot that could serve a bulk will do so, or never can."""


# ---------------------------------------------------------------------------------- deviations


first_cancel_breaks_the_walk = known(
    "S1: the first group that is given back clears the pending groups of the bulk, while"
    " the timeout walks over them",
    has_several_groups,
)
one_failure_clears_the_bulk = known(
    "S2: one failed or cancelled request ends the checking of every bulk of its group"
    " (by design: the scheduler is expected to cancel the others)",
    has_several_groups,
)
requests_go_unchecked = first_of(
    ("S9: a call that raises leaves requests behind, which no bulk has", raises_half_way),
    (
        "S1, S2: after one failure nobody checks the other groups of a bulk any more",
        has_several_groups,
    ),
)
fulfilled_groups_are_remembered = known(
    "S3: a bulk counts a group as fulfilled after it has lost its slot",
    exceeds("bulks", 1) & has_several_groups,
)
a_dying_slot_is_handed_out = known(
    "S4: a vertex that asks again gets the logical slot that is being released", is_set("payloads")
)
loss_cannot_end_requests = known(
    "S5: a slot that is lost while its requests complete ends only some of them, and the"
    " others get slots in it",
    is_set("reactions"),
)
failed_terminations_are_fatal = known(
    "S6: a termination future that fails ends the process (by design)",
    equals("failed_termination", FailedTermination.FATAL) & is_set("failing_payloads", "payloads"),
)
taken_slots_are_forgotten = known(
    "S7: free slots that a call has taken stay taken if the pool then raises",
    equals("new_requests", NewRequests.TOGETHER) & exceeds("modes", 2),
)
calls_are_not_undone = known(
    "S7, S9: what a call did before it raises is not undone", raises_half_way
)
empty_shared_slots_stay = known(
    "S9: a call that raises leaves a shared slot without requests",
    equals("strangers", 1) | (equals("new_requests", NewRequests.ONE_BY_ONE) & exceeds("modes", 2)),
)
the_first_slot_that_will_do_is_taken = known(
    "S10: a group takes the first slot that will do, even if another one needs just that",
    exceeds("profiles", 1) & has_several_groups & ~(is_set("at_once") & ~is_set("foreigners")),
)
some_slots_look_usable = first_of(
    (
        "S8: a matching slot that nobody assigns, or that a batch task holds, keeps bulks"
        " waiting without limit (by design, FLINK-13166)",
        ~slots_are_never_reusable,
    ),
    ("S7: a slot that belongs to nobody keeps bulks waiting without limit", exceeds("modes", 2)),
)


def requests_may_wait_for_ever(setting: Setting) -> str | None:
    return some_slots_look_usable(setting) or requests_go_unchecked(setting)
