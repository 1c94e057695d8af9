"""What logical slots remember: the fields of SingleLogicalSlot as small integers.

The location of a slot (task manager, allocation, index, locality) affects nothing, so the state
does not contain it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from slotspec.models.common.exceptions import JavaExceptions
from slotspec.models.common.settings import choice, switch
from slotspec.models.logical_slot.lifecycles import LogicalSlot, Occupant, PayloadRun, ReleaseFuture
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.declaration.model import Scope
from slotspec.statemachine.declaration.records import (
    FLAG,
    Record,
    Sort,
    number,
    per,
    ref,
)
from slotspec.statemachine.declaration.rules import Array


class Effect(Effects):
    """Calls and completions that an operation causes, in order."""

    PAYLOAD_FAIL = effect("payload", "cause")
    """LogicalSlot.Payload.fail"""
    RETURN_SLOT = effect("slot")
    """SlotOwner.returnLogicalSlot"""
    RELEASE_DONE = effect("slot")
    """The release future completes."""
    RELEASE_FAILED = effect("slot")
    """The release future fails."""
    PHYSICAL_ASSIGN = effect("physical", "slot", "accepted")
    """PhysicalSlot.tryAssignPayload; `accepted` is 1 or 0"""
    RAISES = effect("raised")
    """The operation ends with an exception (:class:`Raised`): always the last effect."""


class Raised(JavaExceptions):
    """Exceptions that operations end with."""

    ILLEGAL_STATE = 0, "IllegalStateException"
    """The physical slot is taken."""
    PAYLOADS_OWN = 1, "the payload's exception"
    """The payload throws when it is asked to fail."""


class Reaction(IntEnum):
    """What a payload does when it is asked to fail, or an owner when it gets a slot back."""

    NOTHING = 0
    RELEASE = 1
    """It calls release on the slot."""
    RELEASE_SLOT = 2
    """It calls release_slot on the slot."""
    RAISE = 3
    """It throws."""
    TERMINATE = 4
    """It terminates at once; only payloads do this."""


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
    switch("reactions", "Whether payloads and owners call the slot back.", on=True),
    switch("faults", "Whether payloads and owners throw and terminations fail."),
)

SCOPES = (
    Scope(
        "release",
        "Three slots, three payloads, one physical slot; payloads and owners call back, and"
        " never throw.",
        {"slots": 3, "payloads": 3, "physical_slots": 1, "reactions": 1, "faults": 0},
        large=True,
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
"""``from_physical_slot``: a slot can be allocated from a physical slot (since 1.12).
``fatal_faults``: a failed termination future or a throwing owner ends the process (since 1.13),
so nothing follows."""


class LogicalSlotState(Record):
    """The state of some logical slots, their payloads, and the physical slots below them."""

    slot: Array = per(slots, LogicalSlot, "Each slot.", label="{}")
    occupant: Array = per(
        slots, Occupant, "What its payload field holds.", label="payload field of {}"
    )
    payload_of: Array = per(
        slots, ref(payloads), "The payload assigned to it.", label="payload of {}"
    )
    released: Array = per(slots, ReleaseFuture, "Its release future.", label="release future of {}")
    waits: Array = per(
        slots,
        FLAG,
        "It acts when its payload terminates.",
        label="{} waits for its payload",
    )
    on_return: Array = per(slots, number(4), "What its owner does when it gets the slot back.")
    returned: Array = per(slots, FLAG, "It was returned to its owner.")

    payload: Array = per(payloads, PayloadRun, "Each payload's termination future.", label="{}")
    on_fail: Array = per(payloads, number(4), "What it does when it is asked to fail.")
    told: Array = per(payloads, FLAG, "It was asked to fail.")

    taken: Array = per(
        physical_slots, FLAG, "A logical slot uses this physical slot.", label="{} is taken"
    )

    reactions: int = choice("reactions", "Payloads and owners call back.")
    faults: int = choice("faults", "They throw, and terminations fail.")
    fatal_faults: int = choice("fatal_faults", "Some faults end the process.")
