"""Benchmarks whose figures decide something: that they count right."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import cluster_recordings, independence_limit
from benchmarks.independence import Whole, measure, whole_graph
from benchmarks.independence_limit import CALLS, HERE, RELATIONS, Sets, clashes_here
from benchmarks.partial_order import compared, independent, longer, safety
from slotspec.models import load_model
from slotspec.statemachine.declaration.model import Model
from slotspec.statemachine.declaration.records import Record, number, scalar
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.layout import Layout
from slotspec.statemachine.search.partial_order.relations import relations
from tests.statemachine.search.ordered_models import dining
from tests.statemachine.search.partial_order_fuzzer import Writer, load
from tests.variants import fast_first

TOP = 5
PEERS = Path(__file__).parent.parent / "benchmarks" / "peers"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not on PATH")
@pytest.mark.parametrize("sizes", fast_first(["1 1 1 1", "2 1 2 2", "1 2 3 2"]))
def test_the_program_in_c_counts_what_the_checkers_count(sizes: str) -> None:
    command = ["sh", str(PEERS / "run.sh"), "c", *sizes.split()]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    rows = [line.split("|") for line in (PEERS / "COUNTS.md").read_text("utf-8").splitlines()]
    counted = [row for row in rows if " ".join(cell.strip() for cell in row[1:5]) == sizes]
    states, transitions = (int(cell.replace(",", "")) for cell in counted[0][5:7])
    assert printed[:2] == [str(states), str(transitions)]


class Counters(Record):
    """Two counters."""

    left: int = scalar(number(TOP), "One.")
    right: int = scalar(number(TOP), "The other.")


def counters(most: int) -> Model:
    """Two counters that go up, each to its end, or together up to `most`."""
    model = Model("counters", "Two counters.", Counters)

    @model.action()
    def up_left(s: Counters) -> int:
        """The left one goes up."""
        if s.left == TOP or (most < 2 * TOP and s.left + s.right >= most):
            return DISABLED
        s.left += 1
        return NONE

    @model.action()
    def up_right(s: Counters) -> int:
        """The right one goes up."""
        if s.right == TOP or (most < 2 * TOP and s.left + s.right >= most):
            return DISABLED
        s.right += 1
        return NONE

    @model.final_states
    def always(s: Counters) -> bool:
        """Any."""
        return True

    return model


@pytest.mark.slow
def test_stubborn_sets_leave_one_order_of_independent_steps() -> None:
    row = measure(counters(2 * TOP).instance(), 0)
    assert row is not None
    assert row.states == (TOP + 1) ** 2
    assert set(row.left.values()) == {(2 * TOP + 1, 2 * TOP + 1)}


@pytest.mark.slow
def test_an_always_property_over_both_counters_keeps_all_orders() -> None:
    model = counters(2 * TOP)

    @model.always("here")
    def small(s: Counters) -> bool:
        """Small."""
        return s.left + s.right <= 2 * TOP

    row = measure(model.instance(), 0)
    assert row is not None
    assert set(row.left.values()) == {(2 * TOP + 1, row.states)}


@pytest.mark.slow
def test_a_shared_budget_makes_steps_dependent() -> None:
    row = measure(counters(TOP).instance(), 0)
    assert row is not None
    assert row.left["fields"] == (row.states, row.states)
    assert row.left["commuting"][0] == row.states


def limit_of(model: Model) -> independence_limit.Limit:
    limit = independence_limit.measure(model.instance(), 0)
    assert limit is not None
    return limit


@pytest.mark.slow
def test_the_limit_of_independent_steps_is_one_order() -> None:
    limit = limit_of(counters(2 * TOP))
    assert limit.states == (TOP + 1) ** 2
    assert set(limit.left.values()) == {2 * TOP + 1}


@pytest.mark.slow
def test_the_limit_keeps_all_orders_of_what_a_property_sees() -> None:
    model = counters(2 * TOP)

    @model.always("here")
    def small(s: Counters) -> bool:
        """Small."""
        return s.left + s.right <= 2 * TOP

    limit = limit_of(model)
    for relation in RELATIONS:
        assert limit.left[relation, False, False] == 2 * TOP + 1
        assert limit.left[relation, True, False] == limit.states


@pytest.mark.slow
def test_the_limit_of_a_shared_budget_is_the_whole_graph() -> None:
    limit = limit_of(counters(TOP))
    assert set(limit.left.values()) == {limit.states}


class Gate(Record):
    """Two counters and a gate."""

    left: int = scalar(number(TOP), "One.")
    right: int = scalar(number(TOP), "The other.")
    is_open: int = scalar(number(1), "Whether the gate is open.")


@pytest.mark.slow
def test_calls_that_do_not_commute_later_are_independent_before() -> None:
    """Two counters share a budget once a gate is open, and only the left one opens it."""
    model = Model("later", "Two counters and a gate.", Gate)

    @model.action()
    def up_left(s: Gate) -> int:
        """The left one goes up."""
        if s.left == TOP or (s.is_open and s.left + s.right >= TOP):
            return DISABLED
        s.left += 1
        return NONE

    @model.action()
    def up_right(s: Gate) -> int:
        """The right one goes up."""
        if s.right == TOP or (s.is_open and s.left + s.right >= TOP):
            return DISABLED
        s.right += 1
        return NONE

    @model.action()
    def opens(s: Gate) -> int:
        """The gate opens once the left one has gone up."""
        if s.is_open or s.left == 0:
            return DISABLED
        s.is_open = 1
        return NONE

    @model.final_states
    def always(s: Gate) -> bool:
        """Any."""
        return True

    limit = limit_of(model)
    assert limit.left[CALLS, False, False] == limit.states
    # before the left one has moved, the right one need not; nor the gate, while there is budget
    spared = TOP + TOP * (TOP - 1) // 2
    assert limit.left[HERE, False, False] == limit.states - spared


@pytest.mark.slow
def test_the_limit_knows_the_proviso() -> None:
    model = Model("circle", "A process that could be put off for ever.", Counters)

    @model.action()
    def turn(s: Counters) -> int:
        """Once around the circle in two steps."""
        s.left = 1 - s.left
        return NONE

    @model.action()
    def up_right(s: Counters) -> int:
        """A step."""
        if s.right == TOP:
            return DISABLED
        s.right += 1
        return NONE

    limit = limit_of(model)
    assert limit.left[HERE, True, False] == 2
    assert limit.left[HERE, True, True] > TOP


def moving_sets(whole: Whole) -> list[tuple[int, tuple[int, ...]]]:
    """Each state with the sets of calls that the text of the rules lets it take."""
    derived, layout = relations(whole.instance), Layout(whole.instance)
    found = []
    for state in range(whole.size):
        values: list[int] = []
        decoded: dict[str, Any] = layout.decode(whole.cells[state].tobytes())
        for name, spec in whole.instance.record.fields.items():
            if not spec.scratch:
                values += decoded[name] if spec.array else [decoded[name]]
        calls = whole.calls[whole.first[state] : whole.first[state + 1]].tolist()
        moving = sum(1 << call for call in calls)
        for call in calls:
            kept = derived.closure(call, moving, values.__getitem__) & moving
            found.append((state, tuple(sorted(call for call in calls if kept >> call & 1))))
    return found


def accepted(whole: Whole) -> int:
    """How many derived sets leave something out; all of them are persistent by the graph."""
    nothing = np.zeros((len(whole.calls), 1), np.uint64)
    here = clashes_here(whole.first, whole.targets, whole.calls, nothing)
    sets, smaller = Sets(whole, here), 0
    for state, chosen in moving_sets(whole):
        smaller += len(chosen) < whole.first[state + 1] - whole.first[state]
        assert sets.is_persistent(state, chosen), (state, chosen)
    return smaller


@pytest.mark.slow
def test_the_limit_takes_each_set_that_the_rules_allow(tmp_path: Path) -> None:
    whole = whole_graph(dining.instance(), 0)
    assert whole is not None
    assert accepted(whole) > 100
    smaller = 0
    for seed in range(12):
        instance = load(Writer(seed).text(), tmp_path, seed)
        whole = whole_graph(instance, 0)
        smaller += accepted(whole) if whole is not None else 0
    assert smaller > 100


PAGE = Path(__file__).parents[1] / "docs/decisions/0011-partial-order-reduction-by-text.md"


def rows_of(heading: str) -> list[list[str]]:
    """The rows of the first table below this heading of the decision."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1]
    table = section[section.index("\n|") + 1 :].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


SMALL = 6_000
"""States of the scopes of the decision that are searched again."""


@pytest.mark.slow
def test_the_factors_of_the_decision_are_those_of_the_searches() -> None:
    rows = rows_of("What it brings in Flink's models")
    assert len(rows) >= 13
    again = 0
    for model, scope, share, states, reduced, factor in rows:
        whole, left = int(states.replace(",", "")), int(reduced.replace(",", ""))
        assert f"{whole / left:.2f}" == factor
        if whole > SMALL:
            continue
        again += 1
        instance = safety(load_model(model.strip("`")).instance(scope=scope.strip("`")))
        pair = compared(instance, 0)
        assert pair is not None
        assert [one.states for one in pair] == [whole, left]
        assert not longer(*pair)
        assert independent(instance) == share
    assert again >= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cluster", "declarative_cluster"])
def test_each_call_of_a_cluster_depends_on_all_others(name: str) -> None:
    assert relations(safety(load_model(name).instance())).idle


@pytest.mark.slow
def test_the_limit_of_the_decision_is_what_the_benchmark_finds() -> None:
    (row,) = [one for one in rows_of("How far it could go in the clusters") if "`orders`" in one]
    limit = independence_limit.measure(load_model("cluster").instance(scope="orders"), 0)
    assert limit is not None
    figures = [
        f"{limit.factor(relation, seen, proviso):.2f}"
        for relation in RELATIONS
        for seen, proviso in independence_limit.COLUMNS
    ]
    assert row == ["`orders`", f"{limit.states:,}", *figures]


@pytest.mark.slow
def test_what_a_source_of_the_text_costs() -> None:
    instance = load_model("cluster").instance(scope="orders")
    left = independence_limit.costs(instance, 0, ["channels", "after_each_step"])
    assert left is not None
    assert left["none"] < left["channels"] < left["after_each_step"]
    assert left["after_each_step"] > 0.99 * left["all states"]


def test_recordings_of_clusters_are_timed() -> None:
    folder = Path(__file__).parent / "data" / "clusters"
    found = [
        cluster_recordings.measured(folder / f"{name}.jsonl.gz")
        for name in ("1.12.5-seed0026", "2.3.0-seed0002")
    ]
    assert all(one.explained for one in found)
    assert [one.lines for one in found] == [178, 229]
    assert "| 1 to 200 | 1 |" in cluster_recordings.table(found)
