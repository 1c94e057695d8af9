"""Each construct of the rule language, and each of its faults, is the same in both engines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import pytest

from slotspec.statemachine import (
    DISABLED,
    FLAG,
    NONE,
    Array,
    DeclarationError,
    Model,
    Record,
    RuleError,
    Sort,
    Verdict,
    constant,
    emit,
    number,
    only,
    part,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.declaration.effects import Effects, effect
from tests.statemachine.compiler.engines import compare, place_in
from tests.statemachine.tiny import anything

THINGS = Sort("things", "Things on a shelf.", default=3)
BOXES = Sort("boxes", "Boxes.", default=2)
PAIRS = THINGS.__class__("pairs", "A thing in a box.", factors=(THINGS, BOXES))
WEIGHTS = (3, 1, 2)
STEPS = ((0, 1), (1, 2), (2, 0))
HEAVY = frozenset({2, 3})


class Effect(Effects):
    """What a rule tells the world."""

    MOVED = effect("thing", "to")
    COUNTED = effect("total")
    SEEN = effect("by", "thing")


class Mood(IntEnum):
    """How it goes."""

    GOOD = 0
    FAIR = 1
    POOR = 2
    BAD = 3


class BoxState(Record):
    """One box."""

    open: int = scalar(FLAG, "It is open.")
    inside: Array = per(THINGS, FLAG, "The thing is in it.")


box = Model("box", "A box for things.", BoxState)


class Shelf(Record):
    """Things with a number each, a mood, and boxes."""

    level: Array = per(THINGS, number(3), "How high it stands.")
    near: Array = per(THINGS, ref(THINGS), "What it leans on.")
    of_pair: Array = per(PAIRS, FLAG, "Thing and box go together.")
    mood: int = scalar(number(3), "How it goes.")
    out: int = scalar(number(200), "What came out of it.")
    limit: int = constant("A number.", lambda setting: 2)
    table: tuple[int, ...] = constant("Some numbers.", lambda setting: (2, 0, 1))
    boxes: Sequence[BoxState] = part(
        lambda setting: box.instance({"things": setting["things"]}), "The boxes.", per=BOXES
    )


def shelf(rule: Callable[[Any], object], name: str = "shelf") -> Model:
    """A model in which things move about, and `rule` computes its output."""
    model = Model(name, "Things on a shelf.", Shelf, effects=Effect)

    def lift(s: Shelf, thing: int) -> int:
        """A thing goes up, and leans on the next one."""
        if s.level[thing] >= s.limit or s.mood == Mood.BAD:
            return DISABLED
        s.level[thing] += 1
        s.near[thing] = (thing + 1) % len(s.level)
        emit(s, Effect.MOVED, thing, s.level[thing])
        emit(s, Effect.SEEN, 0, thing)
        return 0

    def put(s: Shelf, thing: int, into: int) -> int:
        """A thing comes into a box."""
        if s.boxes[into].inside[thing] or s.level[thing] != 1:
            return DISABLED
        s.boxes[into].inside[thing] = 1
        s.boxes[into].open = into
        emit(s, Effect.COUNTED, 7)
        return 1

    def worsen(s: Shelf) -> int:
        """It goes worse."""
        if s.mood == Mood.BAD or s.level[0] != 1:
            return DISABLED
        s.mood += 1
        return 0

    def ask(s: Shelf) -> Any:
        """What does the rule say?"""
        if s.level[1] != 1:
            return DISABLED
        s.out = 0
        found = rule(s)
        s.out = found % 200
        return found

    model.action(thing=THINGS)(lift)
    model.action(thing=THINGS, into=BOXES)(put)
    model.action()(worsen)
    model.action()(ask)
    anything(model)

    def stays_low(s: Shelf) -> bool:
        """It never comes out high."""
        return s.out < 5

    def rises(before: Shelf, after: Shelf) -> bool:
        """Where a thing moved, something is seen."""
        moved = sum(1 for e in after.effects if e.kind == Effect.MOVED)
        return moved == sum(e.kind == Effect.SEEN for e in after.effects)

    model.always("a test")(stays_low)
    model.step("a test")(rises)
    return model


BOUNDS = {"things": 2}


# each returns a number that depends on the state


def any_of_array(s: Shelf) -> int:
    return any(s.level) + 2 * all(s.level)


def any_of_generator(s: Shelf) -> int:
    if any(s.level[t] == 2 and s.near[t] != NONE for t in range(len(s.level))):
        return 1
    return 0


def all_of_generator(s: Shelf) -> int:
    return all(v > 0 for v in s.level if v != 1)


def negated(s: Shelf) -> int:
    if not any(v == 2 for v in s.level) and (s.mood or all(v for v in s.level)):
        return 3
    return 4


def two_fors(s: Shelf) -> int:
    return sum(
        1
        for b in range(2)
        if s.boxes[b].open
        for t in s.elements(THINGS)
        if s.boxes[b].inside[t]
        if s.level[t]
    )


def nested(s: Shelf) -> int:
    return sum(any(v == w for w in s.level if w) for v in s.level)


def sums_conditions(s: Shelf) -> int:
    return sum(v == 2 for v in s.level) + sum(s.level) + sum((v for v in s.level), 3)


def sums_from(s: Shelf) -> int:
    return sum(s.level, start=s.mood)


def least(s: Shelf) -> int:
    return min(s.level) + 4 * max(s.level) + min(v + 1 for v in s.level)


def least_or_default(s: Shelf) -> int:
    return min((t for t, v in enumerate(s.level) if v == 2), default=9) + max(
        (v for v in s.level if v < s.mood), default=s.mood
    )


def extreme_of_numbers(s: Shelf) -> int:
    return max(s.mood, 1, s.level[0]) + min((s.mood, s.level[0]))


def next_of(s: Shelf) -> int:
    return next((t for t in s.elements(THINGS) if s.level[t] == 2), 5)


def only_of(s: Shelf) -> int:
    return only((s.mood for t in s.elements(THINGS) if s.level[t] == 2), 5)


def only_none(s: Shelf) -> int:
    return only((t for t, level in enumerate(s.level) if level == 7), NONE) % 100


def only_named(s: Shelf) -> int:
    return only((s.mood for t in s.elements(THINGS) if s.level[t] == 2), default=s.level[0])


def only_of_values(s: Shelf) -> int:
    return only((s.mood, s.mood), NONE) + only((4, 4), default=NONE)


def only_of_array(s: Shelf) -> int:
    for t in range(len(s.near)):
        s.near[t] = NONE
    return only(s.near, default=3) % 100


def next_none(s: Shelf) -> int:
    return next((s.near[t] for t in s.elements(THINGS) if s.level[t] == 2), NONE) % 100


def elements_of_sorts(s: Shelf) -> int:
    total = len(s.elements(PAIRS))
    for p in s.elements(PAIRS):
        total += p * s.level[p // len(s.elements(BOXES))]
    return total


def elements_of_part(s: Shelf) -> int:
    b = s.boxes[1]
    return sum(b.inside[t] for t in b.elements(THINGS))


def ranges(s: Shelf) -> int:
    total = 0
    for i in range(7, s.mood, -2):
        total += i
    for i in range(1, 8, 3):
        total += i * (i in range(s.mood, 9, 2)) + (i not in range(3))
    return total + len(range(s.mood, 7, 2)) + len(range(7, s.mood, -2))


def loops_over_values(s: Shelf) -> int:
    total = 0
    for v in s.level:
        total = 3 * total + v
    for w in WEIGHTS:
        total += w
    for c in s.table:
        total += c * s.mood
    for x in (s.mood, 3, s.level[0]):
        total += x
    return total


def enumerates(s: Shelf) -> int:
    total = 0
    for i, v in enumerate(s.level, start=s.mood):
        total += i * v
    for i, x in enumerate(range(5, s.mood, -2)):
        total += i * x
    return total + sum(i for i, w in enumerate(WEIGHTS) if w == s.mood)


def zips(s: Shelf) -> int:
    total = sum(a * w for a, w in zip(s.level, WEIGHTS, strict=False))
    total += sum(a for a, n in zip(s.level, s.near, strict=True) if n != NONE)
    for a, r, w in zip(s.level, range(s.mood, 0, -1), WEIGHTS):  # noqa: B905
        total += a + r + w
    for a, b in STEPS:
        total += s.mood * a + b
    return total


def reverses(s: Shelf) -> int:
    total = 0
    for v in reversed(s.level):
        total = 3 * total + v
    for i in reversed(range(1, s.mood + 4, 2)):
        total = (2 * total + i) % 150
    return total


def parts(s: Shelf) -> int:
    total = 0
    for b in s.boxes:
        if b.open:
            total += 1
    for i, b in enumerate(s.boxes):
        total += i * sum(b.inside)
    one = s.boxes[s.mood % 2]
    return total + sum(b.open for b in s.boxes) + one.open


def leaves_a_part(s: Shelf) -> int:
    for b in s.boxes:
        if b.open:
            break
    return sum(b.inside)


def memberships(s: Shelf) -> int:
    return (
        (s.mood in (1, s.level[0]))
        + 2 * (s.mood not in (0, 2))
        + 4 * (s.mood in s.level)
        + 8 * (2 not in s.level)
        + 16 * (s.mood in {1, 3})
        + 32 * (s.mood in HEAVY)
    )


def chains(s: Shelf) -> int:
    return (0 < s.mood <= s.level[0] < 3) + 2 * (s.level[0] == s.mood == 1) + (0 < s.mood in (1, 2))


def short_circuits(s: Shelf) -> int:
    return 0 < s.mood < 7 // s.mood


def chooses(s: Shelf) -> int:
    a, b = (s.mood, 1) if s.level[0] else (2, s.mood)
    return (a if s.mood > 1 else b) * 3 + b


def walrus(s: Shelf) -> int:
    if (m := s.mood) > 1 or (n := s.level[0]) > 0:
        return m
    total = n
    while (total := total + 2) < 7:
        pass
    return total + m


def walrus_in_generator(s: Shelf) -> int:
    seen = 9
    if any((seen := v) == 2 for v in s.level):
        return seen
    return 10 + seen


def hides(s: Shelf) -> int:
    v = s.mood
    t = sum(v * v for v in s.level)
    return v + t


THING = 3


def hides_a_global(s: Shelf) -> int:
    return sum(THING for THING in s.level) + THING


def pair(s: Shelf, by: int = 1, *, plus: int = 0) -> tuple[int, int]:
    if s.mood > 1:
        return s.mood * by, plus
    return plus, s.level[0]


def through(s: Shelf) -> tuple[int, int]:
    return pair(s, 2)


def several_results(s: Shelf) -> int:
    a, b = pair(s)
    c, d = pair(s, by=3, plus=s.mood)
    s.mood, e = through(s)[1] % 2, 1
    return a + 2 * b + 3 * c + d + e


def matches(s: Shelf) -> int:
    match s.mood:
        case Mood.GOOD | Mood.BAD:
            return 1
        case Mood.FAIR if s.level[0] == 2:
            return 2
        case 2 as x:
            return x + 3
        case other:
            return other + 7


def matches_without_else(s: Shelf) -> int:
    total = 0
    match s.level[0] + 1:
        case 1:
            total = 5
        case 2 if s.mood:
            total = 6
    match s.limit:
        case 2:
            total += 1
        case _:
            total += WEIGHTS[7]
    return total


def own_effects(s: Shelf) -> int:
    emit(s, Effect.SEEN, thing=s.mood, by=1)
    emit(s, Effect.MOVED, 2, s.level[0])
    total = len(s.effects)
    for e in s.effects:
        if e.kind == Effect.MOVED:
            total += e.thing + 2 * e.to
        else:
            total += 3 * e.thing + e[1]
    for kind, a, b, _, _ in s.effects:
        total += kind + a + b
    return total + concerning(s.effects[0], s.mood) + s.effects[-1].to


def concerning(e: Any, thing: int) -> bool:
    return bool(e.thing == thing)


def counts_effects(s: Shelf) -> int:
    for v in s.level:
        if v:
            emit(s, Effect.COUNTED, v)
    return sum(e.total for e in s.effects if e.kind == Effect.COUNTED) + any(
        e.total == 2 for e in s.effects
    )


def indexes_from_the_end(s: Shelf) -> int:
    return WEIGHTS[-1 - s.mood % 2] + WEIGHTS[-1]


def index_once(s: Shelf) -> int:
    s.level[bump(s)] += 1
    return s.mood


def bump(s: Shelf) -> int:
    if s.mood < 3:
        s.mood += 1
    s.level[0] = 0
    return 0


def place_once(s: Shelf) -> int:
    s.boxes[bump(s)].open = 1
    s.boxes[bump(s)].open += s.mood - s.mood
    return s.mood


def truths(s: Shelf) -> int:
    return bool(s.effects) + 2 * (not s.mood) + (s.mood and 3) + (s.level[0] or 4)


CONSTRUCTS = [
    any_of_array,
    any_of_generator,
    all_of_generator,
    negated,
    two_fors,
    nested,
    sums_conditions,
    sums_from,
    least,
    least_or_default,
    extreme_of_numbers,
    next_of,
    next_none,
    only_of,
    only_none,
    only_named,
    only_of_values,
    only_of_array,
    elements_of_sorts,
    elements_of_part,
    ranges,
    loops_over_values,
    enumerates,
    zips,
    reverses,
    parts,
    leaves_a_part,
    memberships,
    chains,
    short_circuits,
    chooses,
    walrus,
    walrus_in_generator,
    hides,
    hides_a_global,
    several_results,
    matches,
    matches_without_else,
    own_effects,
    counts_effects,
    indexes_from_the_end,
    index_once,
    place_once,
    truths,
]


@pytest.mark.parametrize("rule", CONSTRUCTS, ids=lambda rule: rule.__name__)
def test_a_construct_means_the_same(rule: Callable[[Shelf], int]) -> None:
    compiled, _ = compare(shelf(rule).instance(BOUNDS))
    assert compiled.fault is None
    assert compiled.taken["ask"] > 10


# the line of each fault is marked


def division_in_any(s: Shelf) -> int:
    return any(
        1 % (s.level[0] - v)  # fault
        for v in s.level
        if v != 7
    )


def index_in_all(s: Shelf) -> int:
    return all(
        s.level[s.near[t]] < 9  # fault
        for t in s.elements(THINGS)
    )


def index_in_condition(s: Shelf) -> int:
    return sum(
        1
        for t in s.elements(THINGS)
        if s.level[t + s.mood]  # fault
    )


def index_in_inner_for(s: Shelf) -> int:
    return sum(
        1
        for t in s.elements(THINGS)
        for b in range(
            s.level[s.near[t]]  # fault
        )
        if b
    )


def least_of_nothing(s: Shelf) -> int:
    return min(v for v in s.level if v > 1)  # fault


def most_of_nothing(s: Shelf) -> int:
    return s.mood + max(  # fault
        v for v in s.level if v > 1
    )


def division_in_sum(s: Shelf) -> int:
    return sum(7 // v for v in s.level)  # fault


def division_in_only(s: Shelf) -> int:
    return only(
        (6 // (s.level[t] - 1) for t in s.elements(THINGS) if s.level[t] != 9),  # fault
        NONE,
    )


def division_in_next(s: Shelf) -> int:
    return next(
        (t for t in s.elements(THINGS) if s.level[t] > 3),
        1 // s.mood,  # fault
    )


def part_in_generator(s: Shelf) -> int:
    return sum(s.boxes[t + 1].open for t in s.elements(THINGS))  # fault


def division_in_tuple(s: Shelf) -> int:
    return s.mood in (
        1,
        3 // s.level[0],  # fault
    )


def division_in_chain(s: Shelf) -> int:
    return (
        0 <= s.mood < 3 // s.level[0]  # fault
    )


def division_in_choice(s: Shelf) -> int:
    return (
        3 // s.level[0]  # fault
        if s.mood == 0
        else 1
    )


def index_in_walrus(s: Shelf) -> int:
    if (n := s.near[0]) == NONE and s.level[n]:  # fault
        return 1
    return n


def division_in_pair(s: Shelf) -> tuple[int, int]:
    return s.mood, 3 // s.level[0]  # fault


def in_several_results(s: Shelf) -> int:
    a, b = division_in_pair(s)
    return a + b


def division_in_guard(s: Shelf) -> int:
    match s.mood:
        case 0 if 3 // s.level[0]:  # fault
            return 1
        case _:
            return 2


def index_in_case(s: Shelf) -> int:
    match s.mood:
        case 1 | 2:
            return 1
        case _:
            return s.level[s.near[0]]  # fault


def wrong_argument(s: Shelf) -> int:
    emit(s, Effect.COUNTED, 1)
    return sum(e.thing for e in s.effects)  # fault


def effect_beyond(s: Shelf) -> int:
    emit(s, Effect.COUNTED, 1)
    return s.effects[s.mood + 1].kind  # fault


def division_in_enumerate(s: Shelf) -> int:
    total = 0
    for i, v in enumerate(s.level):
        total += i // v  # fault
    return total


def division_in_zip(s: Shelf) -> int:
    total = 0
    for v, w in zip(
        s.level,
        range(3 // s.level[0]),  # fault
        strict=False,
    ):
        total += v + w
    return total


def table_beyond(s: Shelf) -> int:
    return WEIGHTS[s.mood + 3]  # fault


FAULTY = [
    division_in_any,
    index_in_all,
    index_in_condition,
    index_in_inner_for,
    least_of_nothing,
    most_of_nothing,
    division_in_sum,
    division_in_next,
    division_in_only,
    part_in_generator,
    division_in_tuple,
    division_in_chain,
    division_in_choice,
    index_in_walrus,
    in_several_results,
    division_in_guard,
    index_in_case,
    wrong_argument,
    effect_beyond,
    division_in_enumerate,
    division_in_zip,
    table_beyond,
]


@pytest.mark.parametrize("rule", FAULTY, ids=lambda rule: rule.__name__)
def test_a_fault_in_a_construct_names_its_line(rule: Callable[[Shelf], int]) -> None:
    compiled, interpreted = compare(shelf(rule).instance(BOUNDS))
    assert compiled.fault == interpreted.fault
    assert compiled.fault is not None
    assert compiled.fault.fault is not None
    at_fault = division_in_pair if rule is in_several_results else rule
    lines, first = inspect.getsourcelines(at_fault)
    (line,) = (first + i for i, text in enumerate(lines) if text.endswith("# fault\n"))
    assert place_in(compiled.fault.fault) == ("STP006", "test_compiler_constructs.py", line)


def several(s: Shelf) -> int:
    return only((t for t in s.elements(THINGS) if s.level[t] < 9), NONE)  # fault


def test_only_is_a_fault_if_there_are_two_that_differ() -> None:
    compiled, interpreted = compare(shelf(several).instance(BOUNDS))
    assert compiled.fault is not None
    assert compiled.fault == interpreted.fault
    assert compiled.fault.fault is not None
    line = inspect.getsourcelines(several)[1] + 1
    assert place_in(compiled.fault.fault) == ("STP012", "test_compiler_constructs.py", line)
    assert "there are two that differ; use next if the first will do" in compiled.fault.fault


# properties may not write


def test_a_property_counts_effects() -> None:
    model = shelf(truths)

    def nothing_is_counted(before: Shelf, after: Shelf) -> bool:
        """No step counts."""
        return all(e.kind != Effect.COUNTED or e.total != 7 for e in after.effects)

    def by_kind(before: Shelf, after: Shelf) -> bool:
        """A thing that moves is a thing that is seen, and never goes to 2."""
        return not any(
            e.thing == f.thing and e.to == 2
            for e in after.effects
            if e.kind == Effect.MOVED
            for f in after.effects
            if f.kind == Effect.SEEN
        )

    model.step("a test")(nothing_is_counted)
    model.step("a test")(by_kind)
    compiled, _ = compare(model.instance(BOUNDS))
    verdicts = {p.property.name: p.verdict for p in compiled.properties}
    assert verdicts["nothing_is_counted"] is verdicts["by_kind"] is Verdict.VIOLATED
    assert verdicts["rises"] is Verdict.HOLDS


def test_a_generator_in_a_property_may_not_write() -> None:
    model = shelf(truths)

    def meddles(s: Shelf) -> bool:
        """It changes what it looks at."""
        return any(bump(s) for _ in s.level)

    model.always("a test")(meddles)
    with pytest.raises(RuleError, match=r"RUL009: .*in bump: a property may not change"):
        compile_instance(model.instance(BOUNDS))


def test_a_refusal_after_a_change_in_a_generator_is_a_fault() -> None:
    def late(s: Shelf) -> int:
        if sum(bump(s) for _ in s.level) == 0:
            return DISABLED
        return 0

    compiled, interpreted = compare(shelf(late).instance(BOUNDS))
    assert compiled.fault == interpreted.fault
    assert compiled.fault is not None
    assert (compiled.fault.fault or "").startswith("STP")


def hundred(s: Shelf) -> int:
    return 100


def replaced(s: Shelf) -> int:
    return sum(least(s) for _ in s.level)


def test_a_rule_in_a_generator_is_replaced() -> None:
    model = shelf(truths)

    def sometimes_moved(s: Shelf) -> bool:
        """It is low."""
        return replaced(s) == 200

    model.sometimes("a test")(sometimes_moved)
    changed, _ = compare(model.instance(BOUNDS, replace={least: hundred}))
    assert changed.properties[-1].verdict is Verdict.HOLDS
    plain, _ = compare(model.instance(BOUNDS, replace={truths: hundred}))
    assert plain.properties[-1].verdict is Verdict.VIOLATED


def pair_and_hundred(s: Shelf) -> int:
    a, b = pair(s)
    return a + b + hundred(s)


def two(s: Shelf) -> int:
    return 2


def test_a_rule_beside_a_replaced_one_keeps_its_defaults() -> None:
    model = shelf(truths)

    def sometimes_two(s: Shelf) -> bool:
        """It is two."""
        return pair_and_hundred(s) == 2

    model.sometimes("a test")(sometimes_two)
    changed, _ = compare(model.instance(BOUNDS, replace={hundred: two}))
    assert changed.properties[-1].verdict is Verdict.HOLDS


# what cannot be compiled


def sort_itself(s: Any) -> int:
    return sum(1 for _ in THINGS)


def list_in_sum(s: Any) -> int:
    return sum([v for v in s.level])  # noqa: C416


def generator_alone(s: Any) -> int:
    g = (v for v in s.level)
    return any(g)


def generator_in_generator(s: Any) -> int:
    return any(v for v in (w + 1 for w in s.level))


def next_with_a_name(s: Shelf) -> int:
    return next((t for t in s.level), default=NONE)  # type: ignore[call-overload, no-any-return]


def only_without_default(s: Shelf) -> int:
    return only(t for t in s.level)  # type: ignore[call-arg]


def only_with_another_name(s: Shelf) -> int:
    return only((t for t in s.level), otherwise=NONE)  # type: ignore[call-arg]


def next_without_default(s: Any) -> int:
    return next(v for v in s.level)


def least_by_key(s: Any) -> int:
    return min(s.level, key=abs)  # type: ignore[no-any-return]


def zips_strictly(s: Any) -> int:
    return sum(a + b for a, b in zip(s.level, WEIGHTS, strict=True))


def no_such_argument(s: Any) -> int:
    return any(e.slot for e in s.effects)


def wrong_number(s: Any) -> int:
    a, b, c = pair(s)  # type: ignore[misc]
    return a + b + c  # type: ignore[has-type, no-any-return]


def tuple_as_number(s: Any) -> int:
    return pair(s) + 1  # type: ignore[operator, no-any-return]


def sometimes_a_pair(s: Any) -> Any:
    if s.mood:
        return 1
    return s.mood, 2


def uneven(s: Any) -> int:
    return sometimes_a_pair(s)  # type: ignore[no-any-return]


def matches_sequence(s: Any) -> int:
    match s.mood:
        case [1, 2]:
            return 1
    return 0


def emits_wrongly(s: Any) -> int:
    emit(s, Effect.MOVED, slot=1)
    return 0


def in_a_record(s: Any) -> int:
    return 1 in s.boxes


def changing_part(s: Any) -> int:
    b = s.boxes[0]
    b = s.mood
    s.mood = b
    return 0


REFUSALS = [
    (sort_itself, "RUL011", "s.elements(THINGS)"),
    (list_in_sum, "RUL003", "write a generator inside any"),
    (generator_alone, "RUL003", "write it inside any"),
    (generator_in_generator, "RUL003", "in the outer one"),
    (next_without_default, "RUL010", "and a default"),
    (next_with_a_name, "RUL010", "a default, which has no name; write next"),
    (only_without_default, "RUL010", "write only((… for … if …), NONE), or default=NONE"),
    (only_with_another_name, "RUL010", "or default=NONE"),
    (least_by_key, "RUL010", "and default"),
    (zips_strictly, "RUL010", "strict=False"),
    (no_such_argument, "RUL007", "they have kind, thing, to, total, by"),
    (wrong_number, "RUL002", "3 names for 2 values"),
    (tuple_as_number, "RUL007", "a tuple; unpack it"),
    (uneven, "RUL015", "the same number of values"),
    (matches_sequence, "RUL002", "match numbers and members"),
    (emits_wrongly, "RUL010", "as the effect declares it"),
    (in_a_record, "RUL003", "an array field on its right"),
    (changing_part, "RUL007", "use a new name"),
]


@pytest.mark.parametrize(
    ("rule", "code", "fix"), REFUSALS, ids=lambda v: getattr(v, "__name__", "")
)
def test_invalid_constructs_are_refused(rule: Callable[[Any], int], code: str, fix: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_instance(shelf(rule).instance(BOUNDS))
    assert caught.value.code == code
    assert fix in caught.value.message
    assert re.search(r"test_compiler_constructs\.py:\d+: in \w+", caught.value.message)


# declarations of effects


def test_effects_are_numbers_with_names() -> None:
    assert [int(e) for e in Effect] == [0, 1, 2]
    assert Effect(1) is Effect.COUNTED
    assert Effect.SEEN.names == ("by", "thing")


def test_an_emitted_effect_is_a_tuple_with_names() -> None:
    s = shelf(truths).instance(BOUNDS).fresh()
    emit(s, Effect.SEEN, thing=2, by=1)
    (e,) = s.effects
    assert e == (2, 1, 2, NONE, NONE)
    assert (e.kind, e.by, e.thing) == (Effect.SEEN, 1, 2)
    with pytest.raises(AttributeError, match="no argument total"):
        _ = e.total


@pytest.mark.parametrize("names", [("kind",), ("x", "x"), ("class",), ("a b",), tuple("vwxyz")])
def test_an_unknown_argument_name_of_an_effect(names: tuple[str, ...]) -> None:
    with pytest.raises(DeclarationError, match="MDL012"):
        effect(*names)
