"""Translates the expressions of a rule."""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Callable, Sequence
from typing import Any

from slotspec.statemachine.compiler.backend.function_builder import Reg, Value
from slotspec.statemachine.compiler.backend.result_buffer import EFFECT_COUNT
from slotspec.statemachine.compiler.frontend.iteration import Iteration, columns_of
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
    known,
)
from slotspec.statemachine.declaration import source as sources
from slotspec.statemachine.declaration.integers import LEAVES, LOW
from slotspec.statemachine.declaration.records import Sort
from slotspec.statemachine.errors import RuleError, suggest

COMPARISONS = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "slt",
    ast.LtE: "sle",
    ast.Gt: "sgt",
    ast.GtE: "sge",
}
FOLDED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
PLAIN = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
}
FOLDED_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitXor: lambda a, b: a ^ b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
OVERFLOWING: dict[type[ast.operator], str] = {
    ast.Add: "sadd",
    ast.Sub: "ssub",
    ast.Mult: "smul",
}
Element = Callable[[str, ast.AST], Value]


QUANTIFIERS = (Known(any), Known(all))


class Expressions(Iteration):
    """Turns expressions into symbols and numbers."""

    def reject(self, code: str, node: ast.AST | None, message: str) -> RuleError:
        return sources.reject(code, self.source, node, message)

    @staticmethod
    def is_number(symbol: Symbol) -> bool:
        return isinstance(symbol, Reg | int)

    def number(self, node: ast.expr) -> Value:
        return self.as_number(self.expression(node), node)

    def as_bool(self, node: ast.expr) -> Value:
        """A value of which only the truth counts, so None is as good as 0."""
        symbol = self.expression(node)
        if isinstance(symbol, Effects):
            return Reg(self.cell(EFFECT_COUNT))
        return symbol if isinstance(symbol, Reg) else self.as_number(symbol, node)

    def as_number(self, symbol: Symbol, node: ast.AST) -> Value:
        if isinstance(symbol, Reg) and symbol.nothing:
            raise self.reject(
                "RUL015",
                node,
                f"{ast.unparse(node)} may return nothing, where a number is needed; let the"
                " helper return a number on every path",
            )
        if isinstance(symbol, Reg | int):
            return symbol
        what = {
            RecordAt: "a state (or a part of one); name its field",
            RecordsAt: "several parts; index them",
            ArrayAt: "an array; index it",
            Table: "a constant table; index it",
            Effects: "the list of effects; index it",
            Effect: "an effect; name its kind or an argument",
            Row: "a tuple; unpack it",
            Range: "a range; loop over it",
        }.get(type(symbol), "no integer")
        raise self.reject(
            "RUL007", node, f"{ast.unparse(node)} is {what}, where a number is needed"
        )

    def expression(self, node: ast.expr) -> Symbol:
        match node:
            case ast.Constant(value=bool() | int()):
                return int(node.value)  # type: ignore[arg-type]
            case ast.Constant():
                raise self.reject(
                    "RUL006", node, f"{node.value!r} is no integer; rules know integers only"
                )
            case ast.Name():
                return self.name(node)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Subscript():
                return self.subscript(node)
            case ast.Call():
                return self.call(node)
            case ast.Compare():
                return self.compare(node)
            case ast.BoolOp():
                return self.bool_value(node)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BinOp():
                return self.arithmetic(
                    node.op, self.number(node.left), self.number(node.right), node
                )
            case ast.IfExp():
                return self.choice(node)
            case ast.Tuple() | ast.List():
                parts = [self.expression(e) for e in node.elts]
                numbers = tuple(part for part in parts if isinstance(part, int))
                return Table(numbers) if len(numbers) == len(parts) else Row(tuple(parts))
            case ast.NamedExpr():
                value = self.number(node.value)
                self.store(node.target, value)
                return value
        inside = "inside any, all, sum, min, max or next"
        comprehended = f"a comprehension; write a generator {inside}"
        what = {
            ast.ListComp: comprehended,
            ast.GeneratorExp: f"a generator by itself; write it {inside}",
            ast.SetComp: comprehended,
            ast.DictComp: comprehended,
            ast.Lambda: "a closure; write a helper function",
            ast.JoinedStr: "a string; rules know integers only",
            ast.Dict: "a dict; use a field or a constant of the model",
            ast.Set: "a set; ask whether something is in it, or use a tuple",
        }.get(type(node), f"a {type(node).__name__}; rules keep to integer arithmetic")
        raise self.reject("RUL003", node, f"{ast.unparse(node)} is {what}")

    # names

    def name(self, node: ast.Name) -> Symbol:
        name = node.id
        if name in self.symbols:
            return self.symbols[name]
        if name in self.slots:
            return self.load_local(name, node)
        if name in self.handles:
            return self.load_handle(name, node)
        if name in self.local_names:
            raise self.reject(
                "RUL004", node, f"{name} is used before it has a value; assign it first"
            )
        return self.python(self.python_value(node, name), node, name)

    def python_value(self, node: ast.AST, name: str) -> Any:
        code, cells = self.function.__code__, self.function.__closure__
        if name in code.co_freevars and cells is not None:
            # a variable of an enclosing function is as constant as a global
            try:
                return cells[code.co_freevars.index(name)].cell_contents
            except ValueError:
                raise self.reject("RUL004", node, f"{name} has no value yet") from None
        space = self.function.__globals__
        if name in space:
            return space[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise self.reject("RUL004", node, f"{name} is not defined")

    def python(self, value: Any, node: ast.AST, name: str) -> Symbol:
        symbol = known(value)
        if symbol is None:
            raise self.reject("RUL006", node, f"{name} is {value!r}; rules know integers only")
        return symbol

    def attribute(self, node: ast.Attribute) -> Symbol:
        below = self.expression(node.value)
        if isinstance(below, RecordAt):
            return self.field(below, node)
        if isinstance(below, ArrayAt | Table):
            raise self.reject(
                "RUL007",
                node,
                f"{ast.unparse(node)}: an array has a fixed length and no methods; assign elements",
            )
        if isinstance(below, Effect):
            if node.attr == "kind":
                return self.effect_part(below, 0, node)
            return self.effect_argument(below, node.attr, node)
        if isinstance(below, Known) and hasattr(below.value, node.attr):
            return self.python(getattr(below.value, node.attr), node, ast.unparse(node))
        raise self.reject("RUL004", node, f"{ast.unparse(node)} is not defined")

    def field(self, record: RecordAt, node: ast.Attribute) -> Symbol:
        if node.attr == "effects":
            if record.part is not None:
                raise self.reject(
                    "RUL014",
                    node,
                    "effects of a part are read from the whole, with its number added",
                )
            self.target.reads.setdefault(
                record.pointer,
                self.reject("RUL014", node, "only the state after a step has effects; read those"),
            )
            self.program.effects_asked = True
            return Effects()
        place = self.place_of(record, node.attr)
        if place is not None:
            if place.spec.array:
                return ArrayAt(record.pointer, place)
            return self.load(record.pointer, place, 0)
        owner = self.owner(record)
        if node.attr in owner.constants:
            return self.python(getattr(owner, node.attr), node, ast.unparse(node))
        parts = tuple(p for p in owner.parts if p.attribute == node.attr)
        if parts:
            if parts[0].index is None:
                return RecordAt(record.pointer, parts[0])
            return RecordsAt(record.pointer, parts)
        known = suggest(node.attr, [*owner.fields, *owner.constants])
        raise self.reject("RUL007", node, f"the state has no field {node.attr}; {known}")

    def subscript(self, node: ast.Subscript) -> Symbol:
        below = self.expression(node.value)
        if isinstance(node.slice, ast.Slice):
            raise self.reject("RUL003", node, "a slice allocates; loop over the elements")
        if isinstance(below, Known) and not isinstance(below.value, tuple | list):
            raise self.reject(
                "RUL003", node, f"{ast.unparse(node.value)} cannot be indexed by a rule"
            )
        index = self.number(node.slice)
        if isinstance(below, Known):
            return self.row_of_table(below.value, index, node)
        if isinstance(below, RecordsAt):
            return self.one_of(below, index, node)
        if isinstance(below, ArrayAt):
            return self.load(below.pointer, below.place, self.checked(index, below.place, node))
        if isinstance(below, Table):
            return self.load_table(below, index, node)
        if isinstance(below, Effects):
            return self.effect(index, node)
        if isinstance(below, Effect):
            return self.effect_part(below, index, node)
        if isinstance(below, Row):
            if isinstance(index, int) and -len(below.parts) <= index < len(below.parts):
                return below.parts[index]
            return self.load_row(below, index, node)
        if isinstance(below, Range):
            raise self.reject("RUL003", node, "a range cannot be indexed; calculate the element")
        raise self.reject(
            "RUL007", node, f"{ast.unparse(node.value)} is a number and has no elements"
        )

    def row_of_table(self, table: Sequence[Any], index: Value, node: ast.Subscript) -> Symbol:
        """An element of a constant table of something other than numbers."""
        if isinstance(index, int) and -len(table) <= index < len(table):
            return self.python(table[index], node, ast.unparse(node))
        columns = columns_of(table)
        if columns is None:
            raise self.reject(
                "RUL003",
                node,
                f"{ast.unparse(node.value)} can be indexed by a constant only; a table that is"
                " indexed by a value holds integers, or rows of them, all of one length",
            )
        return Row(tuple(self.load_table(Table(column), index, node) for column in columns))

    # numbers

    def compare(self, node: ast.Compare) -> Value:
        left = self.number(node.left)
        if len(node.ops) == 1:
            return self.one_comparison(left, node.ops[0], node.comparators[0], node)[0]
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops[:-1]):
            raise self.reject("RUL003", node, "'in' must end a chain of comparisons; write 'and'")
        builder = self.builder
        slot, out = builder.local("i1"), builder.label("compared")
        for i, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            value, left = self.one_comparison(left, op, right, node)
            builder.line(f"store i1 {builder.i1(value)}, ptr {slot}")
            if i == 0:
                always = set(self.assigned)
            if i < len(node.ops) - 1:
                more = builder.label("more")
                builder.branch(value, more, out)
                builder.start_block(more)
        builder.start_block(out)
        self.assigned = always
        return Reg(builder.emit(f"load i1, ptr {slot}"), True)

    def one_comparison(
        self, left: Value, op: ast.cmpop, right_node: ast.expr, node: ast.AST
    ) -> tuple[Value, Value]:
        builder = self.builder
        if isinstance(op, ast.In | ast.NotIn):
            found = self.contains(left, right_node)
            if isinstance(op, ast.In):
                return found, 0
            if isinstance(found, int):
                return int(not found), 0
            return Reg(builder.emit(f"xor i1 {builder.i1(found)}, true"), True), 0
        if type(op) not in COMPARISONS:
            raise self.reject("RUL003", node, "'is' compares objects; rules know integers: use ==")
        right = self.number(right_node)
        if isinstance(left, int) and isinstance(right, int):
            return int(FOLDED[type(op)](left, right)), right
        operands = f"{builder.i64(left)}, {builder.i64(right)}"
        return Reg(builder.emit(f"icmp {COMPARISONS[type(op)]} i64 {operands}"), True), right

    def contains(self, left: Value, node: ast.expr) -> Value:
        """Whether `left` is among the elements of `node`."""
        builder = self.builder
        if isinstance(node, ast.Set):
            node = ast.copy_location(ast.Tuple(node.elts, ast.Load()), node)
        among = self.expression(node)
        if isinstance(among, Known) and isinstance(among.value, set | frozenset):
            among = self.python(tuple(sorted(among.value)), node, ast.unparse(node))
        if isinstance(among, Table) and isinstance(left, int):
            return int(left in among.values)
        if isinstance(among, Table | Row):
            found = "false"
            for v in among.values if isinstance(among, Table) else among.parts:
                value = builder.i64(self.as_number(v, node))
                equal = builder.emit(f"icmp eq i64 {builder.i64(left)}, {value}")
                found = builder.emit(f"or i1 {found}, {equal}")
            return Reg(found, True)
        if isinstance(among, Range):
            return self.within(left, among)
        if not isinstance(among, ArrayAt):
            raise self.reject(
                "RUL003", node, "'in' needs a tuple, a range or an array field on its right"
            )
        slot, out = builder.local("i1"), builder.label("found")
        builder.line(f"store i1 true, ptr {slot}")
        text = builder.i64(left)

        def look(element: Symbol, again: str, _: str) -> None:
            equal = builder.emit(
                f"icmp eq i64 {text}, {builder.i64(self.as_number(element, node))}"
            )
            builder.end(f"br i1 {equal}, label %{out}, label %{again}")

        self.each(self.course_of(among, node), look)
        builder.line(f"store i1 false, ptr {slot}")
        builder.start_block(out)
        return Reg(builder.emit(f"load i1, ptr {slot}"), True)

    def within(self, left: Value, among: Range) -> Value:
        """Whether `left` is in a range."""
        builder, step = self.builder, among.step
        if isinstance(left, int) and isinstance(among.first, int) and isinstance(among.stop, int):
            return int(left in range(among.first, among.stop, step))
        text, first, stop = builder.i64(left), builder.i64(among.first), builder.i64(among.stop)
        begun = builder.emit(f"icmp {'sge' if step > 0 else 'sle'} i64 {text}, {first}")
        before = builder.emit(f"icmp {'slt' if step > 0 else 'sgt'} i64 {text}, {stop}")
        found = builder.emit(f"and i1 {begun}, {before}")
        if abs(step) > 1:
            rest = builder.emit(f"srem i64 {builder.emit(f'sub i64 {text}, {first}')}, {abs(step)}")
            found = builder.emit(f"and i1 {found}, {builder.emit(f'icmp eq i64 {rest}, 0')}")
        return Reg(found, True)

    def unary(self, node: ast.UnaryOp) -> Value:
        negation = isinstance(node.op, ast.Not)
        value = self.as_bool(node.operand) if negation else self.number(node.operand)
        builder = self.builder
        match node.op:
            case ast.Not():
                if isinstance(value, int):
                    return int(not value)
                return Reg(builder.emit(f"xor i1 {builder.i1(value)}, true"), True)
            case ast.USub():
                if isinstance(value, int):
                    return self.fitting(-value, node)
                if self.may_leave(node):
                    return self.checked_operation("ssub", "0", builder.i64(value), node)
                return Reg(builder.emit(f"sub i64 0, {builder.i64(value)}"))
            case ast.Invert():
                if isinstance(value, int):
                    return self.fitting(~value, node)
                if self.may_leave(node):
                    return self.checked_operation("ssub", "-1", builder.i64(value), node)
                return Reg(builder.emit(f"xor i64 {builder.i64(value)}, -1"))
            case _:
                return value

    def arithmetic(self, op: ast.operator, a: Value, b: Value, node: ast.AST) -> Value:
        builder = self.builder
        division = isinstance(op, ast.FloorDiv | ast.Mod)
        if type(op) not in FOLDED_ARITHMETIC:
            raise self.reject(
                "RUL003", node, "rules know + - * // % & | ^ on integers; write it with these"
            )
        if isinstance(a, int) and isinstance(b, int) and not (division and b == 0):
            return self.fitting(FOLDED_ARITHMETIC[type(op)](a, b), node)
        x, y = builder.i64(a), builder.i64(b)
        if type(op) in OVERFLOWING and self.may_leave(node):
            return self.checked_operation(OVERFLOWING[type(op)], x, y, node)
        if not division:
            result = builder.emit(f"{PLAIN[type(op)]} i64 {x}, {y}")
            if type(op) not in OVERFLOWING and self.may_leave(node):
                self.check(builder.emit(f"icmp sge i64 {result}, {LOW}"), "STP011", node, LEAVES)
            return Reg(result)
        self.check(builder.emit(f"icmp ne i64 {y}, 0"), "STP006", node, "division by zero")
        rest = builder.emit(f"srem i64 {x}, {y}")
        mixed = builder.emit(f"icmp slt i64 {builder.emit(f'xor i64 {rest}, {y}')}, 0")
        wrong = builder.emit(f"and i1 {builder.emit(f'icmp ne i64 {rest}, 0')}, {mixed}")
        if isinstance(op, ast.Mod):
            return Reg(
                builder.emit(
                    f"select i1 {wrong}, i64 {builder.emit(f'add i64 {rest}, {y}')}, i64 {rest}"
                )
            )
        quotient = builder.emit(f"sdiv i64 {x}, {y}")
        result = builder.emit(f"sub i64 {quotient}, {builder.emit(f'zext i1 {wrong} to i64')}")
        if self.may_leave(node):
            self.check(builder.emit(f"icmp sge i64 {result}, {LOW}"), "STP011", node, LEAVES)
        return Reg(result)

    def bool_value(self, node: ast.BoolOp) -> Value:
        """The value of ``and`` or ``or``: that of the operand that decides, as in Python."""
        builder = self.builder
        slot, out = builder.local(), builder.label("decided")
        for i, part in enumerate(node.values):
            value = self.number(part)
            if i == 0:
                always = set(self.assigned)
            builder.line(f"store i64 {builder.i64(value)}, ptr {slot}")
            if i < len(node.values) - 1:
                more = builder.label("more")
                yes, no = (more, out) if isinstance(node.op, ast.And) else (out, more)
                builder.branch(value, yes, no)
                builder.start_block(more)
        builder.start_block(out)
        self.assigned = always
        return Reg(builder.emit(f"load i64, ptr {slot}"))

    def choice(self, node: ast.IfExp) -> Symbol:
        condition = self.constant_condition(node.test)
        if condition is not None:
            return self.expression(node.body if condition else node.orelse)
        builder = self.builder
        yes, no, out = builder.label("if"), builder.label("else"), builder.label("chosen")
        self.jump_on(node.test, yes, no)
        always = set(self.assigned)
        slots: list[str] = []
        width = None
        for label, part in ((yes, node.body), (no, node.orelse)):
            builder.start_block(label)
            self.assigned = set(always)
            symbol = self.expression(part)
            values = [symbol]
            if isinstance(symbol, Row | Table):
                values = self.parts_of(symbol, part)
            if not slots:
                width = len(values) if isinstance(symbol, Row | Table) else None
                slots = [builder.local() for _ in values]
            if width != (len(values) if isinstance(symbol, Row | Table) else None):
                raise self.reject(
                    "RUL007", node, "both sides of if … else need the same number of elements"
                )
            for slot, value in zip(slots, values, strict=True):
                builder.line(f"store i64 {builder.i64(self.as_number(value, part))}, ptr {slot}")
            builder.jump(out)
        builder.start_block(out)
        self.assigned = always
        found = tuple(Reg(builder.emit(f"load i64, ptr {slot}")) for slot in slots)
        return found[0] if width is None else Row(found)

    # conditions

    def constant_condition(self, node: ast.expr) -> bool | None:
        """The truth of a condition on constants only; emits nothing."""
        match node:
            case ast.BoolOp(op=op, values=values):
                stop = isinstance(op, ast.Or)
                for part in values:
                    as_bool = self.constant_condition(part)
                    if as_bool is None:
                        return None
                    if as_bool is stop:
                        return stop
                return not stop
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                as_bool = self.constant_condition(operand)
                return None if as_bool is None else not as_bool
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in FOLDED:
                a, b = self.peek(left), self.peek(right)
                return None if a is None or b is None else FOLDED[type(op)](a, b)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[right]):
                if not isinstance(right, ast.Tuple | ast.List | ast.Set):
                    return None
                a, among = self.peek(left), [self.peek(element) for element in right.elts]
                if a is None or None in among:
                    return None
                return (a in among) is isinstance(op, ast.In)
        value = self.peek(node)
        return None if value is None else bool(value)

    def peek(self, node: ast.expr) -> int | None:
        """The value of a constant expression, or None; emits nothing and never rejects."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return int(node.value)
        if isinstance(node, ast.Attribute | ast.Name):
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            if not isinstance(root, ast.Name):
                return None
            at = self.symbols.get(root.id)
            if isinstance(at, int):
                return at if node is root else None
            if root.id in self.slots or root.id in self.handles or root.id in self.local_names:
                return None
            if isinstance(at, RecordAt):
                owner = self.owner(at)
                if (
                    isinstance(node, ast.Attribute)
                    and node.value is root
                    and node.attr in owner.constants
                ):
                    value = getattr(owner, node.attr)
                    return int(value) if isinstance(value, int) else None
                return None
            symbol = self.expression(node)
            return symbol if isinstance(symbol, int) else None
        return None

    def jump_on(self, node: ast.expr, yes: str, no: str) -> None:
        """Go to `yes` or `no`, evaluating no more of the condition than Python does."""
        builder = self.builder
        match node:
            case ast.BoolOp(op=op, values=values):
                for i, part in enumerate(values[:-1]):
                    more = builder.label("more")
                    if isinstance(op, ast.And):
                        self.jump_on(part, more, no)
                    else:
                        self.jump_on(part, yes, more)
                    if i == 0:
                        always = set(self.assigned)
                    builder.start_block(more)
                self.jump_on(values[-1], yes, no)
                self.assigned = always
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.jump_on(operand, no, yes)
            case ast.Call(func=ast.Name() as function, args=[argument], keywords=[]) if (
                quantifier := self.expression(function)
            ) in QUANTIFIERS:
                self.quantify(quantifier == Known(any), argument, yes, no)
            case _:
                builder.branch(self.as_bool(node), yes, no)

    def quantify(self, some: bool, argument: ast.expr, yes: str, no: str) -> None:
        """``any`` (`some`) or ``all`` of a generator or iterable, as a jump."""

        def look(value: ast.expr, element: Symbol | None, again: str) -> None:
            where = (yes, again) if some else (again, no)
            if element is None:
                self.jump_on(value, *where)
            else:
                self.builder.branch(self.as_number(element, value), *where)

        self.generate(argument, self.source_of(argument), look)
        self.builder.jump(no if some else yes)

    # calls

    def call(self, node: ast.Call) -> Symbol:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "elements":
            record = self.expression(node.func.value)
            if isinstance(record, RecordAt):
                return self.elements(record, node)
        target = self.expression(node.func)
        if not isinstance(target, Known):
            raise self.reject("RUL005", node, f"{ast.unparse(node.func)} cannot be called")
        word = self.program.intrinsics.get(target)
        if word is not None:
            return word(self, node)
        if not isinstance(target.value, types.FunctionType):
            raise self.reject(
                "RUL005",
                node,
                f"{ast.unparse(node.func)} is no rule; call plain functions, any, all, sum, min,"
                " max, next, len, range, abs, fire, recycle, emit",
            )
        arguments = self.arguments(node, target.value)
        callee = self.program.translate(target.value, arguments, reading=self.reading)
        return self.call_translated(callee, arguments, node)

    def elements(self, record: RecordAt, node: ast.Call) -> Range:
        """``s.elements(SORT)``, with the size that the sort has in the record's instance."""
        sort = self.expression(node.args[0]) if len(node.args) == 1 and not node.keywords else None
        if not isinstance(sort, Known) or not isinstance(sort.value, Sort):
            raise self.reject("RUL010", node, "elements takes one sort")
        try:
            return Range(0, sort.value.size(self.owner(record).bounds), 1)
        except KeyError:
            raise self.reject(
                "RUL011", node, f"the record has nothing over the sort {sort.value.name}"
            ) from None

    def arguments(self, node: ast.Call, function: types.FunctionType) -> list[Symbol]:
        """The arguments of a call in the order of the function's parameters."""
        code = function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        given: dict[str, Symbol] = {}
        if any(isinstance(a, ast.Starred) for a in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            raise self.reject("RUL010", node, "a rule passes its arguments one by one")
        if len(node.args) > code.co_argcount:
            raise self.reject("RUL010", node, f"{function.__name__} takes {', '.join(names)}")
        for name, argument in zip(names, node.args, strict=False):
            given[name] = self.expression(argument)
        for keyword in node.keywords:
            name = str(keyword.arg)
            if name in given or name in names[: code.co_posonlyargcount]:
                raise self.reject("RUL010", node, f"{function.__name__} takes {', '.join(names)}")
            given[name] = self.expression(keyword.value)
        defaults = function.__defaults__ or ()
        late = dict(
            zip(
                code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount],
                defaults,
                strict=True,
            )
        ) | (function.__kwdefaults__ or {})
        for name in names:
            if name not in given and name in late:
                given[name] = self.python(late[name], node, name)
        if set(given) != set(names):
            raise self.reject("RUL010", node, f"{function.__name__} takes {', '.join(names)}")
        for name in names:
            if isinstance(given[name], Row | Range):
                raise self.reject(
                    "RUL010",
                    node,
                    f"{name} of {function.__name__} would be a tuple or range; pass its elements",
                )
        return [given[name] for name in names]
