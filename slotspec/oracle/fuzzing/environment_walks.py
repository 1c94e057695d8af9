"""Random walks of a model's own environment, as operations of the class.

The environment does what the real callers of the class may do, within the small bounds of a
scope: it sends every message that may arrive, late and repeated ones too, but none that nobody
would send.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

import msgspec

from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.traces.export import export
from slotspec.oracle.traces.schema import RESERVED
from slotspec.oracle.traces.trace import OperationCall, RecordedStep, TraceHeader
from slotspec.statemachine.declaration.model import Action, Call, Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, TraceStep

TRIES = 40
"""Random calls that are tried for one step before all calls are."""
_WEIGHTS = (0.1, 0.5, 1.0, 1.0, 3.0)
_SELDOM = (0.0, 0.02, 0.1)
_IDLE = 0.2
"""How often a call that changes nothing is taken: a query, or a message without effect."""


@lru_cache(maxsize=256)
def environment_of(model: str, generation: str, scope: str) -> Environment:
    """The environment of a model within the bounds of a scope, built once."""
    target = fuzz_target(model)
    instance = target.instance(target.walked, generation, scope)
    instance.properties = {}  # nobody asks for them, so they need not be analysed
    return Environment(instance, target.rare)


class Environment:
    """An instance and the walks through it.

    :param rare: actions that occur seldom, since little can happen after them.
    """

    def __init__(self, instance: Instance, rare: frozenset[str] = frozenset()) -> None:
        self.instance = instance
        self._rare = rare
        self._now = Interpreter(instance)
        self._start = self._now.key
        self._calls: dict[str, list[Call]] = {}
        for call in instance.calls:
            self._calls.setdefault(call.action.name, []).append(call)

    def walk(self, length: int, random: Random) -> Finding:
        """A walk of `length` calls from the initial state; shorter if no call is possible."""
        now = self._now
        now.load(self._start)
        actions = [a for a in self.instance.actions if a.name in self._calls]
        weights = [random.choice(_SELDOM if a.name in self._rare else _WEIGHTS) for a in actions]
        steps: list[TraceStep] = []
        before = now.snapshot()
        while len(steps) < length:
            taken = self._step(actions, weights, random)
            if taken is None:
                break
            call, result = taken
            effects = tuple(tuple(int(v) for v in effect) for effect in now.effects)
            after = now.snapshot()
            steps.append(TraceStep(call, result, effects, before, after))
            now.load(now.key)
            before = after
        return Finding(tuple(steps), None, self.instance)

    def _step(
        self, actions: list[Action], weights: list[float], random: Random
    ) -> tuple[Call, int] | None:
        for _ in range(TRIES):
            action = random.choices(actions, weights)[0]
            call = random.choice(self._calls[action.name])
            before = self._now.key
            result = self._now.step(call)
            idle = self._now.key == before and random.random() >= _IDLE
            if result != DISABLED and not idle:
                return call, result
            self._now.undo()
        everything = list(self.instance.calls)
        random.shuffle(everything)
        for call in everything:
            result = self._now.step(call)
            if result != DISABLED:
                return call, result
            self._now.undo()
        return None


def as_calls(finding: Finding) -> tuple[TraceHeader, list[OperationCall]]:
    """The header and the operations of a walk as a recording."""
    header, steps = recorded(finding)
    return header, [(step.op, step.arguments) for step in steps]


def recorded(finding: Finding) -> tuple[TraceHeader, list[RecordedStep]]:
    """A walk as a recording, with what the model does in each step."""
    assert finding.instance is not None
    lines = export(finding.instance, finding)
    header = msgspec.convert(next(lines), TraceHeader)
    return header, [_step(line) for line in lines]


def _step(line: dict[str, Any]) -> RecordedStep:
    """The step of an exported line, which needs no validation."""
    fields: dict[str, Any] = {name: v for name, v in line.items() if name in RESERVED}
    if "unordered" in fields:
        fields["unordered"] = tuple((begin, end) for begin, end in fields["unordered"])
    fields.setdefault("raises", None)
    op = fields.pop("op")
    arguments = {name: v for name, v in line.items() if name not in RESERVED}
    return RecordedStep(op=op, arguments=arguments, **fields)
