"""The function that takes a batch of states through every call and every property.

Its signature, all pointers and 64-bit numbers::

    rows = expand(book, words, n, calls, out_words, out_source, out_call)

`n` stored states begin at `words`. Each is checked against the ``always`` and ``sometimes``
properties; with `calls` = 1 every enabled call is taken, and each successor that differs
from its source is written as stored words, with the number of its source in the batch and
of the call. What is found goes into the notebook `book`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.packing import DECLARATIONS, pack_text, unpack_text
from slotspec.statemachine.compiler.backend.result_buffer import (
    BASE,
    BROKEN,
    EFFECT_COUNT,
    EVENT_CELLS,
    EVENTS,
    FAULT,
    FOUND,
    IN_VAIN,
    SITE,
    STEP,
)
from slotspec.statemachine.compiler.drivers.predicates import asking_text
from slotspec.statemachine.compiler.drivers.symmetry import SymmetryText
from slotspec.statemachine.compiler.frontend.program import Program, Translated
from slotspec.statemachine.compiler.frontend.statements import program_of
from slotspec.statemachine.compiler.frontend.symbols import RecordAt, Symbol
from slotspec.statemachine.declaration.model import (
    Action,
    Instance,
    Kind,
    ParameterDomain,
    Property,
)
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.obligations import bind

OVERFLOWS = "\n".join(
    f"declare {{i64, i1}} @llvm.{word}.with.overflow.i64(i64, i64)"
    for word in ("sadd", "ssub", "smul")
)


def program_text(
    instance: Instance,
    deposit_bits: bool,
    symmetric: bool = False,
    writer: type[Expansion] | None = None,
) -> tuple[Program, str]:
    """The whole module of `instance` as text, and what its numbers mean.

    :param symmetric: with the functions that canonical forms need.
    :param writer: what writes its function; by default the expansion of batches.
    """
    writer = writer or Expansion
    program = program_of(instance)
    body = writer(program).text()
    if program.effects_read or (program.effects_dropped and program.refused_late):
        # what was translated before something asked for effects neither kept nor cleared them
        program = program_of(instance, effects_read=program.effects_read, effects_counted=True)
        body = writer(program).text()
    parts = [
        DECLARATIONS if deposit_bits else "",
        OVERFLOWS,
        program.globals(),
        _note_fault(),
        _found(program),
        pack_text(program.layout, deposit_bits),
        unpack_text(program.layout, deposit_bits),
        program.bodies(),
        body,
        SymmetryText(instance, program.layout).text() if symmetric else "",
    ]
    return program, "\n".join(parts)


def _note_fault() -> str:
    return f"""
define internal void @note_fault(ptr %book, i64 %site) cold noinline nounwind {{
  %at = getelementptr i64, ptr %book, i64 {SITE}
  store i64 %site, ptr %at
  ret void
}}
"""


def _found(program: Program) -> str:
    """``@found``: note the first finding of its kind, and look for it no longer."""
    opened = program.notebook.opened
    return f"""
define internal void @found(ptr %book, i64 %kind, i64 %state, i64 %call) cold noinline nounwind {{
  %cell = add i64 %kind, {opened}
  %open = getelementptr i64, ptr %book, i64 %cell
  %is = load i64, ptr %open
  %yes = icmp ne i64 %is, 0
  br i1 %yes, label %note, label %out
note:
  store i64 0, ptr %open
  %countat = getelementptr i64, ptr %book, i64 {FOUND}
  %count = load i64, ptr %countat
  %more = add i64 %count, 1
  store i64 %more, ptr %countat
  %row = mul i64 %count, {EVENT_CELLS}
  %first = add i64 %row, {EVENTS}
  %event = getelementptr i64, ptr %book, i64 %first
  store i64 %kind, ptr %event
  %baseat = getelementptr i64, ptr %book, i64 {BASE}
  %base = load i64, ptr %baseat
  %where = add i64 %base, %state
  %e1 = getelementptr i64, ptr %event, i64 1
  store i64 %where, ptr %e1
  %e2 = getelementptr i64, ptr %event, i64 2
  store i64 %call, ptr %e2
  %siteat = getelementptr i64, ptr %book, i64 {SITE}
  %site = load i64, ptr %siteat
  %e3 = getelementptr i64, ptr %event, i64 3
  store i64 %site, ptr %e3
  br label %out
out:
  ret void
}}
"""


@dataclass
class Loops:
    """Loops that are open, one inside of the other.

    :ivar each: of each loop its counter, its present count, and where it tests and ends.
    :ivar values: the present value of each parameter.
    :ivar linear: the number of the present choice among all.
    :ivar count: how many choices there are.
    """

    each: list[tuple[str, str, str, str]] = field(default_factory=list)
    values: list[Reg] = field(default_factory=list)
    linear: str = "0"
    count: int = 1


class Expansion:
    """Writes ``@expand`` for a program."""

    entry = "expand"

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instance = program.instance
        self.book = program.notebook
        self.body = FunctionBuilder()
        self.index = "%index"

    def rule(self, function: Any) -> Any:
        return self.instance.rule(function)

    def text(self) -> str:
        body, layout = self.body, self.program.layout
        bytes_ = f"[{layout.room} x i64]"
        for name in ("%now", "%next"):
            body.entry.append(f"  {name} = alloca {bytes_}, align 8")
        body.entry.append("  %enabled = alloca i64")
        body.entry.append("  %rows = alloca i64")
        body.entry.append("  %counter = alloca i64")
        body.line("store i64 0, ptr %rows")
        body.line("store i64 0, ptr %counter")
        body.place("states")
        body.line("%index = load i64, ptr %counter")
        body.line("%some = icmp slt i64 %index, %n")
        body.end("br i1 %some, label %state, label %end")
        body.place("state")
        body.line(f"%offset = mul i64 %index, {layout.packed}")
        body.line("%source = getelementptr i64, ptr %words, i64 %offset")
        body.line("call void @unpack(ptr %source, ptr %now)")
        self.no_effects()
        self.state_properties()
        body.end("br i1 %expanding, label %calls_of, label %skip")
        body.place("calls_of")
        body.line("store i64 0, ptr %enabled")
        self.copy()
        index = 0
        for number, action in enumerate(self.instance.actions):
            index += self.action(number, action, index)
        self.deadlock()
        body.place("skip")
        body.line("%following = add i64 %index, 1")
        body.line("store i64 %following, ptr %counter")
        body.jump("states")
        body.place("end")
        body.line("%total = load i64, ptr %rows")
        body.end("ret i64 %total")
        body.entry.append("  %expanding = icmp ne i64 %calls, 0")
        expand = body.text(
            "define i64 @expand(ptr %book, ptr noalias %words, i64 %n, i64 %calls,"
            " ptr noalias %out_words, ptr noalias %out_source, ptr noalias %out_call) nounwind"
        )
        return expand + asking_text(self.program)

    def copy(self) -> None:
        size = self.program.layout.room
        for i in range(size):
            source = self.body.op(f"getelementptr i64, ptr %now, i64 {i}")
            target = self.body.op(f"getelementptr i64, ptr %next, i64 {i}")
            self.body.line(f"store i64 {self.body.op(f'load i64, ptr {source}')}, ptr {target}")

    def no_effects(self) -> None:
        if self.program.effects_read or self.program.effects_counted:
            at = self.body.op(f"getelementptr i64, ptr %book, i64 {EFFECT_COUNT}")
            self.body.line(f"store i64 0, ptr {at}")

    def bump(self, cell: int) -> None:
        body = self.body
        at = body.op(f"getelementptr i64, ptr %book, i64 {cell}")
        body.increment(at)

    def note(self, kind: int | str, call: str) -> None:
        self.body.line(f"call void @found(ptr %book, i64 {kind}, i64 %index, i64 {call})")

    def state_properties(self) -> None:
        """Ask the properties of the present state."""
        for prop in self.instance.properties.values():
            if prop.kind is Kind.ALWAYS:
                self.ask(prop, [RecordAt("%now")], "-1")
            elif prop.kind is Kind.SOMETIMES:
                self.seek(prop)

    def ask(self, prop: Property, given: list[Symbol], call: str) -> None:
        """Ask a property of all its elements, until it does not hold of one."""
        body, kind = self.body, self.book.numbers[prop.name]
        look, fine, bad = body.label("look"), body.label("fine"), body.label("found")
        self.if_open(kind, look, fine)
        body.place(look)
        loops = self.open_loops(prop.parameters)
        value = self.value_of(prop, given, loops, kind, fine, call)
        good = body.label("holds") if loops.each else fine
        body.end(f"br i1 {body.op(f'icmp eq i64 {value}, 0')}, label %{bad}, label %{good}")
        if loops.each:
            body.place(good)
            self.close_loops(loops)
            body.jump(fine)
        body.place(bad)
        self.note(kind, call)
        body.place(fine)

    def seek(self, prop: Property) -> None:
        """Ask for which elements that are still sought the present state satisfies a property."""
        body, first = self.body, self.book.numbers.get(prop.name)
        if first is None:
            return
        loops = self.open_loops(prop.parameters)
        kind = body.op(f"add i64 {loops.linear}, {first}") if loops.each else first
        look, fine, good = body.label("look"), body.label("fine"), body.label("found")
        self.if_open(kind, look, fine)
        body.place(look)
        value = self.value_of(prop, [RecordAt("%now")], loops, kind, fine, "-1")
        body.end(f"br i1 {body.op(f'icmp ne i64 {value}, 0')}, label %{good}, label %{fine}")
        body.place(good)
        self.note(kind, "-1")
        body.place(fine)
        self.close_loops(loops)

    def value_of(
        self,
        prop: Property,
        given: list[Symbol],
        loops: Loops,
        kind: int | str,
        fine: str,
        call: str,
    ) -> str:
        """What a property says; a fault is noted and leads to `fine`."""
        takes = bind(prop, given, loops.values)
        function = self.program.translate(self.rule(prop.function), takes, reading=True)
        for i, argument in enumerate(takes):
            past = prop.kind is Kind.STEP and argument == RecordAt("%now")
            if past and f"%p{i}" in function.reads:
                raise function.reads[f"%p{i}"]
        inside = "".join(
            f", ptr {a.pointer}" if isinstance(a, RecordAt) else f", i64 {a}" for a in takes
        )
        value = self.body.op(f"call i64 {function.name}(ptr %book{inside})")
        if function.faults:
            self.fault_of(value, fine, call, kind=kind)
        return value

    def if_open(self, kind: int | str, yes: str, no: str) -> None:
        body, opened = self.body, self.book.opened
        cell = opened + kind if isinstance(kind, int) else body.op(f"add i64 {kind}, {opened}")
        at = body.op(f"getelementptr i64, ptr %book, i64 {cell}")
        is_open = body.op(f"icmp ne i64 {body.op(f'load i64, ptr {at}')}, 0")
        body.end(f"br i1 {is_open}, label %{yes}, label %{no}")

    def fault_of(
        self,
        value: str,
        then: str,
        call: str,
        again: str | None = None,
        kind: int | str | None = None,
    ) -> None:
        """Note a fault and go to `then` if `value` says that there was one.

        :param again: where to take the step again, to take its firings back.
        :param kind: the property that could not be evaluated.
        """
        body = self.body
        bad, good = body.label("fault"), body.label("good")
        failed = body.op(f"icmp eq i64 {value}, {FAULT}")
        body.end(f"br i1 {failed}, label %{bad}, label %{good}")
        body.place(bad)
        if again is not None:
            self.take_back(again)
        if kind is not None:
            self.note(
                kind, str(BROKEN - 1) if call == "-1" else body.op(f"add i64 {call}, {BROKEN}")
            )
        self.note(self.book.fault, call)
        body.jump(then)
        body.place(good)

    def take_back(self, again: str) -> None:
        """Take the step again, with its firings counted down; go on here after that."""
        body = self.body
        at = body.op(f"getelementptr i64, ptr %book, i64 {STEP}")
        first = body.op(f"icmp eq i64 {body.op(f'load i64, ptr {at}')}, 1")
        back, noted = body.label("back"), body.label("noted")
        body.end(f"br i1 {first}, label %{back}, label %{noted}")
        body.place(back)
        body.line(f"store i64 -1, ptr {at}")
        self.copy()
        body.jump(again)
        body.place(noted)
        body.line(f"store i64 1, ptr {at}")

    def refused_late(self, rule: Translated, result: str, then: str, again: str) -> None:
        """Go to `then` if an action was refused late, with its firings taken back."""
        if not rule.refused_late:
            return
        body = self.body
        vain, good = body.label("vain"), body.label("good")
        refused = body.op(f"icmp eq i64 {result}, {IN_VAIN}")
        body.end(f"br i1 {refused}, label %{vain}, label %{good}")
        body.place(vain)
        self.take_back(again)
        body.jump(then)
        body.place(good)

    def action(self, number: int, action: Action, index: int) -> int:
        """Loops over an action's arguments; how many calls it has."""
        loops = self.open_loops(action.parameters)
        calls = str(index)
        if loops.each:
            calls = self.body.op(f"add i64 {loops.linear}, {index}")
        self.one_call(number, action, calls, loops.values)
        self.close_loops(loops)
        return loops.count

    def open_loops(self, parameters: Mapping[str, ParameterDomain]) -> Loops:
        """Begin a loop over the values of each parameter, one inside of the other."""
        body, loops = self.body, Loops()
        for domain in parameters.values():
            values = list(self.instance.values(domain))
            counter = body.local()
            body.line(f"store i64 0, ptr {counter}")
            test, inside, out = body.label("each"), body.label("do"), body.label("done")
            body.place(test)
            at = body.op(f"load i64, ptr {counter}")
            more = body.op(f"icmp slt i64 {at}, {len(values)}")
            body.end(f"br i1 {more}, label %{inside}, label %{out}")
            body.place(inside)
            loops.each.append((counter, at, test, out))
            argument = at
            if values != list(range(len(values))):
                table = self.program.table(tuple(values))
                at_table = body.op(f"getelementptr i64, ptr {table}, i64 {at}")
                argument = body.op(f"load i64, ptr {at_table}")
            loops.values.append(Reg(argument))
            before = body.op(f"mul i64 {loops.linear}, {len(values)}")
            loops.linear = body.op(f"add i64 {before}, {at}")
            loops.count *= len(values)
        return loops

    def close_loops(self, loops: Loops) -> None:
        """Go on with the next values, and behind the loops when there are none."""
        body = self.body
        for counter, at, test, out in reversed(loops.each):
            body.line(f"store i64 {body.op(f'add i64 {at}, 1')}, ptr {counter}")
            body.jump(test)
            body.place(out)

    def one_call(self, number: int, action: Action, call: str, arguments: list[Reg]) -> None:
        body, program = self.body, self.program
        settle = self.instance.model.settle
        again = body.label("take")
        body.place(again)
        self.no_effects()
        state: Symbol = RecordAt("%next")
        rule = program.translate(self.rule(action.function), [state, *arguments], action=True)
        inside = "".join(f", i64 {a}" for a in arguments)
        result = body.op(f"call i64 {rule.name}(ptr %book, ptr %now, ptr %next{inside})")
        taken, out, recycle = body.label("taken"), body.label("out"), body.label("again")
        refused = body.op(f"icmp eq i64 {result}, {DISABLED}")
        body.end(f"br i1 {refused}, label %{out}, label %{taken}")
        body.place(taken)
        self.refused_late(rule, result, recycle, again)
        body.line("store i64 1, ptr %enabled")
        if rule.faults:
            self.fault_of(result, recycle, call, again)
        if settle is not None:
            tidy = program.translate(self.rule(settle), [state])
            value = body.op(f"call i64 {tidy.name}(ptr %book, ptr %next)")
            if tidy.faults:
                self.fault_of(value, recycle, call, again)
        self.scratch_at_rest(recycle, call, again)
        self.bump(self.book.taken + number)
        self.step_properties(action, call, result, arguments)
        self.write_row(call)
        body.place(recycle)
        self.copy()
        body.place(out)

    def scratch_at_rest(self, then: str, call: str, again: str) -> None:
        layout, body = self.program.layout, self.body
        if layout.room == layout.words:
            return
        total = "0"
        rest = layout.initial()
        for i in range(layout.words, layout.room):
            at = body.op(f"getelementptr i64, ptr %next, i64 {i}")
            number = int.from_bytes(rest[8 * i : 8 * i + 8], "little")
            different = body.op(f"xor i64 {body.op(f'load i64, ptr {at}')}, {number}")
            total = body.op(f"or i64 {total}, {different}")
        clean, dirty = body.label("clean"), body.label("dirty")
        body.end(f"br i1 {body.op(f'icmp eq i64 {total}, 0')}, label %{clean}, label %{dirty}")
        body.place(dirty)
        names = ", ".join(layout.scratch_fields)
        site = self.program.site(
            "STP004", self.instance.model.name, f"a step leaves notes in scratch fields ({names})"
        )
        body.line(f"call void @note_fault(ptr %book, i64 {site})")
        self.fault_of(str(FAULT), then, call, again)
        body.jump(then)
        body.place(clean)

    def step_properties(self, action: Action, call: str, result: str, arguments: list[Reg]) -> None:
        """Ask the properties of the step that was taken."""
        states: list[Symbol] = [RecordAt("%now"), RecordAt("%next")]
        for prop in self.instance.properties.values():
            if prop.kind is Kind.STEP and prop.on in (None, action.name):
                more = [Reg(result), *arguments] if prop.on else []
                self.ask(prop, [*states, *more], call)

    def write_row(self, call: str) -> None:
        body, packed = self.body, self.program.layout.packed
        row = body.op("load i64, ptr %rows")
        at = body.op(
            f"getelementptr i64, ptr %out_words, i64 {body.op(f'mul i64 {row}, {packed}')}"
        )
        body.line(f"call void @pack(ptr %next, ptr {at})")
        total = "0"
        for i in range(packed):
            new = body.op(f"getelementptr i64, ptr {at}, i64 {i}")
            old = body.op(f"getelementptr i64, ptr %source, i64 {i}")
            a, b = body.op(f"load i64, ptr {new}"), body.op(f"load i64, ptr {old}")
            total = body.op(f"or i64 {total}, {body.op(f'xor i64 {a}, {b}')}")
        source = body.op(f"getelementptr i32, ptr %out_source, i64 {row}")
        body.line(f"store i32 {body.op('trunc i64 %index to i32')}, ptr {source}")
        number = body.op(f"getelementptr i32, ptr %out_call, i64 {row}")
        narrow = body.op(f"trunc i64 {call} to i32")
        body.line(f"store i32 {narrow}, ptr {number}")
        moved = body.op(f"zext i1 {body.op(f'icmp ne i64 {total}, 0')} to i64")
        body.line(f"store i64 {body.op(f'add i64 {row}, {moved}')}, ptr %rows")

    def deadlock(self) -> None:
        body, final = self.body, self.instance.model.final
        stuck, fine = body.label("stuck"), body.label("alive")
        any_ = body.op(f"icmp ne i64 {body.op('load i64, ptr %enabled')}, 0")
        body.end(f"br i1 {any_}, label %{fine}, label %{stuck}")
        body.place(stuck)
        self.no_effects()
        if final is not None:
            function = self.program.translate(self.rule(final), [RecordAt("%now")], reading=True)
            bad = body.label("deadlock")
            value = body.op(f"call i64 {function.name}(ptr %book, ptr %now)")
            if function.faults:
                self.fault_of(value, fine, "-1")
            body.end(f"br i1 {body.op(f'icmp ne i64 {value}, 0')}, label %{fine}, label %{bad}")
            body.place(bad)
        self.note(self.book.deadlock, "-1")
        body.place(fine)
