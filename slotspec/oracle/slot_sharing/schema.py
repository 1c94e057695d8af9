"""What traces of slot sharing may say."""

from __future__ import annotations

from typing import Literal

import msgspec

from slotspec.oracle.traces.schema import (
    Argument,
    Index,
    Name,
    Operation,
    TraceSchema,
)

_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")
_SLOT = Argument("slot")
_WHY = Argument("cause", Literal["other", "flink", "timeout"] | None)


class SlotSharingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What surrounds a slot sharing manager.

    :param owner_releases: the owner of a logical slot that is returned releases its task slot.
    """

    owner_releases: bool


_PARENT = Argument("parent")
_GROUP = Argument("group", Name | None)
_REASON = Argument("cause", Literal["other", "flink", "timeout"])
_CONTEXT = (Argument("tm"), _ALLOCATION, Argument("index", Index), _PROFILE)

SCHEMA = TraceSchema(
    implementation="org.apache.flink SlotSharingManager",
    title="slot sharing",
    config=SlotSharingConfig,
    generations=("1.11", "1.12"),
    operations=(
        Operation(
            "create_root_slot",
            (
                _SLOT,
                Argument("allocated_request"),
                Argument("context", items=_CONTEXT, many=False, optional=True),
            ),
        ),
        Operation("resolve_context", (_SLOT, Argument("context", items=_CONTEXT, many=False))),
        Operation("fail_context", (_SLOT, _REASON)),
        Operation("allocate_multi", (_PARENT, _SLOT, _GROUP)),
        Operation("allocate_single", (_PARENT, _SLOT, _GROUP, _PROFILE, Argument("locality"))),
        Operation("release", (_SLOT, _REASON)),
        Operation(
            "assign_payload",
            (_SLOT, Argument("payload"), Argument("on_fail", Literal["nothing", "terminate"])),
        ),
        Operation("release_logical_slot", (_SLOT, _WHY)),
        Operation("payload_terminates", (Argument("payload"),)),
        Operation("contains_group", (_SLOT, _GROUP)),
        Operation("get_unresolved_root", (_GROUP,)),
        Operation("list_resolved_roots", (_GROUP,)),
        Operation("get_resolved_root", (Argument("tm"), _ALLOCATION)),
        Operation("may_have_enough_resources", (_SLOT, _PROFILE)),
        Operation("contains_slot", (_SLOT,)),
        Operation("is_empty"),
    ),
)
