"""What refuses all calls of an action that have their first arguments in common.

``rm_assign(s, a, k)`` may begin with::

    if s.message[a] != Message.REQUESTED or s.task_slot[k] != TaskSlot.FREE:
        return DISABLED

Where the first condition holds, the action is refused for each `k`. So the search asks it once for
each `a`, and does not try the calls.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator, Sequence

from slotspec.statemachine.compiler.frontend.program import Program, Translated
from slotspec.statemachine.compiler.frontend.statements import Lowering
from slotspec.statemachine.compiler.frontend.symbols import Symbol, kind
from slotspec.statemachine.declaration.names import Names
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.declaration.source import parameters_of, read, subtree

Refusal = tuple[ast.expr, bool]
"""A condition, and whether an action is refused if it holds (else if it does not)."""


def early_refusal(
    program: Program, function: types.FunctionType, arguments: Sequence[Symbol]
) -> Translated | None:
    """A function of an action's first arguments: 1 only if every call with these is refused.

    :param arguments: the state, and the first arguments.
    """
    tree = read(function).tree
    unknown = set(parameters_of(tree)[len(arguments) :])
    refusals = []
    for refusal in leading(function, tree):
        if unknown & names_in(refusal[0]):
            break
        refusals.append(refusal)
    if not refusals:
        return None
    key = (function, tuple(map(kind, arguments)), "refused early")
    found = program.functions.get(key)
    if found is None:
        found = Translated(f"@refused.{len(program.functions)}")
        asking = EarlyRefusal(program, found, function, reading=False, action=True)
        asking.ask(arguments, refusals)
        program.functions[key] = found
        found.done = True
    return None if found.writes or found.reads else found


def leading(function: types.FunctionType, tree: ast.FunctionDef) -> Iterator[Refusal]:
    """The conditions under which the first statements of a rule refuse it, in order."""
    known = Names(function).known

    def refuses(node: ast.expr | None) -> bool:
        return node is not None and known(node) == DISABLED

    for statement in tree.body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str())):
                continue
            case ast.If(test=test, body=[ast.Return(value=value)], orelse=[]) if refuses(value):
                yield from ((part, True) for part in parts_of(test, ast.Or))
            case ast.Return(value=ast.IfExp(test=test, orelse=value)) if refuses(value):
                yield from ((part, False) for part in parts_of(test, ast.And))
                return
            case _:
                return


def parts_of(test: ast.expr, word: type[ast.boolop]) -> list[ast.expr]:
    """The parts of a condition that this word joins."""
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, word) else [test]


def names_in(node: ast.expr) -> set[str]:
    """The names that a condition mentions."""
    return {below.id for below in subtree(node) if isinstance(below, ast.Name)}


class EarlyRefusal(Lowering):
    """The translation of such a function."""

    def ask(self, arguments: Sequence[Symbol], refusals: Sequence[Refusal]) -> None:
        """Write the function; it stops at the first condition that refuses."""
        builder = self.builder
        head = self.bind_parameters(parameters_of(self.source.tree), arguments)
        refused = builder.label("refused")
        for condition, truth in refusals:
            on = builder.label("on")
            self.jump_on(condition, *((refused, on) if truth else (on, refused)))
            builder.start_block(on)
        builder.end("ret i64 0")
        builder.start_block(refused)
        builder.end("ret i64 1")
        self.finish(head)
