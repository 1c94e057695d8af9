"""What traces of fine-grained slot managers contain."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from slotspec.oracle.traces.schema import (
    Amount,
    Argument,
    Count,
    Index,
    Millis,
    Name,
    NameKind,
    Operation,
    SlotNumber,
    Timeout,
    TraceSchema,
    refuse_many_timers,
)

MOST_WORKERS = 1000
"""Workers that one operation may ask for: more take too long to replay."""


class FineGrainedConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of a fine-grained slot manager; times in milliseconds.

    :param worker: what a new worker has in total.
    :param slot: its default slot, of which it has `slots_per_worker`.
    :param mode: load balancing; 1.14 has NONE, 1.20 also SLOTS.
    :param allocator: workers can be asked for; false in a standalone cluster.
    :param max_cpu: maximum of all workers; null for none.
    :param auto_run: at the end of each operation the main thread runs all queued actions.
    :param wait_result_consumed: idle TaskExecutors are asked before release; not in 2.3.
    """

    worker: Name
    slot: Name
    slots_per_worker: Count
    mode: Literal["NONE", "SLOTS", "MIN_RESOURCES", "TASKS"]
    allocator: bool
    check_delay_ms: Millis
    declare_delay_ms: Millis
    task_manager_timeout_ms: Timeout
    redundant_task_managers: Annotated[int, Meta(ge=0, le=MOST_WORKERS)]
    min_cpu: Amount
    min_memory_mb: Index
    max_cpu: Amount | None
    max_memory_mb: Index | None
    auto_run: bool
    wait_result_consumed: bool | UnsetType = UNSET


_JOB = Argument("job")
_INSTANCE = Argument("instance")
_PROFILE = Argument("profile", refers="profiles")
_NOTED = Argument("noted", list[Name], optional=True, ignored=True)
"""Jobs that a failed check has noted as unfulfillable: how far it came among refused workers."""
_ORDER = Argument("order", list[Name], optional=True, ignored=True)
"""Allocations that leave, in the order in which that happens."""
_SLOT_REPORT = Argument(
    "slots",
    items=(
        Argument("index", SlotNumber),
        _PROFILE,
        Argument("job", Name | None),
        Argument("allocation", Name | None),
        Argument("tasks", Index, optional=True),
    ),
)
_FIRST = frozenset({"1.14"})
_LATER = frozenset({"1.20", "2.3"})

SCHEMA = TraceSchema(
    implementation="org.apache.flink FineGrainedSlotManager",
    title="fine-grained slot manager",
    config=FineGrainedConfig,
    generations=("1.14", "1.20", "2.3"),
    names={
        "allocation": NameKind("a", generated=True, shown_by="tm.request_slot"),
        "job": NameKind("j"),
        "instance": NameKind("i"),
        "tm": NameKind("tm"),
        "target": NameKind("jm-j"),
        "application": NameKind("app"),
        "call": NameKind("g", generated=True, shown_by="tm.request_slot"),
        "query": NameKind("q", generated=True, shown_by="tm.can_be_released"),
        "pending": NameKind("p", generated=True),
    },
    ordered=frozenset(
        {
            "pending_task_managers",
            "pending_task_managers.*.allocations.*",
            "jobs.*.required",
            "jobs.*.excess",
            "jobs.*.fulfilled",
            "jobs.*.fulfilled.*",
            "jobs.*.serves",
            "jobs.*.serves.*",
        }
    ),
    refuse=refuse_many_timers("a check", "task_manager_timeout_ms"),
    operations=(
        Operation("start", (_NOTED,)),
        Operation("suspend", (_NOTED,)),
        Operation("close", (_NOTED,)),
        Operation("set_resource_allocation", (Argument("allowed", bool),), absent_in=_LATER),
        Operation(
            "process_resource_requirements",
            (
                _JOB,
                Argument("target"),
                Argument(
                    "requirements", list[tuple[Name, Annotated[int, Meta(ge=0, le=MOST_WORKERS)]]]
                ),
                Argument("application", optional=True),
                _NOTED,
            ),
        ),
        Operation("clear_resource_requirements", (_JOB, _NOTED)),
        Operation("set_fail_unfulfillable_request", (Argument("fail", bool), _NOTED)),
        Operation("trigger_resource_requirements_check", (_NOTED,), absent_in=_FIRST),
        Operation(
            "register_task_manager",
            (
                _INSTANCE,
                Argument("tm"),
                Argument("total", refers="profiles", names="profile"),
                Argument("default_slot", refers="profiles", names="profile"),
                _SLOT_REPORT,
                _ORDER,
                _NOTED,
            ),
        ),
        Operation("unregister_task_manager", (_INSTANCE, _ORDER, _NOTED), result=bool),
        Operation("report_slot_status", (_INSTANCE, _SLOT_REPORT, _ORDER, _NOTED)),
        Operation("free_slot", (Argument("allocation"), _NOTED)),
        Operation(
            "set_blocked", (Argument("tm"), Argument("blocked", bool), _NOTED), absent_in=_FIRST
        ),
        Operation("call_acknowledged", (Argument("call", known_only=True), _NOTED), result=bool),
        Operation(
            "call_fails",
            (
                Argument("call"),
                Argument(
                    "kind", Literal["allocation", "cancelled", "occupied", "other", "timeout"]
                ),
                _NOTED,
            ),
        ),
        Operation(
            "query_answered",
            (Argument("query", known_only=True), Argument("answer", bool | None), _NOTED),
            result=bool,
        ),
        Operation("run_main_thread", (Argument("count", Index, optional=True), _NOTED), result=int),
        Operation("counts", (Argument("instance", Name | None, optional=True),)),
        Operation("advance_time", (Argument("ms", Millis), _NOTED)),
    ),
)
