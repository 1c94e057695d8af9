"""Functions that evaluate each side of each ``leads to`` property in a state.

Each has this signature; all parameters are pointers::

    value = ask_NUMBER_SIDE(buffer, words, elements)

The stored state begins at `words`, and the choice of the property's parameters at `elements`. At a
fault, the value is ``FAULT``, and the result buffer `buffer` tells which.
"""

from __future__ import annotations

from collections.abc import Iterator

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.frontend.program import Program
from slotspec.statemachine.compiler.frontend.symbols import RecordAt
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.interpreter.liveness import PREMISE, PROMISE, claims


def predicate_name(number: int, side: int) -> str:
    """The name of the function for one side of the ``leads to`` property with this number."""
    return f"ask_{number}_{side}"


def predicate_names(instance: Instance) -> list[str]:
    """The names of all of them."""
    numbers = range(len(claims(instance)))
    return [predicate_name(number, side) for number in numbers for side in (PREMISE, PROMISE)]


def predicates_text(program: Program) -> str:
    """All predicates, as text; empty if there are none."""
    return "\n".join(_functions(program))


def _functions(program: Program) -> Iterator[str]:
    names = iter(predicate_names(program.instance))
    for declared in claims(program.instance):
        for rule in (declared.function, declared.to):
            assert rule is not None
            rule = program.instance.rule(rule)
            yield _function(program, next(names), rule, len(declared.parameters))


def _function(program: Program, name: str, rule: object, elements: int) -> str:
    builder = FunctionBuilder()
    builder.entry.append(f"  %now = alloca [{program.layout.capacity} x i64], align 8")
    builder.line("call void @unpack(ptr %words, ptr %now)")
    given = [Reg(builder.load("%elements", i)) for i in range(elements)]
    function = program.asked(rule, [RecordAt("%now"), *given])  # type: ignore[arg-type]
    inside = "".join(f", i64 {element}" for element in given)
    value = builder.emit(f"call i64 {function.name}(ptr %buffer, ptr %now{inside})")
    builder.end(f"ret i64 {value}")
    return builder.text(f"define i64 @{name}(ptr %buffer, ptr %words, ptr %elements) nounwind")
