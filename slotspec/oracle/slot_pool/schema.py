"""What traces of slot pools contain."""

from __future__ import annotations

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

_TM = Argument("tm", refers="task_managers")
_REQUEST = Argument("request")
_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")
_SENT_ALLOCATION = Argument("allocation", known_only=True)
_CAUSE = Argument("cause", refers="causes")


class SlotPoolConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two timeouts of a slot pool, in milliseconds."""

    idle_slot_timeout_ms: Timeout
    batch_slot_timeout_ms: Timeout


SCHEMA = TraceSchema(
    implementation="org.apache.flink SlotPoolImpl",
    title="slot pool",
    config=SlotPoolConfig,
    generations=("1.11", "1.12", "1.13"),
    names={
        "allocation": NameKind("a", generated=True, shown_by="rm.request_slot"),
        "request": NameKind("r"),
        "rm": NameKind("rm"),
        "tm": NameKind("tm"),
    },
    ordered=frozenset({"allocated"}),
    refuse=refuse_many_timers("a timer", "idle_slot_timeout_ms", "batch_slot_timeout_ms"),
    operations=(
        Operation("start"),
        Operation("suspend", absent_in=frozenset({"1.13"})),
        Operation("close"),
        Operation("connect_to_resource_manager", (Argument("rm"),)),
        Operation("disconnect_resource_manager"),
        Operation("register_task_manager", (_TM,), result=bool),
        Operation("release_task_manager", (_TM,), result=bool),
        Operation(
            "offer_slots",
            (_TM, Argument("offers", items=(_ALLOCATION, Argument("index", Index), _PROFILE))),
        ),
        Operation("fail_allocation", (_ALLOCATION, _CAUSE), result="tm"),
        Operation("get_available_slots_information"),
        Operation("get_allocated_slots_information"),
        Operation(
            "allocate_available_slot",
            (
                _REQUEST,
                _ALLOCATION,
                Argument("profile", refers="profiles", optional=True, ignored=True),
            ),
            result="allocation",
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
        Operation("resource_manager_acknowledges", (_SENT_ALLOCATION,), result=bool),
        Operation("resource_manager_fails", (_SENT_ALLOCATION, _CAUSE), result=bool),
        Operation("assign_payload", (_SENT_ALLOCATION,), result=bool | None),
        Operation("advance_time", (Argument("ms", Millis),)),
    ),
)
