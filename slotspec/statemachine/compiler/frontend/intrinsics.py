"""Intrinsics: functions that rules call but that are not rules (fire, emit, some builtins)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from slotspec.statemachine.compiler.backend.function_builder import Reg, Value
from slotspec.statemachine.compiler.backend.result_buffer import (
    EFFECT_CELLS,
    EFFECT_COUNT,
    EFFECTS_ROOM,
    STEP,
)
from slotspec.statemachine.compiler.frontend.comparing import unchanged
from slotspec.statemachine.compiler.frontend.program import Intrinsic
from slotspec.statemachine.compiler.frontend.symbols import (
    ArrayAt,
    Effects,
    Known,
    Range,
    RecordAt,
    RecordsAt,
    Row,
    Symbol,
    Table,
)
from slotspec.statemachine.declaration import parts, rules
from slotspec.statemachine.declaration.integers import LEAVES
from slotspec.statemachine.declaration.lifecycle import NO_TRANSITION, Event, Lifecycle

if TYPE_CHECKING:
    from slotspec.statemachine.compiler.frontend.expressions import Expressions


def _plain(to: Expressions, node: ast.Call, count: int | None = None) -> list[ast.expr]:
    if node.keywords or (count is not None and len(node.args) != count):
        wanted = "at least two" if count is None else str(count)
        raise to.reject("RUL010", node, f"{ast.unparse(node.func)} takes {wanted} plain arguments")
    return node.args


def _len(to: Expressions, node: ast.Call) -> Symbol:
    (argument,) = _plain(to, node, 1)
    symbol = to.expression(argument)
    if isinstance(symbol, ArrayAt):
        return symbol.place.size
    if isinstance(symbol, Table):
        return len(symbol.values)
    if isinstance(symbol, RecordsAt):
        return len(symbol.parts)
    if isinstance(symbol, Effects):
        return Reg(to.cell(EFFECT_COUNT))
    if isinstance(symbol, Row):
        return len(symbol.parts)
    if isinstance(symbol, Known) and isinstance(symbol.value, tuple | list):
        return len(symbol.value)
    if isinstance(symbol, Range):
        return to.count(symbol)
    raise to.reject("RUL007", node, f"{ast.unparse(argument)} has no length")


def _range(to: Expressions, node: ast.Call) -> Symbol:
    parts = [to.number(a) for a in node.args]
    if node.keywords or not 1 <= len(parts) <= 3:
        raise to.reject("RUL010", node, "range takes one, two or three numbers")
    step = parts[2] if len(parts) == 3 else 1
    if not isinstance(step, int) or step == 0:
        raise to.reject("RUL011", node, "the step of range must be a constant, and not 0")
    first, stop = (0, parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    low, high = (first, stop) if step > 0 else (stop, first)
    if isinstance(low, int) and isinstance(high, int):
        if low < high:
            to.fitting(high - low, node)
    elif to.may_leave(node):
        _check_span(to, low, high, node)
    span = to.program.instance.ranges.span(to.function, node)
    return Range(first, stop, step, span)


def _check_span(to: Expressions, low: Value, high: Value, node: ast.Call) -> None:
    """Emit a fault if the length of a range does not fit in 64 bits."""
    builder = to.builder
    ends = f"i64 {builder.i64(high)}, i64 {builder.i64(low)}"
    both = builder.emit(f"call {{i64, i1}} @llvm.ssub.with.overflow.i64({ends})")
    over = builder.emit(f"extractvalue {{i64, i1}} {both}, 1")
    some = builder.emit(f"icmp slt i64 {builder.i64(low)}, {builder.i64(high)}")
    wrong = builder.emit(f"and i1 {over}, {some}")
    to.check(builder.emit(f"xor i1 {wrong}, true"), "STP011", node, LEAVES)


def _quantifier(some: bool) -> Intrinsic:
    def word(to: Expressions, node: ast.Call) -> Symbol:
        (argument,) = _plain(to, node, 1)
        builder = to.builder
        slot = builder.local("i1")
        yes, no, out = builder.label("yes"), builder.label("no"), builder.label("known")
        to.quantify(some, argument, yes, no)
        for label, value in ((yes, "true"), (no, "false")):
            builder.start_block(label)
            builder.line(f"store i1 {value}, ptr {slot}")
            builder.jump(out)
        builder.start_block(out)
        return Reg(builder.emit(f"load i1, ptr {slot}"), True)

    return word


def _option(
    to: Expressions, node: ast.Call, name: str, at: int | None
) -> tuple[ast.expr, ast.expr | None]:
    """The iterable of an intrinsic, and its other argument (by name or by position)."""
    options = [k.value for k in node.keywords if k.arg == name]
    last = len(node.args) - 1
    if at is not None and last == at:
        options.append(node.args[at])
    wrong = len(options) > 1 or any(k.arg != name for k in node.keywords)
    if wrong or not node.args or last > (at or 0):
        raise to.reject(
            "RUL010",
            node,
            f"{ast.unparse(node.func)} takes an iterable and {name}; pass only these",
        )
    return node.args[0], options[0] if options else None


def _value(to: Expressions, value: ast.expr, element: Symbol | None) -> Value:
    return to.number(value) if element is None else to.as_number(element, value)


def _sum(to: Expressions, node: ast.Call) -> Symbol:
    argument, start = _option(to, node, "start", 1)
    course = to.source_of(argument)
    builder = to.builder
    total = builder.local()
    first = 0 if start is None else to.number(start)
    builder.line(f"store i64 {builder.i64(first)}, ptr {total}")

    def add(value: ast.expr, element: Symbol | None, _: str) -> None:
        old = Reg(builder.emit(f"load i64, ptr {total}"))
        new = to.arithmetic(ast.Add(), old, _value(to, value, element), node)
        builder.line(f"store i64 {builder.i64(new)}, ptr {total}")

    to.generate(argument, course, add)
    return Reg(builder.emit(f"load i64, ptr {total}"))


def _next(to: Expressions, node: ast.Call) -> Symbol:
    if len(node.args) != 2 or node.keywords or not isinstance(node.args[0], ast.GeneratorExp):
        raise to.reject(
            "RUL010",
            node,
            "next takes a generator and a default, which has no name; write"
            " next((… for … if …), NONE)",
        )
    argument, default = node.args
    course = to.source_of(argument)
    builder = to.builder
    slot, out = builder.local(), builder.label("found")
    otherwise = to.number(default)

    def take(value: ast.expr, element: Symbol | None, _: str) -> None:
        builder.line(f"store i64 {builder.i64(_value(to, value, element))}, ptr {slot}")
        builder.jump(out)

    to.generate(argument, course, take)
    builder.line(f"store i64 {builder.i64(otherwise)}, ptr {slot}")
    builder.start_block(out)
    return Reg(builder.emit(f"load i64, ptr {slot}"))


def _only(to: Expressions, node: ast.Call) -> Symbol:
    rest = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "default")]
    if not node.args or len(rest) != 1 or len(node.args) + len(node.keywords) != 2:
        raise to.reject(
            "RUL010",
            node,
            f"{ast.unparse(node.func)} takes what it goes through, and a default; write"
            f" {ast.unparse(node.func)}((… for … if …), NONE), or default=NONE",
        )
    argument, default = node.args[0], rest[0]
    course = to.source_of(argument)
    builder = to.builder
    slot, some = builder.local(), builder.local("i1")
    builder.line(f"store i64 {builder.i64(to.number(default))}, ptr {slot}")
    builder.line(f"store i1 false, ptr {some}")

    def take(value: ast.expr, element: Symbol | None, _: str) -> None:
        new = builder.i64(_value(to, value, element))
        first = builder.emit(f"xor i1 {builder.emit(f'load i1, ptr {some}')}, true")
        same = builder.emit(f"icmp eq i64 {new}, {builder.emit(f'load i64, ptr {slot}')}")
        fine = builder.emit(f"or i1 {first}, {same}")
        to.check(fine, "STP012", node, f"only one value is expected: {rules.SEVERAL}")
        builder.line(f"store i64 {new}, ptr {slot}")
        builder.line(f"store i1 true, ptr {some}")

    to.generate(argument, course, take)
    return Reg(builder.emit(f"load i64, ptr {slot}"))


def _not_none(to: Expressions, node: ast.Call) -> Symbol:
    (argument,) = _plain(to, node, 1)
    value = to.number(argument)
    if to.program.instance.ranges.may_be_none(to.function, node):
        there = to.builder.emit(f"icmp ne i64 {to.builder.i64(value)}, {rules.NONE}")
        to.check(there, "STP013", node, rules.NO_ELEMENT)
    return value


def _extreme(comparison: str, fold: Callable[[int, int], int]) -> Intrinsic:
    def of_several(to: Expressions, node: ast.Call) -> Symbol:
        result, *values = [to.number(a) for a in _plain(to, node)]
        for value in values:
            if isinstance(result, int) and isinstance(value, int):
                result = fold(result, value)
                continue
            a, b = to.builder.i64(result), to.builder.i64(value)
            first = to.builder.emit(f"icmp {comparison} i64 {a}, {b}")
            result = Reg(to.builder.emit(f"select i1 {first}, i64 {a}, i64 {b}"))
        return result

    def word(to: Expressions, node: ast.Call) -> Symbol:
        if len(node.args) > 1:
            return of_several(to, node)
        argument, default = _option(to, node, "default", None)
        course = to.source_of(argument)
        builder = to.builder
        best, some = builder.local(), builder.local("i1")
        otherwise = 0 if default is None else to.number(default)
        builder.line(f"store i64 {builder.i64(otherwise)}, ptr {best}")
        builder.line(f"store i1 false, ptr {some}")

        def compare(value: ast.expr, element: Symbol | None, _: str) -> None:
            new = builder.i64(_value(to, value, element))
            old, held = builder.emit(f"load i64, ptr {best}"), builder.emit(f"load i1, ptr {some}")
            better = builder.emit(f"icmp {comparison} i64 {new}, {old}")
            take = builder.emit(f"select i1 {held}, i1 {better}, i1 true")
            builder.line(
                f"store i64 {builder.emit(f'select i1 {take}, i64 {new}, i64 {old}')}, ptr {best}"
            )
            builder.line(f"store i1 true, ptr {some}")

        to.generate(argument, course, compare)
        if default is None:
            held = builder.emit(f"load i1, ptr {some}")
            message = f"{ast.unparse(node.func)} of nothing; give it a default"
            to.check(held, "STP006", node, message)
        return Reg(builder.emit(f"load i64, ptr {best}"))

    return word


def _abs(to: Expressions, node: ast.Call) -> Symbol:
    (argument,) = _plain(to, node, 1)
    value = to.number(argument)
    if isinstance(value, int):
        return abs(value)
    a = to.builder.i64(value)
    negative = to.builder.emit(f"icmp slt i64 {a}, 0")
    return Reg(
        to.builder.emit(f"select i1 {negative}, i64 {to.builder.emit(f'sub i64 0, {a}')}, i64 {a}")
    )


def _int(to: Expressions, node: ast.Call) -> Symbol:
    (argument,) = _plain(to, node, 1)
    return to.number(argument)


def _bool(to: Expressions, node: ast.Call) -> Symbol:
    (argument,) = _plain(to, node, 1)
    value = to.as_bool(argument)
    return int(bool(value)) if isinstance(value, int) else Reg(to.builder.i1(value), True)


def _machines(
    to: Expressions, node: ast.Call, names: tuple[str, ...]
) -> tuple[ArrayAt, type[Lifecycle], Value, list[ast.expr]]:
    by_name = {str(k.arg): k.value for k in node.keywords}
    parts = [*node.args, *(by_name[n] for n in names[len(node.args) :] if n in by_name)]
    if len(parts) != len(names):
        raise to.reject("RUL010", node, f"{ast.unparse(node.func)} takes {', '.join(names)}")
    array = to.expression(parts[0])
    if not isinstance(array, ArrayAt) or not isinstance(array.place.spec.domain, type):
        raise to.reject(
            "RUL013",
            node,
            f"{ast.unparse(parts[0])} is no array of lifecycle states; assign it instead",
        )
    if to.reading:
        raise to.reject(
            "RUL009", node, "a property may not change the state; remove fire or recycle"
        )
    index = to.checked(to.number(parts[1]), array.place, node)
    return array, array.place.spec.domain, index, parts[2:]


def _fire(to: Expressions, node: ast.Call) -> Symbol:
    array, lifecycle, index, (last,) = _machines(to, node, ("machines", "index", "event"))
    symbol = None if isinstance(last, ast.IfExp) else to.expression(last)
    if not isinstance(symbol, Known) or not isinstance(symbol.value, Event):
        raise to.reject(
            "RUL013", node, f"{ast.unparse(last)} must be one event; write if/else around fire"
        )
    event = symbol.value
    if not any(event is e for e in lifecycle.events):
        raise to.reject(
            "RUL013", node, f"{event!r} is no event of {lifecycle.__name__}, which the field holds"
        )
    builder, buffer = to.builder, to.program.result_buffer
    to.writes = to.written = True
    at = to.byte_at(array.pointer, array.place, index)
    byte = builder.emit(f"load i8, ptr {at}")
    out, bad = builder.label("fired"), builder.label("fault")
    moves = [(s, t) for s, t in enumerate(event.targets) if t != NO_TRANSITION]
    labels = [builder.label("move") for _ in moves]
    cases = " ".join(f"i8 {s}, label %{label}" for (s, _), label in zip(moves, labels, strict=True))
    builder.end(f"switch i8 {byte}, label %{bad} [ {cases} ]")
    for (source, target), label in zip(moves, labels, strict=True):
        builder.start_block(label)
        builder.line(f"store i8 {target}, ptr {at}")
        cell = to.cell_at(buffer.fired_cell(lifecycle, event, source))
        builder.increment(cell, to.cell(STEP))
        builder.jump(out)
    builder.start_block(bad)
    to.fault("STP001", node, f"undeclared transition: {array.place.name} does not take {event!r}")
    builder.start_block(out)
    return 0


def _recycle(to: Expressions, node: ast.Call) -> Symbol:
    array, lifecycle, index, _ = _machines(to, node, ("machines", "index"))
    builder = to.builder
    to.writes = to.written = True
    at = to.byte_at(array.pointer, array.place, index)
    byte = builder.emit(f"load i8, ptr {at}")
    ended = "false"
    for state in lifecycle.states:
        if state.final or state.initial:
            ended = builder.emit(
                f"or i1 {ended}, {builder.emit(f'icmp eq i8 {byte}, {int(state)}')}"
            )
    to.check(
        ended, "STP002", node, f"{array.place.name}: an object whose life has not ended is recycled"
    )
    builder.line(f"store i8 0, ptr {at}")
    return 0


def _restart(to: Expressions, node: ast.Call) -> Symbol:
    (argument,) = _plain(to, node, 1)
    record = to.expression(argument)
    if not isinstance(record, RecordAt):
        raise to.reject("RUL007", node, f"{ast.unparse(argument)} is no record; restart a part")
    if to.reading:
        raise to.reject("RUL009", node, "a property may not change the state; remove restart")
    for name, spec in to.owner(record).fields.items():
        place = to.place_of(record, name)
        assert place is not None
        for i in range(place.size):
            to.save(record.pointer, place, i, spec.default, node)
    return 0


def _emit(to: Expressions, node: ast.Call) -> Symbol:
    names = ("s", "effect", "a", "b", "c", "d")
    given = {name: to.expression(a) for name, a in zip(names, node.args, strict=False)}
    given |= {str(k.arg): to.expression(k.value) for k in node.keywords}
    whose, effect = given.get("s"), given.get("effect")
    if isinstance(whose, RecordAt) and isinstance(effect, int):
        by_name = to.owner(whose).effect_names.get(effect, ())
        places = {name: names[2 + i] for i, name in enumerate(by_name)}
        given = {places.get(name, name): value for name, value in given.items()}
    number = len(node.args) + len(node.keywords)
    if not {"s", "effect"} <= set(given) <= set(names) or number != len(given):
        raise to.reject(
            "RUL010",
            node,
            "emit takes s, effect and up to four numbers, by name only as the effect declares it",
        )
    if to.reading:
        raise to.reject("RUL009", node, "a property may not emit; emit in the action")
    values: list[Value] = [to.as_number(given.get(n, rules.NONE), node) for n in names[1:]]
    if isinstance(whose, RecordAt) and whose.part is not None:
        values[0] = to.arithmetic(ast.Add(), values[0], whose.part.effects_from, node)
    to.writes = to.written = True
    if not (to.program.effects_read or to.program.effects_counted):
        to.program.effects_dropped = True
        return 0
    builder = to.builder
    count = to.cell(EFFECT_COUNT)
    more = builder.emit(f"add i64 {count}, 1")
    builder.line(f"store i64 {more}, ptr {to.cell_at(EFFECT_COUNT)}")
    if not to.program.effects_read:
        return 0
    slot = builder.emit(f"icmp ult i64 {count}, {EFFECTS_ROOM}")
    to.check(slot, "STP009", node, f"a step emits more than {EFFECTS_ROOM} effects")
    row = builder.emit(f"mul i64 {count}, {EFFECT_CELLS}")
    for part, value in enumerate(values):
        at = builder.emit(f"add i64 {row}, {to.program.result_buffer.effects + part}")
        builder.line(f"store i64 {builder.i64(value)}, ptr {to.cell_at(at)}")
    return 0


INTRINSICS: dict[Known, Intrinsic] = {
    Known(len): _len,
    Known(range): _range,
    Known(any): _quantifier(True),
    Known(all): _quantifier(False),
    Known(sum): _sum,
    Known(next): _next,
    Known(rules.only): _only,
    Known(rules.not_none): _not_none,
    Known(min): _extreme("slt", min),
    Known(max): _extreme("sgt", max),
    Known(abs): _abs,
    Known(int): _int,
    Known(bool): _bool,
    Known(rules.fire): _fire,
    Known(rules.recycle): _recycle,
    Known(parts.restart): _restart,
    Known(rules.emit): _emit,
    Known(rules.unchanged): unchanged,
}
