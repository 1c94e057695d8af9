"""The effects, states and results in traces of slot managers."""

from __future__ import annotations

from typing import Literal

from slotspec.oracle.traces.content import (
    CanBeReleased,
    Clock,
    Content,
    Effect,
    Number,
    Part,
    Release,
)
from slotspec.oracle.traces.schema import Name


class SlotRequest(Part, frozen=True):
    """The request that a slot is asked for; `registered`: whether the manager still has it."""

    allocation: Name
    registered: bool


class Slot(Part, frozen=True):
    """A slot of a TaskExecutor.

    :param instance: the TaskExecutor's connection.
    :param allocation: who has the slot, and which job; null if it is free.
    :param request: the request that the slot is being asked for.
    """

    instance: Name
    profile: Name
    state: Literal["FREE", "PENDING", "ALLOCATED"]
    allocation: Name | None
    job: Name | None
    request: SlotRequest | None


class Registration(Part, frozen=True):
    """A connection to a TaskExecutor; `free` counts its free slots."""

    slots: list[Name]
    free: Number
    idle_since: Clock | None


class Request(Part, frozen=True):
    """A request of a job.

    :param created: when.
    :param call: the call to a TaskExecutor that has no answer yet.
    :param pending_slot: the slot of a worker to come that it waits for.
    """

    job: Name
    profile: Name
    created: Clock
    call: Name | None
    pending_slot: Name | None


class State(Part, frozen=True):
    """The state of a slot manager.

    :param slots: ``tm1/0`` -> slot. `free_slots` has the free ones in order.
    :param registrations: InstanceID -> connection.
    :param requests: allocation -> request.
    :param pending_slots: slots of workers that were asked for, with the request that waits.
    :param fulfilled: allocation -> its slot.
    :param checks: the times of the periodic checks.
    :param queued: actions that the main thread has not run yet.
    """

    started: bool
    slots: dict[Name, Slot]
    free_slots: list[Name]
    registrations: dict[Name, Registration]
    requests: dict[Name, Request]
    pending_slots: dict[Name, SlotRequest | None]
    fulfilled: dict[Name, Name]
    fail_unfulfillable: bool
    checks: list[Clock]
    queued: Number
    clock: Clock


class AllocationFailed(Effect, frozen=True, tag="allocation.failed"):
    """The job is told that a request of it failed."""

    job: Name
    allocation: Name
    cause: Name


class Allocate(Effect, frozen=True, tag="resource.allocate"):
    """A worker is asked for; `granted`: whether one will come."""

    granted: bool


class RequestSlot(Effect, frozen=True, tag="tm.request_slot"):
    """A TaskExecutor is asked for a slot; the call is new."""

    call: Name
    slot: Name
    job: Name
    allocation: Name
    profile: Name


class Counts(Part, frozen=True):
    """What the slot manager counts."""

    registered: Number
    free: Number
    pending_slots: Number
    pending_requests: Number
    assigned_pending_slots: Number
    required_workers: Number


CONTENT = Content(
    State,
    (AllocationFailed, Allocate, Release, CanBeReleased, RequestSlot),
    {"counts": Counts, "call_fails": bool},
)
