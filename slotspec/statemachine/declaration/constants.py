"""Which constants reach the arguments of a function, found in the text of the rules.

A model that sends its messages with one rule, such as ``send(s, channel, message)``, thereby tells
which messages may enter which channel. The analysis follows calls, locals and results of rules
from the actions on, and takes every branch: what no run does may be among what it finds, but
nothing that a run does is missing.
"""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.source import read, subtree
from slotspec.statemachine.declaration.substitute import is_rule

Values = frozenset[int] | None
"""What a number can be; None if it can be anything."""


def arguments_of(
    instance: Instance,
    function: Callable[..., Any],
    fixed: Mapping[Callable[..., Any], Mapping[str, int]] | None = None,
) -> set[tuple[Values, ...]]:
    """The arguments of all calls of `function` in what the actions of `instance` do.

    :param fixed: rules whose result is calculated although an argument is unknown -> what to take
        for this argument.
    """
    fixed_codes = {getattr(rule, "__code__", None): given for rule, given in (fixed or {}).items()}
    found = _Calls(getattr(function, "__code__", None), fixed_codes)
    rules = [instance.rule(action.function) for action in instance.actions]
    if instance.model.settle is not None:
        rules.append(instance.rule(instance.model.settle))
    for rule in rules:
        if isinstance(rule, types.FunctionType):
            found.call(rule, {})
    return found.arguments


@dataclass
class _Calls:
    code: types.CodeType | None
    fixed: Mapping[types.CodeType | None, Mapping[str, int]]
    arguments: set[tuple[Values, ...]] = field(default_factory=set)
    results: dict[Any, Values] = field(default_factory=dict)

    def call(self, rule: types.FunctionType, given: Mapping[str, Values]) -> Values:
        """What `rule` returns, called with these arguments."""
        if rule.__code__ is self.code:
            names = rule.__code__.co_varnames[: rule.__code__.co_argcount]
            self.arguments.add(tuple(given.get(name) for name in names))
            return None
        if rule.__code__ in self.fixed:
            return _calculated(rule, given, self.fixed[rule.__code__])
        key = rule, frozenset(given.items())
        if key not in self.results:
            self.results[key] = None  # in a rule that calls itself: anything
            self.results[key] = _Reading(self, rule, given).returned
        return self.results[key]


def _calculated(
    rule: types.FunctionType, given: Mapping[str, Values], known: Mapping[str, int]
) -> Values:
    domains = []
    for name in rule.__code__.co_varnames[: rule.__code__.co_argcount]:
        values = frozenset({known[name]}) if name in known else given.get(name)
        if values is None:
            return None
        domains.append(sorted(values))
    return frozenset(int(rule(*chosen)) for chosen in product(*domains))


class _Reading:
    """One rule, called with these arguments."""

    def __init__(
        self, calls: _Calls, rule: types.FunctionType, given: Mapping[str, Values]
    ) -> None:
        self.calls, self.rule = calls, rule
        self.tree = read(rule).tree
        self.free = dict(zip(rule.__code__.co_freevars, rule.__closure__ or (), strict=True))
        self.locals: dict[str, Values] = {name: given.get(name) for name in _parameters(rule)}
        self._assign()
        for node in subtree(self.tree):
            if isinstance(node, ast.Call):
                self.value(node)
        returns = [n.value for n in subtree(self.tree) if isinstance(n, ast.Return)]
        self.returned = _union(self.value(r) if r is not None else None for r in returns)

    def _assign(self) -> None:
        """What each local can be: the union of all that is assigned to it."""
        stored: list[str] = []
        plain: dict[str, list[ast.expr]] = {}
        for node in subtree(self.tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store()):
                    stored.append(name)
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    stored.append(name)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    plain.setdefault(name, []).append(value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    plain.setdefault(name, []).append(value)
        known = [
            name
            for name in dict.fromkeys(stored)
            if stored.count(name) == len(plain.get(name, ())) and name not in self.locals
        ]
        # until it is known, one that is assigned from itself or a later one can be anything
        self.locals |= dict.fromkeys(stored)
        for name in known:
            self.locals[name] = _union(map(self.value, plain[name]))

    def value(self, node: ast.expr) -> Values:
        match node:
            case ast.IfExp(body=body, orelse=orelse):
                return _union(map(self.value, (body, orelse)))
            case ast.Call():
                return self.called(node)
            case ast.Name(id=name) if name in self.locals:
                return self.locals[name]
        known = self.known(node)
        return frozenset({int(known)}) if isinstance(known, int) else None

    def called(self, node: ast.Call) -> Values:
        function = self.known(node.func)
        given = [self.value(argument) for argument in node.args]
        if function is int and len(given) == 1:
            return given[0]
        if not is_rule(function):
            return None
        named = {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        defaults = _defaults(function)
        return self.calls.call(
            function, {**defaults, **dict(zip(_parameters(function), given, strict=False)), **named}
        )

    def known(self, node: ast.expr) -> Any:
        """The object that an expression names, if it is no value of the rule's own."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name not in self.locals:
                if name in self.free:
                    return self.free[name].cell_contents
                return self.rule.__globals__.get(name, getattr(builtins, name, None))
            case ast.Attribute(value=value, attr=name):
                return getattr(self.known(value), name, None)
        return None


def _parameters(rule: types.FunctionType) -> Sequence[str]:
    return rule.__code__.co_varnames[: rule.__code__.co_argcount + rule.__code__.co_kwonlyargcount]


def _defaults(rule: types.FunctionType) -> dict[str, Values]:
    names = rule.__code__.co_varnames[: rule.__code__.co_argcount]
    values = rule.__defaults__ or ()
    found = dict(zip(names[len(names) - len(values) :], values, strict=True))
    found |= rule.__kwdefaults__ or {}
    return {n: frozenset({int(v)}) if isinstance(v, int) else None for n, v in found.items()}


def _union(values: Iterator[Values] | map[Values]) -> Values:
    found: frozenset[int] = frozenset()
    for one in values:
        if one is None:
            return None
        found |= one
    return found
