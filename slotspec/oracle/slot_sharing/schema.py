"""What traces of slot sharing contain."""

from __future__ import annotations

from typing import Literal

import msgspec

from slotspec.models.logical_slot.state import Reaction
from slotspec.oracle.traces.schema import (
    Argument,
    Index,
    Locality,
    Name,
    NameKind,
    Operation,
    TraceSchema,
)


class SlotSharingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of a slot sharing manager's environment.

    :param owner_releases: the owner of a logical slot that is returned releases its task slot.
    """

    owner_releases: bool


_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")
_SLOT = Argument("slot")
_NEW_SLOT = Argument("slot", new=True)
_MULTI = Argument("slot", names="multi")
_SINGLE = Argument("slot", names="single")
_PARENT = Argument("parent", names="multi")
_GROUP = Argument("group", Name | None)
_CAUSE = Argument("cause", Literal["other", "flink", "timeout"])
_CAUSE_OR_NONE = Argument("cause", Literal["other", "flink", "timeout"] | None)
_CONTEXT = (Argument("tm"), _ALLOCATION, Argument("index", Index), _PROFILE)

SCHEMA = TraceSchema(
    implementation="org.apache.flink SlotSharingManager",
    title="slot sharing",
    config=SlotSharingConfig,
    generations=("1.11", "1.12"),
    names={
        "slot": NameKind("s"),
        "multi": NameKind("s", within="slot"),
        "single": NameKind("s", within="slot"),
        "payload": NameKind("y"),
        "group": NameKind("g"),
        "tm": NameKind("tm"),
        "allocation": NameKind("a"),
        "allocated_request": NameKind("r"),
    },
    operations=(
        Operation(
            "create_root_slot",
            (
                _NEW_SLOT,
                Argument("allocated_request", new=True),
                Argument("context", items=_CONTEXT, many=False, optional=True),
            ),
        ),
        Operation("resolve_context", (_MULTI, Argument("context", items=_CONTEXT, many=False))),
        Operation("fail_context", (_MULTI, _CAUSE)),
        Operation("allocate_multi", (_PARENT, _NEW_SLOT, _GROUP)),
        Operation(
            "allocate_single",
            (_PARENT, _NEW_SLOT, _GROUP, _PROFILE, Argument("locality", Locality)),
        ),
        Operation("release", (_SLOT, _CAUSE)),
        Operation(
            "assign_payload",
            (
                _SINGLE,
                Argument("payload", new=True),
                Argument("on_fail", Literal["nothing", "terminate"], enum=Reaction),
            ),
            result=bool,
        ),
        Operation("release_logical_slot", (_SINGLE, _CAUSE_OR_NONE)),
        Operation("payload_terminates", (Argument("payload"),), result=bool),
        Operation("contains_group", (_SLOT, _GROUP)),
        Operation("get_unresolved_root", (_GROUP,)),
        Operation("list_resolved_roots", (_GROUP,)),
        Operation("get_resolved_root", (Argument("tm"), _ALLOCATION), result="multi"),
        Operation("may_have_enough_resources", (_MULTI, _PROFILE), result=bool),
        Operation("contains_slot", (_SLOT,)),
        Operation("is_empty", result=bool),
    ),
)
