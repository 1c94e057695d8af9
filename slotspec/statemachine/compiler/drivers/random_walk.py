"""The function that walks through an instance at random, one call after the other.

Its signature, all pointers and 64-bit numbers::

    status = walk(book, walker, until, out_calls, registers)

`walker` is the walk's own memory, see :class:`Cells`. The walk goes on until it is `until`
steps long or something else ends it; it can be gone on with by calling again. The number of
each call that changed the state is written to `out_calls`, each state that it comes through
is counted in the `registers` of an estimate (see :mod:`slotspec.statemachine.interpreter.rng`). What
is found goes into the notebook `book`, and ends the call. How calls are chosen is said, and
done in the same way, in :mod:`slotspec.statemachine.interpreter.random_walk`.
"""

from __future__ import annotations

from slotspec.statemachine.compiler.backend.function_builder import Reg
from slotspec.statemachine.compiler.backend.result_buffer import FOUND, STEP
from slotspec.statemachine.compiler.drivers.expand import Expansion
from slotspec.statemachine.compiler.frontend.symbols import RecordAt, Symbol
from slotspec.statemachine.declaration.model import Action, Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.rng import (
    FOLD,
    GOLDEN,
    LOW,
    MIX_1,
    MIX_2,
    REGISTER_BITS,
    prime_from,
)
from slotspec.statemachine.interpreter.statistics import AT_REST, ENDED, GOES_ON, NOTED

RNG, AT, THRESHOLD, STUTTERS, PREFERRED = range(5)
"""Cells: state of the random numbers, number of steps, rate of faults (of 2**53), calls that
changed nothing, number of preferred actions."""

HELPERS = f"""
declare i64 @llvm.ctlz.i64(i64, i1)
declare i8 @llvm.umax.i8(i8, i8)

define internal i64 @random(ptr %walker) nounwind {{
  %old = load i64, ptr %walker
  %s = add i64 %old, {GOLDEN}
  store i64 %s, ptr %walker
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


class Cells:
    """Where what lies in a walker's memory, in 64-bit cells.

    :ivar order: the numbers of the actions: the preferred ones, the others, faults.
    :ivar moved: for each action, how many of its calls changed the state.
    :ivar record: the present state, as bytes.
    """

    def __init__(self, instance: Instance, room: int) -> None:
        count = len(instance.actions)
        self.regular = sum(not action.fault for action in instance.actions)
        self.order = 8
        self.moved = self.order + count
        self.record = self.moved + count
        self.size = self.record + room


class Walk(Expansion):
    """Writes ``@walk`` for a program."""

    entry = "walk"

    def text(self) -> str:
        body, layout = self.body, self.program.layout
        self.cells = Cells(self.instance, layout.room)
        self.group, self.groups, self.low, self.left = (body.local() for _ in range(4))
        body.entry += [
            f"  %now = getelementptr i64, ptr %walker, i64 {self.cells.record}",
            f"  %next = alloca [{layout.room} x i64], align 8",
            "  %enabled = alloca i64",
        ]
        self.copy()
        body.place("head")
        body.line(f"%index = load i64, ptr {self.cell(AT)}")
        self.count_state()
        self.no_effects()
        self.state_properties()
        self.leave_if_noted()
        body.line("%more = icmp slt i64 %index, %until")
        body.end("br i1 %more, label %choose, label %full")
        body.place("full")
        body.end(f"ret i64 {GOES_ON}")
        self.choose()
        index = 0
        for number, action in enumerate(self.instance.actions):
            index += self.try_action(number, action, index)
        self.stuck()
        return HELPERS + body.text(
            "define i64 @walk(ptr %book, ptr %walker, i64 %until, ptr noalias %out_calls,"
            " ptr noalias %registers) nounwind"
        )

    def cell(self, index: int | str) -> str:
        """The address of one of the walker's cells."""
        return self.body.op(f"getelementptr i64, ptr %walker, i64 {index}")

    def random(self) -> str:
        return self.body.op("call i64 @random(ptr %walker)")

    def below(self, number: str, count: int | str) -> str:
        """A number under `count`, made of 32 random bits."""
        return self.body.op(f"lshr i64 {self.body.op(f'mul i64 {number}, {count}')}, 32")

    def leave_if_noted(self) -> None:
        body = self.body
        at = body.op(f"getelementptr i64, ptr %book, i64 {FOUND}")
        some = body.op(f"icmp ne i64 {body.op(f'load i64, ptr {at}')}, 0")
        noted, on = body.label("noted"), body.label("on")
        body.end(f"br i1 {some}, label %{noted}, label %{on}")
        body.place(noted)
        body.end(f"ret i64 {NOTED}")
        body.place(on)

    def count_state(self) -> None:
        """Enter the present state into the estimate of how many there were."""
        body = self.body
        h = str(GOLDEN)
        for i in range(self.program.layout.words):
            at = body.op(f"getelementptr i64, ptr %now, i64 {i}")
            h = body.op(f"xor i64 {h}, {body.op(f'load i64, ptr {at}')}")
            h = body.op(f"mul i64 {h}, {MIX_1}")
            h = body.op(f"xor i64 {h}, {body.op(f'lshr i64 {h}, 32')}")
        h = body.op(f"mul i64 {h}, {MIX_2}")
        h = body.op(f"xor i64 {h}, {body.op(f'lshr i64 {h}, {FOLD}')}")
        register = body.op(f"and i64 {h}, {(1 << REGISTER_BITS) - 1}")
        rest = body.op(f"lshr i64 {h}, {REGISTER_BITS}")
        zeros = body.op(f"call i64 @llvm.ctlz.i64(i64 {rest}, i1 false)")
        rank = body.op(f"trunc i64 {body.op(f'sub i64 {zeros}, {REGISTER_BITS - 1}')} to i8")
        place = body.op(f"getelementptr i8, ptr %registers, i64 {register}")
        old = body.op(f"load i8, ptr {place}")
        best = body.op(f"call i8 @llvm.umax.i8(i8 {old}, i8 {rank})")
        body.line(f"store i8 {best}, ptr {place}")

    # which action

    def choose(self) -> None:
        """Pick actions at random, faults by their rate, until one can be taken."""
        body, regular = self.body, self.cells.regular
        body.place("choose")
        body.line("store i64 0, ptr %enabled")
        body.line(f"store i64 3, ptr {self.groups}")
        coin = body.op(f"lshr i64 {self.random()}, 11")
        limit = body.op(f"load i64, ptr {self.cell(THRESHOLD)}")
        faulty = body.op(f"icmp ult i64 {coin}, {limit}")
        body.line(f"store i64 {body.op(f'select i1 {faulty}, i64 2, i64 0')}, ptr {self.group}")
        body.place("group")
        group = body.op(f"load i64, ptr {self.group}")
        preferred = body.op(f"load i64, ptr {self.cell(PREFERRED)}")
        body.end(
            f"switch i64 {group}, label %faults [ i64 0, label %preferred i64 1, label %others ]"
        )
        for name, low, left in (
            ("preferred", "0", preferred),
            ("others", preferred, body.name()),
            ("faults", str(regular), str(len(self.instance.actions) - regular)),
        ):
            body.place(name)
            if name == "others":
                body.line(f"{left} = sub i64 {regular}, {preferred}")
            if name == "faults":
                self.end_if_final()
                # where no fault may be taken it is only asked whether one is possible
                step = body.op(f"zext i1 {body.op(f'icmp ne i64 {limit}, 0')} to i64")
                body.line(f"store i64 {step}, ptr {self.step_cell()}")
            body.line(f"store i64 {low}, ptr {self.low}")
            body.line(f"store i64 {left}, ptr {self.left}")
            body.jump("pick")
        body.place("pick")
        left = body.op(f"load i64, ptr {self.left}")
        body.end(f"br i1 {body.op(f'icmp eq i64 {left}, 0')}, label %other, label %draw")
        body.place("draw")
        low = body.op(f"load i64, ptr {self.low}")
        drawn = self.below(body.op(f"lshr i64 {self.random()}, 32"), left)
        first = body.op(f"add i64 {low}, {self.cells.order}")
        mine = self.cell(body.op(f"add i64 {first}, {drawn}"))
        fewer = body.op(f"sub i64 {left}, 1")
        last = self.cell(body.op(f"add i64 {first}, {fewer}"))
        action = body.op(f"load i64, ptr {mine}")
        body.line(f"store i64 {body.op(f'load i64, ptr {last}')}, ptr {mine}")
        body.line(f"store i64 {action}, ptr {last}")
        body.line(f"store i64 {fewer}, ptr {self.left}")
        cases = " ".join(
            f"i64 {number}, label %action{number}" for number in range(len(self.instance.actions))
        )
        body.end(f"switch i64 {action}, label %stuck [ {cases} ]")
        body.place("other")
        groups = body.op(f"sub i64 {body.op(f'load i64, ptr {self.groups}')}, 1")
        body.line(f"store i64 {groups}, ptr {self.groups}")
        body.end(f"br i1 {body.op(f'icmp eq i64 {groups}, 0')}, label %stuck, label %following")
        body.place("following")
        more = body.op(f"add i64 {body.op(f'load i64, ptr {self.group}')}, 1")
        over = body.op(f"icmp eq i64 {more}, 3")
        body.line(f"store i64 {body.op(f'select i1 {over}, i64 0, i64 {more}')}, ptr {self.group}")
        body.jump("group")

    def end_if_final(self) -> None:
        """End where nothing but faults is left and the state is final."""
        body, final = self.body, self.instance.model.final
        if final is None:
            return
        last = body.op(f"icmp eq i64 {body.op(f'load i64, ptr {self.groups}')}, 1")
        ask, end, on = body.label("ask"), body.label("end"), body.label("on")
        body.end(f"br i1 {last}, label %{ask}, label %{on}")
        body.place(ask)
        self.no_effects()
        function = self.program.translate(self.rule(final), [RecordAt("%now")], reading=True)
        value = body.op(f"call i64 {function.name}(ptr %book, ptr %now)")
        if function.faults:
            self.fault_of(value, "stuck", "-1")
        body.end(f"br i1 {body.op(f'icmp ne i64 {value}, 0')}, label %{end}, label %{on}")
        body.place(end)
        body.end(f"ret i64 {ENDED}")
        body.place(on)

    def step_cell(self) -> str:
        return self.body.op(f"getelementptr i64, ptr %book, i64 {STEP}")

    # which call of it

    def try_action(self, number: int, action: Action, index: int) -> int:
        """Try an action's calls in a random order; how many calls it has."""
        body = self.body
        ranges = [list(self.instance.values(d)) for d in action.parameters.values()]
        count = 1
        for values in ranges:
            count *= len(values)
        body.place(f"action{number}")
        if not count:
            body.jump("pick")
            return 0
        if count == 1:
            self.attempt(number, action, str(index), [Reg(str(v[0])) for v in ranges])
            body.jump("pick")
            return 1
        prime = prime_from(count)
        drawn = self.random()
        start = self.below(body.op(f"lshr i64 {drawn}, 32"), prime)
        low = body.op(f"and i64 {drawn}, {LOW}")
        stride = body.op(f"add i64 {self.below(low, prime - 1)}, 1")
        tried, which = body.local(), body.local()
        body.line(f"store i64 {prime}, ptr {tried}")
        body.line(f"store i64 {start}, ptr {which}")
        each, inside, call_ = (body.label() for _ in range(3))
        body.place(each)
        left = body.op(f"load i64, ptr {tried}")
        body.end(f"br i1 {body.op(f'icmp eq i64 {left}, 0')}, label %pick, label %{inside}")
        body.place(inside)
        body.line(f"store i64 {body.op(f'sub i64 {left}, 1')}, ptr {tried}")
        place = body.op(f"load i64, ptr {which}")
        moved = body.op(f"add i64 {place}, {stride}")
        round_ = body.op(f"sub i64 {moved}, {prime}")
        over = body.op(f"icmp sge i64 {round_}, 0")
        body.line(
            f"store i64 {body.op(f'select i1 {over}, i64 {round_}, i64 {moved}')}, ptr {which}"
        )
        body.end(
            f"br i1 {body.op(f'icmp slt i64 {place}, {count}')}, label %{call_}, label %{each}"
        )
        body.place(call_)
        arguments: list[Reg] = []
        rest = place
        for values in reversed(ranges):
            at = body.op(f"urem i64 {rest}, {len(values)}")
            rest = body.op(f"udiv i64 {rest}, {len(values)}")
            if values != list(range(len(values))):
                table = self.program.table(tuple(values))
                at = body.op(
                    f"load i64, ptr {body.op(f'getelementptr i64, ptr {table}, i64 {at}')}"
                )
            arguments.insert(0, Reg(at))
        self.attempt(number, action, body.op(f"add i64 {place}, {index}"), arguments)
        body.jump(each)
        return count

    def attempt(self, number: int, action: Action, call: str, arguments: list[Reg]) -> None:
        """Take a call if it is possible; go on from where it leads if that is elsewhere."""
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
        body.end(
            f"br i1 {body.op(f'icmp eq i64 {result}, {DISABLED}')}, label %{out}, label %{taken}"
        )
        body.place(taken)
        self.refused_late(rule, result, recycle, again)
        body.line("store i64 1, ptr %enabled")
        if action.fault:
            limit = body.op(f"load i64, ptr {self.cell(THRESHOLD)}")
            really = body.label("really")
            body.end(f"br i1 {body.op(f'icmp eq i64 {limit}, 0')}, label %stuck, label %{really}")
            body.place(really)
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
        move, stay = body.label("move"), body.label("stay")
        body.end(f"br i1 {self.differs()}, label %{move}, label %{stay}")
        body.place(move)
        body.increment(self.cell(self.cells.moved + number))
        at = body.op("getelementptr i32, ptr %out_calls, i64 %index")
        body.line(f"store i32 {body.op(f'trunc i64 {call} to i32')}, ptr {at}")
        body.line(f"store i64 {body.op('add i64 %index, 1')}, ptr {self.cell(AT)}")
        self.move()
        body.jump("head")
        body.place(stay)
        body.increment(self.cell(STUTTERS))
        body.place(recycle)
        self.copy()
        self.leave_if_noted()
        body.place(out)

    def differs(self) -> str:
        """Whether the state after the call is another one."""
        body, total = self.body, "0"
        for i in range(self.program.layout.words):
            a = body.op(f"getelementptr i64, ptr %now, i64 {i}")
            b = body.op(f"getelementptr i64, ptr %next, i64 {i}")
            x = body.op(f"xor i64 {body.op(f'load i64, ptr {a}')}, {body.op(f'load i64, ptr {b}')}")
            total = body.op(f"or i64 {total}, {x}")
        return body.op(f"icmp ne i64 {total}, 0")

    def move(self) -> None:
        """Make the state after the call the present one."""
        for i in range(self.program.layout.words):
            source = self.body.op(f"getelementptr i64, ptr %next, i64 {i}")
            target = self.body.op(f"getelementptr i64, ptr %now, i64 {i}")
            self.body.line(f"store i64 {self.body.op(f'load i64, ptr {source}')}, ptr {target}")

    def stuck(self) -> None:
        """No call led elsewhere: at rest, at an end, or a deadlock."""
        body = self.body
        body.place("stuck")
        body.line(f"store i64 1, ptr {self.step_cell()}")
        self.deadlock()
        self.leave_if_noted()
        enabled = body.op("load i64, ptr %enabled")
        rest = body.op(f"icmp ne i64 {enabled}, 0")
        body.end(f"ret i64 {body.op(f'select i1 {rest}, i64 {AT_REST}, i64 {ENDED}')}")
