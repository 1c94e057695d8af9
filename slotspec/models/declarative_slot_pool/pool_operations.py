"""The operations of DefaultDeclarativeSlotPool alone, as the adaptive scheduler calls them.

Names are Flink's. Counters that an operation receives are in the field ``counted``; counters that
it returns are COUNTED effects. ``release_slot`` and ``offer_slots`` are not the bridge's.
"""

from __future__ import annotations

from slotspec.models.declarative_slot_pool.bridge import offer_one
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.declarative_slot_pool.model import declarative_slot_pool
from slotspec.models.declarative_slot_pool.operations import (
    advance_time,
    assign_payload,
    ended,
    get_available_slots_information,
    list_slot,
    take_offers,
)
from slotspec.models.declarative_slot_pool.pool import (
    free_reserved,
    give_back,
    give_back_all_of,
    is_held,
    reserve,
    return_idle,
    slots_of,
)
from slotspec.models.declarative_slot_pool.requirements import (
    change_requirements,
    declare,
    decrease_by_counted,
    is_empty,
)
from slotspec.models.declarative_slot_pool.state import (
    OK,
    DeclarativePoolState,
    Effect,
    Raised,
)
from slotspec.statemachine.declaration.rules import NONE, emit

__all__ = [
    "advance_time",
    "assign_payload",
    "contains_free_slot",
    "contains_slots",
    "decrease_resource_requirements_by",
    "free_reserved_slot",
    "get_all_slots_information",
    "get_available_slots_information",
    "get_resource_requirements",
    "increase_resource_requirements_by",
    "offer_slots",
    "register_new_slots_listener",
    "register_slots",
    "register_stable_listener",
    "release_idle_slots",
    "release_slot",
    "release_slots",
    "reserve_free_slot",
    "set_resource_requirements",
]


def return_counter(s: DeclarativePoolState, status: int) -> int:
    """End an operation that returns the counter in ``counted``."""
    if status == OK:
        for profile, count in enumerate(s.counted):
            if count > 0:
                emit(s, Effect.COUNTED, profile, count)
    return ended(s, status)


# ----------------------------------------------------------------------------- requirements


@declarative_slot_pool.operation
def increase_resource_requirements_by(s: DeclarativePoolState) -> int:
    """Require more, by a counter; nothing happens if it is empty.

    Flink: increaseResourceRequirementsBy.
    """
    if is_empty(s.counted):
        return ended(s)
    for profile, count in enumerate(s.counted):
        s.required[profile] += count
    return ended(s, change_requirements(s))


@declarative_slot_pool.operation
def decrease_resource_requirements_by(s: DeclarativePoolState) -> int:
    """Require less, by a counter; nothing happens if it is empty.

    Flink: decreaseResourceRequirementsBy.
    """
    return ended(s, decrease_by_counted(s))


@declarative_slot_pool.operation
def set_resource_requirements(s: DeclarativePoolState) -> int:
    """Require just this, and declare it at once; a declaration that waits goes on waiting.

    Flink: setResourceRequirements.
    """
    for profile, count in enumerate(s.counted):
        s.required[profile] = count
    return ended(s, declare(s))


@declarative_slot_pool.operation
def get_resource_requirements(s: DeclarativePoolState) -> int:
    """Answer what is required. Flink: getResourceRequirements."""
    for profile, count in enumerate(s.required):
        if count > 0:
            emit(s, Effect.COUNTED, profile, count)
    return ended(s)


# ------------------------------------------------------------------------------------ slots


def offer_slots(s: DeclarativePoolState, tm: int) -> int:
    """A TaskExecutor offers slots; what is required is accepted. Flink: offerSlots."""
    return ended(s, take_offers(s, tm, 0))


@declarative_slot_pool.operation
def register_slots(s: DeclarativePoolState, tm: int) -> int:
    """All slots of an offer are accepted, also without a requirement (1.20).

    Flink: registerSlots.
    """
    return ended(s, take_offers(s, tm, 1))


@declarative_slot_pool.operation
def reserve_free_slot(s: DeclarativePoolState, allocation: int, profile: int) -> int:
    """Take a free slot for a requirement. Flink: reserveFreeSlot."""
    return ended(s, reserve(s, allocation, profile), allocation)


@declarative_slot_pool.operation
def free_reserved_slot(s: DeclarativePoolState, allocation: int, cause: int) -> int:
    """Give a reserved slot up; what is required stays. Flink: freeReservedSlot."""
    requirement = free_reserved(s, allocation, cause)
    if requirement == NONE:
        return ended(s)
    s.counted[requirement] += 1
    return return_counter(s, offer_one(s, allocation))


def release_slot(s: DeclarativePoolState, allocation: int, cause: int) -> int:
    """A slot goes. Flink: releaseSlot."""
    return return_counter(s, give_back(s, allocation, cause))


@declarative_slot_pool.operation
def release_slots(s: DeclarativePoolState, tm: int, cause: int) -> int:
    """All slots of a TaskExecutor go. Flink: releaseSlots."""
    return return_counter(s, give_back_all_of(s, tm, cause))


@declarative_slot_pool.operation
def release_idle_slots(s: DeclarativePoolState) -> int:
    """Excess slots that were free for too long go; what is required stays.

    Flink: releaseIdleSlots.
    """
    return ended(s, return_idle(s))


@declarative_slot_pool.operation
def get_all_slots_information(s: DeclarativePoolState) -> int:
    """List all slots. Flink: getAllSlotsInformation."""
    for allocation in range(len(s.slot)):
        if is_held(s, allocation):
            list_slot(s, allocation)
    return ended(s)


@declarative_slot_pool.operation
def contains_slots(s: DeclarativePoolState, tm: int) -> int:
    """Whether the pool has a slot of a TaskExecutor. Flink: containsSlots."""
    return int(slots_of(s, tm) > 0)


@declarative_slot_pool.operation
def contains_free_slot(s: DeclarativePoolState, allocation: int) -> int:
    """Whether this slot is in the pool, and free. Flink: containsFreeSlot."""
    return int(s.slot[allocation] == AllocatedSlot.FREE)


# -------------------------------------------------------------------------------- listeners


@declarative_slot_pool.operation
def register_new_slots_listener(s: DeclarativePoolState) -> int:
    """Somebody listens for new slots; a second one is an error. Flink: registerNewSlotsListener."""
    if s.slots_listener:
        return ended(s, Raised.ILLEGAL_STATE)
    s.slots_listener = 1
    return ended(s)


@declarative_slot_pool.operation
def register_stable_listener(s: DeclarativePoolState) -> int:
    """Somebody listens for stable requirements; a second one is an error (2.3).

    Flink: registerResourceRequestStableListener.
    """
    if s.stable_listener:
        return ended(s, Raised.ILLEGAL_STATE)
    s.stable_listener = 1
    return ended(s)
