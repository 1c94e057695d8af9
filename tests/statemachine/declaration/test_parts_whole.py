"""What a whole may do with its parts: pass them to helpers, restart, rename and number them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    Array,
    DeclarationError,
    Event,
    Lifecycle,
    Model,
    Record,
    Sort,
    State,
    UsageError,
    constant,
    number,
    part,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.parts import restart
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Limits, Result, Verdict
from slotspec.statemachine.search.engine import explore_compiled

Explore = Callable[..., Result]
LIMITS = Limits(states=5_000, seconds=30)

drawers = Sort("drawers", "Drawers of the desk.", default=3, minimum=0)
papers = Sort("papers", "Papers in a drawer.", default=2)


class DrawerState(Record):
    paper: Array = per(papers, FLAG, "Whether each paper is there.")
    count: int = scalar(number(2), "How many are.", initial=0)
    turned: int = scalar(number(1), "How the key is turned.", initial=1)


drawer = Model("drawer", "A drawer.", DrawerState)


class DeskState(Record):
    lid: DrawerState = part(lambda g: drawer.instance(), "Under the lid.")
    several: Sequence[DrawerState] = part(lambda g: drawer.instance(), "Drawers.", per=drawers)
    last: int = scalar(ref(drawers), "The drawer that was used last.")


def in_all(several: Sequence[DrawerState]) -> int:
    """How many papers are in several drawers."""
    found = 0
    for i in range(len(several)):
        found += several[i].count
    return found


def in_all_but(one: DrawerState, several: Sequence[DrawerState]) -> int:
    """The same, with another record as the first argument."""
    return in_all(several) - one.count


desk = Model("desk", "A desk.", DeskState)


@desk.action(d=drawers, p=2)
def put(s: DeskState, d: int, p: int) -> int:
    """Put a paper into a drawer."""
    if s.several[d].paper[p]:
        return DISABLED
    s.several[d].paper[p] = 1
    s.several[d].count += 1
    s.several[d].turned = 0
    s.last = d
    return 0


@desk.action()
def burn(s: DeskState) -> int:
    """The desk burns down, and another one is there."""
    if s.last == 65535:
        return DISABLED
    restart(s)
    return 0


@desk.always("a test")
def not_all_are_full(s: DeskState) -> bool:
    """Not so."""
    return in_all(s.several) < 6


@desk.always("a test")
def the_others_are_not_full(s: DeskState) -> bool:
    """Not so: four papers are in the other two."""
    return in_all_but(s.several[1], s.several) < 4


@desk.step("a test", on=burn)
def nothing_is_left(before: DeskState, after: DeskState, result: int) -> bool:
    """A new desk has all keys turned, and no paper."""
    return in_all(after.several) + after.lid.count == 0 and after.several[0].turned == 1


def facts(result: Result) -> tuple[int, int, int, list[tuple[Verdict, int | None]]]:
    assert result.fault is None, result.fault.fault
    return (
        result.states,
        result.transitions,
        result.depth,
        [
            (p.verdict, None if p.finding is None else len(p.finding.steps))
            for p in result.properties
        ],
    )


class ScaleState(Record):
    price: int = constant("What one costs.", lambda g: g["price"])
    table: Array = constant("What more cost.", lambda g: (1, 2, 3))


scale = Model("scale", "Constants alone.", ScaleState, generations={"dear": {"price": 2}})


class ShopState(Record):
    scales: Sequence[ScaleState] = part(lambda g: scale.instance(), "Scales.", per=drawers)
    paid: int = scalar(number(7), "What was paid.")


shop = Model("shop", "A shop.", ShopState)


@shop.action(d=drawers)
def buy(s: ShopState, d: int) -> int:
    """Pay."""
    if s.paid == 6:
        return DISABLED
    s.paid += s.scales[d].price
    return s.scales[d].table[d]


@pytest.mark.parametrize("explore", [explore_interpreted, explore_compiled])
def test_parts_may_have_only_constants(explore: Explore) -> None:
    assert explore(shop.instance(), LIMITS).states == 4


def test_parts_of_a_sort_without_elements_are_refused() -> None:
    with pytest.raises(UsageError, match=r"SET006.*DeskState.several.*drawers.*at least 1"):
        desk.instance({"drawers": 0})


friends = Sort("friends", "Who is alike.", default=3, symmetric=True)
pairs = Sort("pairs", "Two of them.", factors=(friends, friends))


class PurseState(Record):
    coins: int = scalar(number(2), "Coins.")


purse = Model("purse", "A purse.", PurseState)


class GuestState(Record):
    guest: int = scalar(ref(friends), "Who is invited.")


guest = Model("guest", "A guest.", GuestState)


def of_friends(spec: Any) -> Instance:
    """A model whose friends are interchangeable, except for the given part."""

    class PartyState(Record):
        beside: Any = spec
        there: Array = per(friends, FLAG, "Who has come.")

    party = Model("party", "A party.", PartyState)

    @party.action(friend=friends)
    def come(s: PartyState, friend: int) -> int:
        """A friend comes."""
        if s.there[friend]:
            return DISABLED
        s.there[friend] = 1
        return 0

    return party.instance()


@pytest.mark.parametrize(
    "spec",
    [
        part(lambda g: purse.instance(), "One each.", per=friends),
        part(lambda g: purse.instance(), "One for every two.", per=pairs),
        part(lambda g: guest.instance(), "One of them."),
        part(lambda g: guest.instance({"friends": 2}), "One of others."),
        part(lambda g: purse.instance(), "For all."),
    ],
)
def test_sorts_stay_symmetric_whatever_parts_make_of_them(spec: Any) -> None:
    instance = of_friends(spec)
    assert explore_compiled(instance, LIMITS).states == 8
    assert explore_compiled(instance, LIMITS, symmetry=True).states == 4


class OtherState(Record):
    known: Array = per(drawers, FLAG, "Who is known.")


other = Model("other", "Somebody else.", OtherState)


def test_a_part_has_a_sort_of_the_whole_only_with_as_many_elements() -> None:
    def made(sorts: dict[Sort, Sort], size: int) -> Instance:
        return of_friends(part(lambda g: other.instance({"drawers": size}), "It.", sorts=sorts))

    assert made({drawers: friends}, 3).record.parts[0].sorts == {drawers: friends}
    with pytest.raises(DeclarationError, match=r"MDL020.*PartyState.beside.*2 drawers.*3 friends"):
        made({drawers: friends}, 2)
    with pytest.raises(DeclarationError, match=r"MDL020.*PartyState.beside.*no sort friends"):
        made({friends: friends}, 3)
    with pytest.raises(DeclarationError, match=r"MDL019.*sorts= of part"):
        part(lambda g: other.instance(), "It.", sorts={drawers: 3})  # type: ignore[dict-item]


def test_two_lifecycles_with_the_same_name_are_refused() -> None:
    def lamp() -> type[Lifecycle]:
        class Lamp(Lifecycle):
            """A lamp."""

            OFF = State("Dark.", initial=True)
            ON = State("Bright.")

            light = Event("On.", (OFF, ON))
            quench = Event("Off.", (ON, OFF))

        return Lamp

    class RoomState(Record):
        door: Array = per(drawers, lamp(), "At the doors.")
        desk: Array = per(drawers, lamp(), "On the desks.")

    with pytest.raises(DeclarationError, match=r"MDL010.*room.*two lifecycles.*Lamp"):
        Model("room", "A room.", RoomState).instance()


def test_an_action_over_a_sort_that_has_no_size_is_refused() -> None:
    room = Model("room", "A room.", PurseState)

    def enter(s: PurseState, friend: int) -> int:
        """A friend enters."""
        return DISABLED

    with pytest.raises(DeclarationError, match=r"MDL011.*room.enter.*friends"):
        room.action(friend=friends)(enter)


def test_helpers_take_several_parts_and_a_whole_restarts() -> None:
    found = facts(explore_interpreted(desk.instance(), LIMITS))
    # 64 ways to fill the drawers, each with every drawer that is not empty as the last; none
    assert found == facts(explore_compiled(desk.instance(), LIMITS))
    verdicts = [(Verdict.VIOLATED, 6), (Verdict.VIOLATED, 4), (Verdict.HOLDS, None)]
    assert (found[0], found[3]) == (1 + 3 * 3 * 16, verdicts)


@pytest.mark.parametrize("explore", [explore_interpreted, explore_compiled])
def test_a_negative_index_is_a_fault_for_parts_and_arrays(explore: Explore) -> None:
    def behind(s: DeskState, n: int) -> int:
        """Look into the drawer before the first."""
        return s.several[n - 1].count

    def beneath(s: DeskState, n: int) -> int:
        """Look at the paper before the first."""
        return s.lid.paper[n - 1]

    for rule in (behind, beneath):
        model = Model("looks", "Counts from the end.", DeskState)
        model.action(n=2)(rule)
        fault = explore(model.instance(), LIMITS).fault
        assert fault is not None
        assert str(fault.fault).startswith("STP006")
        assert [str(call) for call in fault.calls] == [f"{rule.__name__}(n=0)"]
