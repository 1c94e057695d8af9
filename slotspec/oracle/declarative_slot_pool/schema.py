"""What traces of declarative slot pools contain: of the bridge, and of the pool alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

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
_KNOWN_ALLOCATION = Argument("allocation", known_only=True)
_PROFILE = Argument("profile", refers="profiles")
_CAUSE = Argument("cause", refers="causes")
_CAUSE_OR_NONE = Argument("cause", Name | None, refers="causes")
_CALL = Argument("call", known_only=True)
_LOAD = Argument("load", Index, optional=True)
_OFFERS = Argument("offers", items=(_ALLOCATION, Argument("index", Index), _PROFILE))
_COUNTER = Argument("requirements", list[tuple[Name, Count]])
_ASKED = (
    _REQUEST,
    _PROFILE,
    Argument("preferred", list[Name], optional=True, names="allocation"),
    _LOAD,
)
_NO_WILDCARD = frozenset({"1.13", "1.14"})
_NO_DELAY = frozenset({"1.13", "1.14", "1.20"})

GENERATIONS = ("1.13", "1.14", "1.20", "2.3")


class BridgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of a bridge; times in milliseconds.

    :param strategy: who gets which slot; 1.13 and 1.14 have only ``simple``, 1.20 also
        ``preferred``; a release ignores what it lacks.
    :param slot_request_max_interval_ms: delay of declarations (2.3); 0: none.
    :param defer: requests wait until all can be served (2.3).
    """

    idle_slot_timeout_ms: Timeout
    batch_slot_timeout_ms: Timeout
    strategy: Literal["simple", "preferred", "balanced", "preferred_balanced"] = "simple"
    slot_request_max_interval_ms: Millis = 0
    defer: bool = False


class PoolConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of a pool alone; times in milliseconds.

    :param slot_request_max_interval_ms: delay of declarations (2.3); 0, or left out: none.
    """

    idle_slot_timeout_ms: Timeout
    slot_request_max_interval_ms: Millis | UnsetType = UNSET


_NAMES: Mapping[str, NameKind] = {
    "allocation": NameKind("a"),
    "request": NameKind("r"),
    "rm": NameKind("rm"),
    "tm": NameKind("tm"),
    "call": NameKind("c", generated=True, shown_by="rm.declare_required_resources"),
}
_SHARED = (
    Operation("get_available_slots_information"),
    Operation("assign_payload", (_KNOWN_ALLOCATION,), result=bool | None),
    Operation("advance_time", (Argument("ms", Millis),)),
)


POOL_SCHEMA = TraceSchema(
    implementation="org.apache.flink DefaultDeclarativeSlotPool",
    title="declarative slot pool",
    config=PoolConfig,
    generations=GENERATIONS,
    names={name: kind for name, kind in _NAMES.items() if name in ("allocation", "tm")},
    ordered=frozenset({"free"}),
    operations=(
        Operation("increase_resource_requirements_by", (_COUNTER,)),
        Operation("decrease_resource_requirements_by", (_COUNTER,)),
        Operation("set_resource_requirements", (_COUNTER,)),
        Operation("get_resource_requirements"),
        Operation("offer_slots", (_TM, _OFFERS)),
        Operation("register_slots", (_TM, _OFFERS), absent_in=_NO_WILDCARD),
        Operation("reserve_free_slot", (_ALLOCATION, _PROFILE), result="allocation"),
        Operation("free_reserved_slot", (_ALLOCATION, _CAUSE_OR_NONE)),
        Operation("release_slot", (_ALLOCATION, _CAUSE)),
        Operation("release_slots", (_TM, _CAUSE)),
        Operation("release_idle_slots"),
        Operation("register_new_slots_listener"),
        Operation("register_stable_listener", absent_in=_NO_DELAY),
        Operation("get_all_slots_information"),
        Operation("contains_slots", (_TM,), result=bool),
        Operation("contains_free_slot", (_KNOWN_ALLOCATION,), result=bool),
        *_SHARED,
    ),
)
"""The pool alone, as the adaptive scheduler drives it."""

SCHEMA = TraceSchema(
    implementation="org.apache.flink DeclarativeSlotPoolBridge",
    title="declarative slot pool bridge",
    config=BridgeConfig,
    generations=GENERATIONS,
    names=_NAMES,
    ordered=frozenset({"free"}),
    variants=(POOL_SCHEMA,),
    refuse=refuse_many_timers("a timer", "idle_slot_timeout_ms", "batch_slot_timeout_ms"),
    operations=(
        Operation("start"),
        Operation("close"),
        Operation("connect_to_resource_manager", (Argument("rm"),)),
        Operation("disconnect_resource_manager"),
        Operation("rm_acknowledges", (_CALL,), result=bool),
        Operation("rm_fails", (_CALL, _CAUSE), result=bool),
        Operation("register_task_manager", (_TM,), result=bool),
        Operation("release_task_manager", (_TM, _CAUSE), result=bool),
        Operation("release_free_slots_on_task_manager", (_TM, _CAUSE), absent_in=_NO_WILDCARD),
        Operation("offer_slots", (_TM, _OFFERS)),
        Operation(
            "fail_allocation",
            (Argument("tm", Name | None, refers="task_managers"), _ALLOCATION, _CAUSE),
            result="tm",
        ),
        Operation(
            "request_new_allocated_slot", (*_ASKED, Argument("timeout", bool, optional=True))
        ),
        Operation("request_new_allocated_batch_slot", _ASKED),
        Operation(
            "allocate_available_slot",
            (_REQUEST, _ALLOCATION, _PROFILE, _LOAD),
            result="allocation",
        ),
        Operation("release_slot", (_REQUEST, _CAUSE_OR_NONE)),
        Operation("request_timeout", (_REQUEST, Argument("attempt", Count, optional=True))),
        Operation("not_enough_resources"),
        Operation("disable_batch_slot_request_timeout_check"),
        Operation("set_is_job_restarting", (Argument("restarting", bool),), absent_in=_NO_WILDCARD),
        Operation("get_allocated_slots_information"),
        Operation("create_allocated_slot_report", (_TM,)),
        *_SHARED,
    ),
)
"""The bridge on top of the pool, as the default scheduler and the JobMaster drive it."""
