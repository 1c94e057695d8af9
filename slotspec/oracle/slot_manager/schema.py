"""What traces of slot managers may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from slotspec.oracle.traces.schema import (
    TIMER_LIMIT,
    Argument,
    Count,
    Index,
    Millis,
    Name,
    Operation,
    Timeout,
    TraceSchema,
)

_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")


class SlotManagerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a slot manager is built with; times in milliseconds.

    :param slot_profile: profile of the slots of new workers, `slots_per_worker` of them each.
    :param spread: least utilized TaskExecutors are taken first.
    :param wait_result_consumed: idle TaskExecutors are asked before they are released.
    :param auto_run: the main thread runs everything at the end of each operation.
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


def _too_many_checks(
    config: Mapping[str, Any], op: str, arguments: Mapping[str, Any]
) -> str | None:
    periods = (config["slot_request_timeout_ms"], config["task_manager_timeout_ms"])
    if op != "advance_time" or arguments["ms"] // min(periods) <= TIMER_LIMIT:
        return None
    return (
        f"advance_time by {arguments['ms']} ms fires a check of {min(periods)} ms more than "
        f"{TIMER_LIMIT:,} times; use several shorter steps"
    )


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
    ordered=frozenset({"slots", "registrations", "requests", "pending_slots", "fulfilled"}),
    refuse=_too_many_checks,
    operations=(
        Operation("start"),
        Operation("suspend"),
        Operation("close"),
        Operation("set_resource_allocation", (Argument("allowed", bool),)),
        Operation("register_slot_request", (_ALLOCATION, Argument("job"), _PROFILE)),
        Operation("unregister_slot_request", (_ALLOCATION,)),
        Operation("register_task_manager", (_INSTANCE, Argument("tm"), _SLOT_REPORT)),
        Operation("unregister_task_manager", (_INSTANCE,)),
        Operation("unregister_task_managers_and_release_resources", absent_in=_NEWER),
        Operation("report_slot_status", (_INSTANCE, _SLOT_REPORT)),
        Operation("free_slot", (Argument("slot"), _ALLOCATION)),
        Operation("call_acknowledged", (Argument("call"),)),
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
        Operation("query_answered", (Argument("query"), Argument("answer", bool | None))),
        Operation("set_fail_unfulfillable_request", (Argument("fail", bool),)),
        Operation("run_main_thread", (Argument("count", Index, optional=True),)),
        Operation("counts"),
        Operation("advance_time", (Argument("ms", Millis),)),
    ),
)
