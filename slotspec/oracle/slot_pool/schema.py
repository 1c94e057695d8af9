"""What traces of slot pools may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

_TM = Argument("tm", refers="task_managers")
_REQUEST = Argument("request")
_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")
_CAUSE = Argument("cause", refers="causes")


class SlotPoolConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two periods of a slot pool, in milliseconds."""

    idle_slot_timeout_ms: Timeout
    batch_slot_timeout_ms: Timeout


def _too_many_timers(
    config: Mapping[str, Any], op: str, arguments: Mapping[str, Any]
) -> str | None:
    if op != "advance_time":
        return None
    shortest = min(config["idle_slot_timeout_ms"], config["batch_slot_timeout_ms"])
    if arguments["ms"] // shortest <= TIMER_LIMIT:
        return None
    return (
        f"advance_time by {arguments['ms']} ms fires a timer of {shortest} ms more than "
        f"{TIMER_LIMIT:,} times; use several shorter steps"
    )


SCHEMA = TraceSchema(
    implementation="org.apache.flink SlotPoolImpl",
    title="slot pool",
    config=SlotPoolConfig,
    generations=("1.11", "1.12", "1.13"),
    ordered=frozenset({"allocated"}),
    refuse=_too_many_timers,
    operations=(
        Operation("start"),
        Operation("suspend", absent_in=frozenset({"1.13"})),
        Operation("close"),
        Operation("connect_to_resource_manager", (Argument("rm"),)),
        Operation("disconnect_resource_manager"),
        Operation("register_task_manager", (_TM,)),
        Operation("release_task_manager", (_TM,)),
        Operation(
            "offer_slots",
            (_TM, Argument("offers", items=(_ALLOCATION, Argument("index", Index), _PROFILE))),
        ),
        Operation("fail_allocation", (_ALLOCATION, _CAUSE)),
        Operation("get_available_slots_information"),
        Operation("get_allocated_slots_information"),
        Operation(
            "allocate_available_slot",
            (_REQUEST, _ALLOCATION, Argument("profile", refers="profiles", optional=True)),
        ),
        Operation("request_new_allocated_slot", (_REQUEST, _PROFILE)),
        Operation("request_new_allocated_batch_slot", (_REQUEST, _PROFILE)),
        Operation(
            "disable_batch_slot_request_timeout_check",
            absent_in=frozenset({"1.11"}),
        ),
        Operation("create_allocated_slot_report", (_TM,)),
        Operation("release_slot", (_REQUEST, Argument("cause", Name | None, refers="causes"))),
        Operation("request_timeout", (_REQUEST, Argument("attempt", Count, optional=True))),
        Operation("resource_manager_acknowledges", (_ALLOCATION,)),
        Operation("resource_manager_fails", (_ALLOCATION, _CAUSE)),
        Operation("assign_payload", (_ALLOCATION,)),
        Operation("advance_time", (Argument("ms", Millis),)),
    ),
)
