"""Random small models over all constructs of the rule language, to compare both engines.

    python -m tests.statemachine.compiler.rule_fuzzer --models 500 --seed 1

writes each model into a file, searches it compiled and interpreted, and compares counts,
verdicts, traces and faults. It keeps models with a difference, and prints their seeds.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slotspec.statemachine import Instance, Limits, Result, RuleError
from tests.statemachine.compiler.engines import compare

HEAD = '''"""A random model."""

from slotspec.statemachine import (
    FLAG, NONE, DISABLED, Effects, Event, Lifecycle, Model, Record, Sort, State,
    constant, effect, emit, fire, number, only, part, per, recycle, ref, restart, scalar,
)

A = Sort("as", "As.", default=2)
B = Sort("bs", "Bs.", default=2)
AB = Sort("abs", "Pairs.", factors=(A, B))
TABLE = (2, 0, 1, 3)
FAR = 2**63 - 4
WIDE = (2**62, -(2**63) + 3, 2**40)
ROWS = ((0, 1), (2, 1), (1, 0))
SET = frozenset({0, 2})


class Kind(Effects):
    """Kinds."""

    P = effect("one", "two")
    Q = effect("two")
    R = effect()


class Life(Lifecycle):
    """A life."""

    NEW = State("New.", initial=True)
    OLD = State("Old.")
    GONE = State("Gone.", final=True)

    age = Event("It ages.", (NEW, OLD), (OLD, NEW))
    end = Event("It ends.", (OLD, GONE))


class BoxState(Record):
    """A box."""

    o = scalar(FLAG, "Open.")
    y = per(A, number(2), "Numbers.")


box = Model("box", "A box.", BoxState, effects=Kind)


class S(Record):
    """All."""

    x = per(A, number(2), "Numbers.")
    r = per(B, ref(A), "References.")
    z = per(AB, FLAG, "Flags.")
    life = per(A, Life, "Lives.")
    n = scalar(number(3), "A number.")
    k = scalar(ref(A), "A reference.")
    c = constant("A constant.", lambda setting: 1)
    t = constant("Constants.", lambda setting: (1, 0, 2))
    boxes = part(
        lambda setting: box.instance({"as": setting["as"]}), "Boxes.", per=B, effects_from=3
    )


model = Model("random", "A random model.", S, effects=Kind)


@model.action(a=A)
def turn(s, a):
    """It moves on, whatever the others do."""
    s.x[a] = (s.x[a] + 1) % 3
    s.n = (s.n + a + 1) % 4
    emit(s, Kind.P, two=s.n, one=a)
    if s.life[a] != Life.GONE:
        if s.n == 3 and s.life[a] == Life.OLD:
            fire(s.life, a, Life.end)
        else:
            fire(s.life, a, Life.age)
    return 0


@model.action(b=B)
def lean(s, b):
    """It takes a box."""
    s.r[b] = s.n % 2
    s.z[(s.n + b) % 4] = b
    s.boxes[b].y[s.n % 2] = s.x[b]
    s.k = s.r[1 - b]
    emit(s.boxes[b], Kind.Q, s.x[b])
    return 1
'''
LARGE = (2**63 - 1, 2**63 - 1, 2**62, 2**61, 2**32)
HIGH = 2**63 - 1
ARRAYS = {"x": "A", "r": "B", "z": "AB", "life": "A"}
SIZES = {"x": 2, "r": 2, "z": 4, "life": 2, "y": 2}


@dataclass
class Scope:
    """The names that a piece of a rule can use, and what it may do."""

    records: tuple[str, ...] = ("s",)
    boxes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    emitted: tuple[str, ...] = ()
    """Records whose effects may be read."""
    writes: bool = False
    action: bool = False
    emits: bool = True
    """Whether it may emit; not in a loop, since that may be over the effects."""
    loop: bool = False
    calls: int = 0
    """It may call this many of the helpers (the first ones)."""
    assigns: bool = False
    """Whether an expression may assign a local."""

    def also(self, **more: Any) -> Scope:
        return replace(self, **more)


@dataclass(frozen=True)
class Helper:
    """A function that other rules call."""

    name: str
    kinds: tuple[str, ...]
    by_name: tuple[str, ...]
    pair: bool
    writes: bool
    emits: bool

    def usable(self, scope: Scope) -> bool:
        """Whether `scope` may call it."""
        return (scope.writes or not self.writes) and (scope.emits or not self.emits)


@dataclass
class Writer:
    """Writes one model."""

    seed: int
    wild: float = 0.01
    """Probability of writing something that may well be a fault."""
    large: float = 0.0
    """Probability of a number near the limits of 64 bits."""
    random: random.Random = field(init=False)
    count: int = 0
    level: int = 0
    helpers: list[Helper] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    # choices

    def odds(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def line(self) -> str:
        """Sometimes continue an expression on the next line."""
        return "\n            " if self.odds(0.08) else ""

    # numbers

    def number(self, scope: Scope, depth: int = 3) -> str:
        """A small number, or NONE."""
        if depth <= 0 or self.odds(0.15):
            return self.leaf(scope)
        name = self.pick(
            *("leaf", "arithmetic", "arithmetic", "divided", "extreme", "chosen", "condition"),
            *("folded", "folded", "least", "next", "called", "called", "both", "plain", "bits"),
            *("walrus", "element", "effects", "absolute"),
        )
        self.used[name] += 1
        result: str = getattr(self, f"number_{name}")(scope, depth - 1)
        return result

    def huge(self) -> str:
        """A number near one of the limits, or in between."""
        near = self.pick(*LARGE) - self.pick(0, 0, 1, 2, 3)
        return str(
            self.pick(near, near, f"(-{min(near, HIGH - 1)})", f"({near} - {self.pick(*LARGE)})")
        )

    def leaf(self, scope: Scope) -> str:
        if self.odds(self.large):
            self.used["huge"] += 1
            return self.pick(self.huge(), self.huge(), "FAR", "WIDE[1]")  # type: ignore[no-any-return]
        found = [str(self.pick(-2, -1, 0, 1, 2, 3)), "True", "Life.OLD", "Kind.Q"]
        found += [*scope.numbers, *scope.numbers, *scope.numbers]
        found += [f"{s}.{name}" for s in scope.records for name in ("n", "n", "c", "k")]
        found += [f"len({s}.{self.pick(*ARRAYS, 'boxes', 't')})" for s in scope.records]
        found += [f"{b}.o" for b in scope.boxes]
        found += [f"{e}.kind" for e in scope.effects] + [f"{e}[1]" for e in scope.effects]
        found += [f"len({s}.elements({self.pick('A', 'B', 'AB')}))" for s in scope.records]
        return str(self.pick(*found))

    number_leaf = number_plain = lambda self, scope, _: self.leaf(scope)

    def small(self, scope: Scope, depth: int, most: int = 5) -> str:
        return f"({self.line()}{self.number(scope, depth)}) % {most}"

    def index(self, scope: Scope, depth: int, size: int) -> str:
        if self.odds(self.wild):
            return self.number(scope, depth)
        return self.small(scope, depth, size)

    def number_arithmetic(self, scope: Scope, depth: int) -> str:
        if self.odds(self.large * 3):
            a, b = self.number(scope, depth), self.number(scope, depth)
            return f"({a} {self.pick('+', '-', '*')} {self.line()}{b})"
        a, b = self.small(scope, depth, 50), self.small(scope, depth, 7)
        return f"({self.line()}{a} {self.pick('+', '-', '*')} {self.line()}{b})"

    def number_bits(self, scope: Scope, depth: int) -> str:
        a, b = self.number(scope, depth), self.small(scope, depth)
        return f"({a} {self.pick('&', '|', '^')} {b})"

    def number_divided(self, scope: Scope, depth: int) -> str:
        by = self.number(scope, depth)
        by = by if self.odds(self.wild) else f"(({by}) % 3 + 1)"
        by = f"-{by}" if self.odds(0.2) else by
        return f"({self.line()}{self.number(scope, depth)} {self.pick('//', '%')} {by})"

    def number_extreme(self, scope: Scope, depth: int) -> str:
        parts = [self.number(scope, depth) for _ in range(self.pick(2, 3))]
        return f"{self.pick('min', 'max')}({self.line()}{', '.join(parts)})"

    def number_absolute(self, scope: Scope, depth: int) -> str:
        return f"{self.pick('abs', 'int', 'bool', '-', '~')}({self.number(scope, depth)})"

    def number_chosen(self, scope: Scope, depth: int) -> str:
        a, b = self.number(scope, depth), self.number(scope, depth)
        return f"({a} if {self.condition(scope, depth)} else {self.line()}{b})"

    def number_condition(self, scope: Scope, depth: int) -> str:
        return f"({self.condition(scope, depth)})"

    def number_both(self, scope: Scope, depth: int) -> str:
        parts = [self.number(scope.also(assigns=False), depth) for _ in range(self.pick(2, 3))]
        return f"({self.pick(' and ', ' or ').join(parts)})"

    def number_walrus(self, scope: Scope, depth: int) -> str:
        if not scope.assigns:
            return self.leaf(scope)
        name = self.fresh("w")
        return f"(({name} := {self.number(scope, depth)}) - {name} % 3)"

    def number_element(self, scope: Scope, depth: int) -> str:
        choices: list[tuple[str, int]] = [("TABLE", 4)]
        for s in scope.records:
            choices += [(f"{s}.{name}", SIZES[name]) for name in ARRAYS] + [(f"{s}.t", 3)]
        choices += [(f"{b}.y", 2) for b in scope.boxes] + [(a, 2) for a in scope.arrays]
        array, size = self.pick(*choices)
        if self.odds(0.2) and scope.records:
            of = f"{self.pick(*scope.records)}.boxes[{self.index(scope, depth, 2)}]"
            return f"{of}.{self.pick('o', f'y[{self.index(scope, depth - 1, 2)}]')}"
        return f"{array}[{self.index(scope, depth, size)}]"

    def number_called(self, scope: Scope, depth: int) -> str:
        usable = [h for h in self.helpers[: scope.calls] if not h.pair and h.usable(scope)]
        if not usable:
            return self.leaf(scope)
        call = self.call(self.pick(*usable), scope, depth)
        return call or self.leaf(scope)

    def call(self, helper: Helper, scope: Scope, depth: int) -> str | None:
        arguments = []
        for kind in helper.kinds:
            found = self.argument(kind, scope, depth)
            if found is None:
                return None
            arguments.append(found)
        named = [f"{n}={self.small(scope, depth)}" for n in helper.by_name if self.odds(0.5)]
        return f"{helper.name}({', '.join([*arguments, *named])})"

    def argument(self, kind: str, scope: Scope, depth: int) -> str | None:
        if kind == "number":
            return self.number(scope, depth)
        if kind == "record":
            return self.pick(*scope.records) if scope.records else None
        if kind == "effect":
            return self.pick(*scope.effects) if scope.effects else None
        if kind == "array":
            found = [f"{s}.x" for s in scope.records] + [f"{b}.y" for b in scope.boxes]
            return self.pick(*found, *scope.arrays) if found or scope.arrays else None
        if scope.boxes and self.odds(0.6):
            return str(self.pick(*scope.boxes))
        if not scope.records:
            return None
        return f"{self.pick(*scope.records)}.boxes[{self.index(scope, depth - 1, 2)}]"

    # generators

    def iterable(self, scope: Scope, depth: int) -> tuple[str, str, Scope]:
        """A loop target, its iterable, and the scope of the loop's body."""
        names = [self.fresh("i"), self.fresh("j")]
        one = scope.also(numbers=(*scope.numbers, names[0]))
        two = scope.also(numbers=(*scope.numbers, *names))
        arrays = [f"{s}.{name}" for s in scope.records for name in ARRAYS]
        arrays += [f"{b}.y" for b in scope.boxes] + [*scope.arrays]
        steps = self.pick("", "", ", 2", ", -1", ", -2")
        low, high = self.small(scope, depth, 4), self.small(scope, depth, 5)
        count = high
        if self.odds(self.large):
            # few elements anywhere, or ends too far apart
            if self.odds(0.1):
                return names[0], f"range({self.pick(-5, 1 - HIGH)}, {HIGH - 2})", one
            low = f"({self.number(scope, depth)}) % 4 + {self.pick(*LARGE) - 7}"
            high = f"{low} + {self.pick(0, 1, 3)}"
            if self.odds(0.3):
                low, high = f"{HIGH - 6}", f"({self.number(scope, depth)}) % 4 + {HIGH - 4}"
        ranges = [f"range({count})", f"range({low}, {high}{steps})"]
        choices = [
            *((names[0], a, one) for a in [*arrays, *ranges, "TABLE"]),
            (names[0], f"({self.number(scope, depth)}, {self.number(scope, depth)}, 2)", one),
            *(
                (names[0], f"{s}.elements({sort})", one)
                for s in scope.records
                for sort in ("A", "AB")
            ),
            (f"{names[0]}, {names[1]}", "ROWS", two),
        ]
        if arrays:
            a, b = self.pick(*arrays), self.pick(*arrays, *ranges)
            choices += [
                (f"{names[0]}, {names[1]}", f"enumerate({a}, {self.small(scope, 0)})", two),
                (f"{names[0]}, {names[1]}", f"enumerate({self.pick(*ranges)})", two),
                (f"{names[0]}, {names[1]}", f"zip({a}, {b})", two),
                (names[0], f"reversed({b})", one),
            ]
        for s in scope.records:
            name = self.fresh("b")
            boxed = scope.also(boxes=(*scope.boxes, name))
            choices += [(name, f"{s}.boxes", boxed)]
            both = boxed.also(numbers=(*scope.numbers, names[0]))
            choices += [(f"{names[0]}, {name}", f"enumerate({s}.boxes)", both)]
        for s in scope.emitted:
            name = self.fresh("e")
            choices += [(name, f"{s}.effects", scope.also(effects=(*scope.effects, name)))] * 3
        target, source, inner = self.pick(*choices)
        self.used[source.split("(")[0].split(".")[-1]] += 1
        return target, source, inner.also(emits=False)

    def loops(self, scope: Scope, depth: int) -> tuple[str, Scope]:
        """The ``for`` and ``if`` of a generator."""
        text, inner = "", scope.also(assigns=False)
        for _ in range(self.pick(1, 1, 1, 2)):
            target, source, inner = self.iterable(inner, depth - 1)
            text += f" {self.line()}for {target} in {source}"
            for _ in range(self.pick(0, 0, 1, 1, 2)):
                text += f" {self.line()}if {self.condition(inner, depth - 1)}"
        return text, inner

    def number_folded(self, scope: Scope, depth: int) -> str:
        text, inner = self.loops(scope, depth)
        value = self.pick("1", self.small(inner, depth - 1), self.condition(inner, depth - 1))
        if self.odds(self.large):
            value = self.number(inner, depth - 1)
        if self.odds(0.2 + self.large):
            start = self.huge() if self.odds(self.large) else self.small(scope, depth - 1)
            return f"sum(({value}{text}), {start})"
        if self.odds(0.15) and scope.records:
            return f"sum({self.pick(*scope.records)}.x)"
        return f"sum({value}{text})"

    def number_least(self, scope: Scope, depth: int) -> str:
        text, inner = self.loops(scope, depth)
        value, word = self.number(inner, depth - 1), self.pick("min", "max")
        if self.odds(self.wild):
            return f"{word}({self.line()}{value}{text})"
        if self.odds(0.15) and scope.records:
            return f"{word}({self.pick(*scope.records)}.{self.pick('x', 'r', 'z')})"
        return f"{word}(({value}{text}), default={self.small(scope, depth - 1)})"

    def number_next(self, scope: Scope, depth: int) -> str:
        text, inner = self.loops(scope, depth)
        default = self.pick("NONE", self.small(scope, depth - 1))
        word = self.pick("next", "next", "only")
        return f"{word}(({self.number(inner, depth - 1)}{text}), {default})"

    def number_effects(self, scope: Scope, depth: int) -> str:
        if scope.effects:
            e = self.pick(*scope.effects)
            if self.odds(self.wild):
                return f"{e}.{self.pick('one', 'two')}"
            return str(
                self.pick(
                    f"({e}.one if {e}.kind in (Kind.P, 3) else {e}[{self.pick(-1, 0, 2)}])",
                    f"({e}.kind == Kind.Q and {e}.two)",
                    f"({e}.two if {e}.kind != Kind.R and {e}.kind < 5 else 0)",
                )
            )
        if not scope.emitted:
            return self.leaf(scope)
        s = self.pick(*scope.emitted)
        if self.odds(self.wild * 3):
            return f"{s}.effects[{self.pick(-1, 0, 1)}].kind"
        return str(
            self.pick(
                f"len({s}.effects)",
                f"sum(e.kind == Kind.P and e.one == {self.leaf(scope)} for e in {s}.effects)",
                f"sum(1 for e in {s}.effects if e.kind == Kind.{self.pick('P', 'Q', 'R')})",
            )
        )

    # conditions

    def condition(self, scope: Scope, depth: int = 3) -> str:
        if depth <= 0:
            return f"{self.leaf(scope)} {self.pick('==', '!=', '<', '>=')} {self.leaf(scope)}"
        name = self.pick(
            "one", "chain", "among", "among", "quantified", "quantified", "both", "not"
        )
        self.used[name] += 1
        result: str = getattr(self, f"condition_{name}")(scope, depth - 1)
        return result

    def comparison(self) -> str:
        return str(self.pick("==", "!=", "<", "<=", ">", ">="))

    def condition_one(self, scope: Scope, depth: int) -> str:
        return f"{self.number(scope, depth)} {self.comparison()} {self.number(scope, depth)}"

    def condition_chain(self, scope: Scope, depth: int) -> str:
        inner = scope.also(assigns=False)
        parts = [self.number(inner, depth) for _ in range(3)]
        return f"({parts[0]} {self.comparison()} {parts[1]} {self.comparison()} {parts[2]})"

    def condition_among(self, scope: Scope, depth: int) -> str:
        a, b = self.number(scope, depth), self.number(scope, depth)
        among = [f"({a}, {b})", f"({a}, 1, 2)", "TABLE", "(0, 2)", "{1, 2}", "SET"]
        # Python looks for a member of an enumeration from one end of a range to the other
        stop = self.small(scope, depth) if self.large else b
        among += [f"range({self.small(scope, depth)}, {stop}{self.pick('', ', 2', ', -3')})"]
        among += [f"{s}.{name}" for s in scope.records for name in ARRAYS]
        among += [f"{s}.elements(AB)" for s in scope.records] + [*scope.arrays]
        return f"({self.number(scope, depth)} {self.pick('in', 'not in')} {self.pick(*among)})"

    def condition_quantified(self, scope: Scope, depth: int) -> str:
        word = self.pick("any", "all")
        if self.odds(0.15) and scope.records:
            return f"{word}({self.pick(*scope.records)}.{self.pick('x', 'z', 'life')})"
        text, inner = self.loops(scope, depth)
        return f"{word}({self.line()}{self.condition(inner, depth - 1)}{text})"

    def condition_both(self, scope: Scope, depth: int) -> str:
        inner = scope.also(assigns=False)
        parts = [self.condition(inner, depth) for _ in range(self.pick(2, 3))]
        return f"({self.pick(' and ', ' or ').join(parts)})"

    def condition_not(self, scope: Scope, depth: int) -> str:
        return f"(not {self.pick(self.condition, self.number)(scope, depth)})"

    # statements

    def block(self, scope: Scope, indent: int, depth: int, most: int = 4) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randint(1, most)):
            added, scope = self.statement(scope, indent, depth)
            lines += added
        return lines

    def statement(self, scope: Scope, indent: int, depth: int) -> tuple[list[str], Scope]:
        names = ["assign", "assign", "swap", "alias", "results"]
        if scope.writes:
            names += ["field"] * 4 + ["augment", "augment", "fire", "emit", "emit", "restart"]
        if depth > 0:
            names += ["if", "if", "for", "for", "while", "match"]
        if scope.loop:
            names += ["leave"]
        name = self.pick(*names)
        self.used[f"{name} statement"] += 1
        self.level += 1
        lines, after = getattr(self, f"statement_{name}")(scope, indent, depth)
        self.level -= 1
        pad = "    " * indent
        return [pad + line for line in lines], after

    def statement_assign(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        own = [n for n in scope.numbers if n[0] in "va"]
        name = self.pick(*own) if own and self.odds(0.4) else self.fresh("v")
        value = f"({self.number(scope.also(assigns=True))}) % 97"
        return [f"{name} = {value}"], scope.also(numbers=(*scope.numbers, name))

    def statement_swap(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        a, b = self.fresh("v"), self.fresh("v")
        lines = [f"{a}, {b} = {self.small(scope, 2)}, {self.small(scope, 2)}"]
        if self.odds(0.5):
            lines.append(f"{a}, {b} = {b}, {a}")
        if self.odds(0.2):
            lines = [f"{a} = {b} = {self.small(scope, 2)}"]
        if self.odds(0.2):
            yes, no = (f"({self.small(scope, 1)}, {self.leaf(scope)})" for _ in range(2))
            lines = [f"{a}, {b} = {yes} if {self.condition(scope, 1)} else {no}"]
        return lines, scope.also(numbers=(*scope.numbers, a, b))

    def statement_alias(self, scope: Scope, indent: int, _: int) -> tuple[list[str], Scope]:
        if scope.records and self.odds(0.6):
            name = self.fresh("b")
            line = f"{name} = {self.pick(*scope.records)}.boxes[{self.index(scope, 2, 2)}]"
            return [line], scope.also(boxes=(*scope.boxes, name))
        if self.level == 1 and scope.records:
            name = self.fresh("q")
            line = f"{name} = {self.pick(*scope.records)}.{self.pick('x', 'r', 'z')}"
            return [line], scope.also(arrays=(*scope.arrays, name))
        return ["pass"], scope

    def statement_results(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        usable = [h for h in self.helpers[: scope.calls] if h.pair and h.usable(scope)]
        call = self.call(self.pick(*usable), scope, 2) if usable else None
        if call is None:
            return ["pass"], scope
        a, b = self.fresh("v"), self.fresh("v")
        return [f"{a}, {b} = {call}"], scope.also(numbers=(*scope.numbers, a, b))

    def place(self, scope: Scope) -> tuple[str, int] | None:
        """A field that can be assigned, and its largest value."""
        choices: list[tuple[str, int]] = []
        for s in scope.records:
            choices += [(f"{s}.n", 3), (f"{s}.k", 1)]
            choices += [(f"{s}.x[{self.index(scope, 1, 2)}]", 2)]
            choices += [(f"{s}.r[{self.index(scope, 1, 2)}]", 1)]
            choices += [(f"{s}.z[{self.index(scope, 1, 4)}]", 1)]
            choices += [(f"{s}.boxes[{self.index(scope, 1, 2)}].o", 1)]
        for b in scope.boxes:
            choices += [(f"{b}.o", 1), (f"{b}.y[{self.index(scope, 1, 2)}]", 2)]
        return self.pick(*choices) if choices else None

    def statement_field(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        found = self.place(scope)
        if found is None:
            return ["pass"], scope
        place, largest = found
        value = self.small(scope, 3, largest + 1)
        if self.odds(self.wild):
            value = self.number(scope, 2)
        if ".k" in place and self.odds(0.3):
            value = "NONE"
        return [f"{place} = {value}"], scope

    def statement_augment(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        own = [n for n in scope.numbers if n[0] in "v"]
        if own and self.odds(0.6):
            name = self.pick(*own)
            if self.odds(self.large):
                value = self.number(scope, 2)
                again = f"{name} = {name} {self.pick('+', '-')} {value}"
                return [self.pick(again, f"{name} {self.pick('+=', '-=', '*=')} {value}")], scope
            return [f"{name} {self.pick('+=', '-=', '%=')} {self.small(scope, 2, 7)} + 1"], scope
        found = self.place(scope)
        if found is None:
            return ["pass"], scope
        place, largest = found
        if self.odds(self.wild):
            return [f"{place} += {self.small(scope, 2, 2)}"], scope
        return [f"{place} %= {self.small(scope, 2, 2)} + {min(1, largest)}"], scope

    def statement_fire(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        if not scope.records:
            return ["pass"], scope
        s, i = self.pick(*scope.records), self.pick("0", "1", self.index(scope, 1, 2))
        if self.odds(self.wild):
            return [self.pick(f"fire({s}.life, {i}, Life.end)", f"recycle({s}.life, {i})")], scope
        name = self.fresh("v")
        return [
            f"{name} = {i}",
            f"if {s}.life[{name}] == Life.OLD and {self.condition(scope, 1)}:",
            f"    fire({s}.life, {name}, Life.end)",
            f"elif {s}.life[{name}] in (Life.OLD, Life.NEW):",
            f"    fire({s}.life, {name}, Life.age)",
            "else:",
            f"    recycle({s}.life, {name})",
        ], scope.also(numbers=(*scope.numbers, name))

    def statement_emit(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        if not scope.emits or not (scope.records or scope.boxes):
            return ["pass"], scope
        a, b = self.small(scope, 2), self.small(scope, 1)
        what = self.pick(
            f"Kind.P, {a}, {b}",
            f"Kind.P, two={a}, one={b}",
            f"Kind.Q, {a}",
            f"Kind.Q, two={a}",
            "Kind.R",
            f"Kind.P, one={a}",
            f"Kind.P if {self.condition(scope, 1)} else Kind.Q, {a}",
        )
        return [f"emit({self.pick(*scope.records, *scope.boxes)}, {what})"], scope

    def statement_restart(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        box = self.argument("box", scope, 1)
        return [f"restart({box})" if box else "pass"], scope

    def statement_if(self, scope: Scope, indent: int, depth: int) -> tuple[list[str], Scope]:
        lines = [f"if {self.condition(scope.also(assigns=True))}:"]
        lines += self.block(scope, 1, depth - 1, 2)
        if self.odds(0.3):
            lines += [f"elif {self.condition(scope, 2)}:", *self.block(scope, 1, depth - 1, 2)]
        if self.odds(0.5):
            lines += ["else:", *self.block(scope, 1, depth - 1, 2)]
        if self.odds(0.15):
            lines += [f"if {self.condition(scope, 2)}:", f"    return {self.returned(scope)}"]
        return lines, scope

    def statement_for(self, scope: Scope, indent: int, depth: int) -> tuple[list[str], Scope]:
        target, source, inner = self.iterable(scope, 2)
        body = self.block(inner.also(loop=True), 1, depth - 1, 3)
        return [f"for {target} in {source}:", *body], scope

    def statement_while(self, scope: Scope, indent: int, depth: int) -> tuple[list[str], Scope]:
        name = self.fresh("u")
        inner = scope.also(numbers=(*scope.numbers, name), loop=True, emits=False)
        body = self.block(inner, 1, depth - 1, 2)
        if self.odds(0.5):
            test = f"({name} := {name} + 1) < 3 and {self.condition(scope, 1)}"
            return [f"{name} = 0", f"while {test}:", *body], scope
        return [f"{name} = 0", f"while {name} < 2:", f"    {name} += 1", *body], scope

    def statement_match(self, scope: Scope, indent: int, depth: int) -> tuple[list[str], Scope]:
        subject = self.pick(self.small(scope, 2, 4), f"{self.leaf(scope)}")
        lines = [f"match {subject}:"]
        patterns = ["0", "1 | 2", "Life.OLD", "-1", "Kind.Q | 3", "Life.GONE | Life.NEW"]
        for _ in range(self.pick(1, 2, 3)):
            pattern, inner = self.pick(*patterns), scope
            if self.odds(0.2):
                name = self.fresh("m")
                pattern = f"({pattern}) as {name}"
                inner = scope.also(numbers=(*scope.numbers, name))
            guard = f" if {self.condition(inner, 2)}" if self.odds(0.3) else ""
            lines += [f"    case {pattern}{guard}:", *self.block(inner, 2, depth - 1, 2)]
        if self.odds(0.6):
            name = self.pick("_", self.fresh("m"))
            inner = scope if name == "_" else scope.also(numbers=(*scope.numbers, name))
            lines += [f"    case {name}:", *self.block(inner, 2, depth - 1, 2)]
        return lines, scope

    def statement_leave(self, scope: Scope, _: int, __: int) -> tuple[list[str], Scope]:
        word = self.pick("break", "continue")
        return [f"if {self.condition(scope, 2)}:", f"    {word}"], scope

    pair = False

    def returned(self, scope: Scope) -> str:
        """The expression that the current function returns."""
        if self.pair:
            return f"{self.small(scope, 2)}, {self.number(scope, 2)}"
        if scope.action:
            return "DISABLED" if self.odds(self.wild) else f"({self.number(scope, 2)}) % 5"
        return self.number(scope, 2)

    # functions

    def helper(self) -> list[str]:
        name = self.fresh("h")
        kinds = [self.pick("record", "record", "box", "effect", "array")]
        kinds += ["number"] * self.pick(0, 1, 2)
        by_name = tuple(self.fresh("a") for _ in range(self.pick(0, 0, 1, 2)))
        names = {kind: [] for kind in ("record", "box", "effect", "array", "number")}
        for kind in kinds:
            names[kind].append(self.fresh("p"))
        writes = self.odds(0.4) and kinds[0] in ("record", "box")
        scope = Scope(
            emits=writes and self.odds(0.5),
            records=tuple(names["record"]),
            boxes=tuple(names["box"]),
            arrays=tuple(names["array"]),
            effects=tuple(names["effect"]),
            numbers=(*names["number"], *by_name),
            writes=writes,
            calls=len(self.helpers),
        )
        self.pair = self.odds(0.4)
        parameters = [p for kind in names for p in names[kind]]
        order = [k for kind in names for k in [kind] * len(names[kind])]
        defaults = [f"{n}={self.pick(0, 1, 'TABLE[1]', 'Life.OLD')}" for n in by_name]
        star = ["*"] if defaults and self.odds(0.5) else []
        lines = [f"def {name}({', '.join([*parameters, *star, *defaults])}):"]
        lines += self.block(scope, 1, 2, 3)
        lines += [f"    return {self.returned(scope)}"]
        self.helpers.append(
            Helper(name, tuple(order), by_name, self.pair, scope.writes, scope.emits)
        )
        self.pair = False
        return lines

    def action(self) -> list[str]:
        name = self.fresh("act")
        given = {
            self.fresh("a"): self.pick("A", "B", "Life", "3") for _ in range(self.pick(0, 1, 1, 2))
        }
        declared = ", ".join(f"{n}={d}" for n, d in given.items()).replace("Life", "A")
        scope = Scope(
            numbers=tuple(given),
            writes=False,
            action=True,
            calls=len(self.helpers),
            assigns=False,
        )
        lines = [f"@model.action({declared})", f"def {name}({', '.join(['s', *given])}):"]
        lines += ['    """It happens."""']
        if self.odds(0.5):
            word = self.pick("and", "and", "or")
            guard = f"{self.condition(scope, 2)} {word} {self.condition(scope, 1)}"
            lines += [f"    if {guard}:", "        return DISABLED"]
        scope = scope.also(writes=True, emitted=("s",))
        lines += self.block(scope, 1, 3, 7)
        return [*lines, f"    return {self.returned(scope)}"]

    def statement_of(self, kind: str) -> list[str]:
        """A property."""
        name = self.fresh("prop")
        names = ("before", "after") if kind == "step" else ("s",)
        scope = Scope(
            records=names,
            emitted=("after",) if kind == "step" else (),
            calls=len(self.helpers),
        )
        lines = [f'@model.{kind}("a test")', f"def {name}({', '.join(names)}):", '    """It is."""']
        if self.odds(0.5):
            lines += self.block(scope, 1, 2, 3)
            # an early return in the block is a verdict too
        return [*lines, f"    return {self.condition(scope)}"]

    def text(self) -> str:
        """The source of the model."""
        parts = [self.helper() for _ in range(self.pick(1, 2, 3, 4))]
        parts += [self.action() for _ in range(self.pick(2, 3))]
        parts += [self.statement_of(kind) for kind in ("always", "step", "step", "sometimes")]
        if self.odds(0.3):
            scope = Scope(writes=True, emitted=("s",), calls=len(self.helpers), action=True)
            body = self.block(scope, 1, 2, 3)
            parts.append(["@model.after_each_step", "def settle(s):", *body, "    return 0"])
        final = f"    return {self.condition(Scope(calls=len(self.helpers)), 2)}"
        parts.append(["@model.final_states", "def ended(s):", '    """It ends."""', final])
        return HEAD + "\n\n" + "\n\n\n".join("\n".join(lines) for lines in parts) + "\n"


def load(path: Path) -> Instance:
    """The instance that the file declares."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    instance: Instance = module.model.instance()
    return instance


def try_one(
    seed: int, folder: Path, wild: float = 0.01, large: float = 0.0
) -> tuple[str, Result | None]:
    """Write the model of this seed and compare both engines on it.

    :raises AssertionError: they disagree.
    """
    path = folder / f"random_{seed}.py"
    path.write_text(Writer(seed, wild, large).text())
    try:
        compiled, _ = compare(load(path), Limits(depth=4))
    except RuleError as error:
        if error.code == "RUL100":
            return "broken", None
        if error.code == "RUL018" and large:
            return "refused", None
        raise
    return "fault" if compiled.fault else "compared", compiled


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare both engines on random models.")
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the first model")
    parser.add_argument("--wild", type=float, default=0.01, help="chance of what may be a fault")
    parser.add_argument("--large", type=float, default=0.0, help="chance of a very large number")
    parser.add_argument("--keep", type=Path, help="folder for the models")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    counts: Counter[str] = Counter()
    states = 0
    for seed in range(given.seed, given.seed + given.models):
        try:
            what, result = try_one(seed, folder, given.wild, given.large)
            states += result.states if result else 0
        except Exception as error:
            what = "disagreement"
            print(f"seed {seed}: {type(error).__name__}: {str(error)[:600]}", flush=True)
        counts[what] += 1
    print(f"{given.models} models, {states} states: {dict(counts)}")
    return 1 if counts["disagreement"] else 0


if __name__ == "__main__":
    sys.exit(main())
