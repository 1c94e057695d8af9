"""The effects, states and results in traces of slot sharing managers."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from slotspec.oracle.traces.content import Amount, Content, Effect, Part, Resources
from slotspec.oracle.traces.schema import Locality, Name


class LogicalSlot(Part, frozen=True):
    """The logical slot of a leaf; `payload` is what runs in it, or ``terminated``."""

    state: Literal["ALIVE", "RELEASING", "RELEASED"]
    payload: Name | None
    released: Literal["pending", "done", "failed"]


class Slot(Part, frozen=True):
    """A root, a slot with children (multi), or a leaf (single).

    :param group: the sharing group of a multi or single slot.
    :param children: of a root or multi slot: group -> slot.
    :param reserved: what its leaves need together.
    :param context: of a root: the allocation of its physical slot, ``pending`` or ``failed``.
    :param profile: of a leaf.
    :param logical: of a leaf: its logical slot, ``pending`` or ``failed``.
    """

    kind: Literal["root", "multi", "single"]
    group: Name | None
    parent: Name | UnsetType | None = UNSET
    children: dict[Name, Name] | UnsetType = UNSET
    reserved: Resources | Literal["ANY", "UNKNOWN"] | UnsetType = UNSET
    context: Name | UnsetType = UNSET
    profile: Name | UnsetType = UNSET
    logical: LogicalSlot | Literal["pending", "failed"] | UnsetType = UNSET


class State(Part, frozen=True):
    """All slots by name, the roots that wait for a physical slot, and the others by
    TaskExecutor and allocation.
    """

    slots: dict[Name, Slot]
    unresolved: list[Name]
    resolved: dict[Name, dict[Name, Name]]


class LogicalSlotFailed(Effect, frozen=True, tag="logical_slot.failed"):
    """The future of a leaf's logical slot fails."""

    slot: Name
    error: Name


class LogicalSlotFulfilled(Effect, frozen=True, tag="logical_slot.fulfilled"):
    """The future of a leaf's logical slot completes."""

    slot: Name
    allocation: Name
    tm: Name
    locality: Locality


class ReturnSlot(Effect, frozen=True, tag="owner.return_slot"):
    """A logical slot goes back to its owner."""

    slot: Name


class Fail(Effect, frozen=True, tag="payload.fail"):
    """A payload is told to fail; `cause` is null where none is given."""

    payload: Name
    cause: Name | None


class ReleaseSlot(Effect, frozen=True, tag="pool.release_slot"):
    """The physical slot, or the request for it, is released."""

    request: Name
    cause: Name


class Root(Part, frozen=True):
    """A root with a physical slot, and what of it is not reserved."""

    allocation: Name
    tm: Name
    remaining: Resources | Literal["ANY", "UNKNOWN"]
    utilization: Amount


CONTENT = Content(
    State,
    (LogicalSlotFailed, LogicalSlotFulfilled, ReturnSlot, Fail, ReleaseSlot),
    {
        "list_resolved_roots": list[Root],
        "resolve_context": bool,
        "fail_context": bool,
        "contains_group": bool,
        "contains_slot": bool,
        "get_unresolved_root": Name,
        "get_resolved_root": Name,
    },
)
