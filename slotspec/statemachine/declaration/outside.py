"""Refuses rules that keep something outside of the state, or use a name that nothing defines.

The compiler refuses them, too, but a small instance is never compiled; and
:mod:`slotspec.statemachine.declaration.determinism` looks at globals alone.
"""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

from slotspec.statemachine.declaration.determinism import CHANGING, CONTAINERS
from slotspec.statemachine.declaration.source import read, reject, subtree
from slotspec.statemachine.errors import RuleError

EVALUATING = (eval, exec, globals, setattr, delattr, __import__)
"""Python's own functions with which a rule could do anything."""


@lru_cache(maxsize=8192)
def check_outside(function: types.FunctionType) -> None:
    """Refuse a rule, of which the source can be read, that keeps something outside of the state.

    :raises RuleError: ``RUL002``, ``RUL004``, ``RUL005`` or ``RUL019``, with file and line.
    """
    Outside(function).check()


class Outside:
    """Looks at what one rule does with the names that it does not define itself."""

    def __init__(self, function: types.FunctionType) -> None:
        self.source, self.function = read(function), function
        self.own = bound_names(self.source.tree)
        closure = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self.cells = dict(closure)
        self.aliases: dict[str, ast.expr] = {}

    def known(self, node: ast.expr) -> object:
        """The object outside of the rule that an expression names; None if it names none."""
        if isinstance(node, ast.Attribute):
            below = self.known(node.value)
            return None if below is None else getattr(below, node.attr, None)
        if not isinstance(node, ast.Name) or node.id in self.own:
            return None
        if node.id in self.cells:
            try:
                return self.cells[node.id].cell_contents
            except ValueError:
                return None
        return self.function.__globals__.get(node.id, getattr(builtins, node.id, None))

    def check(self) -> None:
        """Refuse the first mistake."""
        self._defaults()
        for node in inner_nodes(self.source.tree):
            match node:
                case ast.Import() | ast.ImportFrom():
                    raise reject(
                        "RUL002", self.source, node, "a rule imports nothing; import in the module"
                    )
                case ast.Name(id=name, ctx=ast.Load()):
                    self._defined(node, name)
                case ast.Assign(targets=targets, value=value):
                    self._alias(targets, value)
                    for target in targets:
                        self._stored(target)
                case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                    self._stored(target)
                case ast.Delete(targets=targets):
                    for target in targets:
                        self._stored(target)
                case ast.Call():
                    self._call(node)
                case ast.MatchAs(pattern=None, name=str(name)):
                    self._captured(node, name)

    def _captured(self, node: ast.AST, name: str) -> None:
        """Refuse a constant as a pattern: Python takes it for a new name, which fits anything."""
        if isinstance(self.function.__globals__.get(name), int):
            raise reject(
                "RUL002",
                self.source,
                node,
                f"case {name} fits any value and calls it {name}; write the number, or a member of"
                " an enumeration",
            )

    def _defaults(self) -> None:
        given = [
            *(self.function.__defaults__ or ()),
            *(self.function.__kwdefaults__ or {}).values(),
        ]
        for value in given:
            if isinstance(value, CONTAINERS):
                raise reject(
                    "RUL019",
                    self.source,
                    self.source.tree,
                    f"a default is {value!r}, the same object in every call, but a rule must depend"
                    " on the state and its arguments alone; write a tuple or a number",
                )

    def _changes(self, node: ast.AST, what: str) -> RuleError:
        return reject(
            "RUL019",
            self.source,
            node,
            f"it changes {what}, but a rule must depend on the state and its arguments alone; keep"
            " it in the state",
        )

    def _defined(self, node: ast.Name, name: str) -> None:
        if (
            name in self.own
            or name in self.cells
            or name in self.function.__globals__
            or hasattr(builtins, name)
        ):
            return
        raise reject("RUL004", self.source, node, f"{name} is not defined")

    def _alias(self, targets: list[ast.expr], value: ast.expr) -> None:
        """Remember another name for a container outside of the rule."""
        if isinstance(targets[0], ast.Name) and isinstance(self.known(value), CONTAINERS):
            self.aliases[targets[0].id] = value

    def _outer(self, node: ast.expr) -> ast.expr | None:
        """What an object outside of the rule is called, if this is in one."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        if node.id in self.aliases:
            return self.aliases[node.id]
        return None if node.id in self.own else node

    def _stored(self, target: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._stored(one)
        elif isinstance(target, ast.Attribute | ast.Subscript) and self._outer(target) is not None:
            raise self._changes(target, ast.unparse(target))

    def _call(self, node: ast.Call) -> None:
        word = self.known(node.func)
        if isinstance(word, types.BuiltinFunctionType) and word in EVALUATING:
            raise reject(
                "RUL005",
                self.source,
                node,
                f"{ast.unparse(node.func)} is no rule; call plain functions",
            )
        if word is next and node.args and isinstance(self.known(node.args[0]), Iterator):
            raise self._changes(node, ast.unparse(node.args[0]))
        if isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            holder = node.func.value
            if isinstance(holder, ast.Name):
                holder = self.aliases.get(holder.id, holder)
            if isinstance(self.known(holder), CONTAINERS):
                raise self._changes(node, ast.unparse(holder))
        if isinstance(word, types.MethodType) and not isinstance(word.__self__, type | Enum):
            raise reject(
                "RUL005",
                self.source,
                node,
                f"{ast.unparse(node.func)} is a method of an object, which may remember what it was"
                " called with; call a plain function",
            )


@lru_cache(maxsize=4096)
def inner_nodes(tree: ast.FunctionDef) -> tuple[ast.AST, ...]:
    """The nodes of a rule that run with it: neither decorators, annotations nor defaults."""
    found: list[ast.AST] = list(tree.body)
    for node in found:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            # a function within the rule, in which a name may be one of its own
            found += node.body if isinstance(node, ast.FunctionDef) else [node.body]
        elif isinstance(node, ast.AnnAssign):
            found += [node.target, *([] if node.value is None else [node.value])]
        else:
            found += ast.iter_child_nodes(node)
    return tuple(found)


@lru_cache(maxsize=4096)
def bound_names(tree: ast.FunctionDef) -> frozenset[str]:
    """Every name that a rule, or something in it, gives a meaning of its own."""
    found: set[str] = set()
    for node in subtree(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if node is not tree:
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
    return frozenset(found)
