"""The interpreted search: exact counts, shortest traces, verdicts, coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from examples import turnstile, two_phase_commit
from slotspec.statemachine import (
    DISABLED,
    NONE,
    Array,
    Kind,
    Model,
    Result,
    RuleError,
    Verdict,
    emit,
    explore_interpreted,
    fire,
    replay,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.substitute import substitute
from tests.statemachine.interpreter import elsewhere
from tests.statemachine.tiny import LAMPS, Lamp, Room, anything, counter, room, says


def explore(model: Model, **bounds: int) -> Result:
    return explore_interpreted(model.instance(bounds))


def verdicts(result: Result) -> dict[str, Verdict]:
    return {found.property.name: found.verdict for found in result.properties}


def counts(result: Result) -> tuple[int, int, int]:
    return result.states, result.transitions, result.depth


def press(s: Room, lamp: int) -> int:
    """Press the switch of a lamp."""
    if s.lamp[lamp] == Lamp.BROKEN:
        return DISABLED
    fire(s.lamp, lamp, Lamp.press)
    return lamp


def burn(s: Room, lamp: int) -> int:
    """A lamp burns out."""
    if s.lamp[lamp] != Lamp.ON:
        return DISABLED
    fire(s.lamp, lamp, Lamp.burn)
    return lamp


def lamps() -> Model:
    model = room()
    model.action(lamp=LAMPS)(press)
    model.action(lamp=LAMPS)(burn)
    return model


def test_counts_of_two_phase_commit_are_those_of_the_literature() -> None:
    # distinct states of the same protocol for 3, 4 and 5 managers as TLC counts them
    for managers, expected in ((3, (288, 809, 10)), (4, (1568, 5633, 13)), (5, (8832, 38625, 16))):
        result = explore(two_phase_commit.model, managers=managers)
        assert counts(result) == expected
        assert result.verdict is Verdict.HOLDS


def test_counts_of_the_turnstile() -> None:
    result = explore(turnstile.model)
    assert counts(result) == (22, 40, 6)
    assert set(verdicts(result).values()) == {Verdict.HOLDS}


def test_counts_include_self_loops_and_the_initial_state() -> None:
    model = room()

    def look(s: Room) -> int:
        """Look around, which changes nothing."""
        return 0

    model.action()(look)
    assert counts(explore(model)) == (1, 1, 0)


def test_each_lamp_is_independent() -> None:
    model = lamps()
    anything(model)
    result = explore(model)
    # 3 x 3 states; each OFF lamp has one call, each ON lamp two
    assert counts(result) == (9, 18, 4)
    assert result.taken == {"press": 12, "burn": 6}
    assert result.fired == {
        ("Lamp", "OFF", "press"): 6,
        ("Lamp", "ON", "press"): 6,
        ("Lamp", "ON", "burn"): 6,
    }
    assert result.dead == []


def test_a_transition_that_nothing_fires_is_dead() -> None:
    model = room()
    model.action(lamp=LAMPS)(press)
    assert explore(model).dead == [("Lamp", "ON", "burn")]


def test_a_state_without_successor_is_a_deadlock() -> None:
    result = explore(lamps())
    assert result.verdict is Verdict.VIOLATED
    assert result.deadlock is not None
    assert [str(call) for call in result.deadlock.calls] == [
        "press(lamp=0)",
        "press(lamp=1)",
        "burn(lamp=0)",
        "burn(lamp=1)",
    ]


def test_a_state_may_be_declared_final() -> None:
    model = lamps()

    def dark(s: Room) -> bool:
        """Every lamp is broken."""
        return all(state == Lamp.BROKEN for state in s.lamp)

    model.final_states(dark)
    result = explore(model)
    assert result.deadlock is None
    assert result.verdict is Verdict.HOLDS


def test_a_violation_of_always_has_a_shortest_trace_and_does_not_end_the_search() -> None:
    model = room()
    counter(model)

    def below_two(s: Room) -> bool:
        return s.count < 2

    def below_three(s: Room) -> bool:
        return s.count < 3

    says(model, "always", below_two)
    says(model, "always", below_three)
    result = explore(model)
    assert counts(result) == (4, 3, 3)
    assert verdicts(result) == {"below_two": Verdict.VIOLATED, "below_three": Verdict.VIOLATED}
    lengths = [len(p.finding.steps) for p in result.properties if p.finding]
    assert lengths == [2, 3]


def test_the_initial_state_is_checked_too() -> None:
    model = room()
    counter(model)

    def counted(s: Room) -> bool:
        return s.count > 0

    says(model, "always", counted)
    (found,) = explore(model).properties
    assert found.verdict is Verdict.VIOLATED
    assert found.finding is not None
    assert found.finding.steps == ()


def test_a_step_property_sees_before_after_result_arguments_and_effects() -> None:
    model = lamps()
    anything(model)

    def ring(s: Room, lamp: int) -> int:
        """Press the bell beside a lamp."""
        emit(s, 7, lamp)
        return lamp + 40

    model.action(lamp=LAMPS)(ring)

    def rings(before: Room, after: Room, result: int, lamp: int) -> bool:
        told = tuple(after.effects)
        return result == 40 + lamp and told == ((7, lamp, NONE, NONE, NONE),)

    def presses(before: Room, after: Room, result: int, lamp: int) -> bool:
        return before.lamp[lamp] == Lamp.OFF and after.lamp[lamp] == Lamp.ON

    says(model, "step", rings, on=ring)
    says(model, "step", presses, on=press)
    result = explore(model)
    assert result.taken["ring"] > 0
    assert verdicts(result) == {"rings": Verdict.HOLDS, "presses": Verdict.VIOLATED}
    found = result.properties[1].finding
    assert found is not None
    assert [str(call) for call in found.calls] == ["press(lamp=0)", "press(lamp=0)"]


def yields(s: Room) -> Any:
    return (count < 0 for count in (s.count,))


def collects(s: Room) -> Any:
    return [count < 0 for count in (s.count,)]


def explains(s: Room) -> Any:
    return s.count < 0, "The count is negative."


def state_itself(s: Room) -> Any:
    return s


@pytest.mark.parametrize("answer", [yields, collects, explains, state_itself])
@pytest.mark.parametrize("kind", ["always", "sometimes", "leads_to", "promised", "final"])
def test_a_property_answers_with_a_number(kind: str, answer: Callable[[Room], Any]) -> None:
    model = room()
    counter(model)

    def anywhere(s: Room) -> bool:
        """Always so."""
        return s.count >= 0

    def nowhere(s: Room) -> bool:
        """Never so."""
        return s.count < 0

    answer.__doc__ = "It holds."
    if kind == "leads_to":
        model.leads_to("here", nowhere)(answer)
    elif kind == "promised":
        model.leads_to("here", answer)(anywhere)
    elif kind == "final":
        model.final = None
        model.final_states(answer)
    else:
        getattr(model, kind)("here")(answer)
    with pytest.raises(
        RuleError, match=rf"RUL007: .*\.py:\d+: in {answer.__name__}: it returns a "
    ):
        explore(model)


@pytest.mark.parametrize("state", ["before", "after"])
def test_a_property_changes_no_state_for_those_after_it(state: str) -> None:
    model = lamps()
    anything(model)

    def forgets(before: Room, after: Room) -> bool:
        seen = (before if state == "before" else after).seen
        seen[0] = 1 - seen[0]
        return True

    says(model, "step", forgets)
    with pytest.raises(
        RuleError, match=r"RUL009: .*\.py:\d+: in forgets: a property may not change"
    ):
        explore(model)


def test_a_step_property_without_action_is_checked_for_all_actions() -> None:
    model = lamps()
    anything(model)

    def never_burns(before: Room, after: Room) -> bool:
        return sum(v == Lamp.BROKEN for v in after.lamp) == 0

    says(model, "step", never_burns)
    (found,) = explore(model).properties
    assert found.finding is not None
    assert len(found.finding.steps) == 2


def test_sometimes_holds_with_a_witness_and_is_violated_without() -> None:
    model = room()
    counter(model)

    def two(s: Room) -> bool:
        return s.count == 2

    def four(s: Room) -> bool:
        return s.count == 4

    says(model, "sometimes", two)
    says(model, "sometimes", four)
    with_witness, without = explore(model).properties
    assert with_witness.verdict is Verdict.HOLDS
    assert with_witness.finding is not None
    assert len(with_witness.finding.steps) == 2
    assert without.verdict is Verdict.VIOLATED
    assert without.finding is None


def test_a_known_deviation_has_its_own_verdict() -> None:
    model = room()
    counter(model)

    def below_two(s: Room) -> bool:
        return s.count < 2

    def never(s: Room) -> bool:
        return s.count > 9

    says(model, "always", below_two, deviation=lambda setting: "it counts on")
    says(model, "sometimes", never, deviation=lambda setting: "it cannot")
    result = explore(model)
    assert [(p.verdict, p.reason) for p in result.properties] == [
        (Verdict.DEVIATES, "it counts on"),
        (Verdict.DEVIATES, "it cannot"),
    ]
    assert result.properties[0].finding is not None
    assert result.verdict is Verdict.HOLDS


def test_a_deviation_for_other_settings_excuses_nothing() -> None:
    model = room()
    counter(model)

    def below_two(s: Room) -> bool:
        return s.count < 2

    says(model, "always", below_two, deviation=lambda setting: None)
    assert explore(model).verdict is Verdict.VIOLATED


def test_after_each_step_rule_runs_after_taken_calls_only() -> None:
    model = room()
    counter(model, last=1)

    def tidy(s: Room) -> int:
        """Look at the lamp of that number."""
        s.chosen = s.count
        s.note[0] = 0
        return 0

    model.after_each_step(tidy)
    result = explore(model)
    assert counts(result) == (2, 1, 1)
    (step,) = replay(result.instance, [result.instance.calls[0]])
    assert step.changed == {"chosen": (NONE, 1), "count": (0, 1)}


def helper(s: Room) -> int:
    """How much to add."""
    return 1


def twice(s: Room) -> int:
    """How much to add instead."""
    return 2


def add(s: Room) -> int:
    """Count on."""
    if s.count + helper(s) > 3:
        return DISABLED
    s.count += helper(s)
    return 0


def test_replaced_rules_are_run_in_actions_and_properties() -> None:
    model = room()
    model.action()(add)
    anything(model)

    def even(s: Room) -> bool:
        return s.count % 2 == 0

    says(model, "always", even)
    assert explore(model).verdict is Verdict.VIOLATED
    replaced = explore_interpreted(model.instance(replace={helper: twice}))
    assert counts(replaced) == (2, 1, 1)
    assert replaced.verdict is Verdict.HOLDS


def test_properties_see_replaced_rules_too() -> None:
    model = room()
    counter(model)

    def small(s: Room) -> bool:
        return s.count + helper(s) <= 4

    says(model, "always", small)
    assert explore(model).verdict is Verdict.HOLDS
    replaced = explore_interpreted(model.instance(replace={helper: twice}))
    assert replaced.verdict is Verdict.VIOLATED


def test_a_state_has_no_effects() -> None:
    model = room()
    anything(model)

    def ring(s: Room) -> int:
        """Ring the bell once."""
        if s.count == 1:
            return DISABLED
        s.count = 1
        emit(s, 7)
        return 0

    model.action()(ring)

    def silent(s: Room) -> bool:
        return rings(s) == 0

    def rings(s: Room) -> int:
        return sum(1 for e in s.effects if e.kind == 7)

    says(model, "always", silent)
    assert explore(model).verdict is Verdict.HOLDS

    def never_rings(s: Room) -> bool:
        return not s.effects

    # it would hold of every model
    says(model, "always", never_rings)
    with pytest.raises(RuleError, match="RUL014"):
        explore(model)


def test_undoing_a_step_that_writes_twice_restores_the_first_value() -> None:
    model = room()
    anything(model)

    def count_two(s: Room) -> int:
        """Count twice in one step."""
        if s.count > 1:
            return DISABLED
        for i in range(2):
            s.count += 1
            s.seen[0] = i
        return 0

    def count_one(s: Room) -> int:
        """Count once."""
        if s.count > 1:
            return DISABLED
        s.count += 1
        return 0

    model.action()(count_two)
    model.action()(count_one)
    # (count, seen[0]): 00 -> 21, 10; 10 -> 31, 20
    assert counts(explore(model)) == (5, 4, 2)


def test_a_trace_has_states_and_effects_of_each_step() -> None:
    instance: Instance = turnstile.model.instance({"gates": 1})
    insert = instance.calls[0]
    first, second = replay(instance, [insert, insert])
    assert first.before == {"gate": [0], "passed": 0, "lost": 0}
    assert first.changed == {"gate[0]": (0, 1)}
    assert first.effects == ()
    assert second.before == first.after
    assert second.effects == ((0, 0, NONE, NONE, NONE),)


def test_a_refused_call_replays_as_a_step_that_changes_nothing() -> None:
    instance = turnstile.model.instance({"gates": 1})
    walk = instance.calls[1]
    (step,) = replay(instance, [walk])
    assert step.result == DISABLED
    assert step.changed == {}


def test_properties_may_apply_to_some_settings_only() -> None:
    model = room()
    counter(model)

    def below_two(s: Room) -> bool:
        return s.count < 2

    says(model, "always", below_two, when=lambda setting: setting["lamps"] > 2)
    assert explore(model).properties == []
    assert [p.property.kind for p in explore(model, lamps=3).properties] == [Kind.ALWAYS]


def test_arrays_can_be_passed_to_helpers() -> None:
    model = room()
    anything(model)

    def mark(seen: Array, i: int) -> int:
        """Note that element `i` was seen."""
        seen[i] = 1
        return i

    def look(s: Room, lamp: int) -> int:
        """Look at a lamp."""
        return mark(s.seen, lamp)

    model.action(lamp=LAMPS)(look)
    assert counts(explore(model)) == (4, 8, 2)


def test_rules_called_through_a_module_are_replaced() -> None:
    model = room()

    def through(s: Room) -> int:
        """Add the result of a helper in another module."""
        if s.count + elsewhere.step_width(s) > 3:
            return DISABLED
        s.count += elsewhere.step_width(s)
        return 0

    def wide(s: Room) -> int:
        return 3

    model.action()(through)
    anything(model)
    assert counts(explore(model))[0] == 4
    replaced = model.instance(replace={elsewhere.step_width: wide})
    assert counts(explore_interpreted(replaced))[0] == 2


def countdown(s: Room, n: int) -> int:
    """Count the steps recursively."""
    if n == 0:
        return 0
    return elsewhere.step_width(s) + countdown(s, n - 1)


def slow(s: Room) -> int:
    """What the helper asks."""
    return 1


def asking(s: Room) -> int:
    """Asks another."""
    return slow(s)


def test_rules_are_replaced_below_a_recursive_rule() -> None:
    model = room()

    def down(s: Room) -> int:
        """Count by a recursive helper."""
        if s.count + countdown(s, 2) > 3:
            return DISABLED
        s.count += countdown(s, 2)
        return 0

    model.action()(down)
    anything(model)

    def nothing(s: Room) -> int:
        return 0

    none = model.instance(replace={elsewhere.step_width: nothing})
    assert counts(explore_interpreted(none))[0] == 1


def test_a_replacement_that_calls_its_original_sees_the_other_replacements() -> None:
    def more(s: Room) -> int:
        return asking(s) + 1

    s = room().instance().fresh()
    substituted = substitute(asking, {asking: more, slow: lambda s: 5})
    assert substituted(s) == 6
