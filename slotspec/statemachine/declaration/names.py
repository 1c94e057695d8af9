"""What the names in a rule stand for."""

from __future__ import annotations

import ast
import builtins
import types
from functools import lru_cache
from typing import Any

from slotspec.statemachine.declaration.source import read, subtree


@lru_cache(maxsize=4096)
def generated_names(tree: ast.AST) -> frozenset[str]:
    """The variables of a rule's generators; outside of these, they may name something else."""
    return frozenset(
        name.id
        for node in subtree(tree)
        if isinstance(node, ast.comprehension)
        for name in subtree(node.target)
        if isinstance(name, ast.Name)
    )


class Names:
    """The objects that the names in one rule stand for."""

    def __init__(self, function: types.FunctionType) -> None:
        self.function, self.code = function, function.__code__
        self.inner = frozenset((*self.code.co_varnames, *self.code.co_cellvars))
        self.generated = generated_names(read(function).tree)
        self.objects: dict[ast.expr, Any] = {}

    def known(self, node: ast.expr) -> Any:
        """The global object that an expression names; None if it names none."""
        try:
            return self.objects[node]
        except KeyError:
            found = self.objects[node] = self.look_up(node)
            return found

    def look_up(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            found = self.outer(node.id)
            return found if callable(found) or node.id not in self.generated else None
        if isinstance(node, ast.Attribute):
            below = self.known(node.value)
            return None if below is None else getattr(below, node.attr, None)
        return None

    def outer(self, name: str) -> Any:
        """The object that a name has outside of the rule; None if it is local."""
        if name in self.inner:
            return None
        if name in self.code.co_freevars and self.function.__closure__ is not None:
            cell = self.function.__closure__[self.code.co_freevars.index(name)]
            try:
                return cell.cell_contents
            except ValueError:
                return None
        return self.function.__globals__.get(name, getattr(builtins, name, None))
