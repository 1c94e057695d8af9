"""``p leads to q``: whether some fair run comes to where p holds and q never will.

A run is an infinite sequence of states, in which a state may be repeated (stuttering). A call
counts as *possible* only where it changes the state, and as *taken* only where it did. Each
call, an action with one choice of its arguments, is fair by itself as its action declares:

* weakly: from some time on always possible, it is taken again and again;
* strongly: possible again and again, it is taken again and again.

``p leads to q`` says of every fair run in which faults stop: whenever p holds, q holds then or
later. A run against it goes from a state where p holds and q does not, through states where q
does not hold, into a loop of such states, which it never leaves. Faults may happen on the way
to the loop, not in it. The loop may be a single state in which the run stays for ever: then no
fair call is possible there.

So, of the reachable states: keep those where q does not hold, and of these what can be reached
from where p holds. Without the steps of faults, look at their strongly connected components. A
run that goes round in one can visit all of it, so a component will do if each weakly fair call
is impossible somewhere in it or taken inside of it, and each strongly fair call that is
possible in it is taken inside of it. Where a strongly fair call is not, no fair run visits the
states where it is possible again and again: they are taken away, and what remains falls into
components anew (E. A. Emerson and C.-L. Lei, "Modalities for model checking", 1987).

Here is what both engines share; they differ in how a :class:`Graph` keeps states and steps.
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
from slotspec.statemachine.obligations import choices
from slotspec.statemachine.results import Finding, Limit

WEAK, STRONG = 1, 2
"""How fair a call is, as numbers; 0: not at all."""

PREMISE, PROMISE = 0, 1
"""The sides of a property: what holds first, and what is to follow."""

Way = list[tuple[int, int]]
"""Steps from a state: the number of the call, and of the state that it leads to."""

Watch = Callable[[int], None]
"""Receives, now and then, the bytes in use; raises :class:`Stopped` to stop."""


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
    """How fair a call is: 0, ``WEAK`` or ``STRONG``."""
    return {None: 0, Fairness.WEAK: WEAK, Fairness.STRONG: STRONG}[call.action.fair]


class Graph(ABC):
    """Every reachable state, numbered from 0, and every step that changes it.

    A *mask* tells for each state whether it is meant; *marks* tell for each state in which
    component it is, 0 for none. What they are made of is each graph's own business.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.fair = [fairness(call) for call in instance.calls]
        self.faulty = [call.action.fault for call in instance.calls]

    @abstractmethod
    def ask(self, declared: Property, side: int, elements: tuple[int, ...]) -> Any:
        """The mask of states where a side of a property holds.

        :raises Unanswered: it cannot be evaluated in some state.
        """

    @abstractmethod
    def sift(self, premise: Any, promise: Any) -> tuple[Any, Any]:
        """From where both sides hold: where the first alone does, and where the second does not."""

    @abstractmethod
    def some(self, mask: Any) -> bool:
        """Whether any state is meant."""

    def barren(self, within: Any) -> bool:
        """Whether it is known already that no fair run stays inside `within`."""
        return False

    @abstractmethod
    def reach(self, starts: Any, within: Any) -> Any:
        """The mask of what can be reached from `starts`, faults and all, inside `within`."""

    @abstractmethod
    def loops(self, within: Any) -> Any | None:
        """Marks of the components inside `within` that a fair run can stay in; None: none."""

    @abstractmethod
    def way_to(self, state: int) -> list[int]:
        """The calls of a shortest way to a state from the initial one."""

    @abstractmethod
    def onward(self, starts: Any, within: Any, marks: Any) -> tuple[int, Way]:
        """From the first of `starts`, by depth, that leads to a mark inside `within`: the way."""

    @abstractmethod
    def steps(self, state: int) -> Way:
        """Every step from a state that changes it."""

    @abstractmethod
    def still(self, state: int, marks: Any) -> Way | None:
        """The way, inside of a component, to the nearest state where no fair call is possible."""

    @abstractmethod
    def nearest(self, state: int, marks: Any, weak: set[int], strong: set[int]) -> Way:
        """The way, inside of a component, to where the nearest of some demands is met.

        That is a state where a call of `weak` is impossible, or the end of a step that a call
        of either set takes.
        """

    @abstractmethod
    def home(self, state: int, to: int, marks: Any) -> Way:
        """The way inside of a component from one of its states to another."""


@dataclass(frozen=True)
class Run:
    """A run against a property, by its calls; see :class:`Finding` for the numbers."""

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
    """A way from `entry` back to it that is fair when it is taken for ever."""
    # weakly fair calls that were possible all the way, strongly fair ones that once were
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
                if strong:  # more has become possible that has to be taken too
                    break
        here = way[-1][1]
    return way


@dataclass
class Claims:
    """What was found out about the ``leads to`` properties of an instance.

    :param findings: for each one that was decided, a run that violates it, or None.
    :param vacuous: those whose premise holds in no reachable state.
    :param broken: why one cannot be evaluated.
    :param fault: the way to where the first of these cannot.
    :param limit: what ended it early; the other properties are not known then.
    """

    findings: dict[str, Finding | None] = field(default_factory=dict)
    vacuous: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    fault: Finding | None = None
    limit: Limit | None = None


def examine(instance: Instance, build: Callable[[], Graph], watch: Watch) -> Claims:
    """Hold every ``leads to`` property against the graph that `build` makes."""
    claims_result = Claims()
    try:
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
    except KeyboardInterrupt:
        claims_result.limit = Limit.INTERRUPTED
    return claims_result


def _one(graph: Graph, declared: Property, claims_result: Claims, watch: Watch) -> None:
    """Look for a run against a property, for one choice of its parameters after the other."""
    vacuous = True
    for elements in choices(graph.instance, declared):
        watch(0)
        premise = graph.ask(declared, PREMISE, elements)
        if not graph.some(premise):
            continue
        vacuous = False
        starts, within = graph.sift(premise, graph.ask(declared, PROMISE, elements))
        run = against(graph, starts, within) if graph.some(starts) else None
        if run is not None:
            claims_result.findings[declared.name] = witness(graph.instance, declared, elements, run)
            return
    claims_result.findings[declared.name] = None
    if vacuous:
        claims_result.vacuous.add(declared.name)


def witness(instance: Instance, declared: Property, elements: tuple[int, ...], run: Run) -> Finding:
    """The trace of a run, taken again by the interpreter and seen to be against the property.

    :raises RuntimeError: it is not; slotspec itself is wrong.
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
            f"the run found against {declared.name} of {instance.title} is none: {wrong}"
        )
    return finding


def flaw(instance: Instance, declared: Property, finding: Finding) -> str | None:
    """Why a trace is no run against a ``leads to`` property; None: it is one.

    Nothing is taken from the graph that it was found in: the rules are run as they stand.
    """
    since, loop, calls = finding.since, finding.loop, finding.calls
    if finding.fault is not None or since is None or loop is None or declared.to is None:
        return finding.fault or "it does not say where it goes round"
    if not 0 <= since <= loop <= len(calls):
        return f"it goes round from step {loop}, having begun at {since}, of {len(calls)}"
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
            return f"step {number + 1}, {call}, is a fault inside of the loop"
        keys.append(interpreter.key)
    if keys[-1] != keys[loop]:
        return f"after {len(calls)} steps it is not where it was after {loop}"
    return unfair(instance, keys[loop:], {call.index for call in calls[loop:]})


def unfair(instance: Instance, keys: Sequence[bytes], taken: set[int]) -> str | None:
    """Which fair call a loop through the states `keys` puts off for ever; None: none."""
    interpreter = Interpreter(instance)
    for call in instance.calls:
        if call.action.fair is None or call.index in taken:
            continue
        where = [can(interpreter, key, call) for key in keys]
        if all(where) or (call.action.fair is Fairness.STRONG and any(where)):
            return f"{call} is put off for ever"
    return None


def can(interpreter: Interpreter, key: bytes, call: Call) -> bool:
    """Whether a call is possible, that is changes the state, in the state with this key."""
    interpreter.load(key)
    try:
        result = interpreter.functions[call.action.name](interpreter.s, *call.arguments)
        return result != DISABLED and interpreter.finish(call, result) != key
    except Exception:  # what meets a fault is no step
        return False
    finally:
        interpreter.undo()
