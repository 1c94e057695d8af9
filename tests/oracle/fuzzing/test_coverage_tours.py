"""Generated sequences cover what they say, and the model does what they expect."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from slotspec.cli.app import build
from slotspec.models import load_model
from slotspec.oracle.conformance.compare import Outcome
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fuzzing.coverage_tours import cover
from slotspec.oracle.fuzzing.graph import reachable
from slotspec.oracle.fuzzing.targets import fuzz_target

SMALL = {**fuzz_target("slot_pool").tiny, "foreign_allocations": 0}


@pytest.mark.parametrize("what", ["states", "pairs", "transitions"])
def test_paths_are_paths_and_reach_what_they_claim(what: str) -> None:
    covering = cover(what, "1.12", SMALL)  # type: ignore[arg-type]
    (tour,) = covering.tours
    graph = reachable(tour.instance, 10_000)
    assert graph.complete
    assert covering.states == graph.states
    reached: set[object] = {0} if what == "states" else set()
    for path, goals in tour.paths:
        node, before = 0, None
        for edge in path:
            assert edge in graph.edges[node]
            node = edge.target
            if what == "states":
                reached.add(node)
            elif what == "transitions":
                reached |= edge.fired
            elif before is not None:
                reached.add((before, edge.call.action.name))
            before = edge.call.action.name
        assert goals <= reached
    assert len(reached) == covering.goals - len(covering.missing)
    assert what == "transitions" or not covering.missing


def test_a_graph_that_is_cut_off_says_so() -> None:
    instance = load_model("slot_pool").instance(SMALL, generation="1.12")
    whole, part = reachable(instance, 10_000), reachable(instance, 5)
    assert (whole.complete, part.complete) == (True, False)
    assert part.states == 5
    assert not cover("states", "1.12", SMALL, states=5).complete


def test_the_command_writes_traces_that_conform(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        build(), ["generate", "--cover", "states", "--out", str(tmp_path), "--generation", "1.13"]
    )
    assert run.exit_code == 0, run.output
    assert "184 of 184 states" in run.output
    traces = sorted((tmp_path / "1.13").glob("*.jsonl"))
    assert traces
    assert {conform(trace).outcome for trace in traces} == {Outcome.CONFORMS}


def test_the_command_does_not_claim_what_it_left_out(tmp_path: Path) -> None:
    given = ["generate", "--cover", "states", "--out", str(tmp_path), "--generation", "1.12"]
    run = CliRunner().invoke(build(), [*given, "--max-states", "20"])
    assert run.exit_code == 3
    assert "there are more than 20" in run.output
