"""What traces of slot managers contain."""

from __future__ import annotations

from typing import Literal

import msgspec

from slotspec.oracle.traces.schema import (
    Argument,
    Count,
    Index,
    Millis,
    Name,
    NameKind,
    Operation,
    Timeout,
    TraceSchema,
    refuse_many_timers,
)

_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")


class SlotManagerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of a slot manager; times in milliseconds.

    :param slot_profile: profile of the `slots_per_worker` slots of each new worker.
    :param spread: the manager prefers the least utilized TaskExecutors.
    :param wait_result_consumed: the manager asks idle TaskExecutors before it releases them.
    :param auto_run: at the end of each operation the main thread runs all queued actions.
    """

    slot_request_timeout_ms: Timeout
    task_manager_timeout_ms: Timeout
    wait_result_consumed: bool
    spread: bool
    slot_profile: Name
    slots_per_worker: Count
    max_slots: Index
    redundant_task_managers: Index
    task_managers: list[Name]
    auto_run: bool


_INSTANCE = Argument("instance")
_JOB_OR_NONE = Argument("job", Name | None)
_SLOT_REPORT = Argument(
    "slots", items=(Argument("slot"), _PROFILE, _JOB_OR_NONE, Argument("allocation", Name | None))
)
_NEWER = frozenset({"1.12", "1.13"})

SCHEMA = TraceSchema(
    implementation="org.apache.flink SlotManagerImpl",
    title="slot manager",
    config=SlotManagerConfig,
    generations=("1.11", "1.12", "1.13"),
    names={
        "allocation": NameKind("a"),
        "job": NameKind("j"),
        "instance": NameKind("i"),
        "tm": NameKind("tm"),
        "slot": NameKind("tm"),
        "call": NameKind("g", generated=True, shown_by="tm.request_slot"),
        "query": NameKind("q", generated=True, shown_by="tm.can_be_released"),
        "pending_slot": NameKind("p", generated=True),
    },
    ordered=frozenset({"slots", "registrations", "requests", "pending_slots", "fulfilled"}),
    refuse=refuse_many_timers("a check", "slot_request_timeout_ms", "task_manager_timeout_ms"),
    operations=(
        Operation("start"),
        Operation("suspend"),
        Operation("close"),
        Operation("set_resource_allocation", (Argument("allowed", bool),)),
        Operation("register_slot_request", (_ALLOCATION, Argument("job"), _PROFILE), result=bool),
        Operation("unregister_slot_request", (_ALLOCATION,), result=bool),
        Operation("register_task_manager", (_INSTANCE, Argument("tm"), _SLOT_REPORT), result=bool),
        Operation("unregister_task_manager", (_INSTANCE,), result=bool),
        Operation("unregister_task_managers_and_release_resources", absent_in=_NEWER),
        Operation("report_slot_status", (_INSTANCE, _SLOT_REPORT), result=bool),
        Operation("free_slot", (Argument("slot"), _ALLOCATION)),
        Operation("call_acknowledged", (Argument("call", known_only=True),), result=bool),
        Operation(
            "call_fails",
            (
                Argument("call"),
                Argument(
                    "kind", Literal["allocation", "cancelled", "occupied", "other", "timeout"]
                ),
                Argument("allocation", optional=True),
                Argument("job", optional=True),
            ),
        ),
        Operation(
            "query_answered",
            (Argument("query", known_only=True), Argument("answer", bool | None)),
            result=bool,
        ),
        Operation("set_fail_unfulfillable_request", (Argument("fail", bool),)),
        Operation("run_main_thread", (Argument("count", Index, optional=True),), result=int),
        Operation("counts"),
        Operation("advance_time", (Argument("ms", Millis),)),
    ),
)
