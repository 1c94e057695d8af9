"""``p leads to q``: whether some fair run reaches a state with p after which q never holds.

A run is an infinite sequence of states, which may repeat a state (stuttering). A call counts as
*possible* only where it changes the state, and as *taken* only where it did. Fairness applies
to each call (an action with one choice of its arguments), as its action declares:

* weak: a call that is always possible from some point on is taken again and again;
* strong: a call that is possible again and again is taken again and again.

``p leads to q`` makes a statement about every fair run in which faults stop: whenever p holds,
q holds then or later. A counterexample starts from a reachable state where p holds and q does
not, passes only through states where q does not hold, and enters a loop of such states that it
never leaves. Faults may happen on the way to the loop, but not in it. If the loop is a single
state in which the run stays for ever, no fair call is possible there.

The search keeps the reachable states where q does not hold, and of these the ones that can be
reached from a state where p holds. It ignores the steps of faults and computes strongly
connected components. A run that stays in a component can visit all of it. So a fair run can
stay there if each weakly fair call is impossible somewhere in it or taken inside it, and each
strongly fair call that is possible in it is taken inside it. If a strongly fair call is
possible but not taken inside, no fair run keeps visiting the states where it is possible. The
search removes these states and splits the rest into components again (E. A. Emerson and
C.-L. Lei, "Modalities for model checking", 1987).

Both engines share this module; they differ in how a :class:`Graph` stores states and steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slotspec.statemachine.declaration.model import Call, Fairness, Instance, Kind, Property
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.interpreter.time_limit import OutOfTime, time_limit
from slotspec.statemachine.obligations import choices
from slotspec.statemachine.results import Finding, Limit

WEAK, STRONG = 1, 2
"""Fairness of a call, as a number; 0 means that it is not fair."""

PREMISE, PROMISE = 0, 1
"""The sides of a property: the premise, and the conclusion that must follow."""

Way = list[tuple[int, int]]
"""Steps from a state: the number of each call, and of the state it leads to."""

Watch = Callable[[int], None]
"""Called now and then with the bytes in use; raises :class:`Stopped` to end the search."""


class Stopped(Exception):
    """A limit ends the search for loops."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.value)
        self.limit = limit


class Unanswered(Exception):
    """A side of a property cannot be evaluated in a state."""

    def __init__(self, state: int, why: str) -> None:
        super().__init__(why)
        self.state = state
        self.why = why


def claims(instance: Instance) -> list[Property]:
    """The ``leads to`` properties of `instance`."""
    return [p for p in instance.properties.values() if p.kind is Kind.LEADS_TO]


def fairness(call: Call) -> int:
    """The fairness of a call: 0, ``WEAK`` or ``STRONG``."""
    return {None: 0, Fairness.WEAK: WEAK, Fairness.STRONG: STRONG}[call.action.fair]


class Graph(ABC):
    """Every reachable state, numbered from 0, and every step that changes it.

    A *mask* is a set of states. *Marks* give each state the number of its component, 0 for
    none. Each graph chooses its own representation of both.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.fair = [fairness(call) for call in instance.calls]
        self.faulty = [call.action.fault for call in instance.calls]

    def choices(self, declared: Property) -> list[tuple[int, ...]]:
        """The choices of a property's parameters to examine, one after another."""
        return choices(self.instance, declared)

    def against(self, starts: Any, within: Any) -> Run | None:
        """A fair run from one of `starts` that stays inside `within` for ever."""
        return against(self, starts, within)

    @abstractmethod
    def ask(self, declared: Property, side: int, elements: tuple[int, ...]) -> Any:
        """The mask of states where a side of a property holds.

        :raises Unanswered: it cannot be evaluated in some state.
        """

    @abstractmethod
    def sift(self, premise: Any, promise: Any) -> tuple[Any, Any]:
        """From the masks of both sides: where only the premise holds, and where the conclusion
        does not hold.
        """

    @abstractmethod
    def some(self, mask: Any) -> bool:
        """Whether the mask contains any state."""

    def barren(self, within: Any) -> bool:
        """Whether it is already known that no fair run stays inside `within`."""
        return False

    @abstractmethod
    def reach(self, starts: Any, within: Any) -> Any:
        """The mask of what can be reached from `starts` inside `within`, by faults too."""

    @abstractmethod
    def loops(self, within: Any) -> Any | None:
        """Marks of the components inside `within` that a fair run can stay in, or None."""

    @abstractmethod
    def way_to(self, state: int) -> list[int]:
        """The calls of a shortest path from the initial state to a state."""

    @abstractmethod
    def onward(self, starts: Any, within: Any, marks: Any) -> tuple[int, Way]:
        """A path inside `within` to a marked state, from the shallowest of `starts` that has
        one.
        """

    @abstractmethod
    def steps(self, state: int) -> Way:
        """Every step from a state that changes it."""

    @abstractmethod
    def still(self, state: int, marks: Any) -> Way | None:
        """The path, inside a component, to the nearest state where no fair call is possible."""

    @abstractmethod
    def nearest(self, state: int, marks: Any, weak: set[int], strong: set[int]) -> Way:
        """The path, inside a component, to where the nearest of some demands is met.

        That is a state where a call of `weak` is impossible, or the end of a step that takes a
        call of either set.
        """

    @abstractmethod
    def home(self, state: int, to: int, marks: Any) -> Way:
        """The path inside a component from one of its states to another."""


@dataclass(frozen=True)
class Run:
    """A run that violates a property, as calls; :class:`Finding` explains the numbers."""

    calls: list[int]
    since: int
    loop: int


def against(graph: Graph, starts: Any, within: Any) -> Run | None:
    """A fair run from one of `starts` that stays inside `within` for ever."""
    if graph.barren(within):
        return None
    region = graph.reach(starts, within)
    marks = graph.loops(region)
    if marks is None:
        return None
    first, way = graph.onward(starts, region, marks)
    stem = graph.way_to(first)
    entry = way[-1][1] if way else first
    rest = graph.still(entry, marks)
    if rest is not None:
        way, round_ = [*way, *rest], []
    else:
        round_ = circle(graph, entry, marks)
    calls = [*stem, *(call for call, _ in way), *(call for call, _ in round_)]
    return Run(calls, len(stem), len(stem) + len(way))


def circle(graph: Graph, entry: int, marks: Any) -> Way:
    """A cycle from `entry` back to `entry` that is fair if it is repeated for ever."""
    # weakly fair calls that were possible all along; strongly fair calls that were so once
    weak = {call for call, how in enumerate(graph.fair) if how == WEAK}
    strong: set[int] = set()
    taken: set[int] = set()
    way: Way = []

    def visit(state: int) -> None:
        possible = {call for call, _ in graph.steps(state)}
        weak.intersection_update(possible)
        strong.update(c for c in possible if graph.fair[c] == STRONG and c not in taken)

    def go(call: int, state: int) -> None:
        way.append((call, state))
        taken.add(call)
        weak.discard(call)
        strong.discard(call)
        visit(state)

    visit(entry)
    here = entry
    while weak or strong or here != entry:
        if weak or strong:
            for step in graph.nearest(here, marks, weak, strong):
                go(*step)
        else:
            for step in graph.home(here, entry, marks):
                go(*step)
                if strong:  # more calls have become possible, and must be taken too
                    break
        here = way[-1][1]
    return way


@dataclass
class Claims:
    """The results for the ``leads to`` properties of an instance.

    :param findings: for each decided property, a run that violates it, or None.
    :param vacuous: the properties whose premise holds in no reachable state.
    :param broken: property -> the reason why it cannot be evaluated.
    :param fault: a trace to where the first of these cannot be evaluated.
    :param limit: what ended the analysis early; the other properties are unknown then.
    """

    findings: dict[str, Finding | None] = field(default_factory=dict)
    vacuous: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    fault: Finding | None = None
    limit: Limit | None = None


def examine(
    instance: Instance, build: Callable[[], Graph], watch: Watch, seconds: float | None = None
) -> Claims:
    """Check every ``leads to`` property on the graph that `build` makes.

    :param seconds: the time after which Python code is ended, whatever it does.
    """
    claims_result = Claims()
    try:
        with time_limit(seconds):
            graph = build()
            for declared in claims(instance):
                try:
                    _one(graph, declared, claims_result, watch)
                except Unanswered as error:
                    why = f"property {declared.name} cannot be evaluated: {error.why}"
                    claims_result.broken[declared.name] = why
                    if claims_result.fault is None:
                        calls = [instance.calls[c] for c in graph.way_to(error.state)]
                        claims_result.fault = explain(instance, calls, why)
    except Stopped as stopped:
        claims_result.limit = stopped.limit
    except OutOfTime:
        claims_result.limit = Limit.SECONDS
    except KeyboardInterrupt:
        claims_result.limit = Limit.INTERRUPTED
    return claims_result


def _one(graph: Graph, declared: Property, claims_result: Claims, watch: Watch) -> None:
    """Search for a run that violates a property, for each choice of its parameters in turn."""
    vacuous = True
    for elements in graph.choices(declared):
        watch(0)
        premise = graph.ask(declared, PREMISE, elements)
        if not graph.some(premise):
            continue
        vacuous = False
        starts, within = graph.sift(premise, graph.ask(declared, PROMISE, elements))
        run = graph.against(starts, within) if graph.some(starts) else None
        if run is not None:
            claims_result.findings[declared.name] = witness(graph.instance, declared, elements, run)
            return
    claims_result.findings[declared.name] = None
    if vacuous:
        claims_result.vacuous.add(declared.name)


def witness(instance: Instance, declared: Property, elements: tuple[int, ...], run: Run) -> Finding:
    """The trace of a run that the interpreter replayed and found to violate the property.

    :raises RuntimeError: it does not violate it, which is a bug in slotspec.
    """
    finding = replace(
        explain(instance, [instance.calls[c] for c in run.calls]),
        loop=run.loop,
        since=run.since,
        elements=elements,
    )
    wrong = flaw(instance, declared, finding)
    if wrong is not None:
        raise RuntimeError(
            f"the run found does not violate {declared.name} of {instance.title}: {wrong}"
        )
    return finding


def flaw(instance: Instance, declared: Property, finding: Finding) -> str | None:
    """Why a trace does not violate a ``leads to`` property; None if it does.

    This uses nothing from the graph in which the trace was found; it runs the rules again.
    """
    since, loop, calls = finding.since, finding.loop, finding.calls
    if finding.fault is not None or since is None or loop is None or declared.to is None:
        return finding.fault or "it does not say where its loop begins"
    if not 0 <= since <= loop <= len(calls):
        return f"its loop begins at {loop} and its premise at {since}, of {len(calls)} steps"
    premise, promise = instance.runnable(declared.function), instance.runnable(declared.to)
    interpreter = Interpreter(instance)
    keys = [interpreter.key]
    for number, call in enumerate((*calls, None)):
        if number == since and not premise(interpreter.s, *finding.elements):
            return f"{declared.function.__name__} does not hold after {number} steps"
        if number >= since and promise(interpreter.s, *finding.elements):
            return f"{declared.to.__name__} holds after {number} steps"
        if call is None:
            break
        if interpreter.step(call) == DISABLED or interpreter.key == keys[-1]:
            return f"step {number + 1}, {call}, changes nothing"
        if number >= loop and call.action.fault:
            return f"step {number + 1}, {call}, is a fault inside the loop"
        keys.append(interpreter.key)
    if keys[-1] != keys[loop]:
        return f"its state after {len(calls)} steps differs from that after {loop}"
    return unfair(instance, keys[loop:], {call.index for call in calls[loop:]})


def unfair(instance: Instance, keys: Sequence[bytes], taken: set[int]) -> str | None:
    """The fair call that a loop through the states `keys` never takes, or None."""
    interpreter = Interpreter(instance)
    for call in instance.calls:
        if call.action.fair is None or call.index in taken:
            continue
        where = [can(interpreter, key, call) for key in keys]
        if all(where) or (call.action.fair is Fairness.STRONG and any(where)):
            return f"{call} is never taken, against its fairness"
    return None


def can(interpreter: Interpreter, key: bytes, call: Call) -> bool:
    """Whether a call is possible (changes the state) in the state with this key."""
    interpreter.load(key)
    try:
        result = interpreter.functions[call.action.name](interpreter.s, *call.arguments)
        return result != DISABLED and interpreter.finish(call, result) != key
    except Exception:  # a call that meets a fault is not a step
        return False
    finally:
        interpreter.undo()
