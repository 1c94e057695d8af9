"""Decides whether an instance is symmetric by the text of its rules.

The discipline is that of Murphi's scalarsets (Ip and Dill, "Better verification through
symmetry", 1996): elements of a symmetric sort are compared for equality only, there is no
order, no arithmetic and no literal of them, and loops over them commute. A rule that keeps to it
gives the renamed result in a renamed state, so one state of each class of renamed states tells
all. Where a loop ends early, nothing in it may be a fault either: in which order it runs would
decide whether the fault occurs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.declaration.model import Instance, ParameterDomain
from slotspec.statemachine.declaration.records import Ref, Sort
from slotspec.statemachine.declaration.rules import NONE
from slotspec.statemachine.declaration.source import Source
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.search.scalarsets.commuting import Access
from slotspec.statemachine.search.scalarsets.kinds import (
    Element,
    Kind,
    Number,
    Whole,
    join,
)
from slotspec.statemachine.search.scalarsets.reading import Reading

ROUNDS = 20
"""Nothing more becomes known after a few rounds; a rule that needs more is not analysed."""


@dataclass(frozen=True)
class Obstacle:
    """What tells the elements of a symmetric sort apart.

    :ivar place: ``file:line``; empty if it is no line of a rule.
    """

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}" if self.place else self.why


def obstacles(instance: Instance, most: int | None = None) -> list[Obstacle]:
    """What keeps the symmetric sorts of `instance` from being symmetric; none if they are.

    An instance in which no renaming changes anything has no obstacles either.

    :param most: stop looking once this many are found.
    """
    symmetry = Symmetry(instance)
    if symmetry.order == 1:
        return []
    return Proof(instance, symmetry, most).found()


class _Enough(Exception):
    pass


class Proof:
    """Reads every rule of an instance until nothing more becomes known."""

    def __init__(self, instance: Instance, symmetry: Symmetry, most: int | None = None) -> None:
        self.instance, self.symmetry, self.most = instance, symmetry, most
        self.arguments: dict[tuple[int, str], Kind] = {}
        self.any_order = self.kinds_in_any_order = False
        self.kept: dict[Any, tuple[Kind, list[Access]]] = {}
        self.read: dict[Any, tuple[Kind, list[Access]]] = {}
        self.obstacles: dict[str, Obstacle] = {}
        self.changed = False

    def found(self) -> list[Obstacle]:
        for _ in range(ROUNDS):
            self.changed = False
            self.read, self.obstacles = {}, {}
            try:
                self.read_all()
            except RuleError as error:
                return [Obstacle("", str(error))]
            except _Enough:  # what is an obstacle with less known stays one with more
                return list(self.obstacles.values())
            if not self.changed:
                return list(self.obstacles.values())
        return [Obstacle("", f"the rules were not understood within {ROUNDS} rounds")]

    def moves(self, sort: Sort) -> bool:
        """Whether a renaming changes elements of `sort` within these bounds."""
        if sort.ordered or not self.symmetry.moves(sort):
            return False
        if sort.parts or sort.factors:
            return any(self.moves(below) for below in (*sort.parts, *sort.factors))
        return sort.size(self.instance.setting.bounds) > 1

    def read_all(self) -> None:
        instance, model = self.instance, self.instance.model
        self.check_fields()
        results: dict[str, Kind] = {}
        for action in instance.actions:
            given = [self.domain(domain) for domain in action.parameters.values()]
            returns, _ = self.call(instance.rule(action.function), [Whole(), *given])
            results[action.name] = returns
        for rule in (model.settle, model.final):
            if rule is not None:
                self.call(instance.rule(rule), [Whole()])
        for declared in instance.properties.values():
            named: dict[str, Kind] = {"before": Whole(), "after": Whole()}
            if declared.action is not None:
                named["result"] = results[declared.action.name]
                for name, domain in declared.action.parameters.items():
                    named[name] = self.domain(domain)
            for name, domain in declared.parameters.items():
                named[name] = self.domain(domain)
            for side in (declared.function, declared.to):
                if side is None:
                    continue
                rule = instance.rule(side)
                code = rule.__code__
                names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
                returns, _ = self.call(rule, [named.get(name, Whole()) for name in names])
                if not isinstance(returns, Number | None):
                    why = f"property {declared.name} answers with an element, not yes or no"
                    self.add(Obstacle("", why))

    def check_fields(self) -> None:
        """Check that no field begins as a certain element."""
        for name, spec in self.instance.record.fields.items():
            moving = isinstance(spec.domain, Ref) and self.moves(spec.domain.sort)
            if moving and spec.default != NONE:
                self.add(Obstacle("", f"field {name} begins as element {spec.default}"))

    def domain(self, domain: ParameterDomain) -> Kind:
        if isinstance(domain, Sort):
            if self.moves(domain):
                return Element(domain, True)
            return Number(sort=domain)
        return Number()

    # what readings ask for

    def call(self, function: Any, given: Sequence[Kind]) -> tuple[Kind, list[Access]]:
        """What a rule returns and does, as far as it is known."""
        key = (function, tuple(given))
        if key in self.read:
            return self.read[key]
        self.read[key] = before = self.kept.get(key, (None, []))
        reading = Reading(self, function, given)
        accesses = reading.outward({name: name for name in reading.parameters}, reading.source.tree)
        accesses = list(dict.fromkeys(accesses))
        after = (join(before[0], reading.returns), accesses)
        if after != before:
            self.changed = True
        self.read[key] = self.kept[key] = after
        return after

    def emitted(self, effect: int, name: str, kind: Kind) -> None:
        new = join(self.arguments.get((effect, name)), kind)
        if new != self.arguments.get((effect, name)):
            self.arguments[effect, name], self.changed = new, True

    def emits_in_any_order(self, kinds: set[int | None]) -> None:
        several = len(kinds) > 1 or None in kinds
        if not self.any_order or (several and not self.kinds_in_any_order):
            self.any_order = self.changed = True
            self.kinds_in_any_order |= several

    def breaks(self, source: Source, node: ast.AST | None, why: str) -> None:
        self.add(Obstacle(f"{shown(source.file)}:{source.line(node)}", why))

    def add(self, obstacle: Obstacle) -> None:
        self.obstacles[str(obstacle)] = obstacle
        if self.most is not None and len(self.obstacles) >= self.most:
            raise _Enough


def shown(file: str) -> str:
    """A file's path as people write it: from the present folder if it lies below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
