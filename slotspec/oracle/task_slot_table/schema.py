"""What traces of slot tables contain."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from slotspec.models.task_slot_table.state import Outcome
from slotspec.oracle.traces.schema import (
    Amount,
    Argument,
    Millis,
    Name,
    NameKind,
    Operation,
    SlotNumber,
    TraceSchema,
)


class Amounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A budget of resources: cpu in cores, memory in MiB, extended resources by name."""

    cpu: Amount
    task_heap_mb: Amount
    task_off_heap_mb: Amount
    managed_mb: Amount
    network_mb: Amount
    extended: dict[str, Amount]


class TaskSlotTableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of a TaskExecutor's slot table.

    :param slots: number of static slots.
    :param total: the budget that static and dynamic slots share.
    :param default_profile: name of the profile of a static slot.
    """

    slots: Annotated[int, Meta(ge=1, le=10_000)]
    total: Amounts | Literal["ANY"]
    default_profile: Name


_ALLOCATION = Argument("allocation")
_JOB = Argument("job")
_EXECUTION = Argument("execution")
_NUMBER = Argument("index", SlotNumber)

SCHEMA = TraceSchema(
    implementation="org.apache.flink TaskSlotTableImpl",
    title="task slot table",
    config=TaskSlotTableConfig,
    generations=("1.11", "1.12", "1.13", "2.3"),
    names={
        "allocation": NameKind("a"),
        "job": NameKind("j"),
        "execution": NameKind("e"),
        "task": NameKind("t"),
        "ticket": NameKind("k", generated=True),
    },
    operations=(
        Operation("start"),
        Operation("close"),
        Operation(
            "allocate_slot",
            (
                _NUMBER,
                _JOB,
                _ALLOCATION,
                Argument("profile", Name | None, refers="profiles"),
                Argument("timeout", Millis),
            ),
            result=bool | None,
        ),
        Operation("mark_slot_active", (_ALLOCATION,), result=bool),
        Operation("mark_slot_inactive", (_ALLOCATION, Argument("timeout", Millis)), result=bool),
        Operation("try_mark_slot_active", (_JOB, _ALLOCATION), result=bool),
        Operation("free_slot", (_ALLOCATION,)),
        Operation(
            "add_task",
            (Argument("task", new=True), _EXECUTION, _JOB, _ALLOCATION, Argument("quick", bool)),
        ),
        Operation("remove_task", (_EXECUTION,), result="task"),
        Operation(
            "task_terminates",
            (Argument("task"), Argument("outcome", Literal["ok", "fails"], enum=Outcome)),
            result=bool,
        ),
        Operation("advance_time", (Argument("ms", Millis),)),
        Operation("notify_timeout", (_ALLOCATION, Argument("ticket"))),
        Operation("is_valid_timeout", (_ALLOCATION, Argument("ticket")), result=bool),
        Operation("is_allocated", (_NUMBER, _JOB, _ALLOCATION), result=bool),
        Operation("is_slot_free", (_NUMBER,), result=bool),
        Operation("get_current_allocation", (_NUMBER,), result="allocation"),
        Operation("get_owning_job", (_ALLOCATION,), result="job"),
        Operation("get_task", (_EXECUTION,), result="task"),
        Operation("get_task_memory_manager", (_ALLOCATION,)),
        Operation("get_allocation_ids", (_JOB,)),
        Operation("get_allocated_slots", (_JOB,)),
        Operation("has_allocated_slots", (_JOB,), result=bool),
        Operation("get_active_slots", (Argument("job", Name | None, optional=True),)),
        Operation("get_tasks", (_JOB,)),
        Operation("generate_slot_offer", (_ALLOCATION,)),
        Operation("create_slot_report"),
    ),
)
