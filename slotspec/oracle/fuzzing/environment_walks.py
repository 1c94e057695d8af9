"""Random walks of a model's own environment, told as operations of the class.

The environment does what the real surroundings of the class may do, within the small bounds
of a scope: every message that may come, late and repeated ones too, but none that nobody
would send.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

import msgspec

from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peers.protocol import Operation
from slotspec.oracle.traces.export import export
from slotspec.oracle.traces.schema import RESERVED
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.oracle.traces.trace import TraceStep as Recorded
from slotspec.statemachine.declaration.model import Action, Call, Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, TraceStep

TRIES = 40
"""So many calls are tried for one step before every one is."""
_WEIGHTS = (0.1, 0.5, 1.0, 1.0, 3.0)
_SELDOM = (0.0, 0.02, 0.1)
_IDLE = 0.2
"""How often a call is taken that changes nothing: a query, or what comes in vain."""


@lru_cache(maxsize=64)
def surroundings(model: str, generation: str, scope: str) -> Surroundings:
    """The environment of a model at the bounds of a scope, made once."""
    about = fuzz_target(model)
    instance = about.load().instance(about.walked, generation=generation, scope=scope)
    return Surroundings(instance, about.rare)


class Surroundings:
    """An instance, and the walks through it.

    :param rare: actions that seldom come, since little is left after them.
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
        """So many calls from the initial state on, or fewer where none is possible."""
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


def told(finding: Finding) -> tuple[TraceHeader, list[Operation]]:
    """A walk as the header and the operations of a recording."""
    header, steps = recorded(finding)
    return header, [(step.op, step.arguments) for step in steps]


def recorded(finding: Finding) -> tuple[TraceHeader, list[Recorded]]:
    """A walk as a recording, with what the model expects of each step."""
    assert finding.instance is not None
    lines = export(finding.instance, finding)
    header = msgspec.convert(next(lines), TraceHeader)
    return header, [_step(line) for line in lines]


def _step(line: dict[str, Any]) -> Recorded:
    """The step that an exported line says, which needs no second look."""
    said: dict[str, Any] = {name: v for name, v in line.items() if name in RESERVED}
    if "unordered" in said:
        said["unordered"] = tuple((begin, end) for begin, end in said["unordered"])
    said.setdefault("raises", None)
    op = said.pop("op")
    arguments = {name: v for name, v in line.items() if name not in RESERVED}
    return Recorded(op=op, arguments=arguments, **said)
