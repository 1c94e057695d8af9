"""Functions that evaluate both sides of each ``leads to`` property in a batch of states.

Each has this signature; all parameters are pointers and 64-bit numbers::

    bad = ask_NUMBER_SIDE(buffer, words, n, elements, answers)

`n` stored states begin at `words`, and the choice of the property's parameters at `elements`.
The function sets a byte of `answers` to 0 or 1 for each state. `bad` is -1, or the number of
the first state in which the property meets a fault; the result buffer `buffer` tells which.
"""

from __future__ import annotations

from collections.abc import Iterator

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.result_buffer import FAULT
from slotspec.statemachine.compiler.frontend.program import Program
from slotspec.statemachine.compiler.frontend.symbols import RecordAt
from slotspec.statemachine.interpreter.liveness import claims


def predicate_name(number: int, side: int) -> str:
    """The name of the function for one side of the ``leads to`` property with this number."""
    return f"ask_{number}_{side}"


def predicates_text(program: Program) -> str:
    """All predicates, as text; empty if there are none."""
    return "\n".join(_functions(program))


def _functions(program: Program) -> Iterator[str]:
    for number, declared in enumerate(claims(program.instance)):
        for side, rule in enumerate((declared.function, declared.to)):
            assert rule is not None
            yield _function(
                program,
                predicate_name(number, side),
                program.instance.rule(rule),
                len(declared.parameters),
            )


def _function(program: Program, name: str, rule: object, elements: int) -> str:
    builder, layout = FunctionBuilder(), program.layout
    builder.entry.append(f"  %now = alloca [{layout.capacity} x i64], align 8")
    builder.entry.append("  %counter = alloca i64")
    builder.line("store i64 0, ptr %counter")
    given = []
    for i in range(elements):
        at = builder.emit(f"getelementptr i64, ptr %elements, i64 {i}")
        given.append(Reg(builder.emit(f"load i64, ptr {at}")))
    builder.start_block("states")
    builder.line("%index = load i64, ptr %counter")
    builder.line("%some = icmp slt i64 %index, %n")
    builder.end("br i1 %some, label %state, label %end")
    builder.start_block("state")
    builder.line(f"%offset = mul i64 %index, {layout.packed}")
    builder.line("%source = getelementptr i64, ptr %words, i64 %offset")
    builder.line("call void @unpack(ptr %source, ptr %now)")
    function = program.translate(rule, [RecordAt("%now"), *given], reading=True)  # type: ignore[arg-type]
    inside = "".join(f", i64 {element}" for element in given)
    value = builder.emit(f"call i64 {function.name}(ptr %buffer, ptr %now{inside})")
    if function.faults:
        failed = builder.emit(f"icmp eq i64 {value}, {FAULT}")
        builder.end(f"br i1 {failed}, label %bad, label %good")
        builder.start_block("bad")
        builder.end("ret i64 %index")
        builder.start_block("good")
    answer = builder.emit(f"zext i1 {builder.emit(f'icmp ne i64 {value}, 0')} to i8")
    at = builder.emit("getelementptr i8, ptr %answers, i64 %index")
    builder.line(f"store i8 {answer}, ptr {at}")
    builder.line("%following = add i64 %index, 1")
    builder.line("store i64 %following, ptr %counter")
    builder.jump("states")
    builder.start_block("end")
    builder.end("ret i64 -1")
    return builder.text(
        f"define i64 @{name}(ptr %buffer, ptr noalias %words, i64 %n, ptr noalias %elements,"
        " ptr noalias %answers) nounwind"
    )
