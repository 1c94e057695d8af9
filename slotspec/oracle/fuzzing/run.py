"""The fuzzer: Hypothesis runs sequences on a peer and in the model until one diverges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.lockstep import Diverged, Found, Lockstep
from slotspec.oracle.fuzzing.sequence import Source
from slotspec.oracle.fuzzing.shrinking import shortened, shrink
from slotspec.oracle.fuzzing.sources import source
from slotspec.oracle.fuzzing.targets import FuzzTarget, fuzz_target
from slotspec.oracle.peers.partial import PartialPeer
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.statemachine.errors import InputError

DEFAULT_SEQUENCES = 1_000
DEFAULT_STEPS = 60
"""Longest sequence."""

# Below 100 Hypothesis draws uniformly and adds no constants of the loaded code, so that a seed
# gives the same sequence everywhere.
_SMALL = st.integers(0, 99)
_BATCH = 500
"""Sequences per call of Hypothesis, which slows down with their number."""


@dataclass(repr=False)
class FuzzResult:
    """The result of a run.

    :param found: the shortest divergence; None if there is none.
    :param original: how many steps it had before shrinking.
    :param limit: what ended the run early: ``seconds`` or ``interrupted``.
    """

    coverage: Coverage
    found: Found | None = None
    original: int = 0
    seconds: float = 0.0
    limit: str | None = None
    shrunk_in: float = field(default=0.0)

    def __repr__(self) -> str:
        run = f"{self.coverage.sequences:,} sequences, {self.coverage.steps:,} steps"
        if self.found is None:
            return f"<FuzzResult: no divergence, {run}>"
        return f"<FuzzResult: diverges at step {len(self.found.steps)}, {run}>"


class _Stop(BaseException):
    """Ends the run at once: Hypothesis does not catch it and shrinks nothing.

    :param reason: None if the time is over.
    """

    def __init__(self, reason: PeerError | None = None) -> None:
        super().__init__()
        self.reason = reason


def ignore(_: Coverage) -> None:
    """Do nothing with progress."""


def fuzz(
    peer: Peer,
    generation: str,
    *,
    model: str | None = None,
    seed_: int = 0,
    sequences: int = DEFAULT_SEQUENCES,
    steps: int = DEFAULT_STEPS,
    seconds: float | None = None,
    progress: Callable[[Coverage], None] = ignore,
    shrinking: bool = True,
) -> FuzzResult:
    """Run sequences until one diverges, and shrink that one.

    :param generation: the generation of the model to compare the peer with.
    :param model: the model of the peer's class; by default, the slot pool of that generation.
    :param seed_: the same seed gives the same sequences.
    :param sequences: the most sequences to run.
    :param steps: the most steps of a sequence.
    :param seconds: time limit; with it, the seed alone no longer determines the run.
    :raises PeerError: if the peer fails; it contains the sequence, shrunk if that was quick.
    """
    outcome = no_result(peer, model, generation)
    start = time.perf_counter()
    try:
        for numbers, count in batches(seed_, sequences):
            one_batch(peer, outcome, numbers, count, steps, seconds, start, progress)
            if outcome.found is not None or outcome.limit is not None:
                break
    except KeyboardInterrupt:
        outcome.limit = "interrupted"
    except PeerError as error:
        if not shrinking:
            raise
        raise shortened(error, generation, peer) from None
    finish(outcome, peer, shrinking)
    outcome.seconds = time.perf_counter() - start
    return outcome


def no_result(peer: Peer, model: str | None, generation: str) -> FuzzResult:
    """The result of a run without sequences."""
    target = narrowed(fuzz_target(model, generation), peer)
    return FuzzResult(Coverage(generation, target.model, target.classes))


def batches(seed_: int, sequences: int) -> Iterator[tuple[int, int]]:
    """The seed of each batch of a run, and how many sequences it has."""
    for batch in range(0, sequences, _BATCH):
        yield seed_ * 1_000_003 + batch, min(_BATCH, sequences - batch)


def finish(outcome: FuzzResult, peer: Peer, shrinking: bool = True) -> None:
    """Shrink what a run has found."""
    if outcome.found is None:
        return
    outcome.original = outcome.original or len(outcome.found.steps)
    if shrinking and outcome.limit is None:
        begun = time.perf_counter()
        outcome.found = shrink(outcome.found, outcome.coverage.generation, peer)
        outcome.shrunk_in += time.perf_counter() - begun


def one_batch(
    peer: Peer,
    outcome: FuzzResult,
    numbers: int,
    count: int,
    steps: int,
    seconds: float | None,
    start: float,
    progress: Callable[[Coverage], None] = ignore,
) -> None:
    """Run the sequences of one batch, up to the first that diverges, and add them to `outcome`.

    :raises PeerError: if the peer fails.
    """
    found: Found | None = None
    stop: _Stop | None = None
    target = narrowed(fuzz_target(outcome.coverage.model), peer)
    absent = absent_operations(peer, target)
    generation = outcome.coverage.generation

    def check_limits() -> None:
        if seconds is not None and time.perf_counter() - start > seconds and found is None:
            raise _Stop

    def sequence(steps: Source, numbers: list[int]) -> None:
        nonlocal found
        # Hypothesis repeats the sequence that diverges, which was counted before
        counted = outcome.coverage if found is None else None
        try:
            lockstep = Lockstep(generation, steps.header, peer, counted)
            for place, number in enumerate(numbers):
                with suppress(InputError):
                    lockstep.step(*steps.step(place, lockstep.view, Random(number)))
        except PeerError as error:
            raise _Stop(error) from error
        except Diverged as diverged:
            found = found or diverged.found
            raise
        if counted is not None:
            progress(counted)

    @seed(numbers)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate,),  # our own shrinking is faster, and ends as short
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        nonlocal stop
        # everything is drawn before anything runs: the draws must not depend on the peer
        mixture = Random(_number(data.draw))
        drawn = [_number(data.draw) for _ in range(1 + data.draw(_SMALL) * steps // 100)]
        try:
            check_limits()
            sequence(source(target, generation, mixture, len(drawn), absent), drawn)
        except _Stop as stopping:
            stop = stopping
            raise

    try:
        run()
    except BaseException as error:
        if stop is not None and stop.reason is not None:
            raise stop.reason from None
        if stop is None and not isinstance(error, Diverged) and found is None:
            raise
    if found is not None:
        outcome.found = found
    elif stop is not None:
        outcome.limit = "seconds"


def _number(draw: Callable[[st.SearchStrategy[int]], int]) -> int:
    return draw(_SMALL) * 100 + draw(_SMALL)


def absent_operations(peer: Peer, target: FuzzTarget) -> frozenset[str]:
    """Operations that no sequence may have: the peer does not have them.

    A peer of a known generation lacks what that generation lacks. A peer that implements only some
    operations lacks the others; those of the environment of a model of one's own, the model takes.
    """
    schemas = (target.schema, *target.schema.variants)
    known = [o for schema in schemas for o in schema.operations]
    generation = getattr(peer, "generation", None)
    absent = {o.name for o in known if generation in o.absent_in}
    if isinstance(peer, PartialPeer) and peer.operations is not None and not target.environment:
        absent |= {o.name for o in known if o.name not in peer.operations}
    return frozenset(absent)


def narrowed(target: FuzzTarget, peer: Peer) -> FuzzTarget:
    """The target with the classes and the configuration that the peer implements."""
    if not isinstance(peer, PartialPeer):
        return target
    return replace(target, classes=peer.classes, fixed=peer.config)
