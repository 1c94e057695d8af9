"""What traces of slot sharing allocators contain."""

from __future__ import annotations

from typing import Literal

import msgspec

from slotspec.models.slot_sharing_allocator.state import PoolMode
from slotspec.oracle.traces.schema import (
    Amount,
    Argument,
    Index,
    Millis,
    Name,
    NameKind,
    Operation,
    Timeout,
    TraceSchema,
    refuse_many_timers,
)


class SlotSharingAllocatorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of an allocator and its pool.

    :param timeout_ms: after which a bulk that cannot be fulfilled is cancelled.
    :param slot_will_be_occupied_indefinitely: true for streaming: nobody returns a slot.
    :param pool_serves: whether the pool gives its slots to pending requests ``at_once``, or only
        where a step says so (``script``).
    """

    timeout_ms: Timeout
    slot_will_be_occupied_indefinitely: bool
    pool_serves: Literal["script", "at_once"]


_ALLOCATION = Argument("allocation")
_CAUSE = Argument("cause", refers="causes")
_LOGICAL = Argument("logical", names="request")
_VERTEX = Argument("vertex", refers="vertices")
_SLOT_PROFILE = Literal["any"] | tuple[Amount, Index]

SCHEMA = TraceSchema(
    implementation="org.apache.flink SlotSharingExecutionSlotAllocator",
    title="slot sharing allocator",
    config=SlotSharingAllocatorConfig,
    generations=("1.12", "1.20", "2.3"),
    names={
        "allocation": NameKind("a"),
        "tm": NameKind("tm"),
        "group": NameKind("g"),
        "vertex": NameKind("v"),
        "payload": NameKind("x"),
        "request": NameKind("q", generated=True),
        "future": NameKind("f", generated=True),
        "bulk": NameKind("b", generated=True),
    },
    operations=(
        Operation(
            "allocate", (Argument("vertices", list[Name], names="vertex", refers="vertices"),)
        ),
        Operation("cancel", (_VERTEX,)),
        Operation(
            "add_slot",
            (
                _ALLOCATION,
                Argument("tm"),
                Argument("index", Index, ignored=True),
                Argument("profile", _SLOT_PROFILE),
            ),
            result=bool,
        ),
        Operation("fulfil", (Argument("request"), _ALLOCATION), result=bool),
        Operation("fail_request", (Argument("request"), _CAUSE), result=bool),
        Operation("fail_slot", (_ALLOCATION, _CAUSE), result=bool),
        Operation("fail_task_manager", (Argument("tm"), _CAUSE)),
        Operation(
            "foreign_payload", (_ALLOCATION, Argument("indefinitely", bool)), result=bool | None
        ),
        Operation(
            "pool_mode",
            (Argument("mode", Literal["normal", "fails", "raises", "refuses"], enum=PoolMode),),
        ),
        Operation(
            "assign_payload",
            (
                _LOGICAL,
                Argument("payload", new=True),
                Argument("terminates", Literal["at_once", "later"]),
            ),
            result=bool | None,
        ),
        Operation("release_logical", (_LOGICAL, _CAUSE), result=bool | None),
        Operation(
            "terminate",
            (Argument("payload"), Argument("failed", bool, optional=True)),
            result=bool | None,
        ),
        Operation("advance_time", (Argument("ms", Millis),)),
    ),
    required=frozenset({"groups", "vertices"}),
    signals=frozenset({"logical.completed", "logical.failed"}),
    refuse=refuse_many_timers("a check of bulks", "timeout_ms"),
)
