"""Conditions on the setting, and how they combine."""

from __future__ import annotations

from typing import Any

import pytest

from slotspec.statemachine import DISABLED, Bound, Model, Record, constant, number, scalar
from slotspec.statemachine.declaration.conditions import (
    Condition,
    always,
    equals,
    exceeds,
    first_of,
    is_set,
    known,
)
from slotspec.statemachine.declaration.records import Setting
from tests.statemachine.compiler.engines import compare


def setting(**bounds: int) -> Setting:
    return Setting(bounds)


@Condition
def is_even(chosen: Setting) -> bool:
    return bool(chosen["a"] % 2 == 0)


@pytest.mark.parametrize(
    ("condition", "holds_of"),
    [
        (is_set("a"), [1, 2]),
        (~is_set("a"), [0]),
        (exceeds("a", 1), [2]),
        (equals("a", 1), [1]),
        (is_even, [0, 2]),
        (is_even & is_set("a"), [2]),
        (is_set("a") & (lambda chosen: chosen["a"] < 2), [1]),
        (equals("a", 0) | exceeds("a", 1), [0, 2]),
        (always, [0, 1, 2]),
    ],
)
def test_a_condition_holds_in_some_settings(condition: Condition, holds_of: list[int]) -> None:
    assert [a for a in range(3) if condition(setting(a=a))] == holds_of


def test_all_of_several_names_must_be_set() -> None:
    assert is_set("a", "b")(setting(a=1, b=2)) is True
    assert is_set("a", "b")(setting(a=1, b=0)) is False


def test_a_choice_comes_before_a_bound() -> None:
    assert not is_set("a")(Setting({"a": 1}, {"a": 0}))


def test_a_deviation_gives_its_reason_where_its_condition_holds() -> None:
    assert known("one", equals("a", 1))(setting(a=1)) == "one"
    assert known("one", equals("a", 1))(setting(a=2)) is None
    assert known("ever")(setting(a=0)) == "ever"


def test_the_first_reason_that_holds_is_given() -> None:
    reasons = first_of(("large", exceeds("a", 1)), ("some", is_set("a")))
    assert [reasons(setting(a=a)) for a in range(3)] == [None, "some", "large"]


class Door(Record):
    """A door that some houses have."""

    opened: int = scalar(number(is_set("doors")), "It is open.")
    exists: int = constant("There is a door.", is_set("doors"))


def test_a_condition_counts_one_where_it_holds() -> None:
    model = Model("door", "A door.", Door, bounds=(Bound("doors", "Doors.", 2, 0),))

    @model.action()
    def open_it(s: Door) -> int:
        """Somebody opens it."""
        if s.opened == s.exists:
            return DISABLED
        s.opened = s.exists
        return 0

    @model.final_states
    def anything(s: Door) -> bool:
        """Any."""
        return True

    for doors, states in ((0, 1), (2, 2)):
        instance = model.instance({"doors": doors})
        s: Any = instance.fresh()
        assert repr(s.exists) == str(min(doors, 1))
        compiled, _ = compare(instance)
        assert compiled.states == states
