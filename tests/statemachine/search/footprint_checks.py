"""Checks what was derived from the rules against what they do: change a cell, and see.

    python -m tests.statemachine.search.footprint_checks [MODEL …]

A call that is said not to use a cell does the same whatever the cell holds, and changes no cell
that it is said not to write. A call that is said to need a value of a cell is refused without it.
A property that is said not to read a cell gives the same answer whatever the cell holds.

Some states that are tried can never be reached, and some rules never end there. Such a call is
interrupted, and not compared.
"""

from __future__ import annotations

import gc
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from slotspec.models import MODELS, load_model
from slotspec.statemachine import Instance
from slotspec.statemachine.declaration.model import Call, Kind
from slotspec.statemachine.declaration.records import Ref
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.obligations import choices, predicate_of
from slotspec.statemachine.search.partial_order.footprints import Footprints
from slotspec.statemachine.search.partial_order.guards import conditions

FAULT, ENDLESS = "fault", "endless"

SECONDS = 0.2
"""Processor time after which a rule counts as one that never ends."""


class _TooLong(BaseException):
    """A rule takes too long. Rules and their callers do not catch it."""


def _interrupt(_: int, frame: FrameType | None) -> None:
    """End a rule."""
    raise _TooLong


@contextmanager
def time_limit() -> Iterator[None]:
    """Interrupt what runs for longer than :data:`SECONDS`.

    No garbage is collected meanwhile. What a signal's handler raises in a finalizer of another
    test's garbage, or in what watches collections, Python would ignore, and say so.

    :raises _TooLong: it did.
    """
    collecting = gc.isenabled()
    gc.disable()
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if collecting:
            gc.enable()


class Checks:
    """The checks of one instance, in states of a random walk."""

    def __init__(self, instance: Instance, seed: int = 1) -> None:
        signal.signal(signal.SIGVTALRM, _interrupt)
        self.instance = instance
        self.random = random.Random(seed)
        self.found = Footprints(instance)
        self.interpreter = Interpreter(instance)
        self.values: list[list[int]] = []
        for spec in instance.record.fields.values():
            if spec.scratch:
                continue
            values = list(range(instance.largest(spec) + 1))
            values += [NONE] if isinstance(spec.domain, Ref) else []
            self.values += [values] * spec.size(instance.setting.bounds)
        assert len(self.values) == self.found.cells.size
        self.asked = 0

    def states(self, count: int) -> list[bytes]:
        """States of random walks, also from states that nothing leads to."""
        interpreter, calls = self.interpreter, self.instance.calls
        start = Interpreter(self.instance).key
        found, key = [start], start
        while len(found) < count:
            step = self.outcome(key, self.random.choice(calls))
            if isinstance(step[1], bytes):
                key = step[1]
                found.append(key)
            if self.random.random() < 0.002:
                key = start
            if self.random.random() < 0.02:
                cell = self.random.randrange(len(self.values))
                key = self.changed(key, cell, self.random.choice(self.values[cell]))
        interpreter.undo()
        return found

    def changed(self, key: bytes, cell: int, value: int) -> bytes:
        return key[: 2 * cell] + value.to_bytes(2, sys.byteorder) + key[2 * cell + 2 :]

    def outcome(self, key: bytes, call: Call) -> tuple[Any, Any]:
        """What a call returns, and the state that it leads to; None if it is refused."""
        interpreter = self.interpreter
        interpreter.load(key)
        try:
            with time_limit():
                result = interpreter.functions[call.action.name](interpreter.s, *call.arguments)
                if result == DISABLED:
                    return DISABLED, None
                end = interpreter.finish(call, result)
                return (int(result), list(interpreter.effects)), end
        except _TooLong:
            return ENDLESS, None
        except Exception:
            return FAULT, None
        finally:
            interpreter.undo()

    def run(self, states: int, calls: int, cells: int) -> None:
        """Check some calls and properties in some states, each with some cells changed."""
        known = {}
        for key in self.states(states):
            for call in self.random.sample(self.instance.calls, min(calls, len(self.found.calls))):
                self.check_call(key, call, cells)
                if call.index not in known:
                    known[call.index] = conditions(self.instance, self.found.cells, call)
                for condition in known[call.index]:
                    for value in self.values[condition.cell]:
                        if value not in condition.allowed:
                            step = self.outcome(self.changed(key, condition.cell, value), call)
                            assert step[0] == DISABLED, (call, condition, value)
                            self.asked += 1
            self.check_properties(key, cells)

    def check_call(self, key: bytes, call: Call, cells: int) -> None:
        footprint = self.found.calls[call.index]
        before = self.outcome(key, call)
        if before[0] == ENDLESS:
            return
        names = self.found.cells.names
        if before[1] is not None:
            for cell in range(len(self.values)):
                same = key[2 * cell : 2 * cell + 2] == before[1][2 * cell : 2 * cell + 2]
                written = footprint.writes >> cell & 1
                assert same or written, f"{call} changes {names(1 << cell)}"
            assert footprint.emits or not before[0][1], f"{call} emits"
        for cell in self.random.sample(range(len(self.values)), min(cells, len(self.values))):
            if footprint.uses >> cell & 1:
                continue
            value = self.random.choice(self.values[cell])
            after = self.outcome(self.changed(key, cell, value), call)
            if before[1] is not None:
                expected = before[0], self.changed(before[1], cell, value)
            else:
                expected = before
            assert after == expected, f"{call} uses {names(1 << cell)}"
            self.asked += 1

    def check_properties(self, key: bytes, cells: int) -> None:
        number = 0
        for declared in self.instance.properties.values():
            if declared.kind not in (Kind.ALWAYS, Kind.SOMETIMES):
                continue
            for elements in choices(self.instance, declared):
                footprint = self.found.observers[number]
                number += 1
                assert not footprint.writes or footprint.uses == self.found.cells.every
                holds = predicate_of(self.instance, declared, elements)
                before = self.answer(key, holds)
                cell = self.random.randrange(len(self.values))
                if not footprint.uses >> cell & 1:
                    value = self.random.choice(self.values[cell])
                    after = self.answer(self.changed(key, cell, value), holds)
                    assert before == after, (declared, self.found.cells.names(1 << cell))
                    self.asked += 1

    def answer(self, key: bytes, holds: Any) -> Any:
        self.interpreter.load(key)
        try:
            with time_limit():
                return bool(holds(self.interpreter.s))
        except _TooLong:
            return ENDLESS
        except Exception:
            return FAULT


if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        for generation in load_model(name).generations or (None,):
            for scope in load_model(name).scopes:
                checks = Checks(load_model(name).instance(generation=generation, scope=scope))
                checks.run(120, 6, 8)
                print(name, generation, scope, checks.asked, flush=True)
