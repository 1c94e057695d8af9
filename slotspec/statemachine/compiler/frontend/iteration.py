"""Translates loops: over iterables, and over generators in any, all, sum and the like.

A generator is expanded in place, as the loop that one would write by hand.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slotspec.statemachine.compiler.backend.function_builder import Reg, Value
from slotspec.statemachine.compiler.backend.result_buffer import (
    EFFECT_CELLS,
    EFFECT_COUNT,
    EFFECTS_ROOM,
)
from slotspec.statemachine.compiler.frontend.memory import SOME, Memory
from slotspec.statemachine.compiler.frontend.symbols import (
    ArrayAt,
    Effect,
    Effects,
    Known,
    Range,
    RecordAt,
    RecordsAt,
    Row,
    Symbol,
    Table,
)
from slotspec.statemachine.declaration.integers import HIGH, LOW
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.declaration.source import subtree

LONGEST_ROW = 16 * NONE
"""A span between multiples of a reference is no larger, if each refers to a row of an array."""

WRAPPERS = (Known(enumerate), Known(zip), Known(reversed))


@dataclass(frozen=True)
class Course:
    """The course of a loop: a counter, and the element for a value of the counter.

    :param limit: where the counter ends; None for the number of effects, which may grow.
    :param span: how far the limit can be from the first value; None if that is not known.
    """

    first: Value
    limit: Value | None
    step: int
    element: Callable[[str], Symbol]
    span: int | None = None


class Iteration(Memory):
    """Turns iterables into loops."""

    def jump_on(self, node: ast.expr, yes: str, no: str) -> None:
        raise NotImplementedError

    def peek(self, node: ast.expr) -> int | None:
        raise NotImplementedError

    def as_number(self, symbol: Symbol, node: ast.AST) -> Value:
        raise NotImplementedError

    def arithmetic(self, op: ast.operator, a: Value, b: Value, node: ast.AST) -> Value:
        raise NotImplementedError

    # iterables

    def course(self, node: ast.expr) -> Course:
        """The course of a loop over `node`, which this evaluates."""
        if isinstance(node, ast.GeneratorExp):
            raise self.reject(
                "RUL003", node, "a generator in a generator; write its for and if in the outer one"
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            function = self.expression(node.func)
            if function in WRAPPERS:
                return self.wrapped(node, function)
        return self.course_of(self.expression(node), node)

    def course_of(self, symbol: Symbol, node: ast.expr) -> Course:
        """The course of a loop over the elements of `symbol`."""
        builder = self.builder
        if isinstance(symbol, Range):
            return Course(symbol.first, symbol.stop, symbol.step, Reg, symbol.span)
        if isinstance(symbol, ArrayAt):
            array = symbol
            return Course(
                0, array.place.size, 1, lambda at: self.load(array.pointer, array.place, Reg(at))
            )
        if isinstance(symbol, Table):
            values = symbol.values
            return Course(0, len(values), 1, lambda at: self.element_of(values, at))
        if isinstance(symbol, RecordsAt):
            parts = symbol
            return Course(0, len(parts.parts), 1, lambda at: self.part_at(parts, Reg(at)))
        if isinstance(symbol, Effects):
            return Course(0, None, 1, lambda at: Effect(Reg(at)))
        if isinstance(symbol, Row):
            numbers = [self.as_number(part, node) for part in symbol.parts]
            slot = builder.local(f"[{len(numbers)} x i64]")
            for i, value in enumerate(numbers):
                at = builder.emit(f"getelementptr i64, ptr {slot}, i64 {i}")
                builder.line(f"store i64 {builder.i64(value)}, ptr {at}")
            return Course(
                0,
                len(numbers),
                1,
                lambda at: Reg(
                    builder.emit(
                        f"load i64, ptr {builder.emit(f'getelementptr i64, ptr {slot}, i64 {at}')}"
                    )
                ),
            )
        if isinstance(symbol, Known):
            if isinstance(symbol.value, Sort):
                raise self.reject(
                    "RUL011",
                    node,
                    f"the size of sort {symbol.value.name} belongs to the instance; loop over"
                    f" s.elements({ast.unparse(node)})",
                )
            columns = columns_of(symbol.value)
            if columns is not None:
                size = len(symbol.value)
                return Course(
                    0,
                    size,
                    1,
                    lambda at: Row(tuple(self.element_of(column, at) for column in columns)),
                )
        raise self.reject(
            "RUL011",
            node,
            f"a rule cannot loop over {ast.unparse(node)}; use range(…), s.elements(SORT), a"
            " field, a tuple, parts or effects",
        )

    def element_of(self, values: tuple[int, ...], at: str) -> Reg:
        """The element of a constant table at a counter that is within bounds."""
        if not values:
            return Reg("0")
        name = self.program.table(values)
        builder = self.builder
        return Reg(
            builder.emit(
                f"load i64, ptr {builder.emit(f'getelementptr i64, ptr {name}, i64 {at}')}"
            )
        )

    def wrapped(self, node: ast.Call, function: Symbol) -> Course:
        """The course of ``enumerate``, ``zip`` or ``reversed`` of other iterables."""
        if function == Known(enumerate):
            by_name = {k.arg: k.value for k in node.keywords}
            starts = [*node.args[1:], *by_name.values()]
            if not node.args or len(starts) > 1 or set(by_name) - {"start"}:
                raise self.reject("RUL010", node, "enumerate takes an iterable, and start")
            inner = self.course(node.args[0])
            start = self.as_number(self.expression(starts[0]), starts[0]) if starts else 0
            if inner.first != 0 or inner.step != 1:
                inner = self.counted(inner, node)
            return Course(
                0,
                inner.limit,
                1,
                lambda at: Row(
                    (self.arithmetic(ast.Add(), Reg(at), start, node), inner.element(at))
                ),
                inner.span,
            )
        if function == Known(zip):
            strict = [self.peek(k.value) for k in node.keywords if k.arg == "strict"]
            if len(strict) != len(node.keywords) or None in strict or not node.args:
                raise self.reject("RUL010", node, "zip takes iterables, and strict")
            courses = [self.counted(self.course(argument), node) for argument in node.args]
            limits = {course.limit for course in courses}
            if any(strict) and (len(limits) > 1 or not all(isinstance(n, int) for n in limits)):
                raise self.reject(
                    "RUL010", node, "lengths that may differ; write zip(…, strict=False)"
                )
            return Course(
                0,
                self.least([course.limit for course in courses]),
                1,
                lambda at: Row(tuple(course.element(at) for course in courses)),
                min((c.span for c in courses if c.span is not None), default=None),
            )
        if node.keywords or len(node.args) != 1:
            raise self.reject("RUL010", node, "reversed takes one iterable")
        inner = self.counted(self.course(node.args[0]), node)
        last = self.arithmetic(ast.Sub(), self.known_limit(inner), 1, node)
        return Course(
            0,
            inner.limit,
            1,
            lambda at: inner.element(
                self.builder.i64(self.arithmetic(ast.Sub(), last, Reg(at), node))
            ),
            inner.span,
        )

    @staticmethod
    def known_limit(course: Course) -> Value:
        assert course.limit is not None
        return course.limit

    def least(self, limits: Sequence[Value | None]) -> Value:
        result = limits[0]
        assert result is not None
        for limit in limits[1:]:
            assert limit is not None
            if isinstance(result, int) and isinstance(limit, int):
                result = min(result, limit)
                continue
            a, b = self.builder.i64(result), self.builder.i64(limit)
            less = self.builder.emit(f"icmp slt i64 {a}, {b}")
            result = Reg(self.builder.emit(f"select i1 {less}, i64 {a}, i64 {b}"))
        return result

    def counted(self, course: Course, node: ast.AST) -> Course:
        """The same course with a counter that goes from 0 in steps of 1."""
        if course.limit is None:
            raise self.reject(
                "RUL011", node, "effects are looped over as they are; count with enumerate"
            )
        if course.first == 0 and course.step == 1 and isinstance(course.limit, int):
            return Course(0, max(0, course.limit), 1, course.element)
        count = self.count(course)
        first, step = course.first, course.step

        def element(at: str) -> Symbol:
            by = self.builder.emit(f"mul i64 {at}, {step}")
            return course.element(self.builder.emit(f"add i64 {self.builder.i64(first)}, {by}"))

        return Course(0, count, 1, element, course.span)

    def count(self, course: Course | Range) -> Value:
        """The number of elements from first to limit."""
        first, step = course.first, course.step
        stop = course.stop if isinstance(course, Range) else self.known_limit(course)
        if isinstance(first, int) and isinstance(stop, int):
            return len(range(first, stop, step))
        builder = self.builder
        low, high = (first, stop) if step > 0 else (stop, first)
        slot = builder.emit(f"sub i64 {builder.i64(high)}, {builder.i64(low)}")
        number = slot
        if abs(step) > 1:
            before = builder.emit(f"sdiv i64 {builder.emit(f'sub i64 {slot}, 1')}, {abs(step)}")
            number = builder.emit(f"add i64 {before}, 1")
        some = builder.emit(f"icmp sgt i64 {slot}, 0")
        return Reg(builder.emit(f"select i1 {some}, i64 {number}, i64 0"))

    @staticmethod
    def times(course: Course) -> int | None:
        """How often the body of a loop is repeated, if that is known."""
        if course.limit is None:
            return EFFECTS_ROOM
        if isinstance(course.first, int) and isinstance(course.limit, int):
            # not len(), which takes no more than 64 bits
            return max(0, (course.limit - course.first) // course.step + 1)
        if course.span is None or course.span > LONGEST_ROW:
            return None
        # with NONE among the values, the span says nothing
        return course.span if course.span < NONE else SOME

    # loops

    def each(self, course: Course, do: Callable[[Symbol, str, str], None]) -> None:
        """Write a loop; `do` writes its body, given an element and where to continue and break."""
        builder = self.builder
        counter = builder.local()
        builder.line(f"store i64 {builder.i64(course.first)}, ptr {counter}")
        fixed = None if course.limit is None else builder.i64(course.limit)
        test, inside = builder.label("for"), builder.label("do")
        again, out = builder.label("next"), builder.label("done")
        builder.start_block(test)
        at = builder.emit(f"load i64, ptr {counter}")
        limit = self.cell(EFFECT_COUNT) if fixed is None else fixed
        more = builder.emit(f"icmp {'slt' if course.step > 0 else 'sgt'} i64 {at}, {limit}")
        builder.end(f"br i1 {more}, label %{inside}, label %{out}")
        builder.start_block(inside)
        with self.repeated(self.times(course)) as lasting:
            do(course.element(at), again, out)
        builder.start_block(again)
        if lasting:
            self.may_stop()
        at = builder.emit(f"load i64, ptr {counter}")
        if abs(course.step) > 1 and not (
            isinstance(course.limit, int) and LOW <= course.limit + course.step <= HIGH
        ):
            # end the loop here if the next value would exceed 64 bits
            last, on = builder.label("last"), builder.label("on")
            near = HIGH - course.step if course.step > 0 else LOW - course.step
            beyond = builder.emit(f"icmp {'sgt' if course.step > 0 else 'slt'} i64 {at}, {near}")
            builder.end(f"br i1 {beyond}, label %{last}, label %{on}")
            builder.start_block(last)
            builder.jump(out)
            builder.start_block(on)
        builder.line(f"store i64 {builder.emit(f'add i64 {at}, {course.step}')}, ptr {counter}")
        builder.jump(test)
        builder.start_block(out)

    def generate(
        self, node: ast.expr, course: Course, do: Callable[[ast.expr, Symbol | None, str], None]
    ) -> None:
        """Write the loops of a generator, or the one over an iterable.

        :param course: the course of the first iterable, which is already evaluated.
        :param do: writes the body, given a value (or its expression) and where to continue.
        """
        saved = set(self.assigned)
        if not isinstance(node, ast.GeneratorExp):
            self.each(course, lambda element, again, _: do(node, element, again))
            self.assigned = saved
            return
        self.written = self.written or self.may_write(node)
        names = {
            below.id
            for generator in node.generators
            for below in subtree(generator.target)
            if isinstance(below, ast.Name)
        }
        spaces: tuple[dict[str, Any], ...] = (self.symbols, self.slots, self.handles)
        hidden = [{n: space.pop(n) for n in names if n in space} for space in spaces]
        outer_names = self.local_names
        self.local_names = outer_names | names
        self.assigned -= names

        def nest(depth: int, course: Course) -> None:
            generator = node.generators[depth]

            def step(element: Symbol, again: str, _: str) -> None:
                self.bind(generator.target, element, generator.iter)
                for condition in generator.ifs:
                    more = self.builder.label("more")
                    self.jump_on(condition, more, again)
                    self.builder.start_block(more)
                if depth + 1 < len(node.generators):
                    nest(depth + 1, self.course(node.generators[depth + 1].iter))
                else:
                    do(node.elt, None, again)

            self.each(course, step)

        nest(0, course)
        for space, own in zip(spaces, hidden, strict=True):
            for name in names:
                space.pop(name, None)
            space.update(own)
        self.local_names = outer_names
        self.assigned = saved

    def source_of(self, node: ast.expr) -> Course:
        """The course of the first iterable of an ``any``, ``sum``, …"""
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp):
            raise self.reject(
                "RUL003",
                node,
                f"{ast.unparse(node)} builds a collection; write a generator inside any, all,"
                " sum, min, max or next",
            )
        return self.course(node.generators[0].iter if isinstance(node, ast.GeneratorExp) else node)

    # assignment to names

    def bind(self, target: ast.expr, symbol: Symbol, node: ast.AST) -> None:
        """Assign a value, which may be a part, an effect or a row of values too."""
        if isinstance(target, ast.Tuple | ast.List):
            parts = self.parts_of(symbol, node)
            if any(isinstance(t, ast.Starred) for t in target.elts):
                raise self.reject("RUL002", target, "a rule names each element that it unpacks")
            if len(parts) != len(target.elts):
                raise self.reject(
                    "RUL002",
                    target,
                    f"{len(target.elts)} names for {len(parts)} values: both sides need the same"
                    " number of elements",
                )
            for t, part in zip(target.elts, parts, strict=True):
                self.bind(t, part, node)
            return
        if isinstance(target, ast.Name) and isinstance(symbol, RecordAt | Effect):
            self.store_handle(target, symbol)
            return
        if (
            isinstance(target, ast.Name)
            and isinstance(symbol, ArrayAt | Table)
            and target.id not in self.slots
            and target.id not in self.handles
        ):
            if self.symbols.get(target.id, symbol) != symbol or self.depth:
                raise self.reject(
                    "RUL007",
                    target,
                    f"{target.id} would name different arrays at different times; write the"
                    " branches out, or pass the array to a helper",
                )
            self.symbols[target.id] = symbol
            return
        if isinstance(target, ast.Attribute) and not isinstance(symbol, Reg | int):
            self.store(target, 0)  # rejects an array
        self.store(target, self.as_number(symbol, node))

    def parts_of(self, symbol: Symbol, node: ast.AST) -> list[Symbol]:
        """The elements of a value to unpack."""
        if isinstance(symbol, Row):
            return list(symbol.parts)
        if isinstance(symbol, Table):
            return list(symbol.values)
        if isinstance(symbol, ArrayAt):
            return [self.load(symbol.pointer, symbol.place, i) for i in range(symbol.place.size)]
        if isinstance(symbol, Effect):
            return [self.effect_part(symbol, i, node) for i in range(EFFECT_CELLS)]
        if isinstance(symbol, RecordsAt):
            return [self.part_at(symbol, i) for i in range(len(symbol.parts))]
        raise self.reject("RUL002", node, "only a tuple has several values to unpack")


def columns_of(value: object) -> list[tuple[int, ...]] | None:
    """The columns of a constant table of rows of equal length; None for any other table."""
    if not isinstance(value, tuple | list) or not value:
        return None
    rows = [row for row in value if isinstance(row, tuple | list)]
    width = len(rows[0]) if rows else 0
    good = all(len(row) == width and all(isinstance(v, int) for v in row) for row in rows)
    if len(rows) != len(value) or not width or not good:
        return None
    return [tuple(int(row[i]) for row in rows) for i in range(width)]
