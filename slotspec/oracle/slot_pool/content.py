"""The effects, states and results in traces of slot pools."""

from __future__ import annotations

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
    SlotInformation,
)
from slotspec.oracle.traces.schema import Name


class AllocatedSlot(Part, frozen=True):
    """A slot that serves a request.

    :param payload: whether something runs in it.
    """

    request: Name
    tm: Name
    index: int
    profile: Name
    payload: bool


class AvailableSlot(Part, frozen=True):
    """A slot that serves nobody; `since` when."""

    tm: Name
    index: int
    profile: Name
    since: Clock


class WaitingRequest(Part, frozen=True):
    """A request that waits for a connection to a ResourceManager.

    :param unfulfillable_since: of a batch request: since when no slot fits; null if one does.
    """

    request: Name
    profile: Name
    batch: bool
    unfulfillable_since: Clock | None


class PendingRequest(WaitingRequest, frozen=True, kw_only=True):
    """A request that the ResourceManager knows.

    :param allocation: the slot that it waits for.
    :param origin: the allocation that it was sent with, if an offer has remapped it since.
    """

    allocation: Name
    origin: Name | UnsetType = UNSET


class LeakedSlot(Part, frozen=True):
    """A slot that only the TaskExecutor's entry still holds."""

    allocation: Name
    tm: Name
    index: int
    profile: Name
    payload: bool


class State(Part, frozen=True):
    """The state of a slot pool; maps have the allocation as key.

    :param task_managers: the registered TaskExecutors.
    :param pending: requests in the order of their queue.
    :param batch_timeout_check: whether batch requests time out when no slot fits.
    :param leaked: absent if there are none.
    """

    started: bool
    connected: bool
    task_managers: list[Name]
    allocated: dict[Name, AllocatedSlot]
    available: dict[Name, AvailableSlot]
    pending: list[PendingRequest]
    waiting: list[WaitingRequest]
    batch_timeout_check: bool
    clock: Clock
    leaked: list[LeakedSlot] | UnsetType = UNSET


class PayloadReleased(Effect, frozen=True, tag="payload.released"):
    """What runs in a slot is told that it lost it."""

    allocation: Name


class CancelSlotRequest(Effect, frozen=True, tag="rm.cancel_slot_request"):
    """The pool cancels its request at the ResourceManager."""

    allocation: Name
    rm: Name


class RequestSlot(Effect, frozen=True, tag="rm.request_slot"):
    """The pool asks the ResourceManager for a slot; the allocation is new."""

    allocation: Name
    profile: Name
    rm: Name


class FreeSlot(Effect, frozen=True, tag="tm.free_slot"):
    """The pool gives a slot back to its TaskExecutor."""

    tm: Name
    allocation: Name


CONTENT = Content(
    State,
    (PayloadReleased, RequestFailed, RequestFulfilled, CancelSlotRequest, RequestSlot, FreeSlot),
    {
        "offer_slots": list[Name],
        "get_available_slots_information": list[AvailableSlotInformation],
        "get_allocated_slots_information": list[SlotInformation],
        "create_allocated_slot_report": list[ReportedSlot],
        "request_timeout": bool,
    },
)
