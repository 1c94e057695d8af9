"""Sequences of operations for live peers: made, run beside the model, and made short."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotspec.bugs import Bug

EXAMPLES = 2_000
"""So many sequences look for a bug, unless asked otherwise."""


def finds_bug(bug: Bug, seed: int = 0, examples: int = EXAMPLES) -> int | None:
    """How long the shortened sequence is that tells a known bug from the healthy model.

    The fuzz knows no more of the bug than its model and generation: sequences come from every
    scope, and all that is compared is what traces tell.

    :param seed: the same seed, the same answer.
    :param examples: sequences, at most.
    :returns: None where no sequence shows it, and for a model of which no class can be run
        (:func:`can_be_fuzzed`).
    """
    from slotspec.oracle.fuzzing.bugs import find

    if not can_be_fuzzed(bug.model):
        return None
    found = find(bug, seed, examples).found
    return None if found is None else len(found.steps)


def can_be_fuzzed(model: str) -> bool:
    """Whether there is a class of this model that sequences can be run on."""
    from slotspec.oracle.fuzzing.targets import fuzzable

    return model in fuzzable()


__all__ = ["can_be_fuzzed", "finds_bug"]
