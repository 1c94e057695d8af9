"""What holds of a part in every state also holds of it within the cluster.

The properties are those of the parts, not written again. Properties of a step are left out:
they look at the effects of one operation, and a step of the cluster may consist of several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from slotspec.statemachine.declaration.records import Setting, Sort
from slotspec.statemachine.errors import DeclarationError

PartOf = Callable[[Setting], Instance]
Holds = Callable[..., bool]


def of_pool(statement: Holds) -> Holds:
    def holds(s: ClusterState) -> bool:
        return statement(s.pool)

    return holds


def of_manager(statement: Holds) -> Holds:
    def holds(s: ClusterState) -> bool:
        return statement(s.manager)

    return holds


def of_tables(statement: Holds) -> Holds:
    def holds(s: ClusterState) -> bool:
        return all(statement(table) for table in s.tables)

    return holds


def for_all(declared: Property) -> Holds:
    """The property as a rule of its part alone: it holds for all elements of its `each`.

    The sorts of the part have their sizes from the part's own bounds.
    """
    function: Holds = declared.function
    sorts: Sequence[Any] = tuple(declared.parameters.values())
    if not sorts:
        return function
    if len(sorts) > 2 or not all(isinstance(sort, Sort) for sort in sorts):
        raise DeclarationError(
            "MDL012", f"{declared.name} of a part is for each of {sorts}; use one sort, or two"
        )
    first, last = sorts[0], sorts[-1]

    def of_one(s: Any) -> bool:
        return all(function(s, a) for a in s.elements(first))

    def of_two(s: Any) -> bool:
        return all(function(s, a, b) for a in s.elements(first) for b in s.elements(last))

    return of_one if len(sorts) == 1 else of_two


_made: dict[PartOf, tuple[Setting, Instance]] = {}


def made(part: PartOf, setting: Setting) -> Instance:
    """The part at this setting; made once for all of its properties."""
    known = _made.get(part)
    if known is None or known[0] is not setting:
        known = _made[part] = setting, part(setting)
    return known[1]


def applies(declared: Property, part: PartOf) -> Callable[[Setting], bool]:
    """Whether a property is about a part as the cluster has it."""

    def when(setting: Setting) -> bool:
        return declared.name in made(part, setting).properties

    return when


def deviates(declared: Property, part: PartOf) -> Callable[[Setting], str | None]:
    """Whether Flink is known to violate it there."""

    def deviation(setting: Setting) -> str | None:
        if declared.deviation is None:
            return None
        return declared.deviation(made(part, setting).setting)

    return deviation


def take_over(
    model: Model,
    part: PartOf,
    wrap: Callable[[Holds], Holds],
    name: str,
    whole: Model = cluster,
) -> None:
    """Declare every property of a part's states for the cluster."""
    for declared in list(model.properties.values()):
        if declared.kind is Kind.ALWAYS:
            statement = wrap(for_all(declared))
            statement.__name__ = f"{name}_{declared.name}"
            statement.__doc__ = declared.function.__doc__
            whole.always(
                declared.source,
                when=applies(declared, part),
                deviation=deviates(declared, part),
            )(statement)


take_over(load_model("slot_pool"), pool_instance, of_pool, "pool")
take_over(load_model("slot_manager"), manager_instance, of_manager, "manager")
take_over(load_model("task_slot_table"), table_instance, of_tables, "table")
