"""Fuzzing: random sequences of operations run on a peer and in the model, then shrunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotspec.bugs import Bug

EXAMPLES = 2_000
"""Default number of sequences in a search for a bug."""


def finds_bug(bug: Bug, seed: int = 0, examples: int = EXAMPLES) -> int | None:
    """Length of the shrunk sequence that distinguishes a known bug from the healthy model.

    The fuzzer knows only the model and the generation of the bug. Its sequences come from all
    scopes, and it compares only what traces contain.

    :param seed: the same seed gives the same answer.
    :param examples: the most sequences to try.
    :returns: None if no sequence shows the bug, and for a model that no single class implements
        (see :func:`can_be_fuzzed`).
    """
    from slotspec.oracle.fuzzing.bugs import find

    if not can_be_fuzzed(bug.model):
        return None
    found = find(bug, seed, examples).found
    return None if found is None else len(found.steps)


def can_be_fuzzed(model: str) -> bool:
    """Whether a class implements this model, so that sequences can run on it."""
    from slotspec.oracle.fuzzing.targets import fuzzable

    return model in fuzzable()


__all__ = ["can_be_fuzzed", "finds_bug"]
