"""The function that expands a batch of states by every call and checks every property.

Its parameters are pointers and 64-bit numbers::

    rows = expand(buffer, words, n, calls, out_words, out_source, out_call)

`n` stored states begin at `words`. The function checks the ``always`` and ``sometimes``
properties in each of them. With `calls` = 1, it also takes every enabled call. It writes each
successor that differs from its source as stored words, together with the number of its source
in the batch and the number of the call. Findings go into the result buffer `buffer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.packing import (
    DECLARATIONS,
    LARGE,
    pack_text,
    unpack_text,
)
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
    STOP,
)
from slotspec.statemachine.compiler.drivers.predicates import predicate_names, predicates_text
from slotspec.statemachine.compiler.drivers.symmetry import SymmetryText
from slotspec.statemachine.compiler.frontend.early_refusals import early_refusal
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
from slotspec.statemachine.declaration.queues import GAP
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.declaration.source import first_line
from slotspec.statemachine.layout import Place
from slotspec.statemachine.obligations import bind

EXPAND = "expand"

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
    """The whole module of `instance` as text, and the meaning of its numbers.

    :param symmetric: include the functions that canonical forms need.
    :param writer: the driver to write; by default the expansion of batches.
    """
    writer = writer or Expansion
    likely = instance.ranges.effects_read
    program = program_of(instance, effects_read=likely, effects_counted=likely)
    text = writer(program).text()
    if likely and not program.effects_asked:  # only what is never translated reads effects
        program = program_of(instance)
        text = writer(program).text()
    late = program.effects_dropped and program.refused_late
    if not program.effects_read and (program.effects_asked or late):
        # functions translated before one that reads effects neither stored nor cleared them
        program = program_of(instance, effects_read=program.effects_asked, effects_counted=True)
        text = writer(program).text()
    parts = [
        DECLARATIONS if deposit_bits else "",
        OVERFLOWS,
        program.globals(),
        _note_fault(),
        _found(program),
        _records(program.layout.capacity),
        _forget(program),
        pack_text(program.layout, deposit_bits),
        unpack_text(program.layout, deposit_bits),
        program.bodies(),
        text,
        SymmetryText(instance, program.layout).text() if symmetric else "",
    ]
    return program, "\n".join(parts)


def _note_fault() -> str:
    return f"""
define internal void @note_fault(ptr %buffer, i64 %site) cold noinline nounwind {{
  %at = getelementptr i64, ptr %buffer, i64 {SITE}
  store i64 %site, ptr %at
  ret void
}}
"""


def _found(program: Program) -> str:
    """``@found``: record the first finding of a kind, and close that kind."""
    opened = program.result_buffer.opened
    return f"""
define internal void @found(ptr %buffer, i64 %kind, i64 %state, i64 %call) cold noinline nounwind {{
  %cell = add i64 %kind, {opened}
  %open = getelementptr i64, ptr %buffer, i64 %cell
  %is = load i64, ptr %open
  %yes = icmp ne i64 %is, 0
  br i1 %yes, label %note, label %out
note:
  store i64 0, ptr %open
  %countat = getelementptr i64, ptr %buffer, i64 {FOUND}
  %count = load i64, ptr %countat
  %more = add i64 %count, 1
  store i64 %more, ptr %countat
  %row = mul i64 %count, {EVENT_CELLS}
  %first = add i64 %row, {EVENTS}
  %event = getelementptr i64, ptr %buffer, i64 %first
  store i64 %kind, ptr %event
  %baseat = getelementptr i64, ptr %buffer, i64 {BASE}
  %base = load i64, ptr %baseat
  %where = add i64 %base, %state
  %e1 = getelementptr i64, ptr %event, i64 1
  store i64 %where, ptr %e1
  %e2 = getelementptr i64, ptr %event, i64 2
  store i64 %call, ptr %e2
  %siteat = getelementptr i64, ptr %buffer, i64 {SITE}
  %site = load i64, ptr %siteat
  %e3 = getelementptr i64, ptr %event, i64 3
  store i64 %site, ptr %e3
  br label %out
out:
  ret void
}}
"""


def strip(words: int) -> int:
    """How many words of a record of this size to handle at once.

    A wide load waits for all narrow stores into its bytes, which pays only in large records.
    """
    return 8 if words >= LARGE else 1


def _records(words: int) -> str:
    """``@copy`` copies a record from one pointer to another; ``@differ`` compares two.

    They are not inlined: they are called in so many places that they would make up half of the
    code. They call nothing of the C library: cached code is loaded without linking.
    """
    copy, differ = FunctionBuilder(), FunctionBuilder()
    width = strip(words)
    type_, total = f"<{width} x i64>", "zeroinitializer"
    # the last strip may overlap the one before
    for first in [*range(0, words - width, width), words - width]:
        at = {
            name: body.emit(f"getelementptr i64, ptr %{name}, i64 {first}")
            for body, name in ((copy, "from"), (copy, "to"), (differ, "one"), (differ, "two"))
        }
        value = copy.emit(f"load {type_}, ptr {at['from']}, align 8")
        copy.line(f"store {type_} {value}, ptr {at['to']}, align 8")
        one, two = (
            differ.emit(f"load {type_}, ptr {at[name]}, align 8") for name in ("one", "two")
        )
        total = differ.emit(f"or {type_} {total}, {differ.emit(f'xor {type_} {one}, {two}')}")
    copy.end("ret void")
    bits = differ.emit(f"bitcast {type_} {total} to i{64 * width}")
    differ.end(f"ret i1 {differ.emit(f'icmp ne i{64 * width} {bits}, 0')}")
    return copy.text(
        "define internal void @copy(ptr noalias %to, ptr noalias %from) noinline nounwind"
    ) + differ.text("define internal i1 @differ(ptr %one, ptr %two) noinline nounwind")


def _forget(program: Program) -> str:
    """``@forget``: forget what helpers answered about the state before."""
    body = FunctionBuilder()
    for cell in program.remembered.values():
        body.store(FAULT, "%buffer", cell)
    body.end("ret void")
    return body.text("define internal void @forget(ptr %buffer) nounwind")


@dataclass
class Loops:
    """Nested loops under construction.

    :ivar each: for each loop, its counter, its current count, and its test and end blocks.
    :ivar values: the current value of each parameter.
    :ivar linear: the number of the current choice among all.
    :ivar count: how many choices there are.
    """

    each: list[tuple[str, str, str, str]] = field(default_factory=list)
    values: list[Reg] = field(default_factory=list)
    linear: str = "0"
    count: int = 1


class Expansion:
    """Writes ``@expand`` and the predicates for a program.

    :cvar index: the number of the current state, counted from that in the cell ``BASE``.
    """

    index = "%index"

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instance = program.instance
        self.buffer = program.result_buffer
        self.builder = FunctionBuilder()
        self.beside: dict[str, str] = {}

    @classmethod
    def entries(cls, instance: Instance) -> list[str]:
        """The names of the functions that this writes for others to call."""
        return [EXPAND, *predicate_names(instance)]

    def rule(self, function: Any) -> Any:
        return self.instance.rule(function)

    def text(self) -> str:
        builder, layout = self.builder, self.program.layout
        bytes_ = f"[{layout.capacity} x i64]"
        for name in ("%now", "%next"):
            builder.entry.append(f"  {name} = alloca {bytes_}, align 8")
        builder.entry.append("  %enabled = alloca i64")
        builder.entry.append("  %rows = alloca i64")
        builder.entry.append("  %counter = alloca i64")
        builder.line("store i64 0, ptr %rows")
        builder.line("store i64 0, ptr %counter")
        builder.start_block("states")
        builder.line("%index = load i64, ptr %counter")
        builder.line(f"%stop = load volatile i64, ptr {builder.at('%buffer', STOP)}")
        builder.line("%goes = icmp eq i64 %stop, 0")
        builder.line("%last = select i1 %goes, i64 %n, i64 0")
        builder.line("%some = icmp slt i64 %index, %last")
        builder.end("br i1 %some, label %state, label %end")
        builder.start_block("state")
        builder.line(f"%offset = mul i64 %index, {layout.packed}")
        builder.line("%source = getelementptr i64, ptr %words, i64 %offset")
        builder.line("call void @unpack(ptr %source, ptr %now)")
        self.no_effects()
        self.state_properties()
        builder.end("br i1 %expanding, label %calls_of, label %skip")
        builder.start_block("calls_of")
        builder.line("store i64 0, ptr %enabled")
        builder.line("call void @forget(ptr %buffer)")
        self.copy()
        index = 0
        for number, action in enumerate(self.instance.actions):
            index += self.action(number, action, index)
        self.deadlock()
        builder.start_block("skip")
        builder.line("%following = add i64 %index, 1")
        builder.line("store i64 %following, ptr %counter")
        builder.jump("states")
        builder.start_block("end")
        builder.line("%total = load i64, ptr %rows")
        builder.end("ret i64 %total")
        builder.entry.append("  %expanding = icmp ne i64 %calls, 0")
        expand = builder.text(
            f"define i64 @{EXPAND}(ptr %buffer, ptr noalias %words, i64 %n, i64 %calls,"
            " ptr noalias %out_words, ptr noalias %out_source, ptr noalias %out_call) nounwind"
        )
        return "\n".join([*self.beside.values(), expand, predicates_text(self.program)])

    def copy(self) -> None:
        """Reset the state after the call to the current one."""
        self.builder.line("call void @copy(ptr noalias %next, ptr noalias %now)")

    def no_effects(self) -> None:
        if self.program.effects_read or self.program.effects_counted:
            self.builder.store(0, "%buffer", EFFECT_COUNT)

    def bump(self, cell: int) -> None:
        self.builder.increment(self.builder.at("%buffer", cell))

    def note(self, kind: int | str, call: str) -> None:
        place = f"i64 {self.index}, i64 {call}"
        self.builder.line(f"call void @found(ptr %buffer, i64 {kind}, {place})")

    def state_properties(self) -> None:
        """Check the properties in the current state."""
        for prop in self.instance.properties.values():
            if prop.kind in (Kind.ALWAYS, Kind.SOMETIMES):
                self.state_property(prop)

    def state_property(self, prop: Property) -> None:
        if prop.kind is Kind.ALWAYS:
            self.ask(prop, [RecordAt("%now")], "-1")
        else:
            self.seek(prop)

    def ask(self, prop: Property, given: list[Symbol], call: str) -> None:
        """Check a property for its elements in turn, until it fails for one."""
        builder, kind = self.builder, self.buffer.numbers[prop.name]
        look, fine, bad = builder.label("look"), builder.label("fine"), builder.label("found")
        self.if_open(kind, look, fine)
        builder.start_block(look)
        loops = self.open_loops(prop.parameters)
        value = self.value_of(prop, given, loops, kind, fine, call)
        good = builder.label("holds") if loops.each else fine
        builder.end(f"br i1 {builder.emit(f'icmp eq i64 {value}, 0')}, label %{bad}, label %{good}")
        if loops.each:
            builder.start_block(good)
            self.close_loops(loops)
            builder.jump(fine)
        builder.start_block(bad)
        self.note(kind, call)
        builder.start_block(fine)

    def seek(self, prop: Property) -> None:
        """Find the elements without a witness for which the current state satisfies a property."""
        builder, first = self.builder, self.buffer.numbers.get(prop.name)
        if first is None:
            return
        loops = self.open_loops(prop.parameters)
        kind = builder.emit(f"add i64 {loops.linear}, {first}") if loops.each else first
        look, fine, good = builder.label("look"), builder.label("fine"), builder.label("found")
        self.if_open(kind, look, fine)
        builder.start_block(look)
        value = self.value_of(prop, [RecordAt("%now")], loops, kind, fine, "-1")
        builder.end(
            f"br i1 {builder.emit(f'icmp ne i64 {value}, 0')}, label %{good}, label %{fine}"
        )
        builder.start_block(good)
        self.note(kind, "-1")
        builder.start_block(fine)
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
        """The value of a property; a fault is recorded and continues at `fine`."""
        takes = bind(prop, given, loops.values)
        function = self.program.asked(self.rule(prop.function), takes)
        for i, argument in enumerate(takes):
            past = prop.kind is Kind.STEP and argument == RecordAt("%now")
            if past and f"%p{i}" in function.reads:
                raise function.reads[f"%p{i}"]
        inside = "".join(
            f", ptr {a.pointer}" if isinstance(a, RecordAt) else f", i64 {a}" for a in takes
        )
        value = self.builder.emit(f"call i64 {function.name}(ptr %buffer{inside})")
        if function.faults:
            self.fault_of(value, fine, call, kind=kind)
        return value

    def if_open(self, kind: int | str, yes: str, no: str) -> None:
        builder, opened = self.builder, self.buffer.opened
        cell = opened + kind if isinstance(kind, int) else builder.emit(f"add i64 {kind}, {opened}")
        is_open = builder.emit(f"icmp ne i64 {builder.load('%buffer', cell)}, 0")
        builder.end(f"br i1 {is_open}, label %{yes}, label %{no}")

    def fault_of(
        self,
        value: str,
        then: str,
        call: str,
        again: str | None = None,
        kind: int | str | None = None,
    ) -> None:
        """Record a fault and go to `then` if `value` tells that there was one.

        :param again: the block that repeats the step to undo the counts of its firings.
        :param kind: the property that could not be evaluated.
        """
        builder = self.builder
        bad, good = builder.label("fault"), builder.label("good")
        failed = builder.emit(f"icmp eq i64 {value}, {FAULT}")
        builder.end(f"br i1 {failed}, label %{bad}, label %{good}")
        builder.start_block(bad)
        if again is not None:
            self.take_back(again)
        if kind is not None:
            self.note(
                kind, str(BROKEN - 1) if call == "-1" else builder.emit(f"add i64 {call}, {BROKEN}")
            )
        self.note(self.buffer.fault, call)
        builder.jump(then)
        builder.start_block(good)

    def take_back(self, again: str) -> None:
        """Repeat the step with its firings counted down, then continue here."""
        builder = self.builder
        step = builder.load("%buffer", STEP)
        first = builder.emit(f"icmp eq i64 {step}, 1")
        back, noted = builder.label("back"), builder.label("noted")
        builder.end(f"br i1 {first}, label %{back}, label %{noted}")
        builder.start_block(back)
        builder.store(-1, "%buffer", STEP)
        self.copy()
        builder.jump(again)
        builder.start_block(noted)
        builder.store(builder.emit(f"sub i64 0, {step}"), "%buffer", STEP)

    def refused_late(self, rule: Translated, result: str, then: str, again: str) -> None:
        """Go to `then` if an action was refused late, after undoing the counts of its firings."""
        if not rule.refused_late:
            return
        builder = self.builder
        vain, good = builder.label("vain"), builder.label("good")
        refused = builder.emit(f"icmp eq i64 {result}, {IN_VAIN}")
        builder.end(f"br i1 {refused}, label %{vain}, label %{good}")
        builder.start_block(vain)
        self.take_back(again)
        builder.jump(then)
        builder.start_block(good)

    def action(self, number: int, action: Action, index: int) -> int:
        """Write the loops over an action's arguments; returns how many calls it has."""
        loops = self.open_loops(action.parameters, action)
        calls = str(index)
        if loops.each:
            calls = self.builder.emit(f"add i64 {loops.linear}, {index}")
        self.one_call(number, action, calls, loops.values)
        self.close_loops(loops)
        return loops.count

    def open_loops(
        self, parameters: Mapping[str, ParameterDomain], action: Action | None = None
    ) -> Loops:
        """Begin nested loops over the values of each parameter.

        :param action: the action whose calls these are; a loop without a possible call is skipped.
        """
        builder, loops = self.builder, Loops()
        for domain in parameters.values():
            values = list(self.instance.values(domain))
            counter = builder.local()
            builder.line(f"store i64 0, ptr {counter}")
            test, inside, out = builder.label("each"), builder.label("do"), builder.label("done")
            if action is not None:
                self.skip_refused(action, loops.values, out)
            builder.start_block(test)
            at = builder.emit(f"load i64, ptr {counter}")
            more = builder.emit(f"icmp slt i64 {at}, {len(values)}")
            builder.end(f"br i1 {more}, label %{inside}, label %{out}")
            builder.start_block(inside)
            loops.each.append((counter, at, test, out))
            argument = at
            if values != list(range(len(values))):
                table = self.program.table(tuple(values))
                argument = builder.load(table, at)
            loops.values.append(Reg(argument))
            before = builder.emit(f"mul i64 {loops.linear}, {len(values)}")
            loops.linear = builder.emit(f"add i64 {before}, {at}")
            loops.count *= len(values)
        return loops

    def skip_refused(self, action: Action, values: list[Reg], out: str) -> None:
        """Go to `out` if every call of an action with these first arguments is refused."""
        builder = self.builder
        given: list[Symbol] = [RecordAt("%next"), *values]
        refusal = early_refusal(self.program, self.rule(action.function), given)
        if refusal is None:
            return
        inside = "".join(f", i64 {value}" for value in values)
        asked = f"{refusal.name}(ptr %buffer, ptr %now, ptr %next{inside})"
        refused = builder.emit(f"icmp eq i64 {builder.emit(f'call i64 {asked}')}, 1")
        some = builder.label("some")
        builder.end(f"br i1 {refused}, label %{out}, label %{some}")
        builder.start_block(some)

    def close_loops(self, loops: Loops) -> None:
        """Close the loops: continue with the next values, and after the last one behind them."""
        builder = self.builder
        for counter, at, test, out in reversed(loops.each):
            builder.line(f"store i64 {builder.emit(f'add i64 {at}, 1')}, ptr {counter}")
            builder.jump(test)
            builder.start_block(out)

    def one_call(self, number: int, action: Action, call: str, arguments: list[Reg]) -> None:
        """Take a call if it is possible; in the end, `%next` is again as `%now`."""
        builder, program = self.builder, self.program
        settle = self.instance.model.settle
        again = builder.label("take")
        builder.start_block(again)
        self.no_effects()
        state: Symbol = RecordAt("%next")
        rule = program.translate(self.rule(action.function), [state, *arguments], action=True)
        inside = "".join(f", i64 {a}" for a in arguments)
        result = builder.emit(f"call i64 {rule.name}(ptr %buffer, ptr %now, ptr %next{inside})")
        taken, out, recycle = builder.label("taken"), builder.label("out"), builder.label("again")
        refused = builder.emit(f"icmp eq i64 {result}, {DISABLED}")
        builder.end(f"br i1 {refused}, label %{out}, label %{taken}")
        builder.start_block(taken)
        self.refused_late(rule, result, recycle, again)
        self.possible(action)
        if rule.faults:
            self.fault_of(result, recycle, call, again)
        run = [rule]
        if settle is not None:
            tidy = program.one_number(self.rule(settle), [state])
            run.append(tidy)
            value = builder.emit(f"call i64 {tidy.name}(ptr %buffer, ptr %next)")
            if tidy.faults:
                self.fault_of(value, recycle, call, again)
        self.scratch_at_rest(recycle, call, again)
        for sequence in program.loose(run):
            where = first_line(self.rule(action.function))
            self.without_gap(sequence, where, recycle, call, again)
        self.bump(self.buffer.taken + number)
        self.step_properties(action, call, result, arguments)
        self.successor(call)
        builder.start_block(recycle)
        self.copy()
        builder.start_block(out)

    def possible(self, action: Action) -> None:
        """A call of this action is possible."""
        self.builder.line("store i64 1, ptr %enabled")

    def scratch_at_rest(self, then: str, call: str, again: str) -> None:
        layout, builder = self.program.layout, self.builder
        if layout.capacity == layout.words:
            return
        total = "0"
        rest = layout.initial()
        for i in range(layout.words, layout.capacity):
            number = int.from_bytes(rest[8 * i : 8 * i + 8], "little")
            different = builder.emit(f"xor i64 {builder.load('%next', i)}, {number}")
            total = builder.emit(f"or i64 {total}, {different}")
        clean, dirty = builder.label("clean"), builder.label("dirty")
        builder.end(
            f"br i1 {builder.emit(f'icmp eq i64 {total}, 0')}, label %{clean}, label %{dirty}"
        )
        builder.start_block(dirty)
        names = ", ".join(layout.scratch_fields)
        site = self.program.site(
            "STP004", self.instance.model.name, f"a step does not clear scratch fields ({names})"
        )
        builder.line(f"call void @note_fault(ptr %buffer, i64 {site})")
        self.fault_of(str(FAULT), then, call, again)
        builder.jump(then)
        builder.start_block(clean)

    def without_gap(self, sequence: Place, where: str, then: str, call: str, again: str) -> None:
        """Record a fault and go to `then` if an element of a sequence follows a free place.

        :param where: the location of the action.
        """
        builder, free = self.builder, "true"
        gap = "false"
        for i in range(sequence.size):
            at = builder.emit(f"getelementptr i8, ptr %next, i64 {sequence.offset + i}")
            taken = builder.emit(
                f"icmp ne i8 {builder.emit(f'load i8, ptr {at}')}, {sequence.none}"
            )
            if i:
                gap = builder.emit(f"or i1 {gap}, {builder.emit(f'and i1 {free}, {taken}')}")
            free = builder.emit(f"xor i1 {taken}, true")
        whole, broken = builder.label("whole"), builder.label("gap")
        builder.end(f"br i1 {gap}, label %{broken}, label %{whole}")
        builder.start_block(broken)
        site = self.program.site("STP014", where, f"{sequence.name} {GAP}")
        builder.line(f"call void @note_fault(ptr %buffer, i64 {site})")
        self.fault_of(str(FAULT), then, call, again)
        builder.jump(then)
        builder.start_block(whole)

    def step_properties(self, action: Action, call: str, result: str, arguments: list[Reg]) -> None:
        """Check the properties of the step that was taken, in the order of declaration."""
        declared = [p for p in self.instance.properties.values() if p.kind is Kind.STEP]
        states: list[Symbol] = [RecordAt("%now"), RecordAt("%next")]
        for general, group in groupby(declared, lambda prop: prop.on is None):
            some = list(group)
            if general:
                self.builder.line(
                    f"call void {self.shared(some, states)}"
                    f"(ptr %buffer, ptr %now, ptr %next, i64 {self.index}, i64 {call})"
                )
                continue
            for prop in some:
                if prop.on == action.name:
                    self.ask(prop, [*states, Reg(result), *arguments], call)

    def shared(self, declared: list[Property], states: list[Symbol]) -> str:
        """The function that checks the properties of every step; all actions share it."""
        name = f"@steps{self.buffer.numbers[declared[0].name]}"
        if name not in self.beside:
            whole, self.builder = self.builder, FunctionBuilder()
            for prop in declared:
                self.ask(prop, states, "%call")
            self.builder.end("ret void")
            self.beside[name] = self.builder.text(
                f"define internal void {name}(ptr %buffer, ptr %now, ptr %next, i64 %index,"
                " i64 %call) noinline nounwind"
            )
            self.builder = whole
        return name

    def successor(self, call: str) -> None:
        """Write the successor and its call to the next row, if it differs from the state."""
        builder, packed = self.builder, self.program.layout.packed
        row = builder.emit("load i64, ptr %rows")
        at = builder.at("%out_words", builder.emit(f"mul i64 {row}, {packed}"))
        builder.line(f"call void @pack(ptr %next, ptr {at})")
        total = "0"
        for i in range(packed):
            a, b = builder.load(at, i), builder.load("%source", i)
            total = builder.emit(f"or i64 {total}, {builder.emit(f'xor i64 {a}, {b}')}")
        builder.store(builder.emit("trunc i64 %index to i32"), "%out_source", row, "i32")
        builder.store(builder.emit(f"trunc i64 {call} to i32"), "%out_call", row, "i32")
        moved = builder.emit(f"zext i1 {builder.emit(f'icmp ne i64 {total}, 0')} to i64")
        builder.line(f"store i64 {builder.emit(f'add i64 {row}, {moved}')}, ptr %rows")

    def deadlock(self) -> None:
        builder = self.builder
        stuck, fine = builder.label("stuck"), builder.label("alive")
        any_ = builder.emit(f"icmp ne i64 {builder.emit('load i64, ptr %enabled')}, 0")
        builder.end(f"br i1 {any_}, label %{fine}, label %{stuck}")
        builder.start_block(stuck)
        self.no_way_on(fine)
        builder.start_block(fine)

    def no_way_on(self, fine: str) -> None:
        """Note a deadlock, unless the state is final: then go to `fine`."""
        builder = self.builder
        self.no_effects()
        ends = self.is_final(fine)
        if ends is not None:
            bad = builder.label("deadlock")
            builder.end(f"br i1 {ends}, label %{fine}, label %{bad}")
            builder.start_block(bad)
        self.note(self.buffer.deadlock, "-1")

    def is_final(self, then: str) -> str | None:
        """Whether the state is final, None if the model does not say; at a fault, go to `then`."""
        builder, final = self.builder, self.instance.model.final
        if final is None:
            return None
        function = self.program.asked(self.rule(final), [RecordAt("%now")])
        value = builder.emit(f"call i64 {function.name}(ptr %buffer, ptr %now)")
        if function.faults:
            self.fault_of(value, then, "-1")
        return builder.emit(f"icmp ne i64 {value}, 0")
