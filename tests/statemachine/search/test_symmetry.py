"""Symmetry is used where a model really has it, and refused otherwise."""

from __future__ import annotations

from itertools import pairwise, permutations, product
from typing import Any

import numpy as np
import pytest

from examples import slot_pool_core
from slotspec.models import load_model
from slotspec.statemachine import (
    DISABLED,
    NONE,
    Array,
    Model,
    Record,
    Sort,
    UsageError,
    per,
    ref,
    scalar,
)
from slotspec.statemachine.compiler.compile import compile_instance
from slotspec.statemachine.compiler.drivers.symmetry import Symmetry
from slotspec.statemachine.results import Limits, silent
from slotspec.statemachine.search.canonicalizer import (
    EXACT,
    FAST,
    IMAGE,
    PREPARE,
    Canonicalizer,
)
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.explorer import Explorer
from slotspec.statemachine.search.invoke import image_of, prepare_of
from slotspec.statemachine.search.symmetry import check_symmetry
from tests.statemachine.tiny import Lamp, room
from tests.variants import fast_last

things = Sort("things", "Interchangeable things.", default=3, symmetric=True)
extras = Sort("extras", "Others, that are not.", default=2)
both = Sort("both", "All of them.", parts=(things, extras))
pairs = Sort("pairs", "A thing with another.", factors=(things, extras))
places = Sort("places", "Places in a row of things.", parts=(things,), ordered=True)


class Shelf(Record):
    """Things in a row, partners, and one that is chosen."""

    row: Array = per(places, ref(things), "Who stands where.")
    partner: Array = per(both, ref(both), "Whom each one knows.")
    mark: Array = per(pairs, ref(pairs), "Pairs that point to pairs.")
    chosen: int = scalar(ref(things), "The one.")


def shelf() -> Model:
    return Model("shelf", "Things on a shelf.", Shelf)


def line_up(model: Model) -> None:
    def stand(s: Shelf, thing: int) -> int:
        """A thing takes the first free place."""
        for place in range(len(s.row)):
            if s.row[place] == thing:
                return DISABLED
            if s.row[place] == NONE:
                s.row[place] = thing
                return place
        return DISABLED

    def meet(s: Shelf, one: int, other: int) -> int:
        """Somebody gets to know somebody."""
        if s.partner[one] != NONE or one == other:
            return DISABLED
        s.partner[one] = other
        return 0

    def leave(s: Shelf) -> int:
        """Everybody leaves the row."""
        for place in range(len(s.row)):
            s.row[place] = NONE
        return 0

    model.action(thing=things)(stand)
    model.action(one=both, other=both)(meet)
    model.action()(leave)


def renamed(s: dict[str, Any], names: tuple[int, ...], n: int) -> dict[str, Any]:
    """The action of the group, written by hand for this record only."""

    def thing(v: int) -> int:
        return v if v == NONE else names[v]

    def either(v: int) -> int:
        return names[v] if v < n else v

    def pair(v: int) -> int:
        return v if v == NONE else names[v // 2] * 2 + v % 2

    new: dict[str, Any] = {k: list(v) if isinstance(v, list) else v for k, v in s.items()}
    new["row"] = [thing(v) for v in s["row"]]
    new["chosen"] = thing(s["chosen"])
    for i, v in enumerate(s["partner"]):
        new["partner"][either(i)] = v if v == NONE else either(v)
    for i, v in enumerate(s["mark"]):
        new["mark"][pair(i)] = pair(v)
    return new


def test_the_exact_form_is_equal_exactly_for_renamed_states() -> None:
    model = shelf()
    line_up(model)
    compiled = compile_instance(model.instance(), symmetric=True)
    canonizer = Canonicalizer(compiled, EXACT)
    explorer = Explorer(compiled, Limits(states=3_000), silent, 1, False)
    explorer.run()
    layout, width = compiled.layout, compiled.layout.packed
    states = explorer.visited.states.array[: 3_000 * width].reshape(-1, width)
    of_orbit: dict[bytes, set[str]] = {}
    for words in states[::7]:
        form = canonizer.of(np.array(words)).tobytes()
        values = layout.decode(layout.unpack(words.tolist()))
        orbit = sorted(repr(renamed(values, names, 3)) for names in permutations(range(3)))
        of_orbit.setdefault(form, set()).add(orbit[0])
    assert all(len(orbits) == 1 for orbits in of_orbit.values())
    assert len(of_orbit) == len({next(iter(orbits)) for orbits in of_orbit.values()})
    assert len(of_orbit) < len(states[::7])


def test_the_fast_form_never_merges_different_states() -> None:
    model = shelf()
    line_up(model)
    compiled = compile_instance(model.instance(), symmetric=True)
    fast, exact = Canonicalizer(compiled, FAST), Canonicalizer(compiled, EXACT)
    explorer = Explorer(compiled, Limits(states=2_000), silent, 1, False)
    explorer.run()
    states = np.array(explorer.visited.states.array[: 2_000 * compiled.layout.packed])
    pairs_ = set(zip(fast.of(states).tolist(), exact.of(states).tolist(), strict=True))
    assert len({form for form, _ in pairs_}) == len(pairs_)


spares = Sort("spares", "Things that there need not be.", default=0, minimum=0, symmetric=True)


class WithSpares(Shelf):
    spare: Array = per(spares, ref(things), "What each is for.")


def test_a_sort_without_elements_is_no_obstacle() -> None:
    model = Model("shelf", "Things on a shelf.", WithSpares)
    line_up(model)
    states = [
        explore_compiled(model.instance({"spares": n}), symmetry="exact").states for n in (0, 2)
    ]
    assert states[0] == states[1] > 1


def test_group_sizes() -> None:
    for sizes in product((1, 2), (1, 2), (2, 3), (1, 2)):
        instance = slot_pool_core.model.instance(dict(zip("TSRA", sizes, strict=True)))
        factorial = (1, 1, 2, 6)
        order = 1
        for size in sizes:
            order *= factorial[size]
        assert Symmetry(instance).order == order


def test_the_sizes_of_all_classes_add_up_to_the_states_of_a_plain_search() -> None:
    instance = slot_pool_core.model.instance({"T": 2, "S": 1, "R": 3, "A": 2})
    compiled = compile_instance(instance, symmetric=True)
    explorer = Explorer(compiled, Limits(), silent, 1, False, EXACT)
    explorer.run()
    width, canonizer = compiled.layout.packed, Canonicalizer(compiled, EXACT)
    forms = np.array(explorer.visited.keys.array[: explorer.visited.count * width])
    symmetry = Symmetry(instance)
    orders = [permutations(range(stop - first)) for first, stop in pairwise(symmetry.starts)]
    renamings = [[name for order in chosen for name in order] for chosen in product(*orders)]
    total = 0
    for words in forms.reshape(-1, width):
        prepare_of(canonizer.plan[PREPARE], words, canonizer.record, canonizer.colours)
        images = set()
        for renaming in renamings:
            canonizer.renaming[:] = renaming
            image_of(canonizer.plan[IMAGE], canonizer.record, canonizer.renaming, canonizer.spare)
            images.add(canonizer.spare.tobytes())
        total += len(images)
    assert len(renamings) == symmetry.order == 24
    assert explorer.visited.count < total == explore_compiled(instance).states


@pytest.mark.parametrize("generation", fast_last(["1.11", "1.12", "1.13"]))
def test_the_slot_pool_is_as_symmetric_as_declared(generation: str) -> None:
    assert check_symmetry(load_model("slot_pool").instance(generation=generation)) > 50


def test_the_core_is_as_symmetric_as_declared() -> None:
    instance = slot_pool_core.model.instance({"T": 2, "S": 2, "R": 2, "A": 2})
    assert check_symmetry(instance) > 50


def literal(s: Shelf) -> int:
    """Only the first thing may be chosen."""
    if s.chosen == 0:
        return DISABLED
    s.chosen = 0
    return 0


def by_order(s: Shelf, thing: int) -> int:
    """A later thing takes the place of an earlier one."""
    if s.chosen != NONE and thing <= s.chosen:
        return DISABLED
    s.chosen = thing
    return 0


def test_an_action_that_names_an_element_is_refused() -> None:
    model = shelf()
    line_up(model)
    model.action()(literal)
    with pytest.raises(UsageError, match=r"SET033: .*shelf .*action literal"):
        explore_compiled(model.instance(), symmetry=True)


def test_an_action_that_compares_by_order_is_refused() -> None:
    model = shelf()
    line_up(model)
    model.action(thing=things)(by_order)
    with pytest.raises(UsageError, match=r"SET033: .*action by_order"):
        explore_compiled(model.instance(), symmetry="fast")


def test_a_property_that_names_an_element_is_refused() -> None:
    model = shelf()
    line_up(model)

    def second_is_never_first(s: Shelf) -> bool:
        """It is not symmetric to say so."""
        return s.row[0] != 1

    model.always("a test")(second_is_never_first)
    with pytest.raises(UsageError, match=r"SET033: .*: second_is_never_first can tell"):
        check_symmetry(model.instance())


def test_a_model_without_symmetric_sorts_is_refused() -> None:
    model = room()

    def press(s: Any, lamp: int) -> int:
        """Press a switch."""
        return int(s.lamp[lamp]) and DISABLED

    model.action(lamp=2)(press)
    assert Lamp.initial == 0
    with pytest.raises(UsageError, match=r"SET033: .*no symmetric sort"):
        explore_compiled(model.instance(), symmetry=True)


def test_an_unknown_kind_of_symmetry_is_refused() -> None:
    with pytest.raises(UsageError, match="SET032"):
        explore_compiled(slot_pool_core.model.instance(), symmetry="thorough")
