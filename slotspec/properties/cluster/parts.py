"""What holds of a part in every state by itself holds of it within the cluster.

The statements are those of the parts, not written again. Statements about a step look at
the effects of one operation, and a step of the cluster may be several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slotspec.models.cluster.model import cluster
from slotspec.models.cluster.state import (
    ClusterState,
    manager_instance,
    pool_instance,
    table_instance,
)
from slotspec.models.registry import load_model
from slotspec.statemachine.declaration.model import Instance, Kind, Model, Property
from slotspec.statemachine.declaration.records import Setting

PartOf = Callable[[Setting], Instance]
Wrap = Callable[[Callable[..., Any]], Callable[[ClusterState], bool]]


def of_pool(statement: Callable[..., Any]) -> Callable[[ClusterState], bool]:
    def holds(s: ClusterState) -> bool:
        return statement(s.pool)  # type: ignore[no-any-return]

    return holds


def of_manager(statement: Callable[..., Any]) -> Callable[[ClusterState], bool]:
    def holds(s: ClusterState) -> bool:
        return statement(s.manager)  # type: ignore[no-any-return]

    return holds


def of_tables(statement: Callable[..., Any]) -> Callable[[ClusterState], bool]:
    def holds(s: ClusterState) -> bool:
        for tm in range(len(s.tables)):
            if not statement(s.tables[tm]):
                return False
        return True

    return holds


def applies(declared: Property, part: PartOf) -> Callable[[Setting], bool]:
    """Whether a statement is about a part as the cluster has it."""

    def when(setting: Setting) -> bool:
        return declared.name in part(setting).properties

    return when


def deviates(declared: Property, part: PartOf) -> Callable[[Setting], str | None]:
    """Whether Flink is known to break it there."""

    def deviation(setting: Setting) -> str | None:
        if declared.deviation is None:
            return None
        return declared.deviation(part(setting).setting)

    return deviation


def take_over(model: Model, part: PartOf, wrap: Wrap, name: str) -> None:
    """Declare every statement about states of a part for the cluster."""
    for declared in list(model.properties.values()):
        if declared.kind is Kind.ALWAYS:
            statement = wrap(declared.function)
            statement.__name__ = f"{name}_{declared.name}"
            statement.__doc__ = declared.function.__doc__
            cluster.always(
                declared.source,
                when=applies(declared, part),
                deviation=deviates(declared, part),
            )(statement)


take_over(load_model("slot_pool"), pool_instance, of_pool, "pool")
take_over(load_model("slot_manager"), manager_instance, of_manager, "manager")
take_over(load_model("task_slot_table"), table_instance, of_tables, "table")
