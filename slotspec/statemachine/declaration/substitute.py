"""Replaces rules wherever they are called; this is how a named defect is switched on."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

INTRINSICS = tuple(f"slotspec.statemachine.declaration.{name}" for name in ("rules", "parts"))
"""Modules whose functions the compiler has built in; they are not rules."""


def substitute(
    function: F,
    replace: Mapping[Callable[..., Any], Callable[..., Any]],
    _made: dict[Any, Any] | None = None,
) -> F:
    """A copy of rule `function` in which every call, at any depth, of a key of `replace`
    calls its value instead.
    """
    made: dict[Any, Any] = {} if _made is None else _made
    target: Any = replace.get(function, function)
    if target in made:
        return made[target]  # type: ignore[no-any-return]
    copy = types.FunctionType(
        target.__code__, {}, target.__name__, target.__defaults__, target.__closure__
    )
    copy.__kwdefaults__ = target.__kwdefaults__
    copy.__doc__, copy.__module__, copy.__qualname__ = (
        target.__doc__,
        target.__module__,
        target.__qualname__,
    )
    made[target] = made[copy] = copy
    copy.__globals__.update(target.__globals__)

    def below(rule: types.FunctionType) -> types.FunctionType:
        """What the copy calls for `rule`."""
        if target is function:
            return substitute(rule, replace, made)
        # a replacement that calls the rule it replaces means the original
        keep = {k: v for k, v in replace.items() if k is not rule}
        return substitute(rule, keep, made if keep == replace else None)

    names = names_in(target.__code__)
    for name in names:
        used = target.__globals__.get(name)
        if is_rule(used):
            copy.__globals__[name] = below(used)
        elif isinstance(used, types.ModuleType):
            # for calls such as module.rule(…), the copy sees a module with the replaced rules
            there = {n: vars(used).get(n) for n in names}
            rules = {n: below(rule) for n, rule in there.items() if is_rule(rule)}
            if rules:
                copy.__globals__[name] = twin = types.ModuleType(used.__name__, used.__doc__)
                vars(twin).update({**vars(used), **rules})
    return copy  # type: ignore[return-value]


def names_in(code: types.CodeType) -> set[str]:
    """The names of globals and attributes that `code` uses, generator expressions included."""
    names = set(code.co_names)
    for below in code.co_consts:
        if isinstance(below, types.CodeType):
            names |= names_in(below)
    return names


def is_rule(value: Any) -> TypeGuard[types.FunctionType]:
    """Whether `value` is a rule that can be replaced: a function, but no intrinsic."""
    return isinstance(value, types.FunctionType) and value.__module__ not in INTRINSICS
