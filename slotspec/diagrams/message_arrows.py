"""Sequences of models whose processes send messages, with an arrow for each message.

An arrow goes from the step that sends a message to the step in which it arrives. The model's
:class:`MessageFormatter` renders the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slotspec.diagrams.description import (
    ArrowEnd,
    ArrowStart,
    Fate,
    Item,
    Message,
    MessageArrow,
    Remark,
    Sequence,
    SequenceStep,
)
from slotspec.statemachine.formatting import for_ever
from slotspec.statemachine.message_formatting import MessageFormatter
from slotspec.statemachine.results import Finding, TraceStep


class MessageTracker:
    """Follows every message from step to step."""

    def __init__(self, formatter: MessageFormatter) -> None:
        self.formatter = formatter
        self.arrows: list[MessageArrow] = []
        self.channels: dict[int, list[int]] = {}

    def step(self, number: int, step: TraceStep) -> tuple[list[int], list[int]]:
        """The numbers of the arrows that end in a step, and of those that begin in it."""
        ended: list[int] = []
        started: list[int] = []
        fate = Fate.LOST if self.formatter.is_lost(step) else Fate.ARRIVES
        for delivery in self.formatter.deliveries(step):
            known = self.channels.get(delivery.channel, [])
            if delivery.heard:
                ended.append(self._end(known[delivery.place], number, fate))
            ended += [self._end(known[place], number, Fate.DROPPED) for place in delivery.gone]
            fresh = [
                self._begin(delivery.channel, envelope, number, step.after)
                for envelope in delivery.sent
            ]
            started += fresh
            in_channel = [known[place] for place in delivery.kept]
            for place, arrow in zip(delivery.fresh, fresh, strict=True):
                in_channel.insert(place, arrow)
            self.channels[delivery.channel] = in_channel
        return ended, started

    def _end(self, arrow: int, number: int, fate: Fate) -> int:
        self.arrows[arrow] = replace(self.arrows[arrow], ended=number, fate=fate)
        return arrow

    def _begin(self, channel: int, envelope: Any, number: int, state: Mapping[str, Any]) -> int:
        text = self.formatter.text(envelope, state)
        ends = self.formatter.ends(channel)
        self.arrows.append(MessageArrow(*ends, text, number, None, Fate.IN_FLIGHT))
        return len(self.arrows) - 1


def message_sequence(
    formatter: MessageFormatter,
    finding: Finding,
    title: str,
    ending: str,
    wrong: tuple[str, ...] = (),
) -> Sequence:
    """A counterexample, witness or trace with its processes as lifelines.

    :param wrong: what is wrong after the last step.
    """
    if finding.fault:
        wrong = (*wrong, finding.fault)
    tracker = MessageTracker(formatter)
    moves = [tracker.step(number, step) for number, step in enumerate(finding.steps, 1)]
    lifelines = formatter.processes()
    steps = []
    for number, (step, (ended, started)) in enumerate(zip(finding.steps, moves, strict=True), 1):
        actor = formatter.actor(step)
        text = formatter.format_step(step)
        lifeline = actor or lifelines[0]
        items: list[Item] = [Remark(lifeline, lines) for lines in _loop_begins(finding, number)]
        arrows = [tracker.arrows[index] for index in ended]
        if not any(one.fate in (Fate.ARRIVES, Fate.LOST) for one in arrows):
            # at its process, or as a remark if it happens at none
            own = Message(actor, actor, text.removeprefix(f"{actor} ")) if actor else None
            items.append(own or Remark(lifelines[0], (text,)))
        for one in arrows:
            taken_out = one.fate in (Fate.ARRIVES, Fate.LOST)
            items.append(ArrowEnd(one, text if taken_out else f"{one.fate.value}: {one.text}"))
        items += [ArrowStart(tracker.arrows[index]) for index in started]
        remarks = tuple(formatter.remarks(step))
        if remarks:
            items.append(Remark(lifeline, remarks))
        if number == len(finding.steps):
            items += [Remark(lifeline, lines) for lines in _loop_begins(finding, number + 1)]
            if wrong:
                items.append(Remark(lifeline, wrong, bad=True))
        steps.append(SequenceStep(number, tuple(items)))
    if not steps and finding.loop is not None:
        ending = f"{for_ever(finding)}. {ending}".strip()
    return Sequence(title, lifelines, tuple(steps), ending)


def _loop_begins(finding: Finding, number: int) -> list[tuple[str, ...]]:
    """The remark before a step, or after the last one, if the loop begins here."""
    text = for_ever(finding)
    return [(text,)] if text is not None and finding.loop == number - 1 else []
