"""What keeps a call from being possible, by the text of its rule: one cell with a wrong value.

A rule is read once for each value of a cell that its guard looks at. If all that can come of it
is that the call is refused, whatever the other cells hold, then the call needs another value of
this cell first, and only calls that may write the cell can make it possible.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.declaration.records import Part, Ref
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.search.partial_order.cells import Cells as Numbering
from slotspec.statemachine.search.partial_order.reading import (
    DEEPEST,
    CellReading,
    Found,
    Readings,
    number_of,
)
from slotspec.statemachine.search.scalarsets.kinds import (
    OTHER,
    Cells,
    Kind,
    Nothing,
    Number,
    Row,
    Run,
    Whole,
    Wholes,
    begins_with,
)
from slotspec.statemachine.search.scalarsets.reading import Space, literal

LONGEST = 3_000
"""A guard with more expressions to read is not understood."""

MOST, IN_ALL = 400, 40_000
"""How many values are tried for one call, and roughly for all."""


@dataclass(frozen=True)
class Condition:
    """A call is refused, and meets no fault, unless this cell has one of these values."""

    cell: int
    allowed: frozenset[int]


class _Possible(Exception):
    """More may come of the call than that it is refused."""


def conditions(instance: Instance, cells: Numbering, call: Call) -> list[Condition]:
    """What a call needs, each alone."""
    function = instance.rule(call.action.function)
    given: list[Kind] = [Whole(), *(Number(value) for value in call.arguments)]
    open_guard = Guards(instance, {})
    open_guard.refuses(function, given)
    found: list[Condition] = []
    tried = 0
    for path in open_guard.seen:
        numbers = cells.of(path)
        if numbers.bit_count() != 1:
            continue
        values = values_of(instance, path)
        tried += len(values)
        if tried > min(MOST, IN_ALL // len(instance.calls)):
            break
        allowed = frozenset(
            value
            for value in values
            if not Guards(instance, {path: value}).refuses(function, given)
        )
        if len(allowed) < len(values):
            found.append(Condition(numbers.bit_length() - 1, allowed))
    return found


def values_of(instance: Instance, path: str) -> list[int]:
    """Every value of a cell."""
    spec = instance.record.fields[path.partition("[")[0]]
    values = list(range(instance.largest(spec) + 1))
    return [*values, NONE] if isinstance(spec.domain, Ref) else values


class Guards(Readings):
    """Reads the rule of one call while nothing but a refusal can come of it.

    :param known: the values of some cells, by their paths.
    :ivar seen: the cells that were read, in order.
    """

    def __init__(self, instance: Instance, known: dict[str, int]) -> None:
        super().__init__(instance)
        self.known = known
        self.seen: dict[str, None] = {}
        self.left = LONGEST

    def refuses(self, function: Any, given: Sequence[Kind]) -> bool:
        """Whether the call is refused, whatever the other cells hold."""
        try:
            returns, _ = self.call(function, given)
        except (_Possible, RuleError):
            return False
        return returns is not None and number_of(returns) == DISABLED

    def call(self, function: types.FunctionType, given: Sequence[Kind]) -> Found:
        if len(self.open) >= DEEPEST:
            raise _Possible
        self.open.append(function)
        try:
            reading = GuardReading(self, function, given)
        finally:
            self.open.pop()
        return reading.returns, []


class GuardReading(CellReading):
    """One rule, up to where the call may change something, emit something or meet a fault."""

    analysis: Guards

    def note(self, how: str, node: ast.AST, **about: Any) -> None:
        if how == "fault" and about.get("leaves") is not None:
            if about["leaves"]():
                raise _Possible
            return
        if how in ("return", "break"):
            return
        if how != "read":
            raise _Possible
        path, tag = about.get("path", ""), about.get("tag", OTHER)
        self.analysis.seen.setdefault(f"{path}[{tag}]" if tag.isdigit() else path)

    def breaks(self, node: ast.AST, why: str) -> None:
        raise _Possible

    def value(self, node: ast.expr, space: Space) -> Kind:
        self.analysis.left -= 1
        if self.analysis.left < 0:
            raise _Possible
        return super().value(node, space)

    def calculated(self, one: Kind, other: Kind, node: ast.AST, op: ast.operator) -> Kind:
        found = super().calculated(one, other, node, op)
        if number_of(found) is None:
            divides = isinstance(op, ast.FloorDiv | ast.Mod) and bool(number_of(other))
            if not (divides or isinstance(op, ast.Add | ast.Sub | ast.Mult)):
                raise _Possible
            if self.overflows(node):
                raise _Possible
        return found

    def aggregate(self, node: ast.Call, space: Space) -> Kind:
        word = self.known(node.func)
        if any(word is one for one in (min, max, next)) and len(node.args) + len(node.keywords) < 2:
            raise _Possible  # of nothing at all
        return super().aggregate(node, space)

    def run_of(self, node: ast.expr, space: Space) -> Run:
        if isinstance(node, ast.Call) and node.keywords:
            raise _Possible
        return super().run_of(node, space)

    def range(self, node: ast.Call, space: Space) -> Kind:
        if len(node.args) > 2:
            raise _Possible
        return super().range(node, space)

    def index(self, cells: Cells, node: ast.expr, space: Space) -> str:
        found = self.value(node, space)
        at, over = number_of(found), cells.spec.over
        size = cells.spec.size(self.analysis.instance.setting.bounds)
        within = at is not None and 0 <= at < size
        whole = isinstance(found, Number) and found.sort is not None and over is not None
        if not within and not (whole and begins_with(over, found.sort)):  # type: ignore[union-attr, arg-type]
            raise _Possible
        return str(at) if within else OTHER

    def field(self, node: ast.Attribute, part: Part | None, tag: str, reading: bool) -> Kind:
        found = super().field(node, part, tag, reading)
        if reading and not isinstance(found, Cells) and isinstance(found, Number | Nothing):
            path = node.attr if part is None else f"{part.name}.{node.attr}"
            return self.told_of(path, found)
        return found

    def subscript(self, node: ast.Subscript, space: Space) -> Kind:
        array = self.value(node.value, space)
        if isinstance(array, Wholes | Row):
            several = array.parts if isinstance(array, Row) else self.analysis.several(array.part)
            at = number_of(self.value(node.slice, space))
            if at is None or not 0 <= at < len(several):
                raise _Possible
        found = super().subscript(node, space)
        if isinstance(array, Cells):
            return self.told_of(f"{array.path}[{self.index(array, node.slice, space)}]", found)
        return found

    def told_of(self, path: str, otherwise: Kind) -> Kind:
        """The value of a cell, if it is given."""
        value = self.analysis.known.get(path)
        return otherwise if value is None else literal(value)
