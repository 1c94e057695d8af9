"""The reachable graph of a small instance, with the transitions that each step fires."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from slotspec.oracle.fuzzing.coverage import Transition
from slotspec.statemachine.declaration.lifecycle import Event
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.stepping import Interpreter


@dataclass(frozen=True)
class Edge:
    """One step: `call` leads to state number `target`."""

    call: Call
    target: int
    fired: frozenset[Transition]


@dataclass
class Graph:
    """States are numbers in breadth-first order; 0 is the initial one.

    :param complete: whether all reachable states are in it; if not, the limit was reached.
    """

    instance: Instance
    edges: list[list[Edge]] = field(default_factory=list)
    complete: bool = True

    @property
    def states(self) -> int:
        return len(self.edges)


PATIENCE = 500
"""A search for transitions expands at least so many states before it gives up."""


def reachable(instance: Instance, most: int, wanted: frozenset[Hashable] | None = None) -> Graph:
    """The graph of `instance`, or of its first `most` states.

    :param wanted: end once each of these transitions is in the graph, or no further one has
        turned up for long: the search has come four times as far as the last of them.
    """
    interpreter = Interpreter(instance)
    functions = {a.name: instance.rule(a.function) for a in instance.actions}
    numbers = {interpreter.key: 0}
    order = [interpreter.key]
    graph = Graph(instance)
    names: dict[tuple[Event, int], Transition] = {
        (move.event, int(move.source)): (lifecycle.__name__, move.source.name, move.event.name)
        for lifecycle in instance.lifecycles.values()
        for move in lifecycle.transitions
    }
    latest = 0
    for place, key in enumerate(order):
        if wanted is not None and (not wanted or place > max(PATIENCE, 4 * latest)):
            graph.complete = False
            break
        interpreter.load(key)
        edges: list[Edge] = []
        for call in instance.calls:
            outcome = functions[call.action.name](interpreter.s, *call.arguments)
            if outcome == DISABLED:
                interpreter.undo()
                continue
            successor = interpreter.finish(call, outcome)
            fired = frozenset(names[firing] for firing in interpreter.fired)
            if wanted and fired & wanted:
                wanted, latest = wanted - fired, place
            number = numbers.get(successor)
            if number is None and len(order) < most:
                number = numbers[successor] = len(order)
                order.append(successor)
            if number is None:
                graph.complete = False
            else:
                edges.append(Edge(call, number, fired))
            interpreter.undo()
        graph.edges.append(edges)
    graph.edges += [[] for _ in order[len(graph.edges) :]]
    return graph
