"""Sequences of models whose processes send messages: each from where it leaves to where it
arrives, in the words of the model (:class:`MessageFormatter`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slotspec.diagrams.description import (
    Ended,
    Fate,
    Flight,
    Item,
    Message,
    Remark,
    Sent,
    Sequel,
    Sequence,
)
from slotspec.statemachine.formatting import for_ever
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.results import Finding, TraceStep


class MessageTracker:
    """Follows every message from step to step."""

    def __init__(self, words: MessageFormatter) -> None:
        self.formatter = words
        self.flights: list[Flight] = []
        self.channels: dict[int, list[int]] = {}

    def step(self, number: int, step: TraceStep) -> tuple[list[int], list[int]]:
        """Flights that end in a step, and flights that begin in it, by their numbers."""
        over: list[int] = []
        begun: list[int] = []
        fate = Fate.LOST if self.formatter.is_lost(step) else Fate.ARRIVES
        for one in self.formatter.deliveries(step):
            known = self.channels.get(one.channel, [])
            if one.heard:
                over.append(self._end(known[0], number, fate))
            over += [self._end(known[place], number, Fate.DROPPED) for place in one.gone]
            fresh = [self._begin(one.channel, x, number, step.after) for x in one.sent]
            begun += fresh
            self.channels[one.channel] = [known[place] for place in one.kept] + fresh
        return over, begun

    def _end(self, flight: int, number: int, fate: Fate) -> int:
        self.flights[flight] = replace(self.flights[flight], ended=number, fate=fate)
        return flight

    def _begin(self, channel: int, envelope: Any, number: int, state: Mapping[str, Any]) -> int:
        text = self.formatter.text(envelope, state)
        ends = self.formatter.ends(channel)
        self.flights.append(Flight(*ends, text, number, None, Fate.UNDER_WAY))
        return len(self.flights) - 1


def flights(words: MessageFormatter, finding: Finding, title: str, ending: str) -> Sequence:
    """A counterexample or witness with its processes as lifelines."""
    post = MessageTracker(words)
    mail = [post.step(number, step) for number, step in enumerate(finding.steps, 1)]
    lines = words.processes()
    steps = []
    for number, (step, (over, begun)) in enumerate(zip(finding.steps, mail, strict=True), 1):
        actor = words.actor(step)
        said = words.format_step(step)
        items: list[Item] = [Remark(actor or lines[0], text) for text in _begins(finding, number)]
        ended = [post.flights[flight] for flight in over]
        if not any(one.fate in (Fate.ARRIVES, Fate.LOST) for one in ended):
            # said at its process, or beside the lines where it happens at none
            own = Message(actor, actor, said.removeprefix(f"{actor} ")) if actor else None
            items.append(own or Remark(lines[0], (said,)))
        for one in ended:
            heard = one.fate in (Fate.ARRIVES, Fate.LOST)
            items.append(Ended(one, said if heard else f"{one.fate.value}: {one.text}"))
        items += [Sent(post.flights[flight]) for flight in begun]
        remarks = tuple(words.remarks(step))
        if remarks:
            items.append(Remark(actor or lines[0], remarks))
        if number == len(finding.steps):
            items += [Remark(actor or lines[0], text) for text in _begins(finding, number + 1)]
            if finding.fault:
                items.append(Remark(actor or lines[0], (finding.fault,), bad=True))
        steps.append(Sequel(number, tuple(items)))
    if not steps and finding.loop is not None:
        ending = f"{for_ever(finding)}. {ending}".strip()
    return Sequence(title, lines, tuple(steps), ending)


def _begins(finding: Finding, number: int) -> list[tuple[str, ...]]:
    """What is said before a step, or after the last one: a run goes round for ever from here."""
    going_on = for_ever(finding)
    return [(going_on,)] if going_on is not None and finding.loop == number - 1 else []
