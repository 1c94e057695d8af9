"""The share of one task: how a single-task slot enters a tree, and what its future becomes.

Rules below the operations. Flink: SingleTaskSlot and its logical slot's future.
"""

from __future__ import annotations

from slotspec.models.logical_slot import operations as logical_slot
from slotspec.models.logical_slot.state import Reaction
from slotspec.models.slot_sharing.lifecycles import LogicalSlotFuture, SlotContextFuture
from slotspec.models.slot_sharing.resources import reserve
from slotspec.models.slot_sharing.state import Effect, SlotSharingState
from slotspec.models.slot_sharing.tree import (
    build_single,
    is_single_registered,
    note_change,
    put_out_of_map,
    root_of,
)
from slotspec.statemachine.declaration.rules import emit, fire


def enter_single(s: SlotSharingState, parent: int, slot: int, group: int, profile: int) -> None:
    """Create a single-task slot below `parent`, in place of any other of its group.

    Its profile is reserved all the way up. If the physical slot is known or has failed, the
    future of the new slot completes at once.
    """
    put_out_of_map(s, parent, group)
    build_single(s, slot, parent, group, profile)
    note_change(s, parent)
    reserve(s, parent, profile)
    if s.context[parent] == SlotContextFuture.KNOWN:
        fulfil_single(s, slot, root_of(s, parent))
    elif s.context[parent] == SlotContextFuture.FAILED:
        fail_single(s, slot, s.failure[root_of(s, parent)])


def fulfil_single(s: SlotSharingState, slot: int, root: int) -> None:
    """Make the single-task slot a logical slot in the root's physical slot."""
    fire(s.future, slot, LogicalSlotFuture.fulfil)
    releases = s.owner_releases and is_single_registered(s, slot)
    logical_slot.create_slot(s, slot, Reaction.RELEASE if releases else Reaction.NOTHING)
    emit(s, Effect.LOGICAL_SLOT_FULFILLED, slot, root)


def fail_single(s: SlotSharingState, slot: int, cause: int) -> None:
    """Fail the future of the logical slot."""
    fire(s.future, slot, LogicalSlotFuture.give_up)
    emit(s, Effect.LOGICAL_SLOT_FAILED, slot, cause)
