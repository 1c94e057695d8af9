"""Traces of checks become recordings that the oracle replays."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fuzzing.environment_walks import Environment
from slotspec.oracle.traces.export import export
from slotspec.statemachine import Limits, check
from tests.variants import fast_first, fast_only

POOL = load_model("declarative_slot_pool")
NEWEST = list(POOL.generations)[-1]
RUNS = fast_only(
    [(g, scope) for g in POOL.generations for scope in POOL.scopes],
    *((NEWEST, scope) for scope in ("core", "restarts", "balanced", "batch", "late", "pool")),
)


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(("generation", "scope"), RUNS)
def test_walks_of_every_scope_can_be_replayed(generation: str, scope: str, tmp_path: Path) -> None:
    # recordings walk hash tables in one order only
    instance = POOL.instance({"iteration_order": 0}, generation=generation, scope=scope)
    environment = Environment(instance, frozenset({"close"}))
    for seed in range(3):
        walk = environment.walk(30, Random(seed))
        lines = list(export(instance, walk))
        report = conform(write(tmp_path / f"{seed}.jsonl", lines))
        assert report.divergence is report.error is report.fault is None
        # the recording ends with the state that the model ends with
        names, after = list(lines[0]["profiles"]), walk.steps[-1].after
        for counter in ("required", "acquired"):
            counted = zip(names, after[counter], strict=True)
            assert lines[-1]["state"][counter] == [[n, c] for n, c in counted if c]


@pytest.mark.parametrize("scope", fast_first(["core", "preferences", "balanced", "pool"]))
def test_deviations_can_be_replayed(scope: str, tmp_path: Path) -> None:
    instance = POOL.instance(generation="2.3", scope=scope)
    result = check(instance, "compiled", Limits(states=3_000))
    traces = [p.finding for p in result.properties if p.finding is not None]
    assert traces
    for number, finding in enumerate(traces):
        path = write(tmp_path / f"{number}.jsonl", list(export(instance, finding)))
        assert conform(path).outcome is Conformance.CONFORMS
