"""A sequence has its elements first: nothing puts NONE, or a gap, between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from slotspec import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Model,
    Record,
    Sort,
    Verdict,
    add,
    append,
    check,
    discard,
    length,
    messages,
    part,
    per,
    place_of,
    receive,
    ref,
    remove,
    scalar,
    send,
    sequence,
    subset,
    take_first,
)
from slotspec.statemachine.check import Engine
from slotspec.statemachine.errors import RuleError
from tests.statemachine.compiler.engines import compare
from tests.statemachine.tiny import anything

GUESTS = Sort("guests", "Guests.", default=3)
DOORS = Sort("doors", "Doors.", default=2)
ENGINES: tuple[Engine, ...] = ("interpreted", "compiled")


class Bench(Record):
    """A bench beside a door."""

    seats: Array = sequence(GUESTS, "Who sits there.", at_most=2)


bench = Model("bench", "A bench.", Bench)


class House(Record):
    """Who waits, who stands at each door, and who sits on its bench."""

    line: Array = sequence(GUESTS, "Who waits, in order.", at_most=3)
    at: Array = per(DOORS, ref(GUESTS), "Who stands at the door.")
    inside: Array = subset(GUESTS, "Who is inside.")
    knock: Array = messages(GUESTS, "Knocks.", source=GUESTS, target="house")
    benches: Sequence[Bench] = part(
        lambda setting: bench.instance({"guests": setting["guests"]}), "Benches.", per=DOORS
    )


def house(rule: Callable[[House, int], object]) -> Model:
    """Guests stand at doors and go away; `rule` is what a door does."""
    model = Model("house", "A house.", House)

    def stand(s: House, door: int, guest: int) -> int:
        """A guest comes to a door."""
        s.at[door] = guest
        return 0

    def go(s: House, door: int) -> int:
        """Nobody stands at the door."""
        s.at[door] = NONE
        return 0

    model.action(door=DOORS, guest=GUESTS)(stand)
    model.action(door=DOORS)(go)
    rule.__doc__ = "What a door does."
    model.action(door=DOORS)(rule)
    anything(model)
    return model


def waits(s: House, door: int) -> int:
    if length(s.line) == len(s.line):
        return DISABLED
    return append(s.line, s.at[door])


def sits(s: House, door: int) -> int:
    if length(s.benches[door].seats) == 2:
        return DISABLED
    append(s.benches[door].seats, s.at[door])
    return 0


@pytest.mark.parametrize("rule", [waits, sits])
def test_to_append_none_is_a_fault_of_the_rule_that_does(
    rule: Callable[[House, int], object],
) -> None:
    for engine in ENGINES:
        found = check(house(rule).instance(), engine=engine)
        assert found.fault is not None
        assert found.fault.fault is not None
        line = rule.__code__.co_firstlineno + 3
        assert f"{__file__}:{line}: in {rule.__name__}" in found.fault.fault
        assert "STP013" in found.fault.fault
        assert len(found.fault.calls) == 1


def test_none_is_not_looked_for_where_it_cannot_be() -> None:
    def comes(s: House, door: int) -> int:
        if length(s.line) == len(s.line):
            return DISABLED
        return append(s.line, door)

    for rule, wanted in ((comes, False), (waits, True)):
        instance = house(rule).instance()
        summary = instance.ranges.summaries[append]
        assert bool(summary.absent) is wanted


def starts_in_the_middle(s: House, door: int) -> int:
    s.line[door] = s.at[door]
    return 0


def through_a_helper(s: House, door: int) -> int:
    put(s.line, door, s.at[door])
    return 0


def put(where: Array, place: int, guest: int) -> None:
    where[place] = guest


def on_a_bench(s: House, door: int) -> int:
    seats = s.benches[door].seats
    seats[door] = s.at[door]
    return 0


def swapped(s: House, door: int) -> int:
    if place_of(s.line, s.at[door]) == NONE and length(s.line) < 3:
        append(s.line, door)
    s.line[0], s.line[2] = s.line[2], s.line[0]
    return 0


@pytest.mark.parametrize(
    "rule", [starts_in_the_middle, through_a_helper, on_a_bench, swapped], ids=lambda r: r.__name__
)
def test_an_element_behind_a_free_place_is_a_fault(rule: Callable[[House, int], object]) -> None:
    found = compare(house(rule).instance())
    for one in found:
        assert one.fault is not None
        assert one.fault.fault is not None
        assert one.fault.fault.startswith(
            f"STP014: {__file__}:{rule.__code__.co_firstlineno}: in {rule.__name__}:"
        )


def test_a_gap_within_a_step_is_no_fault() -> None:
    def empties(s: House, door: int) -> int:
        for i in range(len(s.line)):
            s.line[i] = NONE
        if s.at[door] != NONE:
            append(s.line, s.at[door])
        return 0

    def replaces(s: House, door: int) -> int:
        if s.at[door] == NONE:
            return DISABLED
        if length(s.line) < 3:
            append(s.line, s.at[door])
        else:
            s.line[0] = s.at[door]
        return 0

    for rule, states in ((empties, 64), (replaces, 640)):
        one, two = compare(house(rule).instance())
        assert one.verdict is two.verdict is Verdict.HOLDS
        assert one.states == states


def test_the_tidying_rule_may_close_a_gap() -> None:
    model = house(starts_in_the_middle)

    @model.after_each_step
    def close(s: House) -> None:
        """Move everybody up."""
        for i in range(2):
            if s.line[i] == NONE:
                s.line[i] = s.line[i + 1]
                s.line[i + 1] = NONE

    one, two = compare(model.instance())
    assert one.verdict is two.verdict is Verdict.HOLDS


def test_none_is_in_no_sequence() -> None:
    def leaves(s: House, door: int) -> int:
        if length(s.line) < 3 and s.at[door] != NONE:
            append(s.line, s.at[door])
        if place_of(s.line, s.at[1 - door]) != NONE and s.at[1 - door] == NONE:
            s.at[5] = 0
        return 7 if remove(s.line, s.at[1 - door]) and s.at[1 - door] == NONE else 0

    model = house(leaves)

    @model.step("It was not there.", on=leaves)
    def tells(result: int) -> bool:
        """NONE is never removed."""
        return result != 7

    one, two = compare(model.instance())
    assert one.verdict is two.verdict is Verdict.HOLDS
    assert one.states > 100


def take(s: House, door: int) -> int:
    while take_first(s.line) != NONE:
        pass
    return door


def append_none(s: House, door: int) -> int:
    append(s.line, NONE)
    return 0


def append_maybe_none(s: House, door: int) -> int:
    append(s.line, s.at[door] if s.inside[0] else NONE)
    return 0


def append_number(s: House, door: int) -> int:
    append(s.line, element=65535)
    return 0


def remove_none(s: House, door: int) -> int:
    return remove(s.line, NONE)


def place_of_none(s: House, door: int) -> int:
    return place_of(s.benches[door].seats, NONE)


def add_none(s: House, door: int) -> int:
    return add(s.inside, NONE)


def discard_none(s: House, door: int) -> int:
    return discard(s.inside, NONE)


def send_none(s: House, door: int) -> int:
    send(s.knock, NONE)
    return 0


def receive_none(s: House, door: int) -> int:
    return receive(s.knock, index=NONE)


VISIBLE: list[Any] = [
    append_none,
    append_maybe_none,
    append_number,
    remove_none,
    place_of_none,
    add_none,
    discard_none,
    send_none,
    receive_none,
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rule", VISIBLE, ids=lambda rule: rule.__name__)
def test_none_in_the_text_is_refused(rule: Any, engine: Engine) -> None:
    line = rule.__code__.co_firstlineno + 1
    with pytest.raises(RuleError, match=f"RUL021: .*:{line}: in {rule.__name__}: .*no element"):
        check(house(rule).instance(), engine=engine)


def test_a_gap_is_found_with_some_orders_left_out() -> None:
    class Pair(Record):
        """Two places, who has had a turn, and whether the second place is open."""

        line: Array = sequence(GUESTS, "Two places.", at_most=2)
        done: Array = subset(DOORS, "Who has had a turn.")
        open: int = scalar(FLAG, "The second place is open.")

    model = Model("pair", "Each of two sets a place of its own.", Pair)

    @model.action()
    def first(s: Pair) -> int:
        """The first place is set, once."""
        if s.done[0]:
            return DISABLED
        s.done[0] = 1
        s.line[0] = 0
        return 0

    @model.action()
    def opens(s: Pair) -> int:
        """The second place is opened."""
        s.open = 1
        return 0

    @model.action()
    def second(s: Pair) -> int:
        """The second place is set once it is open, whether or not the first one is."""
        if s.done[1] or not s.open:
            return DISABLED
        s.done[1] = 1
        s.line[1] = 0
        return 0

    anything(model)
    for engine in ENGINES:
        for partial_order in (False, True):
            found = check(model.instance(), engine=engine, partial_order=partial_order)
            assert found.fault is not None, (engine, partial_order)
            assert "STP014" in str(found.fault.fault)


def test_taking_all_ends() -> None:
    one, two = compare(house(take).instance())
    assert one.verdict is two.verdict is Verdict.HOLDS
