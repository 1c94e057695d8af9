"""Known bugs as peers: a model that has one, held against the healthy model."""

from __future__ import annotations

from slotspec.bugs import Bug
from slotspec.oracle.fuzzing.run import DEFAULT_STEPS, Outcome, fuzz
from slotspec.oracle.fuzzing.targets import fuzz_target
from slotspec.oracle.peers.model import ModelPeer


def peer_of(bug: Bug) -> ModelPeer:
    """The model with this bug.

    :raises UsageError: ``SET112`` where its model has no class that could be run.
    """
    about = fuzz_target(bug.model)
    generation = bug.generation or about.schema.generations[-1]
    peer = ModelPeer(generation, bug.choices, bug.replace, model=bug.model)
    peer.name = f"{bug.model} with {bug.issue}"
    return peer


def find(
    bug: Bug,
    seed: int,
    examples: int,
    *,
    steps: int = DEFAULT_STEPS,
    seconds: float | None = None,
) -> Outcome:
    """Look for a bug with random sequences; see :func:`slotspec.oracle.fuzzing.finds_bug`."""
    peer = peer_of(bug)
    return fuzz(
        peer,
        peer.generation,
        model=bug.model,
        seed_=seed,
        sequences=examples,
        steps=steps,
        seconds=seconds,
    )
