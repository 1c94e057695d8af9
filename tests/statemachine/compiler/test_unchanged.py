"""``unchanged`` gives the same answer as comparing field by field, in both engines."""

from __future__ import annotations

import re
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Model,
    Record,
    RuleError,
    Sort,
    Verdict,
    number,
    part,
    per,
    ref,
    scalar,
    unchanged,
)
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.search.engine import explore_compiled

BOXES = Sort("boxes", "Boxes.", default=2)
SHELVES = Sort("shelves", "Shelves.", default=2)


class Shelf(Record):
    """What lies on one shelf."""

    full: Array = per(BOXES, FLAG, "The place is taken.")
    last: int = scalar(ref(BOXES), "Taken last.")


shelf = Model("shelf", "A shelf.", Shelf)


class Store(Record):
    """Eleven bytes that are not together, and notes."""

    count: int = scalar(number(2), "How many.")
    mark: Array = per(SHELVES, FLAG, "A mark.")
    note: Array = per(SHELVES, number(9), "A note.", scratch=True)
    shelves: Any = part(lambda setting: shelf.instance({"boxes": 2}), "Each.", per=SHELVES)
    spare: int = scalar(FLAG, "One more.")


def store() -> Model:
    model = Model("store", "A store.", Store)

    @model.action(shelf=SHELVES, box=2)
    def put(s: Store, shelf: int, box: int) -> int:
        """Put it there."""
        if s.count == 2 or s.shelves[shelf].full[box] == 1:
            return DISABLED
        s.note[shelf] = 1
        s.shelves[shelf].full[box] = 1
        s.shelves[shelf].last = box
        s.count += 1
        s.note[shelf] = 0
        return 0

    @model.action(shelf=SHELVES)
    def mark(s: Store, shelf: int) -> int:
        """Mark a shelf, or do nothing."""
        s.mark[shelf] = 1
        return shelf

    @model.action()
    def use(s: Store) -> int:
        """Use the spare thing."""
        s.spare = 1
        return 0

    @model.final_states
    def rest(s: Store) -> bool:
        """Any."""
        return True

    return model


def same_counts(a: Store, b: Store) -> bool:
    return a.count == b.count and a.spare == b.spare


def same_marks(a: Store, b: Store) -> bool:
    return a.mark[0] == b.mark[0] and a.mark[1] == b.mark[1]


def same_shelf(a: Any, b: Any) -> bool:
    return bool(a.full[0] == b.full[0] and a.full[1] == b.full[1] and a.last == b.last)


def all_words(before: Store, after: Store) -> bool:
    """Each form agrees with comparisons written by hand."""
    shelves = same_shelf(before.shelves[0], after.shelves[0])
    both = shelves and same_shelf(before.shelves[1], after.shelves[1])
    if unchanged(before, after, "count", "spare") != same_counts(before, after):
        return False
    if unchanged(before, after, "mark") != same_marks(before, after):
        return False
    if unchanged(before.shelves[0], after.shelves[0]) != shelves:
        return False
    if unchanged(before, after, "shelves") != both:
        return False
    if unchanged(before, after, "shelves.0.last") != (
        before.shelves[0].last == after.shelves[0].last
    ):
        return False
    if unchanged(before, after, but=("mark",)) != (both and same_counts(before, after)):
        return False
    if unchanged(before, after, but=("count", "spare", "shelves")) != same_marks(before, after):
        return False
    if unchanged(before.shelves[1], after.shelves[1], "last") != (
        before.shelves[1].last == after.shelves[1].last
    ):
        return False
    everything = both and same_marks(before, after) and same_counts(before, after)
    return unchanged(before, after) == everything


def is_changed(before: Store, after: Store) -> bool:
    """Each step changes something."""
    return not unchanged(before, after)


def stays_empty(before: Store, after: Store) -> bool:
    """What was empty stays so."""
    return before.shelves[1].last != NONE or unchanged(before, after, but="mark")


@pytest.mark.parametrize("explore", [explore_interpreted, explore_compiled])
def test_every_form_compares_the_fields_it_names(explore: Any) -> None:
    model = store()
    model.step("here")(all_words)
    model.step("here")(is_changed)
    model.step("here")(stays_empty)
    result = explore(model.instance())
    assert [p.verdict for p in result.properties] == [
        Verdict.HOLDS,
        Verdict.VIOLATED,
        Verdict.VIOLATED,
    ]
    assert [len(p.finding.steps) for p in result.properties if p.finding] == [2, 1]
    assert (result.states, result.fault) == (13 * 8, None)


def asks_for_scratch(before: Store, after: Store) -> bool:
    """The note is no part of the state."""
    return unchanged(before, after, "note")


def asks_beyond(before: Store, after: Store) -> bool:
    """No such field."""
    return unchanged(before, after, but=("cuont",))


def asks_both(before: Store, after: Store) -> bool:
    """One or the other."""
    return unchanged(before, after, "count", but=("mark",))


@pytest.mark.parametrize("explore", [explore_interpreted, explore_compiled])
@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (
            asks_for_scratch,
            "the state has no field 'note' to compare; use one of count, mark, spare",
        ),
        (asks_beyond, "no field 'cuont'"),
        (asks_both, "unchanged takes either fields or but="),
    ],
)
def test_a_name_that_is_no_field_is_refused_with_its_location(
    explore: Any, rule: Any, why: str
) -> None:
    model = store()
    model.step("here")(rule)
    line = rule.__code__.co_firstlineno + 2
    place = rf"test_unchanged\.py:{line}: in {rule.__name__}: .*"
    with pytest.raises(RuleError, match=rf"RUL017: .*{place}{re.escape(why)}"):
        explore(model.instance())
