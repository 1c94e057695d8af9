"""Translates ``unchanged``: compares the bytes of the named fields, eight at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slotspec.statemachine.compiler.backend.function_builder import Reg
from slotspec.statemachine.compiler.frontend.symbols import RecordAt, Symbol
from slotspec.statemachine.declaration.rules import compared
from slotspec.statemachine.layout import WORD

if TYPE_CHECKING:
    from slotspec.statemachine.compiler.frontend.expressions import Expressions


def unchanged(to: Expressions, node: ast.Call) -> Symbol:
    """Whether two records have the same bytes in the given fields."""
    if len(node.args) < 2 or any(keyword.arg != "but" for keyword in node.keywords):
        raise to.reject("RUL010", node, "unchanged takes two states, names of fields, and but=")
    records = [to.expression(argument) for argument in node.args[:2]]
    one, two = records
    if not isinstance(one, RecordAt) or not isinstance(two, RecordAt) or one.part != two.part:
        raise to.reject("RUL007", node, "unchanged compares two states, or the same part of both")
    fields = [_name(to, argument) for argument in node.args[2:]]
    but = [name for keyword in node.keywords for name in _names(to, keyword.value)]

    def where() -> str:
        return f"{to.source.place(node)}: in {to.source.tree.name}"

    places = []
    for name in compared(to.owner(one), fields, but, where):
        place = to.place_of(one, name)
        assert place is not None
        to.target.touches.add(place.name)
        places.append((place.offset, place.size))
    builder, total = to.builder, "0"
    for begin, size in _chunks(places):
        values = []
        for record in (one, two):
            at = builder.emit(f"getelementptr i8, ptr {record.pointer}, i64 {begin}")
            values.append(builder.emit(f"load i{8 * size}, ptr {at}, align 1"))
        different = builder.emit(f"xor i{8 * size} {values[0]}, {values[1]}")
        if size < WORD:
            different = builder.emit(f"zext i{8 * size} {different} to i64")
        total = builder.emit(f"or i64 {total}, {different}")
    return Reg(builder.emit(f"icmp eq i64 {total}, 0"), True)


def _name(to: Expressions, node: ast.expr) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise to.reject(
            "RUL017", node, f"{ast.unparse(node)} is no name of a field; write it in quotes"
        )
    return node.value


def _names(to: Expressions, node: ast.expr) -> list[str]:
    if isinstance(node, ast.Tuple | ast.List):
        return [_name(to, element) for element in node.elts]
    return [_name(to, node)]


def _chunks(places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First byte and size (8, 4, 2 or 1) of loads that together cover all `places`."""
    runs: list[list[int]] = []
    for offset, size in sorted(places):
        if runs and runs[-1][1] == offset:
            runs[-1][1] += size
        else:
            runs.append([offset, offset + size])
    for begin, end in runs:
        at = begin
        while at < end:
            size = next(n for n in (8, 4, 2, 1) if at + n <= end)
            yield at, size
            at += size
