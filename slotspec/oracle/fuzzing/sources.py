"""The sources of random sequences: walks of the environment, random operations, and both.

Each sequence has its own mixture. Some stay within what the environment of the model may do in a
scope. Some consist of random operations from the schema, under a random configuration. Most are
a walk with random operations in between, which leads to states that the environment alone does
not reach.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random

import msgspec

from slotspec.oracle.fuzzing.environment_walks import as_calls, environment_of
from slotspec.oracle.fuzzing.name_pool import NamePool
from slotspec.oracle.fuzzing.random_operations import RandomOperations
from slotspec.oracle.fuzzing.sequence import SequenceView, Source
from slotspec.oracle.fuzzing.targets import FuzzTarget, target_of_header
from slotspec.oracle.traces.trace import OperationCall, TraceHeader
from slotspec.statemachine.errors import InputError, UsageError


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
    """The source of one sequence; the same random numbers give the same sequence.

    :param length: the most steps of the sequence.
    :param absent: operations that must not occur.
    """
    if target.strategy is not None:
        drawn = target.strategy(generation, random, absent)
        drawn.header = target.configured(drawn.header)
        return drawn
    return MixedSource(target, generation, random, length, absent)


class MixedSource:
    """A walk, random operations, or a walk with random operations in between.

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
        style = random.random() if target.mixed else 0.4
        # how often a random operation replaces the next step of the walk
        self._breaks_in = 1.0 if style < 0.3 else 0.0 if style < 0.5 else style - 0.45
        self._mixed = target.mixed
        scopes = target.load().scopes
        finite = [name for name, scope in scopes.items() if not scope.simulation_only]
        if target.classes is not None:
            finite = [s for s in finite if _class_of(target.model, generation, s) in target.classes]
        scope = random.choice([s for s in finite for _ in range(target.weights.get(s, 1))])
        environment = environment_of(target.model, generation, scope)
        try:
            self.header, walk = as_calls(environment.walk(0 if style < 0.3 else length, random))
        except (InputError, UsageError):
            # no recording can express this walk; the bounds of the scope remain
            self.header, walk = as_calls(environment.walk(0, random))
        target = target.of(self.header.implementation)
        self._walk = [step for step in walk if step[0] not in absent]
        self._at = 0
        if style < 0.3:
            self.header = _drawn(target, self.header, generation, random)
        self.header = target.configured(in_hash_order(self.header))
        operations = [op for op in target.schema.operations_of(generation) if op not in absent]
        hostile = random.choice((0.1, 0.3, 0.6))
        self._random_operations = RandomOperations(target, self.header, operations, hostile, random)
        self._start: OperationCall | None = None
        if self._mixed and "start" in operations and random.random() < 0.9:
            self._start = ("start", {})

    def step(self, place: int, view: NamePool, random: Random) -> OperationCall:
        """The next operation. Most sequences of random operations begin by starting the object."""
        if random.random() >= self._breaks_in and self._at < len(self._walk):
            self._at += 1
            return self._walk[self._at - 1]
        if place == 0 and self._start is not None:
            return self._start
        if self._breaks_in == 0.0 and not self._mixed:
            raise InputError("TRC032", "nothing is possible any more in this walk")
        return self._random_operations.operation(view, random)


@lru_cache(maxsize=64)
def _class_of(model: str, generation: str, scope: str) -> str:
    """The class that a scope of a model is about."""
    header, _ = as_calls(environment_of(model, generation, scope).walk(0, Random(0)))
    return header.implementation


def _drawn(target: FuzzTarget, header: TraceHeader, generation: str, random: Random) -> TraceHeader:
    """A header of the same release with a random configuration."""
    if not target.profiles and target.listed is None:
        return header
    known = target.schema.config.__struct_fields__
    config = target.adapt(target.config(random), generation)
    return msgspec.structs.replace(
        header,
        config={name: value for name, value in config.items() if name in known},
        profiles=dict(target.profiles),
        profile_order=list(target.profiles) if header.profile_order else [],
        **(target.listed(random) if target.listed is not None else {}),
    )


def in_hash_order(header: TraceHeader) -> TraceHeader:
    """The header with the order of profiles that Flink's hash tables can have.

    ANY and UNKNOWN have the lowest hash values.
    """
    order = sorted(header.profile_order, key=lambda name: isinstance(header.profiles[name], dict))
    return msgspec.structs.replace(header, profile_order=order)
