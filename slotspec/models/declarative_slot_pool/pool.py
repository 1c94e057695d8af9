"""The slots of the pool: taken, reserved, freed, returned.

Rules return a status, ``OK`` or a ``Raised``; what they did before an exception stays done.
Flink: DefaultDeclarativeSlotPool with DefaultAllocatedSlotPool.
"""

from __future__ import annotations

from enum import IntEnum

from slotspec.models.common.orders import arrange, in_order
from slotspec.models.common.resource_profile import Answer
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot, Payload
from slotspec.models.declarative_slot_pool.requirements import (
    adjust_requirements,
    answer,
    find_requirement,
    subtract,
)
from slotspec.models.declarative_slot_pool.state import (
    OK,
    Cause,
    DeclarativePoolState,
    Effect,
    Raised,
)
from slotspec.statemachine.declaration.queues import append, length, remove
from slotspec.statemachine.declaration.rules import NONE, emit, fire


class Acceptance(IntEnum):
    """What becomes of an offer."""

    REJECTED = 0
    KNOWN = 1
    """It is accepted, because the pool has a slot of this allocation."""
    NEW = 2


# ---------------------------------------------------------------------------------- tables


def is_held(s: DeclarativePoolState, allocation: int) -> bool:
    """Whether the pool has a slot under this allocation."""
    return s.slot[allocation] != AllocatedSlot.ABSENT


def slots_of(s: DeclarativePoolState, tm: int) -> int:
    """Number of slots of a TaskExecutor."""
    return sum(holder == tm and is_held(s, a) for a, holder in enumerate(s.slot_tm))


def free_slots_of(s: DeclarativePoolState, tm: int) -> int:
    """Number of free slots of a TaskExecutor."""
    return sum(a != NONE and s.slot_tm[a] == tm for a in s.free)


def older_than(s: DeclarativePoolState, allocation: int, other: int) -> bool:
    """Whether one slot came before another; without a clock, allocations decide."""
    if s.slot_serial[allocation] != s.slot_serial[other]:
        return s.slot_serial[allocation] < s.slot_serial[other]
    return allocation < other


def older_of(s: DeclarativePoolState, allocation: int, other: int) -> int:
    """The older of two slots; the other may be NONE."""
    return allocation if other == NONE or older_than(s, allocation, other) else other


def oldest_slot_of(s: DeclarativePoolState, tm: int) -> int:
    """The oldest slot of a TaskExecutor, or NONE."""
    found = NONE
    for allocation, holder in enumerate(s.slot_tm):
        if holder == tm and is_held(s, allocation):
            found = older_of(s, allocation, found)
    return found


def put_free(s: DeclarativePoolState, allocation: int) -> None:
    """The slot is free from now on, and the youngest of the free ones."""
    append(s.free, allocation)
    s.idle_for[allocation] = 0


def leave_free(s: DeclarativePoolState, allocation: int) -> None:
    """The slot is not free any more."""
    remove(s.free, allocation)
    s.idle_for[allocation] = 0


def remove_slot(s: DeclarativePoolState, allocation: int) -> None:
    """The slot leaves all tables. It counts for its requirement until it is returned.

    The caller has fired the slot's event. Flink: DefaultAllocatedSlotPool.removeSlot.
    """
    remove(s.free, allocation)
    s.idle_for[allocation] = 0
    if s.payload[allocation] == Payload.ASSIGNED:
        fire(s.payload, allocation, Payload.leave)
        s.kept_payload[allocation] = 1


# ---------------------------------------------------------------------------------- offers


def is_known_offer(s: DeclarativePoolState, place: int, tm: int) -> bool:
    """Whether an offer is accepted because its allocation is held, by whichever TaskExecutor."""
    return is_held(s, s.offer_allocation[place])


def accept_offers(s: DeclarativePoolState, tm: int, take_all: int) -> int:
    """Decide about the offers, in order; each one that is accepted counts at once.

    :param take_all: a slot without a requirement is taken too, for the wildcard.
    """
    for place, allocation in enumerate(s.offer_allocation):
        if allocation == NONE:
            continue
        if is_known_offer(s, place, tm):
            s.accepted[place] = Acceptance.KNOWN
            continue
        status, requirement = find_requirement(s, s.offer_profile[place])
        if status != OK:
            return status
        if requirement == NONE and take_all:
            requirement = s.wildcard
        if requirement != NONE:
            s.acquired[requirement] += 1
            s.matched[allocation] = requirement
            s.accepted[place] = Acceptance.NEW
    return OK


def enter_offers(s: DeclarativePoolState, tm: int) -> int:
    """Enter the new slots, in order; the same one twice is an error.

    Flink: DefaultAllocatedSlotPool.addSlots.
    """
    for place, allocation in enumerate(s.offer_allocation):
        if s.accepted[place] == Acceptance.NEW:
            if is_held(s, allocation):
                return int(Raised.ILLEGAL_STATE)
            fire(s.slot, allocation, AllocatedSlot.add)
            s.slot_tm[allocation] = tm
            s.slot_index[allocation] = s.offer_index[place]
            s.slot_profile[allocation] = s.offer_profile[place]
            if s.follow_clock:
                s.serial += 1
                s.slot_serial[allocation] = s.serial
            put_free(s, allocation)
            append(s.new, allocation)
    return OK


def list_accepted(s: DeclarativePoolState) -> None:
    """Answer which offers are accepted."""
    for place, allocation in enumerate(s.offer_allocation):
        if s.accepted[place] != Acceptance.REJECTED:
            emit(s, Effect.ACCEPTED, allocation)


# ------------------------------------------------------------------------------ reservation


def reserve(s: DeclarativePoolState, allocation: int, wanted: int) -> int:
    """Take a free slot for a requirement. Flink: DefaultDeclarativeSlotPool.reserveFreeSlot."""
    if not is_held(s, allocation):
        null = s.unknown_allocation_is_null
        return int(Raised.NULL_POINTER) if null else int(Raised.ILLEGAL_STATE)
    if s.slot[allocation] != AllocatedSlot.FREE:
        return int(Raised.ILLEGAL_STATE)
    fire(s.slot, allocation, AllocatedSlot.reserve)
    leave_free(s, allocation)
    match answer(s, s.slot_profile[allocation], wanted):
        case Answer.THROWS:
            return int(Raised.UNSUPPORTED)
        case Answer.NO:
            return int(Raised.ILLEGAL_STATE)
    old = s.matched[allocation]
    if old == wanted:
        return OK
    s.matched[allocation] = wanted
    s.acquired[wanted] += 1
    subtract(s.acquired, old, 1)
    if old == s.wildcard and s.has_wildcard:
        return OK
    return adjust_requirements(s, old, wanted)


def release_payload(s: DeclarativePoolState, allocation: int, cause: int) -> None:
    """Tell what runs in the slot to stop. Flink: AllocatedSlot.releasePayload."""
    if s.payload[allocation] == Payload.ASSIGNED:
        fire(s.payload, allocation, Payload.release)
        emit(s, Effect.PAYLOAD_RELEASED, allocation, cause)


def free_reserved(s: DeclarativePoolState, allocation: int, cause: int) -> int:
    """Free a reserved slot; returns the requirement that it counts for, or NONE.

    The caller tells the listener. Flink: DefaultDeclarativeSlotPool.freeReservedSlot.
    """
    if s.slot[allocation] != AllocatedSlot.RESERVED:
        return NONE
    fire(s.slot, allocation, AllocatedSlot.free)
    put_free(s, allocation)
    release_payload(s, allocation, cause)
    return s.matched[allocation]


# ------------------------------------------------------------------------------------ return


def take_away(s: DeclarativePoolState, allocation: int) -> None:
    """Let a slot leave the tables, to be returned; a reserved one is counted.

    ``counted`` then has the requirements of reserved slots.
    """
    if s.slot[allocation] == AllocatedSlot.RESERVED:
        s.counted[s.matched[allocation]] += 1
    else:
        remove_slot(s, allocation)
    fire(s.slot, allocation, AllocatedSlot.remove)
    append(s.going, allocation)


def return_slots(s: DeclarativePoolState, cause: int) -> int:
    """Return the slots that go to their TaskExecutors, in order.

    A slot with a payload is an error: neither it nor the rest is returned, though all have left
    the tables. Flink: DefaultDeclarativeSlotPool.freeAndReleaseSlots.
    """
    status = OK
    for place, allocation in enumerate(s.going):
        if allocation == NONE:
            break
        if s.kept_payload[allocation]:
            status = int(Raised.ILLEGAL_STATE)
        if status == OK:
            subtract(s.acquired, s.matched[allocation], 1)
            s.matched[allocation] = NONE
            emit(s, Effect.FREE_SLOT, s.slot_tm[allocation], allocation, cause)
        forget_slot(s, allocation)
        s.kept_payload[allocation] = 0
        s.going[place] = NONE
    return status


def forget_slot(s: DeclarativePoolState, allocation: int) -> None:
    """The slot's record is over; another one under the same allocation may use it."""
    s.slot_tm[allocation] = NONE
    s.slot_index[allocation] = NONE
    s.slot_profile[allocation] = NONE
    s.slot_serial[allocation] = 0


def give_back(s: DeclarativePoolState, allocation: int, cause: int) -> int:
    """One slot goes. Flink: DefaultDeclarativeSlotPool.releaseSlot."""
    if not is_held(s, allocation):
        return OK
    take_away(s, allocation)
    release_payload(s, allocation, cause)
    return return_slots(s, cause)


def give_back_all_of(s: DeclarativePoolState, tm: int, cause: int) -> int:
    """All slots of a TaskExecutor go, in the order of a hash set. Flink: releaseSlots."""
    allocation = oldest_slot_of(s, tm)
    while allocation != NONE:
        take_away(s, allocation)
        allocation = oldest_slot_of(s, tm)
    arrange(s.going, 0, s.slot_order)
    for gone in s.going:
        if gone != NONE:
            release_payload(s, gone, cause)
    return return_slots(s, cause)


def is_idle_too_long(s: DeclarativePoolState, allocation: int) -> bool:
    """Whether a slot has been free for at least the timeout."""
    return s.idle_for[allocation] >= s.idle_timeout


def free_in_order(s: DeclarativePoolState, place: int) -> int:
    """The free slot at this place of the hash table of free slots."""
    return s.free[in_order(length(s.free), s.slot_order, place)]


def return_idle(s: DeclarativePoolState) -> int:
    """Return excess slots that were free for too long. Flink: releaseIdleSlots."""
    for profile, acquired in enumerate(s.acquired):
        s.excess[profile] = max(0, acquired - s.required[profile])
    for place in range(length(s.free)):
        allocation = free_in_order(s, place)
        profile = s.matched[allocation]
        if is_idle_too_long(s, allocation) and profile != NONE and s.excess[profile] > 0:
            s.excess[profile] -= 1
            append(s.going, allocation)
    for allocation in s.going:
        if allocation != NONE:
            remove_slot(s, allocation)
            fire(s.slot, allocation, AllocatedSlot.expire)
    return return_slots(s, Cause.FLINK)
