"""The reachable graph of a small instance, with what each step fires."""

from __future__ import annotations

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

    :param complete: whether every state has its edges; if not, the graph was cut off.
    """

    instance: Instance
    edges: list[list[Edge]] = field(default_factory=list)
    complete: bool = True

    @property
    def states(self) -> int:
        return len(self.edges)


def reachable(instance: Instance, most: int) -> Graph:
    """The graph of `instance`, or of its first `most` states."""
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
    for key in order:
        interpreter.load(key)
        edges: list[Edge] = []
        for call in instance.calls:
            outcome = functions[call.action.name](interpreter.s, *call.arguments)
            if outcome == DISABLED:
                interpreter.undo()
                continue
            successor = interpreter.finish(call, outcome)
            fired = frozenset(names[firing] for firing in interpreter.fired)
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
    return graph
