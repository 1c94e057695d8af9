"""Lifecycles of the slots that tasks share: a tree of task slots over one physical slot.

They nest like the objects: whatever exists is registered or not, a multi-task slot knows its
physical slot or not, and a single-task slot becomes a logical slot.
Flink: SlotSharingManager, its MultiTaskSlot and SingleTaskSlot.
"""

from __future__ import annotations

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, ReleaseFuture
from slotspec.statemachine.declaration.lifecycle import Event, Lifecycle, State


class TaskSlotRegistration(Lifecycle):
    """Whether the manager finds a task slot by its id. Flink: allTaskSlots."""

    BUILT = State("It is not in the table yet.", initial=True)
    REGISTERED = State("The manager finds it by its id.")
    LEFT = State("It has left the table; its holders may still call it.", final=True)

    register = Event("It is registered under its id.", (BUILT, REGISTERED))
    leave = Event("It is released, or removed from the tree.", (REGISTERED, LEFT))


class SlotContextFuture(Lifecycle):
    """Whether the physical slot under a multi-task slot is known. Flink: slotContextFuture."""

    PENDING = State("The pool has not answered.", initial=True)
    KNOWN = State("The physical slot is there.", final=True)
    FAILED = State("There will be no physical slot.", final=True)

    resolve = Event("The physical slot is there.", (PENDING, KNOWN))
    fail_context = Event("There is no physical slot.", (PENDING, FAILED))


class RootListing(Lifecycle):
    """The table of roots that a slot is in. Flink: unresolvedRootSlots, resolvedRootSlots."""

    UNLISTED = State("In neither table: not a root, or a released one.", initial=True)
    UNRESOLVED = State("A root whose physical slot is not known.")
    RESOLVED = State("A root that the manager finds by TaskExecutor and allocation.")

    enlist = Event("A root is created.", (UNLISTED, UNRESOLVED))
    move = Event("Its physical slot becomes known.", (UNRESOLVED, RESOLVED))
    unlist = Event("It is released.", ((UNRESOLVED, RESOLVED), UNLISTED))
    overwrite = Event("Another root resolves to the same allocation.", (RESOLVED, UNLISTED))


class MultiTaskSlot(Lifecycle):
    """A slot that holds others: a root, or a co-location slot below one.

    Flink: SlotSharingManager.MultiTaskSlot.
    """

    UNUSED = State("There is no such slot.", initial=True)
    EXISTS = State(
        "It has been created; it can be called, in the tables or not.",
        inside=(TaskSlotRegistration, SlotContextFuture, RootListing),
    )

    build = Event("It is created.", (UNUSED, EXISTS))
    forget = Event("Nobody refers to it any more.", (EXISTS, UNUSED))


class LogicalSlotFuture(Lifecycle):
    """The future of a single-task slot. Flink: SingleTaskSlot.singleLogicalSlotFuture."""

    UNDECIDED = State("The physical slot is not known.", initial=True)
    FULFILLED = State(
        "It is a logical slot.", final=True, inside=(LogicalSlot, Occupant, ReleaseFuture)
    )
    FAILED = State("It was released too early, or there is no physical slot.", final=True)

    fulfil = Event("The physical slot is there.", (UNDECIDED, FULFILLED))
    give_up = Event("It is released, or the physical slot failed.", (UNDECIDED, FAILED))


class SingleTaskSlot(Lifecycle):
    """A leaf of the tree: the share of one task. Flink: SlotSharingManager.SingleTaskSlot."""

    UNUSED = State("There is no such slot.", initial=True)
    EXISTS = State(
        "It has been created; it can be called, in the tables or not.",
        inside=(TaskSlotRegistration, LogicalSlotFuture),
    )

    build = Event("It is created.", (UNUSED, EXISTS))
    forget = Event("Nobody refers to it any more.", (EXISTS, UNUSED))
