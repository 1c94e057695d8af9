"""How a translated rule reaches its locals, the state, constant tables and the notebook."""

from __future__ import annotations

import ast
import types
from collections.abc import Sequence

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg, Value
from slotspec.statemachine.compiler.frontend.source import read
from slotspec.statemachine.compiler.frontend.symbols import (
    ArrayAt,
    Effect,
    RecordAt,
    RecordsAt,
    Symbol,
    Table,
)
from slotspec.statemachine.compiler.program import (
    EFFECT_CELLS,
    EFFECT_COUNT,
    FAULT,
    Program,
    Translated,
)
from slotspec.statemachine.declaration.records import Part, Record
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.layout import Place

UNBOUND = -(2**63) + 1
"""In a local that has no value yet."""


class Memory:
    """State of a translation, and its loads, stores and checks."""

    def __init__(
        self,
        program: Program,
        target: Translated,
        function: types.FunctionType,
        *,
        reading: bool,
        action: bool,
    ) -> None:
        self.program, self.target, self.function = program, target, function
        self.reading, self.action = reading, action
        self.source = read(function)
        self.body = FunctionBuilder()
        self.symbols: dict[str, Symbol] = {}
        self.rooms: dict[str, str] = {}
        self.local_names = frozenset(function.__code__.co_varnames)
        self.assigned: set[str] = set()
        self.loops: list[tuple[str, str]] = []
        self.depth = 0
        self.writes = self.faults = self.written = False
        self.effects_of: str | None = None
        self.record_pointer = "%p0"

    def reject(self, code: str, node: ast.AST | None, message: str) -> RuleError:
        raise NotImplementedError

    # faults

    def check(self, condition: str, code: str, node: ast.AST, message: str) -> None:
        """Go on if the ``i1`` `condition` holds, else end the rule with a fault."""
        body = self.body
        good, bad = body.label("ok"), body.label("fault")
        body.end(f"br i1 {condition}, label %{good}, label %{bad}")
        body.place(bad)
        self.fault(code, node, message)
        body.place(good)

    def fault(self, code: str, node: ast.AST, message: str) -> None:
        self.faults = True
        site = self.program.site(code, self.source.place(node), message)
        self.body.line(f"call void @note_fault(ptr %book, i64 {site})")
        self.body.end(f"ret i64 {FAULT}")

    def cell(self, index: int | str) -> str:
        """The value of a notebook cell."""
        return self.body.op(f"load i64, ptr {self.cell_at(index)}")

    def cell_at(self, index: int | str) -> str:
        return self.body.op(f"getelementptr i64, ptr %book, i64 {index}")

    # locals

    def room_of(self, name: str) -> str:
        if name not in self.rooms:
            room = self.body.local()
            self.body.entry.append(f"  store i64 {UNBOUND}, ptr {room}")
            self.rooms[name] = room
        return self.rooms[name]

    def load_local(self, name: str, node: ast.AST) -> Reg:
        value = self.body.op(f"load i64, ptr {self.rooms[name]}")
        if name not in self.assigned:
            bound = self.body.op(f"icmp ne i64 {value}, {UNBOUND}")
            self.check(bound, "STP006", node, f"{name} is used before it has a value")
        return Reg(value)

    # the state

    def place_of(self, record: RecordAt, name: str) -> Place | None:
        """Where a field of a record or of a part of it lies."""
        if record.part is not None:
            name = f"{record.part.name}.{name}"
        return self.program.layout.places.get(name)

    def owner(self, record: RecordAt) -> type[Record]:
        """The class that has the constants of a record."""
        return self.program.instance.record if record.part is None else record.part.record

    def one_of(self, records: RecordsAt, index: Value, node: ast.AST) -> RecordAt:
        """The part at `index`: the first one, seen from further on."""
        first, size = records.parts[0], len(records.parts)
        step = self.start_of(records.parts[1]) - self.start_of(first) if size > 1 else 0
        body, text = self.body, self.body.i64(index)
        message = f"there are {size} {first.attribute}; the index is outside"
        self.check(body.op(f"icmp ult i64 {text}, {size}"), "STP006", node, message)
        by = body.op(f"mul i64 {text}, {step}")
        return RecordAt(body.op(f"getelementptr i8, ptr {records.pointer}, i64 {by}"), first)

    def start_of(self, part: Part) -> int:
        """The first byte of a part; where it has constants alone, it does not matter."""
        return min((self.program.layout.places[name].offset for name in part.fields), default=0)

    def byte_at(self, pointer: str, place: Place, index: Value) -> str:
        body = self.body
        if isinstance(index, int):
            return body.op(f"getelementptr i8, ptr {pointer}, i64 {place.offset + index}")
        start = body.op(f"getelementptr i8, ptr {pointer}, i64 {place.offset}")
        return body.op(f"getelementptr i8, ptr {start}, i64 {body.i64(index)}")

    def load(self, pointer: str, place: Place, index: Value) -> Reg:
        body = self.body
        byte = body.op(f"load i8, ptr {self.byte_at(pointer, place, index)}")
        value = body.op(f"zext i8 {byte} to i64")
        if place.none is None:
            return Reg(value)
        empty = body.op(f"icmp eq i8 {byte}, {place.none}")
        return Reg(body.op(f"select i1 {empty}, i64 {NONE}, i64 {value}"))

    def checked(self, index: Value, place: Place, node: ast.AST) -> Value:
        """`index`, with a fault where it is outside of the array."""
        body = self.body
        message = f"{place.name} has {place.size} elements; the index is outside"
        if isinstance(index, int):
            if not 0 <= index < place.size:
                self.check("false", "STP006", node, message)
                return 0
            return index
        text = body.i64(index)
        self.check(body.op(f"icmp ult i64 {text}, {place.size}"), "STP006", node, message)
        return Reg(text)

    def save(self, pointer: str, place: Place, index: Value, value: Value, node: ast.AST) -> None:
        """Store `value` in a field, with a fault where it is outside of the field's domain."""
        body = self.body
        if self.reading:
            raise self.reject(
                "RUL009", node, f"a property looks on; it may not assign {place.name}"
            )
        self.writes = self.written = True
        message = f"{place.name} takes values up to {place.largest}" + (
            " or NONE" if place.none is not None else ""
        )
        if isinstance(value, int):
            good = 0 <= value <= place.largest or (value == NONE and place.none is not None)
            if not good:
                self.check("false", "STP003", node, message)
                return
            byte = str(place.byte(value))
        else:
            text = body.i64(value)
            inside = body.op(f"icmp ule i64 {text}, {place.largest}") if place.largest >= 0 else "0"
            empty = ""
            if place.none is not None:
                empty = body.op(f"icmp eq i64 {text}, {NONE}")
                inside = body.op(f"or i1 {inside}, {empty}")
            self.check(inside, "STP003", node, message)
            byte = body.op(f"trunc i64 {text} to i8")
            if place.none is not None:
                byte = body.op(f"select i1 {empty}, i8 {place.none}, i8 {byte}")
        body.line(f"store i8 {byte}, ptr {self.byte_at(pointer, place, index)}")

    def store(self, target: ast.expr, value: Value) -> None:
        """Assign to a local, a scalar field or an element of an array field."""
        match target:
            case ast.Name():
                if target.id in self.symbols:
                    raise self.reject(
                        "RUL007", target, f"{target.id} names no number here; use a new name"
                    )
                text = self.body.i64(value)
                self.body.line(f"store i64 {text}, ptr {self.room_of(target.id)}")
                self.assigned.add(target.id)
                return
            case ast.Attribute():
                owner = self.expression(target.value)
                if isinstance(owner, RecordAt):
                    place = self.place_of(owner, target.attr)
                    if place is not None and not place.spec.array:
                        self.save(owner.pointer, place, 0, value, target)
                        return
            case ast.Subscript():
                array = self.expression(target.value)
                if isinstance(array, ArrayAt):
                    index = self.checked(self.number(target.slice), array.place, target)
                    self.save(array.pointer, array.place, index, value, target)
                    return
        raise self.reject(
            "RUL008",
            target,
            f"{ast.unparse(target)} cannot be assigned by a rule; assign s.scalar,"
            " s.array[index] or a local name",
        )

    def expression(self, node: ast.expr) -> Symbol:
        raise NotImplementedError

    def number(self, node: ast.expr) -> Value:
        raise NotImplementedError

    def load_table(self, table: Table, index: Value, node: ast.AST) -> Value:
        size = len(table.values)
        if isinstance(index, int) and 0 <= index < size:
            return table.values[index]
        body = self.body
        text = body.i64(index)
        message = f"the table has {size} elements; the index is outside"
        self.check(body.op(f"icmp ult i64 {text}, {size}"), "STP006", node, message)
        if not size:
            return 0
        name = self.program.table(table.values)
        return Reg(
            body.op(f"load i64, ptr {body.op(f'getelementptr i64, ptr {name}, i64 {text}')}")
        )

    # effects

    def effect(self, index: Value, node: ast.AST) -> Effect:
        body = self.body
        text = body.i64(index)
        inside = body.op(f"icmp ult i64 {text}, {self.cell(EFFECT_COUNT)}")
        self.check(inside, "STP006", node, "there are fewer effects")
        return Effect(Reg(text))

    def effect_part(self, effect: Effect, part: Value, node: ast.AST) -> Reg:
        body = self.body
        if not isinstance(part, int) or not 0 <= part < EFFECT_CELLS:
            raise self.reject(
                "RUL014", node, f"an effect has parts 0 (what it is) to {EFFECT_CELLS - 1}"
            )
        row = body.op(f"mul i64 {body.i64(effect.index)}, {EFFECT_CELLS}")
        at = body.op(f"add i64 {row}, {self.program.notebook.effects + part}")
        return Reg(self.cell(at))

    # calls

    def call_translated(self, callee: Translated, arguments: Sequence[Symbol]) -> Reg:
        body = self.body
        parts = ["ptr %book"]
        for argument in arguments:
            if isinstance(argument, RecordAt | RecordsAt | ArrayAt):
                parts.append(f"ptr {argument.pointer}")
            elif isinstance(argument, Reg | int):
                parts.append(f"i64 {body.i64(argument)}")
        value = body.op(f"call i64 {callee.name}({', '.join(parts)})")
        if callee.faults:
            self.faults = True
            good, bad = body.label("ok"), body.label("fault")
            failed = body.op(f"icmp eq i64 {value}, {FAULT}")
            body.end(f"br i1 {failed}, label %{bad}, label %{good}")
            body.place(bad)
            body.end(f"ret i64 {FAULT}")
            body.place(good)
        if callee.writes:
            self.writes = self.written = True
        return Reg(value, nothing=callee.nothing)

    def may_write(self, node: ast.AST) -> bool:
        """Whether a loop may write: any store to a field or any call that is no plain word."""
        for below in ast.walk(node):
            if isinstance(below, ast.Attribute | ast.Subscript) and isinstance(
                below.ctx, ast.Store
            ):
                return True
            if isinstance(below, ast.Call) and not (
                isinstance(below.func, ast.Name) and below.func.id in {"len", "range", "min", "max"}
            ):
                return True
        return False
