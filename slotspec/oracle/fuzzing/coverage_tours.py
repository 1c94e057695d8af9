"""Few and short sequences that cover a model: transitions, states, or pairs of operations.

The tour is greedy: it takes the shortest path to a goal that is not covered yet, and starts a
new sequence if that path would be too long. At the end it drops the sequences whose goals others
also cover. To find the smallest set is NP-hard; this one is small.
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
"""Default for the most states of each instance to explore."""
LENGTH = 30
"""Default for the longest sequence; a goal may need a longer one."""

Goal = Hashable
Gain = Callable[[str | None, Edge], Iterable[Goal]]


@dataclass
class Tour:
    """Sequences of one instance, each with the goals that it covers."""

    instance: Instance
    paths: list[tuple[tuple[Edge, ...], frozenset[Goal]]]


@dataclass
class Covering:
    """The generated sequences.

    :param goals: number of goals: all declared transitions, or the states or pairs that are
        reachable in the explored graphs.
    :param missing: goals that no sequence covers.
    :param complete: whether every reachable state within the bounds was explored.
    """

    tours: list[Tour]
    goals: int
    missing: list[Goal]
    complete: bool
    states: int


def gain_of(cover: Cover) -> Gain:
    """The goals that a step covers, given the operation before it."""
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
    model: str | None = None,
    states: int = STATES,
    length: int = LENGTH,
) -> Covering:
    """Sequences that cover a model of a generation.

    :param bounds: bounds of the one instance to cover; None: bounds that suit `what`.
    """
    target = fuzz_target(model, generation)
    instances = _instances(target, generation, what, bounds)
    gain = gain_of(what)
    done: set[Goal] = set()
    wanted: set[Goal] = set(declared(target)) if what == "transitions" else set()
    covering = Covering([], 0, [], True, 0)
    for instance in instances:
        missing = frozenset(wanted - done) if what == "transitions" else None
        graph = reachable(instance, states, missing)
        covering.complete = covering.complete and graph.complete
        covering.states += graph.states
        if what == "states":
            wanted |= set(range(graph.states))
            done.add(0)
        elif what == "pairs":
            wanted |= _pairs(graph)
        tour = Tour(instance, _without_redundant(_tour(graph, gain, done, length)))
        covering.tours.append(tour)
    covering.goals = len(wanted)
    covering.missing = sorted(wanted - done, key=str)
    return covering


def _instances(
    target: FuzzTarget, generation: str, what: Cover, bounds: Mapping[str, int] | None
) -> list[Instance]:
    """The instances to cover: one with the given bounds, else some that suit `what`."""
    if bounds is None and what == "states" and target.tiny:
        bounds = target.tiny
    if bounds is not None:
        return [target.instance(bounds, generation)]
    if target.covered:
        return [target.instance(bounds, generation) for bounds in target.covered]
    scopes = [name for name, s in target.load().scopes.items() if not s.simulation_only]
    chosen = scopes[:1] if what == "states" else scopes
    return [target.instance(target.walked, generation, name) for name in chosen]


def _pairs(graph: Graph) -> set[Goal]:
    """Pairs of operations that can directly follow each other in this graph."""
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
    """The shortest path whose last step covers something new; of these the one with the most."""
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


def _without_redundant(
    paths: list[tuple[tuple[Edge, ...], frozenset[Goal]]],
) -> list[tuple[tuple[Edge, ...], frozenset[Goal]]]:
    """Drop sequences whose goals others also cover, the longest first."""
    kept = sorted(paths, key=lambda path: len(path[0]))
    for path in sorted(paths, key=lambda path: -len(path[0])):
        others: set[Goal] = set().union(*(goals for p, goals in kept if p is not path[0]))
        if path[1] <= others:
            kept = [entry for entry in kept if entry[0] is not path[0]]
    return kept
