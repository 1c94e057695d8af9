"""Shrinks the trace to a violation: fewer calls, then smaller arguments.

A random run makes many calls that have nothing to do with its violation. The shrinker leaves
them out in ever smaller groups (delta debugging: Zeller, Hildebrandt 2002) as long as the
interpreter still shows the same violation. It also drops calls that are refused or change
nothing once others are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import Any

from slotspec.statemachine.declaration.model import Call, Instance, Kind
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.interpreter.replay import end_of
from slotspec.statemachine.interpreter.statistics import Violation
from slotspec.statemachine.interpreter.stepping import Interpreter, fault_of, place_of
from slotspec.statemachine.interpreter.time_limit import OutOfTime, time_limit
from slotspec.statemachine.obligations import predicate_of

SECONDS = 60.0
"""Time after which the shortest trace so far is returned."""


@dataclass(frozen=True)
class Shrunk:
    """A shortened trace to a violation.

    :param minimal: whether no single call can be left out.
    :param fault: why the property cannot be evaluated, if that is the violation.
    """

    calls: tuple[Call, ...]
    minimal: bool
    fault: str | None = None


def shrink(instance: Instance, violation: Violation, seconds: float = SECONDS) -> Shrunk:
    """The shortest trace to the same violation that leaving out calls finds.

    Ctrl-C or the time limit ends it early; it returns the shortest trace so far.
    """
    calls = [instance.calls[index] for index in violation.calls]
    shrinker = _Shrinker(instance, violation, perf_counter() + seconds)
    minimal = False
    with suppress(_OutOfTime, OutOfTime, KeyboardInterrupt), time_limit(seconds):
        minimal = shrinker.run(calls)
    best = shrinker.best or calls
    return Shrunk(tuple(best), minimal, shrinker.player.fault_text(best))


class _OutOfTime(Exception):
    pass


class _Shrinker:
    def __init__(self, instance: Instance, violation: Violation, until: float) -> None:
        self.instance, self.until = instance, until
        self.player = _Player(instance, violation)
        self.best: list[Call] = []
        self.keys: list[bytes] = []
        """The state before each call of the best trace."""
        self.by_arguments = {(c.action.name, c.arguments): c for c in instance.calls}

    def run(self, calls: list[Call]) -> bool:
        """Shorten `calls`; returns whether the result is minimal."""
        if not calls:
            return True
        if not self.attempt(0, calls):
            raise RuleError(
                "RUL101",
                f"the interpreter cannot reproduce the violation found in {self.instance.title};"
                " a rule depends on something other than the state",
            )
        self.cut_loops()
        self.cut_beginning()
        while self.leave_out() or self.simplify():
            pass
        return True

    def attempt(self, keep: int, rest: Sequence[Call], since: int | None = None) -> bool:
        """Try the first calls of the best trace followed by `rest`; keep them if they violate.

        :param since: position in the best trace from which `rest` are its calls.
        """
        if perf_counter() > self.until:
            raise _OutOfTime
        start = self.keys[keep] if keep else self.player.initial
        known = () if since is None else self.keys[since:]
        played = self.player.play(start, rest, known)
        if played is None:
            return False
        calls, keys = played
        self.best = self.best[:keep] + calls
        self.keys = self.keys[:keep] + keys
        return True

    def cut_loops(self) -> None:
        """Leave out calls that only lead back to an earlier state."""
        last = {key: at for at, key in enumerate(self.keys)}
        at, calls = 0, []
        while at < len(self.best):
            at = last[self.keys[at]]
            calls.append(self.best[at])
            at += 1
        self.attempt(0, calls)

    def cut_beginning(self) -> None:
        """Try whether the last few calls are enough."""
        count = 1
        while count < len(self.best):
            if self.attempt(0, self.best[-count:]):
                return
            count *= 2

    def leave_out(self) -> bool:
        """Leave out groups of calls until no single one can go; returns whether any did."""
        before = len(self.best)
        size = max(1, before // 2)
        while size:
            length = len(self.best)
            begin = length - size
            while begin >= 0:
                self.attempt(begin, self.best[begin + size :], begin + size)
                begin = min(begin - 1 if size < 4 else begin - size, len(self.best) - size)
            if len(self.best) == length or size > 1:
                size //= 2
        return len(self.best) < before

    def simplify(self) -> bool:
        """Make arguments smaller; returns whether any became smaller."""
        done = False
        again = True
        while again:
            again = False
            for simpler in chain(self.renamed(), self.lowered()):
                if rank(simpler) < rank(self.best) and self.attempt(0, simpler):
                    done = again = True
                    break
        return done

    def renamed(self) -> Iterator[list[Call]]:
        """The best trace with two elements of a sort exchanged everywhere."""
        sorts: dict[int, Any] = {}
        for call in self.best:
            for domain in call.action.parameters.values():
                if not isinstance(domain, int):
                    sorts[id(domain)] = domain
        for domain in sorts.values():
            values = self.instance.values(domain)
            for place, larger in enumerate(values):
                for smaller in values[:place]:
                    swap = {larger: smaller, smaller: larger}
                    yield [self.exchanged(call, domain, swap) for call in self.best]

    def exchanged(self, call: Call, domain: Any, swap: dict[int, int]) -> Call:
        arguments = tuple(
            swap.get(value, value) if own is domain else value
            for own, value in zip(call.action.parameters.values(), call.arguments, strict=True)
        )
        return self.by_arguments[call.action.name, arguments]

    def lowered(self) -> Iterator[list[Call]]:
        """The best trace with one argument of one call replaced by a smaller one."""
        for at, call in enumerate(self.best):
            for place, domain in enumerate(call.action.parameters.values()):
                for value in self.instance.values(domain):
                    if value >= call.arguments[place]:
                        break
                    arguments = (*call.arguments[:place], value, *call.arguments[place + 1 :])
                    simpler = self.by_arguments[call.action.name, arguments]
                    yield [*self.best[:at], simpler, *self.best[at + 1 :]]


def rank(calls: Sequence[Call]) -> tuple[int, tuple[int, ...]]:
    """The measure that every change makes smaller."""
    return len(calls), tuple(call.index for call in calls)


class _Player:
    """Replays calls and tells whether they show the same violation."""

    def __init__(self, instance: Instance, violation: Violation) -> None:
        self.instance, self.violation = instance, violation
        self.interpreter = Interpreter(instance)
        self.before = Interpreter(instance)
        self.initial = self.interpreter.key
        self.code = violation.text.partition(":")[0]
        self.declared = instance.properties[violation.name] if violation.name else None
        self.holds = predicate_of(instance, self.declared) if self.declared else None

    def play(
        self, start: bytes, calls: Sequence[Call], known: Sequence[bytes]
    ) -> tuple[list[Call], list[bytes]] | None:
        """The calls that were taken up to the violation, and the state before each.

        :param known: the state before each of `calls` in a sequence that violates. Once the
            replay reaches one of these states, the rest is known to violate too.
        :returns: None if there is no violation, or a different fault.
        """
        interpreter = self.interpreter
        taken: list[Call] = []
        keys: list[bytes] = []
        key = start
        interpreter.load(key)
        for number, call in enumerate(calls):
            if known and key == known[number]:
                return taken + list(calls[number:]), keys + list(known[number:])
            function = interpreter.functions[call.action.name]
            try:
                outcome = function(interpreter.s, *call.arguments)
                if outcome == DISABLED:
                    if interpreter.journal or interpreter.effects:
                        interpreter.check_refusal(call)
                        interpreter.undo()
                    continue
                successor = interpreter.finish(call, outcome)
            except Exception as error:
                fault = fault_of(error, call)
                if self.violation.kind == "fault" and not self.declared and fault.code == self.code:
                    return [*taken, call], [*keys, key]
                return None
            if self.is_broken_step(key, call, outcome):
                return [*taken, call], [*keys, key]
            if successor == key:
                interpreter.undo()
                continue
            taken.append(call)
            keys.append(key)
            key = successor
            interpreter.load(key)
            if self.is_broken_state():
                return taken, keys
        if self.violation.kind == "deadlock" and self.is_stuck():
            return taken, keys
        return None

    def is_broken_step(self, key: bytes, call: Call, outcome: int) -> bool:
        """Whether the step that was just taken shows the violation."""
        declared = self.declared
        if declared is None or declared.kind is not Kind.STEP:
            return False
        if declared.on not in (None, call.action.name):
            return False
        self.before.load(key)
        return self.is_broken((self.before.s, self.interpreter.s, outcome, *call.arguments))

    def is_broken_state(self) -> bool:
        """Whether the current state shows the violation."""
        if self.declared is None or self.declared.kind is Kind.STEP:
            return False
        return self.is_broken((self.interpreter.s,))

    def is_broken(self, arguments: tuple[Any, ...]) -> bool:
        assert self.holds is not None
        try:
            holds = bool(self.holds(*arguments))
        except Exception:
            return self.violation.kind == "fault"
        return self.violation.kind == "property" and not holds

    def is_stuck(self) -> bool:
        """Whether the current state is a deadlock."""
        interpreter = self.interpreter
        for call in self.instance.calls:
            try:
                outcome = interpreter.functions[call.action.name](interpreter.s, *call.arguments)
            except Exception as error:
                fault_of(error, call)
                outcome = 0
            interpreter.undo()
            if outcome != DISABLED:
                return False
        return not interpreter.may_end()

    def fault_text(self, calls: Sequence[Call]) -> str | None:
        """Why the property cannot be evaluated after `calls`, if that is the violation."""
        if self.violation.kind != "fault" or self.declared is None or self.holds is None:
            return None
        try:
            self.holds(*end_of(self.instance, self.declared, calls))
        except Exception as error:
            return (
                f"property {self.declared.name} cannot be evaluated:"
                f" {type(error).__name__}: {error} {place_of(error)}"
            )
        return None
