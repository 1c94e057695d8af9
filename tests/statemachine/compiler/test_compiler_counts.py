"""The slot pool core has exactly the states that four other checkers count.

The numbers are those of ``benchmarks/peers/COUNTS.md``: SPIN, Rumur and TLC agree on them.
"""

from __future__ import annotations

import pytest

from examples import slot_pool_core
from slotspec.statemachine import Instance, Result, Verdict
from slotspec.statemachine.search.engine import explore_compiled

FULL = {
    (1, 1, 1, 1): (46, 201, 10),
    (1, 1, 2, 1): (192, 969, 11),
    (2, 1, 2, 1): (764, 5_296, 13),
    (2, 1, 2, 2): (6_220, 56_788, 18),
    (1, 2, 3, 2): (21_488, 200_958, 18),
    (2, 1, 3, 2): (29_320, 289_268, 19),
    (2, 2, 2, 2): (59_148, 757_452, 19),
    (2, 1, 4, 2): (147_916, 1_573_852, 20),
    (2, 2, 3, 2): (279_440, 3_779_188, 20),
    (2, 1, 4, 3): (1_301_020, 16_161_496, 25),
}
REDUCED = {
    (1, 1, 2, 1): (108, 538, 11),
    (2, 1, 2, 1): (240, 1_608, 13),
    (2, 1, 2, 2): (944, 8_452, 18),
    (1, 2, 3, 2): (1_330, 12_088, 18),
    (2, 2, 2, 2): (4_322, 55_003, 19),
    (2, 1, 4, 3): (8_311, 100_891, 25),
    (2, 2, 3, 3): (63_324, 1_046_772, 26),
    (2, 1, 5, 3): (12_737, 163_299, 26),
}


def core(sizes: tuple[int, ...]) -> Instance:
    return slot_pool_core.model.instance(dict(zip("TSRA", sizes, strict=True)))


def counts(result: Result) -> tuple[int, int, int]:
    return result.states, result.transitions, result.depth


@pytest.mark.slow
@pytest.mark.parametrize("sizes", FULL, ids=str)
def test_full(sizes: tuple[int, ...]) -> None:
    result = explore_compiled(core(sizes))
    assert counts(result) == FULL[sizes]
    assert result.verdict is Verdict.HOLDS
    assert result.deadlock is None
    assert result.fault is None


@pytest.mark.slow
@pytest.mark.parametrize("sizes", REDUCED, ids=str)
def test_reduced_by_the_exact_form(sizes: tuple[int, ...]) -> None:
    result = explore_compiled(core(sizes), symmetry="exact")
    assert counts(result) == REDUCED[sizes]
    assert result.symmetry == "exact"


@pytest.mark.parametrize("sizes", [(2, 1, 2, 2), (2, 2, 2, 2), (2, 1, 4, 3)], ids=str)
def test_reduced_by_the_fast_form(sizes: tuple[int, ...]) -> None:
    result = explore_compiled(core(sizes), symmetry="fast")
    least, full = REDUCED[sizes][0], FULL[sizes][0]
    assert least <= result.states < 1.15 * least < full
    assert result.verdict is Verdict.HOLDS


def test_every_declared_transition_is_fired() -> None:
    assert explore_compiled(core((2, 1, 2, 2))).dead == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("fingerprints", [False, True])
def test_with_several_workers(workers: int, fingerprints: bool) -> None:
    one = explore_compiled(core((2, 1, 4, 2)))
    several = explore_compiled(core((2, 1, 4, 2)), workers=workers, fingerprints=fingerprints)
    assert counts(several) == counts(one)
    assert (several.taken, several.fired) == (one.taken, one.fired)
    assert several.workers == workers


def test_fingerprints_bound_the_probability_of_a_miss() -> None:
    result = explore_compiled(core((2, 1, 3, 2)), fingerprints=True)
    assert counts(result) == FULL[2, 1, 3, 2]
    assert result.missed is not None
    assert 0 < result.missed < 1e-9
    assert explore_compiled(core((1, 1, 1, 1))).missed is None


@pytest.mark.slow
def test_memory_per_state() -> None:
    exact = explore_compiled(core((2, 1, 4, 3)))
    prints = explore_compiled(core((2, 1, 4, 3)), fingerprints=True)
    assert exact.bytes_per_state is not None
    assert prints.bytes_per_state is not None
    assert exact.bytes_per_state <= 48
    assert prints.bytes_per_state <= 32
