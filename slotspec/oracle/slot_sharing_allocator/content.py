"""The effects, states and results in traces of slot sharing allocators."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from slotspec.oracle.traces.content import Amount, Clock, Content, Effect, Part
from slotspec.oracle.traces.schema import Name

Profile = Literal["any", "unknown"] | tuple[Amount, Amount]
"""A profile: cpu and heap in MiB."""
Future = Literal["pending", "done", "failed"]


class SharedSlot(Part, frozen=True):
    """The shared slot of a group.

    :param request: of its physical slot, under `profile`.
    :param physical: the allocation of the physical slot, or ``pending``.
    :param logical: vertex, request and future of each logical slot.
    """

    request: Name
    profile: Profile
    physical: Name
    logical: list[tuple[Name, Name, Future]]


class LogicalSlot(Part, frozen=True):
    """A logical slot that somebody has."""

    vertex: Name
    allocation: Name
    state: Literal["ALIVE", "RELEASING", "RELEASED"]
    payload: Name | None


class Bulk(Part, frozen=True):
    """Requests that are fulfilled together or time out together.

    :param due: when its next check is.
    :param executions: group -> its vertices. `pending` and `fulfilled` have the groups without
        and with a slot.
    """

    bulk: Name
    due: Clock
    unfulfillable_since: Clock | None
    executions: list[tuple[Name, list[Name]]]
    pending: list[tuple[Name, Profile]]
    fulfilled: list[tuple[Name, Name]]


class PoolSlot(Part, frozen=True):
    """A slot of the scripted pool, and who has it."""

    tm: Name
    profile: Profile
    payload: Literal["foreign", "shared"] | None


class Pool(Part, frozen=True):
    """The scripted pool below the allocator.

    :param pending: request and profile.
    :param taken: request -> allocation.
    """

    mode: Literal["normal", "fails", "raises", "refuses"]
    slots: dict[Name, PoolSlot]
    free: list[Name]
    pending: list[tuple[Name, Profile]]
    taken: dict[Name, Name]


class State(Part, frozen=True):
    """The state of an allocator: shared slots by group, logical slots by request."""

    shared: dict[Name, SharedSlot]
    logical: dict[Name, LogicalSlot]
    bulks: list[Bulk]
    pool: Pool
    clock: Clock


class ForeignRelease(Effect, frozen=True, tag="foreign.release"):
    """What another user runs in a slot is told that it lost it."""

    allocation: Name
    cause: Name


class LogicalCompleted(Effect, frozen=True, tag="logical.completed"):
    """The future of a vertex gets its logical slot."""

    future: Name
    vertex: Name
    logical: Name
    allocation: Name


class LogicalFailed(Effect, frozen=True, tag="logical.failed"):
    """The future of a vertex fails."""

    future: Name
    vertex: Name
    error: Name
    root_cause: Name


class LogicalReleased(Effect, frozen=True, tag="logical.released"):
    """The future of a logical slot's release completes, with an error if it failed."""

    logical: Name
    error: Name | UnsetType = UNSET


class Fail(Effect, frozen=True, tag="payload.fail"):
    """A payload is told to fail."""

    payload: Name
    cause: Name


class AllocateAvailable(Effect, frozen=True, tag="pool.allocate_available"):
    """A free slot of the pool is taken; 1.20 and 2.3 say the profile, 2.3 the load."""

    request: Name
    allocation: Name
    profile: Profile | UnsetType = UNSET
    load: Amount | UnsetType = UNSET


class ReleaseSlot(Effect, frozen=True, tag="pool.release_slot"):
    """A slot, or the request for it, is given back to the pool."""

    request: Name
    cause: Name


class RequestNew(Effect, frozen=True, tag="pool.request_new"):
    """A new slot is asked of the pool."""

    request: Name
    profile: Profile
    batch: bool
    load: Amount | UnsetType = UNSET


class RetrieverAsked(Effect, frozen=True, tag="retriever.asked"):
    """The preferences of a group's slot are asked."""

    group: Name
    profile: Profile


class RetrieverCreated(Effect, frozen=True, tag="retriever.created"):
    """The preferences of a bulk are prepared."""

    bulk: list[Name]


class DisableBatchCheck(Effect, frozen=True, tag="pool.disable_batch_check"):
    """The pool is told to leave batch timeouts to the allocator; only before the first step."""


class TimerRaised(Effect, frozen=True, tag="timer.raised"):
    """What a timer did ends with an exception."""

    error: Name


CONTENT = Content(
    State,
    (
        ForeignRelease,
        LogicalCompleted,
        LogicalFailed,
        LogicalReleased,
        Fail,
        AllocateAvailable,
        ReleaseSlot,
        RequestNew,
        RetrieverAsked,
        RetrieverCreated,
        DisableBatchCheck,
        TimerRaised,
    ),
    {"allocate": list[tuple[Name, Name]], "fail_task_manager": list[Name]},
)
