"""What may happen to a slot sharing manager: scheduler, pool and payloads, in any order.

The scheduler builds trees, releases any part of them, and returns logical slots. The pool
answers early, late, or not at all. Payloads stop at once, later, or never. This is what the
real ones do. Four bounds also allow what nothing forbids: to request a group again below a
slot that has it (``repeated_groups``), to answer with an allocation that another root has
(``taken_allocations``), to reserve more than a slot has (``small_slots``), and to call slots
that have left the tables (``late_calls``). :mod:`slotspec.models.slot_sharing.failover` has what
the scheduler does in the middle of a release.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.logical_slot.lifecycles import Occupant
from slotspec.models.logical_slot.state import payloads, slots
from slotspec.models.slot_sharing import operations as manager
from slotspec.models.slot_sharing.lifecycles import (
    LogicalSlotFuture,
    MultiTaskSlot,
    SingleTaskSlot,
    SlotContextFuture,
)
from slotspec.models.slot_sharing.model import slot_sharing
from slotspec.models.slot_sharing.profiles import Special
from slotspec.models.slot_sharing.recycling import (
    clear_multi,
    clear_single,
    is_multi_over,
    is_single_over,
)
from slotspec.models.slot_sharing.resources import amount, can_hold, has_room, reserved_of
from slotspec.models.slot_sharing.state import (
    Cause,
    SlotSharingState,
    allocations,
    groups,
    multis,
    profiles,
    task_managers,
)
from slotspec.models.slot_sharing.tree import (
    is_multi_registered,
    is_single_registered,
    multi_child,
    resolved_root,
    root_of,
    single_child,
)
from slotspec.statemachine.declaration.conditions import is_set
from slotspec.statemachine.declaration.rules import DISABLED, NONE


class OnFail(IntEnum):
    """What a payload does when it is failed: the reactions that payloads have here."""

    NOTHING = 0
    TERMINATE = 4


has_deployments = is_set("deployments")
has_late_calls = is_set("late_calls")


# -------------------------------------------------------------------------- what is possible


def next_multi(s: SlotSharingState) -> int:
    """A record for one more multi-task slot, or NONE; which one makes no difference."""
    return next((m for m, multi in enumerate(s.multi) if multi == MultiTaskSlot.UNUSED), NONE)


def next_single(s: SlotSharingState) -> int:
    """A record for one more single-task slot, or NONE."""
    return next((n for n, single in enumerate(s.single) if single == SingleTaskSlot.UNUSED), NONE)


def next_payload(s: SlotSharingState) -> int:
    """A payload that is in no slot, or NONE."""
    # exports ask this of a plain copy of a state, which has no bounds
    return next((p for p in range(len(s.payload)) if p not in s.payload_of), NONE)


def may_call_multi(s: SlotSharingState, multi: int) -> bool:
    """Whether anybody may call this multi-task slot."""
    late = s.late_calls == 1 and s.multi[multi] == MultiTaskSlot.EXISTS
    return late or is_multi_registered(s, multi)


def may_call_single(s: SlotSharingState, slot: int) -> bool:
    """Whether anybody may call this single-task slot."""
    late = s.late_calls == 1 and s.single[slot] == SingleTaskSlot.EXISTS
    return late or is_single_registered(s, slot)


def is_root(s: SlotSharingState, multi: int) -> bool:
    return s.multi[multi] == MultiTaskSlot.EXISTS and s.parent[multi] == NONE


def may_reserve(s: SlotSharingState, parent: int, profile: int) -> bool:
    """Whether one more reservation is within the bounds; nobody reserves ANY."""
    if s.specials[profile] == Special.ANY:
        return False
    at = parent
    while at != NONE:
        if any(
            reserved_of(s, at, r) + amount(s, profile, r) > s.most_reserved
            for r in range(s.resource_count)
        ):
            return False
        at = s.parent[at]
    return True


def may_enter(s: SlotSharingState, parent: int, group: int) -> bool:
    """Whether the scheduler may put a slot of the group below this one."""
    return s.repeated_groups == 1 or (
        single_child(s, parent, group) == NONE and multi_child(s, parent, group) == NONE
    )


def may_add(s: SlotSharingState, parent: int, profile: int) -> bool:
    """Whether the scheduler may add this share: while the slot waits, or if there is room."""
    return (
        s.small_slots == 1
        or s.context[parent] != SlotContextFuture.KNOWN
        or has_room(s, root_of(s, parent), profile)
    )


def may_answer(s: SlotSharingState, root: int, tm: int, allocation: int, profile: int) -> bool:
    """Whether the pool may answer with this slot."""
    if not s.taken_allocations and resolved_root(s, tm, allocation) not in (NONE, root):
        return False
    return s.small_slots == 1 or can_hold(s, root, profile)


# ------------------------------------------------------------------------------- scheduler


@slot_sharing.action()
def create_root_slot(s: SlotSharingState) -> int:
    """The scheduler requests a slot from the pool and builds a root on the future answer."""
    root = next_multi(s)
    if root == NONE:
        return DISABLED
    return manager.create_root_slot(s, root)


@slot_sharing.action(parent=multis, group=groups)
def allocate_multi(s: SlotSharingState, parent: int, group: int) -> int:
    """The scheduler puts a co-location slot below another one, perhaps twice for a group."""
    multi = next_multi(s)
    if multi == NONE or not may_call_multi(s, parent) or not may_enter(s, parent, group):
        return DISABLED
    return manager.allocate_multi(s, parent, multi, group)


@slot_sharing.action(parent=multis, group=groups, profile=profiles)
def allocate_single(s: SlotSharingState, parent: int, group: int, profile: int) -> int:
    """The scheduler puts a task's share below a slot, perhaps twice for a group."""
    slot = next_single(s)
    if slot == NONE or not may_call_multi(s, parent) or not may_reserve(s, parent, profile):
        return DISABLED
    if not may_enter(s, parent, group) or not may_add(s, parent, profile):
        return DISABLED
    return manager.allocate_single(s, parent, slot, group, profile)


@slot_sharing.action(multi=multis)
def release_multi(s: SlotSharingState, multi: int) -> int:
    """A caller releases a root or a co-location slot."""
    if not may_call_multi(s, multi):
        return DISABLED
    return manager.release_multi(s, multi, Cause.OTHER)


@slot_sharing.action(slot=slots)
def release_single(s: SlotSharingState, slot: int) -> int:
    """A caller releases the share of a task."""
    if not may_call_single(s, slot):
        return DISABLED
    return manager.release_single(s, slot, Cause.OTHER)


@slot_sharing.action(slot=slots)
def release_logical_slot(s: SlotSharingState, slot: int) -> int:
    """The execution returns its logical slot."""
    if s.future[slot] != LogicalSlotFuture.FULFILLED:
        return DISABLED
    return manager.release_logical_slot(s, slot, Cause.OTHER)


@slot_sharing.action(when=has_deployments, slot=slots, on_fail=OnFail)
def assign_payload(s: SlotSharingState, slot: int, on_fail: int) -> int:
    """An execution is deployed to a logical slot, perhaps to one that already has another."""
    payload = next_payload(s)
    if s.future[slot] != LogicalSlotFuture.FULFILLED:
        return DISABLED
    if payload == NONE and s.occupant[slot] == Occupant.NOBODY:
        return DISABLED
    return manager.assign_payload(s, slot, payload, on_fail)


@slot_sharing.action(when=has_deployments, payload=payloads)
def payload_terminates(s: SlotSharingState, payload: int) -> int:
    """An execution terminates."""
    if payload not in s.payload_of:
        return DISABLED
    return manager.payload_terminates(s, payload)


# ---------------------------------------------------------------------------- late callers


@slot_sharing.action(when=has_late_calls, multi=multis)
def forget_multi(s: SlotSharingState, multi: int) -> int:
    """Nobody will call this multi-task slot again, which has left all tables."""
    if not is_multi_over(s, multi):
        return DISABLED
    clear_multi(s, multi)
    return NONE


@slot_sharing.action(when=has_late_calls, slot=slots)
def forget_single(s: SlotSharingState, slot: int) -> int:
    """Nobody will call this single-task slot again, which has left its tree."""
    if not is_single_over(s, slot):
        return DISABLED
    clear_single(s, slot)
    return NONE


# ------------------------------------------------------------------------------------ pool


@slot_sharing.action(root=multis, tm=task_managers, allocation=allocations, profile=profiles)
def resolve_context(s: SlotSharingState, root: int, tm: int, allocation: int, profile: int) -> int:
    """The pool has a slot for a root, which may have been released."""
    if not is_root(s, root) or not may_answer(s, root, tm, allocation, profile):
        return DISABLED
    return manager.resolve_context(s, root, tm, allocation, profile)


@slot_sharing.action(root=multis)
def fail_context(s: SlotSharingState, root: int) -> int:
    """The pool has no slot for a root, which may have been released."""
    if not is_root(s, root):
        return DISABLED
    return manager.fail_context(s, root, Cause.OTHER)


# --------------------------------------------------------------------------------- queries


@slot_sharing.action(group=groups, preferred=multis)
def get_unresolved_root(s: SlotSharingState, group: int, preferred: int) -> int:
    """The scheduler looks for an unresolved root; any of them may be the answer."""
    if not manager.is_unresolved_without(s, preferred, group):
        return DISABLED
    return manager.get_unresolved_root(s, group, preferred)


@slot_sharing.action(group=groups)
def list_resolved_roots(s: SlotSharingState, group: int) -> int:
    """The scheduler looks for resolved roots."""
    return manager.list_resolved_roots(s, group)


@slot_sharing.action(tm=task_managers, allocation=allocations)
def get_resolved_root(s: SlotSharingState, tm: int, allocation: int) -> int:
    """The scheduler looks up a root that it has seen in a list; it may have left."""
    return manager.get_resolved_root(s, tm, allocation)


@slot_sharing.action(multi=multis, profile=profiles)
def may_have_enough_resources(s: SlotSharingState, multi: int, profile: int) -> int:
    """The scheduler asks whether one more share fits."""
    if not may_call_multi(s, multi):
        return DISABLED
    return manager.may_have_enough_resources(s, multi, profile)


@slot_sharing.action()
def is_empty(s: SlotSharingState) -> int:
    """A caller asks whether any slot is left."""
    return manager.is_empty(s)
