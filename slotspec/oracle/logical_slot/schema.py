"""What traces of logical slots contain."""

from __future__ import annotations

from typing import Literal

import msgspec

from slotspec.models.logical_slot.state import Outcome, Reaction
from slotspec.oracle.traces.schema import (
    Argument,
    Index,
    Locality,
    NameKind,
    Operation,
    TraceSchema,
)


class LogicalSlotConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logical slots have no configuration that makes a difference."""


_SLOT = Argument("slot")
_NEW_SLOT = Argument("slot", new=True)
_WHY = Argument("cause", Literal["other", "flink", "timeout"] | None)
_PLACE = (
    Argument("tm"),
    Argument("allocation"),
    Argument("index", Index),
    Argument("locality", Locality),
    Argument("on_return", Literal["nothing", "release", "release_slot", "raise"], enum=Reaction),
    Argument("indefinite", bool, optional=True),
)

SCHEMA = TraceSchema(
    implementation="org.apache.flink SingleLogicalSlot",
    title="logical slots",
    config=LogicalSlotConfig,
    generations=("1.11", "1.12", "1.13"),
    names={
        "slot": NameKind("s"),
        "payload": NameKind("y"),
        "physical": NameKind("h"),
        "tm": NameKind("tm"),
        "allocation": NameKind("a"),
    },
    operations=(
        Operation("create_slot", (_NEW_SLOT, *_PLACE)),
        Operation(
            "allocate_from_physical_slot",
            (_NEW_SLOT, Argument("physical"), *_PLACE),
            absent_in=frozenset({"1.11"}),
        ),
        Operation(
            "try_assign_payload",
            (
                _SLOT,
                Argument("payload", new=True),
                Argument(
                    "on_fail",
                    Literal["nothing", "terminate", "release", "release_slot", "raise"],
                    enum=Reaction,
                ),
            ),
            result=bool,
        ),
        Operation("release_slot", (_SLOT, _WHY)),
        Operation("release", (_SLOT, _WHY)),
        Operation(
            "payload_terminates",
            (Argument("payload"), Argument("outcome", Literal["ok", "fails"], enum=Outcome)),
            result=bool,
        ),
        Operation("is_alive", (_SLOT,), result=bool),
        Operation("get_payload", (_SLOT,)),
        Operation("describe", (_SLOT,)),
    ),
)
