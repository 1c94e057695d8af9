"""The effects, states and results in traces of fine-grained slot managers."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from slotspec.oracle.traces.content import (
    CanBeReleased,
    Clock,
    Content,
    Effect,
    Number,
    Part,
    Release,
    Resources,
)
from slotspec.oracle.traces.schema import Name

Counter = dict[Name, Number]
"""Profile -> how many slots of it."""


class Job(Part, frozen=True):
    """What a job requires and has.

    :param fulfilled: required profile -> the profiles of the slots that serve it.
    :param serves: profile of a slot -> the required profiles that it serves.
    :param excess: slots that serve nothing.
    """

    required: Counter
    fulfilled: dict[Name, Counter]
    serves: dict[Name, Counter]
    excess: Counter


class TaskManager(Part, frozen=True):
    """A TaskExecutor that is registered.

    :param unused: what no slot takes.
    :param pending: what slots take that are being allocated.
    """

    tm: Name
    total: Name
    default_slot: Name
    num_slots: Number
    unused: Resources
    pending: Resources
    idle_since: Clock | None
    slots: list[Name]


class Slot(Part, frozen=True):
    """A slot of a job; `assigned_tasks` from 2.3 on."""

    job: Name
    profile: Name
    state: Literal["PENDING", "ALLOCATED"]
    instance: Name
    assigned_tasks: Number | UnsetType = UNSET


class PendingTaskManager(Part, frozen=True):
    """A worker that was asked for; `allocations`: job -> slots that are planned on it."""

    allocations: dict[Name, Counter]
    unused: Resources | UnsetType = UNSET


class State(Part, frozen=True):
    """The state of a fine-grained slot manager.

    :param notify: jobs are told if there are not enough resources.
    :param targets: job -> the address of its JobMaster.
    :param unfulfillable: jobs that wait in vain.
    :param task_managers: InstanceID -> TaskExecutor.
    :param slots: allocation -> slot.
    :param indexed: the expected workers that still count.
    :param check_waiting: a check is to come. `declare_waiting`: so is a declaration.
    :param timers: kind and time of each.
    :param queued: actions that the main thread has not run yet.
    :param unwanted: connections to be released.
    """

    started: bool
    clock: Clock
    notify: bool
    jobs: dict[Name, Job]
    targets: dict[Name, Name]
    unfulfillable: list[Name]
    task_managers: dict[Name, TaskManager]
    slots: dict[Name, Slot]
    pending_allocations: list[Name]
    pending_task_managers: dict[Name, PendingTaskManager]
    indexed: list[Name]
    registered_resource: Resources
    pending_resource: Resources
    check_waiting: bool
    timers: list[tuple[Literal["idle", "once", "reconcile"], Clock]]
    queued: Number
    unwanted: list[Name] | UnsetType = UNSET
    declare_waiting: bool | UnsetType = UNSET
    applications: dict[Name, Name] | UnsetType = UNSET


class NotEnoughResources(Effect, frozen=True, tag="job.not_enough_resources"):
    """A job is told that it cannot get what it requires."""

    job: Name
    acquired: Counter


class Allocate(Effect, frozen=True, tag="resource.allocate"):
    """A worker is asked for (1.14)."""

    worker: Name
    slots: Number
    granted: bool


class Declaration(Part, frozen=True):
    """How many workers of a kind are needed, and which ones are not wanted."""

    worker: Name
    slots: Number
    needed: Number
    unwanted: list[Name]


class Declare(Effect, frozen=True, tag="resource.declare"):
    """The needed workers are declared (1.20 and later)."""

    declarations: list[Declaration]


class FreeInactiveSlots(Effect, frozen=True, tag="tm.free_inactive_slots"):
    """A TaskExecutor is told to free what a job does not use."""

    tm: Name
    job: Name


class RequestSlot(Effect, frozen=True, tag="tm.request_slot"):
    """A TaskExecutor is asked for a slot; call and allocation are new."""

    call: Name
    tm: Name
    job: Name
    allocation: Name
    profile: Name
    target: Name
    application: Name | UnsetType = UNSET


class Counts(Part, frozen=True):
    """What the manager counts, as far as the release does."""

    slots: Number
    free_slots: Number
    resource: Resources
    free_resource: Resources
    allocated: list[Name] | UnsetType = UNSET
    required_workers: Counter | UnsetType = UNSET
    assigned_tasks: Number | UnsetType = UNSET


CONTENT = Content(
    State,
    (
        NotEnoughResources,
        Allocate,
        Declare,
        Release,
        CanBeReleased,
        FreeInactiveSlots,
        RequestSlot,
    ),
    {
        "counts": Counts,
        "call_fails": bool,
        "register_task_manager": bool | Literal["SUCCESS", "REJECTED", "IGNORED"],
        "report_slot_status": bool,
    },
)
