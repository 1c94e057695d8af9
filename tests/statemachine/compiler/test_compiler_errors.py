"""Forbidden constructs are refused, with file, line and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    NONE,
    Array,
    Event,
    Lifecycle,
    Model,
    Record,
    RuleError,
    State,
    emit,
    fire,
    number,
    scalar,
)
from slotspec.statemachine.compiler.compile import compile_instance
from tests.statemachine.tiny import Lamp, Room, counter, room, says

PI = 3.14


class Other(Lifecycle):
    """A lifecycle that no field has."""

    A = State("One.", initial=True)
    go = Event("It goes.", (A, A))


def raises(s: Any) -> int:
    raise ValueError


def asserts(s: Any) -> int:
    assert s.count
    return 0


def tries(s: Any) -> int:
    try:
        return 0
    finally:
        s.count = 0


def opens(s: Any) -> int:
    with s:
        return 0


def floats(s: Any) -> int:
    return 1.5  # type: ignore[return-value]


def floats_outside(s: Any) -> int:
    return PI  # type: ignore[return-value]


def strings(s: Any) -> int:
    return s.count == "one"  # type: ignore[no-any-return]


def comprehends(s: Any) -> int:
    return max([v for v in s.seen])  # noqa: C416


def encloses(s: Any) -> int:
    f = lambda: 1  # noqa: E731
    return f()


def divides(s: Any) -> int:
    return s.count / 2  # type: ignore[no-any-return]


def slices(s: Any) -> int:
    return s.seen[0:1]  # type: ignore[no-any-return]


def compares_objects(s: Any) -> int:
    return s.count is None


def undefined(s: Any) -> int:
    return nowhere  # type: ignore[name-defined] # noqa: F821


def prints(s: Any) -> int:
    print(s.count)
    return 0


def bare_array(s: Any) -> int:
    return s.seen + 1  # type: ignore[no-any-return]


def no_such_field(s: Any) -> int:
    return s.cuont  # type: ignore[no-any-return]


def indexes_scalar(s: Any) -> int:
    return s.count[0]  # type: ignore[no-any-return]


def appends(s: Any) -> int:
    s.seen.append(1)
    return 0


def assigns_array(s: Any) -> int:
    s.seen = [1, 1]
    return 0


def two(s: Any, a: int, b: int) -> int:
    return a + b


def too_few(s: Any) -> int:
    return two(s, 1)  # type: ignore[call-arg]


def loops_over_number(s: Any) -> int:
    for _ in s.count:
        pass
    return 0


def dynamic_step(s: Any) -> int:
    for _ in range(0, 4, s.count):
        pass
    return 0


def foreign_event(s: Any) -> int:
    fire(s.lamp, 0, Other.go)
    return 0


def fires_flag(s: Any) -> int:
    fire(s.seen, 0, Lamp.press)
    return 0


def chosen_event(s: Any) -> int:
    fire(s.lamp, 0, Lamp.press if s.count else Lamp.burn)
    return 0


def wavers(s: Any) -> int:
    which: Array = s.seen
    if s.count:
        which = s.note
    return which[0]


def emits_too_much(s: Any) -> int:
    emit(s, 1, 2, 3, 4, 5, 6)  # type: ignore[call-arg]
    return 0


def else_of_loop(s: Any) -> int:
    for i in range(2):
        if s.seen[i]:
            break
    else:
        return 1
    return 0


WRONG: list[tuple[Callable[[Any], int], str, str]] = [
    (raises, "RUL002", "return DISABLED"),
    (asserts, "RUL002", "return DISABLED"),
    (tries, "RUL002", "return DISABLED"),
    (opens, "RUL002", "'with' is no statement of a rule"),
    (else_of_loop, "RUL002", "use a flag"),
    (comprehends, "RUL003", "write a generator inside any, all, sum"),
    (encloses, "RUL003", "write a helper function"),
    (divides, "RUL003", "write it with these"),
    (slices, "RUL003", "loop over the elements"),
    (compares_objects, "RUL003", "use =="),
    (undefined, "RUL004", "nowhere is not defined"),
    (prints, "RUL005", "print is no rule"),
    (floats, "RUL006", "integers only"),
    (floats_outside, "RUL006", "PI is 3.14"),
    (strings, "RUL006", "'one' is no integer"),
    (bare_array, "RUL007", "an array; index it"),
    (no_such_field, "RUL007", "did you mean count?"),
    (indexes_scalar, "RUL007", "has no elements"),
    (appends, "RUL007", "fixed length"),
    (wavers, "RUL007", "pass the array to a helper"),
    (assigns_array, "RUL008", "assign its elements"),
    (too_few, "RUL010", "two takes s, a, b"),
    (emits_too_much, "RUL010", "up to four numbers"),
    (loops_over_number, "RUL011", "use range"),
    (dynamic_step, "RUL011", "must be a constant"),
    (foreign_event, "RUL013", "no event of Lamp"),
    (fires_flag, "RUL013", "assign it instead"),
    (chosen_event, "RUL013", "write if/else"),
]


def model_with(rule: Callable[[Any], int]) -> Model:
    model = room()
    counter(model)

    def act(s: Room) -> int:
        """Use what may not be used."""
        return rule(s)

    model.action()(act)
    return model


@pytest.mark.parametrize(("rule", "code", "fix"), WRONG, ids=lambda v: getattr(v, "__name__", ""))
def test_forbidden_constructs_are_refused(rule: Callable[[Any], int], code: str, fix: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_instance(model_with(rule).instance())
    assert caught.value.code == code
    assert fix in caught.value.message
    first = rule.__code__.co_firstlineno
    place = re.search(r"test_compiler_errors\.py:(\d+): in (\w+)", caught.value.message)
    assert place is not None
    assert place[2] in (rule.__name__, "act")
    assert first <= int(place[1]) <= first + 8 or place[2] == "act"


def test_a_property_may_not_change_the_state() -> None:
    model = room()
    counter(model)

    def meddles(s: Room) -> bool:
        s.count = 0
        return True

    says(model, "always", meddles)
    with pytest.raises(RuleError, match=r"RUL009: .*in meddles: a property may not change"):
        compile_instance(model.instance())


def test_only_the_state_after_a_step_has_effects() -> None:
    model = room()
    counter(model)

    def looks_back(before: Room, after: Room) -> bool:
        return len(before.effects) == 0

    says(model, "step", looks_back)
    with pytest.raises(RuleError, match=r"RUL014: .*in looks_back"):
        compile_instance(model.instance())


def number_of_effects(s: Any) -> int:
    return len(s.effects)


def test_a_helper_reads_no_effects_of_the_state_before() -> None:
    model = room()
    counter(model)

    def looks_back(before: Room, after: Room) -> bool:
        return number_of_effects(after) == 0 and number_of_effects(before) == 0

    says(model, "step", looks_back)
    with pytest.raises(RuleError, match=r"RUL014: .*in looks_back"):
        compile_instance(model.instance())


def test_a_rule_without_source() -> None:
    space: dict[str, Any] = {}
    exec("def made(s):\n    return 0\n", space)
    with pytest.raises(RuleError, match=r"RUL001: .*write it in a file"):
        compile_instance(model_with(space["made"]).instance())


def test_a_lambda_is_not_taken_for_the_rule_that_it_decorates() -> None:
    model = room()
    counter(model)

    @model.leads_to("It never gets there.", lambda s: s.count == 9)
    def begins(s: Any) -> bool:
        """At first, nothing has happened."""
        return bool(s.count == 0)

    with pytest.raises(RuleError, match=r"RUL001: .*:\d+: rule <lambda> is not a plain def"):
        compile_instance(model.instance())


def test_a_partial_is_no_rule() -> None:
    with pytest.raises(RuleError, match="RUL005"):
        compile_instance(model_with(partial(two, a=1, b=2)).instance())


def test_a_field_that_does_not_fit_a_byte() -> None:
    class Wide(Record):
        """One large number."""

        large: int = scalar(number(255), "A number of more than a byte.")

    model = Model("wide", "A wide field.", Wide)

    def grow(s: Wide) -> int:
        """Count."""
        if s.large == NONE:
            return DISABLED
        s.large += 1
        return 0

    model.action()(grow)
    with pytest.raises(RuleError, match=r"RUL012: field large of model wide .* bound it by 254"):
        compile_instance(model.instance())
