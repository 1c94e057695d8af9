"""Which operation fires which events of which lifecycles, found by running the model.

The model takes random walks through every scope: each step is a random action with random
arguments, and half of the walks start where another saw something new. Walks reach deep
states sooner than a breadth-first search. The diagrams show only what the walks saw, and say
how far they went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from slotspec.diagrams.description import Cell, Charts, Composition, Grid, Link
from slotspec.diagrams.lifecycles import Key, chart, lifecycles_of
from slotspec.statemachine.declaration.model import Call, Instance, Model
from slotspec.statemachine.errors import StepError
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import TraceStep

WALKS = 300
STEPS = 200
"""The number of walks, over all scopes together, and the steps of each."""


class Dice:
    """A random number generator that gives the same numbers on every platform and Python."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def order(self, count: int) -> Iterator[int]:
        """The numbers below `count` in random order."""
        left = list(range(count))
        for more in range(count, 0, -1):
            at = self.below(more)
            yield left[at]
            left[at] = left[more - 1]


@dataclass
class Observed:
    """What the walks through one model saw.

    :ivar by: transition -> actions whose steps fired it.
    :ivar always_with: transition -> effects that every step that fired it emitted.
    :ivar effects: action -> effects that its steps emitted.
    """

    model: Model
    generation: str | None
    steps: int = 0
    by: dict[Key, set[str]] = field(default_factory=dict)
    always_with: dict[Key, set[str]] = field(default_factory=dict)
    effects: dict[str, set[str]] = field(default_factory=dict)
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
    """Walk through every scope of `model`, or through `instances`, and record what happens.

    Scopes that are too large to search are left out.

    :param walks: the number of walks; the scopes share them.
    :param also: called with each step.
    """
    scopes = [scope.name for scope in model.scopes.values() if not scope.simulation_only]
    chosen = instances or [model.instance(generation=generation, scope=s) for s in scopes]
    seen = Observed(model, chosen[0].generation)
    for number, instance in enumerate(chosen):
        seen.actions += [a.name for a in instance.actions if a.name not in seen.actions]
        interpreter = Interpreter(instance)
        initial = interpreter.key
        starts = [initial]
        calls: dict[str, list[Call]] = {}
        for possible in instance.calls:
            calls.setdefault(possible.action.name, []).append(possible)
        dice = Dice(number + 1)
        for _ in range(max(1, walks // len(chosen))):
            interpreter.load(starts[dice.below(len(starts))])
            now = interpreter.snapshot() if also else {}
            for _ in range(steps):
                call = _step(interpreter, dice, calls)
                if call is None:
                    break
                if also:
                    before, now = now, interpreter.snapshot()
                    also(TraceStep(call, 0, (), before, now))
                if _record(seen, interpreter, call):
                    starts += [initial, interpreter.key]
    order = [action for action in model.actions if action in seen.actions]
    seen.actions = order
    return seen


def _step(interpreter: Interpreter, dice: Dice, calls: dict[str, list[Call]]) -> Call | None:
    """Take a random step; None if none is possible, or the step leaves the protocol."""
    names = list(calls)
    for place in dice.order(len(names)):
        of_action = calls[names[place]]
        try:
            call = interpreter.step_by_one(of_action[n] for n in dice.order(len(of_action)))
        except StepError:
            return None
        if call is not None:
            return call
    return None


def _record(seen: Observed, interpreter: Interpreter, call: Call) -> bool:
    """Record what a step did; return whether any of it is new."""
    seen.steps += 1
    new = False
    name = call.action.name
    names = seen.model.effects
    emitted = set() if names is None else {names(effect[0]).name for effect in interpreter.effects}
    # markers between effects that reach nobody
    emitted = {name for name in emitted if not name.endswith("ANY_ORDER")}
    known = seen.effects.setdefault(name, set())
    new |= not emitted <= known
    known |= emitted
    for event, source in interpreter.fired:
        lifecycle = event.lifecycle
        key = (lifecycle, _state_name(seen.model, lifecycle, source), event.name)
        new |= name not in seen.by.setdefault(key, set())
        seen.by[key].add(name)
        seen.always_with[key] = emitted & seen.always_with.get(key, emitted)
    return new


def _state_name(model: Model, lifecycle: str, state: int) -> str:
    found = next(one for one in lifecycles_of(model) if one.__name__ == lifecycle)
    return found.states[state].name


def events(seen: Observed, action: str, lifecycle: str) -> tuple[str, ...]:
    """The events of `lifecycle` that `action` fired, in declaration order."""
    found = next(one for one in lifecycles_of(seen.model) if one.__name__ == lifecycle)
    fired = {key[2] for key, by in seen.by.items() if key[0] == lifecycle and action in by}
    return tuple(event.name for event in found.events if event.name in fired)


def effects(seen: Observed, action: str) -> tuple[str, ...]:
    """The effects that `action` emitted, in declaration order."""
    names = seen.model.effects
    emitted = seen.effects.get(action, set())
    return () if names is None else tuple(e.name.lower() for e in names if e.name in emitted)


def matrix(seen: Observed) -> Grid:
    """A table of operations and lifecycles with the events that each fires, and its effects."""
    machines = [lifecycle.__name__ for lifecycle in lifecycles_of(seen.model)]
    rows = []
    for action in seen.actions:
        cells = [Cell(e, "first" if e else "") for m in machines for e in [events(seen, action, m)]]
        emitted = effects(seen, action)
        rows.append((action, (*cells, Cell(emitted, "second" if emitted else ""))))
    return Grid(
        f"{seen.title}: events that each operation fires",
        "operation",
        (*machines, "effects"),
        tuple(rows),
        seen.note,
        (("first", "events fired"), ("second", "effects emitted")),
    )


def composition(seen: Observed) -> Composition:
    """The same as a graph: operations, the lifecycles they change, the effects they emit."""
    machines = [lifecycle.__name__ for lifecycle in lifecycles_of(seen.model)]
    links = []
    emitted: set[str] = set()
    for action in seen.actions:
        for machine in machines:
            fired = events(seen, action, machine)
            if fired:
                links.append(Link(action, machine, fired))
        for effect in effects(seen, action):
            emitted.add(effect)
            links.append(Link(action, effect, ()))
    names = seen.model.effects
    order = [] if names is None else [e.name.lower() for e in names if e.name.lower() in emitted]
    return Composition(
        f"{seen.title}: operations, lifecycles, effects",
        tuple(seen.actions),
        tuple(machines),
        tuple(order),
        tuple(links),
        seen.note,
    )


def explained(seen: Observed, lifecycle_names: Sequence[str] = ()) -> Charts:
    """The lifecycles; each transition names the operations that fire it and its effects."""
    by = {key: [a for a in seen.actions if a in found] for key, found in seen.by.items()}
    always_with = {key: sorted(e.lower() for e in found) for key, found in seen.always_with.items()}
    charts = tuple(
        chart(lifecycle, by=by, effects=always_with)
        for lifecycle in lifecycles_of(seen.model)
        if not lifecycle_names or lifecycle.__name__ in lifecycle_names
    )
    return Charts(seen.title, charts, seen.note)
