"""What a trace of one class may say: its operations, their arguments, its configuration.

A vocabulary knows names and types, not behaviour: whether an operation exists in a version,
and what it does, is for the oracle to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1)]
"""An id or a short name: any text but the empty one."""
Index = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Millis = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Timeout = Annotated[int, Meta(ge=1, le=2**31 - 1)]
SlotNumber = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""Number of a task slot; a negative one asks for a dynamic slot."""
Amount = Annotated[float, Meta(ge=0)]


class _Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Those fields of every step that are read as they come."""

    result: Any | UnsetType = UNSET
    effects: list[dict[str, Any]] | UnsetType = UNSET
    raises: Name | UnsetType | None = UNSET
    raises_cause: Name | UnsetType | None = UNSET
    unordered: list[tuple[int, int]] | UnsetType = UNSET


class StepFields(_Fields, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The fields of a step that are no arguments; every one of them may be absent."""

    state: dict[str, Any] | UnsetType = UNSET


class UnreadStepFields(_Fields, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The same, with the state as the text that it is."""

    state: msgspec.Raw | UnsetType = UNSET


RESERVED = ("op", *StepFields.__struct_fields__)
"""Names that no argument may have."""


@dataclass(frozen=True)
class Argument:
    """One argument of an operation.

    :param type: what msgspec is to accept for it (``str | None`` where null is allowed).
    :param refers: header field (``profiles``, ``causes``, ``task_managers``) whose keys are
        the names allowed here; null is always let through.
    :param items: for a list of objects, the fields of each; `type` is then ignored.
    :param many: with `items`: a list of objects; if not, one object.
    """

    name: str
    type: Any = Name
    refers: str | None = None
    optional: bool = False
    items: tuple[Argument, ...] | None = None
    many: bool = True

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of an object, or of one item of a list of objects."""
        return _struct(self.name, self.items or (), (), {})

    def field(self) -> tuple[str, Any] | tuple[str, Any, Any]:
        """As :func:`msgspec.defstruct` wants it."""
        kind = self.type
        if self.items is not None:
            kind = list[self.struct] if self.many else self.struct  # type: ignore[name-defined]
        return (self.name, kind | UnsetType, UNSET) if self.optional else (self.name, kind)


@dataclass(frozen=True)
class Operation:
    """One operation of a class; `absent_in` are the generations that do not have it."""

    name: str
    arguments: tuple[Argument, ...] = ()
    absent_in: frozenset[str] = frozenset()

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of a whole step of this operation."""
        return self._struct(StepFields)

    @cached_property
    def unread_struct(self) -> type[msgspec.Struct]:
        """The type of a whole step whose state is left as text."""
        return self._struct(UnreadStepFields)

    def _struct(self, base: type[msgspec.Struct]) -> type[msgspec.Struct]:
        tag = {"tag_field": "op", "tag": self.name}
        return _struct(self.name, self.arguments, (base,), tag)


def _struct(
    name: str, arguments: tuple[Argument, ...], bases: tuple[type, ...], tag: dict[str, Any]
) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        name,
        [argument.field() for argument in arguments],
        bases=bases or None,
        kw_only=True,
        forbid_unknown_fields=True,
        frozen=True,
        **tag,
    )


def _decoder(structs: Sequence[type[msgspec.Struct]]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(reduce(or_, structs))


def _nothing_to_say(config: Mapping[str, Any], op: str, arguments: Mapping[str, Any]) -> str | None:
    return None


@dataclass(frozen=True)
class TraceSchema:
    """All that a trace of one class may contain.

    :param implementation: the header's ``implementation``.
    :param title: for people, such as ``slot pool``.
    :param config: msgspec struct of the header's ``config``.
    :param generations: the generations that an oracle can be asked for, oldest first.
    :param ordered: paths of maps inside the state whose order is part of the state.
    :param refuse: says what is wrong with arguments that are well typed but beyond what a
        replay can do in reasonable time; None where nothing is.
    """

    implementation: str
    title: str
    config: type[msgspec.Struct]
    operations: tuple[Operation, ...]
    generations: tuple[str, ...]
    ordered: frozenset[str] = frozenset()
    refuse: Callable[[Mapping[str, Any], str, Mapping[str, Any]], str | None] = field(
        default=_nothing_to_say
    )

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        """Operation name -> operation."""
        return {operation.name: operation for operation in self.operations}

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes one line into the struct of its operation."""
        return _decoder([operation.struct for operation in self.operations])

    @cached_property
    def unread_decoder(self) -> msgspec.json.Decoder[Any]:
        """The same, but the state is left as text."""
        return _decoder([operation.unread_struct for operation in self.operations])

    def operations_of(self, generation: str) -> list[str]:
        """Names of the operations that this generation has."""
        return [o.name for o in self.operations if generation not in o.absent_in]


_TM = Argument("tm", refers="task_managers")
_REQUEST = Argument("request")
_ALLOCATION = Argument("allocation")
_PROFILE = Argument("profile", refers="profiles")
_CAUSE = Argument("cause", refers="causes")


class SlotPoolConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two periods of a slot pool, in milliseconds."""

    idle_slot_timeout_ms: Timeout
    batch_slot_timeout_ms: Timeout


TIMER_LIMIT = 1_000_000
"""How often one `advance_time` may fire a timer: each firing is a step of its own."""


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


SLOT_POOL = TraceSchema(
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


class Amounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A budget of resources: cpu in cores, memory in MiB, extended resources by name."""

    cpu: Amount
    task_heap_mb: Amount
    task_off_heap_mb: Amount
    managed_mb: Amount
    network_mb: Amount
    extended: dict[str, Amount]


class TaskSlotTableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a TaskExecutor's slot table is built with.

    :param slots: number of static slots.
    :param total: the budget that static and dynamic slots share.
    :param default_profile: name of the profile of a static slot.
    """

    slots: Annotated[int, Meta(ge=1, le=10_000)]
    total: Amounts | Literal["ANY"]
    default_profile: Name


_JOB = Argument("job")
_EXECUTION = Argument("execution")
_TASK = Argument("task")
_NUMBER = Argument("index", SlotNumber)

TASK_SLOT_TABLE = TraceSchema(
    implementation="org.apache.flink TaskSlotTableImpl",
    title="task slot table",
    config=TaskSlotTableConfig,
    generations=("1.11", "1.12", "1.13"),
    operations=(
        Operation("start"),
        Operation("close"),
        Operation(
            "allocate_slot",
            (
                _NUMBER,
                _JOB,
                _ALLOCATION,
                Argument("profile", Name | None, refers="profiles"),
                Argument("timeout", Millis),
            ),
        ),
        Operation("mark_slot_active", (_ALLOCATION,)),
        Operation("mark_slot_inactive", (_ALLOCATION, Argument("timeout", Millis))),
        Operation("try_mark_slot_active", (_JOB, _ALLOCATION)),
        Operation("free_slot", (_ALLOCATION,)),
        Operation("add_task", (_TASK, _EXECUTION, _JOB, _ALLOCATION, Argument("quick", bool))),
        Operation("remove_task", (_EXECUTION,)),
        Operation("task_terminates", (_TASK, Argument("outcome", Literal["ok", "fails"]))),
        Operation("advance_time", (Argument("ms", Millis),)),
        Operation("notify_timeout", (_ALLOCATION, Argument("ticket"))),
        Operation("is_valid_timeout", (_ALLOCATION, Argument("ticket"))),
        Operation("is_allocated", (_NUMBER, _JOB, _ALLOCATION)),
        Operation("is_slot_free", (_NUMBER,)),
        Operation("get_current_allocation", (_NUMBER,)),
        Operation("get_owning_job", (_ALLOCATION,)),
        Operation("get_task", (_EXECUTION,)),
        Operation("get_task_memory_manager", (_ALLOCATION,)),
        Operation("get_allocation_ids", (_JOB,)),
        Operation("get_allocated_slots", (_JOB,)),
        Operation("has_allocated_slots", (_JOB,)),
        Operation("get_active_slots", (Argument("job", Name | None, optional=True),)),
        Operation("get_tasks", (_JOB,)),
        Operation("generate_slot_offer", (_ALLOCATION,)),
        Operation("create_slot_report"),
    ),
)


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

LOGICAL_SLOT = TraceSchema(
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


class SlotSharingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What surrounds a slot sharing manager.

    :param owner_releases: the owner of a logical slot that is returned releases its task slot.
    """

    owner_releases: bool


_PARENT = Argument("parent")
_GROUP = Argument("group", Name | None)
_REASON = Argument("cause", Literal["other", "flink", "timeout"])
_CONTEXT = (Argument("tm"), _ALLOCATION, Argument("index", Index), _PROFILE)

SLOT_SHARING = TraceSchema(
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

SLOT_MANAGER = TraceSchema(
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

SCHEMAS: dict[str, TraceSchema] = {
    SLOT_POOL.implementation: SLOT_POOL,
    TASK_SLOT_TABLE.implementation: TASK_SLOT_TABLE,
    LOGICAL_SLOT.implementation: LOGICAL_SLOT,
    SLOT_SHARING.implementation: SLOT_SHARING,
    SLOT_MANAGER.implementation: SLOT_MANAGER,
}
"""The header's ``implementation`` -> what its traces may say."""
