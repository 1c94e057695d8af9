"""Steps that leave the protocol: each is found, with a shortest trace."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from slotspec.statemachine import (
    DISABLED,
    NONE,
    Model,
    Record,
    Result,
    RuleError,
    StepError,
    Verdict,
    check,
    emit,
    explore_interpreted,
    fire,
    number,
    scalar,
)
from slotspec.statemachine.check import Engine
from slotspec.statemachine.declaration.rules import recycle
from tests.statemachine.tiny import Lamp, Room, counter, room, says


def faulty(rule: Callable[[Room], object], last: int = 3) -> Result:
    """Search a counter with one more action, which has a fault when the count is two."""
    model = room()
    counter(model, last)

    def act(s: Room) -> object:
        """Do something at two."""
        return DISABLED if s.count != 2 else rule(s)

    model.action()(act)
    return explore_interpreted(model.instance())


def undeclared(s: Room) -> int:
    fire(s.lamp, 0, Lamp.burn)
    return 0


def too_large(s: Room) -> int:
    s.seen[1] = 2
    return 0


def scalar_too_large(s: Room) -> int:
    s.count = 9
    return 0


def negative(s: Room) -> int:
    s.count = -1
    return 0


def no_such_element(s: Room) -> int:
    s.chosen = 2
    return 0


def not_nullable(s: Room) -> int:
    s.count = NONE
    return 0


def note_left(s: Room) -> int:
    s.note[0] = 1
    return 0


def index_none(s: Room) -> int:
    s.seen[s.chosen] = 1
    return 0


def index_negative(s: Room) -> int:
    s.seen[-1] = 1
    return 0


def reads_beyond(s: Room) -> int:
    return s.seen[2]


def early_renewal(s: Room) -> int:
    fire(s.lamp, 0, Lamp.press)
    recycle(s.lamp, 0)
    return 0


def refused_late(s: Room) -> int:
    s.seen[0] = 1
    s.count = 3
    return DISABLED


def refused_with_effect(s: Room) -> int:
    emit(s, 1)
    return DISABLED


def divides(s: Room) -> int:
    return 1 // s.seen[0]


def grows(s: Room) -> int:
    s.seen.append(1)
    return 0


def misspelt(s: Room) -> int:
    s.cuont = 1  # type: ignore[attr-defined]
    return 0


def answers_nothing(s: Room) -> None:
    s.count = 3


@pytest.mark.parametrize(
    ("rule", "code", "says"),
    [
        (undeclared, "STP001", r"lamp\[0\] is OFF"),
        (early_renewal, "STP002", "its life has not ended"),
        (too_large, "STP003", r"seen\[1\] is 2; it may be 0 to 1$"),
        (scalar_too_large, "STP003", "count is 9; it may be 0 to 3"),
        (negative, "STP003", "count is -1"),
        (no_such_element, "STP003", "chosen is 2; it may be 0 to 1 or NONE"),
        (not_nullable, "STP003", "count is 65535"),
        (note_left, "STP004", r"note\[0\] is left at 1"),
        (refused_late, "STP005", r"seen\[0\] from 0 to 1"),
        (refused_with_effect, "STP005", "emitted an effect"),
        (index_none, "STP006", "in index_none, test_faults.py:"),
        (index_negative, "STP006", "index out of range"),
        (reads_beyond, "STP006", "in reads_beyond, test_faults.py:"),
        (divides, "STP006", "in divides, test_faults.py:"),
        (grows, "STP007", "seen: a rule may only assign elements"),
        (misspelt, "STP007", "s.cuont"),
        (answers_nothing, "STP008", "returned None"),
    ],
)
def test_a_fault_has_a_shortest_trace(rule: Callable[[Room], object], code: str, says: str) -> None:
    result = faulty(rule)
    assert result.fault is not None
    assert result.fault.fault is not None
    assert result.fault.fault.startswith(code)
    assert re.search(says, result.fault.fault)
    assert [call.action.name for call in result.fault.calls] == ["count_up", "count_up", "act"]
    assert result.verdict is Verdict.VIOLATED


def test_a_faulty_call_is_no_transition_and_has_no_successor() -> None:
    result = faulty(scalar_too_large)
    assert (result.states, result.transitions, result.depth) == (4, 3, 3)
    assert result.taken == {"count_up": 3, "act": 0}


def test_firings_of_a_faulty_call_are_not_counted() -> None:
    assert faulty(early_renewal).fired["Lamp", "OFF", "press"] == 0


def test_a_fault_leaves_nothing_behind_for_the_next_call() -> None:
    # act() is tried before count_up() in this model, and fails half-way
    model = room()

    def act(s: Room) -> int:
        """Change something, then fail."""
        s.seen[0] = 1
        s.count = 3
        return s.seen[5]

    model.action()(act)
    counter(model)
    result = explore_interpreted(model.instance())
    assert (result.states, result.transitions, result.depth) == (4, 3, 3)


def test_a_write_undone_before_the_refusal_is_no_change() -> None:
    def undecided(s: Room) -> int:
        s.seen[0] = 1
        s.seen[0] = 0
        return DISABLED

    result = faulty(undecided)
    assert result.fault is None
    assert (result.states, result.transitions) == (4, 3)


def swings(s: Room) -> int:
    s.count += 5
    s.count -= 5
    return 0


def swings_in_an_array(s: Room) -> int:
    s.seen[1] = 2
    s.seen[1] = 0
    return DISABLED


@pytest.mark.parametrize("rule", [swings, swings_in_an_array])
def test_a_value_may_not_leave_its_domain_within_a_step(rule: Callable[[Room], object]) -> None:
    fault = faulty(rule).fault
    assert fault is not None
    assert (fault.fault or "").startswith("STP003")


def test_a_fault_in_the_rule_after_each_step_belongs_to_the_step() -> None:
    model = room()
    counter(model)

    def tidy(s: Room) -> int:
        """Fail at three."""
        return s.seen[0 if s.count < 3 else 7]

    model.after_each_step(tidy)
    result = explore_interpreted(model.instance())
    assert result.states == 3
    assert result.fault is not None
    assert len(result.fault.steps) == 3


def test_a_rule_that_cannot_be_run_is_an_error_that_names_the_place() -> None:
    def broken(s: Room) -> int:
        return s.sene[0]  # type: ignore[attr-defined,no-any-return]

    with pytest.raises(RuleError, match=r"AttributeError: .*in broken, test_faults.py:") as caught:
        faulty(broken)
    assert caught.value.code == "RUL100"


@pytest.mark.parametrize("kind", ["always", "sometimes", "step"])
def test_a_property_that_cannot_be_evaluated_never_holds(kind: str) -> None:
    model = room()
    counter(model)

    def careless(after: Room) -> bool:
        return after.seen[0 if after.count < 2 else 7] == 2 - 2 * (kind != "sometimes")

    says(model, kind, careless)
    result = explore_interpreted(model.instance())
    assert result.properties[0].verdict is Verdict.UNKNOWN
    assert result.fault is not None
    assert "property careless cannot be evaluated" in str(result.fault.fault)
    assert len(result.fault.steps) == 2
    assert result.verdict is Verdict.VIOLATED
    assert result.states == 4


def test_final_states_that_cannot_be_evaluated_are_an_error() -> None:
    model = room()

    def careless(s: Room) -> bool:
        """Look beyond the end."""
        return s.seen[9] == 1

    model.final_states(careless)
    with pytest.raises(RuleError, match="final states of room cannot be evaluated: IndexError"):
        explore_interpreted(model.instance())


@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
@pytest.mark.parametrize("value", [4, -1, NONE])
def test_an_initial_state_out_of_its_domain_is_an_error(engine: Engine, value: int) -> None:
    class Wrong(Record):
        """One value too large."""

        count: int = scalar(number(3), "A number.", initial=value)

    wrong = Model("wrong", "Wrong.", Wrong)

    @wrong.action()
    def stay(s: Wrong) -> int:
        """Nothing changes."""
        return 0

    with pytest.raises(
        StepError, match=f"STP003: initial state of wrong: count is {value}; it may"
    ):
        check(wrong.instance(), engine)


def test_the_last_step_of_a_fault_shows_the_state_at_the_failure() -> None:
    def half_way(s: Room) -> int:
        s.seen[0] = 1
        return s.seen[5]

    finding = faulty(half_way).fault
    assert finding is not None
    assert finding.steps[-1].changed == {"seen[0]": (0, 1)}
