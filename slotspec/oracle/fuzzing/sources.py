"""How the sequences of one run come target: walks of the environment, inventions, and both.

Each sequence has a mixture of its own. Some keep to what the environment of the model may do
within a scope; some are made of the vocabulary alone, under a configuration that is drawn;
most are a walk into which other operations break, so that it goes on where nobody expected
it to be.
"""

from __future__ import annotations

from random import Random

from slotspec.oracle.fuzzing.environment_walks import surroundings, told
from slotspec.oracle.fuzzing.name_pool import NamePool
from slotspec.oracle.fuzzing.random_operations import RandomOperations
from slotspec.oracle.fuzzing.sequence import SequenceView, Source
from slotspec.oracle.fuzzing.targets import FuzzTarget, target_of_header
from slotspec.oracle.traces.trace import FORMAT, OperationCall, TraceHeader
from slotspec.statemachine.errors import UsageError


def view_of(header: TraceHeader) -> SequenceView:
    """The view at the start of a sequence."""
    target = target_of_header(header)
    return NamePool(target) if target.view is None else target.view(header)


def source(
    target: FuzzTarget,
    generation: str,
    random: Random,
    length: int,
    absent: frozenset[str] = frozenset(),
) -> Source:
    """The source of one sequence; the same numbers give the same sequence.

    :param length: of the sequence, at most.
    :param absent: operations that must not come.
    """
    if target.strategy is not None:
        return target.strategy(generation, random, absent)
    return MixedSource(target, generation, random, length, absent)


class MixedSource:
    """A walk, inventions, or a walk with inventions in it.

    :param random: decides the mixture.
    """

    def __init__(
        self,
        target: FuzzTarget,
        generation: str,
        random: Random,
        length: int,
        absent: frozenset[str] = frozenset(),
    ) -> None:
        style = random.random()
        # how often an invention takes the place of the next step of the walk
        self._breaks_in = 1.0 if style < 0.3 else 0.0 if style < 0.5 else style - 0.45
        scope = random.choice(list(target.load().scopes))
        around = surroundings(target.model, generation, scope)
        try:
            self.header, walk = told(around.walk(0 if style < 0.3 else length, random))
        except UsageError:
            # what a recording has no words for; the bounds of the scope remain
            self.header, walk = told(around.walk(0, random))
        self._walk = [step for step in walk if step[0] not in absent]
        self._at = 0
        if style < 0.3:
            self.header = _drawn(target, self.header, random)
        operations = [op for op in target.schema.operations_of(generation) if op not in absent]
        hostile = random.choice((0.1, 0.3, 0.6))
        self._inventor = RandomOperations(target, self.header, operations, hostile, random)
        self._start: OperationCall | None = None
        if "start" in operations and random.random() < 0.9:
            self._start = ("start", {})

    def step(self, place: int, view: NamePool, random: Random) -> OperationCall:
        """The next operation; the first one of inventions alone mostly starts the object."""
        if random.random() >= self._breaks_in and self._at < len(self._walk):
            self._at += 1
            return self._walk[self._at - 1]
        if place == 0 and self._start is not None:
            return self._start
        return self._inventor.operation(view, random)


def _drawn(target: FuzzTarget, header: TraceHeader, random: Random) -> TraceHeader:
    """A header of the same release with a configuration that no scope may have."""
    if not target.profiles:
        return header
    return TraceHeader(
        format=FORMAT,
        implementation=header.implementation,
        version=header.version,
        config=target.config(random),
        profiles=dict(target.profiles),
    )
