"""Random walks through an instance: how calls are chosen, and the walk of the interpreter.

Each run has its own random numbers. The walk chooses a step as follows:

* It chooses between faults (``Action.fault``) and other actions by the rate of faults. If no
  action of the chosen group can be taken, it tries the other group. But in a final state the
  run ends, rather than taking a fault only because nothing else is left.
* It chooses the action first, each with the same probability, and then its arguments.
  Otherwise an action with many arguments would crowd out the others.
* It tries the action's calls in a random order and takes the first that changes the state. A
  call that is possible and changes nothing is checked too, but does not count as a step.
* If no call of the action changes the state, it chooses another action.

So all actions that can change the state have the same chance. Both engines choose in the same
way: :mod:`slotspec.statemachine.search.walk_kernels` does the same in machine code.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from slotspec.statemachine.declaration.model import Action, Call, Instance, Kind
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import RuleError
from slotspec.statemachine.interpreter.rng import (
    GOLDEN,
    LOW,
    MASK,
    REGISTERS,
    count_state,
    hash_record,
    mix,
    prime_from,
    stream,
    threshold,
)
from slotspec.statemachine.interpreter.statistics import (
    AT_REST,
    CUT,
    END,
    ENDED,
    FOUND,
    FULL,
    GOES_ON,
    NOTED,
    REST,
    Seen,
    Statistics,
    Violation,
)
from slotspec.statemachine.interpreter.stepping import Interpreter, fault_of, place_of, too_deep
from slotspec.statemachine.interpreter.time_limit import Interruptible, OutOfTime
from slotspec.statemachine.obligations import Obligation, Predicate, obligations, predicate_of


class RandomWalk:
    """Makes runs one after another; the base of both engines' random walks.

    :param steps: maximal length of a run.
    :param rate: probability of a fault at each step at which one is possible.
    :param swarm: prefer different actions in each run; see :meth:`preference`.
    """

    chunk = 500
    """Steps between two checks whether to stop."""

    def __init__(self, instance: Instance, steps: int, rate: float, swarm: bool = True) -> None:
        self.instance = instance
        self.steps = steps
        self.threshold = threshold(rate)
        self.swarm = swarm
        numbers = range(len(instance.actions))
        self.faults = [i for i in numbers if instance.actions[i].fault]
        self.regular = [i for i in numbers if not instance.actions[i].fault]
        setting = instance.setting
        self.deviating = {
            name
            for name, declared in instance.properties.items()
            if declared.deviation is not None and declared.deviation(setting) is not None
        }
        self.obligations = obligations(instance)
        self.wanted = {q.name for q in self.obligations if q.declared.kind is Kind.SOMETIMES}
        self.running = Interruptible()

    def block(self, runs: Iterable[int], seed: int, stop: Callable[[], bool]) -> Statistics:
        """Make these runs, up to the first violation.

        :param stop: whether to cut the runs short.
        """
        statistics = Statistics()
        self.reset()
        # ignore what other blocks have witnessed, because when they end depends on timing
        done: set[str] = set()
        for run in runs:
            if stop():
                break
            state = stream(seed, run)
            order, preferred = self.preference(state)
            self.begin(state, order, preferred, done)
            try:
                with self.running:
                    end = self.one(run, statistics, done, stop)
            except OutOfTime:
                end = CUT
            statistics.runs += 1
            statistics.steps += self.at
            statistics.longest = max(statistics.longest, self.at)
            statistics.ends[end] += 1
            if end == FOUND:
                break
        self.harvest(statistics)
        return statistics

    def end_now(self) -> None:
        """End the current run where it is, whatever its rules do; called by another thread."""
        self.running.interrupt()

    def preference(self, state: int) -> tuple[list[int], int]:
        """The actions of a run: preferred ones, the others, faults; how many are preferred.

        Every second run prefers nothing. In the others, each action is left out with
        probability 1/2. Then an action that ends everything does not end every run early, and
        some runs make many calls of the same few actions. (Groce and others, "Swarm testing",
        2012.)
        """
        drawn = mix(state)
        if not self.swarm or drawn & 1:
            return [*self.regular, *self.faults], len(self.regular)
        preferred: list[int] = []
        others: list[int] = []
        for number in self.regular:
            drawn = mix(drawn)
            (preferred if drawn & 1 else others).append(number)
        return [*preferred, *others, *self.faults], len(preferred)

    def one(
        self, run: int, statistics: Statistics, done: set[str], stop: Callable[[], bool]
    ) -> str:
        """Continue the current run to its end; returns what ended it."""
        while True:
            status = self.go(min(self.steps, self.at + self.chunk))
            broken: str | None = None
            for seen in self.noted():
                if seen.what in self.wanted and not seen.broken:
                    statistics.witnessed[seen.what] = (run, seen.steps)
                    done.add(seen.what)
                elif seen.broken:
                    broken = seen.what
                elif seen.what in self.deviating:
                    statistics.deviations[seen.what] += 1
                else:
                    calls = self.calls(seen.steps)
                    if seen.call is not None:
                        calls = [*calls, seen.call]
                    name = seen.what if seen.kind == "property" else broken
                    statistics.violation = Violation(seen.kind, name, run, tuple(calls), seen.text)
                    return FOUND
            if status == AT_REST:
                return REST
            if status == ENDED:
                return END
            if status == GOES_ON and self.at >= self.steps:
                return FULL
            if stop():
                return CUT

    # what each engine implements

    at: int
    """How many steps the current run has."""

    def reset(self) -> None:
        """Set all counters to zero."""
        raise NotImplementedError

    def begin(self, state: int, order: list[int], preferred: int, closed: set[str]) -> None:
        """Go to the initial state, with these random numbers and preferences."""
        raise NotImplementedError

    def go(self, until: int) -> int:
        """Continue until the run has this length, or something ends or interrupts it."""
        raise NotImplementedError

    def noted(self) -> list[Seen]:
        """What was found since the last call, in order."""
        raise NotImplementedError

    def calls(self, steps: int) -> list[int]:
        """The first steps of the current run."""
        raise NotImplementedError

    def harvest(self, statistics: Statistics) -> None:
        """Add the counters to the statistics."""
        raise NotImplementedError


Check = tuple[Obligation, Predicate]


class InterpretedWalk(RandomWalk):
    """A random walk that runs the rules in Python."""

    def __init__(self, instance: Instance, steps: int, rate: float, swarm: bool = True) -> None:
        super().__init__(instance, steps, rate, swarm)
        self.interpreter = Interpreter(instance)
        self.before = Interpreter(instance)
        self.initial = self.interpreter.key
        self.of_action: list[list[Call]] = [[] for _ in instance.actions]
        numbers = {action.name: i for i, action in enumerate(instance.actions)}
        for call in instance.calls:
            self.of_action[numbers[call.action.name]].append(call)
        self.primes = [prime_from(len(calls)) for calls in self.of_action]
        self.on_state: list[Check] = []
        self.on_step: dict[str, list[Check]] = {a.name: [] for a in instance.actions}
        for obligation in self.obligations:
            declared = obligation.declared
            check = (obligation, predicate_of(instance, declared, obligation.elements))
            if declared.kind in (Kind.ALWAYS, Kind.SOMETIMES):
                self.on_state.append(check)
            elif declared.kind is Kind.STEP:
                for name in [declared.on] if declared.on else self.on_step:
                    self.on_step[name].append(check)
        self.hash = _hasher(self.interpreter)

    def reset(self) -> None:
        self.registers = bytearray(REGISTERS)
        self.stutters = 0
        self.taken: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.fired: Counter[Any] = Counter()

    def begin(self, state: int, order: list[int], preferred: int, closed: set[str]) -> None:
        self.rng = state
        self.order, regular = order, len(self.regular)
        self.groups = [(0, preferred), (preferred, regular), (regular, len(order))]
        self.done = set(closed)
        self.key = self.initial
        self.interpreter.load(self.key)
        self.at = 0
        self.way: list[int] = []
        self.seen: list[Seen] = []

    def random(self) -> int:
        self.rng = self.rng + GOLDEN & MASK
        return mix(self.rng)

    def go(self, until: int) -> int:
        while True:
            count_state(self.registers, self.hash())
            self.look_at_state()
            if self.seen:
                return NOTED
            if self.at >= until:
                return GOES_ON
            status = self.step()
            if status is not None:
                return status

    def step(self) -> int | None:
        """Take one step; returns None if there was one, else why not."""
        self.enabled = False
        first = 2 if self.random() >> 11 < self.threshold else 0
        for group in (first, (first + 1) % 3, (first + 2) % 3):
            if group == 2 != first and self.interpreter.may_end():
                return ENDED
            low, end = self.groups[group]
            left = end - low
            while left:
                drawn = low + ((self.random() >> 32) * left >> 32)
                left -= 1
                order, last = self.order, low + left
                action = order[drawn]
                order[drawn], order[last] = order[last], action
                if group == 2 and not self.threshold:
                    if self.is_possible(action):
                        return AT_REST
                    continue
                status = self.take_one(action)
                if status is not None:
                    return None if status == GOES_ON else status
        if not self.enabled:
            self.interpreter.clear()
            if not self.interpreter.may_end():
                self.note("deadlock", "deadlock", None)
                return NOTED
            return NOTED if self.seen else ENDED
        return AT_REST

    def tries(self, action: int) -> Iterable[Call]:
        """An action's calls in a random order."""
        calls, prime = self.of_action[action], self.primes[action]
        count = len(calls)
        if count < 2:
            yield from calls
            return
        drawn = self.random()
        at = (drawn >> 32) * prime >> 32
        stride = 1 + ((drawn & LOW) * (prime - 1) >> 32)
        for _ in range(prime):
            if at < count:
                yield calls[at]
            at += stride
            if at >= prime:
                at -= prime

    def is_possible(self, action: int) -> bool:
        """Whether at least one of an action's calls is possible."""
        interpreter = self.interpreter
        function = interpreter.functions[self.instance.actions[action].name]
        for call in self.tries(action):
            try:
                outcome = function(interpreter.s, *call.arguments)
            except Exception as error:
                fault_of(error, call)
                outcome = 0
            interpreter.undo()
            if outcome != DISABLED:
                return True
        return False

    def take_one(self, action: int) -> int | None:
        """Take one of an action's calls: GOES_ON if it changed the state, None if none did."""
        interpreter = self.interpreter
        declared = self.instance.actions[action]
        function = interpreter.functions[declared.name]
        checks = self.on_step[declared.name]
        for call in self.tries(action):
            try:
                outcome = function(interpreter.s, *call.arguments)
                if outcome == DISABLED:
                    if interpreter.journal or interpreter.effects:
                        interpreter.check_refusal(call)
                        interpreter.undo()
                    continue
                self.enabled = True
                successor = interpreter.finish(call, outcome)
            except Exception as error:
                self.enabled = True
                self.note("fault", "fault", call.index, str(fault_of(error, call)))
                interpreter.undo()
                return NOTED
            self.took(declared, call, outcome, checks)
            if successor == self.key:
                self.stutters += 1
                interpreter.undo()
                if self.seen:
                    return NOTED
                continue
            self.moved[declared.name] += 1
            self.way.append(call.index)
            self.at += 1
            self.key = successor
            interpreter.load(successor)
            return GOES_ON
        return None

    def took(self, action: Action, call: Call, outcome: int, checks: list[Check]) -> None:
        """Count a call that was taken, and check the step properties on it."""
        interpreter = self.interpreter
        self.taken[action.name] += 1
        self.fired.update(interpreter.fired)
        loaded = False
        for obligation, holds in checks:
            if obligation.name in self.done:
                continue
            if not loaded:
                self.before.load(self.key)
                loaded = True
            given = (self.before.s, interpreter.s, outcome, *call.arguments)
            if not self.evaluate(obligation, holds, given, call):
                self.note(obligation.name, "property", call.index)

    def look_at_state(self) -> None:
        """Check the state properties in the current state."""
        for obligation, holds in self.on_state:
            if obligation.name in self.done:
                continue
            wanted = obligation.declared.kind is Kind.SOMETIMES
            found = self.evaluate(
                obligation, holds, (self.interpreter.s,), None, otherwise=not wanted
            )
            if found == wanted:
                self.note(obligation.name, "property", None)

    def evaluate(
        self,
        obligation: Obligation,
        holds: Predicate,
        arguments: tuple[Any, ...],
        call: Call | None,
        otherwise: bool = True,
    ) -> bool:
        """Whether a property holds; `otherwise` where it cannot be evaluated (a fault)."""
        try:
            return bool(holds(*arguments))
        except RuleError:
            raise
        except RecursionError as error:
            raise too_deep(obligation.declared.name, error) from error
        except Exception as error:
            text = (
                f"property {obligation.declared.name} cannot be evaluated:"
                f" {type(error).__name__}: {error} {place_of(error)}"
            )
            index = None if call is None else call.index
            self.note(obligation.name, "property", index, broken=True)
            self.note("fault", "fault", index, text)
            return otherwise

    def note(
        self, what: str, kind: str, call: int | None, text: str = "", broken: bool = False
    ) -> None:
        if what in self.done:
            return
        self.done.add(what)
        # a call that changed the state is counted after its check
        self.seen.append(Seen(what, kind, self.at, call, text, broken))

    def noted(self) -> list[Seen]:
        seen, self.seen = self.seen, []
        return seen

    def calls(self, steps: int) -> list[int]:
        return self.way[:steps]

    def harvest(self, statistics: Statistics) -> None:
        statistics.taken, statistics.moved = self.taken, self.moved
        statistics.registers, statistics.stutters = self.registers, self.stutters
        for lifecycle in self.instance.lifecycles.values():
            for move in lifecycle.transitions:
                key = (lifecycle.__name__, move.source.name, move.event.name)
                statistics.fired[key] = self.fired[move.event, int(move.source)]


def _hasher(interpreter: Interpreter) -> Callable[[], int]:
    """A function that hashes the current state as the compiled walk does."""
    from slotspec.statemachine.layout import WORD, Layout

    try:
        layout = Layout(interpreter.instance)
    except RuleError:
        # such a state cannot be compiled, so there is no hash to agree with
        size = len(interpreter.key) // 2
        shorts = struct.Struct(f"={size}H")
        return lambda: hash_record(shorts.unpack(interpreter.key))
    words = struct.Struct(f"<{layout.words}Q")
    return lambda: hash_record(words.unpack(layout.encode(interpreter.s)[: layout.words * WORD]))
