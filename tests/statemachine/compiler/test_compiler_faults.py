"""The compiled search finds the same faults as the interpreted one, with equally short traces."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slotspec.statemachine import Model, Result, RuleError, Verdict, explore_interpreted, fire
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.search.engine import explore_compiled
from tests.statemachine.compiler.engines import compare
from tests.statemachine.interpreter import test_faults as faults
from tests.statemachine.tiny import Lamp, Room, counter, room, says


def faulty(rule: Callable[[Room], object], last: int = 3) -> Model:
    """A counter with one more action, which has a fault when the count is two."""
    model = room()
    counter(model, last)

    def act(s: Room) -> object:
        """Do something at two."""
        if s.count != 2:
            return DISABLED
        return rule(s)

    model.action()(act)
    return model


def both(model: Model) -> tuple[Result, Result]:
    instance = model.instance()
    return explore_compiled(instance), explore_interpreted(instance)


# the same with values that are unknown at compile time: `count` is two there


def flag_from_count(s: Room) -> int:
    s.seen[0] = s.count
    return 0


def count_beyond(s: Room) -> int:
    s.count = s.count + 2
    return 0


def count_below(s: Room) -> int:
    s.count = s.count - 3
    return 0


def count_wraps(s: Room) -> int:
    s.count = s.count + 254
    return 0


def lamp_from_count(s: Room) -> int:
    s.chosen = s.count
    return 0


def number_from_none(s: Room) -> int:
    s.count = s.chosen
    return 0


def index_from_count(s: Room) -> int:
    s.seen[s.count] = 0
    return 0


def reads_from_count(s: Room) -> int:
    return s.seen[s.count]


def index_below(s: Room) -> int:
    s.seen[s.count - 3] = 0
    return 0


def fires_beyond(s: Room) -> int:
    faults.fire(s.lamp, s.count, Lamp.press)
    return 0


def divides_by_count(s: Room) -> int:
    return 7 % (s.count - 2)


@pytest.mark.parametrize(
    "rule",
    [
        flag_from_count,
        count_beyond,
        count_below,
        count_wraps,
        lamp_from_count,
        number_from_none,
        index_from_count,
        reads_from_count,
        index_below,
        fires_beyond,
        divides_by_count,
        faults.undeclared,
        faults.early_renewal,
        faults.too_large,
        faults.scalar_too_large,
        faults.negative,
        faults.no_such_element,
        faults.not_nullable,
        faults.note_left,
        faults.index_none,
        faults.index_negative,
        faults.reads_beyond,
        faults.divides,
        faults.swings,
        faults.swings_in_an_array,
    ],
)
def test_a_fault_is_the_interpreters_fault(rule: Callable[[Room], object]) -> None:
    compiled, interpreted = both(faulty(rule))
    assert compiled.fault is not None
    assert interpreted.fault is not None
    assert compiled.fault.fault == interpreted.fault.fault
    assert compiled.fault.calls == interpreted.fault.calls
    for name in ("states", "transitions", "depth", "taken", "fired"):
        assert getattr(compiled, name) == getattr(interpreted, name)


def refusing(change: Callable[[Room], object]) -> Model:
    model = room()
    counter(model)

    def act(s: Room) -> int:
        """Refuse after a change."""
        if s.count != 2:
            return DISABLED
        change(s)
        return DISABLED

    model.action()(act)
    return model


def changes(s: Room) -> int:
    s.seen[0] = 1
    return 0


def changes_back(s: Room) -> int:
    s.seen[0] = 1
    s.seen[0] = 0
    return 0


def fires(s: Room) -> int:
    faults.fire(s.lamp, 1, Lamp.press)
    return 0


def emits(s: Room) -> int:
    faults.emit(s, 3, s.count)
    return 0


@pytest.mark.parametrize("change", [changes, fires, emits])
def test_a_refusal_after_a_change_is_a_fault(change: Callable[[Room], object]) -> None:
    compiled, interpreted = both(refusing(change))
    assert compiled.fault is not None
    assert interpreted.fault is not None
    assert compiled.fault.fault == interpreted.fault.fault
    assert compiled.fault.fault is not None
    assert compiled.fault.fault.startswith("STP005")


def test_a_change_that_is_undone_is_no_change() -> None:
    compiled, interpreted = both(refusing(changes_back))
    assert compiled.fault is None
    assert compiled.states == interpreted.states


def test_a_local_without_a_value_is_a_fault() -> None:
    def unbound(s: Room) -> int:
        for i in range(s.chosen, 2):
            last = i
        return last

    instance = faulty(unbound).instance()
    for explore in (explore_compiled, explore_interpreted):
        with pytest.raises(RuleError, match=r"RUL100: .*UnboundLocalError"):
            explore(instance)


def test_an_action_that_returns_none_is_a_fault() -> None:
    model = room()
    counter(model)

    def act(s: Room) -> int | None:
        """Forget to return a result."""
        if s.count != 2:
            return DISABLED
        s.count = 3
        return None

    model.action()(act)
    compiled, interpreted = both(model)
    assert compiled.fault is not None
    assert compiled.fault == interpreted.fault


def test_a_value_that_may_be_none_is_no_number() -> None:
    with pytest.raises(RuleError, match=r"RUL015: .*may return nothing"):
        explore_compiled(faulty(faults.answers_nothing).instance())


def test_the_search_goes_on_after_a_fault() -> None:
    compiled, interpreted = both(faulty(faults.scalar_too_large))
    assert (compiled.states, compiled.depth) == (interpreted.states, interpreted.depth) == (4, 3)


def test_a_property_that_cannot_be_evaluated_is_unknown() -> None:
    model = room()
    counter(model)

    def looks_beyond(s: Room) -> bool:
        return s.count < 2 or s.seen[s.chosen] == 0

    says(model, "always", looks_beyond)
    compiled, interpreted = both(model)
    for result in (compiled, interpreted):
        assert result.properties[0].verdict is Verdict.UNKNOWN
        assert "cannot be evaluated" in (result.properties[0].reason or "")
        assert result.fault is not None
        assert len(result.fault.steps) == 2


def test_a_step_property_that_cannot_be_evaluated_is_unknown() -> None:
    model = room()
    counter(model)

    def looks_beyond(before: Room, after: Room) -> bool:
        return after.count < 2 or after.seen[after.chosen] == 0

    says(model, "step", looks_beyond)
    compiled, interpreted = both(model)
    for result in (compiled, interpreted):
        assert result.properties[0].verdict is Verdict.UNKNOWN
        assert result.fault is not None
        assert len(result.fault.steps) == 2


def test_a_refusal_after_undone_firings_counts_no_firing() -> None:
    model = room()
    counter(model)

    @model.action()
    def wavers(s: Room) -> int:
        """On and off again."""
        fire(s.lamp, 0, Lamp.press)
        fire(s.lamp, 0, Lamp.press)
        return DISABLED

    compiled, interpreted = compare(model.instance())
    assert compiled.fired == interpreted.fired
    assert sum(compiled.fired.values()) == 0
    assert compiled.fault is None
