"""What traces of logical slots may say."""

from __future__ import annotations

from typing import Literal

import msgspec

from slotspec.oracle.traces.schema import (
    Argument,
    Index,
    Operation,
    TraceSchema,
)

_ALLOCATION = Argument("allocation")


class LogicalSlotConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logical slots are built with nothing that makes a difference."""


_SLOT = Argument("slot")
_WHY = Argument("cause", Literal["other", "flink", "timeout"] | None)
_PLACE = (
    Argument("tm"),
    _ALLOCATION,
    Argument("index", Index),
    Argument("locality"),
    Argument("on_return", Literal["nothing", "release", "release_slot", "raise"]),
    Argument("indefinite", bool, optional=True),
)

SCHEMA = TraceSchema(
    implementation="org.apache.flink SingleLogicalSlot",
    title="logical slots",
    config=LogicalSlotConfig,
    generations=("1.11", "1.12", "1.13"),
    operations=(
        Operation("create_slot", (_SLOT, *_PLACE)),
        Operation(
            "allocate_from_physical_slot",
            (_SLOT, Argument("physical"), *_PLACE),
            absent_in=frozenset({"1.11"}),
        ),
        Operation(
            "try_assign_payload",
            (
                _SLOT,
                Argument("payload"),
                Argument(
                    "on_fail", Literal["nothing", "terminate", "release", "release_slot", "raise"]
                ),
            ),
        ),
        Operation("release_slot", (_SLOT, _WHY)),
        Operation("release", (_SLOT, _WHY)),
        Operation(
            "payload_terminates",
            (Argument("payload"), Argument("outcome", Literal["ok", "fails"])),
        ),
        Operation("is_alive", (_SLOT,)),
        Operation("get_payload", (_SLOT,)),
        Operation("describe", (_SLOT,)),
    ),
)
