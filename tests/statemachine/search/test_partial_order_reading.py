"""What partial-order reduction reads off rules about effects and parts, which only a run knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slotspec.statemachine import Array, Effects, Model, Record, Verdict, effect, emit, part, per
from slotspec.statemachine.check import Engine, check
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.records import Sort, number, scalar
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.search.partial_order.footprints import Footprint, Footprints
from slotspec.statemachine.search.partial_order.reading import CellReading, Readings
from slotspec.statemachine.search.scalarsets.reading import Reading
from tests.statemachine.search.footprint_checks import Checks

A = Sort("as", "As.", default=3)
B = Sort("bs", "Bs.", default=2)


def footprint(instance: Instance, action: str) -> Footprint:
    """What the only call of an action may use."""
    number_, *others = [c.index for c in instance.calls if c.action.name == action]
    assert not others
    return Footprints(instance).calls[number_]


def cells(instance: Instance, *paths: str) -> int:
    """The cells that these paths mean."""
    of = Footprints(instance).cells.of
    found = 0
    for path in paths:
        found |= of(path)
    return found


# effects


class Told(Effects):
    """What is told."""

    PLACE = effect("place", "other")


class Heard(Record):
    """Who hears of a place marks it."""

    mark: Array = per(A, number(1), "Marks.")
    n: int = scalar(number(2), "A place.")
    late: int = scalar(number(2), "1 after a look; 2 if it saw the second mark.")


def told(rule: Callable[[Heard], int]) -> Model:
    """A model in which one sees the second mark, and another marks the place that it is told."""
    model = Model("told", "Marks.", Heard, effects=Told)

    @model.action()
    def look(s: Heard) -> int:
        """Look at the second mark, once."""
        if s.late:
            return DISABLED
        s.late = 1 + s.mark[1]
        return 0

    model.action()(rule)
    model.final_states(anywhere)
    return model


def anywhere(s: Heard) -> bool:
    """Any."""
    return True


def by_name(s: Heard) -> int:
    """The argument by its name."""
    emit(s, Told.PLACE, s.n + 1, 0)
    place = 0
    if s.n == 0:
        place = s.effects[0].place
    s.mark[place] = 1
    return 0


def by_number(s: Heard) -> int:
    """The argument by its place."""
    emit(s, Told.PLACE, s.n + 1, 0)
    place = 0
    if s.n == 0:
        place = s.effects[0][1]
    s.mark[place] = 1
    return 0


def in_a_loop(s: Heard) -> int:
    """The argument of each effect."""
    emit(s, Told.PLACE, s.n + 1, 0)
    place = 0
    for e in s.effects:
        if s.n == 0:
            place = e.place
    s.mark[place] = 1
    return 0


def unpacked(s: Heard) -> int:
    """The argument beside the others."""
    emit(s, Told.PLACE, s.n + 1, 0)
    place = 0
    if s.n == 0:
        _, place, _, _, _ = s.effects[0]
    s.mark[place] = 1
    return 0


HEARD = [by_name, by_number, in_a_loop, unpacked]
heard = pytest.mark.parametrize("rule", HEARD, ids=[rule.__name__ for rule in HEARD])


def early(s: Heard) -> bool:
    """Nobody sees the second mark."""
    return s.late < 2


@heard
def test_an_argument_of_an_effect_may_be_any_number(rule: Callable[[Heard], int]) -> None:
    instance = told(rule).instance()
    found = footprint(instance, rule.__name__)
    assert found.writes == cells(instance, "mark")
    assert found.reads == cells(instance, "n")
    checks = Checks(instance)
    checks.run(states=20, calls=2, cells=5)
    assert checks.asked > 20


@heard
@pytest.mark.parametrize("engine", ["interpreted", "compiled"])
def test_who_reads_what_an_effect_names_is_not_left_for_later(
    engine: Engine, rule: Callable[[Heard], int]
) -> None:
    model = told(rule)
    model.always("a test")(early)
    instance = model.instance()
    assert check(instance, "interpreted").verdict is Verdict.VIOLATED
    assert check(instance, engine, partial_order=True).verdict is Verdict.VIOLATED


@heard
def test_without_that_it_would_be(
    rule: Callable[[Heard], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CellReading, "argument", Reading.argument)
    monkeypatch.setattr(CellReading, "unpacked", lambda self, kind, count: [None] * count)
    model = told(rule)
    model.always("a test")(early)
    instance = model.instance()
    assert footprint(instance, rule.__name__).writes == cells(instance, "mark[0]")
    assert check(instance, "interpreted", partial_order=True).verdict is Verdict.HOLDS
    with pytest.raises(AssertionError, match="changes"):
        Checks(instance).run(states=20, calls=2, cells=5)


def test_a_property_reads_whatever_place_an_effect_names() -> None:
    model = told(by_name)

    @model.step("a test")
    def is_marked(before: Heard, after: Heard) -> bool:
        """What is told is marked."""
        for e in after.effects:
            place = 0
            if before.n == 0:
                place = e.place
            if after.mark[place] == 0:
                return False
        return True

    instance = model.instance()
    (found,) = Footprints(instance).on_steps["is_marked"]
    assert found.reads == cells(instance, "mark", "n")
    assert found.hears


# parts


class Box(Record):
    """A box."""

    full: Array = per(B, number(1), "Full.")
    lid: int = scalar(number(1), "Shut.")


class Room(Record):
    """A room with boxes."""

    boxes: tuple[Box, ...] = part(lambda setting: box.instance({}), "Boxes.", per=A)
    n: int = scalar(number(2), "A box.")


box = Model("box", "A box.", Box)


def room(rule: Callable[..., int], **parameters: Sort) -> Instance:
    """A room in which one thing can be done."""
    model = Model("room", "A room.", Room)
    model.action(**parameters)(rule)
    model.final_states(anywhere)
    return model.instance()


def own(s: Room, a: int) -> int:
    """The own box, and the lid of the next."""
    s.boxes[a].full[1] = s.boxes[(a + 1) % len(s.boxes)].lid
    return 0


def chosen(s: Room) -> int:
    """The box that the state names."""
    s.boxes[s.n].full[1] = 1
    return 0


def chosen_place(s: Room) -> int:
    """A place that the state names, in a known box."""
    s.boxes[2].full[s.n // 2] = 1
    return 0


def each(s: Room) -> int:
    """The lids of all boxes, one after the other."""
    for one in s.boxes:
        one.lid = 1
    return 0


def some(s: Room) -> int:
    """A search of the boxes."""
    s.n = int(any(one.full[0] for one in s.boxes))
    return 0


def either(s: Room) -> int:
    """One of two boxes."""
    one = s.boxes[0] if s.n else s.boxes[1]
    one.lid = 1
    return 0


ALL = ("boxes.0", "boxes.1", "boxes.2")


def test_a_part_with_a_known_index_is_that_part() -> None:
    instance = room(own, a=A)
    found = Footprints(instance)
    last = found.calls[2]
    assert last.writes == found.cells.of("boxes.2.full[1]")
    assert last.reads == found.cells.of("boxes.0.lid")


@pytest.mark.parametrize(
    ("rule", "reads", "writes"),
    [
        (chosen, ["n"], [f"{one}.full[1]" for one in ALL]),
        (chosen_place, ["n"], ["boxes.2.full"]),
        (each, [], [f"{one}.lid" for one in ALL]),
        (some, [f"{one}.full[0]" for one in ALL], ["n"]),
    ],
    ids=["an index of the state", "a place of the state", "a loop", "a search"],
)
def test_a_part_that_only_the_state_knows_is_any_of_them(
    rule: Callable[[Room], int], reads: list[str], writes: list[str]
) -> None:
    instance = room(rule)
    found = footprint(instance, rule.__name__)
    assert found.reads == cells(instance, *reads)
    assert found.writes == cells(instance, *writes)


def test_one_of_two_parts_is_not_understood() -> None:
    instance = room(either)
    assert footprint(instance, "either").writes == Footprints(instance).cells.every


@pytest.mark.parametrize("rule", [chosen, chosen_place, each, some, either])
def test_rules_about_parts_use_no_more_than_is_read_off_them(rule: Callable[[Room], int]) -> None:
    instance = room(rule)
    checks = Checks(instance)
    checks.run(states=30, calls=1, cells=6)
    assert (checks.asked > 30) is (rule is not either)


def test_a_part_that_is_taken_for_the_first_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Readings, "some", lambda self, part: self.several(part)[0])
    instance = room(chosen)
    assert footprint(instance, "chosen").writes == cells(instance, "boxes.0.full[1]")
    with pytest.raises(AssertionError, match=r"chosen\(\) (changes|uses)"):
        Checks(instance).run(states=60, calls=1, cells=6)
