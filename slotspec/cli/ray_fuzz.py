"""Run the sequences of ``fuzz`` on a cluster of Ray: each batch is a task with a peer of its own.

The sequences, and what is found first, are those of a run on this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from slotspec.cli.peers import target_and_peer
from slotspec.oracle.fuzzing.coverage import Coverage
from slotspec.oracle.fuzzing.run import FuzzResult, batches, finish, no_result, one_batch
from slotspec.oracle.fuzzing.shrinking import shortened
from slotspec.oracle.peer_target import implementing
from slotspec.oracle.peers.protocol import Peer, PeerError
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.search.ray_cluster import cluster
from slotspec.statemachine.search.ray_tasks import Lost, in_order


@dataclass(frozen=True)
class Asked:
    """The peer, as the options of the command line name it, and what its sequences are like.

    :ivar folder: where the options were given; files that they name are at the same path on each
        node.
    """

    folder: str
    target: str | None
    model: str | None
    bug: str | None
    flink_jars: Path | None
    timeout: float
    generation: str
    operations: list[str] | None
    config: list[str]
    steps: int


def fuzz_on_cluster(
    on: str,
    asked: Asked,
    peer: Peer,
    model: str,
    seed: int,
    sequences: int,
    seconds: float | None,
    progress: Callable[[Coverage], None],
) -> FuzzResult:
    """Run sequences on the cluster until one diverges, and shrink that one here, on `peer`.

    :raises PeerError: if a peer fails.
    :raises InputError: ``RAY001``, ``RAY006``, ``RAY007`` if the cluster fails.
    """
    outcome = no_result(peer, model, asked.generation)
    with cluster(on) as (ray, processors):
        start = time.perf_counter()

        def late() -> bool:
            return seconds is not None and time.perf_counter() - start > seconds

        pieces = ((asked, numbers, count) for numbers, count in batches(seed, sequences))
        try:
            with closing(in_order(ray, processors, _batch, pieces, late)) as made:
                _gather(made, outcome, progress)
        except KeyboardInterrupt:
            outcome.limit = "interrupted"
        except PeerError as error:
            raise shortened(error, asked.generation, peer) from None
    if outcome.found is None and outcome.limit is None and outcome.coverage.sequences < sequences:
        outcome.limit = "seconds"
    finish(outcome, peer)
    outcome.seconds = time.perf_counter() - start
    return outcome


def _gather(
    made: Iterator[FuzzResult | Lost], outcome: FuzzResult, progress: Callable[[Coverage], None]
) -> None:
    for batch in made:
        if isinstance(batch, Lost):
            raise InputError("RAY007", f"runs are lost on the cluster: {batch.why}")
        outcome.coverage.merge(batch.coverage)
        progress(outcome.coverage)
        if batch.found is not None:
            outcome.found, outcome.original = batch.found, batch.original
            return


def _batch(asked: Asked, numbers: int, count: int) -> FuzzResult:
    """The sequences of one batch, in a process of the cluster."""
    with suppress(OSError):
        os.chdir(asked.folder)
    subject, peer = target_and_peer(
        asked.target, asked.model, asked.bug, asked.flink_jars, asked.timeout, asked.generation
    )
    try:
        peer = implementing(peer, asked.operations, subject, asked.config)
        outcome = no_result(peer, subject.model, asked.generation)
        one_batch(peer, outcome, numbers, count, asked.steps, None, time.perf_counter())
        return outcome
    finally:
        peer.close()
