"""Benchmarks whose figures decide something: that they count right."""

from __future__ import annotations

import pytest

from benchmarks.independence import measure
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import Record, number, scalar
from slotspec.statemachine.declaration.rules import DISABLED, NONE

TOP = 5


class Counters(Record):
    """Two counters."""

    left: int = scalar(number(TOP), "One.")
    right: int = scalar(number(TOP), "The other.")


def counters(most: int) -> Model:
    """Two counters that go up, each to its end, or together up to `most`."""
    model = Model("counters", "Two counters.", Counters)

    @model.action()
    def up_left(s: Counters) -> int:
        """The left one goes up."""
        if s.left == TOP or (most < 2 * TOP and s.left + s.right >= most):
            return DISABLED
        s.left += 1
        return NONE

    @model.action()
    def up_right(s: Counters) -> int:
        """The right one goes up."""
        if s.right == TOP or (most < 2 * TOP and s.left + s.right >= most):
            return DISABLED
        s.right += 1
        return NONE

    @model.final_states
    def always(s: Counters) -> bool:
        """Any."""
        return True

    return model


@pytest.mark.slow
def test_stubborn_sets_leave_one_order_of_independent_steps() -> None:
    row = measure(counters(2 * TOP).instance(), 0)
    assert row is not None
    assert row.states == (TOP + 1) ** 2
    assert set(row.left.values()) == {(2 * TOP + 1, 2 * TOP + 1)}


@pytest.mark.slow
def test_an_always_property_over_both_counters_keeps_all_orders() -> None:
    model = counters(2 * TOP)

    @model.always("here")
    def small(s: Counters) -> bool:
        """Small."""
        return s.left + s.right <= 2 * TOP

    row = measure(model.instance(), 0)
    assert row is not None
    assert set(row.left.values()) == {(2 * TOP + 1, row.states)}


@pytest.mark.slow
def test_a_shared_budget_makes_steps_dependent() -> None:
    row = measure(counters(TOP).instance(), 0)
    assert row is not None
    assert row.left["fields"] == (row.states, row.states)
    assert row.left["commuting"][0] == row.states
