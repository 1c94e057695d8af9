"""Breadth-first search of every reachable state, through the interpreter.

It is exact: a state is identified by all its values, never by a hash alone. It needs nothing
but Python, runs rules unchanged, and is the reference for the compiled search.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, Protocol

from slotspec.statemachine.declaration.lifecycle import Event
from slotspec.statemachine.declaration.model import Call, Instance, Kind, Property
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.interpreter.graph import InterpretedGraph
from slotspec.statemachine.interpreter.hints import hint
from slotspec.statemachine.interpreter.liveness import Claims, Stopped, claims, examine
from slotspec.statemachine.interpreter.replay import explain, name_elements, replay
from slotspec.statemachine.interpreter.stepping import Interpreter, fault_of, place_of, too_deep
from slotspec.statemachine.interpreter.time_limit import OutOfTime, time_limit
from slotspec.statemachine.obligations import (
    Elements,
    Obligation,
    Predicate,
    choices,
    obligations,
    predicate_of,
)
from slotspec.statemachine.results import (
    NO_LIMITS,
    Finding,
    Limit,
    Limits,
    Progress,
    PropertyResult,
    Reporter,
    Result,
    Verdict,
    silent,
)

PROGRESS_SECONDS = 0.2


class Reduction(Protocol):
    """Chooses which calls of a state to take, and which to leave for later.

    :ivar stuttering: the properties that it takes to be true of a step that changes nothing.
    :ivar idle: it never leaves anything for later.
    :ivar note: what a report says of it.
    """

    @property
    def stuttering(self) -> Sequence[str]: ...

    @property
    def idle(self) -> bool: ...

    @property
    def note(self) -> str: ...

    def choose(
        self,
        calls: Sequence[int],
        leads_on: Callable[[int], bool],
        value: Callable[[int], int],
    ) -> Sequence[int]:
        """The calls to take of those that change the state.

        :param leads_on: whether a call leads to a state of the next level.
        :param value: the value at this position of the packed state.
        """
        ...


def explore_interpreted(
    instance: Instance,
    limits: Limits = NO_LIMITS,
    reporter: Reporter = silent,
    reduction: Reduction | None = None,
) -> Result:
    """Search all reachable states of `instance`; gives verdicts with shortest traces.

    A call that meets a fault does not count as a transition, and its successor is not entered;
    the search goes on. ``limits.memory`` bounds only what the search itself stores (visited
    states, frontier, parents), as measured by :func:`sys.getsizeof`.

    :param reduction: chooses which calls of a state to take; traces may be longer than the
        shortest.
    :raises RuleError: ``RUL100`` if a rule cannot be run at all.
    """
    return _Search(instance, limits, reporter, reduction).run()


class _Stop(Exception):
    """A limit ends the search."""


Check = tuple[Obligation, Predicate]
Place = tuple[int, Call | None]
"""Where something was found: the number of a state, and the call from there, if any."""


def changing(declared: Property) -> RuleError:
    """The error for a property that changes the state, which others are asked of after it."""
    code = declared.function.__code__
    return RuleError(
        "RUL009",
        f"{code.co_filename}:{code.co_firstlineno}: in {declared.name}: a property may not change"
        " the state; ask in the property, and change it in an action",
    )


class _Search:
    def __init__(
        self,
        instance: Instance,
        limits: Limits,
        reporter: Reporter,
        reduction: Reduction | None = None,
    ) -> None:
        self.instance = instance
        self.reduction = None if reduction is None or reduction.idle else reduction
        self.young: set[bytes] = set()
        """The states of the next level, if the search is reduced."""
        self.stuttering: dict[str, Predicate] = {}
        self.stuttered: set[str] = set()
        self.limits = limits
        self.reporter = reporter
        self.result = Result(instance, "interpreted")
        self.result.partial_order = None if reduction is None else reduction.note
        self.interpreter = Interpreter(instance)
        self.before = Interpreter(instance)
        self.seen: set[bytes] = set()
        self.parents = array("q")
        self.how = array("q")
        self.levels: list[list[bytes]] | None = [] if claims(instance) else None
        self.frontier: list[bytes] = []
        self.upcoming: list[bytes] = []
        self.taken = [0] * len(instance.calls)
        self.fired: Counter[tuple[Event, int]] = Counter()
        self.found: dict[str, Place] = {}
        self.broken: dict[str, str] = {}
        self.fault: tuple[Place, str] | None = None
        self.deadlock: Place | None = None
        self.started = self.reported = perf_counter()
        self.key_size = sys.getsizeof(self.interpreter.key)

        functions = self.interpreter.functions
        self.on_state: list[Check] = []
        self.on_step: dict[str, list[Check]] = {name: [] for name in functions}
        self.obligations = obligations(instance)
        for obligation in self.obligations:
            declared = obligation.declared
            if declared.kind is Kind.LEADS_TO:
                continue
            check = (obligation, predicate_of(instance, declared, obligation.elements))
            if declared.kind is not Kind.STEP:
                self.on_state.append(check)
                continue
            for name in [declared.on] if declared.on else self.on_step:
                self.on_step[name].append(check)
        if self.reduction is not None:
            self.stuttering = {
                name: predicate_of(instance, instance.properties[name])
                for name in self.reduction.stuttering
            }
        self.table = [
            (call, functions[call.action.name], call.arguments, self.on_step[call.action.name])
            for call in instance.calls
        ]

    def run(self) -> Result:
        result = self.result
        try:
            with time_limit(self.limits.seconds):
                self.search()
        except _Stop:
            pass
        except OutOfTime:
            result.limit = Limit.SECONDS
        except KeyboardInterrupt:
            result.limit = Limit.INTERRUPTED
        result.seconds = perf_counter() - self.started
        result.states = len(self.parents)
        result.transitions = sum(self.taken)
        result.bytes_per_state = self.memory() / max(1, result.states)
        self.report(final=True)
        self.conclude()
        return result

    def search(self) -> None:
        """Expand level after level until nothing new is found or a limit is hit."""
        limits, result = self.limits, self.result
        self.enter(self.interpreter.key, -1, -1)
        index = 0
        while self.upcoming:
            if self.is_found(limits.until):
                self.stop(Limit.FOUND)
            if limits.depth is not None and result.depth >= limits.depth:
                self.stop(Limit.DEPTH)
            self.frontier, self.upcoming = self.upcoming, []
            self.young.clear()
            if self.levels is not None:
                self.levels.append(self.frontier)
            for key in self.frontier:
                self.expand(index, key)
                index += 1
                now = perf_counter()
                if now - self.reported >= PROGRESS_SECONDS:
                    self.reported = now
                    self.report()
                if limits.seconds is not None and now - self.started > limits.seconds:
                    self.stop(Limit.SECONDS)
                if limits.memory is not None and self.memory() > limits.memory:
                    self.stop(Limit.MEMORY)

    def is_found(self, sought: str | None) -> bool:
        """Whether what ``limits.until`` asks for has been found."""
        return (
            (sought in self.instance.properties and not self.sought(sought))
            or (sought == "fault" and self.fault is not None)
            or (sought == "deadlock" and self.deadlock is not None)
        )

    def sought(self, name: str) -> list[Obligation]:
        """The obligations of a property that have no finding."""
        return [q for q in self.obligations if q.declared.name == name and q.name not in self.found]

    def expand(self, index: int, key: bytes) -> None:
        """Try every call in the state `key`, whose number is `index`."""
        interpreter, before = self.interpreter, self.before
        s, journal, effects = interpreter.s, interpreter.journal, interpreter.effects
        fired, seen = interpreter.fired, self.seen
        interpreter.load(key)
        before_loaded = False
        stuck = True
        moves: dict[int, bytes] | None = None if self.reduction is None else {}
        for call, function, arguments, checks in self.table:
            try:
                outcome = function(s, *arguments)
                if outcome == DISABLED:
                    if journal or effects:
                        interpreter.check_refusal(call)
                        interpreter.undo()
                    continue
                successor = interpreter.finish(call, outcome)
            except Exception as error:
                self.meet((index, call), str(fault_of(error, call)))
                interpreter.undo()
                stuck = False
                continue
            stuck = False
            self.taken[call.index] += 1
            if fired:
                for firing in fired:
                    self.fired[firing] += 1
            if checks:
                if not before_loaded:
                    before.load(key)
                    before_loaded = True
                for obligation, holds in tuple(checks):
                    given = (before.s, s, outcome, *arguments)
                    if not self.evaluate(obligation, holds, given, (index, call)):
                        self.found[obligation.name] = (index, call)
                        self.drop(obligation)
            if moves is not None:
                if successor != key:
                    moves[call.index] = successor
            elif successor not in seen:
                effects.clear()
                self.enter(successor, index, call.index)
            interpreter.undo()
        if stuck and self.deadlock is None and not interpreter.may_end():
            self.deadlock = (index, None)
        if moves:
            self.take(index, key, moves)

    def take(self, index: int, key: bytes, moves: dict[int, bytes]) -> None:
        """Enter the successors by those calls that the reduction does not leave for later.

        :param moves: for each call that changes the state, what it leads to.
        """
        assert self.reduction is not None
        seen, young, values = self.seen, self.young, memoryview(key).cast("H")
        chosen = set(
            self.reduction.choose(
                list(moves),
                lambda call: moves[call] not in seen or moves[call] in young,
                values.__getitem__,
            )
        )
        for call, successor in moves.items():
            if call not in chosen:
                self.taken[call] -= 1
            elif successor not in seen:
                self.interpreter.load(successor)
                self.enter(successor, index, call)

    def stutter(self) -> None:
        """Ask whether a step that changes nothing would break a property here."""
        s = self.interpreter.s
        for name, holds in self.stuttering.items():
            if name in self.stuttered:
                continue
            try:
                fine = bool(holds(s, s))
            except RuleError:
                raise
            except Exception:
                fine = False
            if not fine:
                self.stuttered.add(name)

    def enter(self, key: bytes, parent: int, how: int) -> None:
        """Add a state that was not seen before; it is the interpreter's current state."""
        if self.limits.states is not None and len(self.seen) >= self.limits.states:
            self.stop(Limit.STATES)
        if parent >= 0 and not self.upcoming:
            self.result.depth += 1
        index = len(self.parents)
        self.seen.add(key)
        self.parents.append(parent)
        self.how.append(how)
        self.upcoming.append(key)
        if self.reduction is not None:
            self.young.add(key)
            self.stutter()
        for obligation, holds in tuple(self.on_state):
            wanted = obligation.declared.kind is Kind.SOMETIMES
            satisfied = self.evaluate(
                obligation, holds, (self.interpreter.s,), (index, None), otherwise=not wanted
            )
            if satisfied == wanted:
                self.found[obligation.name] = (index, None)
                self.drop(obligation)

    def evaluate(
        self,
        obligation: Obligation,
        holds: Predicate,
        arguments: tuple[Any, ...],
        place: Place,
        otherwise: bool = True,
    ) -> bool:
        """Whether the property holds; `otherwise` where it cannot be evaluated (a fault)."""
        journal, older = self.interpreter.journal, self.before.journal
        written = len(journal) + len(older)
        try:
            holding = holds(*arguments)
            if len(journal) + len(older) != written:
                raise changing(obligation.declared)
            return holding
        except RuleError:
            raise
        except RecursionError as error:
            raise too_deep(obligation.declared.name, error) from error
        except Exception as error:
            name = obligation.declared.name
            why = f"{type(error).__name__}: {error} {place_of(error)}{hint(error)}"
            self.broken[name] = f"property {name} cannot be evaluated: {why}"
            self.meet(place, self.broken[name])
            self.drop(obligation)
            return otherwise

    def drop(self, obligation: Obligation) -> None:
        """Stop checking an obligation whose shortest trace is known; the search goes on."""
        for checks in (self.on_state, *self.on_step.values()):
            checks[:] = [check for check in checks if check[0] is not obligation]

    def meet(self, place: Place, fault: str) -> None:
        if self.fault is None:
            self.fault = (place, fault)

    def stop(self, limit: Limit) -> None:
        self.result.limit = limit
        raise _Stop

    def memory(self) -> int:
        """How many bytes the search stores."""
        return (
            sys.getsizeof(self.seen)
            + len(self.seen) * self.key_size
            + sys.getsizeof(self.frontier)
            + sys.getsizeof(self.upcoming)
            + sys.getsizeof(self.parents)
            + sys.getsizeof(self.how)
        )

    def report(self, final: bool = False) -> None:
        self.reporter(
            Progress(
                self.instance,
                states=len(self.parents),
                transitions=sum(self.taken),
                depth=self.result.depth,
                frontier=len(self.upcoming),
                seconds=perf_counter() - self.started,
                memory=self.memory(),
                final=final,
            )
        )

    def conclude(self) -> None:
        """Turn the recorded findings into verdicts, traces and coverage."""
        instance, result = self.instance, self.result
        claims_result = self.check_claims()
        for declared in instance.properties.values():
            if claims_result is not None and declared.kind is Kind.LEADS_TO:
                result.properties.append(judge_claim(instance, declared, claims_result))
            else:
                result.properties.append(doubted(self.verdict(declared), self.stuttered))
        if self.deadlock is not None:
            result.deadlock = self.trace(self.deadlock)
        if self.fault is not None:
            place, text = self.fault
            result.fault = self.trace(place, text)
        if claims_result is not None:
            result.fault = result.fault or claims_result.fault
            result.limit = claims_result.limit
        result.taken = {action.name: 0 for action in instance.actions}
        for call, count in zip(instance.calls, self.taken, strict=True):
            result.taken[call.action.name] += count
        for lifecycle in instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                result.fired[key] = self.fired[move.event, int(move.source)]

    def check_claims(self) -> Claims | None:
        """Decide the ``leads to`` properties, once every reachable state has been seen."""
        if self.levels is None or self.result.limit is not None:
            return None
        keys = [key for level in self.levels for key in level]
        searched = self.memory()

        def watch(more: int) -> None:
            limits = self.limits
            if limits.seconds is not None and perf_counter() - self.started > limits.seconds:
                raise Stopped(Limit.SECONDS)
            if limits.memory is not None and searched + more > limits.memory:
                raise Stopped(Limit.MEMORY)

        left = None
        if self.limits.seconds is not None:
            left = self.limits.seconds - (perf_counter() - self.started)
        claims_result = examine(
            self.instance,
            lambda: InterpretedGraph(self.instance, keys, self.way_to, watch),
            watch,
            left,
        )
        self.result.seconds = perf_counter() - self.started
        return claims_result

    def way_to(self, index: int) -> list[int]:
        """The calls that lead from the initial state to the state with this number."""
        calls = []
        while self.parents[index] >= 0:
            calls.append(self.how[index])
            index = self.parents[index]
        return calls[::-1]

    def verdict(self, declared: Property) -> PropertyResult:
        if declared.name in self.broken:
            return PropertyResult(declared, Verdict.UNKNOWN, reason=self.broken[declared.name])
        found = {
            obligation.elements: replace(
                self.trace(self.found[obligation.name]), elements=obligation.elements or ()
            )
            for obligation in self.obligations
            if obligation.declared is declared and obligation.name in self.found
        }
        return judge_all(self.instance, declared, found, self.result.limit)

    def trace(self, place: Place, fault: str | None = None) -> Finding:
        index, last = place
        calls = [self.instance.calls[call] for call in self.way_to(index)]
        return explain(self.instance, calls if last is None else [*calls, last], fault)


def doubted(result: PropertyResult, stuttered: Collection[str]) -> PropertyResult:
    """The verdict on a property after a reduced search.

    :param stuttered: the properties that a step would break that changes nothing.
    """
    if result.verdict is not Verdict.HOLDS or result.property.name not in stuttered:
        return result
    reason = "a step that changes nothing would break it; check it without partial-order reduction"
    return PropertyResult(result.property, Verdict.UNKNOWN, reason=reason)


def unsettled(limit: Limit) -> str:
    """Why the verdict on a property is unknown."""
    if limit is Limit.FOUND:
        return "the search ended with what it sought"
    return f"limit on {limit.value}"


def judge_all(
    instance: Instance,
    declared: Property,
    found: Mapping[Elements | None, Finding],
    limit: Limit | None,
) -> PropertyResult:
    """The verdict on a property, given what a search found for each of its obligations.

    :param found: the shortest violation; for a ``sometimes``, the witness for each choice of
        its elements. It needs all of these, and the one with the longest trace is shown.
    """
    if declared.kind is not Kind.SOMETIMES or not declared.parameters:
        finding = found.get(None)
        if finding is not None and declared.kind is not Kind.SOMETIMES:
            finding = name_elements(instance, declared, finding)
        return judge(instance, declared, finding, limit)
    missing = [elements for elements in choices(instance, declared) if elements not in found]
    if missing:
        return judge(instance, declared, None, limit, missing)
    if not found:
        reason = "there is no element that it is about"
        return PropertyResult(declared, Verdict.HOLDS, reason=reason)
    finding = max(found.values(), key=lambda finding: len(finding.steps))
    return judge(instance, declared, finding, limit)


def judge(
    instance: Instance,
    declared: Property,
    finding: Finding | None,
    limit: Limit | None,
    missing: Sequence[Elements] = (),
) -> PropertyResult:
    """The verdict on a property, given the finding and what ended the search.

    :param finding: the shortest violation, or the witness of a ``sometimes``.
    :param missing: the elements that a ``sometimes`` has no witness for.
    """
    wanted = declared.kind is Kind.SOMETIMES
    if (finding is not None) == wanted:
        if wanted or limit is None:
            return PropertyResult(declared, Verdict.HOLDS, finding)
        return PropertyResult(declared, Verdict.UNKNOWN, reason=unsettled(limit))
    if wanted and limit is not None:
        return PropertyResult(declared, Verdict.UNKNOWN, reason=unsettled(limit))
    reason = declared.deviation(instance.setting) if declared.deviation else None
    if reason is not None:
        return PropertyResult(declared, Verdict.DEVIATES, finding, reason, tuple(missing))
    if wanted:
        reason = "no reachable state satisfies it"
        if missing:
            from slotspec.statemachine.formatting import formatter_of

            formatter = formatter_of(instance)
            reason += " " + " ".join(f"[{formatter.chosen(declared, one)}]" for one in missing)
        return PropertyResult(declared, Verdict.VIOLATED, None, reason, tuple(missing))
    return PropertyResult(declared, Verdict.VIOLATED, finding)


def judge_claim(instance: Instance, declared: Property, claims_result: Claims) -> PropertyResult:
    """The verdict on a ``leads to``, given the results about infinite runs."""
    if declared.name in claims_result.broken:
        return PropertyResult(declared, Verdict.UNKNOWN, reason=claims_result.broken[declared.name])
    if declared.name not in claims_result.findings:
        return judge(instance, declared, None, claims_result.limit)
    if declared.name in claims_result.vacuous:
        reason = "it never begins: no reachable state is one that it is about"
        return PropertyResult(declared, Verdict.HOLDS, reason=reason)
    return judge(instance, declared, claims_result.findings[declared.name], None)


__all__ = ["explain", "explore_interpreted", "judge", "replay"]
