"""The function that walks through an instance at random, one call after the other.

Its parameters are pointers and 64-bit numbers::

    status = walk(buffer, memory, until, out_calls, registers)

`memory` is the walk's own memory, see :class:`Cells`. The walk ends after `until` steps, or
earlier; calling the function again continues it. It writes the number of each call that changed
the state to `out_calls`, and counts the states that it visits in the `registers` of an estimate
(see :mod:`slotspec.statemachine.interpreter.rng`). A finding goes into the result buffer and ends
the call. :mod:`slotspec.statemachine.interpreter.random_walk` chooses calls in the same way and
explains how.
"""

from __future__ import annotations

from collections.abc import Iterable

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.result_buffer import FOUND, STEP
from slotspec.statemachine.compiler.drivers.expand import Expansion, strip
from slotspec.statemachine.compiler.frontend.symbols import RecordAt, Symbol
from slotspec.statemachine.declaration.model import Action, Instance, Property
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.rng import (
    FOLD,
    GOLDEN,
    LOW,
    MASK,
    MIX_1,
    MIX_2,
    REGISTER_BITS,
    prime_from,
)
from slotspec.statemachine.interpreter.statistics import AT_REST, ENDED, GOES_ON, NOTED

RNG, AT, THRESHOLD, STUTTERS, PREFERRED = range(5)
"""Cells: random state, number of steps, rate of faults (times 2**53), calls that changed
nothing, number of preferred actions."""

CELL_BITS = 64

HELPERS = f"""
declare i64 @llvm.ctlz.i64(i64, i1)
declare i8 @llvm.umax.i8(i8, i8)

define internal i64 @random(ptr %memory) nounwind {{
  %old = load i64, ptr %memory
  %s = add i64 %old, {GOLDEN}
  store i64 %s, ptr %memory
  %a = lshr i64 %s, 30
  %b = xor i64 %s, %a
  %c = mul i64 %b, {MIX_1}
  %d = lshr i64 %c, 27
  %e = xor i64 %c, %d
  %f = mul i64 %e, {MIX_2}
  %g = lshr i64 %f, 31
  %h = xor i64 %f, %g
  ret i64 %h
}}
"""


def count_state(words: int) -> str:
    """``@count_state``: add a state to the estimate of distinct states."""
    builder, h = FunctionBuilder(), "0"
    salts = [GOLDEN * (i + 1) & MASK for i in range(words)]
    for first, width in strips(words):
        type_ = f"<{width} x i64>"

        def constant(numbers: Iterable[int]) -> str:
            return "<" + ", ".join(f"i64 {number}" for number in numbers) + ">"

        at = builder.emit(f"getelementptr i64, ptr %record, i64 {first}")
        x = builder.emit(f"load {type_}, ptr {at}, align 8")
        x = builder.emit(f"xor {type_} {x}, {constant(salts[first : first + width])}")
        x = builder.emit(f"mul {type_} {x}, {constant([MIX_1] * width)}")
        half = builder.emit(f"lshr {type_} {x}, {constant([32] * width)}")
        x = builder.emit(f"xor {type_} {x}, {half}")
        part = builder.emit(f"call i64 @llvm.vector.reduce.add.v{width}i64({type_} {x})")
        h = builder.emit(f"add i64 {h}, {part}")
    h = builder.emit(f"mul i64 {h}, {MIX_2}")
    h = builder.emit(f"xor i64 {h}, {builder.emit(f'lshr i64 {h}, {FOLD}')}")
    register = builder.emit(f"and i64 {h}, {(1 << REGISTER_BITS) - 1}")
    rest = builder.emit(f"lshr i64 {h}, {REGISTER_BITS}")
    zeros = builder.emit(f"call i64 @llvm.ctlz.i64(i64 {rest}, i1 false)")
    rank = builder.emit(f"sub i64 {zeros}, {REGISTER_BITS - 1}")
    rank = builder.emit(f"trunc i64 {rank} to i8")
    place = builder.emit(f"getelementptr i8, ptr %registers, i64 {register}")
    old = builder.emit(f"load i8, ptr {place}")
    best = builder.emit(f"call i8 @llvm.umax.i8(i8 {old}, i8 {rank})")
    builder.line(f"store i8 {best}, ptr {place}")
    builder.end("ret void")
    sums = [
        f"declare i64 @llvm.vector.reduce.add.v{width}i64(<{width} x i64>)"
        for width in sorted({width for _, width in strips(words)})
    ]
    head = "define internal void @count_state(ptr %record, ptr %registers) nounwind"
    return "\n".join([*sums, builder.text(head)])


def changes(words: int) -> str:
    """``@changes``: whether two records differ, and a bit for each word in which they do."""
    builder, some = FunctionBuilder(), "false"
    cells = ["0"] * -(-words // CELL_BITS)
    for first, width in strips(words):
        type_ = f"<{width} x i64>"
        places = [
            builder.emit(f"getelementptr i64, ptr %{at}, i64 {first}") for at in ("one", "two")
        ]
        one, two = (builder.emit(f"load {type_}, ptr {place}, align 8") for place in places)
        bits = builder.emit(f"icmp ne {type_} {one}, {two}")
        bits = builder.emit(f"bitcast <{width} x i1> {bits} to i{width}")
        cell, shift = divmod(first, CELL_BITS)
        bits = builder.emit(f"shl i64 {builder.emit(f'zext i{width} {bits} to i64')}, {shift}")
        cells[cell] = builder.emit(f"or i64 {cells[cell]}, {bits}")
    for number, bits in enumerate(cells):
        at = builder.emit(f"getelementptr i64, ptr %changed, i64 {number}")
        builder.line(f"store i64 {bits}, ptr {at}")
        some = builder.emit(f"or i1 {some}, {builder.emit(f'icmp ne i64 {bits}, 0')}")
    builder.end(f"ret i1 {some}")
    return builder.text(
        "define internal i1 @changes(ptr %one, ptr %two, ptr %changed) noinline nounwind"
    )


def strips(words: int) -> list[tuple[int, int]]:
    """The first word and the width of each strip of a record."""
    return [(first, min(strip(words), words - first)) for first in range(0, words, strip(words))]


class Cells:
    """The layout of a walk's memory, in 64-bit cells.

    :ivar order: the numbers of the actions: the preferred ones, the others, faults.
    :ivar moved: for each action, how many of its calls changed the state.
    :ivar record: the current state, as bytes.
    :ivar changed: one bit for each word of the record that the last step changed.
    """

    def __init__(self, instance: Instance, capacity: int) -> None:
        count = len(instance.actions)
        self.regular = sum(not action.fault for action in instance.actions)
        self.order = 8
        self.moved = self.order + count
        self.record = self.moved + count
        self.changed = self.record + capacity
        self.size = self.changed + -(-capacity // CELL_BITS)


class Walk(Expansion):
    """Writes ``@walk`` for a program."""

    entry = "walk"

    def text(self) -> str:
        builder, layout = self.builder, self.program.layout
        self.cells = Cells(self.instance, layout.capacity)
        self.group, self.groups, self.low, self.left = (builder.local() for _ in range(4))
        builder.entry += [
            f"  %now = getelementptr i64, ptr %memory, i64 {self.cells.record}",
            f"  %next = alloca [{layout.capacity} x i64], align 8",
            "  %enabled = alloca i64",
        ]
        self.copy()
        builder.start_block("head")
        builder.line(f"%index = load i64, ptr {self.cell(AT)}")
        place = self.cell(self.cells.record)
        builder.line(f"call void @count_state(ptr {place}, ptr %registers)")
        self.no_effects()
        self.state_properties()
        self.leave_if_noted()
        builder.line("%more = icmp slt i64 %index, %until")
        builder.end("br i1 %more, label %choose, label %full")
        builder.start_block("full")
        builder.end(f"ret i64 {GOES_ON}")
        self.choose()
        index = 0
        for number, action in enumerate(self.instance.actions):
            index += self.try_action(number, action, index)
        self.stuck()
        walk = builder.text(
            "define i64 @walk(ptr %buffer, ptr %memory, i64 %until, ptr noalias %out_calls,"
            " ptr noalias %registers) nounwind"
        )
        helpers = (HELPERS, count_state(layout.words), changes(layout.words))
        return "\n".join([*helpers, *self.beside.values(), walk])

    def cell(self, index: int | str) -> str:
        """The address of a cell of the walk's memory."""
        return self.builder.emit(f"getelementptr i64, ptr %memory, i64 {index}")

    def random(self) -> str:
        return self.builder.emit("call i64 @random(ptr %memory)")

    def below(self, number: str, count: int | str) -> str:
        """A number below `count`, made from 32 random bits."""
        return self.builder.emit(f"lshr i64 {self.builder.emit(f'mul i64 {number}, {count}')}, 32")

    def leave_if_noted(self) -> None:
        builder = self.builder
        at = builder.emit(f"getelementptr i64, ptr %buffer, i64 {FOUND}")
        some = builder.emit(f"icmp ne i64 {builder.emit(f'load i64, ptr {at}')}, 0")
        noted, on = builder.label("noted"), builder.label("on")
        builder.end(f"br i1 {some}, label %{noted}, label %{on}")
        builder.start_block(noted)
        builder.end(f"ret i64 {NOTED}")
        builder.start_block(on)

    def state_property(self, prop: Property) -> None:
        """Check a property, unless the last step changed nothing that it depends on."""
        builder = self.builder
        takes: list[Symbol] = [RecordAt("%now"), *[Reg("0")] * len(prop.parameters)]
        function = self.program.translate(self.rule(prop.function), takes, reading=True)
        masks: dict[int, int] = {}
        for word in self.program.words_of(function):
            cell, bit = divmod(word, CELL_BITS)
            masks[cell] = masks.get(cell, 0) | 1 << bit
        total = "0"
        for cell, mask in masks.items():
            changed = builder.emit(f"load i64, ptr {self.cell(self.cells.changed + cell)}")
            total = builder.emit(f"or i64 {total}, {builder.emit(f'and i64 {changed}, {mask}')}")
        ask, on = builder.label("ask"), builder.label("on")
        builder.end(f"br i1 {builder.emit(f'icmp ne i64 {total}, 0')}, label %{ask}, label %{on}")
        builder.start_block(ask)
        super().state_property(prop)
        builder.start_block(on)

    # which action

    def choose(self) -> None:
        """Pick actions at random, faults by their rate, until one can be taken."""
        builder, regular = self.builder, self.cells.regular
        builder.start_block("choose")
        builder.line("store i64 0, ptr %enabled")
        builder.line("call void @forget(ptr %buffer)")
        builder.line(f"store i64 3, ptr {self.groups}")
        coin = builder.emit(f"lshr i64 {self.random()}, 11")
        limit = builder.emit(f"load i64, ptr {self.cell(THRESHOLD)}")
        faulty = builder.emit(f"icmp ult i64 {coin}, {limit}")
        builder.line(
            f"store i64 {builder.emit(f'select i1 {faulty}, i64 2, i64 0')}, ptr {self.group}"
        )
        builder.start_block("group")
        group = builder.emit(f"load i64, ptr {self.group}")
        preferred = builder.emit(f"load i64, ptr {self.cell(PREFERRED)}")
        builder.end(
            f"switch i64 {group}, label %faults [ i64 0, label %preferred i64 1, label %others ]"
        )
        for name, low, left in (
            ("preferred", "0", preferred),
            ("others", preferred, builder.name()),
            ("faults", str(regular), str(len(self.instance.actions) - regular)),
        ):
            builder.start_block(name)
            if name == "others":
                builder.line(f"{left} = sub i64 {regular}, {preferred}")
            if name == "faults":
                self.end_if_final()
                # if no fault may be taken, only find out whether one is possible
                step = builder.emit(f"zext i1 {builder.emit(f'icmp ne i64 {limit}, 0')} to i64")
                builder.line(f"store i64 {step}, ptr {self.step_cell()}")
            builder.line(f"store i64 {low}, ptr {self.low}")
            builder.line(f"store i64 {left}, ptr {self.left}")
            builder.jump("pick")
        builder.start_block("pick")
        left = builder.emit(f"load i64, ptr {self.left}")
        builder.end(f"br i1 {builder.emit(f'icmp eq i64 {left}, 0')}, label %other, label %draw")
        builder.start_block("draw")
        low = builder.emit(f"load i64, ptr {self.low}")
        drawn = self.below(builder.emit(f"lshr i64 {self.random()}, 32"), left)
        first = builder.emit(f"add i64 {low}, {self.cells.order}")
        mine = self.cell(builder.emit(f"add i64 {first}, {drawn}"))
        fewer = builder.emit(f"sub i64 {left}, 1")
        last = self.cell(builder.emit(f"add i64 {first}, {fewer}"))
        action = builder.emit(f"load i64, ptr {mine}")
        builder.line(f"store i64 {builder.emit(f'load i64, ptr {last}')}, ptr {mine}")
        builder.line(f"store i64 {action}, ptr {last}")
        builder.line(f"store i64 {fewer}, ptr {self.left}")
        cases = " ".join(
            f"i64 {number}, label %action{number}" for number in range(len(self.instance.actions))
        )
        builder.end(f"switch i64 {action}, label %stuck [ {cases} ]")
        builder.start_block("other")
        groups = builder.emit(f"sub i64 {builder.emit(f'load i64, ptr {self.groups}')}, 1")
        builder.line(f"store i64 {groups}, ptr {self.groups}")
        builder.end(
            f"br i1 {builder.emit(f'icmp eq i64 {groups}, 0')}, label %stuck, label %following"
        )
        builder.start_block("following")
        more = builder.emit(f"add i64 {builder.emit(f'load i64, ptr {self.group}')}, 1")
        over = builder.emit(f"icmp eq i64 {more}, 3")
        builder.line(
            f"store i64 {builder.emit(f'select i1 {over}, i64 0, i64 {more}')}, ptr {self.group}"
        )
        builder.jump("group")

    def end_if_final(self) -> None:
        """End the run if only faults are left and the state is final."""
        builder, final = self.builder, self.instance.model.final
        if final is None:
            return
        last = builder.emit(f"icmp eq i64 {builder.emit(f'load i64, ptr {self.groups}')}, 1")
        ask, end, on = builder.label("ask"), builder.label("end"), builder.label("on")
        builder.end(f"br i1 {last}, label %{ask}, label %{on}")
        builder.start_block(ask)
        self.no_effects()
        function = self.program.translate(self.rule(final), [RecordAt("%now")], reading=True)
        value = builder.emit(f"call i64 {function.name}(ptr %buffer, ptr %now)")
        if function.faults:
            self.fault_of(value, "stuck", "-1")
        builder.end(f"br i1 {builder.emit(f'icmp ne i64 {value}, 0')}, label %{end}, label %{on}")
        builder.start_block(end)
        builder.end(f"ret i64 {ENDED}")
        builder.start_block(on)

    def step_cell(self) -> str:
        return self.builder.emit(f"getelementptr i64, ptr %buffer, i64 {STEP}")

    # which of its calls

    def try_action(self, number: int, action: Action, index: int) -> int:
        """Try an action's calls in a random order; returns how many calls it has."""
        builder = self.builder
        ranges = [list(self.instance.values(d)) for d in action.parameters.values()]
        count = 1
        for values in ranges:
            count *= len(values)
        builder.start_block(f"action{number}")
        if not count:
            builder.jump("pick")
            return 0
        if count == 1:
            self.attempt(number, action, str(index), [Reg(str(v[0])) for v in ranges])
            builder.jump("pick")
            return 1
        prime = prime_from(count)
        drawn = self.random()
        start = self.below(builder.emit(f"lshr i64 {drawn}, 32"), prime)
        low = builder.emit(f"and i64 {drawn}, {LOW}")
        stride = builder.emit(f"add i64 {self.below(low, prime - 1)}, 1")
        tried, which = builder.local(), builder.local()
        builder.line(f"store i64 {prime}, ptr {tried}")
        builder.line(f"store i64 {start}, ptr {which}")
        each, inside, call_ = (builder.label() for _ in range(3))
        builder.start_block(each)
        left = builder.emit(f"load i64, ptr {tried}")
        builder.end(f"br i1 {builder.emit(f'icmp eq i64 {left}, 0')}, label %pick, label %{inside}")
        builder.start_block(inside)
        builder.line(f"store i64 {builder.emit(f'sub i64 {left}, 1')}, ptr {tried}")
        place = builder.emit(f"load i64, ptr {which}")
        moved = builder.emit(f"add i64 {place}, {stride}")
        round_ = builder.emit(f"sub i64 {moved}, {prime}")
        over = builder.emit(f"icmp sge i64 {round_}, 0")
        builder.line(
            f"store i64 {builder.emit(f'select i1 {over}, i64 {round_}, i64 {moved}')}, ptr {which}"
        )
        builder.end(
            f"br i1 {builder.emit(f'icmp slt i64 {place}, {count}')}, label %{call_}, label %{each}"
        )
        builder.start_block(call_)
        arguments: list[Reg] = []
        rest = place
        for values in reversed(ranges):
            at = builder.emit(f"urem i64 {rest}, {len(values)}")
            rest = builder.emit(f"udiv i64 {rest}, {len(values)}")
            if values != list(range(len(values))):
                table = self.program.table(tuple(values))
                at = builder.emit(
                    f"load i64, ptr {builder.emit(f'getelementptr i64, ptr {table}, i64 {at}')}"
                )
            arguments.insert(0, Reg(at))
        self.attempt(number, action, builder.emit(f"add i64 {place}, {index}"), arguments)
        builder.jump(each)
        return count

    def attempt(self, number: int, action: Action, call: str, arguments: list[Reg]) -> None:
        """Take a call if it is possible; if it changes the state, go on from there."""
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
        builder.line("store i64 1, ptr %enabled")
        if action.fault:
            limit = builder.emit(f"load i64, ptr {self.cell(THRESHOLD)}")
            really = builder.label("really")
            builder.end(
                f"br i1 {builder.emit(f'icmp eq i64 {limit}, 0')}, label %stuck, label %{really}"
            )
            builder.start_block(really)
        if rule.faults:
            self.fault_of(result, recycle, call, again)
        if settle is not None:
            tidy = program.translate(self.rule(settle), [state])
            value = builder.emit(f"call i64 {tidy.name}(ptr %buffer, ptr %next)")
            if tidy.faults:
                self.fault_of(value, recycle, call, again)
        self.scratch_at_rest(recycle, call, again)
        self.bump(self.buffer.taken + number)
        self.step_properties(action, call, result, arguments)
        move, stay = builder.label("move"), builder.label("stay")
        bits = self.cell(self.cells.changed)
        changed = builder.emit(f"call i1 @changes(ptr %now, ptr %next, ptr {bits})")
        builder.end(f"br i1 {changed}, label %{move}, label %{stay}")
        builder.start_block(move)
        builder.increment(self.cell(self.cells.moved + number))
        at = builder.emit("getelementptr i32, ptr %out_calls, i64 %index")
        builder.line(f"store i32 {builder.emit(f'trunc i64 {call} to i32')}, ptr {at}")
        builder.line(f"store i64 {builder.emit('add i64 %index, 1')}, ptr {self.cell(AT)}")
        builder.line("call void @copy(ptr noalias %now, ptr noalias %next)")
        builder.jump("head")
        builder.start_block(stay)
        builder.increment(self.cell(STUTTERS))
        builder.start_block(recycle)
        self.copy()
        self.leave_if_noted()
        builder.start_block(out)

    def stuck(self) -> None:
        """No call changed the state: the walk is at rest, at an end, or in a deadlock."""
        builder = self.builder
        builder.start_block("stuck")
        builder.line(f"store i64 1, ptr {self.step_cell()}")
        self.deadlock()
        self.leave_if_noted()
        enabled = builder.emit("load i64, ptr %enabled")
        rest = builder.emit(f"icmp ne i64 {enabled}, 0")
        builder.end(f"ret i64 {builder.emit(f'select i1 {rest}, i64 {AT_REST}, i64 {ENDED}')}")
