"""Translates one rule: its parameters, statements and control flow."""

from __future__ import annotations

import ast
import types
from collections.abc import Sequence
from functools import lru_cache

from slotspec.statemachine.compiler.backend.function_builder import Reg, Value
from slotspec.statemachine.compiler.backend.result_buffer import EFFECT_COUNT, IN_VAIN
from slotspec.statemachine.compiler.frontend.expressions import Expressions
from slotspec.statemachine.compiler.frontend.intrinsics import INTRINSICS
from slotspec.statemachine.compiler.frontend.program import Program, Translated
from slotspec.statemachine.compiler.frontend.symbols import (
    ArrayAt,
    Effect,
    RecordAt,
    RecordsAt,
    Row,
    Symbol,
    Table,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.declaration.source import parameters_of, subtree


def program_of(
    instance: Instance, *, effects_read: bool = False, effects_counted: bool = False
) -> Program:
    """A program without functions yet."""
    return Program(instance, lower, INTRINSICS, effects_read, effects_counted)


def lower(
    program: Program,
    target: Translated,
    function: types.FunctionType,
    arguments: Sequence[Symbol],
    *,
    reading: bool,
    action: bool,
) -> None:
    """Translate `function` for arguments of these kinds into `target`."""
    Lowering(program, target, function, reading=reading, action=action).run(arguments)


@lru_cache(maxsize=4096)
def width_of(tree: ast.FunctionDef) -> int | None:
    """How many numbers the function returns, if one of its returns shows it."""
    for below in subtree(tree):
        if isinstance(below, ast.Return) and isinstance(below.value, ast.Tuple):
            return len(below.value.elts)
    return None


class Lowering(Expressions):
    """The translation of one function; statements here, expressions in the base class."""

    returned = False

    def run(self, arguments: Sequence[Symbol]) -> None:
        tree = self.source.tree
        given = tree.args
        if given.vararg or given.kwarg:
            raise self.reject("RUL010", tree, "takes *arguments; name each of them")
        names = parameters_of(tree)
        if len(names) != len(arguments):
            raise self.reject(
                "RUL010",
                tree,
                f"takes {len(names)} arguments ({', '.join(names)}), but gets {len(arguments)}",
            )
        head = self.bind_parameters(names, arguments)
        self.target.writes = self.target.faults = True
        self.writes = self.faults = False
        self.target.width = width_of(tree)
        self.block(tree.body)
        if self.builder.open:
            self.emit_return(None, tree)
        if self.target.width is not None:
            head.append("ptr %results")
        self.finish(head)

    def finish(self, head: Sequence[str]) -> None:
        """Tell callers what they must know, and write the function with these parameters."""
        target = self.target
        target.writes, target.faults, target.cost = self.writes, self.faults, self.cost
        target.text = self.builder.text(
            f"define internal i64 {target.name}({', '.join(head)}) nounwind"
        )

    def bind_parameters(self, names: Sequence[str], arguments: Sequence[Symbol]) -> list[str]:
        """The parameters of the translated function; the first names mean these arguments."""
        head = ["ptr %buffer"]
        if self.action:
            head.append("ptr %before")
        for i, (name, argument) in enumerate(zip(names, arguments, strict=False)):
            if isinstance(argument, RecordAt):
                head.append(f"ptr %p{i}")
                self.symbols[name] = RecordAt(f"%p{i}", argument.part)
            elif isinstance(argument, RecordsAt):
                head.append(f"ptr %p{i}")
                self.symbols[name] = RecordsAt(f"%p{i}", argument.parts)
            elif isinstance(argument, ArrayAt):
                head.append(f"ptr %p{i}")
                self.symbols[name] = ArrayAt(f"%p{i}", argument.place)
            elif isinstance(argument, Effect):
                head.append(f"i64 %p{i}")
                self.symbols[name] = Effect(Reg(f"%p{i}"))
            elif self.is_number(argument):
                head.append(f"i64 %p{i}")
                slot = self.slot_of(name)
                self.builder.line(f"store i64 %p{i}, ptr {slot}")
                self.assigned.add(name)
            else:
                self.symbols[name] = argument
        return head

    # statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if not self.builder.open:
                return
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Pass():
                return
            case ast.Expr(value=ast.Constant(value=str())):
                return
            case ast.Expr(value=ast.Call()):
                self.expression(node.value)
            case ast.Assign():
                self.assign_statement(node)
            case ast.AnnAssign(value=value) if value is not None:
                self.assign(node.target, value)
            case ast.AugAssign():
                self.augmented(node)
            case ast.Return(value=value):
                self.emit_return(self.result(value), node)
            case ast.If():
                self.if_statement(node)
            case ast.While():
                self.while_statement(node)
            case ast.For():
                self.for_statement(node)
            case ast.Match():
                self.match_statement(node)
            case ast.Break() | ast.Continue():
                self.leave(node)
            case ast.Raise() | ast.Assert() | ast.Try():
                raise self.reject(
                    "RUL002", node, "a rule raises nothing; return DISABLED or a value instead"
                )
            case _:
                what = type(node).__name__.lower()
                raise self.reject(
                    "RUL002",
                    node,
                    f"{what!r} is no statement of a rule; use assignments, if, match, while, for,"
                    " return, break and continue",
                )

    def result(self, node: ast.expr | None) -> Value | Row | None:
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return None
        symbol = self.expression(node)
        if isinstance(symbol, Reg) and symbol.nothing and not self.action:
            self.target.nothing = True
            return symbol
        if isinstance(symbol, Row | Table) and not self.action:
            parts = self.parts_of(symbol, node)
            return Row(tuple(self.as_number(part, node) for part in parts))
        return self.as_number(symbol, node)

    def assign_statement(self, node: ast.Assign) -> None:
        if len(node.targets) == 1:
            self.assign(node.targets[0], node.value)
            return
        symbol = self.expression(node.value)
        for target in node.targets:
            self.bind(target, symbol, node.value)

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        self.bind(target, self.expression(value), value)

    def augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        match target:
            case ast.Subscript():
                array = self.expression(target.value)
                if isinstance(array, ArrayAt):
                    self.reject_lifecycle(array, target)
                    self.note_loose(array)
                    # the index is evaluated once
                    index = self.checked(self.number(target.slice), array.place, target)
                    old: Value = self.load(array.pointer, array.place, index)
                    new = self.arithmetic(node.op, old, self.number(node.value), node)
                    self.save(array.pointer, array.place, index, new, target)
                    return
            case ast.Attribute():
                owner = self.expression(target.value)
                place = self.place_of(owner, target.attr) if isinstance(owner, RecordAt) else None
                if isinstance(owner, RecordAt) and place is not None and not place.spec.array:
                    old = self.load(owner.pointer, place, 0)
                    new = self.arithmetic(node.op, old, self.number(node.value), node)
                    self.save(owner.pointer, place, 0, new, target)
                    return
        old = self.number(target)
        self.store(target, self.arithmetic(node.op, old, self.number(node.value), node))

    def emit_return(self, value: Value | Row | None, node: ast.AST) -> None:
        width = len(value.parts) if isinstance(value, Row) else None
        if width != self.target.width:
            if self.target.width is not None or self.returned:
                raise self.reject(
                    "RUL015",
                    node,
                    "every return gives the same number of values; write all of them",
                )
            self.target.width = width
        self.returned = True
        if isinstance(value, Row):
            for i, part in enumerate(value.parts):
                at = self.builder.emit(f"getelementptr i64, ptr %results, i64 {i}")
                self.builder.line(
                    f"store i64 {self.builder.i64(self.as_number(part, node))}, ptr {at}"
                )
            value = 0
            self.builder.end("ret i64 0")
            return
        if value is None:
            if self.action:
                self.fault("STP008", node, "an action returned None; return a number, or DISABLED")
                return
            self.target.nothing = True
            value = 0
        if self.action and self.written and not (isinstance(value, int) and value != DISABLED):
            self.refuse_unchanged(value, node)
        if self.builder.open:
            self.builder.end(f"ret i64 {self.builder.i64(value)}")

    def refuse_unchanged(self, value: Value, node: ast.AST) -> None:
        """Emit a fault if the action is refused here after it changed its record."""
        builder = self.builder
        look, good = builder.label("look"), builder.label("kept")
        refused = builder.emit(f"icmp eq i64 {builder.i64(value)}, {DISABLED}")
        builder.end(f"br i1 {refused}, label %{look}, label %{good}")
        builder.start_block(look)
        changed = builder.emit(f"call i1 @differ(ptr {self.record_pointer}, ptr %before)")
        self.program.refused_late = True
        if self.program.effects_read or self.program.effects_counted:
            some = builder.emit(f"icmp ne i64 {self.cell(EFFECT_COUNT)}, 0")
            changed = builder.emit(f"or i1 {changed}, {some}")
        same = builder.emit(f"xor i1 {changed}, true")
        self.check(same, "STP005", node, "the action is refused after it changed something")
        if self.program.instance.lifecycles:
            self.target.refused_late = True
            builder.end(f"ret i64 {IN_VAIN}")
        builder.start_block(good)

    def if_statement(self, node: ast.If) -> None:
        condition = self.constant_condition(node.test)
        if condition is not None:
            self.block(node.body if condition else node.orelse)
            return
        builder = self.builder
        yes, no, after = builder.label("then"), builder.label("else"), builder.label("after")
        self.jump_on(node.test, yes, no)
        assigned, written = set(self.assigned), self.written
        self.depth += 1
        builder.start_block(yes)
        self.block(node.body)
        one, one_open, one_written = set(self.assigned), builder.open, self.written
        if builder.open:
            builder.jump(after)
        self.assigned, self.written = set(assigned), written
        builder.start_block(no)
        self.block(node.orelse)
        self.depth -= 1
        two, two_open = set(self.assigned), builder.open
        if builder.open:
            builder.jump(after)
        self.written = (one_written and one_open) or (self.written and two_open)
        self.assigned = one & two if one_open and two_open else (one if one_open else two)
        if one_open or two_open:
            builder.start_block(after)

    def loop_body(self, statements: Sequence[ast.stmt], again: str, out: str) -> None:
        self.loops.append((again, out))
        self.depth += 1
        self.block(statements)
        self.depth -= 1
        self.loops.pop()

    def while_statement(self, node: ast.While) -> None:
        if node.orelse:
            raise self.reject("RUL002", node, "a rule has no while … else; use a flag")
        builder = self.builder
        test, inside, out = builder.label("while"), builder.label("do"), builder.label("done")
        again = builder.label("again")
        # a write anywhere in the body may have happened when the loop ends or continues
        self.written = self.written or self.may_write(node)
        builder.start_block(test)
        self.jump_on(node.test, inside, out)
        assigned = set(self.assigned)
        builder.start_block(inside)
        with self.repeated(None):
            self.loop_body(node.body, again, out)
        builder.start_block(again)
        self.may_stop()
        builder.jump(test)
        self.assigned = assigned
        builder.start_block(out)

    def leave(self, node: ast.stmt) -> None:
        again, out = self.loops[-1]
        self.builder.jump(out if isinstance(node, ast.Break) else again)

    def for_statement(self, node: ast.For) -> None:
        if node.orelse:
            raise self.reject("RUL002", node, "a rule has no for … else; use a flag")
        names = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        if not all(isinstance(name, ast.Name | ast.Tuple) for name in names):
            raise self.reject("RUL002", node, "a loop variable must be a plain name")
        course = self.course(node.iter)
        self.written = self.written or self.may_write(node)
        assigned = set(self.assigned)

        def do(element: Symbol, again: str, out: str) -> None:
            self.depth += 1
            self.bind(node.target, element, node.iter)
            self.depth -= 1
            self.loop_body(node.body, again, out)

        self.each(course, do)
        self.assigned = assigned

    def match_statement(self, node: ast.Match) -> None:
        """Translate it as an ``if`` … ``elif`` … ``else`` that tries the patterns in turn."""
        hidden = f"match {node.lineno}:{node.col_offset}"
        value = self.number(node.subject)
        self.symbols[hidden] = Reg(self.builder.i64(value)) if isinstance(value, Reg) else value
        chain: list[ast.stmt] = []
        for case in reversed(node.cases):
            whole = case.pattern
            if isinstance(whole, ast.MatchAs) and not whole.pattern and not case.guard:
                kept = []
                if whole.name is not None:
                    name = ast.Name(whole.name, ast.Store())
                    kept = [ast.Assign([name], ast.Name(hidden, ast.Load()))]
                chain = [ast.fix_missing_locations(ast.copy_location(k, whole)) for k in kept]
                chain += case.body
                continue
            tests = self.pattern(whole, hidden)
            if case.guard is not None:
                tests.append(case.guard)
            both = ast.copy_location(ast.BoolOp(ast.And(), tests), whole)
            branch = ast.If(tests[0] if len(tests) == 1 else both, case.body, chain)
            chain = [ast.copy_location(branch, whole)]
        self.block(chain)
        del self.symbols[hidden]

    def pattern(self, pattern: ast.pattern, hidden: str) -> list[ast.expr]:
        """The conditions under which a pattern matches; the last is the name that it binds."""

        def at(node: ast.expr) -> ast.expr:
            return ast.fix_missing_locations(ast.copy_location(node, pattern))

        subject = ast.Name(hidden, ast.Load())
        match pattern:
            case ast.MatchValue(value=value):
                return [at(ast.Compare(subject, [ast.Eq()], [value]))]
            case ast.MatchOr(patterns=patterns):
                found = [self.pattern(below, hidden) for below in patterns]
                if all(len(tests) == 1 for tests in found):
                    return [at(ast.BoolOp(ast.Or(), [tests[0] for tests in found]))]
            case ast.MatchAs(pattern=below, name=name):
                tests = [] if below is None else self.pattern(below, hidden)
                if name is not None:
                    kept = ast.NamedExpr(ast.Name(name, ast.Store()), subject)
                    tests.append(at(ast.Compare(kept, [ast.Eq()], [subject])))
                return tests
        raise self.reject(
            "RUL002",
            pattern,
            f"case {ast.unparse(pattern)} is no pattern of a rule; match numbers and members of"
            " enumerations, with | and _",
        )
