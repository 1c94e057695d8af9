"""A search that folds states into trees finds what the search in memory finds, in less memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from typer.testing import CliRunner

from examples import lease, slot_pool_core, two_phase_commit
from slotspec.cli.app import build
from slotspec.models import load_model
from slotspec.statemachine import InputError, Limit, Limits, UsageError, Verdict, check
from slotspec.statemachine.search import compressed, tree_kernels, tree_store
from slotspec.statemachine.search.engine import explore_compiled
from slotspec.statemachine.search.tree_kernels import Tree
from tests.statemachine.search.test_disk import COMMIT, core, facts, never, no_commit


@pytest.mark.slow
def test_it_finds_what_the_search_in_memory_finds() -> None:
    kept, plain = explore_compiled(core(4), compress=True), explore_compiled(core(4))
    assert facts(kept) == facts(plain)
    assert kept.states == 147_916
    assert kept.bytes_per_state is not None
    assert kept.bytes_per_state < 14  # the dictionary weighs more in a small search


@pytest.mark.slow
def test_a_state_takes_less_than_twelve_bytes() -> None:
    instance = slot_pool_core.model.instance({"T": 2, "S": 1, "R": 4, "A": 3})
    kept = explore_compiled(instance, compress=True)
    assert (kept.states, kept.transitions, kept.depth) == (1_301_020, 16_161_496, 25)
    assert kept.bytes_per_state is not None
    assert kept.bytes_per_state < 12


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "replace",
    [{}, {two_phase_commit.settled: never}, {two_phase_commit.one_decision: no_commit}],
    ids=["holds", "deadlock", "violated"],
)
def test_verdicts_and_traces_are_the_same(replace: dict[Any, Any], workers: int) -> None:
    instance = COMMIT.instance({"managers": 3}, replace=replace)
    kept = explore_compiled(instance, workers=workers, compress=True)
    assert facts(kept) == facts(explore_compiled(instance))
    assert (kept.verdict is Verdict.HOLDS) is (not replace)


def test_wide_states_are_folded_too() -> None:
    instance = load_model("task_slot_table").instance()
    instance.properties = {
        name: p for name, p in instance.properties.items() if p.kind.value != "leads to"
    }
    limits = Limits(depth=6)
    kept = explore_compiled(instance, limits, compress=True)
    assert facts(kept) == facts(explore_compiled(instance, limits))


@njit
def there_and_back(states: Any, roots: Any, back: Any, tree: Any, cells: Any) -> None:
    width = tree.width
    folded = np.zeros(width, dtype=np.uint64)
    flat, out = states.reshape(-1), back.reshape(-1)
    for i in range(len(states)):
        roots[i] = tree_kernels._fold(flat, i * width, tree, cells, folded)
    for i in range(len(states)):
        tree_kernels._unfold(roots[i], out, i * width, width, tree.values)


@pytest.mark.parametrize("width", range(1, 10))
def test_what_is_folded_unfolds(width: int) -> None:
    """Every tree, with words that occur at several places."""
    rng = np.random.default_rng(width)
    tree = Tree(
        width,
        1,
        np.zeros(1 << 14, dtype=np.uint64),
        np.zeros(1 << 15, dtype=np.uint32),
        *(np.zeros(1, dtype=np.int64) for _ in range(4)),
        np.zeros(tree_kernels.SHARED_CELLS, dtype=np.int64),
    )
    cells, roots = np.zeros(tree_kernels.CELLS, dtype=np.int64), np.zeros(200, dtype=np.uint64)
    states = rng.integers(0, 3, (200, width), dtype=np.uint64)
    states[::2] *= np.uint64(2**62 + 1)
    back = np.zeros_like(states)
    there_and_back(states, roots, back, tree, cells)
    assert (back == states).all()
    assert len(set(roots.tolist())) == len({state.tobytes() for state in states})
    assert roots.all()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_that_grows_grows(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in (("SEGMENTS", 2), ("SMALLEST", 160), ("SMALLEST_DICTIONARY", 1)):
        monkeypatch.setattr(tree_store, name, small)
    monkeypatch.setattr(tree_store, "BLOCK", 200)
    # so that several workers run at a time however small a level is
    monkeypatch.setattr(compressed, "BATCH", 16)
    asked: set[int] = set()
    make_room = tree_store.TreeStore.make_room

    def noted(self: tree_store.TreeStore, needs: set[int]) -> None:
        asked.update(needs)
        make_room(self, needs)

    monkeypatch.setattr(tree_store.TreeStore, "make_room", noted)
    kept = explore_compiled(core(), workers=workers, compress=True)
    assert facts(kept) == facts(explore_compiled(core()))
    assert kept.workers == workers
    assert {tree_kernels.DICTIONARY, tree_kernels.FRESH, tree_kernels.SEGMENTS} <= asked


@pytest.mark.slow
def test_several_workers_find_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "BATCH", 8)  # so that they meet more often
    instance = slot_pool_core.model.instance({"T": 2, "S": 1, "R": 4, "A": 3})
    kept = explore_compiled(instance, workers=4, compress=True)
    assert (kept.states, kept.transitions, kept.depth) == (1_301_020, 16_161_496, 25)
    assert kept.verdict is Verdict.HOLDS
    assert kept.bytes_per_state is not None
    assert kept.bytes_per_state < 13


@pytest.mark.parametrize("depth", [0, 7])
def test_a_limit_on_depth_is_exact(depth: int) -> None:
    limits = Limits(depth=depth)
    kept = explore_compiled(core(), limits, compress=True)
    assert facts(kept) == facts(explore_compiled(core(), limits))
    assert kept.limit is Limit.DEPTH


def test_a_level_is_ended_where_the_target_is_found() -> None:
    limits = Limits(until="an_offer_is_orphaned")
    kept, plain = explore_compiled(core(), limits, compress=True), explore_compiled(core(), limits)
    assert (kept.limit, kept.depth, kept.states) == (plain.limit, plain.depth, plain.states)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [(Limits(seconds=0.01), Limit.SECONDS), (Limits(memory=3 << 20), Limit.MEMORY)],
)
def test_a_limit_leaves_whole_levels(limits: Limits, reason: Limit) -> None:
    part = explore_compiled(core(5), limits, compress=True)
    assert (part.limit, part.verdict) == (reason, Verdict.UNKNOWN)
    assert part.states == explore_compiled(core(5), Limits(depth=part.depth)).states


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"disk": Path("x")}, "a folder of states"),
        ({"on": "ray"}, "--on"),
        ({"fingerprints": True}, "fingerprints"),
        ({"symmetry": "exact"}, "symmetry"),
        ({"checkpoint": Path("x")}, "a checkpoint"),
        ({"limits": Limits(states=5)}, "a limit on states"),
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=f"SET038: .*{what}"):
        explore_compiled(core(), compress=True, **options)


def test_leads_to_is_refused() -> None:
    with pytest.raises(UsageError, match=r"SET038: .*leads to"):
        explore_compiled(lease.model.instance(), compress=True)


def test_the_interpreter_refuses_it() -> None:
    with pytest.raises(UsageError, match=r"SET022: .*compression"):
        check(core(), "interpreted", compress=True)


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tree_store.TreeStore, "read", full)
    with pytest.raises(InputError, match=r"CKP005: .*No space left"):
        explore_compiled(core(), compress=True)


def test_the_command_line_takes_it() -> None:
    path = os.fspath(slot_pool_core.__file__)
    outcome = CliRunner().invoke(build(), ["check", path, "--compress"])
    assert outcome.exit_code == 0
    assert "HOLDS: 1 run, compiled" in outcome.output
