"""What the effects, states and results in traces of a class look like, beyond its operations.

Each class declares these in its ``content.py`` as types. They are the source of the JSON Schema
files and of the format reference; replaying compares values, and needs no types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from slotspec.oracle.traces.schema import Count, Name


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the objects in a state, an effect or a result."""


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect"):
    """Base of the effects; the tag is the name of the effect."""


@dataclass(frozen=True)
class Content:
    """What traces of one class contain besides operations and their arguments.

    :param state: the state after a step.
    :param effects: every effect.
    :param results: operation -> its result, where the operation does not declare it.
    :param variants: the content of other classes that the same model covers.
    """

    state: type[Part]
    effects: tuple[type[Effect], ...] = ()
    results: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, Content] = field(default_factory=dict)


Clock = Annotated[int, Meta(ge=0)]
"""Milliseconds since the trace began."""
Number = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Requirement = tuple[Name, Number]
"""A profile, and how many slots of it."""


class Resources(Part, frozen=True):
    """Amounts of resources: cpu in cores, memory in MiB, others by name."""

    cpu: Amount
    task_heap_mb: Amount
    task_off_heap_mb: Amount
    managed_mb: Amount
    network_mb: Amount
    extended: dict[str, Amount]


class SlotInformation(Part, frozen=True):
    """A slot of a pool.

    :param index: its number at the TaskExecutor.
    """

    allocation: Name
    tm: Name
    index: int
    profile: Name


class AvailableSlotInformation(SlotInformation, frozen=True):
    """A free slot of a pool, and the share of its TaskExecutor's slots that are taken."""

    utilization: Annotated[float, Meta(ge=0, le=1)]


class ReportedSlot(Part, frozen=True):
    """A slot in the report of a TaskExecutor's allocations."""

    allocation: Name
    index: int


class RequestFailed(Effect, frozen=True, tag="request.failed"):
    """The future of a request fails.

    :param attempt: which call under this request id, if there were several.
    """

    request: Name
    error: Name
    root_cause: Name
    attempt: Count | UnsetType = UNSET


class RequestFulfilled(Effect, frozen=True, tag="request.fulfilled"):
    """The future of a request gets its slot."""

    request: Name
    allocation: Name
    attempt: Count | UnsetType = UNSET


class Release(Effect, frozen=True, tag="resource.release"):
    """A TaskExecutor is released."""

    instance: Name
    cause: Name


class CanBeReleased(Effect, frozen=True, tag="tm.can_be_released"):
    """A TaskExecutor is asked whether it may be released; the query is new."""

    tm: Name
    query: Name
