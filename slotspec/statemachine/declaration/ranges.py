"""Interval analysis: which operations of an instance's rules may overflow 64 bits.

Compiled integers have 64 bits, Python's are unbounded. To keep both engines equal, a result
that does not fit into 64 bits is a fault (``STP011``). Most results always fit, because fields
and arguments have small domains. This module computes the least and the largest value of every
local, argument and result (P. and R. Cousot, 1977; flow-insensitive, all calls of a rule
merged). The operations that may overflow are the *sites*. The compiler emits a check at each
site, and the interpreter runs :mod:`a copy <slotspec.statemachine.declaration.guards>` of each
rule that has one.

A counter stays small: the analysis assumes that ``n += k`` runs at most :data:`LOOPS` times.
"""

from __future__ import annotations

import ast
import types
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from slotspec.statemachine.declaration import parts, rules
from slotspec.statemachine.declaration.integers import HIGH, LOW
from slotspec.statemachine.declaration.names import Names
from slotspec.statemachine.declaration.outside import check_outside
from slotspec.statemachine.declaration.records import FieldSpec, Record, Ref
from slotspec.statemachine.declaration.slips import (
    StateFields,
    check_answer,
    check_fields,
    check_slips,
)
from slotspec.statemachine.declaration.source import Source, read, reject, subtree
from slotspec.statemachine.errors import RuleError

ENGINE = "slotspec.statemachine."
"""Where the rules are that the engine has itself, such as those on sequences."""

Range = tuple[int, int]
"""The least and the largest value; for an array or a tuple, of all its elements."""

ANYTHING: Range = (LOW, HIGH)
TRUTH: Range = (0, 1)
LENGTH: Range = (0, 2**16)

LOOPS = 2**46
"""The most iterations of a loop: at one a nanosecond, most of a day."""

STEPS = (0, 1, 2**8, 2**16, 2**24, 2**32, 2**46, 2**54, HIGH)
"""Widening takes a bound that keeps growing to the next of these."""

PATIENCE = 16
"""How often a bound may grow before widening."""

Site = tuple[int, int, int, int]
"""The position of an operation in its rule: first and last line and column."""

TRUTHS = (any, all, bool, rules.unchanged)
NOTHING = (rules.fire, rules.recycle, parts.restart)
WRAPPERS = (enumerate, zip, reversed)
WORDS = (*TRUTHS, *NOTHING, rules.emit, rules.not_none)
"""Functions of the rule language that are no rules."""


def place_of(node: ast.AST) -> Site:
    """The position of an operation, which identifies it within its rule."""
    found: Any = node
    return found.lineno, found.col_offset, found.end_lineno, found.end_col_offset


def hull(one: Range | None, two: Range | None) -> Range | None:
    """The smallest range that contains both; None is the empty range."""
    if one is None or two is None:
        return one or two
    return min(one[0], two[0]), max(one[1], two[1])


def fitting(wanted: Range) -> bool:
    return wanted[0] >= LOW and wanted[1] <= HIGH


def clipped(wanted: Range) -> Range:
    low, high = (min(max(end, LOW), HIGH) for end in wanted)
    return low, high


def widened(old: Range | None, new: Range) -> Range:
    """`new`, with each bound that has grown widened to the next of :data:`STEPS`."""
    low, high = new
    if old is None or low < old[0]:
        low = max(LOW, -next(step for step in STEPS if -step <= low or step == HIGH))
    if old is None or high > old[1]:
        high = next(step for step in STEPS if step >= high)
    return low, high


@lru_cache(maxsize=4096)
def at_first(name: str) -> str:
    """The key for the value of a local before it is counted up or down."""
    return f"{name} at first"


@dataclass
class Summary:
    """What the analysis knows about one rule.

    :ivar calls: the rules that it calls.
    :ivar counted: by how much each ``n += k`` changes a local within one call.
    :ivar opaque: its source cannot be read.
    :ivar spans: the largest span of each ``range``.
    :ivar absent: where NONE may be, although it must not.
    """

    function: types.FunctionType
    locals: dict[str, Range] = field(default_factory=dict)
    returns: Range | None = None
    sites: set[Site] = field(default_factory=set)
    calls: set[types.FunctionType] = field(default_factory=set)
    callers: set[types.FunctionType] = field(default_factory=set)
    grown: dict[str, int] = field(default_factory=dict)
    counted: dict[str, dict[Site, Range]] = field(default_factory=dict)
    opaque: bool = False
    spans: dict[Site, int] = field(default_factory=dict)
    absent: set[Site] = field(default_factory=set)

    def put(self, name: str, value: Range | None) -> bool:
        """Add a value to a local, or to the result (``return``); returns whether it grew."""
        if value is None:
            return False
        old = self.returns if name == "return" else self.locals.get(name)
        if old is not None and old[0] <= value[0] and value[1] <= old[1]:
            return False
        new = value if old is None else (min(old[0], value[0]), max(old[1], value[1]))
        self.grown[name] = self.grown.get(name, 0) + 1
        if self.grown[name] > PATIENCE:
            new = widened(old, new)
        if name == "return":
            self.returns = new
        else:
            self.locals[name] = new
        return True


class Analysed(Protocol):
    """What the analysis needs of an instance (of which it cannot know the class)."""

    model: Any
    record: type[Record]
    actions: Any
    properties: Any

    def rule(self, function: Any) -> Any: ...

    def values(self, domain: Any) -> Sequence[int]: ...

    def largest(self, spec: FieldSpec) -> int: ...


class Ranges:
    """The ranges of all locals, arguments and results of an instance's rules."""

    def __init__(self, instance: Analysed) -> None:
        self.instance = instance
        self.summaries: dict[types.FunctionType, Summary] = {}
        self.named: dict[str, Range] = {}
        self.effects: list[Range] = [(0, 0), (0, rules.NONE)]
        """The ranges of an effect's kind, and of its arguments."""
        self.effect_parts = {"kind": 0} | dict.fromkeys(
            (name for names in instance.record.effect_names.values() for name in names), 1
        )
        """Names of the parts of effects, with the place in `effects`."""
        self.readers: set[types.FunctionType] = set()
        self.effects_read = False
        """Whether some rule reads effects."""
        self.emitting = 0
        self.readings: dict[types.FunctionType, Reading] = {}
        self.waiting: deque[types.FunctionType] = deque()
        self.name_fields()
        self.begin()
        while self.waiting:
            while self.waiting:
                summary = self.summaries[self.waiting.popleft()]
                if not summary.opaque:
                    self.reading(summary).run()
            self.begin()  # properties are given what actions are known by now to return
        self.refuse_slips()
        self.readings.clear()

    def reading(self, summary: Summary) -> Reading:
        """What reads this rule: most are read several times."""
        known = self.readings.get(summary.function)
        if known is None:
            known = self.readings[summary.function] = Reading(self, summary)
        return known

    def refuse_slips(self) -> None:
        """Refuse natural mistakes in the rules.

        :raises RuleError: with file and line.
        """
        instance = self.instance
        state = StateFields.of(instance.record)
        actions = {instance.rule(action.function) for action in instance.actions}
        asked = self.asked()
        for function, summary in self.summaries.items():
            if not summary.opaque and not function.__module__.startswith(ENGINE):
                check_outside(function)
                check_slips(function, state, function in actions, function in asked)
        self.check_answers()
        self.check_fields()

    def check_answers(self) -> None:
        """Refuse properties that answer nothing, or read the effects of no step."""
        instance, own = self.instance, self.instance.record.fields
        given: list[tuple[Any, Any]] = [(instance.model.final, None)]
        for declared in instance.properties.values():
            step = declared.kind.value == "step"
            given += [(declared.function, step), (getattr(declared, "to", None), step)]
        for function, step in given:
            if function is None:
                continue
            rule = instance.rule(function)
            summary = self.summaries.get(rule)
            if summary is None or summary.opaque:
                continue
            first = rule.__code__.co_varnames[0] if rule.__code__.co_argcount else None
            before = "before" if step else first
            check_answer(read(rule), before if "effects" not in own else None)

    def check_fields(self) -> None:
        """Refuse fields that the state does not have, in rules that take the whole state."""
        instance = self.instance
        first = [instance.model.settle, instance.model.final]
        first += [action.function for action in instance.actions]
        given: dict[Any, tuple[str, ...]] = {}
        for declared in instance.properties.values():
            if declared.kind.value == "step":
                given[instance.rule(declared.function)] = ("before", "after")
            else:
                first += [declared.function, getattr(declared, "to", None)]
        for rule in (instance.rule(rule) for rule in first if rule is not None):
            given[rule] = rule.__code__.co_varnames[:1]
        record = instance.record
        own = [name for name in record.fields if "." not in name]
        known = [*own, *record.constants, *(part.attribute for part in record.parts)]
        inherited = [name for name in dir(record) if name not in known and name[:1] != "_"]
        for rule, states in given.items():
            summary = self.summaries.get(rule)
            # what another rule calls may be given a part
            if summary is not None and not summary.opaque and not summary.callers:
                check_fields(read(rule), frozenset(states), list(dict.fromkeys(known)), inherited)

    def asked(self) -> set[types.FunctionType]:
        """The properties, what they call, and what says which states are final."""
        instance = self.instance
        waiting = [instance.model.final]
        for declared in instance.properties.values():
            waiting += [declared.function, getattr(declared, "to", None)]
        waiting = [instance.rule(rule) for rule in waiting if rule is not None]
        found: set[types.FunctionType] = set()
        while waiting:
            rule = waiting.pop()
            if rule in self.summaries and rule not in found:
                found.add(rule)
                waiting += self.summaries[rule].calls
        return found

    def name_fields(self) -> None:
        """Collect the range of each field and constant by name, over all records."""
        for name, spec in self.instance.record.fields.items():
            largest = max(self.instance.largest(spec), spec.default, 0)
            if isinstance(spec.domain, Ref):
                largest = max(largest, rules.NONE)
            self.add(name.rpartition(".")[2], (min(spec.default, 0), largest))
        whole = self.instance.record
        for record in (whole, *(part.record for part in whole.parts)):
            for name in record.constants:
                self.add(name, number_in(getattr(record, name)))

    def add(self, name: str, value: Range | None) -> None:
        found = hull(self.named.get(name), value)
        if found is not None:
            self.named[name] = found

    def begin(self) -> None:
        """Add the rules that an engine itself calls, with their arguments."""
        instance, model = self.instance, self.instance.model
        for action in instance.actions:
            values = [self.domain(domain) for domain in action.parameters.values()]
            self.call(instance.rule(action.function), [None, *values])
        for rule in (model.settle, model.final):
            if rule is not None:
                self.call(instance.rule(rule), [None])
        for declared in instance.properties.values():
            given: dict[str, Range | None] = {
                name: self.domain(domain) for name, domain in declared.parameters.items()
            }
            if declared.action is not None:
                of_action = declared.action.parameters.items()
                given |= {name: self.domain(domain) for name, domain in of_action}
                acting = self.summaries.get(as_function(instance.rule(declared.action.function)))
                given["result"] = None if acting is None else acting.returns
            for side in (declared.function, declared.to):
                if side is not None:
                    code = side.__code__
                    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
                    self.call(instance.rule(side), [given.get(name) for name in names])

    def emitted(self, part: int, value: Range | None) -> None:
        """Add a value to the effects; the rules that read effects are read again."""
        old = self.effects[part]
        new = clipped(hull(old, value) or old)
        if new == old:
            return
        self.emitting += 1
        self.effects[part] = widened(old, new) if self.emitting > PATIENCE else new
        for reader in self.readers:
            self.wait_for(reader)

    def domain(self, domain: Any) -> Range:
        values = [int(value) for value in self.instance.values(domain)]
        return (min(values, default=0), max(values, default=0))

    def call(
        self,
        function: Any,
        values: Sequence[Range | None],
        named: dict[str, Range | None] | None = None,
        caller: types.FunctionType | None = None,
    ) -> Range | None:
        """Add a call with these arguments; returns the range of its result so far."""
        code = function.__code__
        summary = self.summaries.get(function)
        changed = summary is None
        if summary is None:
            summary = self.summaries[function] = Summary(function)
            try:
                read(function)
            except RuleError:
                summary.opaque = True
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        given = dict(zip(names, values, strict=False)) | (named or {})
        if len(given) < len(names):
            positional = names[: code.co_argcount]
            late = dict(zip(positional[::-1], (function.__defaults__ or ())[::-1], strict=False))
            for name, value in (late | (function.__kwdefaults__ or {})).items():
                given.setdefault(name, number_in(value))
        for name, value in given.items():
            if value is not None and name in names:
                changed |= summary.put(name, value)
                summary.put(at_first(name), value)
        if caller is not None:
            summary.callers.add(caller)
            self.summaries[caller].calls.add(function)
        if changed:
            self.wait_for(function)
        return ANYTHING if summary.opaque else summary.returns

    def wait_for(self, function: types.FunctionType) -> None:
        if function not in self.waiting:
            self.waiting.append(function)

    def may_leave(self, function: types.FunctionType, node: ast.AST) -> bool:
        """Whether an operation of a rule may overflow."""
        summary = self.summaries.get(function)
        return summary is None or place_of(node) in summary.sites

    def may_be_none(self, function: types.FunctionType, node: ast.AST) -> bool:
        """Whether the argument of ``not_none`` in a rule may be NONE."""
        summary = self.summaries.get(function)
        return summary is None or summary.opaque or place_of(node) in summary.absent

    def span(self, function: types.FunctionType, node: ast.AST) -> int:
        """The largest span that a ``range`` in a rule can have."""
        summary = self.summaries.get(function)
        return HIGH if summary is None else summary.spans.get(place_of(node), HIGH)


def as_function(rule: Any) -> types.FunctionType:
    """A rule, typed as a plain function."""
    assert isinstance(rule, types.FunctionType)
    return rule


def number_in(value: Any) -> Range | None:
    """The range of a number, or of all numbers in a sequence."""
    if isinstance(value, int):
        return int(value), int(value)
    if isinstance(value, tuple | list):
        found: Range | None = None
        for one in value:
            found = hull(found, number_in(one))
        return found
    return None


def pairs_of(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """The target and the value of a binding."""
    match node:
        case ast.Assign(targets=[target], value=value):
            return [(target, value)]
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            return [(target, value)]
    return []


def is_taken_from_effects(node: ast.expr) -> bool:
    """Whether this is an effect, or what goes through effects."""
    if isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Attribute) and node.attr == "effects"


@lru_cache(maxsize=4096)
def effect_names(tree: ast.AST) -> frozenset[str]:
    """The locals of a rule that are effects, as far as that can be seen."""
    return frozenset(
        target.id
        for node in subtree(tree)
        for target, value in pairs_of(node)
        if isinstance(target, ast.Name) and is_taken_from_effects(value)
    )


@lru_cache(maxsize=65536)
def children(node: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes right below a node."""
    return tuple(ast.iter_child_nodes(node))


class Reading:
    """Reads one rule, given what is known about all others."""

    def __init__(self, ranges: Ranges, summary: Summary) -> None:
        self.ranges, self.summary = ranges, summary
        self.function = summary.function
        self.source: Source = read(self.function)
        self.effect_names = effect_names(self.source.tree)
        self.names = Names(self.function)
        self.known, self.outer = self.names.known, self.names.outer
        self.rounds = 1
        """How often the present code runs within one call, at most."""
        self.seen: set[str] = set()
        """The locals that have been looked at since reading began."""
        self.outdated = False
        """Whether one of these has grown since."""

    def run(self) -> None:
        """Read until no range grows; if the result has grown, the callers are read next."""
        returned = self.summary.returns
        self.outdated = True
        while self.outdated:
            self.outdated = False
            self.seen.clear()
            self.statements(self.source.tree.body)
        if self.summary.returns != returned:
            for caller in self.summary.callers:
                self.ranges.wait_for(caller)

    def local(self, name: str) -> Range | None:
        """What is known of a local so far."""
        self.seen.add(name)
        return self.summary.locals.get(name)

    def put(self, name: str, value: Range | None) -> None:
        """Add a value to a local; the rule is read again if it has been looked at before."""
        if self.summary.put(name, value) and name in self.seen:
            self.outdated = True

    def call(
        self,
        function: types.FunctionType,
        values: Sequence[Range | None],
        named: dict[str, Range | None] | None = None,
    ) -> Range | None:
        """Add a call by this rule; returns the range of its result so far."""
        if function is not self.function:
            return self.ranges.call(function, values, named, self.function)
        grown = sum(self.summary.grown.values())
        found = self.ranges.call(function, values, named, self.function)
        if sum(self.summary.grown.values()) != grown:
            self.outdated = True
        return found

    # statements

    def statements(self, nodes: Iterable[ast.stmt]) -> None:
        for node in nodes:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                if len(targets) == 1 and self.counts(targets[0], value):
                    return
                for target in targets:
                    self.assign(target, value)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, value)
            case ast.AugAssign(target=target, op=op, value=value):
                self.augment(node, target, op, value)
            case ast.Return(value=value):
                if value is not None:
                    self.summary.put("return", self.value(value))
            case ast.For():
                self.enter(node.target, node.iter)
                outside = self.rounds
                self.rounds *= self.length(node.iter)
                self.statements([*node.body, *node.orelse])
                self.rounds = outside
            case ast.While():
                outside, self.rounds = self.rounds, LOOPS
                self.below(node)
                self.rounds = outside
            case ast.Match():
                self.matched(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return
            case _:
                self.below(node)

    def below(self, node: ast.AST) -> None:
        """Read every child of a node."""
        for child in children(node):
            if isinstance(child, ast.stmt):
                self.statement(child)
            elif isinstance(child, ast.expr):
                self.value(child)
            else:
                self.below(child)

    def matched(self, node: ast.Match) -> None:
        """Read a ``match``: a name in a pattern is bound to the subject."""
        subject = self.value(node.subject)
        for case in node.cases:
            for below in subtree(case.pattern):
                if isinstance(below, ast.expr):
                    self.value(below)
                name = getattr(
                    below, "rest" if isinstance(below, ast.MatchMapping) else "name", None
                )
                if isinstance(below, ast.pattern) and isinstance(name, str):
                    self.bind(ast.Name(name, ast.Store()), subject)
            if case.guard is not None:
                self.value(case.guard)
            self.statements(case.body)

    def counts(self, target: ast.expr, value: ast.expr) -> bool:
        """Whether this is ``n = n + k``, which counts like ``n += k``; reads it then."""
        match target, value:
            case ast.Name(id=name), ast.BinOp(left=ast.Name(id=same), op=op, right=right):
                if name == same and isinstance(op, ast.Add | ast.Sub):
                    self.augment(value, target, op, right)
                    return True
        return False

    def augment(self, node: ast.AST, target: ast.expr, op: ast.operator, value: ast.expr) -> None:
        by = self.number(value)
        old = self.number(target)
        if isinstance(target, ast.Name) and isinstance(op, ast.Add | ast.Sub):
            low, high = by if isinstance(op, ast.Add) else (-by[1], -by[0])
            # counted apart: what it begins at does not grow with it
            rounds = min(self.rounds, LOOPS)
            counted = self.summary.counted.setdefault(target.id, {})
            place, by = place_of(node), (min(low, 0) * rounds, max(high, 0) * rounds)
            if counted.get(place) != by:
                counted[place] = by
                self.outdated = True
            base = self.local(at_first(target.id)) or (0, 0)
            reach = (
                base[0] + sum(by[0] for by in counted.values()),
                base[1] + sum(by[1] for by in counted.values()),
            )
            self.put(target.id, self.result(reach, node))
            return
        self.bind(target, self.operation(op, old, by, node))

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        if (
            isinstance(target, ast.Tuple | ast.List)
            and isinstance(value, ast.Tuple | ast.List)
            and len(target.elts) == len(value.elts)
        ):
            for one, other in zip(target.elts, value.elts, strict=True):
                self.assign(one, other)
            return
        self.bind(target, self.value(value))

    def bind(self, target: ast.expr, value: Range | None) -> None:
        match target:
            case ast.Name(id=name):
                self.put(name, value)
                self.put(at_first(name), value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.bind(part, value)
            case ast.Starred(value=inner):
                self.bind(inner, value)
            case _:
                self.value(target)

    def enter(self, target: ast.expr, iterable: ast.expr) -> None:
        """Bind the target of a loop; ``enumerate`` and ``zip`` bind theirs one by one."""
        if isinstance(iterable, ast.Call) and isinstance(target, ast.Tuple | ast.List):
            word = self.word_of(iterable)
            if word is enumerate and len(target.elts) == 2:
                self.bind(target.elts[0], self.numbered(iterable))
                self.enter(target.elts[1], iterable.args[0])
                return
            if word is zip and len(target.elts) == len(iterable.args):
                for one, argument in zip(target.elts, iterable.args, strict=True):
                    self.enter(one, argument)
                return
        self.bind(target, self.iterated(iterable))

    def numbered(self, node: ast.Call) -> Range:
        """The range of the numbers of an ``enumerate``; a site where they may overflow."""
        starts = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "start")]
        low, high = self.number(starts[0]) if starts else (0, 0)
        return self.result((low, high + max(self.length(node.args[0]) - 1, 0)), node)

    def counted(self, node: ast.Call) -> Range | None:
        """The range of the elements of a ``range``; a site where its span may overflow."""
        ends = [self.number(argument) for argument in node.args]
        first, stop = ((0, 0), ends[0]) if len(ends) == 1 else (ends[0], ends[1])
        up, down = stop[1] - first[0], first[1] - stop[0]
        step = ends[2] if len(ends) == 3 else (1, 1)
        span = max(up if step[1] > 0 else 0, down if step[0] < 0 else 0)
        self.summary.spans[place_of(node)] = max(span, self.summary.spans.get(place_of(node), 0))
        self.result((0, span), node)
        if len(ends) == 1:
            return 0, max(stop[1] - 1, 0)
        return hull(first, stop)

    def length(self, node: ast.expr) -> int:
        """The largest number of elements of an iterable."""
        if isinstance(node, ast.Call):
            word = self.word_of(node)
            if word is range:
                ends = [self.number(argument) for argument in node.args]
                if len(ends) == 1:
                    return max(ends[0][1], 0)
                return max(ends[0][1], ends[1][1]) - min(ends[0][0], ends[1][0])
            if word in WRAPPERS and node.args:
                return max(self.length(argument) for argument in node.args)
        return LENGTH[1]

    def iterated(self, node: ast.expr) -> Range | None:
        """The range of the elements of an iterable; those of pairs are merged."""
        if isinstance(node, ast.Call):
            word = self.word_of(node)
            if word is range:
                return self.counted(node)
            if word in WRAPPERS:
                found = self.numbered(node) if word is enumerate else None
                for argument in node.args[:1] if word is enumerate else node.args:
                    found = hull(found, self.iterated(argument))
                return found
        return self.value(node)

    # expressions

    def number(self, node: ast.expr) -> Range:
        """The range of a number; that of 0 where none is known yet."""
        return self.value(node) or (0, 0)

    def value(self, node: ast.expr) -> Range | None:
        """The range of an expression; None if it is no number or is never evaluated."""
        reader = READERS.get(type(node))
        if reader is not None:
            return reader(self, node)
        self.below(node)
        return ANYTHING

    def constant(self, node: ast.Constant) -> Range | None:
        return self.literal(int(node.value), node) if isinstance(node.value, int) else None

    def name(self, node: ast.Name) -> Range | None:
        if node.id in self.names.inner:
            return self.local(node.id)
        # the name of a generator's variable may be that of a global, too
        return hull(self.local(node.id), self.static(self.outer(node.id), node))

    def attribute(self, node: ast.Attribute) -> Range | None:
        known = self.known(node)
        if known is not None:
            return self.static(known, node)
        if not isinstance(node.value, ast.Name):
            self.value(node.value)
        ranges, attr = self.ranges, node.attr
        if attr == "effects":
            ranges.readers.add(self.function)
            ranges.effects_read = True
            return hull(*ranges.effects)
        found = ranges.named.get(attr)
        if attr in ranges.effect_parts:
            # a field and an argument of an effect may have the same name
            ranges.readers.add(self.function)
            found = hull(found, ranges.effects[ranges.effect_parts[attr]])
        if found is not None and not fitting(found):
            raise self.too_large(node)
        return found or ANYTHING

    def subscript(self, node: ast.Subscript) -> Range | None:
        self.value(node.slice)
        found = self.value(node.value)
        if self.is_effect(node.value) and isinstance(node.slice, ast.Constant):
            return self.ranges.effects[1 if node.slice.value else 0]
        return found

    def binary(self, node: ast.BinOp) -> Range:
        return self.operation(node.op, self.number(node.left), self.number(node.right), node)

    def boolean(self, node: ast.BoolOp) -> Range | None:
        return self.either(node.values)

    def compare(self, node: ast.Compare) -> Range:
        self.value(node.left)
        for part in node.comparators:
            self.value(part)
        return TRUTH

    def conditional(self, node: ast.IfExp) -> Range | None:
        self.value(node.test)
        return self.either((node.body, node.orelse))

    def several(self, node: ast.Tuple | ast.List | ast.Set) -> Range | None:
        return self.either(node.elts)

    def named(self, node: ast.NamedExpr) -> Range | None:
        if self.counts(node.target, node.value):
            return self.local(node.target.id)
        found = self.value(node.value)
        self.bind(node.target, found)
        return found

    def generated(self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> Range | None:
        outside = self.rounds
        for generator in node.generators:
            self.enter(generator.target, generator.iter)
            self.rounds *= self.length(generator.iter)
            for test in generator.ifs:
                self.value(test)
        found = self.value(node.elt)
        self.rounds = outside
        return found

    def starred(self, node: ast.Starred) -> Range | None:
        return self.value(node.value)

    def either(self, nodes: Iterable[ast.expr]) -> Range | None:
        found: Range | None = None
        for node in nodes:
            found = hull(found, self.value(node))
        return found

    def literal(self, value: int, node: ast.AST) -> Range:
        if not LOW <= value <= HIGH:
            raise self.too_large(node)
        return value, value

    def too_large(self, node: ast.AST) -> RuleError:
        return reject(
            "RUL018",
            self.source,
            node,
            f"{ast.unparse(node)} does not fit into 64 bits, which rules compute with",
        )

    def static(self, value: Any, node: ast.AST) -> Range | None:
        if isinstance(value, types.FunctionType):
            # given away, it may be called with anything
            count = value.__code__.co_argcount + value.__code__.co_kwonlyargcount
            self.call(value, [ANYTHING] * count)
            return None
        found = number_in(value)
        if found is not None and not fitting(found):
            raise self.too_large(node)
        return found

    def word_of(self, node: ast.Call) -> Any:
        """The global object that a call names.

        :raises RuleError: ``RUL010`` if it goes through something, but is not told through what.
        """
        word = self.known(node.func)
        if (word is range and not 1 <= len(node.args) <= 3) or (
            word in (enumerate, reversed) and not node.args
        ):
            what = "one, two or three numbers" if word is range else "what it goes through"
            name = ast.unparse(node.func)
            raise reject("RUL010", self.source, node, f"{name} takes {what}")
        return word

    def is_effect(self, node: ast.expr) -> bool:
        """Whether this expression visibly is an effect."""
        match node:
            case ast.Subscript(value=ast.Attribute(attr="effects")):
                return True
            case ast.Name(id=name):
                return name in self.effect_names
        return False

    def unary(self, node: ast.UnaryOp) -> Range:
        match node.op, node.operand:
            case ast.USub(), ast.Constant(value=int() as number):
                return self.literal(-number, node)
        low, high = self.number(node.operand)
        if isinstance(node.op, ast.Not):
            return TRUTH
        if isinstance(node.op, ast.USub):
            return self.result((-high, -low), node)
        if isinstance(node.op, ast.Invert):
            return self.result((-high - 1, -low - 1), node)
        return low, high

    def result(self, wanted: Range, node: ast.AST) -> Range:
        """The range of a result; the node is a site if it may overflow."""
        if not fitting(wanted):
            self.summary.sites.add(place_of(node))
        return clipped(wanted)

    def operation(self, op: ast.operator, a: Range, b: Range, node: ast.AST) -> Range:
        most = max(abs(a[0]), abs(a[1]))
        match op:
            case ast.Add():
                return self.result((a[0] + b[0], a[1] + b[1]), node)
            case ast.Sub():
                return self.result((a[0] - b[1], a[1] - b[0]), node)
            case ast.Mult():
                ends = [x * y for x in a for y in b]
                return self.result((min(ends), max(ends)), node)
            case ast.FloorDiv():
                if a[0] >= 0 and b[0] >= 0:
                    return 0, a[1]
                # only -1 makes a number no smaller, and the largest one has no opposite
                most = most if b[0] <= -1 <= b[1] else min(most, -LOW)
                return self.result((-most, most), node)
            case ast.Mod():
                return (min(b[0] + 1, 0), max(b[1] - 1, 0))
            case ast.BitAnd() if a[0] >= 0 or b[0] >= 0:
                return 0, min(x[1] for x in (a, b) if x[0] >= 0)
            case ast.BitAnd() | ast.BitOr() | ast.BitXor():
                # no more bits than the longer operand
                bits = max((x if x >= 0 else ~x).bit_length() for x in (*a, *b))
                low = 0 if a[0] >= 0 and b[0] >= 0 else -(1 << bits)
                return self.result((low, (1 << bits) - 1), node)
            case ast.LShift() | ast.Pow():
                return self.result((-(2**70), 2**70), node)
            case ast.RShift():
                return min(a[0], 0), max(a[1], 0)
        return self.result((-(2**63), HIGH), node)

    def called(self, node: ast.Call) -> Range | None:
        word = self.known(node.func)
        named = {str(k.arg): k.value for k in node.keywords}
        if word is range or word in WRAPPERS:
            return self.iterated(node)
        if isinstance(word, types.FunctionType) and word not in WORDS:
            if any(isinstance(a, ast.Starred) for a in node.args) or "None" in named:
                self.below(node)
                return ANYTHING
            return self.call(
                word,
                [self.value(argument) for argument in node.args],
                {name: self.value(value) for name, value in named.items()},
            )
        if word is rules.emit:
            self.emits(node)
            return (0, 0)
        if word is sum and node.args:
            return self.summed(node)
        values = [self.value(a) for a in (*node.args, *named.values())]
        if word is rules.not_none:
            return self.present(node, values[0])
        if word is None:
            self.value(node.func)
            is_elements = isinstance(node.func, ast.Attribute) and node.func.attr == "elements"
            return LENGTH if is_elements else ANYTHING
        if word in TRUTHS:
            return TRUTH
        if word in NOTHING:
            return (0, 0)
        found: Range | None = None
        for value in values:
            found = hull(found, value)
        if word is len:
            return 0, min(max((self.length(a) for a in node.args), default=0), HIGH)
        if word is abs and found is not None:
            return 0, max(abs(found[0]), abs(found[1]))
        if word in (min, max, int, next, rules.only, sorted, tuple, list, set):
            return found
        return ANYTHING

    def present(self, node: ast.Call, value: Range | None) -> Range | None:
        """The range of what is not NONE; notes whether it may be."""
        if value is not None and value[0] <= rules.NONE <= value[1]:
            self.summary.absent.add(place_of(node))
        return value

    def emits(self, node: ast.Call) -> None:
        """Add the arguments of an ``emit`` to the effects."""
        values = dict(zip(("s", "effect"), node.args, strict=False))
        values |= {str(k.arg): k.value for k in node.keywords}
        for name, argument in values.items():
            value = self.value(argument)
            if name == "effect" and value is not None:
                raised = max(
                    (part.effects_from for part in self.ranges.instance.record.parts), default=0
                )
                value = self.result((value[0], value[1] + raised), node)
            if name != "s":
                self.ranges.emitted(0 if name == "effect" else 1, value)
        for argument in node.args[2:]:
            self.ranges.emitted(1, self.value(argument))

    def summed(self, node: ast.Call) -> Range:
        """The range of a ``sum``; a site where a partial sum may overflow."""
        starts = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "start")]
        low, high = self.number(starts[0]) if starts else (0, 0)
        element = self.iterated(node.args[0]) or (0, 0)
        times = 1
        for generator in getattr(node.args[0], "generators", ()):
            times *= self.length(generator.iter)
        if not hasattr(node.args[0], "generators"):
            times = self.length(node.args[0])
        times = min(times, LOOPS)
        total = low + min(element[0], 0) * times, high + max(element[1], 0) * times
        return self.result(total, node)


READERS: dict[type[ast.expr], Callable[[Reading, Any], Range | None]] = {
    ast.Constant: Reading.constant,
    ast.Name: Reading.name,
    ast.Attribute: Reading.attribute,
    ast.Subscript: Reading.subscript,
    ast.BinOp: Reading.binary,
    ast.UnaryOp: Reading.unary,
    ast.BoolOp: Reading.boolean,
    ast.Compare: Reading.compare,
    ast.IfExp: Reading.conditional,
    ast.Tuple: Reading.several,
    ast.List: Reading.several,
    ast.Set: Reading.several,
    ast.NamedExpr: Reading.named,
    ast.GeneratorExp: Reading.generated,
    ast.ListComp: Reading.generated,
    ast.SetComp: Reading.generated,
    ast.Starred: Reading.starred,
    ast.Call: Reading.called,
}
"""What reads each kind of expression; a table, since this is most of the work."""
