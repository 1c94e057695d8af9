"""Overflow checks for the interpreter: copies of rules that check each site.

See :mod:`slotspec.statemachine.declaration.ranges` for sites. Only rules that have a site, or call
one that has, are copied. All others run as they are.
"""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from slotspec.statemachine.declaration.integers import fits
from slotspec.statemachine.declaration.ranges import Ranges, Site, place_of
from slotspec.statemachine.declaration.source import read
from slotspec.statemachine.declaration.substitute import names_in

F = TypeVar("F")

FITS, CALL, RULE = "__fits__", "__call__", "__rule__"
"""Names within a copy: the check of a number, the checked call, and the copy itself."""


def summed(values: Iterable[int], /, start: int = 0) -> int:
    """``sum``, with every partial sum checked."""
    total = start
    for value in values:
        total = fits(total + value)
    return total


def counted(*ends: int) -> range:
    """``range``, with its span checked."""
    found = range(*ends)
    if found:
        fits(abs(found.stop - found.start))
    return found


def numbered(values: Iterable[Any], start: int = 0) -> Iterator[tuple[int, Any]]:
    """``enumerate``, with its numbers checked."""
    for number, value in enumerate(values, start):
        yield fits(number), value


CHECKED: dict[Any, Callable[..., Any]] = {sum: summed, range: counted, enumerate: numbered}


def called(word: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The result of a call at a site."""
    return CHECKED.get(word, word)(*arguments, **named)


Checks = Mapping[str, Sequence[Site]]
"""For each rule that must be copied, by :func:`key_of`, the sites within it."""


def key_of(function: types.FunctionType) -> str:
    """The name of a rule for any process; rules of one place share it."""
    return f"{function.__module__}:{function.__code__.co_firstlineno} {function.__qualname__}"


def checks_of(ranges: Ranges) -> Checks:
    """The rules that have a site, or call one that has, with their sites."""
    summaries = ranges.summaries
    waiting = [function for function, summary in summaries.items() if summary.sites]
    found = set(waiting)
    while waiting:
        more = summaries[waiting.pop()].callers - found
        found |= more
        waiting += more
    checks: dict[str, set[Site]] = {}
    for function in found:
        checks.setdefault(key_of(function), set()).update(summaries[function].sites)
    return {key: sorted(sites) for key, sites in checks.items()}


def guarded(function: F, checks: Checks, made: dict[Any, Any]) -> F:
    """`function` itself if none of its results may overflow, else a copy with checks."""
    if not isinstance(function, types.FunctionType):
        return function
    if function in made:
        return made[function]  # type: ignore[no-any-return]
    if not checks or key_of(function) not in checks:
        return function
    sites = set(checks[key_of(function)])
    code = rewritten(function, sites) if sites else function.__code__
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    rules = {name: rule for name, cell in cells.items() if (rule := _rule_in(cell, checks))}
    # filled below, since a rule may be in its own closure
    cells |= {name: types.CellType() for name in rules}
    closure = tuple(cells[name] for name in code.co_freevars)
    result = types.FunctionType(code, {}, function.__name__, function.__defaults__, closure)
    result.__kwdefaults__, result.__doc__ = function.__kwdefaults__, function.__doc__
    result.__module__, result.__qualname__ = function.__module__, function.__qualname__
    made[function] = made[result] = result
    for name, rule in rules.items():
        cells[name].cell_contents = guarded(rule, checks, made)
    space = result.__globals__
    space.update({**function.__globals__, FITS: fits, CALL: called})
    names = names_in(function.__code__)
    for name in names:
        used = space.get(name)
        if isinstance(used, types.FunctionType):
            space[name] = guarded(used, checks, made)
        elif isinstance(used, types.ModuleType):
            there = {n: vars(used).get(n) for n in names}
            changed = {
                n: guarded(rule, checks, made)
                for n, rule in there.items()
                if isinstance(rule, types.FunctionType) and key_of(rule) in checks
            }
            if changed:
                space[name] = twin = types.ModuleType(used.__name__, used.__doc__)
                vars(twin).update({**vars(used), **changed})
    return result  # type: ignore[return-value]


def _rule_in(cell: types.CellType, checks: Checks) -> types.FunctionType | None:
    """The rule in a variable of an enclosing function, if it needs checks."""
    try:
        value = cell.cell_contents
    except ValueError:
        return None
    return value if isinstance(value, types.FunctionType) and key_of(value) in checks else None


def rewritten(function: types.FunctionType, sites: set[Site]) -> types.CodeType:
    """The code of `function` with a check at each of these sites."""
    source = read(function)
    tree = copy.deepcopy(source.tree)
    tree.decorator_list, tree.returns = [], None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    tree.args.defaults = [ast.Constant(None) for _ in tree.args.defaults]
    tree.args.kw_defaults = [d and ast.Constant(None) for d in tree.args.kw_defaults]
    inner = _Checks(sites).visit(tree)
    inner.name = RULE  # within `around`, its own name would mean itself and not what it meant
    outer = ast.FunctionDef(
        name="around",
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in function.__code__.co_freevars],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        ),
        body=[inner],
        decorator_list=[],
        lineno=1,
        col_offset=0,
    )
    module = ast.fix_missing_locations(ast.Module([outer], []))
    ast.increment_lineno(module, source.first - 1)
    made = compile(module, source.file, "exec", dont_inherit=True)
    for name in ("around", RULE):
        made = next(
            part
            for part in made.co_consts
            if isinstance(part, types.CodeType) and part.co_name == name
        )
    return made.replace(co_name=function.__code__.co_name, co_qualname=function.__qualname__)


class _Checks(ast.NodeTransformer):
    """Puts a check around each site."""

    def __init__(self, sites: set[Site]) -> None:
        self.sites = sites

    def checked(self, node: Any) -> Any:
        place = place_of(node)
        self.generic_visit(node)
        if place not in self.sites:
            return node
        return ast.copy_location(ast.Call(ast.Name(FITS, ast.Load()), [node], []), node)

    visit_BinOp = visit_UnaryOp = checked

    def visit_Call(self, node: ast.Call) -> ast.Call:
        there = place_of(node) in self.sites
        self.generic_visit(node)
        if there:
            node.args = [node.func, *node.args]
            node.func = ast.copy_location(ast.Name(CALL, ast.Load()), node.func)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """``t += v`` as ``t = check(t + v)``, with the parts of `t` evaluated once."""
        there = place_of(node) in self.sites
        self.generic_visit(node)
        if not there:
            return node
        before: list[ast.stmt] = []

        def kept(value: ast.expr, name: str) -> ast.expr:
            target = ast.Name(name, ast.Store())
            before.append(ast.Assign([target], value, lineno=node.lineno))
            return ast.Name(name, ast.Load())

        match node.target:
            case ast.Attribute(value=inner) as target:
                target.value = kept(inner, "__owner__")
            case ast.Subscript(value=inner, slice=index) as target:
                target.value = kept(inner, "__owner__")
                target.slice = kept(index, "__index__")
        now: Any = copy.deepcopy(node.target)
        now.ctx = ast.Load()
        result = ast.Call(ast.Name(FITS, ast.Load()), [ast.BinOp(now, node.op, node.value)], [])
        before.append(ast.Assign([node.target], result, lineno=node.lineno))
        for statement in before:
            for part in ast.walk(statement):
                if "lineno" in part._attributes and not hasattr(part, "col_offset"):
                    ast.copy_location(part, node)
            ast.copy_location(statement, node)
        return before
