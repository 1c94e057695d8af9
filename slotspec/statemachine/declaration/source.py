"""Rules as syntax trees, and errors that say where in the user's file they are."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
import types
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from slotspec.statemachine.errors import RuleError


@dataclass(frozen=True)
class Source:
    """The syntax tree of a rule, and where it was written."""

    tree: ast.FunctionDef
    file: str
    first: int

    def place(self, node: ast.AST | None) -> str:
        return f"{self.file}:{self.line(node)}"

    def line(self, node: ast.AST | None) -> int:
        return self.first - 1 + int(getattr(node, "lineno", 1))


@lru_cache(maxsize=256)
def _functions(lines: tuple[str, ...]) -> dict[tuple[int, str], ast.FunctionDef]:
    """Every function of a file, by its first line (that of a decorator) and its name."""
    found = {}
    waiting: list[ast.AST] = [ast.parse("".join(lines))]
    for node in waiting:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(above.lineno for above in node.decorator_list)])
            found[first, node.name] = node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, block, ())
            waiting += below if isinstance(below, list) else ()
    return found


@lru_cache(maxsize=4096)
def _read(code: types.CodeType, name: str) -> Source:
    # to parse a file once takes a fraction of finding the end of each function in it
    try:
        whole = _functions(tuple(linecache.getlines(code.co_filename)))
    except SyntaxError:
        whole = {}
    there = whole.get((code.co_firstlineno, code.co_name))
    if there is not None:
        return Source(there, code.co_filename, 1)
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        raise RuleError(
            "RUL001",
            f"rule {name} has no source to read (it was made by exec or typed at a prompt);"
            " write it in a file",
        ) from None
    tree = ast.parse(textwrap.dedent("".join(lines)))
    node = tree.body[0]
    # the lines of a lambda that is given to a decorator are those of what is decorated
    if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
        raise RuleError(
            "RUL001", f"{code.co_filename}:{first}: rule {name} is not a plain def; write it as one"
        )
    return Source(node, code.co_filename, first)


def read(function: types.FunctionType) -> Source:
    """The source of `function`.

    :raises RuleError: ``RUL001`` where it cannot be read or is no plain function.
    """
    return _read(function.__code__, function.__name__)


def first_line(function: Any) -> str:
    """Where a rule begins, as ``file:line: in function``."""
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}: in {code.co_name}"


@lru_cache(maxsize=65536)
def subtree(tree: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes of a syntax tree, as :func:`ast.walk` gives them.

    Several analyses walk through every rule, and :func:`ast.walk` looks at each field of each node
    again.
    """
    found = [tree]
    for node in found:
        found += ast.iter_child_nodes(node)
    return tuple(found)


def parameters_of(tree: ast.FunctionDef) -> list[str]:
    """The names of a rule's parameters, in order."""
    given = tree.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def reject(code: str, source: Source, node: ast.AST | None, message: str) -> RuleError:
    """The error about `node`, naming file and line."""
    return RuleError(code, f"{source.place(node)}: in {source.tree.name}: {message}")
