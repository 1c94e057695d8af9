"""A search with ``until`` ends when it finds its target, at the same level in both engines."""

from __future__ import annotations

import pytest

from slotspec.statemachine import (
    DISABLED,
    Limits,
    Model,
    Record,
    Result,
    UsageError,
    Verdict,
    check,
    number,
    scalar,
)
from slotspec.statemachine.check import Engine
from slotspec.statemachine.results import Limit

ENGINES: tuple[Engine, ...] = ("interpreted", "compiled")


class Row(Record):
    """Two counters."""

    left: int = scalar(number(9), "One counter.")
    right: int = scalar(number(9), "The other.")


grid = Model("grid", "Two counters that go up.", Row)


@grid.action()
def go_left(s: Row) -> int:
    """Count one."""
    if s.left == 9:
        return DISABLED
    s.left += 1
    return 0


@grid.action()
def go_right(s: Row) -> int:
    """Count the other; there is no way beyond eight."""
    if s.right == 8:
        return DISABLED
    s.right += 1
    return 0


@grid.always("a test")
def left_is_below_three(s: Row) -> bool:
    """The one stays below three."""
    return s.left < 3


@grid.step("a test", on=go_right)
def right_is_below_three(before: Row, after: Row, result: int) -> bool:
    """The other stays below three."""
    return after.right < 3


@grid.always("a test")
def both_are_below_five(s: Row) -> bool:
    """Together they stay below ten."""
    return s.left + s.right < 10


@grid.sometimes("a test")
def both_are_two(s: Row) -> bool:
    """They meet."""
    return s.left == 2 and s.right == 2


def search(engine: Engine, until: str | None) -> Result:
    return check(grid.instance(), engine, Limits(until=until))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("until", "depth"),
    [
        ("left_is_below_three", 3),
        ("right_is_below_three", 3),
        ("both_are_two", 4),
        ("both_are_below_five", 10),
    ],
)
def test_a_search_ends_after_the_level_of_its_target(
    engine: Engine, until: str, depth: int
) -> None:
    result = search(engine, until)
    assert result.limit is Limit.FOUND
    assert result.depth == depth
    # every state within this many steps, and none beyond
    assert result.states == sum(1 for x in range(10) for y in range(9) if x + y <= depth)
    found = next(p for p in result.properties if p.property.name == until)
    assert found.finding is not None
    assert len(found.finding.steps) == depth


@pytest.mark.parametrize("engine", ENGINES)
def test_properties_undecided_when_the_search_ends_are_unknown(engine: Engine) -> None:
    result = search(engine, "left_is_below_three")
    verdicts = {p.property.name: (p.verdict, p.reason) for p in result.properties}
    assert verdicts["right_is_below_three"] == (Verdict.VIOLATED, None)
    assert verdicts["both_are_below_five"] == (
        Verdict.UNKNOWN,
        "the search ended with what it sought",
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_deadlock_can_be_the_target(engine: Engine) -> None:
    result = search(engine, "deadlock")
    assert result.deadlock is not None
    assert len(result.deadlock.steps) == 17


@pytest.mark.parametrize("engine", ENGINES)
def test_a_search_that_never_finds_its_target_is_exhaustive(engine: Engine) -> None:
    result = search(engine, "fault")
    assert result.limit is None
    assert result.states == 90
    assert search(engine, None).states == 90


def test_several_workers_end_after_the_same_level() -> None:
    result = check(grid.instance(), "compiled", Limits(until="both_are_two"), workers=2)
    assert result.limit is Limit.FOUND
    assert result.states == 15


def test_an_unknown_target_is_rejected() -> None:
    with pytest.raises(
        UsageError, match="SET017: grid has no property 'nothing'; use one of fault"
    ):
        search("compiled", "nothing")
