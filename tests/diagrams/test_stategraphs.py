"""State graphs: counts, symmetry, the marked path, the limit."""

from __future__ import annotations

import re

import pytest

from slotspec.diagrams.formats import Format, render
from slotspec.diagrams.stategraphs import Canonical, state_graph
from slotspec.models import load_model
from slotspec.statemachine.check import check
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from tests.diagrams.samples import turnstile

SMALL = {
    "task_managers": 2,
    "requests": 1,
    "request_ids": 1,
    "foreign_allocations": 0,
    "profiles": 1,
}


def test_without_symmetry_the_graph_has_every_reachable_state() -> None:
    instance = turnstile().instance({"gates": 2, "coins": 3})
    graph = state_graph(instance, most=1000, symmetry=False)
    assert len(graph.points) == explore_interpreted(instance).states == 22
    assert max(point.depth for point in graph.points) == 6
    assert "cut off" not in graph.note


@pytest.mark.slow
def test_symmetry_gives_as_many_states_as_the_compiled_search() -> None:
    instance = load_model("slot_pool").instance(SMALL, generation="1.13")
    collapsed = state_graph(instance, most=100_000)
    plain = state_graph(instance, most=100_000, symmetry=False)
    assert len(plain.points) == explore_interpreted(instance).states
    assert len(collapsed.points) == check(instance, "compiled", symmetry=True).states
    assert len(collapsed.points) < len(plain.points)


def test_the_path_is_marked_even_beyond_the_limit() -> None:
    instance = load_model("slot_pool").instance(SMALL, generation="1.12")
    found = explore_interpreted(instance)
    finding = next(
        p.finding for p in found.properties if p.property.name == "no_request_is_forgotten"
    )
    assert finding is not None
    graph = state_graph(instance, most=3, path=finding)
    assert [p.number for p in graph.points if p.marked] == [0, 1, 2, 3]
    assert [p.number for p in graph.points if p.bad] == [3]
    assert {(m.source, m.target) for m in graph.moves if m.marked} == {(0, 1), (1, 2), (2, 3)}
    assert "further states, which are not drawn" in graph.note


def test_too_many_names_are_rejected() -> None:
    instance = load_model("slot_pool").instance({"requests": 6, "request_ids": 6})
    with pytest.raises(UsageError, match="SET051"):
        Canonical(instance)


def test_a_state_is_labelled_by_what_differs_from_the_initial_one() -> None:
    graph = state_graph(turnstile().instance({"gates": 2, "coins": 3}), symmetry=False)
    assert graph.points[0].lines == ("initial state",)
    labels = [point.lines for point in graph.points]
    assert len(set(labels)) == len(labels)
    assert ("gate[gate0]: OPEN",) in labels
    assert ("gate[gate1]: OPEN", "passed: 1", "lost: 1") in labels
    assert [point.number for point in graph.points if point.initial] == [0]


@pytest.mark.parametrize("name", ["slot_pool", "slot_manager", "logical_slot"])
def test_a_picture_of_states_is_as_wide_as_a_screen(name: str) -> None:
    drawn = render(state_graph(load_model(name).instance()), Format.svg)
    assert isinstance(drawn, str)
    size = re.search(r'<svg width="(\d+)pt"', drawn)
    assert size is not None
    assert int(size[1]) <= 1440
