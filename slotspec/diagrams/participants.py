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
class Participants:
    """The lifelines of a model.

    :param system: what is modelled; it receives every call.
    :param order: kinds of lifelines from left to right.
    :param callers: operation -> who calls it; any other is called by `caller_of_others`.
    :param receivers: effect -> the kind of lifeline that it reaches; any other goes back to
        the caller. A kind in `single` is one lifeline; of any other, the effect's first word
        names the one that is meant.
    :param prefixes: the same for recorded traces: ``tm`` of ``tm.free_slot`` -> kind.
    :param single: kinds that are one lifeline each.
    """

    system: str
    order: tuple[str, ...] = (ENVIRONMENT,)
    callers: Mapping[str, Caller] = field(default_factory=dict)
    receivers: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    caller_of_others: str = ENVIRONMENT
    single: frozenset[str] = frozenset({ENVIRONMENT})

    def caller(self, operation: str, arguments: Mapping[str, str]) -> tuple[str, str]:
        """Kind and name of the lifeline that calls `operation`."""
        found = self.callers.get(operation, Caller(self.caller_of_others))
        name = arguments.get(found.argument) if found.argument else None
        return found.lifeline, name or found.lifeline


JOB_MASTER, POOL, CLOCK = "JobMaster", "SlotPool", "clock"
RESOURCE_MANAGER, TASK_MANAGER, REQUEST = "ResourceManager", "TaskManager", "request"
PAYLOADS, SCHEDULER, TASK_EXECUTOR, TASKS = "payloads", "Scheduler", "TaskExecutor", "tasks"


def _alone(
    system: str,
    order: tuple[str, ...],
    *,
    callers: Mapping[str, str],
    others: str,
    receivers: Mapping[str, str],
    prefixes: Mapping[str, str],
) -> Participants:
    """A cast in which each kind is one lifeline."""
    return Participants(
        system,
        order,
        {operation: Caller(kind) for operation, kind in callers.items()},
        receivers,
        prefixes,
        others,
        frozenset(order),
    )


_SLOT_POOL = Participants(
    system=POOL,
    order=(CLOCK, JOB_MASTER, POOL, RESOURCE_MANAGER, TASK_MANAGER, REQUEST, PAYLOADS),
    caller_of_others=JOB_MASTER,
    callers={
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
    prefixes={
        "rm": RESOURCE_MANAGER,
        "tm": TASK_MANAGER,
        "request": REQUEST,
        "payload": PAYLOADS,
    },
    # which leader is meant is said in the message: there is one at a time
    single=frozenset({JOB_MASTER, POOL, CLOCK, RESOURCE_MANAGER, PAYLOADS}),
)

_SLOT_MANAGER = _alone(
    "SlotManager",
    (CLOCK, RESOURCE_MANAGER, "SlotManager", TASK_MANAGER),
    callers={
        **dict.fromkeys(
            ("call_acknowledged", "call_occupied", "call_fails", "query_answered"), TASK_MANAGER
        ),
        **dict.fromkeys(("advance_time", "run_main_thread", "iteration_order_changes"), CLOCK),
    },
    others=RESOURCE_MANAGER,
    receivers={
        "request_slot": TASK_MANAGER,
        "can_be_released": TASK_MANAGER,
        "allocate_resource": RESOURCE_MANAGER,
        "release_resource": RESOURCE_MANAGER,
        "allocation_failed": RESOURCE_MANAGER,
    },
    prefixes={
        "tm": TASK_MANAGER,
        "allocation": RESOURCE_MANAGER,
        "resource": RESOURCE_MANAGER,
    },
)

_TASK_SLOT_TABLE = _alone(
    "TaskSlotTable",
    (CLOCK, TASK_EXECUTOR, "TaskSlotTable", TASKS),
    callers={
        "task_terminates": TASKS,
        "fire_timeout": CLOCK,
        "timeout_arrives": CLOCK,
        "advance_time": CLOCK,
    },
    others=TASK_EXECUTOR,
    receivers={
        "fail_task": TASKS,
        "free_slot": TASK_EXECUTOR,
        "timeout_slot": TASK_EXECUTOR,
        "table_closed": TASK_EXECUTOR,
        "close_failed": TASK_EXECUTOR,
        "timers_shut_down": CLOCK,
    },
    prefixes={
        "actions": TASK_EXECUTOR,
        "table": TASK_EXECUTOR,
        "task": TASKS,
        "timer_service": CLOCK,
    },
)

_LOGICAL_SLOT = _alone(
    "LogicalSlot",
    (SCHEDULER, "LogicalSlot", "owner", "physical slot", PAYLOADS),
    callers={"payload_terminates": PAYLOADS},
    others=SCHEDULER,
    receivers={
        "payload_fail": PAYLOADS,
        "return_slot": "owner",
        "release_done": SCHEDULER,
        "release_failed": SCHEDULER,
        "physical_assign": "physical slot",
    },
    prefixes={
        "payload": PAYLOADS,
        "owner": "owner",
        "release_future": SCHEDULER,
        "physical": "physical slot",
    },
)

_SLOT_SHARING = _alone(
    "SlotSharingManager",
    (SCHEDULER, "SlotSharingManager", POOL, "owner", "physical slot", PAYLOADS),
    callers={"payload_terminates": PAYLOADS, "resolve_context": POOL, "fail_context": POOL},
    others=SCHEDULER,
    receivers={
        **_LOGICAL_SLOT.receivers,
        "logical_slot_fulfilled": SCHEDULER,
        "logical_slot_failed": SCHEDULER,
        "release_pool_slot": POOL,
    },
    prefixes={**_LOGICAL_SLOT.prefixes, "logical_slot": SCHEDULER, "pool": POOL},
)

PARTICIPANTS: Mapping[str, Participants] = {
    "slot_pool": _SLOT_POOL,
    "slot_manager": _SLOT_MANAGER,
    "task_slot_table": _TASK_SLOT_TABLE,
    "logical_slot": _LOGICAL_SLOT,
    "slot_sharing": _SLOT_SHARING,
}
"""Model -> cast."""


def participants_of(model: str) -> Participants:
    """The cast of a model, or the plain one."""
    return PARTICIPANTS.get(model) or Participants(model, (ENVIRONMENT, model))
