"""What each party keeps of an allocation, and which lines tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from slotspec.logs.line_kinds import Party
from slotspec.models.declarative_slot_pool.lifecycles import AllocatedSlot
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot
from slotspec.models.slot_manager.lifecycles import ManagerRequest
from slotspec.models.slot_pool.lifecycles import PhysicalSlot
from slotspec.models.task_slot_table.lifecycles import TaskSlot
from slotspec.statemachine.declaration.lifecycle import Lifecycle

BIRTHS = ("slot_requested", "request_received", "allocation_started")
"""The lines that an allocation's story begins with."""


@dataclass(frozen=True)
class View:
    """What one party keeps of an allocation, and which lines tell of it.

    :param fires: line -> the events that it may be a sign of; the first that fits happens.
    :param requires: line -> the states in which it can be written.
    :param facts: fact -> the events that make it true.
    :param old: whether it belongs to the slot pool of 1.11 to 1.13, or to later ones; None if to
        both.
    :param tolerant: lines that may also be written without any event.
    :param quiet: events that also happen without the line that usually tells them.
    :param births: lines before which nothing of an allocation has happened here.
    """

    name: str
    party: Party
    lifecycle: type[Lifecycle]
    fires: dict[str, tuple[str, ...]]
    requires: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    old: bool | None = None
    tolerant: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    births: tuple[str, ...] = BIRTHS

    def __hash__(self) -> int:
        return hash(self.name)


VIEWS = (
    View(
        "slot pool",
        Party.JOB_MASTER,
        PhysicalSlot,
        fires={
            "slot_requested": ("ask",),
            "offer_fulfils": ("fulfil", "hand_over"),
            "slot_available": ("store", "give_back"),
            "slot_failed": ("fail",),
            "slot_expired": ("expire",),
        },
        requires={"deploying": ("ALLOCATED",)},
        facts={"accepted": ("fulfil", "store")},
        old=True,
        quiet=("fail",),
        births=("slot_requested",),
    ),
    View(
        "declarative slot pool",
        Party.JOB_MASTER,
        AllocatedSlot,
        fires={
            "offer_matched": ("add",),
            "slot_reserved": ("reserve",),
            "reservation_freed": ("free",),
            "slot_released": ("remove", "expire"),
        },
        requires={"deploying": ("RESERVED",)},
        facts={"accepted": ("add",)},
        old=False,
        tolerant=("offer_matched", "slot_reserved", "reservation_freed"),
        quiet=("reserve", "free", "remove"),
    ),
    View(
        "slot manager",
        Party.RESOURCE_MANAGER,
        ManagerRequest,
        fires={"request_received": ("register",), "request_cancelled": ("withdraw",)},
        old=True,
        tolerant=("request_received",),
        quiet=("withdraw",),
    ),
    View(
        "fine-grained slot manager",
        Party.RESOURCE_MANAGER,
        ManagedSlot,
        fires={
            "allocation_started": ("ask",),
            "allocation_confirmed": ("confirm",),
            "allocation_refused": ("leave",),
            "slot_freed_at_manager": ("leave",),
        },
        old=False,
        tolerant=("allocation_refused",),
        quiet=("leave",),
    ),
    View(
        "slot table",
        Party.TASK_MANAGER,
        TaskSlot,
        fires={
            "slot_allocated": ("allocate",),
            "slot_activated": ("activate",),
            "slot_left": ("release", "leave"),
        },
        requires={"task_received": ("ACTIVE",)},
        facts={"confirmed": ("allocate",), "active": ("activate",), "freed": ("release",)},
        quiet=("leave",),
    ),
)
