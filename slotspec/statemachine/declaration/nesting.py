"""Lifecycles nested inside states: they run while the outer lifecycle is in that state.

A state may contain several, which run in parallel::

    class Room(Lifecycle):
        \"\"\"A room with a lamp and a door.\"\"\"

        EMPTY = State("Nobody is in.", initial=True)
        USED = State("Somebody is in.", inside=(Lamp, Door))

        enter = Event("Somebody comes.", (EMPTY, USED))
        leave = Event("The last one goes.", (USED, EMPTY))

Entering the state puts each nested lifecycle into its initial state; leaving it ends them,
whatever state they are in. Nesting does not change how each lifecycle is declared or how
rules use it: a record has one field for each, and a rule fires the events of each. This
module puts them together again: as one hierarchical machine of ``transitions``, as a table of
the configurations that can occur, and as a graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slotspec.statemachine.declaration.lifecycle import NO_TRANSITION, Event, Lifecycle, State

if TYPE_CHECKING:
    import networkx as nx
    from transitions.extensions import HierarchicalMachine

SEPARATOR = "."
"""Separates the parts of a path: ``USED.Lamp.ON``."""

Active = tuple[str, ...]
"""The innermost states that are active at the same time, as sorted paths."""


class Configuration:
    """A state of a lifecycle, with the configurations nested inside it.

    :param inside: a configuration for each lifecycle inside the state, in order.
    """

    __slots__ = ("inside", "lifecycle", "state")

    def __init__(
        self, lifecycle: type[Lifecycle], state: State, inside: tuple[Configuration, ...]
    ) -> None:
        self.lifecycle = lifecycle
        self.state = state
        self.inside = inside

    @classmethod
    def entered(cls, lifecycle: type[Lifecycle], state: State) -> Configuration:
        """The configuration on entering a state: everything inside is in its initial state."""
        inside = tuple(cls.entered(child, child.initial) for child in state.inside)
        return cls(lifecycle, state, inside)

    def after(self, event: Event) -> Configuration | None:
        """The configuration after an event of any lifecycle in it; None if none takes it."""
        if event in self.lifecycle.events:
            target = event.targets[self.state]
            if target == NO_TRANSITION:
                return None
            return self.entered(self.lifecycle, self.lifecycle.states[target])
        for i, below in enumerate(self.inside):
            moved = below.after(event)
            if moved is not None:
                inside = (*self.inside[:i], moved, *self.inside[i + 1 :])
                return Configuration(self.lifecycle, self.state, inside)
        return None

    def paths(self, prefix: str = "") -> Iterator[str]:
        """The innermost active states."""
        here = prefix + self.state.name
        if not self.inside:
            yield here
        for below in self.inside:
            yield from below.paths(f"{here}{SEPARATOR}{below.lifecycle.__name__}{SEPARATOR}")

    @property
    def active(self) -> Active:
        return tuple(sorted(self.paths()))


def lifecycles(cls: type[Lifecycle]) -> list[type[Lifecycle]]:
    """The lifecycle itself and each one nested inside it, outer ones first."""
    found = [cls]
    for at in found:
        found += [child for state in at.states for child in state.inside]
    return found


def nested_events(cls: type[Lifecycle]) -> list[Event]:
    """The events of all :func:`lifecycles`; their names are distinct."""
    return [event for part in lifecycles(cls) for event in part.events]


def nested_table(cls: type[Lifecycle]) -> dict[Active, dict[str, Active]]:
    """For each configuration: event name -> the configuration after it.

    The initial configuration is the first key. Unreachable configurations are left out.
    """
    first = Configuration.entered(cls, cls.initial)
    table: dict[Active, dict[str, Active]] = {first.active: {}}
    waiting = [first]
    for at in waiting:
        for event in nested_events(cls):
            after = at.after(event)
            if after is None:
                continue
            table[at.active][event.name] = after.active
            if after.active not in table:
                table[after.active] = {}
                waiting.append(after)
    return table


def nested_graph(cls: type[Lifecycle]) -> nx.MultiDiGraph[str]:
    """Every state by its path, with its ``parent`` (the path of the state around it, or None)
    and its ``lifecycle``; transitions are edges keyed by event name.
    """
    import networkx as nx  # importing it takes longer than starting the command line

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=cls.__name__)

    def add(lifecycle: type[Lifecycle], prefix: str, parent: str | None) -> None:
        for state in lifecycle.states:
            graph.add_node(
                prefix + state.name,
                lifecycle=lifecycle.__name__,
                parent=parent,
                description=state.description,
                initial=state.initial,
                final=state.final,
            )
            for child in state.inside:
                path = prefix + state.name
                add(child, f"{path}{SEPARATOR}{child.__name__}{SEPARATOR}", path)
        for move in lifecycle.transitions:
            graph.add_edge(
                prefix + move.source.name,
                prefix + move.target.name,
                key=move.event.name,
                event=move.event.name,
                description=move.event.description,
            )

    add(cls, "", None)
    return graph


def nested_machine(cls: type[Lifecycle], model: Any = None) -> HierarchicalMachine:
    """A hierarchical machine of ``transitions`` that takes the same steps.

    Each lifecycle nested inside a state becomes a region with its name. Without `model` the
    machine is its own model. An event that no active state takes raises
    ``transitions.MachineError``.
    """
    from transitions.extensions import HierarchicalMachine
    from transitions.extensions.nesting import NestedState

    class PathState(NestedState):
        separator = SEPARATOR

    class PathMachine(HierarchicalMachine):
        state_cls = PathState

    moves: list[dict[str, str]] = []

    def described(lifecycle: type[Lifecycle], prefix: str) -> list[dict[str, Any]]:
        moves.extend(
            {
                "trigger": move.event.name,
                "source": prefix + move.source.name,
                "dest": prefix + move.target.name,
            }
            for move in lifecycle.transitions
        )
        return [state_of(state, prefix + state.name) for state in lifecycle.states]

    def state_of(state: State, path: str) -> dict[str, Any]:
        regions = [
            {
                "name": child.__name__,
                "initial": child.initial.name,
                "children": described(child, f"{path}{SEPARATOR}{child.__name__}{SEPARATOR}"),
            }
            for child in state.inside
        ]
        if not regions:
            return {"name": state.name}
        if len(regions) > 1:
            return {"name": state.name, "parallel": regions}
        return {"name": state.name, "initial": regions[0]["name"], "children": regions}

    states = described(cls, "")
    return PathMachine(
        model=model if model is not None else HierarchicalMachine.self_literal,
        states=states,
        initial=cls.initial.name,
        transitions=moves,
        auto_transitions=False,
    )


def active_of(state: Any) -> Active:
    """The paths in the ``state`` of a hierarchical machine (a path or nested lists of paths)."""
    if isinstance(state, str):
        return (state,)
    return tuple(sorted(path for below in state for path in active_of(below)))
