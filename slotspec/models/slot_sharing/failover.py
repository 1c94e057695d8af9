"""A scheduler that acts at once when it learns, in the middle of a release, that a share ended.

In a failover, it requests another share when the first share of a released slot ends, or
returns one. If a job is cancelled, its slots go back to the pool one after the other, and the
pool gives each of them to a root that still waits.
"""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot
from slotspec.models.logical_slot.state import slots
from slotspec.models.slot_sharing import operations as manager
from slotspec.models.slot_sharing.environment import (
    may_add,
    may_call_multi,
    may_call_single,
    may_reserve,
    next_single,
)
from slotspec.models.slot_sharing.lifecycles import LogicalSlotFuture, RootListing, SingleTaskSlot
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.release import release_single_slot
from slotspec.models.slot_sharing.resources import can_hold
from slotspec.models.slot_sharing.state import Cause, SlotSharingState, Wanted, groups, multis
from slotspec.models.slot_sharing.tree import (
    has_children,
    is_multi_registered,
    is_open_for,
    is_single_registered,
    resolved_root,
    root_of,
)
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE

has_callbacks = is_set("callbacks")


LEAST = 0
"""The profile of shares that are requested within a release."""


def may_ask(s: SlotSharingState, root: int, group: int, profile: int) -> bool:
    """Whether the scheduler could request a share in this tree if nothing were released."""
    return (
        next_single(s) != NONE
        and s.listing[root] != RootListing.UNLISTED
        and is_multi_registered(s, root)
        and is_open_for(s, root, group)
        and may_reserve(s, root, profile)
        and may_add(s, root, profile)
    )


def want(s: SlotSharingState, wanted: Wanted, root: int, group: int, profile: int) -> None:
    """Note in an unused record which share the scheduler will request."""
    slot = next_single(s)
    s.wanted[slot] = wanted
    s.single_parent[slot] = root
    s.single_group[slot] = group
    s.single_profile[slot] = profile


def want_nothing(s: SlotSharingState) -> None:
    """The release is over: drop the requests that the scheduler could not make."""
    for slot, single in enumerate(s.single):
        s.wanted[slot] = Wanted.NOTHING
        if single == SingleTaskSlot.UNUSED:
            s.single_parent[slot] = NONE
            s.single_group[slot] = NONE
            s.single_profile[slot] = NONE


@slot_sharing.action(when=has_callbacks, multi=multis, root=multis, group=groups)
def release_multi_and_ask(s: SlotSharingState, multi: int, root: int, group: int) -> int:
    """A slot is released; when its first share ends, the scheduler requests another one.

    As in a failover: a cancelled task makes room for one that waits, which is scheduled before
    the release is complete.
    """
    if not may_call_multi(s, multi) or not may_ask(s, root, group, LEAST):
        return DISABLED
    want(s, Wanted.ANOTHER, root, group, LEAST)
    manager.release_multi(s, multi, Cause.OTHER)
    want_nothing(s)
    return NONE


@slot_sharing.action(when=has_callbacks, multi=multis, slot=slots)
def release_multi_and_cancel(s: SlotSharingState, multi: int, slot: int) -> int:
    """A slot is released; when its first share ends, another execution is cancelled."""
    if not may_call_multi(s, multi) or s.slot[slot] != LogicalSlot.ALIVE:
        return DISABLED
    s.wanted[slot] = Wanted.CANCEL
    manager.release_multi(s, multi, Cause.OTHER)
    want_nothing(s)
    return NONE


@slot_sharing.action(when=has_callbacks, slot=slots, root=multis)
def release_single_and_ask_again(s: SlotSharingState, slot: int, root: int) -> int:
    """A task's share is released; its caller requests it again elsewhere, under the same id.

    Flink 1.9: SchedulerImpl, if a SharedSlotOversubscribedException allows a retry.
    """
    if not may_call_single(s, slot):
        return DISABLED
    group, profile = s.single_group[slot], s.single_profile[slot]
    if not may_ask(s, root, group, profile):
        return DISABLED
    want(s, Wanted.AGAIN, root, group, profile)
    manager.release_single(s, slot, Cause.OTHER)
    want_nothing(s)
    return NONE


# -------------------------------------------------------------------------------- the job ends


cancels_jobs = is_set("callbacks", "owner_releases")
"""If owners keep returned slots, the pool gets nothing that it could assign again."""


@slot_sharing.action(when=cancels_jobs)
def cancel_job(s: SlotSharingState) -> int:
    """Every execution is cancelled, whether it waits for a slot or has one.

    Flink: ExecutionGraph.cancel, SchedulerBase.cancelAllPendingSlotRequestsInternal.
    """
    if not any(
        is_waiting(s, slot) or logical == LogicalSlot.ALIVE for slot, logical in enumerate(s.slot)
    ):
        return DISABLED
    cancel_executions(s)
    return NONE


def cancel_executions(s: SlotSharingState) -> None:
    """Cancel the waiting executions first, so that none of them gets what the others return."""
    cancel_requests(s)
    return_slots(s)


def cancel_requests(s: SlotSharingState) -> None:
    """Release every share that waits for a logical slot. Flink: SchedulerImpl.cancelSlotRequest."""
    for slot in s.elements(slots):
        if is_waiting(s, slot):
            release_single_slot(s, slot, Cause.OTHER)


def is_waiting(s: SlotSharingState, slot: int) -> bool:
    """Whether an execution waits for this share."""
    return is_single_registered(s, slot) and s.future[slot] == LogicalSlotFuture.UNDECIDED


def return_slots(s: SlotSharingState) -> None:
    """Return every logical slot."""
    for slot in s.elements(slots):
        if is_given_up(s, slot):
            return_slot(s, slot)


def is_given_up(s: SlotSharingState, slot: int) -> bool:
    """Whether a cancelled job returns this slot: it does, deployed or not."""
    return s.slot[slot] == LogicalSlot.ALIVE


def return_slot(s: SlotSharingState, slot: int) -> None:
    """Return a logical slot; if the pool gets its slot back, the pool assigns it again.

    The executions that get it have been cancelled, and return it in the same call (in Flink,
    each within the call of the one before).
    """
    root = give_up(s, slot)
    while root != NONE:
        heir = first_in_need(s, root)
        if heir == NONE:
            return
        manager.resolve_context(s, heir, s.tm[root], s.allocation[root], s.profile[root])
        root = NONE
        for other in s.elements(slots):
            alive = s.slot[other] == LogicalSlot.ALIVE
            if alive and root_of(s, s.single_parent[other]) == heir:
                left = give_up(s, other)
                if left != NONE:
                    root = left


def give_up(s: SlotSharingState, slot: int) -> int:
    """Return a logical slot; its root if that has left now, or NONE."""
    root = root_of(s, s.single_parent[slot])
    was_there = is_multi_registered(s, root)
    manager.release_logical_slot(s, slot, Cause.OTHER)
    return root if was_there and not is_multi_registered(s, root) else NONE


def first_in_need(s: SlotSharingState, left: int) -> int:
    """A root whose tasks wait for such a slot as `left` has returned, or NONE.

    Which one it is makes no difference in the end: each of them returns it.
    """
    if resolved_root(s, s.tm[left], s.allocation[left]) != NONE:
        return NONE
    return next(
        (
            root
            for root, listing in enumerate(s.listing)
            if listing == RootListing.UNRESOLVED
            and has_children(s, root)
            and can_hold(s, root, s.profile[left])
        ),
        NONE,
    )
