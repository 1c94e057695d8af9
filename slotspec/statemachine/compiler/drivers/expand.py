"""The function that takes a batch of states through every call and every property.

Its signature, all pointers and 64-bit numbers::

    rows = expand(book, words, n, calls, out_words, out_source, out_call)

`n` stored states begin at `words`. Each is checked against the ``always`` and ``sometimes``
properties; with `calls` = 1 every enabled call is taken, and each successor that differs
from its source is written as stored words, with the number of its source in the batch and
of the call. What is found goes into the notebook `book`.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.packing import DECLARATIONS, pack_text, unpack_text
from slotspec.statemachine.compiler.drivers.predicates import asking_text
from slotspec.statemachine.compiler.drivers.symmetry import SymmetryText
from slotspec.statemachine.compiler.frontend.symbols import RecordAt, Symbol
from slotspec.statemachine.compiler.program import (
    BASE,
    BROKEN,
    EFFECT_COUNT,
    EVENT_CELLS,
    EVENTS,
    FAULT,
    FOUND,
    SITE,
    STEP,
    Program,
)
from slotspec.statemachine.declaration.model import Action, Instance, Kind, Property
from slotspec.statemachine.declaration.rules import DISABLED


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
    program = Program(instance)
    body = writer(program).text()
    if program.effects_read or (program.effects_dropped and program.refused_late):
        # what was translated before something asked for effects neither kept nor cleared them
        program = Program(instance, program.effects_read, effects_counted=True)
        body = writer(program).text()
    parts = [
        DECLARATIONS if deposit_bits else "",
        program.globals(),
        _note_fault(),
        _found(program),
        _copy(program.layout.room),
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


def _copy(words: int) -> str:
    """``@copy``: the record at one pointer to another, in words."""
    body = FunctionBuilder()
    for i in range(words):
        source = body.op(f"getelementptr i64, ptr %from, i64 {i}")
        target = body.op(f"getelementptr i64, ptr %to, i64 {i}")
        body.line(f"store i64 {body.op(f'load i64, ptr {source}')}, ptr {target}")
    body.end("ret void")
    # what is copied in many places is written once: half of the whole text, if not
    return body.text(
        "define internal void @copy(ptr noalias %to, ptr noalias %from) noinline nounwind"
    )


class Expansion:
    """Writes ``@expand`` for a program."""

    entry = "expand"

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instance = program.instance
        self.book = program.notebook
        self.body = FunctionBuilder()
        self.index = "%index"
        self.beside: dict[str, str] = {}

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
        for kind, prop in enumerate(self.instance.properties.values()):
            if prop.kind in (Kind.ALWAYS, Kind.SOMETIMES):
                self.state_property(kind, prop)
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
        return "\n".join([*self.beside.values(), expand, asking_text(self.program)])

    def copy(self) -> None:
        """Make the state after the call the present one again."""
        self.body.line("call void @copy(ptr noalias %next, ptr noalias %now)")

    def no_effects(self) -> None:
        if self.program.effects_read or self.program.effects_counted:
            at = self.body.op(f"getelementptr i64, ptr %book, i64 {EFFECT_COUNT}")
            self.body.line(f"store i64 0, ptr {at}")

    def bump(self, cell: int) -> None:
        body = self.body
        at = body.op(f"getelementptr i64, ptr %book, i64 {cell}")
        body.increment(at)

    def note(self, kind: int, call: str) -> None:
        self.body.line(f"call void @found(ptr %book, i64 {kind}, i64 %index, i64 {call})")

    def state_property(self, kind: int, prop: Property) -> None:
        body = self.body
        function = self.program.translate(
            self.rule(prop.function), [RecordAt("%now")], reading=True
        )
        look, fine, bad = body.label("look"), body.label("fine"), body.label("found")
        self.if_open(kind, look, fine)
        body.place(look)
        value = body.op(f"call i64 {function.name}(ptr %book, ptr %now)")
        if function.faults:
            self.fault_of(value, fine, "-1", kind=kind)
        as_bool = body.op(f"icmp {'eq' if prop.kind is Kind.ALWAYS else 'ne'} i64 {value}, 0")
        body.end(f"br i1 {as_bool}, label %{bad}, label %{fine}")
        body.place(bad)
        self.note(kind, "-1")
        body.place(fine)

    def if_open(self, kind: int, yes: str, no: str) -> None:
        body = self.body
        at = body.op(f"getelementptr i64, ptr %book, i64 {self.book.opened + kind}")
        is_open = body.op(f"icmp ne i64 {body.op(f'load i64, ptr {at}')}, 0")
        body.end(f"br i1 {is_open}, label %{yes}, label %{no}")

    def fault_of(
        self, value: str, then: str, call: str, again: str | None = None, kind: int | None = None
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
        if kind is not None:
            self.note(
                kind, str(BROKEN - 1) if call == "-1" else body.op(f"add i64 {call}, {BROKEN}")
            )
        self.note(self.book.fault, call)
        body.jump(then)
        body.place(good)

    def action(self, number: int, action: Action, index: int) -> int:
        """Loops over an action's arguments; how many calls it has."""
        body = self.body
        ranges = [list(self.instance.values(d)) for d in action.parameters.values()]
        calls, loops, arguments = str(index), [], []
        for values in ranges:
            counter = body.local()
            body.line(f"store i64 0, ptr {counter}")
            test, inside, out = body.label("each"), body.label("do"), body.label("done")
            body.place(test)
            at = body.op(f"load i64, ptr {counter}")
            more = body.op(f"icmp slt i64 {at}, {len(values)}")
            body.end(f"br i1 {more}, label %{inside}, label %{out}")
            body.place(inside)
            loops.append((counter, at, test, out, len(values)))
            argument = at
            if values != list(range(len(values))):
                table = self.program.table(tuple(values))
                at_table = body.op(f"getelementptr i64, ptr {table}, i64 {at}")
                argument = body.op(f"load i64, ptr {at_table}")
            arguments.append(argument)
        if loops:
            linear = "0"
            for _, at, _, _, size in loops:
                linear = body.op(f"add i64 {body.op(f'mul i64 {linear}, {size}')}, {at}")
            calls = body.op(f"add i64 {linear}, {index}")
        self.one_call(number, action, calls, [Reg(a) for a in arguments])
        count = 1
        for counter, at, test, out, size in reversed(loops):
            body.line(f"store i64 {body.op(f'add i64 {at}, 1')}, ptr {counter}")
            body.jump(test)
            body.place(out)
            count *= size
        return count

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
        """Every property of this step, in the declared order."""
        declared = [
            (kind, prop)
            for kind, prop in enumerate(self.instance.properties.values())
            if prop.kind is Kind.STEP
        ]
        for general, group in groupby(declared, lambda one: one[1].on is None):
            some = list(group)
            if general:
                name = self.shared(some)
                self.body.line(
                    f"call void {name}(ptr %book, ptr %now, ptr %next, i64 %index, i64 {call})"
                )
                continue
            for kind, prop in some:
                if prop.on == action.name:
                    self.step_property(kind, prop, call, result, arguments)

    def shared(self, declared: list[tuple[int, Property]]) -> str:
        """The function that asks properties of every step; actions share it."""
        name = f"@steps{declared[0][0]}"
        if name not in self.beside:
            whole, self.body = self.body, FunctionBuilder()
            for kind, prop in declared:
                self.step_property(kind, prop, "%call", "0", [])
            self.body.end("ret void")
            self.beside[name] = self.body.text(
                f"define internal void {name}(ptr %book, ptr %now, ptr %next, i64 %index,"
                " i64 %call) noinline nounwind"
            )
            self.body = whole
        return name

    def step_property(
        self, kind: int, prop: Property, call: str, result: str, arguments: list[Reg]
    ) -> None:
        body = self.body
        more: list[Symbol] = [Reg(result), *arguments] if prop.on is not None else []
        function = self.program.translate(
            self.rule(prop.function), [RecordAt("%now"), RecordAt("%next"), *more], reading=True
        )
        look, fine, bad = body.label("look"), body.label("fine"), body.label("found")
        self.if_open(kind, look, fine)
        body.place(look)
        inside = "".join(f", i64 {a}" for a in more)
        value = body.op(f"call i64 {function.name}(ptr %book, ptr %now, ptr %next{inside})")
        if function.faults:
            self.fault_of(value, fine, call, kind=kind)
        body.end(f"br i1 {body.op(f'icmp eq i64 {value}, 0')}, label %{bad}, label %{fine}")
        body.place(bad)
        self.note(kind, call)
        body.place(fine)

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
