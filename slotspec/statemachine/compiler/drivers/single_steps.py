"""Functions that take single calls and look at single states, for whoever chooses calls.

All parameters are pointers; `now` and `next` are working records, which are equal before::

    call = attempt_NUMBER(buffer, now, next, calls, tries)
    look(buffer, now, changed)
    final = may_end(buffer, now)
    stuck(buffer, now)

There is an `attempt` for each action. At `calls` are the number and the arguments of each of its
calls. It tries them in the order that `tries` tells (see :data:`LEFT`), and checks the properties
of each step. If a call changes the state, to `next`, the attempt ends and returns the number of the
call. It ends with -1 after the last try, and if it finds something. With 0 in the cell ``STEP``,
the attempt of a fault only finds out whether one is possible, and leaves `next` undefined if so.

`look` checks the properties of a state that depend on words with a bit in `changed`. `may_end`
tells whether the state is final, and `stuck` notes a deadlock if it is not. Findings go into the
result buffer, as found in the state with the number in the cell ``BASE``.
"""

from __future__ import annotations

from math import prod

from slotspec.statemachine.compiler.backend.function_builder import FunctionBuilder, Reg
from slotspec.statemachine.compiler.backend.result_buffer import FOUND, STEP
from slotspec.statemachine.compiler.drivers.expand import Expansion
from slotspec.statemachine.compiler.frontend.symbols import RecordAt, Symbol
from slotspec.statemachine.declaration.model import Action, Instance, Property
from slotspec.statemachine.interpreter.rng import prime_from

CELL_BITS = 64

LEFT, PLACE, STRIDE, POSSIBLE, STUTTERS = range(5)
"""Cells of tries: how many are left; which call comes next, and by how much to step to the one
after it, modulo :func:`tries_of`; whether a call was possible (1), which nothing resets; and how
many were possible and changed nothing."""

TRIES = 5

LOOK, MAY_END, STUCK = "look", "may_end", "stuck"


def tries_of(count: int) -> int:
    """How many tries an action with so many calls takes: a prime, so that every stride works."""
    return prime_from(count) if count > 1 else count


def most_arguments(instance: Instance) -> int:
    """The most arguments that a call of this instance has."""
    return max((len(action.parameters) for action in instance.actions), default=0)


def attempt_name(action: int) -> str:
    """The name of the function for the calls of the action with this number."""
    return f"attempt_{action}"


class SingleSteps(Expansion):
    """Writes these functions for a program."""

    index = "0"

    @classmethod
    def entries(cls, instance: Instance) -> list[str]:
        attempts = [attempt_name(number) for number in range(len(instance.actions))]
        return [LOOK, MAY_END, STUCK, *attempts]

    def text(self) -> str:
        attempts = [
            self.attempt(number, action) for number, action in enumerate(self.instance.actions)
        ]
        texts = [self.look(), self.may_end(), self.stuck(), *attempts]
        return "\n".join([*self.beside.values(), *texts])

    def function(self, head: str, result: str) -> str:
        """The function that was just written, and a new one to write."""
        self.builder.end(f"ret {result}")
        written, self.builder = self.builder, FunctionBuilder()
        return written.text(f"define {head} nounwind")

    def look(self) -> str:
        self.no_effects()
        self.state_properties()
        self.builder.line("call void @forget(ptr %buffer)")
        return self.function(f"void @{LOOK}(ptr %buffer, ptr %now, ptr %changed)", "void")

    def state_property(self, prop: Property) -> None:
        """Check a property, unless the last step changed nothing that it depends on."""
        builder = self.builder
        takes: list[Symbol] = [RecordAt("%now"), *[Reg("0")] * len(prop.parameters)]
        function = self.program.asked(self.rule(prop.function), takes)
        masks: dict[int, int] = {}
        for word in self.program.words_of(function):
            cell, bit = divmod(word, CELL_BITS)
            masks[cell] = masks.get(cell, 0) | 1 << bit
        total = "0"
        for cell, mask in masks.items():
            changed = builder.load("%changed", cell)
            total = builder.emit(f"or i64 {total}, {builder.emit(f'and i64 {changed}, {mask}')}")
        ask, on = builder.label("ask"), builder.label("on")
        builder.end(f"br i1 {builder.emit(f'icmp ne i64 {total}, 0')}, label %{ask}, label %{on}")
        builder.start_block(ask)
        super().state_property(prop)
        builder.start_block(on)

    def attempt(self, number: int, action: Action) -> str:
        builder = self.builder
        count = prod(len(self.instance.values(d)) for d in action.parameters.values())
        prime, width = tries_of(count), 1 + most_arguments(self.instance)
        stride = builder.load("%tries", STRIDE)
        builder.start_block("each")
        left = builder.load("%tries", LEFT)
        builder.branch(Reg(left), "inside", "over")
        builder.start_block("inside")
        builder.store(builder.emit(f"sub i64 {left}, 1"), "%tries", LEFT)
        place = builder.load("%tries", PLACE)
        on = builder.emit(f"add i64 {place}, {stride}")
        back = builder.emit(f"sub i64 {on}, {prime}")
        less = builder.emit(f"icmp ult i64 {on}, {prime}")
        following = builder.emit(f"select i1 {less}, i64 {on}, i64 {back}")
        builder.store(following, "%tries", PLACE)
        builder.branch(Reg(builder.emit(f"icmp ult i64 {place}, {count}"), True), "call", "each")
        builder.start_block("call")
        row = builder.at("%calls", builder.emit(f"mul i64 {place}, {width}"))
        call, *arguments = (builder.load(row, i) for i in range(1 + len(action.parameters)))
        self.one_call(number, action, call, [Reg(argument) for argument in arguments])
        builder.start_block("tried")
        builder.branch(Reg(builder.load("%buffer", FOUND)), "over", "each")
        builder.start_block("over")
        head = (
            f"i64 @{attempt_name(number)}(ptr %buffer, ptr %now, ptr %next, ptr %calls, ptr %tries)"
        )
        return self.function(head, "i64 -1")

    def possible(self, action: Action) -> None:
        builder = self.builder
        builder.store(1, "%tries", POSSIBLE)
        if action.fault:
            builder.branch(Reg(builder.load("%buffer", STEP)), "really", "over")
            builder.start_block("really")

    def successor(self, call: str) -> None:
        builder = self.builder
        differ = builder.emit("call i1 @differ(ptr %now, ptr %next)")
        builder.branch(Reg(differ, True), "moved", "same")
        builder.start_block("moved")
        builder.end(f"ret i64 {call}")
        builder.start_block("same")
        builder.increment(builder.at("%tries", STUTTERS))
        builder.jump("tried")  # both records are equal

    def may_end(self) -> str:
        builder = self.builder
        self.no_effects()
        value = self.is_final("no")
        result = "0" if value is None else builder.emit(f"zext i1 {value} to i64")
        builder.end(f"ret i64 {result}")
        builder.start_block("no")
        return self.function(f"i64 @{MAY_END}(ptr %buffer, ptr %now)", "i64 0")

    def stuck(self) -> str:
        self.no_way_on("out")
        self.builder.start_block("out")
        return self.function(f"void @{STUCK}(ptr %buffer, ptr %now)", "void")
