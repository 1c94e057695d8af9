"""An overflow is the same fault in both engines; operations that cannot overflow are unchecked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotspec.models import MODELS, load_model
from slotspec.statemachine import (
    Array,
    Bound,
    Effects,
    Model,
    Record,
    Result,
    RuleError,
    Verdict,
    constant,
    effect,
    emit,
    number,
    scalar,
)
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.declaration.integers import HIGH, LOW
from slotspec.statemachine.declaration.ranges import as_function
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.search.engine import explore_compiled
from tests.statemachine.tiny import Room, anything, counter, room

NINE = 9_000_000_000_000_000_000


def at_two(rule: Callable[..., int]) -> Model:
    """A counter, with one more action when the count is two."""
    model = room()
    counter(model)

    @model.action()
    def act(s: Room) -> int:
        """Do it."""
        if s.count != 2:
            return DISABLED
        return rule(s)

    return model


def both(model: Model) -> list[Result]:
    instance = model.instance()
    return [explore_interpreted(instance), explore_compiled(instance)]


def adds(s: Room) -> int:
    s.count = 1 if NINE + s.count + NINE > 0 else 3
    return 0


def subtracts(s: Room) -> int:
    return 1 if -NINE - s.count * NINE < 0 else 0


def multiplies(s: Room) -> int:
    wide = s.count * 4_000_000_000_000_000_000
    return 1 if wide * s.count > 0 else 0


def inverts(s: Room) -> int:
    return ~(HIGH - 2 + s.count)


def negates(s: Room) -> int:
    return -(HIGH - 2 + s.count)


def divides(s: Room) -> int:
    return (HIGH - 2 + s.count) // (1 - s.count)


def adds_up(s: Room) -> int:
    n = NINE
    n += NINE * (s.count - 1)
    return 0


def fold(s: Room) -> int:
    return NINE + NINE - s.count


def doubles(s: Room) -> int:
    n = 1
    for _ in range(70):
        n = n + n
    return 0


def squares(s: Room) -> int:
    n = s.count
    while n != 0:
        n *= n
    return 0


def multiplies_before_it_grows(s: Room) -> int:
    n = s.count
    product = 0
    for _ in range(2):
        product = n * n
        n = NINE
    return 1 if product > 0 else 0


def larger(n: int) -> int:
    return n + NINE


def through_helpers(s: Room) -> int:
    return larger(larger(s.count))


def next_to(values: Array, by: int) -> int:
    return values[0] + by


def through_an_array(s: Room) -> int:
    return next_to(s.seen, NINE) + NINE + s.count


def recurses(s: Room) -> int:
    return deeper(s.count)


def deeper(n: int) -> int:
    if n == 0:
        return 0
    return deeper(n * 3)


def to_the_lowest(s: Room) -> int:
    return LOW + 2 - s.count - 1


def sums(s: Room) -> int:
    return sum(NINE for lamp in s.lamp if s.count == 2)


def sums_from(s: Room) -> int:
    return sum(s.seen, NINE + 223_372_036_854_775_806 + s.count)


def counts_twice(s: Room) -> int:
    n = s.count
    n += HALF
    n += HALF - 1
    return 0


def counts_by_name(s: Room) -> int:
    match HIGH - 2 + s.count:
        case 5:
            return 5
        case n:
            n += 1
    return 0


def counts_in_a_condition(s: Room) -> int:
    n = HIGH - 2
    while (n := n + s.count) > 0:
        pass
    return 0


def in_a_generator(s: Room) -> int:
    return 1 if any(larger(larger(n)) > 0 for n in (s.count, 1)) else 0


def of_the_same_name(s: Room) -> int:
    return 9 * max(GLOBAL for GLOBAL in (s.count, HIGH - s.count))


def numbers(s: Room) -> int:
    for n, _ in enumerate(s.lamp, HIGH - 2 + s.count):
        if n == 0:
            return 1
    return 0


def spans(s: Room) -> int:
    return 1 if s.count in range(-2 * s.count, HIGH) else 0


def spans_backwards(s: Room) -> int:
    return 1 if s.count in range(HIGH - 1, -s.count, -1) else 0


def length_of_a_range(s: Room) -> int:
    return len(range(s.count, HIGH)) + 5 * s.count


def common_bits(s: Room) -> int:
    return (LOW + s.count - 2) & (LOW - 2 + s.count + 1 + 4)


def goes_round_often(s: Room) -> int:
    n = 0
    for _ in reversed(range(131_072 + s.count)):
        n += PART
    return 0


def chained(s: Room) -> int:
    n = m = NINE * s.count
    return 1 if n == m else 0


def of_several(s: Room) -> int:
    a, b = two_of(s.count)
    return b + a


def two_of(n: int) -> tuple[int, int]:
    return n, HIGH - n + 1


GLOBAL = 1
HALF, PART = 2**62, 2**46
RULES: list[tuple[Any, int]] = [
    (sums, 1),
    (sums_from, 1),
    (counts_twice, 3),
    (counts_by_name, 5),
    (counts_in_a_condition, 2),
    (in_a_generator, 1),
    (of_the_same_name, 1),
    (numbers, 1),
    (spans, 1),
    (spans_backwards, 1),
    (length_of_a_range, 1),
    (common_bits, 1),
    (goes_round_often, 3),
    (chained, 1),
    (of_several, 2),
    (adds, 1),
    (subtracts, 1),
    (multiplies, 2),
    (inverts, 1),
    (negates, 1),
    (divides, 1),
    (adds_up, 2),
    (fold, 1),
    (doubles, 3),
    (squares, 3),
    (multiplies_before_it_grows, 4),
    (through_helpers, 1),
    (through_an_array, 1),
    (to_the_lowest, 1),
]


@pytest.mark.parametrize(("rule", "line"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_both_engines_find_the_fault_at_the_same_line(rule: Any, line: int) -> None:
    at = larger if rule in (through_helpers, in_a_generator) else rule
    line += at.__code__.co_firstlineno
    results = both(at_two(rule))
    for result in results:
        assert result.fault is not None, result.engine
        text = str(result.fault.fault)
        assert text.startswith("STP011: "), text
        assert f"test_overflow.py:{line}" in text
        assert at.__name__ in text or result.engine == "compiled"
        assert len(result.fault.steps) == 3
    assert len({(r.states, r.transitions, r.depth, r.verdict) for r in results}) == 1


def test_a_recursive_rule_is_checked_too() -> None:
    result = explore_interpreted(at_two(recurses).instance())
    assert "STP011" in str(result.fault and result.fault.fault)


def just_fits(s: Room) -> int:
    n = HIGH - 3 + s.count
    n = -n
    low = LOW + 2 - s.count
    both = n + abs(low) - 5
    return 1 if low < 0 and both < 0 else 0


def test_the_ends_of_the_range_are_no_fault() -> None:
    for result in both(at_two(just_fits)):
        assert result.fault is None or "test_overflow" not in str(result.fault.fault)


def test_a_property_that_leaves_64_bits_is_unknown() -> None:
    model = room()
    counter(model)

    @model.always("here")
    def large(s: Room) -> bool:
        """It is positive."""
        return NINE + s.count * NINE > 0

    for result in both(model):
        assert result.properties[0].verdict is Verdict.UNKNOWN
        assert "STP011: " in str(result.properties[0].reason)
        assert "test_overflow.py" in str(result.properties[0].reason)


def assigned_in_place(s: Room) -> int:
    s.seen[moved(s) - 1] += NINE * s.count
    return 0


def moved(s: Room) -> int:
    return 1


def test_an_assignment_in_place_evaluates_its_parts_once() -> None:
    def place(s: Room) -> int:
        s.seen[0] += 1
        return 0

    def counting(s: Room) -> int:
        s.note[place(s)] += NINE * s.count
        return 0

    instance = at_two(counting).instance()
    guard = instance.runnable(counting)
    assert guard is not counting
    s = instance.fresh()
    s.count = 1
    guard(s)
    assert (s.note[0], s.seen[0]) == (NINE, 1)
    s.count = 2
    with pytest.raises(OverflowError, match="STP011"):
        guard(s)
    results = both(at_two(assigned_in_place))
    assert {str(r.fault and r.fault.fault)[:6] for r in results} == {"STP011"}


def counts_to_the_end(s: Room) -> int:
    n = 0
    for i in range(HIGH - 5 * s.count, HIGH, 4):
        n += 1 if i > 0 else 9
    for i in range(LOW + 5, LOW + s.count - 2, -3):
        n += 10 if i < 0 else 9
    return 1 // (n - 23)


def ends_at_a_constant(s: Room) -> int:
    return 1 // (sum(1 for _ in range(HIGH - 3, HIGH, 2)) - s.count)


def test_a_loop_in_steps_to_a_constant_ends() -> None:
    for result in both(at_two(ends_at_a_constant)):
        assert "STP006" in str(result.fault and result.fault.fault)


class Named(Effects):
    """An effect with an argument that has the name of a field."""

    TOLD = effect("count")


def test_an_argument_of_an_effect_is_not_the_field_of_that_name() -> None:
    model = Model("told", "A number is told.", Room, effects=Named)
    counter(model)

    @model.action()
    def tell(s: Room) -> int:
        """Tell a large number."""
        if s.count != 1:
            return DISABLED
        emit(s, Named.TOLD, count=HIGH - 1)
        return 0

    @model.step("here", tell)
    def is_read(after: Any) -> bool:
        """It is read."""
        return any(effect.count + 2 > 0 for effect in after.effects)

    for result in both(model):
        assert "STP011: " in str(result.properties[0].reason)


def test_a_loop_to_the_largest_number_ends() -> None:
    for result in both(at_two(counts_to_the_end)):
        assert "STP006" in str(result.fault and result.fault.fault)
        assert "STP011" not in str(result.fault and result.fault.fault)


def test_a_rule_in_a_closure_is_checked() -> None:
    def hidden(s: Room) -> int:
        return NINE * s.count

    def outer(s: Room) -> int:
        return hidden(s)

    for result in both(at_two(outer)):
        assert "STP011" in str(result.fault and result.fault.fault)


def test_closures_of_one_rule_have_separate_ranges() -> None:
    def times(factor: int) -> Any:
        def rule(s: Room) -> int:
            return factor * s.count

        return rule

    small, large = times(3), times(NINE)

    def outer(s: Room) -> int:
        return small(s) + large(s)  # type: ignore[no-any-return]

    instance = at_two(outer).instance()
    assert not instance.ranges.summaries[small].sites
    assert instance.ranges.summaries[large].sites
    for result in both(at_two(outer)):
        assert "STP011" in str(result.fault and result.fault.fault)


def test_cached_code_knows_where_to_check() -> None:
    model = at_two(adds)
    compile_instance(model.instance())
    known = model.instance()
    compile_instance(known)
    result = explore_interpreted(known)
    assert "ranges" not in vars(known)
    assert "STP011" in str(result.fault and result.fault.fault)


def literal(s: Room) -> int:
    return s.count - 99_999_999_999_999_999_999


def lowest(s: Room) -> int:
    return s.count - 9_223_372_036_854_775_808


TOO_LARGE = 2**64


def by_name(s: Room) -> int:
    return 1 if s.count < TOO_LARGE else 0


@pytest.mark.parametrize("rule", [literal, lowest, by_name])
@pytest.mark.parametrize("explore", [explore_interpreted, explore_compiled])
def test_a_literal_that_does_not_fit_is_refused(rule: Any, explore: Any) -> None:
    line = rule.__code__.co_firstlineno + 1
    with pytest.raises(RuleError, match=rf"RUL018: .*test_overflow\.py:{line}: .* 64 bits"):
        explore(at_two(rule).instance())


def counts(s: Room) -> int:
    n = 0
    while n < 100:
        n += 1
    for i in range(9):
        n -= i * i
    return min(abs(n), 7) + sum((1, 2, 3)) if n else len(s.lamp) * len(s.lamp)


def test_operations_that_cannot_overflow_are_not_checked() -> None:
    instance = at_two(lambda s: 0).instance()
    assert instance.ranges.summaries
    model = room()
    counter(model)
    model.action()(describe(counts))
    instance = model.instance()
    assert instance.runnable(counts) is counts
    assert not any(summary.sites for summary in instance.ranges.summaries.values())


def describe(rule: Any) -> Any:
    rule.__doc__ = "A rule."
    return rule


def test_bundled_models_have_hardly_any_checked_operation() -> None:
    found = {}
    for name in MODELS:
        ranges = load_model(name).instance().ranges
        found[name] = {
            summary.function.__name__
            for summary in ranges.summaries.values()
            if summary.sites and not places_messages(summary.function)
        }
    multiplies_counters = {"is_less_utilized"}
    # the number of a task or an attempt comes out of messages
    of_clusters = {"execution_of", "own_execution"}
    assert found == {
        **{name: set[str]() for name in MODELS},
        "slot_pool": {"schedule"},
        "slot_manager": multiplies_counters,
        "fine_grained_slot_manager": {"offer", "poll"},
        # the property's place in a table comes out of an effect
        "declarative_slot_pool": {
            *("lighter_child", "put_at", "slot_at"),
            "requests_of_one_profile_are_served_in_order",
        },
        "cluster": {"schedule"} | multiplies_counters | of_clusters,
        "declarative_cluster": {"offer", "poll", "lighter_child", "put_at", "slot_at"}
        | of_clusters,
    }


def places_messages(rule: Any) -> bool:
    """Whether a rule computes places in channels, whose numbers come out of messages."""
    return "room_of" in rule.__code__.co_names


def test_constants_and_effects_have_ranges_too() -> None:
    class Sum(Record):
        """A number, and a factor."""

        n: int = scalar(number(3), "It.")
        factor: int = constant("A factor.", lambda setting: 10 ** setting["digits"])

    model = Model("sum", "A sum.", Sum, bounds=[Bound("digits", "Digits.", 2, 1, 30)])

    @model.action()
    def add(s: Sum) -> int:
        """One more."""
        if s.n == 3:
            return DISABLED
        s.n += 1
        emit(s, 1, s.n * s.factor)
        return s.effects[0][1] * s.factor

    anything(model)
    small, large = model.instance({"digits": 2}), model.instance({"digits": 12})
    assert not small.ranges.summaries[as_function(add)].sites
    assert large.ranges.summaries[as_function(add)].sites
    for explore in (explore_interpreted, explore_compiled):
        result = explore(large)
        assert "STP011" in str(result.fault and result.fault.fault)
        with pytest.raises(RuleError, match="RUL018"):
            explore(model.instance({"digits": 20}))
    assert compile_instance(small)
