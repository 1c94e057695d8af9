"""The effects, states and results in traces of declarative slot pools and of their bridge."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from slotspec.oracle.traces.content import (
    AvailableSlotInformation,
    Clock,
    Content,
    Effect,
    Part,
    ReportedSlot,
    RequestFailed,
    RequestFulfilled,
    Requirement,
    SlotInformation,
)
from slotspec.oracle.traces.schema import Index, Name


class Slot(Part, frozen=True):
    """A slot of the pool; `payload`: whether something runs in it, reserved or not."""

    tm: Name
    index: int
    profile: Name
    payload: bool


class PoolState(Part, frozen=True):
    """The state of a pool.

    :param required: the requirements, by profile.
    :param acquired: how many slots count for each profile; kept by hand, so it may drift from
        `matched`.
    :param slots: allocation -> slot.
    :param matched: allocation -> the required profile that the slot counts for.
    :param free: allocation of a slot that nobody has -> since when.
    :param by_tm: TaskExecutor -> its allocations.
    :param timers: when the timers fire.
    :param stable: whether what is required is stable; only in releases that tell.
    """

    required: list[Requirement]
    acquired: list[Requirement]
    slots: dict[Name, Slot]
    matched: dict[Name, Name]
    free: dict[Name, Clock]
    by_tm: dict[Name, list[Name]]
    timers: list[Clock]
    clock: Clock
    stable: bool | UnsetType = UNSET


class PendingRequest(Part, frozen=True):
    """A request without a slot, in the order of arrival.

    :param unfulfillable_since: of a batch request: since when no slot fits; null if one does.
    :param preferred: allocations that it would rather have.
    :param load: of 2.3: how many tasks its slot is to run.
    """

    request: Name
    profile: Name
    batch: bool
    unfulfillable_since: Clock | None
    preferred: list[Name] | UnsetType = UNSET
    load: Index | UnsetType = UNSET


class FulfilledRequest(Part, frozen=True):
    """A request with its slot; TaskExecutor and load where the release tells them."""

    allocation: Name
    tm: Name | UnsetType = UNSET
    load: Index | UnsetType = UNSET


class State(PoolState, frozen=True, kw_only=True):
    """The state of a bridge and its pool.

    :param job_restarting: whether the job is restarting; only in releases that ask.
    """

    lifecycle: Literal["CREATED", "STARTED", "CLOSED"]
    connected: bool
    task_managers: list[Name]
    batch_timeout_check: bool
    pending: list[PendingRequest]
    fulfilled: dict[Name, FulfilledRequest]
    job_restarting: bool | UnsetType = UNSET


class PayloadReleased(Effect, frozen=True, tag="payload.released"):
    """What runs in a slot is told that it lost it; `cause` is null where none is given."""

    allocation: Name
    cause: Name | None


class FreeSlot(Effect, frozen=True, tag="tm.free_slot"):
    """The pool gives a slot back to its TaskExecutor."""

    tm: Name
    allocation: Name
    cause: Name


class DeclareRequiredResources(Effect, frozen=True, tag="rm.declare_required_resources"):
    """The bridge declares to the ResourceManager what the job requires; the call is new."""

    rm: Name
    call: Name
    requirements: list[Requirement]


class TimerRaised(Effect, frozen=True, tag="timer.raised"):
    """What a timer did ends with an exception."""

    error: Name


class NewSlots(Effect, frozen=True, tag="new_slots"):
    """The listener is told of new slots."""

    allocations: list[Name]


class Requirements(Effect, frozen=True, tag="requirements"):
    """The listener is told what the pool requires now."""

    requirements: list[Requirement]


class Stable(Effect, frozen=True, tag="stable"):
    """The listener is told that what is required is stable."""


_SLOTS = {
    "offer_slots": list[Name],
    "get_available_slots_information": list[AvailableSlotInformation],
}
POOL_CONTENT = Content(
    PoolState,
    (PayloadReleased, FreeSlot, NewSlots, Requirements, Stable),
    {
        **_SLOTS,
        "get_resource_requirements": list[Requirement],
        "register_slots": list[Name],
        "free_reserved_slot": list[Requirement],
        "release_slot": list[Requirement],
        "release_slots": list[Requirement],
        "get_all_slots_information": list[SlotInformation],
    },
)
CONTENT = Content(
    State,
    (
        PayloadReleased,
        FreeSlot,
        RequestFailed,
        RequestFulfilled,
        DeclareRequiredResources,
        TimerRaised,
    ),
    {
        **_SLOTS,
        "get_allocated_slots_information": list[SlotInformation],
        "create_allocated_slot_report": list[ReportedSlot],
        "request_timeout": bool,
    },
    {"org.apache.flink DefaultDeclarativeSlotPool": POOL_CONTENT},
)
