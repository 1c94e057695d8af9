"""What logical slots remember: the fields of SingleLogicalSlot as small integers.

Where a slot lies (task manager, allocation, number, locality) decides nothing and is not
kept here: it is what the slot was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.declaration.model import Scope
from slotspec.statemachine.declaration.records import (
    FLAG,
    Bound,
    Record,
    Sort,
    constant,
    number,
    per,
    ref,
)
from slotspec.statemachine.declaration.rules import Array


class Effect(Effects):
    """What an operation tells the world, in order."""

    PAYLOAD_FAIL = effect("payload", "cause")
    """LogicalSlot.Payload.fail"""
    RETURN_SLOT = effect("slot")
    """SlotOwner.returnLogicalSlot"""
    RELEASE_DONE = effect("slot")
    """the release future completes"""
    RELEASE_FAILED = effect("slot")
    """the release future fails"""
    PHYSICAL_ASSIGN = effect("physical", "slot", "accepted")
    """PhysicalSlot.tryAssignPayload; `accepted` is 1 or 0"""
    RAISES = effect("raised")
    """the operation ends with an exception (:class:`Raised`); it is always the last effect"""


class Raised(IntEnum):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0
    """IllegalStateException: the physical slot is taken."""
    PAYLOADS_OWN = 1
    """What the payload has thrown when it was told to fail."""


class Reaction(IntEnum):
    """What a payload does when it is told to fail, or an owner when a slot is returned."""

    NOTHING = 0
    RELEASE = 1
    """It calls release on the slot."""
    RELEASE_SLOT = 2
    """It calls release_slot on the slot."""
    RAISE = 3
    """It throws."""
    TERMINATE = 4
    """It terminates at once; payloads only."""


class Outcome(IntEnum):
    """How a payload terminates."""

    OK = 0
    FAILS = 1


slots = Sort("slots", "Logical slots, by SlotRequestId.", default=2, symmetric=True, prefix="s")
payloads = Sort(
    "payloads", "Payloads: executions that may be deployed.", default=2, symmetric=True, prefix="y"
)
physical_slots = Sort(
    "physical_slots",
    "Physical slots to allocate from.",
    default=1,
    minimum=0,
    symmetric=True,
    prefix="h",
)

BOUNDS = (
    Bound("reactions", "Whether payloads and owners call back.", 1, 0, 1),
    Bound("faults", "Whether payloads and owners throw, and terminations fail.", 0, 0, 1),
)

SCOPES = (
    Scope(
        "release",
        "Three slots, three payloads, one physical slot; everybody calls back, nobody throws.",
        {"slots": 3, "payloads": 3, "physical_slots": 1, "reactions": 1, "faults": 0},
    ),
    Scope(
        "faults",
        "Three slots, two payloads; payloads and owners throw, terminations fail.",
        {"slots": 3, "payloads": 2, "physical_slots": 0, "reactions": 1, "faults": 1},
    ),
    Scope(
        "many",
        "Four slots, three payloads, two physical slots; nobody calls back.",
        {"slots": 4, "payloads": 3, "physical_slots": 2, "reactions": 0, "faults": 0},
    ),
)

V1_11: Mapping[str, Any] = {"from_physical_slot": 0, "fatal_faults": 0}
V1_12: Mapping[str, Any] = {"from_physical_slot": 1, "fatal_faults": 0}
V1_13: Mapping[str, Any] = {"from_physical_slot": 1, "fatal_faults": 1}
GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.11": V1_11, "1.12": V1_12, "1.13": V1_13}
"""``from_physical_slot``: a slot can be allocated from a physical slot (1.12).
``fatal_faults``: a failed termination future and a throwing owner end the process (1.13), so
nothing follows them."""


class LogicalSlotState(Record):
    """The state of some logical slots, their payloads, and the physical slots below them."""

    slot: Array = per(slots, LogicalSlot, "Each slot.")
    occupant: Array = per(slots, Occupant, "What stands in its payload field.")
    payload_of: Array = per(slots, ref(payloads), "The payload that was assigned to it.")
    released: Array = per(slots, ReleaseFuture, "Its release future.")
    waits: Array = per(slots, FLAG, "It acts when its payload terminates.")
    on_return: Array = per(slots, number(4), "What its owner does when it is returned.")
    returned: Array = per(slots, FLAG, "It was returned to its owner.")

    payload: Array = per(payloads, PayloadRun, "Each payload's termination future.")
    on_fail: Array = per(payloads, number(4), "What it does when it is told to fail.")
    told: Array = per(payloads, FLAG, "It was told to fail.")

    taken: Array = per(physical_slots, FLAG, "Each physical slot: a logical slot uses it.")

    reactions: int = constant("Payloads and owners call back.", lambda g: g["reactions"])
    faults: int = constant("They throw, and terminations fail.", lambda g: g["faults"])
    fatal_faults: int = constant("Some faults end the process.", lambda g: g["fatal_faults"])
