"""Translates access to locals, the state, constant tables and the result buffer."""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg, Value
from slotspec.statemachine.compiler.backend.result_buffer import (
    DEEPEST,
    DEPTH,
    EFFECT_CELLS,
    EFFECT_COUNT,
    FAULT,
    STOP,
)
from slotspec.statemachine.compiler.frontend.program import LASTING, Program, Translated
from slotspec.statemachine.compiler.frontend.symbols import (
    ArrayAt,
    Effect,
    Known,
    RecordAt,
    RecordsAt,
    Row,
    Symbol,
    Table,
)
from slotspec.statemachine.declaration import queues
from slotspec.statemachine.declaration.integers import HIGH, LEAVES, LOW
from slotspec.statemachine.declaration.records import Part, Record
from slotspec.statemachine.declaration.rules import NONE, only
from slotspec.statemachine.declaration.source import read, subtree
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.layout import Place

SOME = 10
"""Taken for the iterations of a loop whose number is not known."""

WORTH_REMEMBERING = 8
"""The answer of a helper that takes fewer iterations and calls is not remembered."""

SEQUENCES = (queues.append, queues.remove)
"""The rules that assign elements of a sequence and leave no gap."""

UNBOUND = -(2**63) + 1
"""Marks a local that has no value yet."""


HARMLESS = [
    Known(word)
    for word in (
        abs,
        all,
        any,
        bool,
        enumerate,
        int,
        len,
        max,
        min,
        next,
        only,
        range,
        reversed,
        sum,
        zip,
    )
]
"""Intrinsics that write nothing themselves."""


@dataclass(frozen=True)
class Handle:
    """A local that stands for a record (by the pointer in `slot`) or an effect."""

    slot: str
    part: Part | None
    effect: bool


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
        self.builder = FunctionBuilder()
        self.symbols: dict[str, Symbol] = {}
        self.slots: dict[str, str] = {}
        self.handles: dict[str, Handle] = {}
        code = function.__code__
        # a local that a generator uses is a cell variable
        self.local_names = frozenset(code.co_varnames + code.co_cellvars)
        self.assigned: set[str] = set()
        self.loops: list[tuple[str, str]] = []
        self.depth = 0
        self.iterations = 1
        self.cost = 1
        self.writes = self.faults = self.written = False
        self.record_pointer = "%p0"

    def reject(self, code: str, node: ast.AST | None, message: str) -> RuleError:
        raise NotImplementedError

    # faults

    def check(self, condition: str, code: str, node: ast.AST, message: str) -> None:
        """Continue if the ``i1`` `condition` holds, else end the rule with a fault."""
        builder = self.builder
        good, bad = builder.label("ok"), builder.label("fault")
        builder.end(f"br i1 {condition}, label %{good}, label %{bad}")
        builder.start_block(bad)
        self.fault(code, node, message)
        builder.start_block(good)

    def fault(self, code: str, node: ast.AST, message: str) -> None:
        self.faults = True
        site = self.program.site(code, self.source.place(node), message)
        self.builder.line(f"call void @note_fault(ptr %buffer, i64 {site})")
        self.builder.end(f"ret i64 {FAULT}")

    # rules that may take long

    def may_stop(self) -> None:
        """End the rule here if the search is to end at once."""
        self.faults = self.program.lasting = True
        builder = self.builder
        at = builder.emit(f"getelementptr i64, ptr %buffer, i64 {STOP}")
        # volatile, since another thread sets it
        stop = builder.emit(f"load volatile i64, ptr {at}")
        end, on = builder.label("stop"), builder.label("on")
        builder.end(f"br i1 {builder.emit(f'icmp eq i64 {stop}, 0')}, label %{on}, label %{end}")
        builder.start_block(end)
        builder.end(f"ret i64 {FAULT}")
        builder.start_block(on)

    @contextmanager
    def repeated(self, times: int | None) -> Iterator[bool]:
        """The body of a loop; whether the loop may take long.

        :param times: how often it is repeated; None if that is not known.
        """
        outer = self.iterations
        self.iterations = min(LASTING, outer * max(1, SOME if times is None else times))
        self.cost = min(LASTING, self.cost + self.iterations)
        yield times is None or self.iterations >= LASTING
        self.iterations = outer

    def count_call(self, callee: Translated) -> None:
        """Look whether to stop after a call if this function may have taken long by then."""
        more = self.iterations * callee.cost
        if callee.cost < LASTING <= self.cost + more:
            self.may_stop()
        self.cost = min(LASTING, self.cost + more)

    def deepen(self, node: ast.AST) -> str:
        """Count a call within itself, with a fault if it is too deep; the cell that counts."""
        builder = self.builder
        self.may_stop()
        at = builder.emit(f"getelementptr i64, ptr %buffer, i64 {DEPTH}")
        depth = builder.emit(f"load i64, ptr {at}")
        self.check(
            builder.emit(f"icmp slt i64 {depth}, {DEEPEST}"),
            "RUL100",
            node,
            f"{self.function.__name__} calls itself more than {DEEPEST} levels deep; use a loop",
        )
        builder.increment(at)
        return at

    # numbers that leave 64 bits

    def may_leave(self, node: ast.AST) -> bool:
        """Whether the result of an operation may overflow."""
        return self.program.instance.ranges.may_leave(self.function, node)

    def fitting(self, value: int, node: ast.AST) -> int:
        """A result that is known at compile time, with a fault if it is too large."""
        if LOW <= value <= HIGH:
            return value
        self.check("false", "STP011", node, LEAVES)
        return 0

    def checked_operation(self, word: str, x: str, y: str, node: ast.AST) -> Reg:
        """The result of ``sadd``, ``ssub`` or ``smul``, with a fault if it is too large."""
        builder = self.builder
        both = builder.emit(f"call {{i64, i1}} @llvm.{word}.with.overflow.i64(i64 {x}, i64 {y})")
        value = builder.emit(f"extractvalue {{i64, i1}} {both}, 0")
        over = builder.emit(f"extractvalue {{i64, i1}} {both}, 1")
        under = builder.emit(f"icmp slt i64 {value}, {LOW}")
        fine = builder.emit(f"xor i1 {builder.emit(f'or i1 {over}, {under}')}, true")
        self.check(fine, "STP011", node, LEAVES)
        return Reg(value)

    def cell(self, index: int | str) -> str:
        """The value of a result buffer cell."""
        return self.builder.emit(f"load i64, ptr {self.cell_at(index)}")

    def cell_at(self, index: int | str) -> str:
        return self.builder.emit(f"getelementptr i64, ptr %buffer, i64 {index}")

    # locals

    def slot_of(self, name: str) -> str:
        if name not in self.slots:
            slot = self.builder.local()
            self.builder.entry.append(f"  store i64 {UNBOUND}, ptr {slot}")
            self.slots[name] = slot
        return self.slots[name]

    def load_local(self, name: str, node: ast.AST) -> Reg:
        value = self.builder.emit(f"load i64, ptr {self.slots[name]}")
        if name not in self.assigned:
            bound = self.builder.emit(f"icmp ne i64 {value}, {UNBOUND}")
            self.check(bound, "STP006", node, f"{name} is used before it has a value")
        return Reg(value)

    def store_handle(self, target: ast.Name, symbol: RecordAt | Effect) -> None:
        """Let a local stand for a record or an effect."""
        name, builder = target.id, self.builder
        effect = isinstance(symbol, Effect)
        part = None if isinstance(symbol, Effect) else symbol.part
        held = self.handles.get(name)
        if (
            name in self.slots
            or name in self.symbols
            or (held is not None and (held.effect, held.part) != (effect, part))
        ):
            raise self.reject(
                "RUL007", target, f"{name} would name different things; use a new name"
            )
        if held is None:
            type_, unbound = ("i64", str(UNBOUND)) if effect else ("ptr", "null")
            held = Handle(builder.local(type_), part, effect)
            builder.entry.append(f"  store {type_} {unbound}, ptr {held.slot}")
            self.handles[name] = held
        if isinstance(symbol, Effect):
            builder.line(f"store i64 {builder.i64(symbol.index)}, ptr {held.slot}")
        else:
            builder.line(f"store ptr {symbol.pointer}, ptr {held.slot}")
        self.assigned.add(name)

    def load_handle(self, name: str, node: ast.AST) -> RecordAt | Effect:
        held, builder = self.handles[name], self.builder
        type_, unbound = ("i64", str(UNBOUND)) if held.effect else ("ptr", "null")
        value = builder.emit(f"load {type_}, ptr {held.slot}")
        if name not in self.assigned:
            bound = builder.emit(f"icmp ne {type_} {value}, {unbound}")
            self.check(bound, "STP006", node, f"{name} is used before it has a value")
        return Effect(Reg(value)) if held.effect else RecordAt(value, held.part)

    # the state

    def place_of(self, record: RecordAt, name: str) -> Place | None:
        """The position of a field of a record, or of a part of it."""
        if record.part is not None:
            name = f"{record.part.name}.{name}"
        return self.program.layout.places.get(name)

    def owner(self, record: RecordAt) -> type[Record]:
        """The class that holds the constants of a record."""
        return self.program.instance.record if record.part is None else record.part.record

    def one_of(self, records: RecordsAt, index: Value, node: ast.AST) -> RecordAt:
        """The part at `index`: the layout of the first part, from a pointer moved on."""
        first, size = records.parts[0], len(records.parts)
        builder, text = self.builder, self.builder.i64(index)
        message = f"there are {size} {first.attribute}; the index is outside"
        self.check(builder.emit(f"icmp ult i64 {text}, {size}"), "STP006", node, message)
        return self.part_at(records, index)

    def part_at(self, records: RecordsAt, index: Value) -> RecordAt:
        """The part at an index that is within bounds."""
        first, size, builder = records.parts[0], len(records.parts), self.builder
        step = self.start_of(records.parts[1]) - self.start_of(first) if size > 1 else 0
        by = builder.emit(f"mul i64 {builder.i64(index)}, {step}")
        return RecordAt(builder.emit(f"getelementptr i8, ptr {records.pointer}, i64 {by}"), first)

    def start_of(self, part: Part) -> int:
        """The first byte of a part; any byte if the part has only constants."""
        return min((self.program.layout.places[name].offset for name in part.fields), default=0)

    def byte_at(self, pointer: str, place: Place, index: Value) -> str:
        self.target.touches.add(place.name)
        builder = self.builder
        if isinstance(index, int):
            return builder.emit(f"getelementptr i8, ptr {pointer}, i64 {place.offset + index}")
        start = builder.emit(f"getelementptr i8, ptr {pointer}, i64 {place.offset}")
        return builder.emit(f"getelementptr i8, ptr {start}, i64 {builder.i64(index)}")

    def load(self, pointer: str, place: Place, index: Value) -> Reg:
        builder = self.builder
        byte = builder.emit(f"load i8, ptr {self.byte_at(pointer, place, index)}")
        value = builder.emit(f"zext i8 {byte} to i64")
        if place.none is None:
            return Reg(value)
        empty = builder.emit(f"icmp eq i8 {byte}, {place.none}")
        return Reg(builder.emit(f"select i1 {empty}, i64 {NONE}, i64 {value}"))

    def checked(self, index: Value, place: Place, node: ast.AST) -> Value:
        """`index`, with a fault if it is outside the array."""
        builder = self.builder
        message = f"{place.name} has {place.size} elements; the index is outside"
        if isinstance(index, int):
            if not 0 <= index < place.size:
                self.check("false", "STP006", node, message)
                return 0
            return index
        text = builder.i64(index)
        self.check(builder.emit(f"icmp ult i64 {text}, {place.size}"), "STP006", node, message)
        return Reg(text)

    def save(self, pointer: str, place: Place, index: Value, value: Value, node: ast.AST) -> None:
        """Store `value` in a field, with a fault if it is outside the field's domain."""
        builder = self.builder
        if self.reading:
            raise self.reject(
                "RUL009", node, f"a property may not change the state; it assigns {place.name}"
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
            text = builder.i64(value)
            inside = (
                builder.emit(f"icmp ule i64 {text}, {place.largest}") if place.largest >= 0 else "0"
            )
            empty = ""
            if place.none is not None:
                empty = builder.emit(f"icmp eq i64 {text}, {NONE}")
                inside = builder.emit(f"or i1 {inside}, {empty}")
            self.check(inside, "STP003", node, message)
            byte = builder.emit(f"trunc i64 {text} to i8")
            if place.none is not None:
                byte = builder.emit(f"select i1 {empty}, i8 {place.none}, i8 {byte}")
        builder.line(f"store i8 {byte}, ptr {self.byte_at(pointer, place, index)}")

    def reject_lifecycle(self, array: ArrayAt, target: ast.expr) -> None:
        """Reject an assignment to a lifecycle state."""
        if isinstance(array.place.spec.domain, type):
            raise self.reject(
                "RUL016",
                target,
                f"{ast.unparse(target)} is the state of a lifecycle; fire an event"
                " instead of assigning it",
            )

    def note_loose(self, array: ArrayAt) -> None:
        """Note that an element of a sequence is assigned, which may leave a gap."""
        if array.place.spec.container == "sequence" and self.function not in SEQUENCES:
            self.target.loose.add(array.place.name)

    def store(self, target: ast.expr, value: Value) -> None:
        """Assign to a local, a scalar field or an element of an array field."""
        match target:
            case ast.Name():
                if target.id in self.symbols or target.id in self.handles:
                    raise self.reject(
                        "RUL007", target, f"{target.id} names no number here; use a new name"
                    )
                text = self.builder.i64(value)
                self.builder.line(f"store i64 {text}, ptr {self.slot_of(target.id)}")
                self.assigned.add(target.id)
                return
            case ast.Attribute():
                owner = self.expression(target.value)
                if isinstance(owner, RecordAt):
                    place = self.place_of(owner, target.attr)
                    if place is not None and place.spec.array:
                        raise self.reject(
                            "RUL008",
                            target,
                            f"{ast.unparse(target)} is an array; assign its elements",
                        )
                    if place is not None:
                        self.save(owner.pointer, place, 0, value, target)
                        return
            case ast.Subscript():
                array = self.expression(target.value)
                if isinstance(array, ArrayAt):
                    self.reject_lifecycle(array, target)
                    self.note_loose(array)
                    index = self.checked(self.number(target.slice), array.place, target)
                    self.save(array.pointer, array.place, index, value, target)
                    return
        raise self.reject(
            "RUL008",
            target,
            f"{ast.unparse(target)} cannot be assigned by a rule; assign s.scalar,"
            " s.array[index] or a local name",
        )

    def bind(self, target: ast.expr, symbol: Symbol, node: ast.AST) -> None:
        raise NotImplementedError

    def expression(self, node: ast.expr) -> Symbol:
        raise NotImplementedError

    def number(self, node: ast.expr) -> Value:
        raise NotImplementedError

    def as_number(self, symbol: Symbol, node: ast.AST) -> Value:
        raise NotImplementedError

    def load_row(self, row: Row, index: Value, node: ast.AST) -> Value:
        """An element of a tuple of numbers, by an index that is not known at compile time."""
        builder, size = self.builder, len(row.parts)
        numbers = [self.as_number(part, node) for part in row.parts]
        # it can be indexed from its end too: it is stored twice, offset by its size
        text = builder.emit(f"add i64 {builder.i64(index)}, {size}")
        message = f"the tuple has {size} elements; the index is outside"
        self.check(builder.emit(f"icmp ult i64 {text}, {2 * size}"), "STP006", node, message)
        slot = builder.local(f"[{2 * size} x i64]")
        for i, value in enumerate(numbers * 2):
            at = builder.emit(f"getelementptr i64, ptr {slot}, i64 {i}")
            builder.line(f"store i64 {builder.i64(value)}, ptr {at}")
        at = builder.emit(f"getelementptr i64, ptr {slot}, i64 {text}")
        return Reg(builder.emit(f"load i64, ptr {at}"))

    def load_table(self, table: Table, index: Value, node: ast.AST) -> Value:
        size = len(table.values)
        if isinstance(index, int) and -size <= index < size:
            return table.values[index]
        builder = self.builder
        # a tuple can be indexed from its end too: the table is stored twice, offset by its size
        text = builder.emit(f"add i64 {builder.i64(index)}, {size}")
        message = f"the table has {size} elements; the index is outside"
        self.check(builder.emit(f"icmp ult i64 {text}, {2 * size}"), "STP006", node, message)
        if not size:
            return 0
        name = self.program.table(table.values * 2)
        return Reg(
            builder.emit(
                f"load i64, ptr {builder.emit(f'getelementptr i64, ptr {name}, i64 {text}')}"
            )
        )

    # effects

    def effect(self, index: Value, node: ast.AST) -> Effect:
        builder = self.builder
        count, text = self.cell(EFFECT_COUNT), builder.i64(index)
        slot = builder.local()
        builder.line(f"store i64 {text}, ptr {slot}")
        behind, good = builder.label("behind"), builder.label("ok")
        inside = builder.emit(f"icmp ult i64 {text}, {count}")
        builder.end(f"br i1 {inside}, label %{good}, label %{behind}")
        builder.start_block(behind)
        # a list can be indexed from its end too
        back = builder.emit(f"add i64 {text}, {count}")
        inside = builder.emit(f"icmp ult i64 {back}, {count}")
        self.check(inside, "STP006", node, "there are fewer effects")
        builder.line(f"store i64 {back}, ptr {slot}")
        builder.start_block(good)
        return Effect(Reg(builder.emit(f"load i64, ptr {slot}")))

    def effect_argument(self, effect: Effect, name: str, node: ast.AST) -> Reg:
        """The argument of an effect with this name; its position depends on the kind."""
        names = self.program.instance.record.effect_names
        places = {k: n.index(name) + 1 for k, n in names.items() if name in n}
        if not places:
            known_names = ", ".join(
                dict.fromkeys(["kind", *(x for n in names.values() for x in n)])
            )
            raise self.reject(
                "RUL007", node, f"no effect has an argument {name}; they have {known_names}"
            )
        builder = self.builder
        kind = self.effect_part(effect, 0, node)
        size = max(places) + 1
        message = f"this kind of effect has no argument {name}"
        self.check(builder.emit(f"icmp ult i64 {kind}, {size}"), "STP006", node, message)
        table = self.program.table(tuple(places.get(k, 0) for k in range(size)))
        at = builder.emit(f"getelementptr i64, ptr {table}, i64 {kind}")
        place = builder.emit(f"load i64, ptr {at}")
        self.check(builder.emit(f"icmp ne i64 {place}, 0"), "STP006", node, message)
        return self.effect_cell(effect, place)

    def effect_part(self, effect: Effect, part: Value, node: ast.AST) -> Reg:
        if not isinstance(part, int) or not -EFFECT_CELLS <= part < EFFECT_CELLS:
            raise self.reject(
                "RUL014", node, f"an effect has parts 0 (what it is) to {EFFECT_CELLS - 1}"
            )
        return self.effect_cell(effect, part % EFFECT_CELLS)

    def effect_cell(self, effect: Effect, part: str | int) -> Reg:
        builder = self.builder
        row = builder.emit(f"mul i64 {builder.i64(effect.index)}, {EFFECT_CELLS}")
        if isinstance(part, int):
            at = builder.emit(f"add i64 {row}, {self.program.result_buffer.effects + part}")
        else:
            start = builder.emit(f"add i64 {row}, {self.program.result_buffer.effects}")
            at = builder.emit(f"add i64 {start}, {part}")
        return Reg(self.cell(at))

    # calls

    def call_translated(
        self, callee: Translated, arguments: Sequence[Symbol], node: ast.Call
    ) -> Symbol:
        builder = self.builder
        parts = ["ptr %buffer"]
        for i, argument in enumerate(arguments):
            if isinstance(argument, RecordAt) and f"%p{i}" in callee.reads:
                self.target.reads.setdefault(
                    argument.pointer,
                    self.reject(
                        "RUL014",
                        node,
                        "only the state after a step has effects, and"
                        f" {ast.unparse(node.func)} reads them; pass that state",
                    ),
                )
            if isinstance(argument, RecordAt | RecordsAt | ArrayAt):
                parts.append(f"ptr {argument.pointer}")
            elif isinstance(argument, Effect):
                parts.append(f"i64 {builder.i64(argument.index)}")
            elif isinstance(argument, Reg | int):
                parts.append(f"i64 {builder.i64(argument)}")
        results = None
        if callee.width is not None:
            results = builder.local(f"[{callee.width} x i64]")
            parts.append(f"ptr {results}")
        self.target.calls.append(callee)
        cell = self.remembered(callee, arguments)
        known = builder.label("known")
        if cell is not None:
            at, ask = self.cell_at(cell), builder.label("ask")
            nothing = builder.emit(f"icmp eq i64 {builder.emit(f'load i64, ptr {at}')}, {FAULT}")
            builder.end(f"br i1 {nothing}, label %{ask}, label %{known}")
            builder.start_block(ask)
        depth = None if callee.done else self.deepen(node)
        value = builder.emit(f"call i64 {callee.name}({', '.join(parts)})")
        if depth is not None:
            builder.increment(depth, "-1")
        if callee.faults:
            self.faults = True
            good, bad = builder.label("ok"), builder.label("fault")
            failed = builder.emit(f"icmp eq i64 {value}, {FAULT}")
            builder.end(f"br i1 {failed}, label %{bad}, label %{good}")
            builder.start_block(bad)
            builder.end(f"ret i64 {FAULT}")
            builder.start_block(good)
        if cell is not None:
            builder.line(f"store i64 {value}, ptr {at}")
            builder.start_block(known)
            value = builder.emit(f"load i64, ptr {at}")
        if callee.writes:
            self.writes = self.written = True
        self.count_call(callee)
        if results is None or callee.width is None:
            return Reg(value, nothing=callee.nothing)
        found = []
        for i in range(callee.width):
            at = builder.emit(f"getelementptr i64, ptr {results}, i64 {i}")
            found.append(Reg(builder.emit(f"load i64, ptr {at}")))
        return Row(tuple(found))

    def remembered(self, callee: Translated, arguments: Sequence[Symbol]) -> int | None:
        """The cell that keeps the answer of a helper while the calls of a state are tried.

        Guards of many actions ask the same of the same state. None if the answer may differ, or
        is not worth to be kept.
        """
        if not self.action or self.written or callee.writes or not callee.done:
            return None
        if callee.width is not None or callee.cost < WORTH_REMEMBERING:
            return None
        call: list[str | int] = [callee.name]
        for argument in arguments:
            if isinstance(argument, int):
                call.append(argument)
            elif not (
                isinstance(argument, RecordAt | ArrayAt) and argument.pointer == self.record_pointer
            ):
                return None
        return self.program.remember(tuple(call))

    def may_write(self, node: ast.AST) -> bool:
        """Whether a loop may write: a store to a field, or a call other than a pure intrinsic."""

        def harmless(function: ast.expr) -> bool:
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                owner = self.symbols.get(function.value.id)
                return isinstance(owner, RecordAt) and function.attr == "elements"
            return (
                isinstance(function, ast.Name)
                and function.id not in self.local_names
                and self.expression(function) in HARMLESS
            )

        for below in subtree(node):
            if isinstance(below, ast.Attribute | ast.Subscript) and isinstance(
                below.ctx, ast.Store
            ):
                return True
            if isinstance(below, ast.Call) and not harmless(below.func):
                return True
        return False
