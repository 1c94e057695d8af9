"""Functions that ask a batch of states both sides of each ``leads to`` property.

Each has the signature, all pointers and 64-bit numbers::

    bad = ask_NUMBER_SIDE(book, words, n, elements, answers)

`n` stored states begin at `words`, the choice of the property's parameters at `elements`; a
byte of `answers` is set to 0 or 1 for each state. `bad` is -1, or the number of the first state
in which the question meets a fault; the notebook `book` says which.
"""

from __future__ import annotations

from collections.abc import Iterator

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.result_buffer import FAULT
from slotspec.statemachine.compiler.frontend.program import Program
from slotspec.statemachine.compiler.frontend.symbols import RecordAt
from slotspec.statemachine.interpreter.liveness import claims


def asking_name(number: int, side: int) -> str:
    """The name of the function for one side of a property; `number` is among the claims."""
    return f"ask_{number}_{side}"


def asking_text(program: Program) -> str:
    """All the functions; nothing where nothing is asked."""
    return "\n".join(_functions(program))


def _functions(program: Program) -> Iterator[str]:
    for number, declared in enumerate(claims(program.instance)):
        for side, rule in enumerate((declared.function, declared.to)):
            assert rule is not None
            yield _function(
                program,
                asking_name(number, side),
                program.instance.rule(rule),
                len(declared.parameters),
            )


def _function(program: Program, name: str, rule: object, elements: int) -> str:
    body, layout = FunctionBuilder(), program.layout
    body.entry.append(f"  %now = alloca [{layout.room} x i64], align 8")
    body.entry.append("  %counter = alloca i64")
    body.line("store i64 0, ptr %counter")
    given = []
    for i in range(elements):
        at = body.op(f"getelementptr i64, ptr %elements, i64 {i}")
        given.append(Reg(body.op(f"load i64, ptr {at}")))
    body.place("states")
    body.line("%index = load i64, ptr %counter")
    body.line("%some = icmp slt i64 %index, %n")
    body.end("br i1 %some, label %state, label %end")
    body.place("state")
    body.line(f"%offset = mul i64 %index, {layout.packed}")
    body.line("%source = getelementptr i64, ptr %words, i64 %offset")
    body.line("call void @unpack(ptr %source, ptr %now)")
    function = program.translate(rule, [RecordAt("%now"), *given], reading=True)  # type: ignore[arg-type]
    inside = "".join(f", i64 {element}" for element in given)
    value = body.op(f"call i64 {function.name}(ptr %book, ptr %now{inside})")
    if function.faults:
        failed = body.op(f"icmp eq i64 {value}, {FAULT}")
        body.end(f"br i1 {failed}, label %bad, label %good")
        body.place("bad")
        body.end("ret i64 %index")
        body.place("good")
    answer = body.op(f"zext i1 {body.op(f'icmp ne i64 {value}, 0')} to i8")
    at = body.op("getelementptr i8, ptr %answers, i64 %index")
    body.line(f"store i8 {answer}, ptr {at}")
    body.line("%following = add i64 %index, 1")
    body.line("store i64 %following, ptr %counter")
    body.jump("states")
    body.place("end")
    body.end("ret i64 -1")
    return body.text(
        f"define i64 @{name}(ptr %book, ptr noalias %words, i64 %n, ptr noalias %elements,"
        " ptr noalias %answers) nounwind"
    )
