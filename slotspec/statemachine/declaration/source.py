"""Rules as syntax trees, and errors that say where in the user's file they are."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from dataclasses import dataclass
from functools import lru_cache

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


@lru_cache(maxsize=4096)
def _read(code: types.CodeType, name: str) -> Source:
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
    if not isinstance(node, ast.FunctionDef):
        raise RuleError(
            "RUL001", f"{code.co_filename}:{first}: rule {name} is not a plain def; write it as one"
        )
    return Source(node, code.co_filename, first)


def read(function: types.FunctionType) -> Source:
    """The source of `function`.

    :raises RuleError: ``RUL001`` where it cannot be read or is no plain function.
    """
    return _read(function.__code__, function.__name__)


def reject(code: str, source: Source, node: ast.AST | None, message: str) -> RuleError:
    """The error about `node`, naming file and line."""
    return RuleError(code, f"{source.place(node)}: in {source.tree.name}: {message}")
