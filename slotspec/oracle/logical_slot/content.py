"""The effects, states and results in traces of logical slots."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from slotspec.oracle.traces.content import Content, Effect, Part
from slotspec.oracle.traces.schema import Index, Locality, Name

Future = Literal["pending", "done", "failed"]
"""A future: not complete, completed, or completed with an exception."""


class Slot(Part, frozen=True):
    """A logical slot.

    :param payload: what runs in it; ``terminated`` if that is over, null if nothing did.
    :param released: the future of its release.
    """

    state: Literal["ALIVE", "RELEASING", "RELEASED"]
    payload: Name | None
    released: Future


class State(Part, frozen=True):
    """All logical slots and payloads, by name."""

    slots: dict[Name, Slot]
    payloads: dict[Name, Literal["running", "ok", "failed"]]


class ReturnSlot(Effect, frozen=True, tag="owner.return_slot"):
    """The slot goes back to its owner; `state` is the state that the owner sees."""

    slot: Name
    state: Literal["ALIVE", "RELEASING", "RELEASED"]


class Fail(Effect, frozen=True, tag="payload.fail"):
    """The payload is told to fail; `cause` is null where none is given."""

    payload: Name
    cause: Name | None


class Assign(Effect, frozen=True, tag="physical.assign"):
    """A physical slot is asked to take the logical slot as its payload."""

    physical: Name
    slot: Name
    accepted: bool


class ReleaseDone(Effect, frozen=True, tag="release_future.done"):
    """The future of a release completes."""

    slot: Name


class ReleaseFailed(Effect, frozen=True, tag="release_future.failed"):
    """The future of a release fails."""

    slot: Name


class Description(Part, frozen=True):
    """What a logical slot says of itself; 1.13 says no index, and 1.12 and 1.13 alone say how
    long it is occupied.
    """

    request: Name
    allocation: Name
    tm: Name
    locality: Locality
    index: Index | UnsetType = UNSET
    indefinite: bool | UnsetType = UNSET


CONTENT = Content(
    State,
    (ReturnSlot, Fail, Assign, ReleaseDone, ReleaseFailed),
    {"describe": Description, "get_payload": Name, "release_slot": Future},
)
