"""Where the rules prove that names make no difference, symmetry is used; elsewhere it says why."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from examples import slot_pool_core, two_phase_commit
from slotspec.cli.app import build
from slotspec.statemachine import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    Effects,
    Model,
    Record,
    Sort,
    check,
    effect,
    emit,
    number,
    only,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.scalarsets.proof import obstacles
from tests.statemachine.search.scalarset_fuzzer import examine

THINGS = Sort("things", "Things.", default=3, symmetric=True)
OTHERS = Sort("others", "Other things.", default=2, symmetric=True)
ALL = Sort("all", "Both.", parts=(THINGS, OTHERS))
PLACES = Sort("places", "Places in a row.", parts=(THINGS,), ordered=True)


class Kind(Effects):
    """What is told."""

    TOLD = effect("thing", "about")
    ASKED = effect("thing")


class Box(Record):
    """Things and what is known of them."""

    flag: Array = per(THINGS, FLAG, "Marked.")
    count: Array = per(THINGS, number(9), "Counted.")
    friend: Array = per(THINGS, ref(THINGS), "Its friend.")
    any_mark: Array = per(ALL, FLAG, "Marks of all.")
    row: Array = per(PLACES, ref(THINGS), "Who stands where.")
    other: Array = per(OTHERS, FLAG, "Marked others.")
    chosen: int = scalar(ref(THINGS), "The chosen one.")
    total: int = scalar(number(30), "A total.")


Rule = Callable[..., int]


def found(*rules: Rule, prop: Callable[[Any], bool] | None = None) -> list[str]:
    """The obstacles of a model with these actions, which take things."""
    model = Model("box", "A box of things.", Box, effects=Kind)
    for rule in rules:
        names = list(inspect.signature(rule).parameters)[1:]
        model.action(**dict.fromkeys(names, THINGS))(rule)
    if prop is not None:
        model.always("a test")(prop)
    return [str(obstacle) for obstacle in obstacles(model.instance())]


# rules that keep to the discipline


def own_element(s: Box, thing: int) -> int:
    """Each iteration writes its own element only."""
    for one, mark in enumerate(s.flag):
        if mark and one != thing:
            s.flag[one] = 0
            s.count[one] = min(s.count[one] + 1, 9)
    return 0


def same_constant(s: Box, thing: int) -> int:
    """Every iteration writes the same."""
    for one in s.elements(THINGS):
        if s.count[one] > 2:
            s.flag[thing] = 1
            s.total += 1
    return thing


def row_in_order(s: Box, thing: int) -> int:
    """Positions are no elements: the first place may be taken."""
    place = next((p for p in range(len(s.row)) if s.row[p] == NONE), NONE)
    if place == NONE or thing in s.row:
        return DISABLED
    s.row[place] = thing
    return 0


def part_of_a_sum(s: Box, thing: int) -> int:
    """A thing is the element of the sum with its number."""
    for one in s.elements(ALL):
        if one < len(s.flag) and one != thing:
            s.any_mark[one] = 1
    return 0


def quantified(s: Box, thing: int) -> int:
    """Any and all without a fault."""
    if any(f != NONE and s.flag[f] for f in s.friend) or not all(s.count):
        return DISABLED
    s.chosen = thing
    return 0


def told(s: Box) -> int:
    """Effects are told in any order."""
    for one in s.elements(THINGS):
        if s.flag[one]:
            emit(s, Kind.TOLD, one, 1)
    return 0


GOOD = [own_element, same_constant, row_in_order, part_of_a_sum, quantified, told]


@pytest.mark.parametrize("rule", GOOD, ids=lambda rule: str(rule.__name__))
def test_a_rule_that_treats_elements_alike_is_no_obstacle(rule: Rule) -> None:
    assert found(rule) == []


# rules that tell elements apart


def compares_order(s: Box, one: int, other: int) -> int:
    """An order."""
    return int(one < other)  # an order of an element of things


def calculates(s: Box, thing: int) -> int:
    """Arithmetic."""
    s.chosen = (thing + 1) % 3  # arithmetic with an element of things
    return 0


def names_an_element(s: Box) -> int:
    """A literal."""
    s.flag[0] = 1  # the literal 0 stands for an element of things
    return 0


def asks_for_zero(s: Box) -> int:
    """The first element is 0, which is false."""
    if s.chosen:  # is asked whether it is 0; compare with NONE
        return DISABLED
    return 0


def keeps_as_number(s: Box, thing: int) -> int:
    """An element in a field of numbers."""
    s.total = thing  # an element of things becomes a number
    return 0


def takes_the_first(s: Box) -> int:
    """The first free one."""
    s.chosen = next((t for t in s.elements(THINGS) if not s.flag[t]), NONE)  # the first match
    return 0


def returns_the_first(s: Box) -> int:
    """A search by hand."""
    for one, mark in enumerate(s.flag):  # the first match ends the loop
        if mark:
            return one
    return NONE


def remembers_the_last(s: Box) -> int:
    """The loop's variable outlives it."""
    for one in s.elements(THINGS):  # one is used outside of the loop
        if s.flag[one]:
            break
    s.chosen = one
    return 0


def carries(s: Box) -> int:
    """A local goes from one iteration to the next."""
    before = NONE
    for one in s.elements(THINGS):  # before passes from one iteration to another
        s.friend[one] = before
        before = one
    return 0


def queues(s: Box) -> int:
    """The order of the elements becomes an order of places."""
    for one in s.elements(THINGS):  # what one iteration writes to row, another may use
        place = next((p for p in range(len(s.row)) if s.row[p] == NONE), NONE)
        if place != NONE:
            s.row[place] = one
    return 0


def writes_what_others_read(s: Box) -> int:
    """One iteration changes what another asks."""
    for one, friend in enumerate(s.friend):  # what one iteration writes to flag, another may use
        if friend != NONE and s.flag[friend]:
            s.flag[one] = 1
    return 0


def numbers(s: Box) -> int:
    """Pairs elements with numbers."""
    for one, n in zip(s.elements(THINGS), range(3), strict=False):  # pairs them with something else
        s.count[one] = n
    return 0


def pairs_backwards(s: Box) -> int:
    """Pairs elements of two sorts from their ends."""
    for one, mark in zip(reversed(s.count), reversed(s.other), strict=False):  # pairs them
        if one and mark:
            s.total = 0
    return 0


def unguarded(s: Box) -> bool:
    """An argument of an effect of another kind is guarded."""
    return all(e.thing != NONE for e in s.effects if e.kind == Kind.ASKED) and all(
        s.flag[e.thing] for e in s.effects if e.kind == Kind.TOLD
    )


def guarded(s: Box) -> bool:
    """What an effect is about is an element before it is an index."""
    return all(e.thing != NONE and s.flag[e.thing] for e in s.effects if e.kind == Kind.TOLD)


def guarded_on_one_way(s: Box) -> bool:
    """It is guarded only if something else holds."""
    return all(
        (s.total == 0 or e.thing != NONE) and s.flag[e.thing]
        for e in s.effects
        if e.kind == Kind.TOLD
    )


def guarded_in_a_branch(s: Box) -> bool:
    """It is guarded on one of two ways that meet."""
    for e in s.effects:
        if e.kind == Kind.TOLD:
            if s.total == 0:  # noqa: SIM102  (two branches that meet)
                if e.thing == NONE:
                    return False
            if s.flag[e.thing]:
                return False
    return True


def tell_all(s: Box) -> int:
    """Tell of every thing and of its friend."""
    for one, friend in enumerate(s.friend):
        emit(s, Kind.TOLD, friend, 1)
        emit(s, Kind.ASKED, one)
    return 0


def asked(s: Box) -> bool:
    """An effect that is always about an element needs no guard."""
    return all(s.flag[e.thing] for e in s.effects if e.kind == Kind.ASKED)


def test_arguments_of_effects_are_known_by_kind_and_by_comparison() -> None:
    assert found(tell_all, prop=guarded) == []
    assert found(tell_all, prop=asked) == []
    for prop in (unguarded, guarded_on_one_way, guarded_in_a_branch):
        (why,) = found(tell_all, prop=prop)
        assert "this may be a fault" in why


def told_then_asked(s: Box) -> int:
    """Tell of all things, then ask for all."""
    for one in s.elements(THINGS):
        emit(s, Kind.TOLD, one, 1)
    for one in s.elements(THINGS):
        emit(s, Kind.ASKED, one)
    return 0


def told_and_asked(s: Box) -> int:
    """Tell of each thing and ask for it."""
    for one in s.elements(THINGS):
        emit(s, Kind.TOLD, one, 1)
        if s.flag[one]:
            emit(s, Kind.ASKED, one)
    return 0


def told_first(s: Box) -> bool:
    """Nothing is told after something was asked for."""
    return not any(
        first < then and e.kind == Kind.ASKED and f.kind == Kind.TOLD
        for first, e in enumerate(s.effects)
        for then, f in enumerate(s.effects)
    )


def chosen_first(s: Box) -> bool:
    """The chosen one is told first."""
    return all(
        i == 0 for i, e in enumerate(s.effects) if e.kind == Kind.TOLD and e.thing == s.chosen
    )


def test_the_order_of_kinds_is_known_if_each_loop_emits_one() -> None:
    assert found(told_then_asked, prop=told_first) == []
    assert any("an order of" in why for why in found(told_and_asked, prop=told_first))
    assert any("is compared" in why for why in found(told_then_asked, prop=chosen_first))


def tells_once(s: Box) -> int:
    """Tells of the first thing only, since it then has told."""
    for one in s.elements(THINGS):
        if not any(e.kind == Kind.TOLD for e in s.effects):
            emit(s, Kind.TOLD, one, 1)
            s.flag[one] = 1
    return 0


def test_what_was_emitted_passes_from_one_iteration_to_another() -> None:
    assert any("what one iteration emits, another may ask for" in w for w in found(tells_once))


def the_only_one(s: Box, thing: int) -> int:
    """The one that is marked, and one that is not."""
    marked = only((one for one in s.elements(THINGS) if s.flag[one] and one != thing), NONE)
    if marked == NONE:
        return DISABLED
    s.chosen = marked
    s.total = only((s.count[one] for one in s.elements(THINGS) if s.flag[one]), 0)
    return 0


def test_the_only_match_depends_on_no_order() -> None:
    assert found(the_only_one) == []

    def inside(s: Box) -> bool:
        """It may be a fault, so it matters when it is asked."""
        return any(only((x for x in s.elements(THINGS) if s.flag[x]), y) == y for y in s.friend)

    (why,) = found(the_only_one, prop=inside)
    assert "this may be a fault" in why


def may_be_a_fault(s: Box) -> int:
    """Whether the fault occurs depends on which comes first."""
    if any(s.flag[friend] for friend in s.friend):  # and this may be a fault
        return DISABLED
    return 0


def mixes_sorts(s: Box, thing: int) -> int:
    """An element of one sort is none of another."""
    s.other[thing] = 1  # an element of others meets an element of things
    return 0


def assigned_on_the_way(s: Box, thing: int) -> int:
    """A name that a skipped assignment may have kept."""
    last = NONE
    if s.flag[thing] and (last := s.total) != NONE:
        s.total = 0
    s.chosen = last  # a value that may be an element|a number stands for an element
    return 0


BAD = [
    *(compares_order, calculates, names_an_element, asks_for_zero, keeps_as_number),
    *(takes_the_first, returns_the_first, remembers_the_last, carries, queues),
    *(
        writes_what_others_read,
        numbers,
        pairs_backwards,
        may_be_a_fault,
        mixes_sorts,
        assigned_on_the_way,
    ),
]


@pytest.mark.parametrize("rule", BAD, ids=lambda rule: str(rule.__name__))
def test_a_rule_that_tells_elements_apart_is_named_with_its_line(rule: Rule) -> None:
    lines, first = inspect.getsourcelines(rule)
    at, comment = next(
        (first + n, line.partition("  # ")[2].strip())
        for n, line in enumerate(lines)
        if "  # " in line
    )
    why = [text for text in found(rule) if f"test_scalarsets.py:{at}: " in text]
    assert any(part in text for part in comment.split("|") for text in why), why


def by_place(s: Box) -> bool:
    """The place of an effect."""
    return len(s.effects) == 0 or s.effects[0].about == 1


def test_places_among_effects_are_refused_only_if_their_order_depends_on_names() -> None:
    def tell(s: Box, thing: int) -> int:
        """Tell one thing."""
        emit(s, Kind.TOLD, thing, 1)
        return 0

    assert found(tell, prop=by_place) == []
    assert any("a place among effects" in why for why in found(told, prop=by_place))


def test_a_property_is_examined_like_a_rule() -> None:
    def first_is_free(s: Box) -> bool:
        """The first one."""
        return s.chosen != 0

    (why,) = found(prop=first_is_free)
    assert "the literal 0 stands for an element of things" in why


def test_one_element_cannot_be_told_apart() -> None:
    model = Model("box", "A box of things.", Box, effects=Kind)
    model.action(one=THINGS, other=THINGS)(compares_order)
    assert obstacles(model.instance({"things": 3}))
    assert obstacles(model.instance({"things": 1})) == []


def test_random_models_that_are_found_symmetric_are_symmetric(tmp_path: Path) -> None:
    results = [examine(tmp_path, seed, states=15) for seed in range(1, 61)]
    assert [why for proven, why in results if proven and why is not None] == []
    assert sum(proven for proven, _ in results) > 8
    assert sum(not proven and why is not None for proven, why in results) > 4


def test_symmetry_is_the_default_where_it_is_proven() -> None:
    instance = two_phase_commit.model.instance({"managers": 5})
    reduced, plain = check(instance, "compiled"), check(instance, "compiled", symmetry=False)
    assert (reduced.symmetry, plain.symmetry) == ("exact", None)
    assert reduced.symmetry_reason == "proven by the text of the rules"
    assert (plain.symmetry_reason, plain.symmetry_note) == (None, None)
    assert reduced.states * 20 < plain.states
    assert (reduced.verdict, reduced.depth) == (plain.verdict, plain.depth)
    for one, other in zip(reduced.properties, plain.properties, strict=True):
        assert (one.property.name, one.verdict) == (other.property.name, other.verdict)
        lengths = [len(p.finding.calls) if p.finding else None for p in (one, other)]
        assert lengths[0] == lengths[1]


def test_symmetry_is_off_where_it_is_not_proven_and_the_result_says_why() -> None:
    instance = slot_pool_core.model.instance()
    result = check(instance, "compiled")
    assert result.symmetry is None
    assert "slot_pool_core.py:" in str(result.symmetry_reason)
    assert result.states == check(instance, "compiled", symmetry=False).states
    trusted = explore_compiled(instance, symmetry="exact")
    assert trusted.symmetry == "exact"
    assert str(trusted.symmetry_reason).startswith("tested on reachable states, not proven: ")


def test_leads_to_keeps_the_default() -> None:
    model = Model("box", "A box of things.", Box, effects=Kind)
    model.action(thing=THINGS)(own_element)

    @model.final_states
    def rest(s: Box) -> bool:
        """Any."""
        return True

    def is_over(s: Box) -> bool:
        return s.total == 0

    @model.leads_to("a test", to=is_over)
    def comes_to_rest(s: Box) -> bool:
        """It comes to rest."""
        return s.total == 1

    result = check(model.instance(), "compiled")
    assert result.symmetry_note == "symmetry exact: proven by the text of the rules"
    (found,) = result.properties
    assert found.verdict is check(model.instance(), "compiled", symmetry=False).verdict


def test_the_report_says_whether_symmetry_was_used() -> None:
    path = str(Path(two_phase_commit.__file__))
    arguments = ["check", path, "--set", "managers=5", "--engine", "compiled"]
    out = CliRunner().invoke(build(), arguments).output
    assert "two_phase_commit: symmetry exact: proven by the text of the rules" in out
    assert "symmetry" not in CliRunner().invoke(build(), [*arguments, "--no-symmetry"]).output
