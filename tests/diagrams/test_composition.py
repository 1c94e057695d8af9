"""The composition that random walks find."""

from __future__ import annotations

import pytest

from slotspec.diagrams.composition import Dice, composition, explained, matrix, observe
from slotspec.models import load_model
from tests.diagrams.samples import turnstile


def test_the_matrix_of_a_small_model_is_complete() -> None:
    grid = matrix(observe(turnstile(), walks=20, steps=20))
    assert grid.columns == ("Turnstile", "effects")
    assert {name: [cell.lines for cell in cells] for name, cells in grid.rows} == {
        "insert": [("coin",), ("beep",)],
        "walk": [("push",), ()],
    }


def test_the_matrix_has_only_what_the_walks_saw() -> None:
    grid = matrix(observe(turnstile(), walks=1, steps=1))
    assert sum(bool(cell.lines) for _, cells in grid.rows for cell in cells) <= 2
    assert "1 of 2 declared transitions" in grid.note


def test_the_graph_has_the_content_of_the_matrix() -> None:
    seen = observe(load_model("slot_pool"), "1.12", walks=100, steps=50)
    cells = {
        (name, column, label)
        for name, row in matrix(seen).rows
        for column, cell in zip(matrix(seen).columns, row, strict=True)
        for label in cell.lines
        if column != "effects"
    }
    links = {
        (link.source, link.target, label)
        for link in composition(seen).links
        for label in link.labels
    }
    assert cells == links


@pytest.mark.slow
def test_an_edge_names_its_operations_and_the_effects_of_each_step_that_fired_it() -> None:
    seen = observe(load_model("slot_pool"), "1.12")
    arrows = {(a.source, a.event): a for a in explained(seen, ["PhysicalSlot"]).charts[0].arrows}
    assert arrows["PENDING", "cancel"].effects == ("cancel_slot_request",)
    assert arrows["AVAILABLE", "allocate"].by == ("allocate_available_slot",)
    assert arrows["AVAILABLE", "expire"].by == ("advance_time",)
    assert "request_fulfilled" in arrows["PENDING", "fulfil"].effects


def test_walks_are_the_same_every_time() -> None:
    one, two = (observe(turnstile(), walks=3, steps=5) for _ in range(2))
    assert (one.by, one.effects, one.steps) == (two.by, two.effects, two.steps)
    assert list(Dice(1).order(6)) == list(Dice(1).order(6))
    assert sorted(Dice(7).order(9)) == list(range(9))
