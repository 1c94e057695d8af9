"""Records within records: one rule works on its own model and on a part of a larger one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    DeclarationError,
    Event,
    Lifecycle,
    Model,
    Record,
    RuleError,
    Sort,
    State,
    constant,
    emit,
    fire,
    number,
    part,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Result, Verdict
from slotspec.statemachine.search.engine import explore_compiled


class Cell(Lifecycle):
    """A cell that is filled once in a while."""

    EMPTY = State("Nothing in it.", initial=True)
    FULL = State("Something in it.")

    fill = Event("It is filled.", (EMPTY, FULL))
    drain = Event("It is emptied.", (FULL, EMPTY))


class Told(IntEnum):
    FILLED = 0


cells = Sort("cells", "Cells of a box.", default=2)
boxes = Sort("boxes", "Boxes on the shelf.", default=2)


class BoxState(Record):
    cell: Array = per(cells, Cell, "Each cell.")
    last: int = scalar(ref(cells), "The cell filled last.")
    price: int = constant("What a cell costs.", lambda g: g["price"])


box = Model("box", "A box of cells.", BoxState, generations={"cheap": {"price": 1}})


@box.operation
def fill(s: BoxState, cell: int) -> int:
    """Fill an empty cell; what it costs, or NONE."""
    if s.cell[cell] == Cell.FULL:
        return NONE
    fire(s.cell, cell, Cell.fill)
    s.last = cell
    emit(s, Told.FILLED, cell)
    return s.price


class ShelfState(Record):
    spare: BoxState = part(lambda g: box.instance({"cells": 1}), "A small box.", effects_from=10)
    several: Sequence[BoxState] = part(
        lambda g: box.instance({"cells": g["size"]}, choices={"price": 3}),
        "The boxes.",
        per=boxes,
        effects_from=20,
    )
    spent: int = scalar(number(12), "What was spent.")
    notified: int = scalar(FLAG, "A box has reported that its cell 1 was filled.")
    price: int = constant("A constant that a part has too.", lambda g: 7)


sizes = Sort("size", "Cells of each box on the shelf.", default=2)


class WithSize(ShelfState):
    pad: Array = per(sizes, FLAG, "Only for the bound.")


shelf = Model("shelf", "Boxes on a shelf.", WithSize)


@shelf.action(b=boxes, cell=sizes)
def fill_one(s: WithSize, b: int, cell: int) -> int:
    """Fill a cell of one of the boxes."""
    paid = fill(s.several[b], cell)
    if paid == NONE:
        return DISABLED
    s.spent += paid
    if s.effects[0][0] == 20 + Told.FILLED and s.effects[0][1] == 1:
        s.notified = 1
    return paid


@shelf.action()
def fill_spare(s: WithSize) -> int:
    """Fill the spare box, which costs less."""
    if s.spare.cell[0] == Cell.FULL:
        return DISABLED
    paid = fill(s.spare, 0)
    if s.effects[0][0] != 10:
        return 99
    return paid


@shelf.action(b=boxes)
def drain_last(s: WithSize, b: int) -> int:
    """Empty the cell that was filled last."""
    if s.several[b].last == NONE:
        return DISABLED
    fire(s.several[b].cell, s.several[b].last, Cell.drain)
    s.several[b].last = NONE
    s.spent -= 3
    return len(s.several)


@shelf.always("test")
def what_was_spent_is_in_the_boxes(s: WithSize) -> bool:
    """Each full cell of a box was paid for."""
    full = 0
    for b in range(len(s.several)):
        for cell in range(len(s.several[b].cell)):
            full += s.several[b].cell[cell]
    return s.spent == 3 * full


@shelf.always("test")
def box_one_is_never_full(s: WithSize) -> bool:
    """Not so."""
    return s.several[1].cell[0] + s.several[1].cell[1] < 2


@shelf.step("test", on=fill_spare)
def spare_costs_one(before: WithSize, after: WithSize, result: int) -> bool:
    """The constant of the part is read, not that of the whole, and its effect is numbered."""
    return result == 1 and after.effects[0][0] == 10 and after.price == 7


@shelf.sometimes("test")
def box_one_tells_of_cell_one(s: WithSize) -> bool:
    """Effects of a part are read by the whole."""
    return s.notified == 1


def facts(result: Result) -> object:
    return (
        result.states,
        result.transitions,
        result.depth,
        dict(result.fired),
        {
            p.property.name: (p.verdict, p.finding and [str(c) for c in p.finding.calls])
            for p in result.properties
        },
        str(result.fault),
    )


def test_both_engines_find_the_same() -> None:
    found = explore_interpreted(shelf.instance())
    assert facts(found) == facts(explore_compiled(shelf.instance()))
    assert found.fault is None
    verdicts = {p.property.name: p.verdict for p in found.properties}
    assert verdicts == {
        "what_was_spent_is_in_the_boxes": Verdict.HOLDS,
        "box_one_is_never_full": Verdict.VIOLATED,
        "spare_costs_one": Verdict.HOLDS,
        "box_one_tells_of_cell_one": Verdict.HOLDS,
    }
    # 7 states of each box, notified or not, and 2 of the spare one: 2*7*7, and 2*2*2 not notified
    assert (found.states, found.transitions) == (106, 365)


def test_fields_have_dotted_names_and_sizes_of_their_own() -> None:
    instance = shelf.instance({"size": 3})
    sizes_of = {n: spec.size(instance.setting.bounds) for n, spec in instance.record.fields.items()}
    assert sizes_of["spare.cell"] == 1
    assert sizes_of["several.0.cell"] == sizes_of["several.1.cell"] == 3
    assert instance.lifecycles["several.1.cell"] is Cell


def test_a_step_within_a_part_is_undone() -> None:
    instance = shelf.instance()
    interpreter = Interpreter(instance)
    start = interpreter.key
    for call in instance.calls:
        interpreter.step(call)
    changed = interpreter.snapshot()
    assert changed["several.1.cell"] == [1, 0]
    interpreter.load(start)
    assert interpreter.snapshot()["several.1.cell"] == [0, 0]
    assert interpreter.snapshot()["several.0.last"] == NONE


def test_replaced_rules_are_replaced_in_parts_too() -> None:
    def free_of_charge(s: BoxState, cell: int) -> int:
        if s.cell[cell] == Cell.FULL:
            return NONE
        fire(s.cell, cell, Cell.fill)
        s.last = cell
        emit(s, Told.FILLED, cell)
        return 0

    instance = shelf.instance(replace={fill: free_of_charge})
    for explore in (explore_interpreted, explore_compiled):
        found = {p.property.name: p for p in explore(instance).properties}
        broken = found["what_was_spent_is_in_the_boxes"]
        assert broken.verdict is Verdict.VIOLATED
        assert broken.finding is not None
        assert len(broken.finding.steps) == 1


class ScratchState(Record):
    note: int = scalar(FLAG, "A note.")
    notes: Array = per(cells, FLAG, "Notes of a step.", scratch=True)


scratching = Model("scratching", "Has a scratch field.", ScratchState)


def instance_of_scratch(_: object) -> Instance:
    return scratching.instance()


def test_invalid_parts_are_refused() -> None:
    class Several(Record):
        many: Sequence[ScratchState] = part(instance_of_scratch, "Several.", per=boxes)

    with pytest.raises(DeclarationError, match=r"MDL007.*notes is a scratch field"):
        Model("several", "Several.", Several).instance()

    class Deep(Record):
        shelf: WithSize = part(lambda g: shelf.instance(), "A part with parts.")

    with pytest.raises(DeclarationError, match=r"MDL006.*a part has no parts"):
        Model("deep", "Deep.", Deep).instance()


class LookingState(Record):
    spare: BoxState = part(lambda g: box.instance(), "A box.")


looking = Model("looking", "Reads effects of a part.", LookingState)


@looking.action()
def look(s: LookingState) -> int:
    """Reads what only the whole has."""
    fill(s.spare, 0)
    return len(s.spare.effects)  # type: ignore[arg-type]


def test_effects_of_a_part_are_read_from_the_whole() -> None:
    with pytest.raises(RuleError, match=r"RUL014.*read from the whole"):
        explore_compiled(looking.instance())
