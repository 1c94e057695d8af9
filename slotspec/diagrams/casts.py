"""Who talks to whom: the lifelines of each model's sequence diagrams.

A model without a cast has two lifelines, its environment and itself. Names of single task
managers, requests and so on come from the words of the trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Caller:
    """Who calls an operation: a lifeline, or (`argument`) the one that an argument names."""

    lifeline: str
    argument: str | None = None


@dataclass(frozen=True)
class Cast:
    """The lifelines of a model.

    :param system: what is modelled; it receives every call.
    :param order: kinds of lifelines from left to right.
    :param callers: operation -> who calls it; any other comes from the first kind.
    :param receivers: effect -> the kind of lifeline that it reaches; any other goes back to
        the caller. A kind in `single` is one lifeline; of any other, the effect's first word
        names the one that is meant.
    :param single: kinds that are one lifeline each.
    """

    system: str
    order: tuple[str, ...] = (ENVIRONMENT,)
    callers: Mapping[str, Caller] = field(default_factory=dict)
    receivers: Mapping[str, str] = field(default_factory=dict)
    single: frozenset[str] = frozenset({ENVIRONMENT})

    def caller(self, operation: str, arguments: Mapping[str, str]) -> tuple[str, str]:
        """Kind and name of the lifeline that calls `operation`."""
        found = self.callers.get(operation, Caller(self.order[0]))
        name = arguments.get(found.argument) if found.argument else None
        return found.lifeline, name or found.lifeline


JOB_MASTER, POOL, CLOCK = "JobMaster", "SlotPool", "clock"
RESOURCE_MANAGER, TASK_MANAGER, REQUEST = "ResourceManager", "TaskManager", "request"
PAYLOADS = "payloads"

_SLOT_POOL = Cast(
    system=POOL,
    order=(CLOCK, JOB_MASTER, POOL, RESOURCE_MANAGER, TASK_MANAGER, REQUEST, PAYLOADS),
    callers={
        **{
            name: Caller(JOB_MASTER)
            for name in (
                "start",
                "suspend",
                "close",
                "connect_to_resource_manager",
                "disconnect_resource_manager",
                "register_task_manager",
                "release_task_manager",
                "request_new_allocated_slot",
                "request_new_allocated_batch_slot",
                "allocate_available_slot",
                "release_slot",
                "assign_payload",
                "fail_allocation",
                "disable_batch_slot_request_timeout_check",
                "get_available_slots_information",
                "get_allocated_slots_information",
                "create_allocated_slot_report",
            )
        },
        "offer_slot": Caller(TASK_MANAGER, "tm"),
        "offer_slots": Caller(TASK_MANAGER, "tm"),
        "resource_manager_acknowledges": Caller(RESOURCE_MANAGER),
        "resource_manager_fails": Caller(RESOURCE_MANAGER),
        "request_timeout": Caller(CLOCK),
        "advance_time": Caller(CLOCK),
    },
    receivers={
        "request_slot": RESOURCE_MANAGER,
        "cancel_slot_request": RESOURCE_MANAGER,
        "free_slot": TASK_MANAGER,
        "request_fulfilled": REQUEST,
        "request_failed": REQUEST,
        "payload_released": PAYLOADS,
    },
    # which leader is meant is said in the message: there is one at a time
    single=frozenset({JOB_MASTER, POOL, CLOCK, RESOURCE_MANAGER, PAYLOADS}),
)

CASTS: Mapping[str, Cast] = {"slot_pool": _SLOT_POOL}
"""Model -> cast."""

KINDS = {
    "rm": RESOURCE_MANAGER,
    "tm": TASK_MANAGER,
    "request": REQUEST,
    "payload": PAYLOADS,
}
"""First part of an effect's name in a recorded trace (``tm.free_slot``) -> kind."""


def cast_of(model: str) -> Cast:
    """The cast of a model, or the plain one."""
    return CASTS.get(model) or Cast(model, (ENVIRONMENT, model))
