"""Follows an allocation through a declared lifecycle, of which lines tell only some events.

The state of an allocation is a set of possible states: a line takes those that fit, and events
without a line may happen at any time. If no state is left, the log diverges from the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from slotspec.logs.events import Event
from slotspec.logs.facts import Answer
from slotspec.logs.known_lines import LINES
from slotspec.logs.line_kinds import Level
from slotspec.logs.views import View


@dataclass(frozen=True)
class Divergence:
    """A line that no state of the model explains."""

    view: str
    event: Event
    possible: tuple[str, ...]

    def __str__(self) -> str:
        states = ", ".join(self.possible)
        return f"{self.event.place}: {self.event.name} cannot happen in the {self.view} in {states}"


Belief = frozenset[tuple[int, int]]
"""Possible states, each with the facts that became true on the way, as bits."""


class Tracker:
    """The possible states of an allocation in one view, at one level of logging."""

    def __init__(self, view: View, hidden: frozenset[str], from_start: bool) -> None:
        self.automaton = automaton(view, hidden)
        self.view = view
        self.belief = self.automaton.start(from_start)
        self.divergence: Divergence | None = None

    def see(self, event: Event) -> None:
        """Take a line into account; after a divergence nothing is."""
        if self.divergence is not None:
            return
        after = self.automaton.step(self.belief, event.name, event.fields.get("before"))
        if not after:
            names = self.automaton.names(self.belief)
            self.divergence = Divergence(self.view.name, event, names)
            return
        self.belief = after

    def restart(self) -> None:
        """A new leader begins with nothing."""
        self.belief = self.automaton.forgotten(self.belief)

    def fact(self, name: str) -> Answer:
        """Whether a fact became true."""
        bit = 1 << list(self.view.facts).index(name)
        answers = {bool(mask & bit) for _, mask in self.belief}
        if len(answers) > 1:
            return Answer.UNDETERMINED
        return Answer.YES if True in answers else Answer.NO


class Automaton:
    """The lifecycle of a view with the events that leave no line; shared, so steps are cached."""

    def __init__(self, view: View, hidden: frozenset[str]) -> None:
        self.view = view
        self.states = view.lifecycle.states
        self.index = {state.name: int(state) for state in self.states}
        self.events = {event.name: event for event in view.lifecycle.events}
        self.bits = {
            event: 1 << number
            for number, events in enumerate(view.facts.values())
            for event in events
        }
        self.hidden = hidden
        self._steps: dict[tuple[Belief, str, str | None], Belief] = {}

    def start(self, from_start: bool) -> Belief:
        initial = int(self.view.lifecycle.initial)
        if from_start:
            return self.closure([(initial, 0)])
        masks = range(1 << len(self.view.facts))
        return frozenset((int(state), mask) for state in self.states for mask in masks)

    def forgotten(self, belief: Belief) -> Belief:
        initial = int(self.view.lifecycle.initial)
        return self.closure((initial, mask) for _, mask in belief)

    def closure(self, belief: Iterable[tuple[int, int]]) -> Belief:
        """Everything that events without a line lead to. A final state's id may be used again."""
        found = set(belief)
        todo = list(found)
        initial = int(self.view.lifecycle.initial)
        while todo:
            state, mask = todo.pop()
            nexts = [
                (self.events[name].targets[state], mask | self.bits.get(name, 0))
                for name in self.hidden
                if self.events[name].targets[state] >= 0
            ]
            if self.states[state].final:
                nexts.append((initial, mask))
            for one in nexts:
                if one not in found:
                    found.add(one)
                    todo.append(one)
        return frozenset(found)

    def step(self, belief: Belief, line: str, told: str | None) -> Belief:
        """The states that a line leads to; empty if it cannot be written."""
        key = (belief, line, told)
        known = self._steps.get(key)
        if known is None:
            known = self._steps[key] = self._step(belief, line, told)
        return known

    def _step(self, belief: Belief, line: str, told: str | None) -> Belief:
        view = self.view
        fitting = set(belief)
        if line in view.requires:
            allowed = {self.index[name] for name in view.requires[line]}
            return self.closure(one for one in fitting if one[0] in allowed)
        if told in self.index:
            # the line tells the state in which it was written
            fitting = {one for one in fitting if one[0] == self.index[told]}
        after = {
            (self.events[name].targets[state], mask | self.bits.get(name, 0))
            for state, mask in fitting
            for name in view.fires[line]
            if self.events[name].targets[state] >= 0
        }
        if line in view.tolerant:
            after |= fitting
        return self.closure(after) if after else frozenset()

    def names(self, belief: Belief) -> tuple[str, ...]:
        """The names of the possible states."""
        return tuple(self.states[number].name for number in sorted({state for state, _ in belief}))


@cache
def automaton(view: View, hidden: frozenset[str]) -> Automaton:
    """The automaton of a view."""
    return Automaton(view, hidden)


def hidden_events(
    view: View, version: str | None, level_of: Callable[[str], Level]
) -> frozenset[str]:
    """The events of a view that leave no line at the levels of its loggers."""
    told = {
        event
        for line, events in view.fires.items()
        if any(kind.level >= level_of(kind.logger) for kind in LINES.deciding(line, version))
        for event in events
    }
    told.difference_update(view.quiet)
    return frozenset(event.name for event in view.lifecycle.events if event.name not in told)
