"""A random one-place mutant is made as its place says, and noticed; the script judges many."""

from __future__ import annotations

import pytest

from tests.models.cluster.random_mutants import (
    RECORDINGS,
    Place,
    drawn,
    judged,
    mutated,
    places,
)


def a_mutant(text: str) -> Place:
    """The place whose change reads like this."""
    return next(place for place in places() if text in mutated(place)[2])


def test_every_place_can_be_changed() -> None:
    everywhere = places()
    assert len(everywhere) > 800
    assert {place.kind for place in everywhere} == {"comparison", "negation", "dropped"}
    for place in drawn(40, 7):
        original, mutant, text = mutated(place)
        assert mutant.__name__ == original.__name__
        assert mutant.__code__.co_code != original.__code__.co_code or "dropped" not in text


def test_draws_with_a_seed_are_the_same() -> None:
    assert drawn(10, 3) == drawn(10, 3) != drawn(10, 4)


def test_a_recording_notices_a_mutant() -> None:
    place = a_mutant("if is_done(s, share): -> if not is_done(s, share):")
    found = judged(place, "conform", RECORDINGS[:1])
    assert found.conform == RECORDINGS[0].name
    assert found.changes


@pytest.mark.slow
def test_a_search_notices_a_mutant() -> None:
    place = a_mutant("if is_done(s, share): -> if not is_done(s, share):")
    assert judged(place, "check").check == "cancels: the_job_finishes"
