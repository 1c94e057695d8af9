"""A scheduler that does something at once when it hears, in the middle of a release, of it.

A failover: when the first share of a released slot is over, another one is asked for, or
given up. And a job that is cancelled: its slots go back to the pool one after the other, and
the pool hands each to a root that still waits.
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
from slotspec.statemachine.declaration.records import Setting
from slotspec.statemachine.declaration.rules import DISABLED, NONE


def has_callbacks(setting: Setting) -> bool:
    return bool(setting["callbacks"])


LEAST = 0
"""The profile of shares that are asked for within a release."""


def may_ask(s: SlotSharingState, root: int, group: int, profile: int) -> bool:
    """Whether the scheduler could ask for a share in this tree, were nothing released."""
    if next_single(s) == NONE or s.listing[root] == RootListing.UNLISTED:
        return False
    if not is_multi_registered(s, root) or not is_open_for(s, root, group):
        return False
    return may_reserve(s, root, profile) and may_add(s, root, profile)


def want(s: SlotSharingState, wanted: Wanted, root: int, group: int, profile: int) -> int:
    """Note which share is to be asked for; the record that is kept for it."""
    slot = next_single(s)
    s.wanted[slot] = int(wanted)
    s.single_parent[slot] = root
    s.single_group[slot] = group
    s.single_profile[slot] = profile
    return slot


def want_nothing(s: SlotSharingState) -> None:
    """The release is over: what the scheduler could not get, it does not get."""
    for slot in range(len(s.single)):
        s.wanted[slot] = int(Wanted.NOTHING)
        if s.single[slot] == SingleTaskSlot.UNUSED:
            s.single_parent[slot] = NONE
            s.single_group[slot] = NONE
            s.single_profile[slot] = NONE


@slot_sharing.action(when=has_callbacks, multi=multis, root=multis, group=groups)
def release_multi_and_ask(s: SlotSharingState, multi: int, root: int, group: int) -> int:
    """A slot is released; when the first share is over, another one is asked for.

    As in a failover: a task that is cancelled makes place for one that waits, and that for
    the next, which is scheduled before the release has come to its end.
    """
    if not may_call_multi(s, multi) or not may_ask(s, root, group, LEAST):
        return DISABLED
    want(s, Wanted.ANOTHER, root, group, LEAST)
    manager.release_multi(s, multi, int(Cause.OTHER))
    want_nothing(s)
    return NONE


@slot_sharing.action(when=has_callbacks, multi=multis, slot=slots)
def release_multi_and_cancel(s: SlotSharingState, multi: int, slot: int) -> int:
    """A slot is released; when the first share is over, another execution is cancelled."""
    if not may_call_multi(s, multi) or s.slot[slot] != LogicalSlot.ALIVE:
        return DISABLED
    s.wanted[slot] = int(Wanted.CANCEL)
    manager.release_multi(s, multi, int(Cause.OTHER))
    want_nothing(s)
    return NONE


@slot_sharing.action(when=has_callbacks, slot=slots, root=multis)
def release_single_and_ask_again(s: SlotSharingState, slot: int, root: int) -> int:
    """A task's share is released; its caller asks for it again elsewhere, under the same id.

    Flink 1.9: SchedulerImpl, when a SharedSlotOversubscribedException says that it may.
    """
    if not may_call_single(s, slot):
        return DISABLED
    group, profile = s.single_group[slot], s.single_profile[slot]
    if not may_ask(s, root, group, profile):
        return DISABLED
    want(s, Wanted.AGAIN, root, group, profile)
    manager.release_single(s, slot, int(Cause.OTHER))
    want_nothing(s)
    return NONE


# -------------------------------------------------------------------------------- the job ends


def cancels_jobs(setting: Setting) -> bool:
    """Owners that keep returned slots give the pool nothing to hand on."""
    return bool(setting["callbacks"] and setting["owner_releases"])


@slot_sharing.action(when=cancels_jobs)
def cancel_job(s: SlotSharingState) -> int:
    """Every execution is cancelled, whether it waits for a slot or has one.

    Flink: ExecutionGraph.cancel, SchedulerBase.cancelAllPendingSlotRequestsInternal.
    """
    found = False
    for slot in range(len(s.single)):
        if is_waiting(s, slot) or s.slot[slot] == LogicalSlot.ALIVE:
            found = True
    if not found:
        return DISABLED
    cancel_executions(s)
    return NONE


def cancel_executions(s: SlotSharingState) -> None:
    """First those that wait, so that none of them is given what the others return."""
    cancel_requests(s)
    return_slots(s)


def cancel_requests(s: SlotSharingState) -> None:
    """Nobody waits for a logical slot any more. Flink: SchedulerImpl.cancelSlotRequest."""
    for slot in range(len(s.single)):
        if is_waiting(s, slot):
            release_single_slot(s, slot, int(Cause.OTHER))


def is_waiting(s: SlotSharingState, slot: int) -> bool:
    """Whether an execution waits for this share."""
    return is_single_registered(s, slot) and s.future[slot] == LogicalSlotFuture.UNDECIDED


def return_slots(s: SlotSharingState) -> None:
    """Whoever has a logical slot gives it up."""
    for slot in range(len(s.single)):
        if is_given_up(s, slot):
            return_slot(s, slot)


def is_given_up(s: SlotSharingState, slot: int) -> bool:
    """Every logical slot is, whether its execution is in it already or not."""
    return s.slot[slot] == LogicalSlot.ALIVE


def return_slot(s: SlotSharingState, slot: int) -> None:
    """A logical slot is given up; if the pool gets its slot back with that, it hands it on.

    Those who get it then have been cancelled, and return it in the same call: in Flink, each
    within that of the one before.
    """
    root = give_up(s, slot)
    while root != NONE:
        heir = first_in_need(s, root)
        if heir == NONE:
            return
        manager.resolve_context(s, heir, s.tm[root], s.allocation[root], s.profile[root])
        root = NONE
        for other in range(len(s.single)):
            there = s.slot[other] == LogicalSlot.ALIVE
            if there and root_of(s, s.single_parent[other]) == heir:
                left = give_up(s, other)
                if left != NONE:
                    root = left


def give_up(s: SlotSharingState, slot: int) -> int:
    """Give a logical slot up; the root whose slot the pool gets back with it, or NONE."""
    root = root_of(s, s.single_parent[slot])
    was_there = is_multi_registered(s, root)
    manager.release_logical_slot(s, slot, int(Cause.OTHER))
    return root if was_there and not is_multi_registered(s, root) else NONE


def first_in_need(s: SlotSharingState, left: int) -> int:
    """A root that waits with its tasks for such a slot as `left` has given back, or NONE.

    Which one it is makes no difference in the end: all of them give it back.
    """
    if resolved_root(s, s.tm[left], s.allocation[left]) != NONE:
        return NONE
    for root in range(len(s.multi)):
        waits = s.listing[root] == RootListing.UNRESOLVED and has_children(s, root)
        if waits and can_hold(s, root, s.profile[left]):
            return root
    return NONE
