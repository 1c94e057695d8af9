"""What an index means in each thing that has one: the same in both engines.

Arrays of the state, sets, sequences, messages and parts have no element at a negative index.
Constant tables, tuples and effects are Python's own: -1 is the last element.
"""

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
    check,
    constant,
    discard,
    emit,
    fire,
    messages,
    number,
    part,
    per,
    receive,
    ref,
    scalar,
    send,
    sequence,
    subset,
)
from slotspec.statemachine.declaration.effects import Effects, effect
from slotspec.statemachine.errors import RuleError
from tests.statemachine.compiler.engines import compare
from tests.statemachine.tiny import Lamp, anything
from tests.variants import fast_only

THINGS = Sort("things", "Things.", default=3)
BOXES = Sort("boxes", "Boxes.", default=3)
TABLE = (4, 2, 3)
ROWS = ((4, 1, 6), (2, 5, 0), (3, 7, 8))
COLUMNS = ((4, 2, 3), (1, 5, 7))
RAGGED = ((1, 2), (3,), (4, 5, 6))


class Effect(Effects):
    """What is told."""

    TOLD = effect("what")
    SAID = effect("what")


class BoxState(Record):
    """A box."""

    open: int = scalar(FLAG, "It is open.")
    inside: Array = per(THINGS, FLAG, "What is inside.")


box = Model("box", "A box.", BoxState)


class Things(Record):
    """One of each kind that has elements, all with three."""

    level: Array = per(THINGS, number(3), "A number each.")
    near: Array = per(THINGS, ref(THINGS), "Another one.")
    lamp: Array = per(THINGS, Lamp, "A lamp each.")
    chosen: Array = subset(THINGS, "Some.")
    line: Array = sequence(THINGS, "Some in order.", at_most=3)
    mail: Array = messages(THINGS, "Messages.", source=THINGS, target="box")
    count: int = scalar(number(2), "How often something happened.")
    out: int = scalar(number(200), "What came out, and one more.")
    table: tuple[int, ...] = constant("Numbers.", lambda setting: (4, 2, 3))
    rows: Any = constant("Rows of numbers.", lambda setting: [[4, 1, 6], [2, 5, 0], [3, 7, 8]])
    boxes: Sequence[BoxState] = part(
        lambda setting: box.instance({"things": setting["things"]}), "Boxes.", per=BOXES
    )


Rule = Callable[[Things, int], object]


def array(s: Things, i: int) -> int:
    return s.level[i]


def named_array(s: Things, i: int) -> int:
    level = s.level
    return level[i]


def references(s: Things, i: int) -> int:
    return s.near[i] == 7


def states(s: Things, i: int) -> int:
    return s.lamp[i]


def members(s: Things, i: int) -> int:
    return s.chosen[i]


def places(s: Things, i: int) -> int:
    return s.line[i] == 7


def mails(s: Things, i: int) -> int:
    return s.mail[i]


def parts(s: Things, i: int) -> int:
    return s.boxes[i].open


def named_part(s: Things, i: int) -> int:
    one = s.boxes[i]
    return one.open


def array_of_part(s: Things, i: int) -> int:
    return s.boxes[1].inside[i]


def assigned(s: Things, i: int) -> int:
    s.level[i] = 0
    return 0


def counted(s: Things, i: int) -> int:
    s.level[i] -= 0
    return 0


def assigned_part(s: Things, i: int) -> int:
    s.boxes[i].open = 0
    return 0


def added(s: Things, i: int) -> int:
    add(s.chosen, i)
    return discard(s.chosen, i) - 1


def sent(s: Things, i: int) -> int:
    send(s.mail, i)
    return receive(s.mail, i) - 1


def fired(s: Things, i: int) -> int:
    fire(s.lamp, i, Lamp.press)
    fire(s.lamp, i, Lamp.press)
    return 0


def of_table(s: Things, i: int) -> int:
    return TABLE[i]


def of_constant(s: Things, i: int) -> int:
    return s.table[i]


def of_named_table(s: Things, i: int) -> int:
    table = s.table
    return table[i]


def of_literal(s: Things, i: int) -> int:
    return (4, 2, 3)[i]


def of_rows(s: Things, i: int) -> int:
    return ROWS[i][0]


def of_unpacked_row(s: Things, i: int) -> int:
    first, _, _ = s.rows[i]
    return first


def of_column(s: Things, i: int) -> int:
    return COLUMNS[0][i]


def of_values(s: Things, i: int) -> int:
    return (s.level[0] + 4, s.level[0] + 2, s.level[0] + 3)[i]


def of_both(s: Things, i: int) -> int:
    return s.rows[i][(s.level[1], 1, 2)[s.level[2]]]


def of_effects(s: Things, i: int) -> int:
    emit(s, Effect.TOLD, what=2)
    emit(s, Effect.SAID, what=3)
    return s.effects[i].what


STATE: list[Rule] = [
    *(array, named_array, references, states, members, places, mails, parts, named_part),
    *(array_of_part, assigned, counted, assigned_part, added, sent, fired),
]
TABLES: list[Rule] = [
    *(of_table, of_constant, of_named_table, of_literal, of_rows, of_unpacked_row, of_column),
    *(of_values, of_both, of_effects),
]
INDICES = (2, 3, -1, -4, NONE, -(2**62))


def model(rule: Rule, index: Callable[[Things], int]) -> Model:
    """`rule` is called with an index, and nothing else happens."""
    made = Model("things", "Things.", Things, effects=Effect)

    def again(s: Things) -> int:
        """Something happens."""
        if s.count == 2:
            return DISABLED
        s.count += 1
        return 0

    def act(s: Things) -> int:
        """What does the rule say?"""
        if s.count != 2:
            return DISABLED
        emit(s, Effect.TOLD, what=4)
        found = rule(s, index(s))
        s.out = 1 + found  # type: ignore[operator]
        return 0

    made.action()(again)
    made.action()(act)
    anything(made)
    return made


@pytest.mark.parametrize("at", fast_only(INDICES, 3, -1))
@pytest.mark.parametrize("rule", [*STATE, *TABLES], ids=lambda rule: rule.__name__)
def test_an_index_means_the_same_to_both_engines(rule: Rule, at: int) -> None:
    def calculated(s: Things) -> int:
        return at + s.count - 2

    def written(s: Things) -> int:
        return at

    first = 0 if rule in STATE else -3
    inside = first <= at < 3
    expected = 0 if rule in STATE or not inside else TABLE[at]
    for index in (calculated, written):
        made = model(rule, index)

        @made.always("It is what Python gives.")
        def is_pythons(s: Things) -> bool:
            """The value is that of Python's tuple."""
            return s.out in (0, 1 + expected)

        one, two = compare(made.instance())
        assert (one.fault is None) is inside
        assert two.verdict is (Verdict.HOLDS if inside else Verdict.VIOLATED)
        assert one.states == two.states == (4 if inside and expected + 1 else 3)
        if two.fault is not None:
            assert f"in {rule.__name__}, test_indices.py" in str(two.fault.fault)


def test_a_table_of_ragged_rows_is_indexed_by_constants() -> None:
    def third(s: Things, i: int) -> int:
        return RAGGED[2][i] + len(RAGGED)

    def any_row(s: Things, i: int) -> int:
        return RAGGED[i][0]

    def last(s: Things) -> int:
        return s.count

    one, two = compare(model(third, last).instance())
    assert one.verdict is two.verdict is Verdict.HOLDS
    with pytest.raises(RuleError, match=r"RUL003: .*any_row: .*rows of them, all of one length"):
        check(model(any_row, last).instance(), engine="compiled")


def test_a_row_of_a_table_is_no_constant_to_partial_order_reduction() -> None:
    gates = ((0, 0), (0, 1), (0, 0))

    class Clock(Record):
        """A clock, and a mark."""

        at: int = scalar(number(2), "The time.")
        mark: int = scalar(FLAG, "Something happened.")

    made = Model("clock", "Something may happen at one time only.", Clock)

    @made.action()
    def passes(s: Clock) -> int:
        """Time passes."""
        if s.at == 2:
            return DISABLED
        s.at += 1
        return 0

    @made.action()
    def happens(s: Clock) -> int:
        """It happens if the gate is open."""
        if gates[s.at][1] == 0 or s.mark:
            return DISABLED
        s.mark = 1
        return 0

    anything(made)

    @made.always("Nothing happens.")
    def nothing(s: Clock) -> bool:
        """Nothing ever happens."""
        return s.mark == 0

    for reduced in (False, True):
        for engine in ("interpreted", "compiled"):
            found = check(made.instance(), engine=engine, partial_order=reduced)  # type: ignore[arg-type]
            assert found.verdict is Verdict.VIOLATED, (engine, reduced)
