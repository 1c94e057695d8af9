"""The fuzzer finds bugs, shrinks their sequences, and repeats itself for the same seed."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fuzzing.differences import every_difference
from slotspec.oracle.fuzzing.lockstep import replay
from slotspec.oracle.fuzzing.rendering import mermaid, rows
from slotspec.oracle.fuzzing.run import fuzz
from slotspec.oracle.fuzzing.shrinking import shrink
from slotspec.oracle.peers.model import ModelPeer
from slotspec.oracle.slot_pool.fuzzing import reshape
from slotspec.oracle.slot_pool.strategies import Swarm
from slotspec.oracle.traces.trace import RecordedStep
from slotspec.oracle.traces.writing import write_trace
from tests.models.slot_pool.mutants import BREAKS, Break

LONGEST = 8
QUICK = (
    "unregistered offers accepted",
    "no remap",
    "repeated offer compared by task manager alone",
)
CHOSEN = [b for b in BREAKS if os.environ.get("CI") or b.name in QUICK]


def broken(which: Break, generation: str = "1.12") -> ModelPeer:
    return ModelPeer(generation, replace=dict(which.replace))


@pytest.mark.slow
@pytest.mark.parametrize("which", CHOSEN, ids=lambda b: b.name)
def test_a_broken_rule_is_found_and_made_short(which: Break, tmp_path: Path) -> None:
    outcome = fuzz(broken(which), "1.12", sequences=3_000, seconds=60)
    assert outcome.found is not None
    assert len(outcome.found.steps) <= LONGEST
    trace = tmp_path / "found.jsonl"
    write_trace(trace, outcome.found.header, outcome.found.steps)
    report = conform(trace)
    assert report.divergence is not None
    assert report.divergence.step == len(outcome.found.steps)


def test_the_model_does_not_differ_from_itself() -> None:
    outcome = fuzz(ModelPeer("1.12"), "1.12", sequences=40)
    assert outcome.found is None
    assert outcome.limit is None
    assert outcome.coverage.steps > 500
    assert len(outcome.coverage.operations) == len(outcome.coverage.possible_operations)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run() -> None:
    first, second, other = (
        fuzz(ModelPeer("1.12"), "1.12", sequences=40, seed_=seed) for seed in (5, 5, 6)
    )
    assert first.coverage == second.coverage
    assert first.coverage != other.coverage
    breaks = {b.name: b for b in BREAKS}
    found = [
        fuzz(broken(breaks["unregistered offers accepted"]), "1.12", seed_=1).found
        for _ in range(2)
    ]
    assert found[0] == found[1]


def test_the_time_limit_ends_a_run() -> None:
    outcome = fuzz(ModelPeer("1.12"), "1.12", sequences=10**6, seconds=0.5)
    assert outcome.limit == "seconds"
    assert outcome.seconds < 10


@pytest.mark.slow
def test_every_choice_between_two_generations_is_named() -> None:
    found = every_difference(ModelPeer("1.11"), "1.12", sequences=300)
    named = {kind.explained for kind in found.kinds}
    assert {("release_cause",), ("offered_slot",), ("repeated_id",)} <= named
    assert found.absent_there == ("disable_batch_slot_request_timeout_check",)
    assert found.absent_here == ()
    assert all(len(kind.found.steps) <= LONGEST for kind in found.kinds)


def test_shrinking_leaves_out_joins_and_renames() -> None:
    breaks = {b.name: b for b in BREAKS}
    peer = broken(breaks["repeated offer compared by task manager alone"])
    offer = {"allocation": "x3", "index": 1, "profile": "large"}
    sequence = [
        ("start", {}),
        ("connect_to_resource_manager", {"rm": "rm2"}),
        ("register_task_manager", {"tm": "tm2"}),
        ("offer_slots", {"tm": "tm2", "offers": [offer]}),
        ("advance_time", {"ms": 7}),
        ("offer_slots", {"tm": "tm2", "offers": [{**offer, "index": 2}]}),
    ]
    found = replay("1.12", Swarm("1.12", Random(0)).header, peer, sequence)
    assert found is not None
    small = {"allocation": "x1", "index": 0, "profile": "small"}
    assert shrink(found, "1.12", peer).operations == [
        ("start", {}),
        ("register_task_manager", {"tm": "tm1"}),
        ("offer_slots", {"tm": "tm1", "offers": [{**small, "index": 0}, {**small, "index": 1}]}),
    ]
    assert rows(found)[3][1] == "offer_slots(tm2, x3:1:large)"
    diagram = mermaid(found)
    assert diagram.startswith("sequenceDiagram\n")
    assert "tm2->>pool: offer_slots(tm2, x3:2:large)" in diagram
    assert "Note over pool: result" in diagram


def test_a_state_of_another_release_is_brought_into_shape() -> None:
    entry = {"request": "r1", "allocation": "a1"}
    step = RecordedStep(op="start", arguments={}, state={"pending": [entry]})
    newer = reshape(step, "1.12")
    assert newer.state == {"pending": [{**entry, "origin": "a1"}]}
    assert reshape(newer, "1.11").state == {"pending": [entry]}
    odd = RecordedStep(op="start", arguments={}, state={"pending": [{**entry, "origin": "a2"}]})
    assert reshape(odd, "1.11") == odd
