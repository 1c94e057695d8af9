"""Finds every kind of difference between a peer and the model, each with a short sequence.

The run continues after a divergence. Two divergences are of one kind if they begin in the same
part of the same operation. If the peer is another generation of the model, they must also have
the same explanation: the choice of that generation which alone makes the model do what the peer
does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any

from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.lockstep import Diverged, Found, Lockstep, replay
from slotspec.oracle.fuzzing.run import absent_operations, ignore, narrowed
from slotspec.oracle.fuzzing.shrinking import shrink
from slotspec.oracle.fuzzing.sources import source
from slotspec.oracle.fuzzing.targets import FuzzTarget, fuzz_target, target_of_header
from slotspec.oracle.peers.model import ModelPeer
from slotspec.oracle.peers.protocol import Peer
from slotspec.statemachine.errors import InputError


@dataclass
class DifferenceKind:
    """One kind of difference.

    :param explained: see :func:`explained_by`; empty if nothing explains it.
    :param count: number of sequences whose first divergence it is.
    """

    explained: tuple[str, ...]
    found: Found
    count: int = 1


@dataclass
class Differences:
    """The result of a run.

    :param combined: number of sequences that began with several of the listed kinds at once.
    :param absent_there: operations that the model has and the peer does not.
    :param absent_here: operations that the peer has and the model does not.
    """

    coverage: Coverage
    kinds: list[DifferenceKind]
    combined: int
    seconds: float
    absent_there: tuple[str, ...]
    absent_here: tuple[str, ...]


def choices_between(here: str, there: str, model: str) -> dict[str, Any]:
    """Choices of generation `there` that differ from those of `here`, with their values."""
    generations = fuzz_target(model).load().generations
    mine, theirs = generations[here], generations[there]
    return {
        name: value
        for name, value in theirs.items()
        if value != mine[name] and not name.startswith("can_")
    }


def explained_by(found: Found, generation: str, other: str) -> tuple[str, ...]:
    """The choices of `other` that make the model do what the peer did in every step.

    Each of them does so alone. If no single choice does, each is a pair such as
    ``removal + repeated_id``.
    """
    model = target_of_header(found.header).model
    switched = choices_between(generation, other, model)
    for size in (1, 2):
        answers = []
        for names in combinations(switched, size):
            choices = {name: switched[name] for name in names}
            peer = ModelPeer(generation, choices, model=model)
            there = replay(generation, found.header, peer, found.operations)
            if there is not None and there.differences == found.differences:
                answers.append(" + ".join(names))
        if answers:
            return tuple(answers)
    return ()


def every_difference(
    peer: Peer,
    generation: str,
    *,
    model: str | None = None,
    seed_: int = 0,
    sequences: int = 1_000,
    steps: int = 60,
    seconds: float | None = None,
    progress: Callable[[Coverage], None] = ignore,
) -> Differences:
    """Run all sequences and keep the shortest of each kind.

    :param generation: the generation of the model to compare the peer with.
    :param model: the model of the peer's class; by default, the slot pool of that generation.
    :raises PeerError: if the peer fails; it contains the sequence.
    """
    start = time.perf_counter()
    target = narrowed(fuzz_target(model, generation), peer)
    known = target.schema.generations
    other = getattr(peer, "generation", None)
    comparable = other if other in known and other != generation else None
    coverage = Coverage(generation, target.model, target.classes)
    absent = absent_operations(peer, target)
    kinds: dict[tuple[str, ...], DifferenceKind] = {}
    for number in range(sequences):
        if seconds is not None and time.perf_counter() - start > seconds:
            break
        random = Random(seed_ * 1_000_003 + number)
        found = _sequence(peer, target, random, steps, absent, coverage)
        progress(coverage)
        if found is None:
            continue
        explained = explained_by(found, generation, comparable) if comparable else ()
        key = explained or _place(found)
        if key in kinds:
            kinds[key].count += 1
        if key not in kinds or len(found.steps) < len(kinds[key].found.steps):
            count = kinds[key].count if key in kinds else 1
            kinds[key] = DifferenceKind(explained, found, count)
    combined = _without_combinations(kinds)
    for kind in kinds.values():
        kind.found = _short(kind, generation, comparable, peer)
    ordered = sorted(kinds.values(), key=lambda kind: (kind.explained, len(kind.found.steps)))
    operations = target.schema.operations
    mine = frozenset(o.name for o in operations if generation in o.absent_in)
    return Differences(
        coverage,
        ordered,
        combined,
        time.perf_counter() - start,
        tuple(sorted(absent - mine)),
        tuple(sorted(mine - absent)) if other in known else (),
    )


def _without_combinations(kinds: dict[tuple[str, ...], DifferenceKind]) -> int:
    """Drop kinds that only combine others; returns how many sequences had them."""
    alone = {key[0] for key, kind in kinds.items() if kind.explained and len(key) == 1}
    alone = {choice for choice in alone if " + " not in choice}
    dropped = 0
    for key, kind in list(kinds.items()):
        mixed = len(key) > 1 or any(" + " in answer for answer in key)
        parts = {part for answer in key for part in answer.split(" + ")}
        if kind.explained and mixed and parts <= alone:
            dropped += kinds.pop(key).count
    return dropped


def _place(found: Found) -> tuple[str, ...]:
    path = found.differences[0].path if found.differences else "fault"
    place = "".join("*" if c.isdigit() else c for c in path)
    return (found.steps[-1].op, place)


def _sequence(
    peer: Peer,
    target: FuzzTarget,
    random: Random,
    steps: int,
    absent: frozenset[str],
    coverage: Coverage,
) -> Found | None:
    steps_ = source(target, coverage.generation, random, steps, absent)
    lockstep = Lockstep(coverage.generation, steps_.header, peer, coverage)
    try:
        for place in range(random.randint(1, steps)):
            with suppress(InputError):
                lockstep.step(*steps_.step(place, lockstep.view, random))
    except Diverged as diverged:
        return diverged.found
    return None


def _short(kind: DifferenceKind, generation: str, other: str | None, peer: Peer) -> Found:
    place = _place(kind.found)

    def same(found: Found) -> bool:
        if other is not None and explained_by(found, generation, other) != kind.explained:
            return False
        return bool(kind.explained) or _place(found) == place

    return shrink(kind.found, generation, peer, accept=same)
