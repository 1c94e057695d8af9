"""Partial-order reduction: fewer states, the same verdicts."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.statemachine import Array, Limits, Model, Record, UsageError, Verdict, per, scalar
from slotspec.statemachine.check import Engine, check
from slotspec.statemachine.declaration.model import Instance, Kind
from slotspec.statemachine.declaration.records import Sort, number
from slotspec.statemachine.search.partial_order.footprints import Footprints
from slotspec.statemachine.search.partial_order.relations import Relations, relations
from tests.statemachine.compiler.rule_fuzzer import Writer as RuleWriter
from tests.statemachine.compiler.rule_fuzzer import load as load_rules
from tests.statemachine.search import footprint_checks
from tests.statemachine.search.footprint_checks import ENDLESS, Checks
from tests.statemachine.search.ordered_models import (
    Noise,
    Pair,
    circles,
    counters,
    dining,
    steps,
)
from tests.statemachine.search.partial_order_fuzzer import Writer, compare, load, verdicts
from tests.variants import examples, fast_first, fast_only

MODELS = int(os.environ.get("SLOTSPEC_ORDERED_MODELS", "40"))
"""How many random models to try."""

each_engine = pytest.mark.parametrize("engine", ["interpreted", "compiled"])


@each_engine
@pytest.mark.parametrize("size", [2, 5])
def test_independent_counters_are_searched_one_after_the_other(engine: Engine, size: int) -> None:
    instance = counters.instance({"counters": size})
    result = check(instance, engine, partial_order=True)
    assert result.states == 3 * size + 1  # instead of 4 ** size
    assert result.transitions == 3 * size
    assert result.verdict is Verdict.HOLDS
    assert len(result["counts"].finding.steps) >= 3  # type: ignore[union-attr]


@each_engine
def test_a_deadlock_is_found(engine: Engine) -> None:
    instance = dining.instance()
    whole, reduced = check(instance, "interpreted"), check(instance, engine, partial_order=True)
    assert whole.states == 466
    assert reduced.states == 40
    assert whole.deadlock is not None
    assert reduced.deadlock is not None
    assert len(reduced.deadlock.steps) >= len(whole.deadlock.steps)


@each_engine
def test_a_call_is_not_put_off_for_ever(engine: Engine) -> None:
    result = check(circles.instance(), engine, partial_order=True)
    assert result["is_early"].verdict is Verdict.VIOLATED
    assert result.fault is not None


def test_without_the_proviso_it_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = Relations.choose

    def careless(self: Relations, calls: object, leads_on: object, value: object) -> object:
        return choose(self, calls, lambda call: True, value)  # type: ignore[arg-type]

    monkeypatch.setattr(Relations, "choose", careless)
    result = check(circles.instance(), "interpreted", partial_order=True)
    assert result.states == 2
    assert result.verdict is Verdict.HOLDS


def with_step(function: Callable[..., object]) -> Instance:
    """The model of two steps, with a property of every step."""
    model = Model("steps", "Two processes of one step each.", Pair, effects=Noise)
    model.actions = steps.actions
    model.final = steps.final
    model.step("a test")(function)
    return model.instance()


def ends_in_silence(before: Pair, after: Pair) -> bool:
    """Nothing is heard once the other has ended."""
    return before.place == 0 or len(after.effects) == 0


def nothing_follows(before: Pair, after: Pair) -> bool:
    """No step follows the end of the other."""
    return before.place == 0


def goes_up(before: Pair, after: Pair) -> bool:
    """Nothing goes back."""
    return before.circle <= after.circle


@each_engine
def test_what_emits_counts_for_properties_that_read_effects(engine: Engine) -> None:
    instance = with_step(ends_in_silence)
    assert check(instance, "interpreted").verdict is Verdict.VIOLATED
    assert check(instance, engine, partial_order=True).verdict is Verdict.VIOLATED


@each_engine
def test_a_property_that_a_step_without_a_change_breaks_is_not_decided(engine: Engine) -> None:
    instance = with_step(nothing_follows)
    assert check(instance, "interpreted").verdict is Verdict.VIOLATED
    found = check(instance, engine, partial_order=True)["nothing_follows"]
    assert found.verdict is Verdict.UNKNOWN
    assert "a step that changes nothing would break it" in str(found.reason)


@each_engine
def test_a_property_of_changes_is_decided(engine: Engine) -> None:
    result = check(with_step(goes_up), engine, partial_order=True)
    assert result.verdict is Verdict.HOLDS
    assert result.states == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_counts_do_not_depend_on_the_number_of_workers(workers: int) -> None:
    instance = dining.instance({"philosophers": 5})
    interpreted = check(instance, "interpreted", partial_order=True)
    result = check(instance, "compiled", partial_order=True, workers=workers)
    assert (result.states, result.transitions) == (interpreted.states, interpreted.transitions)
    assert result.depth == interpreted.depth


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"fingerprints": True}, "fingerprints"),
        ({"symmetry": True}, "symmetry"),
        ({"checkpoint": Path("there")}, "a checkpoint"),
        ({"disk": Path("there")}, "a search on disk"),
        ({"on": "ray"}, "a search on several machines"),
        ({"compress": True}, "compression"),
    ],
)
def test_what_it_cannot_go_with_is_refused(options: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError, match=f"goes without {what}") as error:
        check(counters.instance(), partial_order=True, **options)  # type: ignore[arg-type]
    assert error.value.code == "SET038"


def test_properties_of_infinite_runs_are_refused() -> None:
    with pytest.raises(UsageError, match="--safety") as error:
        check(load_model("cluster").instance(), partial_order=True)
    assert error.value.code == "SET035"


def test_a_model_of_one_piece_is_searched_as_a_whole() -> None:
    instance = load_model("logical_slot").instance()
    limits = Limits(states=300)
    assert relations(instance).idle
    result = check(instance, "interpreted", limits, partial_order=True)
    assert result.partial_order == "each call depends on all others, so nothing is left out"
    assert result.states == 300


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["workers", "starts", "refusals"])
def test_a_model_of_flink_has_the_same_verdicts(scope: str) -> None:
    model = load_model("fine_grained_slot_manager")
    instance = model.instance(scope=scope)
    instance.properties = {
        name: p for name, p in instance.properties.items() if p.kind is not Kind.LEADS_TO
    }
    assert not relations(instance).idle
    whole = check(instance, "compiled", symmetry=False)
    reduced = check(instance, "compiled", partial_order=True)
    assert verdicts(reduced) == verdicts(whole)
    assert reduced.states <= whole.states


# what is read off the rules

A = Sort("as", "As.", default=3)


class Cells(Record):
    """Cells."""

    x: Array = per(A, number(3), "Numbers.")
    y: Array = per(A, number(3), "More numbers.")
    n: int = scalar(number(2), "A number.")


reader = Model("reader", "What is read and written.", Cells)


@reader.action(a=A)
def own(s: Cells, a: int) -> int:
    """The own cell and the one after it."""
    s.x[a] = s.y[(a + 1) % len(s.y)]
    return 0


@reader.action(a=A)
def unknown(s: Cells, a: int) -> int:
    """An index that the state gives."""
    s.x[s.n] = a
    return 0


@reader.action(a=A)
def helped(s: Cells, a: int) -> int:
    """A branch that the arguments decide, a loop over some, and one that ends by a test."""
    if a == 0:
        increase(s.x, 1)
    else:
        for i in range(1, a):
            s.y[i] = 1
    while a < s.n:
        a += 1
    return a


def increase(array: Array, index: int) -> None:
    """One more."""
    array[index] += 1


def test_a_footprint_has_the_cells_that_a_call_can_use() -> None:
    found = Footprints(reader.instance())
    of, calls = found.cells.of, found.calls
    assert (calls[0].reads, calls[0].writes) == (of("y[1]"), of("x[0]"))
    assert (calls[2].reads, calls[2].writes) == (of("y[0]"), of("x[2]"))
    assert (calls[3].reads, calls[3].writes) == (of("n"), of("x"))
    assert (calls[6].uses, calls[6].writes) == (of("n") | of("x[1]"), of("x[1]"))
    assert (calls[8].reads, calls[8].writes) == (of("n"), of("y[1]"))
    assert found.cells.size == 7


@pytest.mark.parametrize(
    "name",
    fast_only(["task_slot_table", "slot_pool", "declarative_cluster"], "slot_pool"),
)
def test_the_rules_of_a_model_use_no_more_than_is_read_off_them(name: str) -> None:
    checks = Checks(load_model(name).instance())
    checks.run(states=25, calls=4, cells=6)
    assert checks.asked > 100


def test_a_rule_that_never_ends_where_nothing_leads_is_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Model("waiter", "It waits for what never comes.", Cells)

    @model.action()
    def wait(s: Cells) -> int:
        """Wait for as long as the number is 2, which it never is."""
        while s.n == 2:
            s.x[0] = 1 - s.x[0]
        s.y[0] = 1 - s.y[0]
        return 0

    monkeypatch.setattr(footprint_checks, "SECONDS", 0.02)
    checks = Checks(model.instance())
    n = checks.found.cells.of("n").bit_length() - 1
    key = checks.changed(checks.states(1)[0], n, 2)
    assert checks.outcome(key, checks.instance.calls[0]) == (ENDLESS, None)
    checks.run(states=40, calls=1, cells=7)
    assert checks.asked > 20


class Circle:
    """Garbage that only a collection finds, and that takes longer than the limit to finalize."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        be_busy()


def be_busy(*_: Any) -> None:
    end = process_time() + 0.1
    while process_time() < end:
        pass


def make_garbage_for_ever() -> None:
    while True:
        one: list[Any] = []
        one.append(one)


@pytest.mark.timeout(60)  # it is never interrupted otherwise
@pytest.mark.parametrize("kind", fast_first(["a finalizer", "a watcher of collections"]))
def test_a_rule_is_interrupted_and_no_collection(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[Any] = []
    monkeypatch.setattr(footprint_checks, "SECONDS", 0.02)
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    Checks(counters.instance({"counters": 2}))  # it sets what handles the signal
    if kind == "a finalizer":
        Circle()
    else:
        gc.callbacks.append(be_busy)
    try:
        with pytest.raises(footprint_checks._TooLong), footprint_checks.time_limit():
            make_garbage_for_ever()
        assert gc.isenabled()
        gc.collect()
    finally:
        if be_busy in gc.callbacks:
            gc.callbacks.remove(be_busy)
    assert not ignored


def test_random_rules_use_no_more_than_is_read_off_them(tmp_path: Path) -> None:
    asked = 0
    for seed in range(examples(4, 12)):
        path = tmp_path / f"random_{seed}.py"
        path.write_text(RuleWriter(seed).text())
        checks = Checks(load_rules(path), seed)
        checks.run(states=25, calls=6, cells=8)
        asked += checks.asked
    assert asked > examples(500, 2_000)


# random models


@pytest.mark.parametrize("seed", range(MODELS))
def test_a_random_model_has_the_same_verdicts(seed: int, tmp_path: Path) -> None:
    whole, reduced = compare(load(Writer(seed).text(), tmp_path, seed), compiled=seed < 4)
    assert 0 < reduced.states <= whole.states


def test_the_comparison_notices_a_search_that_leaves_out_too_much(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Relations, "choose", lambda self, calls, leads_on, value: calls[:1])

    def all_agree() -> None:
        for seed in range(40):
            compare(load(Writer(seed).text(), tmp_path, seed), compiled=False)

    with pytest.raises(AssertionError):
        all_agree()
