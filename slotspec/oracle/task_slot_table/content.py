"""The effects, states and results in traces of slot tables."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from slotspec.oracle.traces.content import Clock, Content, Effect, Number, Part, Resources
from slotspec.oracle.traces.schema import Name

Future = Literal["pending", "done", "failed"]


class Slot(Part, frozen=True):
    """A slot that a job has.

    :param tasks: execution -> task.
    :param closing: the future of its end.
    :param memory_shutdown: whether its memory manager is shut down.
    """

    index: int
    job: Name
    profile: Name
    state: Literal["ALLOCATED", "ACTIVE", "RELEASING"]
    tasks: dict[Name, Name]
    closing: Future
    memory_shutdown: bool


class Task(Part, frozen=True):
    """A task that the table knows by its execution."""

    task: Name
    allocation: Name


class Timer(Part, frozen=True):
    """The timeout of a slot that is not active; `fired`: it is due and not handled yet."""

    ticket: Name
    due: Clock
    fired: bool


class State(Part, frozen=True):
    """The state of a slot table.

    :param by_index: slot number -> allocation.
    :param per_job: job -> its allocations.
    :param budget: what is left of the resources.
    :param timers: allocation -> timeout.
    :param closing: the future of the table's end.
    :param next_dynamic_index: the number of the next dynamic slot; from 1.13 on.
    """

    state: Literal["CREATED", "RUNNING", "CLOSING", "CLOSED"]
    by_index: dict[str, Name]
    slots: dict[Name, Slot]
    per_job: dict[Name, list[Name]]
    tasks: dict[Name, Task]
    budget: Resources | Literal["ANY"]
    timers: dict[Name, Timer]
    closing: Future
    clock: Clock
    next_dynamic_index: int | UnsetType = UNSET


class FreeSlot(Effect, frozen=True, tag="actions.free_slot"):
    """The TaskExecutor is told to free a slot."""

    allocation: Name


class TimeoutSlot(Effect, frozen=True, tag="actions.timeout_slot"):
    """The TaskExecutor is told that a slot timed out."""

    allocation: Name
    ticket: Name


class CloseFailed(Effect, frozen=True, tag="table.close_failed"):
    """The future of the table's end fails."""


class Closed(Effect, frozen=True, tag="table.closed"):
    """The future of the table's end completes."""


class FailExternally(Effect, frozen=True, tag="task.fail_externally"):
    """A task is told to fail."""

    task: Name


class Shutdown(Effect, frozen=True, tag="timer_service.shutdown"):
    """The timers are switched off."""


class ReportedSlot(Part, frozen=True):
    """A slot in the report to the ResourceManager; `tasks` from 2.3 on."""

    index: int
    profile: Name
    job: Name | None
    allocation: Name | None
    tasks: Number | UnsetType = UNSET


class SlotOffer(Part, frozen=True):
    """A slot as it is offered to a job."""

    allocation: Name
    index: int
    profile: Name


CONTENT = Content(
    State,
    (FreeSlot, TimeoutSlot, CloseFailed, Closed, FailExternally, Shutdown),
    {
        "free_slot": int,
        "add_task": bool,
        "get_task_memory_manager": Number,
        "get_allocation_ids": list[Name],
        "get_allocated_slots": list[SlotOffer],
        "get_active_slots": list[Name],
        "get_tasks": list[Name],
        "generate_slot_offer": SlotOffer,
        "create_slot_report": list[ReportedSlot],
    },
)
