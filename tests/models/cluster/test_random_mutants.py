"""A random one-place mutant is made as its place says, and noticed; the script judges many."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.models.cluster.random_mutants import (
    CLUSTER,
    DATA,
    SUBJECTS,
    Place,
    Verdicts,
    drawn,
    explained,
    instance_of,
    judged,
    mutated,
    places,
    read,
    recordings_of,
)

RECORDING = DATA / "1.12.5-seed0026.jsonl.gz"


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


@pytest.mark.slow
def test_a_recording_notices_a_mutant() -> None:
    place = a_mutant("if is_done(s, share): -> if not is_done(s, share):")
    found = judged(place, "conform", [RECORDING])
    assert found.conform == RECORDING.name
    assert found.changes


@pytest.mark.slow
def test_a_search_notices_a_mutant() -> None:
    place = a_mutant("if is_done(s, share): -> if not is_done(s, share):")
    found = judged(place, "check", scopes=1)
    assert found.check == "losses: deadlock"


def test_only_what_calls_a_rule_can_notice_its_mutants() -> None:
    called = explained(RECORDING)
    assert "cluster.scheduler.is_done" in called
    assert "cluster.faults.message_is_repeated" not in called
    assert set(recordings_of(CLUSTER)).isdisjoint(recordings_of("declarative_cluster"))


@pytest.mark.parametrize(
    ("model", "scope"), [(name, scope) for name, one in SUBJECTS.items() for scope in one.scopes]
)
def test_every_scope_fits_its_model(model: str, scope: str) -> None:
    assert instance_of(scope, model).generation == SUBJECTS[model].scopes[scope][0]


def test_what_was_judged_is_read_back(tmp_path: Path) -> None:
    (place,) = drawn(1, 5)
    found = Verdicts(place, "text", changes=True, check="losses: deadlock")
    (tmp_path / "out").write_text(json.dumps(asdict(found)) + "\n")
    assert read(tmp_path / "out") == {place: found}
