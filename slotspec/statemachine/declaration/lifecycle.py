"""Lifecycles: one declared finite-state machine for each kind of object.

A lifecycle is declared as a class whose attributes are its states and events::

    class Turnstile(Lifecycle):
        \"\"\"A gate that opens for a coin.\"\"\"

        LOCKED = State("Nobody may pass.", initial=True)
        OPEN = State("One person may pass.")

        coin = Event("A coin falls in.", (LOCKED, OPEN))
        push = Event("Somebody passes.", (OPEN, LOCKED))

Defining the class validates it. States are small integers (the initial state is 0), so a
rule compares them directly and a compiled rule sees constants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slotspec.statemachine.display import bundle
from slotspec.statemachine.errors import DeclarationError

if TYPE_CHECKING:
    import networkx as nx
    from transitions import Machine

NO_TRANSITION = -1
"""Entry of :meth:`Lifecycle.table` where a state does not take an event."""


class State(int):
    """One state of a lifecycle; its integer value is its position in the lifecycle.

    :param description: what it means to be in this state.
    :param initial: every object starts here; exactly one state is initial.
    :param final: the object's life may end here; no event leaves a final state.
    :param inside: lifecycles that run in parallel while the object is in this state, each
        starting in its own initial state; see :mod:`slotspec.statemachine.declaration.nesting`.
    """

    description: str
    initial: bool
    final: bool
    inside: tuple[type[Lifecycle], ...]
    name: str
    lifecycle: str

    def __new__(
        cls,
        description: str,
        *,
        initial: bool = False,
        final: bool = False,
        inside: tuple[type[Lifecycle], ...] = (),
        _value: int = -1,
    ) -> State:
        self = super().__new__(cls, _value)
        self.description = description
        self.initial = initial
        self.final = final
        self.inside = inside
        self.name = ""
        self.lifecycle = ""
        return self

    def __repr__(self) -> str:
        return f"{self.lifecycle}.{self.name}" if self.name else f"State({self.description!r})"

    __str__ = __repr__


class Event:
    """What can happen to an object, and the state it reaches from each state.

    :param description: what happens, in the terms of the protocol.
    :param moves: ``(source, target)`` pairs, or ``((source, …), target)`` for several sources of
        one target; each source at most once.
    """

    __slots__ = ("description", "index", "lifecycle", "moves", "name", "targets")

    def __init__(self, description: str, *moves: tuple[State | tuple[State, ...], State]) -> None:
        self.description = description
        self.moves = moves
        self.name = ""
        self.lifecycle = ""
        self.index = -1
        self.targets: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"{self.lifecycle}.{self.name}" if self.name else f"Event({self.description!r})"


@dataclass(frozen=True, slots=True)
class Transition:
    """One declared edge of a lifecycle."""

    source: State
    event: Event
    target: State

    def __str__(self) -> str:
        return f"{self.source.name} --{self.event.name}--> {self.target.name}"


class Lifecycle:
    """Base of all lifecycle declarations; the module's docstring shows the form.

    :raises DeclarationError: with an ``FSM…`` code, when a declaration is wrong.
    """

    states: ClassVar[tuple[State, ...]] = ()
    events: ClassVar[tuple[Event, ...]] = ()
    transitions: ClassVar[tuple[Transition, ...]] = ()
    initial: ClassVar[State]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _declare(cls)

    @classmethod
    def _repr_mimebundle_(cls, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # a class method, because a notebook displays the class itself
        return bundle(cls)

    @classmethod
    def description(cls) -> str:
        """First paragraph of the class's docstring."""
        return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())

    @classmethod
    def table(cls) -> tuple[tuple[int, ...], ...]:
        """``table[state][event]``: the state reached, or ``NO_TRANSITION``."""
        return tuple(tuple(event.targets[state] for event in cls.events) for state in cls.states)

    @classmethod
    def graph(cls) -> nx.MultiDiGraph[str]:
        """States as nodes, transitions as edges keyed by event name."""
        import networkx as nx  # importing it takes longer than starting the command line

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=cls.__name__)
        for state in cls.states:
            graph.add_node(
                state.name,
                description=state.description,
                initial=state.initial,
                final=state.final,
                index=int(state),
            )
        for move in cls.transitions:
            graph.add_edge(
                move.source.name,
                move.target.name,
                key=move.event.name,
                event=move.event.name,
                description=move.event.description,
            )
        return graph

    @classmethod
    def machine(cls, model: Any = None) -> Machine:
        """A ``transitions`` machine that takes the same steps, for callbacks and replay.

        Without `model` the machine is its own model. An event that the current state does
        not take raises ``transitions.MachineError``.
        """
        from transitions import Machine

        return Machine(
            model=model if model is not None else Machine.self_literal,
            states=[state.name for state in cls.states],
            initial=cls.initial.name,
            transitions=[
                {"trigger": m.event.name, "source": m.source.name, "dest": m.target.name}
                for m in cls.transitions
            ],
            auto_transitions=False,
        )


def _wrong(code: str, cls: type, message: str) -> DeclarationError:
    return DeclarationError(code, f"lifecycle {cls.__name__}: {message}")


def _declare(cls: type[Lifecycle]) -> None:
    """Validate the attributes of `cls` and number its states and events."""
    declared = {n: v for n, v in vars(cls).items() if isinstance(v, State)}
    events = {n: v for n, v in vars(cls).items() if isinstance(v, Event)}
    if not (cls.__doc__ or "").strip():
        raise _wrong("FSM001", cls, "has no docstring; say in one sentence what it describes")
    items: list[tuple[str, State | Event]] = [*declared.items(), *events.items()]
    for name, item in items:
        if hasattr(Lifecycle, name):
            raise _wrong("FSM002", cls, f"{name!r} hides Lifecycle.{name}; choose another name")
        if not (isinstance(item.description, str) and item.description.strip()):
            raise _wrong("FSM003", cls, f"{name} has an empty sentence; say what it means")
    for name, value in vars(cls).items():
        if type(value).__module__.startswith("slotspec.statemachine.") and name not in dict(items):
            raise _wrong(
                "FSM015",
                cls,
                f"{name} is a {type(value).__name__}; a lifecycle has states and events alone",
            )
    initial = [name for name, state in declared.items() if state.initial]
    if len(initial) != 1:
        found = ", ".join(initial) or "none"
        raise _wrong("FSM004", cls, f"needs exactly one State(…, initial=True), found {found}")

    order = initial + [name for name in declared if name not in initial]
    final = {id(declared[name]): name for name in order}
    numbered: dict[str, State] = {}
    for value, name in enumerate(order):
        old = declared[name]
        new = State(
            old.description,
            initial=old.initial,
            final=old.final,
            inside=old.inside,
            _value=value,
        )
        new.name, new.lifecycle = name, cls.__name__
        numbered[name] = new
        setattr(cls, name, new)

    transitions: list[Transition] = []
    for index, (name, event) in enumerate(events.items()):
        moves: list[tuple[State, State]] = []
        for move in event.moves:
            if not isinstance(move, tuple) or len(move) != 2:
                raise _wrong(
                    "FSM016",
                    cls,
                    f'event {name} moves {move!r}; give pairs: Event("…", (SOURCE, TARGET))',
                )
            sources, target = move
            moves += [
                (one, target) for one in (sources if isinstance(sources, tuple) else [sources])
            ]
        if not moves:
            raise _wrong("FSM005", cls, f"event {name} moves nothing; give (SOURCE, TARGET) pairs")
        targets = [NO_TRANSITION] * len(order)
        event.name, event.lifecycle, event.index = name, cls.__name__, index
        for source, target in moves:
            if id(source) not in final or id(target) not in final:
                raise _wrong("FSM006", cls, f"event {name} uses a state that is not declared here")
            begin, end = numbered[final[id(source)]], numbered[final[id(target)]]
            if targets[begin] != NO_TRANSITION:
                raise _wrong("FSM007", cls, f"{begin.name} has two transitions for event {name}")
            if begin.final:
                raise _wrong("FSM008", cls, f"final state {begin.name} is left by event {name}")
            targets[begin] = int(end)
            transitions.append(Transition(begin, event, end))
        event.targets = tuple(targets)

    _check_inside(cls, numbered, events)
    cls.states = tuple(numbered.values())
    cls.events = tuple(events.values())
    cls.transitions = tuple(transitions)
    cls.initial = cls.states[0]
    reached = [cls.initial]
    for at in reached:
        reached += [m.target for m in transitions if m.source == at and m.target not in reached]
    for state in cls.states:
        if state not in reached:
            raise _wrong("FSM009", cls, f"{state.name} cannot be reached; add an event or drop it")
        if not state.final and not any(m.source == state for m in transitions):
            raise _wrong("FSM010", cls, f"{state.name} is a dead end; declare it final=True")


def _check_inside(cls: type[Lifecycle], states: dict[str, State], events: dict[str, Event]) -> None:
    """Check that nested lifecycles are lifecycles, and that their event names differ."""
    owner = dict.fromkeys(events, cls.__name__)
    below: list[type[Lifecycle]] = []
    for name, state in states.items():
        inside: object = state.inside
        if not isinstance(inside, tuple) or not all(
            isinstance(child, type) and issubclass(child, Lifecycle) for child in inside
        ):
            raise _wrong(
                "FSM012", cls, f"inside of {name} is {inside!r}; give a tuple of lifecycles"
            )
        below += state.inside
    for child in below:
        if below.count(child) > 1:
            raise _wrong(
                "FSM013", cls, f"{child.__name__} is inside twice; give each place one of its own"
            )
        for event in child.events:
            if event.name in owner:
                raise _wrong(
                    "FSM014",
                    cls,
                    f"{event.name} is an event of {owner[event.name]} and of {child.__name__}"
                    " inside; rename one",
                )
            owner[event.name] = child.__name__
        below += [deeper for state in child.states for deeper in state.inside]


def walk(cls: type[Lifecycle], events: Iterator[Event]) -> State:
    """The state that an object reaches from the initial state by `events`.

    :raises DeclarationError: ``FSM011`` if a state on the way does not take an event.
    """
    state: int = cls.initial
    for event in events:
        if event.targets[state] == NO_TRANSITION:
            raise _wrong("FSM011", cls, f"{cls.states[state].name} does not take {event.name}")
        state = event.targets[state]
    return cls.states[state]
