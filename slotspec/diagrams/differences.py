"""The difference between two generations of a model."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from typing import Any

from slotspec.diagrams.description import Cell, Grid
from slotspec.statemachine.declaration.model import Instance, Model
from slotspec.statemachine.errors import UsageError

Row = tuple[str, tuple[Cell, ...]]


def difference(model: Model, first: str, second: str) -> Grid:
    """The choices, operations and properties in which two generations differ.

    :raises UsageError: ``SET004`` if the model has no such generation.
    """
    for version in (first, second):
        if version not in model.generations:
            known = ", ".join(model.generations) or "none"
            raise UsageError(
                "SET004", f"model {model.name} has no generation {version!r}; it has {known}"
            )
    instances = [
        [model.instance(generation=version, scope=scope) for scope in model.scopes]
        for version in (first, second)
    ]
    rows = (
        *_choices(model, first, second),
        *_operations(model, instances),
        *_properties(model, instances),
    )
    return Grid(
        f"{model.name}: {first} and {second}",
        "difference",
        (first, second),
        rows,
        "Choices, operations, and properties with their known deviations that are not the same in"
        " both.",
        (("first", f"only in {first}"), ("second", f"only in {second}")),
    )


def _pair(first: str, second: str) -> tuple[Cell, Cell]:
    return (
        Cell((first,) if first else (), "first" if first else ""),
        Cell((second,) if second else (), "second" if second else ""),
    )


def _choices(model: Model, first: str, second: str) -> Iterator[Row]:
    one, two = model.generations[first], model.generations[second]
    for name in dict.fromkeys([*one, *two]):
        if one.get(name) != two.get(name):
            yield name, _pair(_choice(one.get(name)), _choice(two.get(name)))


def _choice(value: Any) -> str:
    if isinstance(value, Enum):
        description = descriptions(type(value)).get(value.name, "")
        return f"{value.name.lower()}: {description}" if description else value.name.lower()
    return {0: "no", 1: "yes"}.get(value, str(value)) if value is not None else ""


def descriptions(enum: type[Enum]) -> dict[str, str]:
    """The docstring of each member of `enum`, read from its source if possible."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(enum)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for one, following in pairwise(body):
        if (
            isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            found[one.targets[0].id] = " ".join(following.value.value.split())
    return found


def _operations(model: Model, instances: list[list[Instance]]) -> Iterator[Row]:
    has = [{action.name for instance in side for action in instance.actions} for side in instances]
    for name in model.actions:
        sides = [name in there for there in has]
        if any(sides) and not all(sides):
            yield name, _pair(*("has this operation" if side else "" for side in sides))


def _properties(model: Model, instances: list[list[Instance]]) -> Iterator[Row]:
    for name, declared in model.properties.items():
        cells = []
        for side in instances:
            having = [instance for instance in side if name in instance.properties]
            reasons = [
                reason
                for i in having
                if declared.deviation and (reason := declared.deviation(i.setting))
            ]
            cells.append(
                f"known deviation: {reasons[0]}" if reasons else "" if having else "does not apply"
            )
        if cells[0] != cells[1]:
            yield name, _pair(*cells)
