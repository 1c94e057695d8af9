"""How the sequences of one run come about: walks of the environment, inventions, and both.

Each sequence has a mixture of its own. Some keep to what the environment of the model may do
within a scope; some are made of the vocabulary alone, under a configuration that is drawn;
most are a walk into which other operations break, so that it goes on where nobody expected
it to be.
"""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from slotspec.oracle.fuzzing.environment_walks import surroundings, told
from slotspec.oracle.fuzzing.name_pool import NamesInUse
from slotspec.oracle.fuzzing.random_operations import Inventor
from slotspec.oracle.fuzzing.targets import FuzzTarget, target_of_header
from slotspec.oracle.peers.protocol import Operation
from slotspec.oracle.slot_pool.schema import SCHEMA as SLOT_POOL
from slotspec.oracle.slot_pool.strategies import Swarm
from slotspec.oracle.slot_pool.view import Situation
from slotspec.oracle.traces.trace import FORMAT, TraceHeader
from slotspec.statemachine.errors import UsageError


class Source(Protocol):
    """Where the operations of one sequence come from.

    :ivar header: what the sequence is run with.
    """

    header: TraceHeader

    def step(self, place: int, situation: Any, random: Random) -> Operation:
        """The operation at a place of the sequence."""
        ...


class Following(Protocol):
    """What a sequence has led to so far, as far as it matters for what may come next."""

    def understands(self, state: dict[str, Any]) -> bool:
        """Whether a peer's state can be followed."""
        ...

    def follow(
        self, op: str, arguments: dict[str, Any], effects: list[dict[str, Any]], state: Any
    ) -> None:
        """Take note of one step."""
        ...


def situation_of(header: TraceHeader) -> Following:
    """The situation at the begin of a sequence."""
    if header.implementation == SLOT_POOL.implementation:
        return Situation(list(header.task_managers))
    return NamesInUse(target_of_header(header))


def source(
    about: FuzzTarget,
    generation: str,
    random: Random,
    length: int,
    absent: frozenset[str] = frozenset(),
) -> Source:
    """The source of one sequence; the same numbers give the same sequence.

    :param length: of the sequence, at most.
    :param absent: operations that must not come.
    """
    if about.model == "slot_pool":
        return Swarm(generation, random, absent)
    return Mixture(about, generation, random, length, absent)


class Mixture:
    """A walk, inventions, or a walk with inventions in it.

    :param random: decides the mixture.
    """

    def __init__(
        self,
        about: FuzzTarget,
        generation: str,
        random: Random,
        length: int,
        absent: frozenset[str] = frozenset(),
    ) -> None:
        style = random.random()
        # how often an invention takes the place of the next step of the walk
        self._breaks_in = 1.0 if style < 0.3 else 0.0 if style < 0.5 else style - 0.45
        scope = random.choice(list(about.load().scopes))
        around = surroundings(about.model, generation, scope)
        try:
            self.header, walk = told(around.walk(0 if style < 0.3 else length, random))
        except UsageError:
            # what a recording has no words for; the bounds of the scope remain
            self.header, walk = told(around.walk(0, random))
        self._walk = [step for step in walk if step[0] not in absent]
        self._at = 0
        if style < 0.3:
            self.header = _drawn(about, self.header, random)
        operations = [op for op in about.schema.operations_of(generation) if op not in absent]
        hostile = random.choice((0.1, 0.3, 0.6))
        self._inventor = Inventor(about, self.header, operations, hostile, random)
        self._start: Operation | None = None
        if "start" in operations and random.random() < 0.9:
            self._start = ("start", {})

    def step(self, place: int, situation: NamesInUse, random: Random) -> Operation:
        """The next operation; the first one of inventions alone mostly starts the object."""
        if random.random() >= self._breaks_in and self._at < len(self._walk):
            self._at += 1
            return self._walk[self._at - 1]
        if place == 0 and self._start is not None:
            return self._start
        return self._inventor.operation(situation, random)


def _drawn(about: FuzzTarget, header: TraceHeader, random: Random) -> TraceHeader:
    """A header of the same release with a configuration that no scope may have."""
    if not about.profiles:
        return header
    return TraceHeader(
        format=FORMAT,
        implementation=header.implementation,
        version=header.version,
        config=about.config(random),
        profiles=dict(about.profiles),
    )
