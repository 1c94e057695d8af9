"""Refuses rules whose result depends on chance, time, or what they were called with before.

A search tries each call once in each state and believes the result; such a rule would make it
miss states, and a replay of its traces differ.
"""

from __future__ import annotations

import builtins
import dis
import types
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from slotspec.statemachine.declaration.records import Bound
from slotspec.statemachine.errors import RuleError

CONTAINERS = (MutableSequence, MutableMapping, MutableSet)

SOURCES = frozenset(
    (
        *("datetime", "nt", "numpy.random", "os", "posix", "random", "_random", "secrets"),
        *("socket", "subprocess", "tempfile", "threading", "time", "uuid"),
    )
)
"""Modules whose functions answer differently from call to call."""

WORDS = frozenset((hash, id, input, open))
"""The same among Python's own functions."""


@lru_cache(maxsize=8192)
def check_deterministic(rule: types.FunctionType) -> None:
    """Refuse a rule that uses chance or time, or that changes a variable outside of itself.

    :raises RuleError: ``RUL019``; ``RUL020`` if it reads a bound, which has no value there.
    """
    seen, waiting = {rule}, [rule]
    while waiting:
        for below in _checked(waiting.pop()):
            if below not in seen:
                seen.add(below)
                waiting.append(below)


@lru_cache(maxsize=8192)
def _checked(function: types.FunctionType) -> tuple[types.FunctionType, ...]:
    """The functions that this one can call, once it is found to be fine itself."""
    found = []
    for code in _codes(function.__code__):
        # pytest calls its own functions, under names that no source can have, in an assert
        for name in filter(str.isidentifier, code.co_names):
            for what, value in _values(function, code, name):
                if isinstance(value, Bound):
                    _refuse_bound(function, code, name, value)
                elif _is_source(value):
                    _refuse_if_used(function, code, name, what)
                elif isinstance(value, types.FunctionType):
                    found.append(value)
                elif isinstance(value, CONTAINERS):
                    _check_calls(function, code, name)
        _check_stores(function, code)
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if isinstance(value, types.FunctionType):
            found.append(value)
    return tuple(found)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function and of the generators in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _values(
    function: types.FunctionType, code: types.CodeType, name: str
) -> Iterator[tuple[str, Any]]:
    """What a global name stands for, and what the code may take from it if it is a module."""
    space = function.__globals__
    if name not in space and not hasattr(builtins, name):
        return
    value = space.get(name, getattr(builtins, name, None))
    yield name, value
    if isinstance(value, types.ModuleType):
        for below in code.co_names:
            module = f"{value.__name__}.{below}"
            if below in vars(value):
                yield f"{name}.{below}", vars(value)[below]
            elif module in SOURCES:  # NumPy imports it when it is first used
                yield f"{name}.{below}", import_module(module)


def _is_source(value: Any) -> bool:
    if isinstance(value, types.ModuleType):
        return value.__name__ in SOURCES
    if not callable(value):
        return False
    module = getattr(value, "__module__", None)
    if module is None:  # a method of C, such as that of a generator of random numbers
        module = type(getattr(value, "__self__", None)).__module__
    try:
        return module in SOURCES or value in WORDS
    except TypeError:
        return False


CHANGING = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop"),
        *("popitem", "popleft", "remove", "setdefault", "sort", "update", "__setitem__"),
    )
)
"""Methods that change a list, a dictionary or a set."""


def _check_calls(function: types.FunctionType, code: types.CodeType, name: str) -> None:
    """Refuse a rule that changes a container outside of itself by one of its methods."""
    steps = list(dis.get_instructions(code))
    for at, after in pairwise(steps):
        if at.opname == "LOAD_GLOBAL" and at.argval == name and after.argval in CHANGING:
            raise _error(function, name, "changes")


def _check_stores(function: types.FunctionType, code: types.CodeType) -> None:
    own = code is function.__code__
    if not code.co_names and not (own and code.co_freevars):
        return
    if any(at in code.co_code[::2] for at in _STORES):
        for at in dis.get_instructions(code):
            outside = at.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") or (
                own and at.opname == "STORE_DEREF" and at.argval in code.co_freevars
            )
            if outside:
                raise _error(function, at.argval, "changes")


_STORES = [dis.opmap[n] for n in ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF")]


def _refuse_if_used(
    function: types.FunctionType, code: types.CodeType, name: str, what: str
) -> None:
    """Refuse the rule if it means the global of this name, not an attribute."""
    for at in dis.get_instructions(code):
        if at.opname in ("LOAD_GLOBAL", "LOAD_NAME") and at.argval == name:
            raise _error(function, what, "uses")


def _refuse_bound(
    function: types.FunctionType, code: types.CodeType, name: str, bound: Bound
) -> None:
    """Refuse a rule that reads a bound, whose value only an instance knows."""
    for at in dis.get_instructions(code):
        if at.opname in ("LOAD_GLOBAL", "LOAD_NAME") and at.argval == name:
            raise RuleError(
                "RUL020",
                f"{_place(function)}: {function.__name__} uses the bound {name}, whose value"
                f' depends on the instance; declare {bound.name} = constant("…", {name}) in the'
                f" record, and read s.{bound.name}",
            )


def _error(function: types.FunctionType, what: str, how: str) -> RuleError:
    return RuleError(
        "RUL019",
        f"{_place(function)}: {function.__name__} {how} {what}, but a rule must depend on the state"
        " and its arguments alone; give the action a parameter for what is chosen, or keep it in"
        " the state",
    )


def _place(function: types.FunctionType) -> str:
    code = function.__code__
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"
