"""What compiled code does not evaluate again: guards in one state, properties in a simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    Array,
    Instance,
    Model,
    Record,
    Sort,
    number,
    part,
    per,
    ref,
    scalar,
    unchanged,
)
from slotspec.statemachine.compiler.backend.result_buffer import REMEMBERED
from slotspec.statemachine.compiler.drivers.expand import program_text
from slotspec.statemachine.compiler.frontend.program import Program
from slotspec.statemachine.compiler.frontend.statements import program_of
from slotspec.statemachine.compiler.frontend.symbols import RecordAt
from slotspec.statemachine.layout import WORD
from slotspec.statemachine.search.random_walk import CompiledWalk, compile_walk
from slotspec.statemachine.simulate import simulate
from tests.statemachine.compiler.engines import compare
from tests.statemachine.interpreter.simulated import again
from tests.variants import fast_first

PLACES = Sort("places", "Places of a shelf.", default=9)
SHELVES = Sort("shelves", "Shelves.", default=2)


class Shelf(Record):
    """More than a word of memory."""

    full: Array = per(PLACES, FLAG, "The place is taken.")
    last: int = scalar(ref(PLACES), "Taken last.")


shelf = Model("shelf", "A shelf.", Shelf)


class Store(Record):
    """Shelves, and how often something was put on one."""

    count: int = scalar(number(3), "Things on the shelves.")
    spare: Any = part(lambda setting: shelf.instance({"places": 9}), "One more.")
    shelves: Any = part(lambda setting: shelf.instance({"places": 9}), "Each.", per=SHELVES)
    turn: int = scalar(number(9), "Where the next thing goes.")


def used(s: Shelf) -> int:
    """How many places are taken."""
    return sum(s.full)


def all_used(s: Store) -> int:
    """How many places are taken anywhere."""
    return sum(sum(one.full) for one in s.shelves) + used(s.spare)


def has(s: Store, things: int) -> bool:
    """Whether there are so many things."""
    return all_used(s) == things


def next_place(s: Store) -> int:
    """What is in the next place; a fault in the state in which there is none."""
    return s.spare.full[s.turn] + all_used(s)


def put(s: Store, shelf: int) -> int:
    """Put something on a shelf, and look how much there is then."""
    if all_used(s) == 3:
        return DISABLED
    s.shelves[shelf].full[s.count] = 1
    s.shelves[shelf].last = s.count
    s.count = all_used(s)
    return all_used(s)


def put_aside(s: Store) -> int:
    """Put something aside, if nothing is there."""
    if all_used(s) == 3 or used(s.spare) == 1:
        return DISABLED
    s.spare.full[8] = 1
    s.count += 1
    return used(s.spare)


def take(s: Store) -> int:
    """Take everything, if there are two things or three."""
    if not has(s, 2) and not has(s, 3):
        return DISABLED
    for one in s.shelves:
        for place in one.elements(PLACES):
            one.full[place] = 0
    s.spare.full[8] = 0
    s.count = 0
    return all_used(s)


def turn_on(s: Store) -> int:
    """Go on to the next place."""
    if s.turn >= 8 or all_used(s) == 1:
        return DISABLED
    s.turn += 1
    return 0


def turn_too_far(s: Store) -> int:
    """Go on behind the last place."""
    if s.turn < 8:
        return DISABLED
    s.turn = 9
    return 0


def look(s: Store) -> int:
    """Look at the next place."""
    return next_place(s)


def look_again(s: Store) -> int:
    """Look at the next place."""
    return next_place(s) + 1


def store(*rules: Callable[..., int]) -> Model:
    model = Model("store", "A store.", Store)
    for rule in rules:
        model.action(**({"shelf": SHELVES} if rule is put else {}))(rule)

    @model.always("here", each={"shelf": SHELVES})
    def the_first_place_comes_first(s: Store, shelf: int) -> bool:
        """Whoever uses the third place of a shelf has used another before."""
        return s.shelves[shelf].full[2] == 0 or used(s.shelves[1]) > 0

    @model.always("here")
    def nothing_is_aside(s: Store) -> bool:
        """The spare shelf stays empty while the others have something."""
        return used(s.spare) == 0 or all(one.full[0] == 0 for one in s.shelves)

    @model.sometimes("here", each={"shelf": SHELVES})
    def a_shelf_has_two(s: Store, shelf: int) -> bool:
        """Some shelf has two things."""
        return used(s.shelves[shelf]) == 2

    @model.sometimes("here")
    def it_is_empty(s: Store) -> bool:
        """There is nothing, as at first."""
        return s.count == 0

    @model.step("here")
    def things_are_counted(before: Store, after: Store) -> bool:
        """A step that puts something somewhere counts it."""
        return all_used(after) <= all_used(before) or after.count > before.count

    return model


RULES = (put, put_aside, take, turn_on)


def program(instance: Instance) -> Program:
    return program_text(instance, deposit_bits=True)[0]


def test_guards_are_asked_once_in_a_state() -> None:
    """They are remembered for their arguments, and not after a change."""
    instance = store(*RULES).instance()
    asked = {(str(call[0]).split(".")[0], *call[1:]) for call in program(instance).remembered}
    assert asked == {("@all_used",), ("@used",), ("@has", 2), ("@has", 3)}
    compiled, _ = compare(instance)
    assert compiled.states > 100
    assert not compiled.fault


@pytest.mark.parametrize("rules", [(look,), (look, look_again), (look_again, look)])
def test_a_guard_that_meets_a_fault_meets_it_again(rules: tuple[Any, ...]) -> None:
    compiled, _ = compare(store(*RULES, turn_too_far, *rules).instance())
    assert compiled.fault is not None
    assert compiled.fault.calls[-1].action.name in ("look", "look_again")


def test_guards_without_room_are_asked_again() -> None:
    model = Model("many", "Many guards.", Store)

    def turn_at(things: int) -> Callable[[Store], int]:
        def turn(s: Store) -> int:
            """Go on, if there are so many things."""
            if has(s, things) or not has(s, things - 1) or s.turn == 9:
                return DISABLED
            s.turn += 1
            return 0

        turn.__name__ = f"turn_at_{things}"
        return turn

    for things in range(REMEMBERED + 3):
        model.action()(turn_at(things))
    model.action(shelf=SHELVES)(put)
    model.always("here")(bounded)
    instance = model.instance()
    assert len(program(instance).remembered) == REMEMBERED
    compare(instance)


def bounded(s: Store) -> bool:
    """The place is one of nine."""
    return s.turn <= 9


def depth_of(s: Store, place: int) -> int:
    """How many places from here on are full; calls itself."""
    if place == 9:
        return 0
    return s.spare.full[place] + depth_further(s, place)


def depth_further(s: Store, place: int) -> int:
    """The same without this place, if the turn is not here."""
    return 0 if s.turn == place else depth_of(s, place + 1)


def first(s: Store, shelf: int) -> int:
    """What is in the first place of a shelf, and how many turns there were."""
    return s.shelves[shelf].full[0] + s.turn


def same_shelf(before: Store, after: Store) -> bool:
    """Whether the spare shelf is as it was."""
    return unchanged(before.spare, after.spare, "full")


@pytest.mark.parametrize(
    ("rule", "arguments", "fields"),
    [
        (bounded, 1, ["turn"]),
        # of equal parts that of all, since an index chooses
        (first, 2, ["shelves.0.full", "shelves.1.full", "turn"]),
        # in recursion that of all functions
        (depth_of, 2, ["spare.full", "turn"]),
        (depth_further, 2, ["spare.full", "turn"]),
        (same_shelf, 0, ["spare.full"]),
    ],
)
def test_what_a_rule_may_read_is_known(rule: Any, arguments: int, fields: list[str]) -> None:
    program = program_of(store().instance())
    given: list[Any] = [RecordAt("%now"), 0][:arguments] or [RecordAt("%now"), RecordAt("%next")]
    places = [program.layout.places[name] for name in fields]
    words = {byte // WORD for p in places for byte in range(p.offset, p.offset + p.size)}
    assert program.words_of(program.translate(rule, given, reading=True)) == words


@pytest.mark.parametrize(
    "name", fast_first([None, "the_first_place_comes_first", "nothing_is_aside"])
)
def test_simulations_find_what_they_found(name: str | None) -> None:
    """In both engines at the same step, though compiled code asks only what may have changed."""
    for seed in range(8):
        found = []
        for engine in ("interpreted", "compiled"):
            instance = store(*RULES, look).instance()
            if name is not None:
                instance.properties = {name: instance.properties[name]}
            found.append(again(simulate(instance, engine, runs=20, steps=60, seed=seed)))
        assert found[0] == found[1]
        assert found[0]["violation"] is not None


def test_a_step_notes_the_words_that_it_changes() -> None:
    instance = store(turn_on).instance()
    walk = CompiledWalk(compile_walk(instance), steps=3, rate=0.0)
    walk.block(range(1), seed=1, stop=lambda: False)
    layout, (changed,) = walk.compiled.layout, walk.w.changed.tolist()
    assert changed % (1 << layout.words) == 1 << layout.places["turn"].offset // WORD
