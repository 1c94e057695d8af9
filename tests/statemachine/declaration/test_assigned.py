"""Assigning a lifecycle state is refused, or is a fault with file and line; events are fired."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from slotspec.statemachine import (
    Array,
    DeclarationError,
    Model,
    RuleError,
    fire,
    recycle,
    restart,
    scalar,
)
from slotspec.statemachine.declaration.records import Record, single
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.search.engine import explore_compiled
from tests.statemachine.tiny import Lamp, Room, anything, room


def mends(s: Room) -> int:
    s.lamp[0] = Lamp.OFF
    return 0


def adds(s: Room) -> int:
    s.lamp[0] += 1
    return 0


def swaps(s: Room) -> int:
    s.lamp[0], s.count = 1, 2
    return 0


def with_a_name(s: Room) -> int:
    lamps = s.lamp
    lamps[0] = 0
    return 0


def put(values: Array, value: int) -> None:
    values[0] = value


def in_a_helper(s: Room) -> int:
    put(s.lamp, Lamp.ON)
    return 0


def slices(s: Room) -> int:
    s.lamp[:] = [0, 0]
    return 0


def broken(rule: Callable[[Room], int]) -> Model:
    model = room()

    @model.action(lamp=2)
    def wear(s: Room, lamp: int) -> int:
        """A lamp is pressed, or breaks."""
        if s.lamp[lamp] == Lamp.BROKEN:
            return DISABLED
        fire(s.lamp, lamp, Lamp.burn if s.lamp[lamp] == Lamp.ON else Lamp.press)
        return 0

    @model.action()
    def act(s: Room) -> int:
        """Leave even a final state."""
        if s.lamp[0] != Lamp.BROKEN:
            return DISABLED
        return rule(s)

    anything(model)
    return model


RULES = [mends, adds, swaps, with_a_name, in_a_helper, slices]


@pytest.mark.parametrize("rule", RULES)
def test_it_is_a_fault_when_interpreted(rule: Any) -> None:
    at = put if rule is in_a_helper else rule
    line = at.__code__.co_firstlineno + (2 if rule is with_a_name else 1)
    result = explore_interpreted(broken(rule).instance())
    assert result.fault is not None
    text = str(result.fault.fault)
    assert text.startswith("STP010: ")
    assert f"test_assigned.py:{line}: in {at.__name__}: lamp holds lifecycle states" in text
    assert len(result.fault.steps) == 3


@pytest.mark.parametrize("rule", [mends, adds, swaps, with_a_name, in_a_helper])
def test_it_is_refused_when_compiled(rule: Any) -> None:
    model = room()

    @model.action()
    def act(s: Room) -> int:
        """Call the rule."""
        return rule(s)  # type: ignore[no-any-return]

    at = put if rule is in_a_helper else rule
    line = at.__code__.co_firstlineno + (2 if rule is with_a_name else 1)
    with pytest.raises(
        RuleError, match=rf"RUL016: .*test_assigned\.py:{line}: in {at.__name__}: .* fire an event"
    ):
        explore_compiled(model.instance())


def test_the_engine_itself_may_assign_lifecycle_states() -> None:
    s: Any = room().instance().fresh()
    fire(s.lamp, 0, Lamp.press)
    fire(s.lamp, 0, Lamp.burn)
    other = copy.deepcopy(s.lamp)
    assert (list(s.lamp), list(other)) == ([2, 0], [2, 0])
    recycle(s.lamp, 0)
    fire(s.lamp, 1, Lamp.press)
    assert list(s.lamp) == [0, 1]
    restart(s)
    assert list(s.lamp) == [0, 0]


def test_a_scalar_lifecycle_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"MDL015: .*single"):
        scalar(Lamp, "Never to be changed.")

    class Fine(Record):
        """One lamp."""

        lamp: Array = single(Lamp, "The lamp.")

    assert Fine.fields["lamp"].domain is Lamp
