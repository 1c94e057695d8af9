"""What the fuzz has to know of each modelled class, beside its vocabulary.

A further class needs a line in :data:`FUZZ_TARGETS`; its oracle, its words' export and its scopes
do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from slotspec.models import load_model
from slotspec.oracle.traces.schema import (
    LOGICAL_SLOT,
    SLOT_MANAGER,
    SLOT_POOL,
    SLOT_SHARING,
    TASK_SLOT_TABLE,
    TraceSchema,
)
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.declaration.lifecycle import Lifecycle
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.errors import UsageError

_AMOUNTS = ("cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb")


def profile(*amounts: float) -> dict[str, Any]:
    """A profile as headers have it."""
    return {**dict(zip(_AMOUNTS, amounts, strict=True)), "extended": {}}


PROFILES: Mapping[str, Any] = {
    "any": "ANY",
    "large": profile(2.0, 1024, 0, 256, 64),
    "small": profile(1.0, 256, 0, 64, 32),
    "tall": profile(1.0, 4096, 0, 64, 32),
    "unknown": "UNKNOWN",
    "wide": profile(4.0, 256, 0, 64, 32),
}
"""``large`` satisfies ``small``; ``tall`` and ``wide`` satisfy ``small`` but not each other."""
KNOWN = {name: given for name, given in PROFILES.items() if not isinstance(given, str)}
"""Those of a fixed size."""


def _no_config(random: Random) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class FuzzTarget:
    """A modelled class as the fuzz sees it.

    :param model: name of the model.
    :param receiver: the class, in diagrams.
    :param caller: who calls it there.
    :param made: first letters of the names that the class makes itself, such as ``a1``.
    :param maps: key in a state -> kinds of the names in it, one for each level of nesting.
    :param kinds: arguments whose names are those of another kind.
    :param invented: kind -> first letters of invented names, and how many there are.
    :param new: arguments that name something that was not there before, as ``op.argument``.
    :param rare: operations that end what went before, or that only look.
    :param paired: parts of one object that are all null where one is.
    :param config: draws a configuration of the header.
    :param profiles: of a header with a drawn configuration.
    :param tiny: bounds within which every state is covered.
    :param walked: bounds that every walk of the environment has, whatever its scope.
    """

    model: str
    schema: TraceSchema
    receiver: str
    caller: str
    made: tuple[str, ...] = ()
    maps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    invented: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    new: frozenset[str] = frozenset()
    rare: frozenset[str] = frozenset()
    paired: tuple[str, ...] = ()
    config: Callable[[Random], dict[str, Any]] = _no_config
    profiles: Mapping[str, Any] = field(default_factory=dict)
    walked: Mapping[str, int] = field(default_factory=dict)
    tiny: Mapping[str, int] = field(default_factory=dict)

    def load(self) -> Model:
        """The model itself."""
        return load_model(self.model)

    @property
    def lifecycles(self) -> dict[str, type[Lifecycle]]:
        """Each field of lifecycle states with its lifecycle."""
        return {
            name: spec.domain
            for name, spec in self.load().record.fields.items()
            if isinstance(spec.domain, type) and issubclass(spec.domain, Lifecycle)
        }

    def generation(self, asked: str | None) -> str:
        """`asked`, if this class has it.

        :raises UsageError: ``SET101`` where it has not.
        """
        if asked not in self.schema.generations:
            known = ", ".join(self.schema.generations)
            raise UsageError(
                "SET101",
                f"there is no generation {asked!r} of the {self.schema.title}; use one of {known}",
            )
        return asked


def _manager_config(random: Random) -> dict[str, Any]:
    return {
        "slot_request_timeout_ms": random.choice((50, 80, 100)),
        "task_manager_timeout_ms": random.choice((30, 50, 100)),
        "wait_result_consumed": random.random() < 0.5,
        "spread": random.random() < 0.3,
        "slot_profile": random.choice(("small", "small", "large")),
        "slots_per_worker": random.choice((1, 1, 2)),
        "max_slots": random.choice((1, 2, 4, 100)),
        "redundant_task_managers": random.choice((0, 0, 0, 1)),
        "task_managers": ["tm1", "tm2", "tm3"],
        "auto_run": random.random() < 0.7,
    }


def _table_config(random: Random) -> dict[str, Any]:
    slots = random.choice((1, 2, 3))
    shares = slots + random.choice((0, 1, 2))
    small = {
        name: amount * shares for name, amount in zip(_AMOUNTS, (1.0, 256, 0, 64, 32), strict=True)
    }
    return {
        "slots": slots,
        "total": "ANY" if random.random() < 0.1 else {**small, "extended": {}},
        "default_profile": "small",
    }


def _sharing_config(random: Random) -> dict[str, Any]:
    return {"owner_releases": random.random() < 0.8}


FUZZ_TARGETS: dict[str, FuzzTarget] = {
    "slot_pool": FuzzTarget(
        "slot_pool",
        SLOT_POOL,
        receiver="pool",
        caller="job",
        made=("a",),
        tiny={
            "task_managers": 1,
            "requests": 1,
            "request_ids": 1,
            "foreign_allocations": 1,
            "profiles": 1,
        },
    ),
    "slot_manager": FuzzTarget(
        "slot_manager",
        SLOT_MANAGER,
        tiny={
            "task_managers": 1,
            "instances": 1,
            "slots": 1,
            "report_entries": 1,
            "allocations": 2,
            "requests": 4,
            "calls": 3,
            "workers": 0,
            "occupied_answers": 0,
            "cancelled_answers": 0,
            "reports": 0,
        },
        receiver="manager",
        caller="rm",
        made=("g", "q", "p"),
        maps={
            "slots": ("slot",),
            "free_slots": ("slot",),
            "registrations": ("instance",),
            "requests": ("allocation",),
            "fulfilled": ("allocation", "slot"),
        },
        invented={
            "allocation": ("a", 8),
            "job": ("j", 3),
            "instance": ("i", 6),
            "tm": ("tm", 3),
            "slot": ("tm1/ tm2/ tm3/", 2),
            "call": ("g9", 3),
            "query": ("q9", 3),
        },
        rare=frozenset(
            {
                "start",
                "suspend",
                "close",
                "counts",
                "set_resource_allocation",
                "set_fail_unfulfillable_request",
                "unregister_task_managers_and_release_resources",
            }
        ),
        paired=("job", "allocation"),
        config=_manager_config,
        profiles=KNOWN,
        # a recording cannot say that a map changes its order
        walked={"iteration_order": 0},
    ),
    "task_slot_table": FuzzTarget(
        "task_slot_table",
        TASK_SLOT_TABLE,
        tiny={
            "static_slots": 1,
            "dynamic_slots": 1,
            "allocations": 2,
            "jobs": 1,
            "executions": 1,
            "tasks": 0,
            "tickets": 2,
            "profiles": 1,
            "spare": 1,
        },
        receiver="table",
        caller="te",
        made=("k",),
        maps={
            "by_index": ("number", "allocation"),
            "slots": ("allocation",),
            "per_job": ("job", "allocation"),
            "tasks": ("execution", "task"),
            "timers": ("allocation",),
        },
        invented={
            "allocation": ("a", 6),
            "job": ("j", 3),
            "execution": ("e", 4),
            "task": ("t", 1_000),
            "ticket": ("k9", 3),
        },
        new=frozenset({"add_task.task"}),
        rare=frozenset({"close"}),
        config=_table_config,
        profiles=KNOWN,
    ),
    "logical_slot": FuzzTarget(
        "logical_slot",
        LOGICAL_SLOT,
        tiny={"slots": 1, "payloads": 1, "physical_slots": 1, "reactions": 1, "faults": 1},
        receiver="slots",
        caller="scheduler",
        maps={"slots": ("slot",), "payloads": ("payload",)},
        invented={
            "slot": ("s", 1_000),
            "payload": ("y", 1_000),
            "physical": ("h", 3),
            "tm": ("tm", 3),
            "allocation": ("a", 4),
            "locality": ("LOCAL", 1),
        },
        new=frozenset(
            {
                "create_slot.slot",
                "allocate_from_physical_slot.slot",
                "try_assign_payload.payload",
            }
        ),
    ),
    "slot_sharing": FuzzTarget(
        "slot_sharing",
        SLOT_SHARING,
        tiny={
            "multis": 2,
            "slots": 1,
            "groups": 1,
            "payloads": 1,
            "profiles": 1,
            "allocations": 1,
        },
        receiver="sharing",
        caller="scheduler",
        maps={
            "slots": ("slot",),
            "unresolved": ("slot",),
            "resolved": ("tm", "allocation", "slot"),
            "children": ("group", "slot"),
        },
        kinds={"parent": "slot"},
        invented={
            "slot": ("s", 1_000),
            "payload": ("y", 1_000),
            "group": ("g", 4),
            "tm": ("tm", 3),
            "allocation": ("a", 4),
            "allocated_request": ("r", 1_000),
            "locality": ("LOCAL", 1),
        },
        new=frozenset(
            {
                "create_root_slot.slot",
                "create_root_slot.allocated_request",
                "allocate_multi.slot",
                "allocate_single.slot",
                "assign_payload.payload",
            }
        ),
        config=_sharing_config,
        profiles={**KNOWN, "any": "ANY", "unknown": "UNKNOWN"},
    ),
}
"""Each class that can be fuzzed, by the name of its model."""

_BY_IMPLEMENTATION = {s.schema.implementation: s for s in FUZZ_TARGETS.values()}


def subject(model: str) -> FuzzTarget:
    """The subject of a model.

    :raises UsageError: ``SET112`` for a model without a class that could be run.
    """
    if model not in FUZZ_TARGETS:
        raise UsageError(
            "SET112", f"no class to run for model {model!r}; choose from {', '.join(FUZZ_TARGETS)}"
        )
    return FUZZ_TARGETS[model]


def target_of_header(header: TraceHeader) -> FuzzTarget:
    """The subject that a header is about."""
    return _BY_IMPLEMENTATION[header.implementation]
