"""Few and short sequences that cover a model: transitions, states, or pairs of operations.

A greedy tour: from where the sequence is, take the shortest way to something that is not
covered yet, and begin anew where that would be too long. At the end go the sequences whose
share others cover as well. The smallest set would be a hard problem; this one is small.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from slotspec.oracle.fuzzing.coverage import declared
from slotspec.oracle.fuzzing.graph import Edge, Graph, reachable
from slotspec.oracle.fuzzing.targets import FuzzTarget, fuzz_target
from slotspec.statemachine.declaration.model import Instance

Cover = Literal["transitions", "states", "pairs"]
COVERS: tuple[Cover, ...] = ("transitions", "states", "pairs")

STATES = 4_000
"""So many states of each instance are looked at, unless asked otherwise."""
LENGTH = 30
"""Longest sequence, unless more is needed to get somewhere at all."""

ALL_SIDES: Mapping[str, int] = {
    "task_managers": 1,
    "requests": 2,
    "request_ids": 2,
    "foreign_allocations": 1,
    "profiles": 1,
    "batch_requests": 1,
    "payloads": 1,
    "timers": 4,
    "idle_timeout": 1,
    "batch_timeout": 1,
    "unstarted": 1,
}
"""Bounds that have a little of everything."""
REUSE: Mapping[str, int] = {
    "task_managers": 1,
    "requests": 2,
    "request_ids": 2,
    "foreign_allocations": 2,
    "profiles": 1,
    "reused_ids": 1,
    "leaks": 2,
    "payloads": 1,
}
"""Bounds for what comes of request ids that are used again."""
MISFIT: Mapping[str, int] = {
    "task_managers": 1,
    "requests": 1,
    "request_ids": 1,
    "foreign_allocations": 0,
    "profiles": 2,
}
"""Bounds for slots that do not fit what they were asked for."""

Goal = Hashable
Gain = Callable[[str | None, Edge], Iterable[Goal]]


@dataclass
class Tour:
    """Sequences of one instance, each with the goals that it reaches."""

    instance: Instance
    paths: list[tuple[tuple[Edge, ...], frozenset[Goal]]]


@dataclass
class Covering:
    """What was generated.

    :param goals: how many there are: of those that are declared (transitions), or reachable
        in the graphs that were looked at (states, pairs).
    :param missing: goals that no sequence reaches.
    :param complete: whether every reachable state within the bounds was looked at.
    """

    tours: list[Tour]
    goals: int
    missing: list[Goal]
    complete: bool
    states: int


def gain_of(cover: Cover) -> Gain:
    """What a step contributes, given the operation before it."""
    if cover == "transitions":
        return lambda before, edge: edge.fired
    if cover == "states":
        return lambda before, edge: (edge.target,)
    return lambda before, edge: () if before is None else ((before, edge.call.action.name),)


def cover(
    what: Cover,
    generation: str,
    bounds: Mapping[str, int] | None = None,
    *,
    model: str = "slot_pool",
    states: int = STATES,
    length: int = LENGTH,
) -> Covering:
    """Sequences that cover a model of a generation.

    :param bounds: of the one instance to be covered; None: bounds that suit `what`.
    """
    about = fuzz_target(model)
    instances = _instances(about, generation, what, bounds)
    gain = gain_of(what)
    done: set[Goal] = set()
    wanted: set[Goal] = set(declared(about)) if what == "transitions" else set()
    covering = Covering([], 0, [], True, 0)
    for instance in instances:
        graph = reachable(instance, states)
        covering.complete = covering.complete and graph.complete
        covering.states += graph.states
        if what == "states":
            wanted |= set(range(graph.states))
            done.add(0)
        elif what == "pairs":
            wanted |= _pairs(graph)
        tour = Tour(instance, _without_idle(_tour(graph, gain, done, length)))
        covering.tours.append(tour)
    covering.goals = len(wanted)
    covering.missing = sorted(wanted - done, key=str)
    return covering


def _instances(
    about: FuzzTarget, generation: str, what: Cover, bounds: Mapping[str, int] | None
) -> list[Instance]:
    """What is covered: one instance of bounds that are given, else some that suit `what`."""
    model = about.load()
    if bounds is None and what == "states" and about.tiny:
        bounds = about.tiny
    if bounds is not None:
        return [model.instance(bounds, generation=generation)]
    if about.model == "slot_pool":
        return [model.instance(b, generation=generation) for b in (ALL_SIDES, REUSE, MISFIT)]
    scopes = list(model.scopes)[:1] if what == "states" else model.scopes
    return [model.instance(about.walked, generation=generation, scope=name) for name in scopes]


def _pairs(graph: Graph) -> set[Goal]:
    """Pairs of operations of which one can come right after the other, in this graph."""
    into: list[set[str]] = [set() for _ in graph.edges]
    for edges in graph.edges:
        for edge in edges:
            into[edge.target].add(edge.call.action.name)
    return {
        (before, edge.call.action.name)
        for node, edges in enumerate(graph.edges)
        for edge in edges
        for before in into[node]
    }


def _tour(
    graph: Graph, gain: Gain, done: set[Goal], length: int
) -> list[tuple[tuple[Edge, ...], frozenset[Goal]]]:
    paths: list[tuple[tuple[Edge, ...], frozenset[Goal]]] = []
    while True:
        path: list[Edge] = []
        reached: set[Goal] = set()
        node, before = 0, None
        while True:
            room = length - len(path) if path else None
            way = _nearest(graph, node, before, gain, done, room)
            if way is None:
                break
            for edge in way:
                goals = set(gain(before, edge))
                reached |= goals
                done |= goals
                node, before = edge.target, edge.call.action.name
            path += way
        if not path:
            return paths
        paths.append((tuple(path), frozenset(reached)))


def _nearest(
    graph: Graph,
    node: int,
    before: str | None,
    gain: Gain,
    done: set[Goal],
    room: int | None,
) -> list[Edge] | None:
    """The shortest way on which the last step contributes something; the best of these."""
    start = (node, before)
    came: dict[tuple[int, str | None], tuple[tuple[int, str | None], Edge] | None] = {start: None}
    frontier = deque([(start, 0)])
    best: tuple[int, tuple[int, str | None], Edge] | None = None
    best_depth = -1
    while frontier:
        place, depth = frontier.popleft()
        if (best is not None and depth > best_depth) or (room is not None and depth >= room):
            break
        for edge in graph.edges[place[0]]:
            new = len(set(gain(place[1], edge)) - done)
            if new and (best is None or new > best[0]):
                best, best_depth = (new, place, edge), depth
            following = (edge.target, edge.call.action.name)
            if best is None and following not in came:
                came[following] = (place, edge)
                frontier.append((following, depth + 1))
    if best is None:
        return None
    way, step = [best[2]], came[best[1]]
    while step is not None:
        way.append(step[1])
        step = came[step[0]]
    return way[::-1]


def _without_idle(
    paths: list[tuple[tuple[Edge, ...], frozenset[Goal]]],
) -> list[tuple[tuple[Edge, ...], frozenset[Goal]]]:
    """Leave out sequences whose goals others reach as well, the longest ones first."""
    kept = sorted(paths, key=lambda path: len(path[0]))
    for path in sorted(paths, key=lambda path: -len(path[0])):
        others: set[Goal] = set().union(*(goals for p, goals in kept if p is not path[0]))
        if path[1] <= others:
            kept = [entry for entry in kept if entry[0] is not path[0]]
    return kept
