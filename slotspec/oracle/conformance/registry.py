"""Which oracle answers for which class.

An oracle is asked for one trace at a time. A further class needs a vocabulary in
:mod:`slotspec.oracle.traces.schema` and a line in :data:`ORACLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

from slotspec.oracle.traces.schema import (
    LOGICAL_SLOT,
    SCHEMAS,
    SLOT_MANAGER,
    SLOT_POOL,
    SLOT_SHARING,
    TASK_SLOT_TABLE,
)
from slotspec.oracle.traces.trace import Expected, TraceHeader
from slotspec.statemachine.errors import InputError, UsageError


class Oracle(Protocol):
    """Says what a class does, one operation after the other.

    It may also have ``hint(step)``, which is called before `step` and tells it the names
    that the trace uses for ids that the model makes itself.
    """

    def step(self, op: str, **arguments: Any) -> Expected:
        """Run one operation on the model.

        :raises InputError: where the generation does not have it.
        """
        ...


Factory = Callable[..., Oracle]
"""Called with generation and header. Those of the built-in models also take ``replace``,
``choices`` and ``listener`` by name."""

ORACLES: dict[str, str | Factory] = {
    SLOT_POOL.implementation: "slotspec.oracle.slot_pool.adapter:SlotPoolOracle",
    TASK_SLOT_TABLE.implementation: "slotspec.oracle.task_slot_table.adapter:TaskSlotTableOracle",
    LOGICAL_SLOT.implementation: "slotspec.oracle.logical_slot.adapter:LogicalSlotOracle",
    SLOT_SHARING.implementation: "slotspec.oracle.slot_sharing.adapter:SlotSharingOracle",
    SLOT_MANAGER.implementation: "slotspec.oracle.slot_manager.adapter:SlotManagerOracle",
}
"""The header's ``implementation`` -> what makes its oracle, or where that is found."""


def generation_of(header: TraceHeader, generation: str | None = None) -> str:
    """The generation to hold a trace against: the one asked for, else its version's.

    :raises UsageError: ``SET101`` where there is no such generation.
    :raises InputError: ``TRC011`` where there is none for the version of the trace.
    """
    schema = SCHEMAS[header.implementation]
    known = ", ".join(schema.generations)
    if generation is not None:
        if generation not in schema.generations:
            raise UsageError(
                "SET101",
                f"there is no generation {generation!r} of the {schema.title}; use one of {known}",
            )
        return generation
    if header.generation not in schema.generations:
        raise InputError(
            "TRC011",
            f"no generation of the {schema.title} models version {header.version!r}; "
            f"there are {known}: choose one with --generation",
        )
    return header.generation


def oracle_for(header: TraceHeader, generation: str | None = None) -> Oracle:
    """A fresh oracle for one trace.

    :raises InputError: ``TRC010`` where no model covers the class, or as `generation_of`.
    """
    chosen = generation_of(header, generation)
    return factory_of(header)(chosen, header)


def factory_of(header: TraceHeader) -> Factory:
    """What makes the oracles for traces of this class.

    :raises InputError: ``TRC010`` where no model covers the class.
    """
    found = ORACLES.get(header.implementation)
    if found is None:
        known = ", ".join(ORACLES)
        raise InputError(
            "TRC010", f"no model covers {header.implementation!r} yet; there are {known}"
        )
    if isinstance(found, str):
        module, name = found.split(":")
        found = cast("Factory", getattr(import_module(module), name))
    return found
