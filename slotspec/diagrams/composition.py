"""Which operation fires which events of which machines: found by running the model.

Random walks through every scope, each step a random action with random arguments, half of
them from states in which something new was seen. Walks reach deep states sooner than a
search level by level; what they do not reach is not told, and the diagrams say how far they
went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from slotspec.diagrams.description import Cell, Charts, Grid, Link, Web
from slotspec.diagrams.lifecycles import Key, chart, lifecycles_of
from slotspec.statemachine.declaration.model import Call, Instance, Model
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import TraceStep

WALKS = 300
STEPS = 200
"""Walks through all scopes together, and steps of each."""


class Dice:
    """Numbers without a pattern that are the same on every machine and version of Python."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def order(self, count: int) -> Iterator[int]:
        """The numbers below `count` in an arbitrary order."""
        left = list(range(count))
        while left:
            at = self.below(len(left))
            left[at], left[-1] = left[-1], left[at]
            yield left.pop()


@dataclass
class Observed:
    """What was seen of the steps of one model.

    :ivar by: transition -> actions whose steps fired it.
    :ivar with_: transition -> effects that every step that fired it has emitted.
    :ivar tells: action -> effects that its steps have emitted.
    """

    model: Model
    generation: str | None
    steps: int = 0
    by: dict[Key, set[str]] = field(default_factory=dict)
    with_: dict[Key, set[str]] = field(default_factory=dict)
    tells: dict[str, set[str]] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return " ".join(part for part in (self.model.name, self.generation) if part)

    @property
    def note(self) -> str:
        """How far the walks went."""
        declared = sum(len(lifecycle.transitions) for lifecycle in lifecycles_of(self.model))
        return (
            f"Seen in {self.steps:,} steps of random walks: {len(self.by)} of {declared}"
            " declared transitions."
        )


def observe(
    model: Model,
    generation: str | None = None,
    *,
    walks: int = WALKS,
    steps: int = STEPS,
    instances: Sequence[Instance] | None = None,
    also: Callable[[TraceStep], None] | None = None,
) -> Observed:
    """Walk through every scope of `model`, or through `instances`, and note what happens.

    Scopes that are too large for a search are left out.

    :param walks: number of walks; the scopes share them.
    :param also: is told each step.
    """
    scopes = [scope.name for scope in model.scopes.values() if not scope.simulation_only]
    chosen = instances or [model.instance(generation=generation, scope=s) for s in scopes]
    seen = Observed(model, chosen[0].generation)
    for number, instance in enumerate(chosen):
        seen.actions += [a.name for a in instance.actions if a.name not in seen.actions]
        interpreter = Interpreter(instance)
        initial = interpreter.key
        fruitful = [initial]
        calls: dict[str, list[Call]] = {}
        for call in instance.calls:
            calls.setdefault(call.action.name, []).append(call)
        dice = Dice(number + 1)
        for _ in range(max(1, walks // len(chosen))):
            interpreter.load(fruitful[dice.below(len(fruitful))])
            for _ in range(steps):
                before = interpreter.snapshot() if also else {}
                taken = _step(interpreter, dice, calls)
                if taken is None:
                    break
                if also:
                    also(TraceStep(taken, 0, (), before, interpreter.snapshot()))
                if _note(seen, interpreter, taken):
                    fruitful += [initial, interpreter.key]
    order = [action for action in model.actions if action in seen.actions]
    seen.actions = order
    return seen


def _step(interpreter: Interpreter, dice: Dice, calls: dict[str, list[Call]]) -> Call | None:
    """Take a random step; None where there is none, or it leaves the protocol."""
    names = list(calls)
    for place in dice.order(len(names)):
        of_action = calls[names[place]]
        for number in dice.order(len(of_action)):
            try:
                if interpreter.step(of_action[number]) != DISABLED:
                    return of_action[number]
            except StepError:
                return None
    return None


def _note(seen: Observed, interpreter: Interpreter, call: Call) -> bool:
    """Note what a step did; whether some of it was never seen before."""
    seen.steps += 1
    new = False
    name = call.action.name
    names = seen.model.effects
    told = set() if names is None else {names(effect[0]).name for effect in interpreter.effects}
    # marks between effects, told to nobody
    told = {name for name in told if not name.endswith("ANY_ORDER")}
    known = seen.tells.setdefault(name, set())
    new |= not told <= known
    known |= told
    for event, source in interpreter.fired:
        lifecycle = event.lifecycle
        key = (lifecycle, _state_name(seen.model, lifecycle, source), event.name)
        new |= name not in seen.by.setdefault(key, set())
        seen.by[key].add(name)
        seen.with_[key] = told & seen.with_[key] if key in seen.with_ else set(told)
    return new


def _state_name(model: Model, lifecycle: str, state: int) -> str:
    found = next(one for one in lifecycles_of(model) if one.__name__ == lifecycle)
    return found.states[state].name


def events(seen: Observed, action: str, lifecycle: str) -> tuple[str, ...]:
    """The events of `lifecycle` that `action` was seen to fire, in their order."""
    found = next(one for one in lifecycles_of(seen.model) if one.__name__ == lifecycle)
    fired = {key[2] for key, by in seen.by.items() if key[0] == lifecycle and action in by}
    return tuple(event.name for event in found.events if event.name in fired)


def effects(seen: Observed, action: str) -> tuple[str, ...]:
    """The effects that `action` was seen to emit, in their order."""
    names = seen.model.effects
    told = seen.tells.get(action, set())
    return () if names is None else tuple(e.name.lower() for e in names if e.name in told)


def matrix(seen: Observed) -> Grid:
    """Operations by machines: the events that each fires; last, what it tells."""
    machines = [lifecycle.__name__ for lifecycle in lifecycles_of(seen.model)]
    rows = []
    for action in seen.actions:
        cells = [Cell(e, "first" if e else "") for m in machines for e in [events(seen, action, m)]]
        told = effects(seen, action)
        rows.append((action, (*cells, Cell(told, "second" if told else ""))))
    return Grid(
        f"{seen.title}: which operation fires which events",
        "operation",
        (*machines, "tells"),
        tuple(rows),
        seen.note,
        (("first", "events fired"), ("second", "effects emitted")),
    )


def web(seen: Observed) -> Web:
    """The same as a picture: operations, the machines they move, the effects they emit."""
    machines = [lifecycle.__name__ for lifecycle in lifecycles_of(seen.model)]
    links = []
    told: set[str] = set()
    for action in seen.actions:
        for machine in machines:
            fired = events(seen, action, machine)
            if fired:
                links.append(Link(action, machine, fired))
        for effect in effects(seen, action):
            told.add(effect)
            links.append(Link(action, effect, ()))
    names = seen.model.effects
    order = [] if names is None else [e.name.lower() for e in names if e.name.lower() in told]
    return Web(
        f"{seen.title}: operations, machines, effects",
        tuple(seen.actions),
        tuple(machines),
        tuple(order),
        tuple(links),
        seen.note,
    )


def explained(seen: Observed, lifecycle_names: Sequence[str] = ()) -> Charts:
    """The lifecycles, each transition with the operations that fire it and its effects."""
    by = {key: [a for a in seen.actions if a in found] for key, found in seen.by.items()}
    with_ = {key: sorted(e.lower() for e in found) for key, found in seen.with_.items()}
    charts = tuple(
        chart(lifecycle, by=by, effects=with_)
        for lifecycle in lifecycles_of(seen.model)
        if not lifecycle_names or lifecycle.__name__ in lifecycle_names
    )
    return Charts(seen.title, charts, seen.note)
