"""Reads one rule: what its values are, what it does to the state, and what tells elements apart."""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from typing import Any, Protocol

from slotspec.statemachine.declaration import parts, rules
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import FieldSpec, Part, Ref, Sort
from slotspec.statemachine.declaration.source import Source, read, subtree
from slotspec.statemachine.search.scalarsets.commuting import (
    EFFECTS,
    ENDS,
    Access,
    carried,
    conflict,
)
from slotspec.statemachine.search.scalarsets.kinds import (
    OTHER,
    Cells,
    Effect,
    EffectList,
    Element,
    Kind,
    Known,
    Mixed,
    Nothing,
    Number,
    Row,
    Run,
    Whole,
    Wholes,
    begins_with,
    join,
    join_all,
    tag_of,
    tagged,
    wider,
)

Space = dict[str, Kind]
"""What is known of each local; None in place of it where the code is never reached."""


class Analysis(Protocol):
    """What a reading needs to know of all others."""

    instance: Instance
    arguments: dict[tuple[int, str], Kind]
    """What the arguments of effects are, by the number of the effect and their name."""
    any_order: bool
    """Whether effects may be emitted in an order that a renaming changes."""
    kinds_in_any_order: bool
    """Whether this changes the order of effects of different kinds, too."""

    def moves(self, sort: Sort) -> bool: ...

    def call(
        self, function: types.FunctionType, given: Sequence[Kind]
    ) -> tuple[Kind, list[Access]]: ...

    def emitted(self, effect: int, name: str, kind: Kind) -> None: ...

    def emits_in_any_order(self, kinds: set[int | None]) -> None: ...

    def breaks(self, source: Source, node: ast.AST | None, why: str) -> None: ...


@lru_cache(maxsize=4096)
def assigned(tree: ast.AST) -> frozenset[str]:
    """The locals that a rule assigns, or captures in a pattern."""
    stores = [n for n in subtree(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    captures = [n for n in subtree(tree) if isinstance(n, ast.MatchAs)]
    return frozenset(n.id for n in stores) | {n.name for n in captures if n.name is not None}


class Reading:
    """One rule, called with arguments of these kinds.

    :ivar returns: what it returns.
    :ivar accesses: what it does to the state.
    """

    def __init__(
        self, analysis: Analysis, function: types.FunctionType, given: Sequence[Kind]
    ) -> None:
        self.analysis, self.function = analysis, function
        self.source = read(function)
        self.code = function.__code__
        self.returns: Kind = None
        self.accesses: list[Access] = []
        self.leaving: list[list[Space | None]] = []
        self.named: Space = {}
        """What ``:=`` assigns; the code that reads it may follow on a way that skips it."""
        names = self.code.co_varnames[: self.code.co_argcount + self.code.co_kwonlyargcount]
        self.parameters = names
        space = dict(zip(names, given, strict=False))
        end = self.statements(self.source.tree.body, space)
        if end is not None:
            self.returns = join(self.returns, Nothing())
        known = self.unassigned(names)
        self.returns = tagged(self.returns, lambda tag: tag if tag in known else OTHER)

    def outward(self, names: dict[str, str], node: ast.AST) -> list[Access]:
        """What a call does, for the caller whose locals the arguments are."""
        known = {own: names[own] for own in self.unassigned(names)} | {"": ""}
        return [a.renamed(known, node) for a in self.accesses if a.how not in ENDS]

    def unassigned(self, names: Iterable[str]) -> set[str]:
        """Those of the parameters that are what the caller has given all along."""
        return set(names) - assigned(self.source.tree)

    def breaks(self, node: ast.AST, why: str) -> None:
        self.analysis.breaks(self.source, node, f"{ast.unparse(node)}: {why}")

    def note(self, how: str, node: ast.AST, **about: Any) -> None:
        self.accesses.append(Access(how, node, **about))

    def element(self, sort: Sort, present: bool = False) -> Kind:
        if self.analysis.moves(sort):
            return Element(sort, present)
        return Number(sort=sort if present else None)

    # statements

    def statements(self, nodes: Iterable[ast.stmt], space: Space | None) -> Space | None:
        for node in nodes:
            if space is None:
                return None
            space = self.statement(node, space)
        return space

    def statement(self, node: ast.stmt, space: Space) -> Space | None:
        match node:
            case ast.Expr(value=value):
                self.value(value, space)
            case ast.Assign(targets=targets, value=value):
                found = self.value(value, space)
                for target in targets:
                    self.assign(target, found, space, node)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.value(value, space), space, node)
            case ast.AugAssign(target=target, op=op, value=value):
                self.augment(node, target, op, value, space)
            case ast.Return(value=value):
                found = Nothing() if value is None else self.value(value, space)
                self.returns = join(self.returns, found)
                self.note("return", node, value=constant_of(found))
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                self.truth(test, space)
                yes = self.statements(body, self.narrowed(test, space, True))
                no = self.statements(orelse, self.narrowed(test, space, False))
                return merged(yes, no)
            case ast.For():
                return self.loop(node, space)
            case ast.While(test=test):
                return self.repeat(node, node.body, space, lambda s: self.truth(test, s))
            case ast.Break() | ast.Continue():
                if isinstance(node, ast.Break):
                    self.note("break", node)
                self.leaving[-1].append(space)
                return None
            case ast.Match():
                return self.matched(node, space)
            case ast.Pass() | ast.AnnAssign():
                pass
            case _:
                self.breaks(node, "this statement is not analysed")
        return space

    def repeat(
        self,
        node: ast.For | ast.While,
        body: Sequence[ast.stmt],
        space: Space,
        begin: Callable[[Space], object],
    ) -> Space | None:
        """Read a loop until nothing more becomes known; returns what holds behind it."""
        while True:
            mark, named = len(self.accesses), dict(self.named)
            inside = dict(space)
            begin(inside)
            self.leaving.append([])
            end = self.statements(body, inside)
            for left in self.leaving.pop():
                end = merged(end, left)
            after = merged(space, end)
            if after == space and named == self.named:
                break
            del self.accesses[mark:]
            space = after or space
        return self.statements(node.orelse, space)

    def loop(self, node: ast.For, space: Space) -> Space | None:
        begin = len(self.accesses)
        run = self.run_of(node.iter, space)
        own = own_name(node.target, run.index)
        if own is not None and run.sort is not None:  # an array is read as the loop goes on
            self.accesses[begin:] = [
                replace(a, tag=own) if a.how == "read" and a.tag == OTHER else a
                for a in self.accesses[begin:]
            ]
        mark = len(self.accesses)
        after = self.repeat(
            node, node.body, space, lambda s: self.bind_own(node.target, run.element, own, s)
        )
        self.accesses = [
            a for n, a in enumerate(self.accesses) if n < mark or a.how != "break" or run.loose
        ]
        if not run.loose:
            return after
        done = self.accesses[begin:]
        names = {n.id for n in subtree(node.target) if isinstance(n, ast.Name)}
        why = conflict(done, own) or carried(self.source.tree, node, names)
        if why is not None:
            at, what = why
            line = f"line {self.source.line(at)}: " if hasattr(at, "lineno") else ""
            self.analysis.breaks(
                self.source,
                node,
                f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}: the order of the"
                f" elements matters, since {line}{what}",
            )
        kinds = {access.value for access in done if access.how == "emit"}
        if kinds:
            self.analysis.emits_in_any_order(kinds)
        self.accesses = [a for n, a in enumerate(self.accesses) if n < mark or a.how != "break"]
        return after

    def matched(self, node: ast.Match, space: Space) -> Space | None:
        subject = self.value(node.subject, space)
        after: Space | None = None
        rest: Space | None = space
        for case in node.cases:
            for below in subtree(case.pattern):
                if isinstance(below, ast.MatchValue):
                    self.compared(subject, self.value(below.value, space), node.subject)
                elif not isinstance(below, ast.MatchOr | ast.MatchAs | ast.expr | ast.expr_context):
                    self.breaks(node.subject, "this pattern is not analysed")
            inside = dict(space)
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.name:
                self.forget(case.pattern.name, inside)
                inside[case.pattern.name] = subject
            if case.guard is not None:
                self.truth(case.guard, inside)
            elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                rest = None
            after = merged(after, self.statements(case.body, inside))
        return merged(after, rest)

    # assignment

    def bind(self, target: ast.expr, kind: Kind, space: Space) -> None:
        match target:
            case ast.Name(id=name):
                self.forget(name, space)
                space[name] = kind
            case ast.Tuple(elts=targets):
                for one, part in zip(targets, self.unpacked(kind, len(targets)), strict=True):
                    self.bind(one, part, space)
            case _:
                self.breaks(target, "this target is not analysed")

    def bind_own(self, target: ast.expr, kind: Kind, own: str | None, space: Space) -> None:
        """Bind what a loop yields; a part among it belongs to the loop's own element."""
        self.bind(target, tagged(kind, lambda _: own or OTHER), space)

    def forget(self, name: str, space: Space) -> None:
        """From here on, a local no longer tells which part another local holds, nor what an
        argument of the effect is that it was.
        """
        for told in [told for told in space if told.startswith(f"{name}.")]:
            del space[told]
        for known in (space, self.named):
            for other, kind in known.items():
                known[other] = tagged(kind, lambda tag: OTHER if tag == name else tag)

    def unpacked(self, kind: Kind, count: int) -> list[Kind]:
        match kind:
            case Row(parts=found) if len(found) == count:
                return list(found)
            case Run(element=element):
                return [element] * count
            case None:
                return [None] * count
        return [Mixed()] * count

    def assign(self, target: ast.expr, kind: Kind, space: Space, node: ast.AST) -> None:
        match target:
            case ast.Name() | ast.Tuple(elts=[]):
                self.bind(target, kind, space)
            case ast.Tuple(elts=targets):
                for one, part in zip(targets, self.unpacked(kind, len(targets)), strict=True):
                    self.assign(one, part, space, node)
            case ast.Attribute() | ast.Subscript():
                cells, tag = self.place(target, space)
                if cells is not None:
                    self.keep(cells.spec, kind, target)
                    value = constant_of(kind)
                    how = "write" if value is None else "set"
                    self.note(how, target, path=cells.path, tag=tag, value=value, part=cells.part)
            case _:
                self.breaks(target, "this target is not analysed")

    def keep(self, spec: FieldSpec, kind: Kind, node: ast.AST) -> None:
        """Check that a field takes a value of this kind."""
        sort = spec.domain.sort if isinstance(spec.domain, Ref) else None
        if sort is not None and self.analysis.moves(sort):
            self.same(Element(sort), kind, node)
        elif isinstance(kind, Element | Mixed):
            self.breaks(node, f"{self.described(kind)} becomes a number")

    def augment(
        self, node: ast.AST, target: ast.expr, op: ast.operator, value: ast.expr, space: Space
    ) -> None:
        added = self.value(value, space)
        if isinstance(target, ast.Name):
            found = self.calculated(space.get(target.id), added, node, op)
            self.bind(target, found, space)
            return
        cells, tag = self.place(target, space)
        if cells is None:
            return
        old = self.content(cells.spec)
        self.keep(cells.spec, self.calculated(old, added, node, op), node)
        by = constant_of(added)
        if isinstance(op, ast.Add) and by is not None and by > 0:
            self.note("count", node, path=cells.path, tag=tag, value=by, part=cells.part)
        else:
            self.note("write", node, path=cells.path, tag=tag, part=cells.part)

    def place(self, target: ast.expr, space: Space) -> tuple[Cells | None, str]:
        """The field that is meant, and the tag of its index."""
        if isinstance(target, ast.Attribute):
            found = self.attribute(target, space, reading=False)
        elif isinstance(target, ast.Subscript):
            found = self.value(target.value, space)
        else:
            found = self.value(target, space)
        if not isinstance(found, Cells):
            if found is not None:
                self.breaks(target, "this target is not analysed")
            return None, ""
        if isinstance(target, ast.Subscript):
            return found, self.index(found, target.slice, space)
        return found, ""

    # expressions

    def value(self, node: ast.expr, space: Space) -> Kind:
        match node:
            case ast.Constant(value=bool() | int() as number):
                return literal(int(number))
            case ast.Constant():
                return Nothing()
            case ast.Name(id=name):
                if name in space or name in self.named:
                    return join(space.get(name), self.named.get(name))
                if name in self.code.co_varnames or name in self.code.co_cellvars:
                    return None
                return self.static(self.outer(name), node)
            case ast.Attribute():
                return self.attribute(node, space)
            case ast.Subscript():
                return self.subscript(node, space)
            case ast.BinOp(left=left, op=op, right=right):
                one, other = self.value(left, space), self.value(right, space)
                return self.calculated(one, other, node, op)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.truth(operand, space)
                return Number()
            case ast.UnaryOp(op=op, operand=operand):
                found = self.value(operand, space)
                if constant_of(found) is not None and isinstance(op, ast.USub):
                    return literal(-(constant_of(found) or 0))
                return self.calculated(found, Number(0), node, ast.Add())
            case ast.BoolOp():
                return self.either(node, space)
            case ast.Compare():
                return self.comparison(node, space)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.truth(test, space)
                return join(
                    self.value(body, self.narrowed(test, space, True)),
                    self.value(orelse, self.narrowed(test, space, False)),
                )
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return Row(tuple(self.value(e, space) for e in elements))
            case ast.NamedExpr(target=target, value=inner):
                found = self.value(inner, space)
                self.bind(target, found, space)
                self.bind(target, join(found, self.named.get(target.id)), self.named)
                return found
            case ast.GeneratorExp():
                return self.generated(node, space)
            case ast.Call():
                return self.called(node, space)
        self.breaks(node, "this expression is not analysed")
        return Mixed()

    def either(self, node: ast.BoolOp, space: Space) -> Kind:
        """``and`` and ``or``: what comes later is evaluated only if what comes before allows."""
        found: list[Kind] = []
        wanted = isinstance(node.op, ast.And)
        for part in node.values:
            found.append(self.value(part, space))
            self.is_truth(found[-1], part)
            space = self.narrowed(part, space, wanted)
        return join_all(found)

    def truth(self, node: ast.expr, space: Space) -> None:
        self.is_truth(self.value(node, space), node)

    def is_truth(self, kind: Kind, node: ast.expr) -> None:
        if isinstance(kind, Element | Mixed):
            self.breaks(node, f"{self.described(kind)} is asked whether it is 0; compare with NONE")

    def narrowed(self, test: ast.expr, space: Space, answer: bool) -> Space:
        """What is known of the locals if a test has this answer."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.narrowed(operand, space, not answer)
            case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) is answer:
                for value in values:
                    space = self.narrowed(value, space, answer)
                return space
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.told(left, op, right, space, answer)
        return dict(space)

    def told(
        self, left: ast.expr, op: ast.cmpop, right: ast.expr, space: Space, answer: bool
    ) -> Space:
        """What a comparison with this answer tells about a local."""
        space = dict(space)
        found = isinstance(op, ast.Eq | ast.In if answer else ast.NotEq | ast.NotIn)
        if isinstance(left, ast.Attribute) and left.attr == "kind" and found:
            match left.value:
                case ast.Name(id=name) if isinstance(space.get(name), Effect):
                    space[name] = Effect(self.numbers(right, space))
        mine_is = self.local_of(left, space)
        if mine_is is None or not isinstance(op, ast.Eq | ast.NotEq):
            return space
        equal = isinstance(op, ast.Eq) is answer
        known = self.known(right)
        other = space.get(right.id) if isinstance(right, ast.Name) else None
        present = (known == rules.NONE and not equal) or (
            equal and isinstance(other, Element) and other.present
        )
        mine = space.get(mine_is) if isinstance(left, ast.Name) else self.value(left, space)
        if isinstance(mine, Element) and present:
            space[mine_is] = Element(mine.sort, True)
        return space

    @staticmethod
    def local_of(node: ast.expr, space: Space) -> str | None:
        """The local that an expression names, or the argument of an effect that a local is."""
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if isinstance(
                space.get(name), Effect
            ):
                return f"{name}.{attribute}"
        return None

    def numbers(self, node: ast.expr, space: Space) -> frozenset[int]:
        """The numbers that a kind of effect was compared with; all if they are not known."""
        found = self.value(node, space)
        kinds = found.parts if isinstance(found, Row) else (found,)
        values = [constant_of(kind) for kind in kinds]
        if isinstance(found, Known) and isinstance(found.value, tuple | list | frozenset | set):
            values = [int(one) if is_int(one) else None for one in found.value]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return frozenset(self.analysis.instance.record.effect_names)
        return frozenset(known)

    def calculated(self, one: Kind, other: Kind, node: ast.AST, op: ast.operator) -> Kind:
        for kind in (one, other):
            if isinstance(kind, Element | Mixed):
                self.breaks(node, f"arithmetic with {self.described(kind)}")
        divides = isinstance(op, ast.Div | ast.FloorDiv | ast.Mod)
        if divides and not constant_of(other):
            self.note("fault", node)
        else:
            self.note("fault", node, leaves=lambda: self.overflows(node))
        return Number()

    def overflows(self, node: ast.AST) -> bool:
        """Whether a result may leave 64 bits."""
        return self.analysis.instance.ranges.may_leave(self.function, node)

    def comparison(self, node: ast.Compare, space: Space) -> Kind:
        left = self.value(node.left, space)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                self.membership(left, right_node, space, node)
                right: Kind = None
            else:
                right = self.value(right_node, space)
                if isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
                    self.compared(left, right, node)
                elif not (
                    (isinstance(op, ast.Lt | ast.GtE) and self.tells_part(left, right))
                    or (isinstance(op, ast.Gt | ast.LtE) and self.tells_part(right, left))
                ):
                    for kind in (left, right):
                        if isinstance(kind, Element | Mixed):
                            self.breaks(node, f"an order of {self.described(kind)}")
            left = right
        return Number()

    def membership(self, left: Kind, node: ast.expr, space: Space, whole: ast.AST) -> None:
        found = self.value(node, space)
        match found:
            case Row(parts=kinds):
                for kind in kinds:
                    self.compared(left, kind, whole)
            case Known(value=value) if isinstance(value, tuple | list | frozenset | set):
                for one in value:
                    self.compared(left, literal(int(one)) if is_int(one) else Mixed(), whole)
            case None:
                return
            case _:
                self.compared(left, self.run_of(node, space).element, whole)

    def tells_part(self, one: Kind, other: Kind) -> bool:
        """Whether a comparison with a size tells to which part of a sum an element belongs."""
        return (
            isinstance(one, Element)
            and isinstance(other, Number)
            and other.size_of is not None
            and begins_with(one.sort, other.size_of)
        )

    def compared(self, one: Kind, other: Kind, node: ast.AST) -> None:
        """Check an equality."""
        plain = Number | Nothing | None
        match one, other:
            case (Element(), _):
                self.same(one, other, node)
            case (_, Element()):
                self.same(other, one, node)
            case (Mixed(), _) | (_, Mixed()):
                self.breaks(node, f"{self.described(Mixed())} is compared")
            case (Row(parts=mine), Row(parts=theirs)) if len(mine) == len(theirs):
                for a, b in zip(mine, theirs, strict=True):
                    self.compared(a, b, node)
            case (Cells(spec=mine), Cells(spec=theirs)) if mine.over is theirs.over:
                self.compared(self.content(mine), self.content(theirs), node)
            case _ if not (isinstance(one, plain) and isinstance(other, plain)):
                self.breaks(node, "this comparison is not analysed")

    def same(self, wanted: Element, kind: Kind, node: ast.AST) -> None:
        """Check that a value is NONE or an element of a sort that goes with this one."""
        match kind:
            case None | Nothing():
                return
            case Element(sort=sort) if wider(wanted.sort, sort) is not None:
                return
            case Number(value=value) if value is not None:
                why = f"the literal {value} stands for {self.described(wanted)}"
            case Number():
                why = f"a number stands for {self.described(wanted)}"
            case _:
                why = f"{self.described(wanted)} meets {self.described(kind)}"
        self.breaks(node, why)

    @staticmethod
    def described(kind: Kind) -> str:
        if isinstance(kind, Element):
            return f"an element of {kind.sort.name}"
        return "a number" if isinstance(kind, Number) else "a value that may be an element"

    # the state

    def attribute(self, node: ast.Attribute, space: Space, reading: bool = True) -> Kind:
        known = self.known(node)
        if known is not None:
            return self.static(known, node)
        match self.value(node.value, space):
            case Whole(part=part, tag=tag):
                return self.field(node, part, tag, reading)
            case Wholes():
                self.breaks(node, "this attribute is not analysed")
                return Mixed()
            case Effect(kinds=kinds):
                if node.attr == "kind":
                    return Number()
                if kinds is None:
                    self.note("fault", node)
                known = space.get(self.local_of(node, space) or "")
                if known is not None:  # what a comparison has told
                    return known
                return self.argument(node.attr, kinds)
            case None:
                return None
            case Known(value=value) if isinstance(getattr(value, node.attr, None), int):
                return literal(int(getattr(value, node.attr)))
        self.breaks(node, "this attribute is not analysed")
        return Mixed()

    def argument(self, name: str | None, kinds: frozenset[int] | None) -> Kind:
        """What this argument of an effect of these kinds is; None stands for any."""
        return join_all(
            [
                kind
                for (number, own), kind in self.analysis.arguments.items()
                if name in (own, None) and (kinds is None or number in kinds)
            ]
        )

    def field(self, node: ast.Attribute, part: Part | None, tag: str, reading: bool) -> Kind:
        """What an attribute of a record is."""
        instance, name = self.analysis.instance, node.attr
        record = instance.record if part is None else part.record
        if name == "effects":
            self.note("read", node, path=EFFECTS, tag="")
            return EffectList()
        if part is None and name in record.part_specs:
            mine = next(p for p in instance.record.parts if p.attribute == name)
            over = record.part_specs[name].over
            return Whole(mine) if over is None else Wholes(mine, over)
        fields = instance.record.fields if part is None else part.fields
        path = name if part is None else f"{part.name}.{name}"
        spec = fields.get(path)
        if spec is not None:
            cells = Cells(path if part is None else f"{part.attribute}.{name}", spec, tag)
            if spec.array or not reading:
                return cells
            self.note("read", node, path=cells.path, tag="", part=tag)
            return self.content(spec)
        if name in record.constants:
            return self.static(getattr(record, name), node)
        self.breaks(node, "this attribute is not analysed")
        return Mixed()

    def content(self, spec: FieldSpec) -> Kind:
        """What a cell of a field holds."""
        if isinstance(spec.domain, Ref):
            return self.element(spec.domain.sort)
        return Number()

    def subscript(self, node: ast.Subscript, space: Space) -> Kind:
        match self.value(node.value, space):
            case Cells() as cells:
                tag = self.index(cells, node.slice, space)
                self.note("read", node, path=cells.path, tag=tag, part=cells.part)
                return self.content(cells.spec)
            case Wholes(part=part, over=over):
                return Whole(part, self.place_of(over, node.slice, space))
            case Row(parts=kinds):
                at = self.number(node.slice, space)
                if at.value is not None and -len(kinds) <= at.value < len(kinds):
                    return kinds[at.value]
                self.note("fault", node)
                return join_all(kinds)
            case Known(value=value) if isinstance(value, tuple | list):
                at = self.number(node.slice, space)
                if at.value is not None and -len(value) <= at.value < len(value):
                    return self.static(value[at.value], node)
                self.note("fault", node)
                return self.one_of(value, node)
            case EffectList():
                if self.analysis.any_order:
                    self.breaks(node, "a place among effects that come in any order")
                self.note("fault", node)
                self.number(node.slice, space)
                return Effect()
            case Effect():
                at = self.number(node.slice, space)
                if at.value == 0:
                    return Number()
                return self.argument(None, None)
            case None:
                return None
        self.breaks(node, "this subscript is not analysed")
        return Mixed()

    def one_of(self, table: Sequence[Any], node: ast.AST) -> Kind:
        """What any element of a constant table is: a number, or a row of numbers."""
        if all(map(is_int, table)):
            return Number() if table else None
        rows = [row for row in table if isinstance(row, tuple | list) and all(map(is_int, row))]
        if len(rows) < len(table) or len({len(row) for row in rows}) > 1:
            self.breaks(node, "a table of tables of several lengths, or of more than numbers")
            return Mixed()
        return Row((Number(),) * len(rows[0]))

    def number(self, node: ast.expr, space: Space) -> Number:
        """What is known of a number; an element is none."""
        found = self.value(node, space)
        if isinstance(found, Element | Mixed):
            self.breaks(node, f"{self.described(found)} is used as a number")
        return found if isinstance(found, Number) else Number()

    def index(self, cells: Cells, node: ast.expr, space: Space) -> str:
        """Check the index of an array; returns its tag."""
        return self.place_of(cells.spec.over, node, space)

    def place_of(self, over: Sort | None, node: ast.expr, space: Space) -> str:
        """Check an index into what there is for each element of a sort; returns its tag."""
        found = self.value(node, space)
        if over is not None and self.analysis.moves(over):
            self.same(Element(over), found, node)
            safe = isinstance(found, Element) and found.present and begins_with(over, found.sort)
        else:
            if isinstance(found, Element | Mixed):
                self.breaks(node, f"{self.described(found)} is used as a number")
            size = 1 if over is None else over.size(self.analysis.instance.setting.bounds)
            safe = isinstance(found, Number) and (
                (over is not None and found.sort is not None and begins_with(over, found.sort))
                or (found.value is not None and 0 <= found.value < size)
            )
        if not safe:
            self.note("fault", node)
        return node.id if isinstance(node, ast.Name) else f"{constant_of(found)}"

    # names

    def static(self, value: Any, node: ast.AST) -> Kind:
        """What a Python object is, which the rule names."""
        if isinstance(value, bool | int):
            return literal(int(value))
        if value is None:
            return Nothing()
        if isinstance(value, tuple | list) and all(map(is_int, value)):
            return Known(value)
        return Known(value)

    def known(self, node: ast.expr) -> Any:
        """The global object that an expression names; None if it names none."""
        if isinstance(node, ast.Name):
            return self.outer(node.id)
        if isinstance(node, ast.Attribute):
            below = self.known(node.value)
            return None if below is None else getattr(below, node.attr, None)
        return None

    def outer(self, name: str) -> Any:
        if name in self.code.co_varnames or name in self.code.co_cellvars:
            return None
        if name in self.code.co_freevars and self.function.__closure__ is not None:
            try:
                return self.function.__closure__[self.code.co_freevars.index(name)].cell_contents
            except ValueError:
                return None
        return self.function.__globals__.get(name, getattr(builtins, name, None))

    # iteration

    def run_of(self, node: ast.expr, space: Space) -> Run:
        """What a loop over `node` yields."""
        if isinstance(node, ast.Call):
            word = self.known(node.func)
            if word is enumerate and len(node.args) == 1:
                inner = self.run_of(node.args[0], space)
                if isinstance(inner.element, Effect) and self.asks_for_kinds(node):
                    inner = replace(inner, loose=False)
                at: Kind = Mixed() if inner.loose else Number()
                if inner.sort is not None:
                    at = self.element(inner.sort, present=True)
                index = None if isinstance(at, Mixed) else 0
                return Run(Row((at, inner.element)), inner.loose, index, inner.sort)
            if word is zip:
                runs = [self.run_of(argument, space) for argument in node.args]
                if any(run.loose for run in runs) and (
                    runs[0].sort is None or any(run.sort is not runs[0].sort for run in runs)
                ):
                    self.breaks(node, "the order of elements pairs them with something else")
                index = next((n for n, run in enumerate(runs) if run.index == -1), None)
                return Run(
                    Row(tuple(run.element for run in runs)),
                    any(run.loose for run in runs),
                    index,
                    runs[0].sort if runs else None,
                )
            if word is reversed and len(node.args) == 1:
                inner = self.run_of(node.args[0], space)
                return Run(inner.element, inner.loose, inner.index)
        return self.course(self.value(node, space), node)

    def asks_for_kinds(self, numbered: ast.Call) -> bool:
        """Whether a generator or a loop asks of numbered effects only what kind each is.

        The order of kinds is the same in a renamed state if each loop in any order emits effects
        of one kind: then effects change places with others of their kind.
        """
        if self.analysis.kinds_in_any_order:
            return False
        for node in subtree(self.source.tree):
            courses = [node] if isinstance(node, ast.For) else getattr(node, "generators", [])
            for one in courses:
                if one.iter is not numbered:
                    continue
                match one.target:
                    case ast.Tuple(elts=[ast.Name(), ast.Name(id=name)]):
                        asked = {
                            id(below.value)
                            for below in subtree(node)
                            if isinstance(below, ast.Attribute) and below.attr == "kind"
                        }
                        return all(
                            id(below) in asked
                            for below in subtree(self.source.tree)
                            if isinstance(below, ast.Name)
                            and below.id == name
                            and isinstance(below.ctx, ast.Load)
                        )
        return False

    def course(self, kind: Kind, node: ast.AST) -> Run:
        match kind:
            case Run():
                return kind
            case Cells(path=path, spec=spec):
                self.note("read", node, path=path, part=kind.part)
                loose = spec.over is not None and self.analysis.moves(spec.over)
                return Run(self.content(spec), loose, None, spec.over)
            case Row(parts=kinds):
                return Run(join_all(kinds))
            case Known(value=value) if isinstance(value, tuple | list):
                return Run(self.entry(value))
            case Known(value=type() as value) if issubclass(value, IntEnum):
                return Run(Number())
            case Wholes(part=part, over=over):
                return Run(Whole(part, OTHER), self.analysis.moves(over), -1, over)
            case EffectList():
                return Run(Effect(), self.analysis.any_order)
            case None:
                return Run(None)
        self.breaks(node, "this loop is not analysed")
        return Run(Mixed())

    @staticmethod
    def entry(values: Sequence[Any]) -> Kind:
        """What a constant table holds."""
        if all(map(is_int, values)):
            return Number()
        rows = [value for value in values if isinstance(value, tuple | list)]
        if rows and len(rows) == len(values) and len({len(row) for row in rows}) == 1:
            return Row(tuple(Number() for _ in rows[0]))
        return Mixed()

    def generated(self, node: ast.GeneratorExp, space: Space) -> Kind:
        """A generator; what it yields comes in an order that matters if a loop is loose."""
        space, loose = dict(space), False
        index: int | None = None
        for generator in node.generators:
            run = self.run_of(generator.iter, space)
            own = own_name(generator.target, run.index)
            self.bind_own(generator.target, run.element, own, space)
            loose |= run.loose
            if len(node.generators) == 1 and isinstance(node.elt, ast.Name) and node.elt.id == own:
                index = -1
            for test in generator.ifs:
                self.truth(test, space)
                space = self.narrowed(test, space, True)
        return Run(self.value(node.elt, space), loose, index)

    # calls

    def called(self, node: ast.Call, space: Space) -> Kind:
        word = self.known(node.func)
        if any(isinstance(a, ast.Starred) for a in node.args) or any(
            keyword.arg is None for keyword in node.keywords
        ):
            self.breaks(node, "this call is not analysed")
            return Mixed()
        if isinstance(word, types.FunctionType) and word.__module__ not in (
            rules.__name__,
            parts.__name__,
        ):
            return self.rule(node, word, space)
        special = SPECIAL.get(word) if word is not None and is_hashable(word) else None
        if special is not None:
            return special(self, node, space)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "elements":
            return self.elements(node, space)
        self.breaks(node, "this call is not analysed")
        return Mixed()

    def rule(self, node: ast.Call, function: types.FunctionType, space: Space) -> Kind:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        given: dict[str, Kind] = {}
        tags: dict[str, str] = {}
        positional = list(zip(names, node.args, strict=False))
        for name, argument in [*positional, *((str(k.arg), k.value) for k in node.keywords)]:
            kind = self.value(argument, space)
            if tag_of(kind):
                tags[name] = tag_of(kind)
                given[name] = tagged(kind, dict.fromkeys([tag_of(kind)], name).__getitem__)
            else:
                given[name] = tagged(kind, lambda _: OTHER)
                if isinstance(argument, ast.Name):
                    tags[name] = argument.id
        late = zip(
            names[: code.co_argcount][::-1], (function.__defaults__ or ())[::-1], strict=False
        )
        for name, value in [*late, *(function.__kwdefaults__ or {}).items()]:
            if name not in given:
                given[name] = self.static(value, node)
        returns, accesses = self.analysis.call(function, [given.get(name) for name in names])
        for access in accesses:
            self.accesses.append(access.renamed(tags | {"": ""}, node))
        return tagged(returns, lambda tag: tags.get(tag, OTHER))

    def elements(self, node: ast.Call, space: Space) -> Kind:
        sort = self.known(node.args[0]) if len(node.args) == 1 else None
        if not isinstance(sort, Sort):
            self.breaks(node, "this call is not analysed")
            return Mixed()
        record = self.value(node.func.value, space)  # type: ignore[attr-defined]
        if isinstance(record, Whole) and record.part is not None:
            sort = record.part.sorts.get(sort)
            if sort is None:
                return Run(Number(), False, -1)
        return Run(self.element(sort, present=True), self.analysis.moves(sort), -1, sort)

    def emit(self, node: ast.Call, space: Space) -> Kind:
        effect = self.value(node.args[1], space) if len(node.args) > 1 else None
        whole = self.analysis.instance.record.effect_names
        record = self.value(node.args[0], space)
        base = record.part.effects_from if isinstance(record, Whole) and record.part else 0
        kinds = (
            [effect.value + base]
            if isinstance(effect, Number) and effect.value is not None
            else list(whole)
        )
        for place, argument in enumerate(node.args[2:]):
            kind = self.value(argument, space)
            for number in kinds:
                names = whole.get(number, ())
                name = names[place] if place < len(names) else f"{number} {place}"
                self.analysis.emitted(number, name, kind)
        for keyword in node.keywords:
            kind = self.value(keyword.value, space)
            for number in kinds:
                self.analysis.emitted(number, str(keyword.arg), kind)
        self.note("emit", node, value=kinds[0] if len(kinds) == 1 else None)
        return Nothing()

    def change(self, node: ast.Call, space: Space) -> Kind:
        """``fire`` and ``recycle``: read and write a machine."""
        machines = self.value(node.args[0], space)
        if not isinstance(machines, Cells):
            if machines is not None:
                self.breaks(node, "this call is not analysed")
            return Nothing()
        tag = self.index(machines, node.args[1], space)
        for argument in node.args[2:]:
            self.value(argument, space)
        self.note("write", node, path=machines.path, tag=tag, part=machines.part)
        self.note("fault", node)
        return Nothing()

    def restart(self, node: ast.Call, space: Space) -> Kind:
        found = self.value(node.args[0], space)
        fields = self.analysis.instance.record.fields
        if isinstance(found, Whole):
            chosen = fields if found.part is None else found.part.fields
            for path, spec in chosen.items():
                own = path
                if found.part is not None:
                    own = f"{found.part.attribute}.{path.rpartition('.')[2]}"
                self.note("set", node, path=own, value=spec.default, part=found.tag)
        return Nothing()

    def unchanged(self, node: ast.Call, space: Space) -> Kind:
        for argument in node.args[:2]:
            self.value(argument, space)
        return Number()

    def length(self, node: ast.Call, space: Space) -> Kind:
        match self.value(node.args[0], space):
            case Cells(spec=spec) if spec.over is not None:
                return Number(size_of=spec.over)
            case Wholes(over=over):
                return Number(size_of=over)
            case Run(sort=Sort() as sort):
                return Number(size_of=sort)
        return Number()

    def range(self, node: ast.Call, space: Space) -> Kind:
        ends = [self.number(argument, space) for argument in node.args]
        if len(ends) == 1 and ends[0].size_of is not None:
            sort = ends[0].size_of
            return Run(self.element(sort, present=True), self.analysis.moves(sort), -1, sort)
        return Run(Number(), False, -1)

    def plain(self, node: ast.Call, space: Space) -> Kind:
        """``abs``, ``int``, ``bool``: a number of a number."""
        for argument in node.args:
            self.number(argument, space)
        return Number()

    def present(self, node: ast.Call, space: Space) -> Kind:
        """``not_none``: its argument, and a fault if that is NONE."""
        found = self.value(node.args[0], space)
        if not (isinstance(found, Element) and found.present):
            self.note("fault", node, leaves=lambda: self.may_be_none(node))
        return found

    def may_be_none(self, node: ast.AST) -> bool:
        """Whether the argument of ``not_none`` may be NONE."""
        return self.analysis.instance.ranges.may_be_none(self.function, node)

    def aggregate(self, node: ast.Call, space: Space) -> Kind:
        """``any``, ``all``, ``sum``, ``min``, ``max``, ``next`` and ``only``."""
        word = self.known(node.func)
        if len(node.args) > 1 and word in (min, max):
            for argument in node.args:
                self.number(argument, space)
            return Number()
        mark = len(self.accesses)
        run = self.run_of(node.args[0], space)
        rest = [*node.args[1:], *(k.value for k in node.keywords)]
        others = [self.value(argument, space) for argument in rest]
        if run.loose:
            self.in_any_order(node, word, run, mark)
        if word is rules.only:
            self.note("fault", node)
        if word in (next, rules.only):
            return join_all([run.element, *others])
        for kind in (run.element, *others):
            if isinstance(kind, Element | Mixed):
                self.breaks(node, f"{self.described(kind)} is used as a number")
        return Number()

    def in_any_order(self, node: ast.Call, word: Any, run: Run, mark: int) -> None:
        done = self.accesses[mark:]
        stops = word in (any, all, next)
        ending = [Access("break", node)] if stops else []
        why = conflict([a for a in done if a.how not in ENDS] + ending, None)
        if why is not None:
            self.breaks(node, f"the order of the elements matters, since {why[1]}")
        if word is next and not is_constant(run.element):
            self.breaks(node, "the first match is taken, and which is first depends on names")
        kinds = {access.value for access in done if access.how == "emit"}
        if kinds:
            self.analysis.emits_in_any_order(kinds)


SPECIAL: dict[Any, Callable[[Reading, ast.Call, Space], Kind]] = {
    rules.emit: Reading.emit,
    rules.fire: Reading.change,
    rules.recycle: Reading.change,
    rules.unchanged: Reading.unchanged,
    parts.restart: Reading.restart,
    len: Reading.length,
    range: Reading.range,
    abs: Reading.plain,
    int: Reading.plain,
    bool: Reading.plain,
    rules.not_none: Reading.present,
    **dict.fromkeys((any, all, sum, min, max, next, rules.only), Reading.aggregate),
}
"""The functions of the rule language that are no rules."""


def literal(value: int) -> Kind:
    return Nothing(value) if value == rules.NONE or value < 0 else Number(value)


def constant_of(kind: Kind) -> int | None:
    """The value of a literal."""
    return kind.value if isinstance(kind, Number | Nothing) else None


def is_constant(kind: Kind) -> bool:
    return kind is None or constant_of(kind) is not None


def is_int(value: object) -> bool:
    return isinstance(value, int)


def is_hashable(value: object) -> bool:
    return type(value).__hash__ is not None


def own_name(target: ast.expr, index: int | None) -> str | None:
    """The local that names what differs between any two iterations."""
    if index is None:
        return None
    if isinstance(target, ast.Tuple):
        named = target.elts[index] if 0 <= index < len(target.elts) else None
    else:
        named = target if index == -1 else None
    return named.id if isinstance(named, ast.Name) else None


def merged(one: Space | None, other: Space | None) -> Space | None:
    """What is known of the locals where two ways meet."""
    if one is None or other is None:
        return one if other is None else other
    return {
        name: join(one.get(name), other.get(name))
        for name in one.keys() | other.keys()
        if "." not in name or (name in one and name in other)
    }
