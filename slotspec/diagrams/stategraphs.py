"""The reachable states of a small instance as a graph, up to symmetry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, permutations, product
from typing import Any

from slotspec.diagrams.description import Move, Point, StateGraph
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import FLAG, Ref
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.errors import StepError, UsageError
from slotspec.statemachine.formatting import TraceFormatter, formatter_of
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.results import Finding, TraceStep

MOST_STATES = 24
"""The default limit; a larger graph fits no screen."""
MOST_RENAMINGS = 720
LABELS = 2
"""Steps named on one edge; the others are counted."""

Key = tuple[Any, ...]


class Canonical:
    """Canonical forms of states under renaming of symmetric sorts, by trying every renaming."""

    def __init__(self, instance: Instance) -> None:
        symmetry = Symmetry(instance)
        if symmetry.order > MOST_RENAMINGS:
            raise UsageError(
                "SET051",
                f"{symmetry.order:,} renamings of symmetric elements are too many to merge states"
                " by; choose smaller bounds with --set, or --no-symmetry",
            )
        self.arrays = {name for name, spec in instance.record.fields.items() if spec.array}
        self.cells = [cell for column in symmetry.columns for cell in column.cells]
        bases = [range(stop - first) for first, stop in pairwise(symmetry.starts)]
        self.renamings = [
            _Renaming(symmetry, [name for order in chosen for name in order])
            for chosen in product(*map(permutations, bases))
        ]

    def key(self, state: Mapping[str, Any]) -> Key:
        """The least of all renamed forms of `state`."""
        values = [state[n][i] if n in self.arrays else state[n] for n, i in self.cells]
        return min(renaming.of(values) for renaming in self.renamings)


class _Renaming:
    """One renaming: where each cell's value goes, and what it becomes there."""

    def __init__(self, symmetry: Symmetry, names: list[int]) -> None:
        self.places: list[int] = []
        self.values: list[list[int] | None] = []
        for column in symmetry.columns:
            start = len(self.places)
            count = len(column.cells)
            over, domain = column.over, column.spec.domain
            for i in range(count):
                self.places.append(
                    start + (i if over is None else symmetry.renamed(over, i, names))
                )
            table: list[int] | None = None
            if isinstance(domain, Ref) and symmetry.moves(domain.sort):
                size = domain.sort.size(symmetry.bounds)
                table = [symmetry.renamed(domain.sort, v, names) for v in range(size)]
            self.values += [table] * count

    def of(self, values: list[int]) -> Key:
        """The renamed form of a state."""
        new = [0] * len(values)
        for place, table, value in zip(self.places, self.values, values, strict=True):
            new[place] = value if table is None or value == NONE else table[value]
        return tuple(new)


def state_graph(
    instance: Instance,
    *,
    most: int = MOST_STATES,
    symmetry: bool = True,
    path: Finding | None = None,
    title: str = "",
) -> StateGraph:
    """The first `most` reachable states in breadth-first order, with the states of `path` marked.

    :param path: a counterexample or witness; the graph has all its states, whatever `most` is.
    :param symmetry: merge states that differ only by names.
    :raises UsageError: ``SET051`` if there are too many names to merge states by.
    """
    interpreter = Interpreter(instance)
    canonical = Canonical(instance) if symmetry else None
    formatter = formatter_of(instance)

    def key_of() -> Key | bytes:
        return interpreter.key if canonical is None else canonical.key(interpreter.snapshot())

    number: dict[Key | bytes, int] = {key_of(): 0}
    concrete = [interpreter.key]
    initial = interpreter.snapshot()
    depths = [0]
    lines: list[tuple[str, ...]] = [("initial state",)]
    moves: dict[tuple[int, int], dict[str, None]] = {}
    left_out = 0

    def enter(key: Key | bytes, depth: int) -> int:
        number[key] = len(concrete)
        concrete.append(interpreter.key)
        depths.append(depth)
        lines.append(tuple(described(formatter, interpreter.snapshot(), initial)))
        return number[key]

    trail = [0]
    for step in path.steps if path else ():
        try:
            interpreter.step(step.call)
        except StepError:
            break
        key = key_of()
        target = number.get(key)
        if target is None:
            target = enter(key, len(trail))
        trail.append(target)
        # the next step starts from this state and not from its representative
    on_path = set(pairwise(trail))

    at = 0
    while at < len(concrete):
        interpreter.load(concrete[at])
        before = interpreter.snapshot()
        for call in instance.calls:
            interpreter.load(concrete[at])
            try:
                if interpreter.step(call) == DISABLED:
                    continue
            except StepError:
                continue
            key = key_of()
            target = number.get(key)
            if target is None:
                if len(concrete) >= most:
                    left_out += 1
                    continue
                target = enter(key, depths[at] + 1)
            if target != at:
                step = TraceStep(call, 0, (), before, interpreter.snapshot())
                moves.setdefault((at, target), {})[formatter.format_step(step)] = None
        at += 1
    note = f"{len(concrete)} states"
    if canonical is not None and len(canonical.renamings) > 1:
        note += f", merged if they differ only by names ({len(canonical.renamings)} renamings)"
    if left_out:
        note += f"; {left_out:,} steps lead to further states, which are not drawn"
    note += "; steps that change nothing are not drawn"
    final = trail[-1] if path is not None else None
    return StateGraph(
        title or instance.title,
        tuple(
            Point(i, lines[i], depths[i], i == 0, i in trail and path is not None, i == final)
            for i in range(len(concrete))
        ),
        tuple(
            Move(source, target, _labels(list(labels)), (source, target) in on_path)
            for (source, target), labels in moves.items()
        ),
        note,
    )


def _labels(labels: list[str]) -> tuple[str, ...]:
    more = len(labels) - LABELS
    return tuple(labels if more <= 1 else [*labels[:LABELS], f"and {more} more"])


def described(
    formatter: TraceFormatter, state: Mapping[str, Any], initial: Mapping[str, Any]
) -> Iterator[str]:
    """What differs from the initial state: messages in flight, lifecycle states, values, queues."""
    carried: frozenset[str] = frozenset()
    if isinstance(formatter, MessageFormatter):
        carried = formatter.carried
        for channel, texts in formatter.in_flight(state):
            if texts:
                yield f"{channel} [{'; '.join(texts)}]"
    for name, spec in formatter.instance.record.fields.items():
        if spec.scratch or name in carried or state[name] == initial[name]:
            continue
        if not spec.array:
            yield _valued(formatter, name, None, state[name])
        elif spec.over is not None and spec.over.ordered and isinstance(spec.domain, Ref):
            named = [formatter.value(spec.domain, v) for v in state[name] if v != NONE]
            yield f"{formatter.place(name, None)} [{', '.join(named)}]"
        else:
            for i, value in enumerate(state[name]):
                if value != initial[name][i]:
                    yield _valued(formatter, name, i if spec.over is not None else None, value)


def _valued(formatter: TraceFormatter, name: str, index: int | None, value: int) -> str:
    domain = formatter.instance.record.fields[name].domain
    place = formatter.place(name, index)
    if domain == FLAG and value:
        return place
    return f"{place}: {formatter.value(domain, value)}"
