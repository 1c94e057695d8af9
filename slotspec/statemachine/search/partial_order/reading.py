"""Reads a rule with known arguments: which cells of the state it may read and write.

It is the reading that proves symmetry, made to know numbers: arguments are given, constants are
calculated, a test with a known answer leads one way, and a loop over a known range is taken
element by element. So ``s.slot[tm * 2 + i]`` becomes one cell instead of the whole array.

Whatever is not understood may read and write everything.
"""

from __future__ import annotations

import ast
import operator
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import Part, Sort
from slotspec.statemachine.declaration.source import Source
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.search.scalarsets.commuting import WRITES, Access
from slotspec.statemachine.search.scalarsets.kinds import (
    OTHER,
    Cells,
    Effect,
    EffectList,
    Kind,
    Known,
    Mixed,
    Nothing,
    Number,
    Row,
    Run,
    Whole,
    Wholes,
    join_all,
)
from slotspec.statemachine.search.scalarsets.reading import (
    SPECIAL,
    Reading,
    Space,
    is_hashable,
    literal,
    merged,
)

UNKNOWN = "unknown"
"""How the state is used by what is not understood."""

EFFECTS = "effects"
"""How the effects of the step are used by what reads them."""

UNROLLED, UNROLLED_IN_ALL = 64, 2_000
"""A loop over more elements is read once for all of them; so are all, after so many in a rule."""

DEEPEST = 40
"""Rules that call each other deeper are not understood."""

ROUNDS = 20

CALCULATED: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
LARGEST = 1 << 32
"""Larger numbers are not calculated."""


_NODE = ast.Pass()
"""What stands for the place of an access, which does not matter here."""

Found = tuple[Kind, list[Access]]
"""What a rule returns, and what it does."""

NOT_UNDERSTOOD: Found = Mixed(), [Access(UNKNOWN, _NODE)]


@dataclass(frozen=True)
class Truthy(Number):
    """Some number other than 0."""


class Readings:
    """Reads rules, each with given arguments at most once."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.arguments: dict[tuple[int, str], Kind] = {}
        self.any_order = False
        self.kept: dict[Any, Found] = {}
        self.open: list[Any] = []
        self.guessed: dict[Any, Found] = {}
        """What is known so far of rules that are being read and call themselves."""
        self.parts: dict[str, Part] = {}
        self.kinds_in_any_order = False

    def read(self, function: Any, given: Sequence[Kind]) -> list[Access]:
        """What a rule does, with these arguments."""
        return self.call(function, given)[1]

    def call(self, function: types.FunctionType, given: Sequence[Kind]) -> Found:
        key = (function, tuple(given))
        if key in self.kept:
            return self.kept[key]
        if key in self.open:
            return self.guessed.setdefault(key, (None, []))
        if len(self.open) >= DEEPEST:
            return NOT_UNDERSTOOD
        self.open.append(key)
        try:
            for _ in range(ROUNDS):
                found = self.once(function, given)
                if self.guessed.get(key, found) == found:
                    break
                self.guessed[key] = found
            else:
                found = NOT_UNDERSTOOD
        finally:
            self.open.pop()
            self.guessed.pop(key, None)
        if not any(above in self.guessed for above in self.open):
            self.kept[key] = found  # else it follows from a guess
        return found

    def once(self, function: types.FunctionType, given: Sequence[Kind]) -> Found:
        """What one reading finds."""
        try:
            reading = CellReading(self, function, given)
        except RuleError:
            return NOT_UNDERSTOOD
        return reading.returns, list(dict.fromkeys(reading.accesses))

    def some(self, part: Part) -> Part:
        """What stands for any of several parts."""
        name = part.attribute
        return self.parts.setdefault(name, replace(part, name=f"{name}.*", index=None))

    def several(self, part: Part) -> list[Part]:
        """All parts that are equal to this one."""
        return [one for one in self.instance.record.parts if one.attribute == part.attribute]

    # what Reading asks for

    def moves(self, sort: Sort) -> bool:
        return False

    def emitted(self, effect: int, name: str, kind: Kind) -> None:
        """Nothing: an argument of an effect may be any number."""

    def emits_in_any_order(self, kinds: set[int | None]) -> None:
        """Nothing: no order is unknown where nothing is renamed."""

    def breaks(self, source: Source, node: ast.AST | None, why: str) -> None:
        """Nothing: the reading itself keeps it."""


class CellReading(Reading):
    """One rule, called with arguments of these kinds."""

    analysis: Readings
    unrolled: int = 0
    """How many elements of loops have been taken one by one."""

    def breaks(self, node: ast.AST, why: str) -> None:
        self.note(UNKNOWN, node)

    def note(self, how: str, node: ast.AST, **about: Any) -> None:
        """Keep what is of interest; a known index becomes part of the path."""
        if how not in ("read", UNKNOWN, EFFECTS, "emit", *WRITES):
            return
        path, tag = about.get("path", ""), about.get("tag", OTHER)
        if how in WRITES and self.is_sequence(path):
            # whether the step leaves a gap depends on all of its elements
            self.accesses.append(Access("read", _NODE, path))
        elif tag.isdigit():
            path = f"{path}[{tag}]"
        self.accesses.append(Access("write" if how in WRITES else how, _NODE, path))

    def is_sequence(self, path: str) -> bool:
        """Whether a path means a sequence, maybe of any of several parts."""
        fields = self.analysis.instance.record.fields
        own = path.rpartition(".")[2]
        return any(
            spec.container == "sequence" and name.rpartition(".")[2] == own
            for name, spec in fields.items()
        )

    # statements

    def statement(self, node: ast.stmt, space: Space) -> Space | None:
        if isinstance(node, ast.If):
            found = self.value(node.test, space)
            self.is_truth(found, node.test)
            known = truth_of(found)
            yes = no = None
            if known is not False:
                yes = self.statements(node.body, self.narrowed(node.test, space, True))
            if known is not True:
                no = self.statements(node.orelse, self.narrowed(node.test, space, False))
            return merged(yes, no)
        if isinstance(node, ast.Assert | ast.Raise | ast.Try | ast.With | ast.Global):
            self.breaks(node, "")
        return super().statement(node, space)

    def loop(self, node: ast.For, space: Space) -> Space | None:
        items = self.items(node.iter, space)
        if items is None:
            run = self.run_of(node.iter, space)
            return self.repeat(
                node, node.body, space, lambda s: self.bind(node.target, run.element, s)
            )
        after: Space | None = dict(space)
        left: Space | None = None
        for item in items:
            if after is None:
                break
            self.bind(node.target, item, after)
            self.leaving.append([])
            after = self.statements(node.body, after)
            for one in self.leaving.pop():
                # it may have gone on with the next element, or have left the loop
                after, left = merged(after, one), merged(left, one)
        if after is not None:
            after = self.statements(node.orelse, after)
        return merged(after, left)

    def items(self, node: ast.expr, space: Space) -> list[Kind] | None:
        """What a loop yields, one by one; None if that is not known, or too much."""
        found = self.listed(node, space)
        if found is None or len(found) > UNROLLED or self.unrolled > UNROLLED_IN_ALL:
            return None
        self.unrolled += len(found)
        return found

    def listed(self, node: ast.expr, space: Space) -> list[Kind] | None:
        if isinstance(node, ast.Call) and not node.keywords:
            word = self.known(node.func)
            if word is range:
                ends = [number_of(self.value(argument, space)) for argument in node.args]
                if any(end is None for end in ends):
                    return None
                values = range(*[end or 0 for end in ends])
                return [literal(n) for n in values] if len(values) <= UNROLLED else None
            if word is enumerate and len(node.args) == 1:
                inner = self.listed(node.args[0], space)
                if inner is None:
                    return None
                return [Row((Number(n), item)) for n, item in enumerate(inner)]
            if word is reversed and len(node.args) == 1:
                inner = self.listed(node.args[0], space)
                return None if inner is None else inner[::-1]
            if word is zip:
                inners = [self.listed(argument, space) for argument in node.args]
                if not inners or any(inner is None for inner in inners):
                    return None
                return [Row(row) for row in zip(*[inner or [] for inner in inners], strict=False)]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "elements":
                size = self.elements_of(node, space)
                return None if size is None else [Number(n) for n in range(size)]
            return None
        if isinstance(node, ast.GeneratorExp):
            return None
        match self.value(node, space):
            case Cells(path=path, spec=spec):
                size = spec.size(self.analysis.instance.setting.bounds)
                for n in range(size):
                    self.note("read", node, path=path, tag=str(n))
                return [self.content(spec)] * size
            case Row(parts=parts):
                return list(parts)
            case Wholes(part=part):
                return [Whole(one) for one in self.analysis.several(part)]
            case Known(value=value) if isinstance(value, tuple | list):
                return [self.static(one, node) for one in value]
        return None

    def elements_of(self, node: ast.Call, space: Space) -> int | None:
        """How many elements ``s.elements(SORT)`` has."""
        sort = self.known(node.args[0]) if len(node.args) == 1 else None
        record = self.value(node.func.value, space)  # type: ignore[attr-defined]
        if not isinstance(sort, Sort) or not isinstance(record, Whole):
            return None
        whole = self.analysis.instance.record
        below: Any = whole if record.part is None else record.part.record
        return sort.size(below.bounds)

    def assign(self, target: ast.expr, kind: Kind, space: Space, node: ast.AST) -> None:
        if isinstance(target, ast.Name) and isinstance(kind, Mixed):
            self.breaks(node, "")
        super().assign(target, kind, space, node)

    def unpacked(self, kind: Kind, count: int) -> list[Kind]:
        if isinstance(kind, Effect):
            return [Number()] * count
        if not isinstance(kind, Row | Run | None):
            self.breaks(_NODE, "")
        return super().unpacked(kind, count)

    # expressions

    def value(self, node: ast.expr, space: Space) -> Kind:
        match node:
            case ast.Constant(value=value) if not isinstance(value, bool | int):
                return Nothing(None)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                known = truth_of(self.value(operand, space))
                return Number() if known is None else Number(int(not known))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                known = truth_of(self.value(test, space))
                found: list[Kind] = []
                if known is not False:
                    found.append(self.value(body, self.narrowed(test, space, True)))
                if known is not True:
                    found.append(self.value(orelse, self.narrowed(test, space, False)))
                return join_all(found)
        return super().value(node, space)

    def either(self, node: ast.BoolOp, space: Space) -> Kind:
        wanted = isinstance(node.op, ast.And)
        found: list[Kind] = []
        for place, part in enumerate(node.values):
            kind = self.value(part, space)
            known = truth_of(kind)
            if known is wanted and place < len(node.values) - 1:
                continue  # what follows decides
            found.append(kind)
            if known is not None and known is not wanted:
                break
            space = self.narrowed(part, space, wanted)
        last = truth_of(found[-1])
        if last is None or last is wanted:
            return join_all(found)
        return Number(0) if wanted else Truthy()

    def calculated(self, one: Kind, other: Kind, node: ast.AST, op: ast.operator) -> Kind:
        for kind in (one, other):
            if not isinstance(kind, Number | Nothing | None):
                self.breaks(node, "")
        left, right = number_of(one), number_of(other)
        if left is None or right is None or type(op) not in CALCULATED:
            return Number()
        if isinstance(op, ast.FloorDiv | ast.Mod) and right == 0:
            return Number()
        result = CALCULATED[type(op)](left, right)
        return literal(result) if abs(result) < LARGEST else Number()

    def comparison(self, node: ast.Compare, space: Space) -> Kind:
        left = self.value(node.left, space)
        known: bool | None = True
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node, space)
            answer: bool | None = None
            if isinstance(op, ast.In | ast.NotIn):
                answer = self.contained(left, right, right_node, space)
                if answer is not None and isinstance(op, ast.NotIn):
                    answer = not answer
            else:
                self.compared(left, right, node)
                one, other = number_of(left), number_of(right)
                if one is not None and other is not None and type(op) in COMPARED:
                    answer = COMPARED[type(op)](one, other)
            known = False if answer is False or known is False else (known and answer)
            left = right
        return Number() if known is None else Number(int(known))

    def contained(self, left: Kind, right: Kind, node: ast.expr, space: Space) -> bool | None:
        """Whether a value is one of several, if that is known."""
        values: list[Kind] | None = None
        match right:
            case Row(parts=parts):
                values = list(parts)
            case Known(value=value) if isinstance(value, tuple | list | frozenset | set):
                values = [self.static(one, node) for one in value]
            case Known() | None:
                return None
            case _:
                self.run_of(node, space)
        one = number_of(left)
        others = [number_of(kind) for kind in values or []]
        if values is None or one is None:
            return None
        if one in others:
            return True
        return None if None in others else False

    def compared(self, one: Kind, other: Kind, node: ast.AST) -> None:
        """Two arrays that are compared are read as a whole."""
        match one, other:
            case (Cells(path=mine), Cells(path=theirs)):
                self.note("read", node, path=mine)
                self.note("read", node, path=theirs)
            case (Row(parts=mine_), Row(parts=theirs_)) if len(mine_) == len(theirs_):
                for a, b in zip(mine_, theirs_, strict=True):
                    self.compared(a, b, node)
            case _ if not all(isinstance(k, Number | Nothing | None) for k in (one, other)):
                self.breaks(node, "")

    def is_truth(self, kind: Kind, node: ast.expr) -> None:
        if not isinstance(kind, Number | Nothing | None):
            self.breaks(node, "")

    def number(self, node: ast.expr, space: Space) -> Number:
        found = self.value(node, space)
        if not isinstance(found, Number | Nothing | None):
            self.breaks(node, "")
        return found if isinstance(found, Number) else Number()

    # the state

    def field(self, node: ast.Attribute, part: Part | None, tag: str, reading: bool) -> Kind:
        name, instance = node.attr, self.analysis.instance
        if name == "effects":
            self.note(EFFECTS, node)
            return EffectList()
        record = instance.record if part is None else part.record
        if part is None and name in record.part_specs:
            return super().field(node, part, tag, reading)
        if part is None:
            spec, path = instance.record.fields.get(name), name
        else:
            spec = next((f for n, f in part.fields.items() if n.rpartition(".")[2] == name), None)
            path = f"{part.name}.{name}"
        if spec is None:
            return super().field(node, part, tag, reading)
        if spec.array or not reading:
            return Cells(path, spec)
        self.note("read", node, path=path)
        return self.content(spec)

    def argument(self, name: str | None, kinds: frozenset[int] | None) -> Kind:
        return Number()  # effects of any step before

    def subscript(self, node: ast.Subscript, space: Space) -> Kind:
        found = self.value(node.value, space)
        if isinstance(found, Wholes):
            at = self.number(node.slice, space).value
            parts = self.analysis.several(found.part)
            known = at is not None and 0 <= at < len(parts)
            return Whole(parts[at or 0] if known else self.analysis.some(found.part))
        return super().subscript(node, space)

    def course(self, kind: Kind, node: ast.AST) -> Run:
        if isinstance(kind, Wholes):
            return Run(Whole(self.analysis.some(kind.part)))
        return super().course(kind, node)

    def index(self, cells: Cells, node: ast.expr, space: Space) -> str:
        found = self.value(node, space)
        if not isinstance(found, Number | Nothing | None):
            self.breaks(node, "")
        at = number_of(found)
        return OTHER if at is None or at < 0 else str(at)

    # calls

    def called(self, node: ast.Call, space: Space) -> Kind:
        word = self.known(node.func)
        if any(word is one for one in (zip, enumerate, reversed)):
            if word is zip or len(node.args) == 1:
                return self.run_of(node, space)
            self.breaks(node, "")
            return Mixed()
        special = SPECIAL.get(word) if word is not None and is_hashable(word) else None
        if special is None or any(isinstance(a, ast.Starred) for a in node.args):
            return super().called(node, space)
        own: Callable[[ast.Call, Space], Kind] = getattr(self, special.__name__)
        return own(node, space)

    def rule(self, node: ast.Call, function: types.FunctionType, space: Space) -> Kind:
        mark = len(self.accesses)
        returns = super().rule(node, function, space)
        done, self.accesses[mark:] = self.accesses[mark:], []
        for access in dict.fromkeys(done):
            self.note(access.how, node, path=access.path)
        # a rule that ends without a value gives none, which is not NONE
        return Nothing(None) if isinstance(returns, Nothing) else returns

    def elements(self, node: ast.Call, space: Space) -> Kind:
        if self.elements_of(node, space) is None:
            self.breaks(node, "")
        return Run(Number())

    def generated(self, node: ast.GeneratorExp, space: Space) -> Kind:
        return Run(join_all(self.yielded(node, 0, dict(space))))

    def yielded(self, node: ast.GeneratorExp, place: int, space: Space) -> list[Kind]:
        """What a generator yields, of its loops from this one on."""
        if place == len(node.generators):
            return [self.value(node.elt, space)]
        generator = node.generators[place]
        items = self.items(generator.iter, space)
        if items is None:
            items = [self.run_of(generator.iter, space).element]
        found: list[Kind] = []
        for item in items:
            inside = dict(space)
            self.bind(generator.target, item, inside)
            for test in generator.ifs:
                if truth_of(self.value(test, inside)) is False:
                    break
                inside = self.narrowed(test, inside, True)
            else:
                found += self.yielded(node, place + 1, inside)
        return found

    def emit(self, node: ast.Call, space: Space) -> Kind:
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            found = self.value(argument, space)
            if not isinstance(found, Number | Nothing | Whole | None):
                self.breaks(node, "")
        self.note("emit", node)
        return Nothing(None)

    def restart(self, node: ast.Call, space: Space) -> Kind:
        found = self.value(node.args[0], space)
        if not isinstance(found, Whole):
            self.breaks(node, "")
        elif found.part is None:
            for path in self.analysis.instance.record.fields:
                self.note("set", node, path=path)
        else:
            for path in found.part.fields:
                self.note("set", node, path=f"{found.part.name}.{path.rpartition('.')[2]}")
        return Nothing(None)

    def unchanged(self, node: ast.Call, space: Space) -> Kind:
        """It reads the fields it names, or all."""
        names = [getattr(argument, "value", None) for argument in node.args[2:]]
        plain = names and not node.keywords and all(isinstance(name, str) for name in names)
        for argument in node.args[:2]:
            found = self.value(argument, space)
            if not isinstance(found, Whole):
                self.breaks(node, "")
                continue
            part = found.part
            fields = self.analysis.instance.record.fields if part is None else part.fields
            for path in fields:
                own = path if part is None else path.rpartition(".")[2]
                if not plain or any(own == n or own.startswith(f"{n}.") for n in names):
                    self.note("read", node, path=path if part is None else f"{part.name}.{own}")
        return Number()

    def length(self, node: ast.Call, space: Space) -> Kind:
        match self.value(node.args[0], space):
            case Cells(spec=spec):
                return Number(spec.size(self.analysis.instance.setting.bounds))
            case Wholes(part=part):
                return Number(len(self.analysis.several(part)))
            case Row(parts=parts):
                return Number(len(parts))
            case Known(value=value) if isinstance(value, tuple | list):
                return Number(len(value))
            case Run() | EffectList():
                return Number()
        self.breaks(node, "")
        return Number()

    def range(self, node: ast.Call, space: Space) -> Kind:
        for argument in node.args:
            self.number(argument, space)
        return Run(Number())

    def static(self, value: Any, node: ast.AST) -> Kind:
        if value is None:
            return Nothing(None)
        return super().static(value, node)


def number_of(kind: Kind) -> int | None:
    """The number that a value is known to be."""
    return kind.value if isinstance(kind, Number | Nothing) else None


def truth_of(kind: Kind) -> bool | None:
    """Whether a value is known to be true or false."""
    if isinstance(kind, Truthy):
        return True
    found = number_of(kind)
    return None if found is None else bool(found)
