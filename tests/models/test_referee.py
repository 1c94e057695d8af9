"""What the rules fire, ``transitions`` machines take too, and both end in the same states."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models.slot_pool.lifecycles import Pool
from slotspec.models.slot_pool.state import SlotPoolState
from slotspec.oracle.slot_pool.adapter import SlotPoolOracle
from slotspec.oracle.traces.reading import TraceReader
from slotspec.statemachine import DISABLED
from slotspec.statemachine.declaration.rules import fire, recycle
from tests.models.referee import Referee
from tests.models.small import POOL
from tests.variants import fast_last

TRACES = Path(__file__).parents[1] / "data" / "traces" / "slot_pool"
VERSIONS = {"1.11": "1.11.4", "1.12": "1.12.5", "1.13": "1.13.6"}
BOUNDS = {
    "task_managers": 2,
    "requests": 3,
    "request_ids": 2,
    "foreign_allocations": 1,
    "profiles": 2,
    "gateways": 2,
    "batch_requests": 1,
    "payloads": 1,
    "timers": 4,
    "idle_timeout": 2,
    "batch_timeout": 2,
    "reused_ids": 1,
    "leaks": 4,
}


def walk(generation: str, seed: int, length: int) -> Referee:
    """A random run, refereed after each step."""
    chance = Random(seed)
    instance = POOL.instance(BOUNDS, generation=generation)
    referee = Referee(instance.lifecycles)
    s = instance.fresh(referee)
    settle = instance.model.settle
    assert settle is not None
    for _ in range(length):
        call = chance.choice(instance.calls)
        s.effects = []
        if call.action.function(s, *call.arguments) != DISABLED:
            settle(s)
            assert referee.agrees(s), str(call)
    return referee


@pytest.mark.parametrize("generation", fast_last(POOL.generations))
def test_random_walks_agree(generation: str) -> None:
    heard = sum((walk(generation, seed, 2_000).heard for seed in range(3)), start=Referee({}).heard)
    lifecycles = POOL.instance(BOUNDS, generation=generation).lifecycles
    declared = {
        (c.__name__, m.source.name, m.event.name)
        for c in lifecycles.values()
        for m in c.transitions
    }
    assert set(heard) <= declared
    assert len(heard) > len(declared) // 2


@pytest.mark.slow
@pytest.mark.parametrize("generation", list(POOL.generations))
def test_replayed_recordings_agree(generation: str) -> None:
    steps = 0
    for seed in range(12):
        with TraceReader(TRACES / VERSIONS[generation] / f"seed{seed:04}.jsonl.gz") as reader:
            referee = Referee(POOL.instance(generation=generation).lifecycles)
            oracle = SlotPoolOracle(generation, reader.header, listener=referee)
            for step in reader:
                oracle.hint(step)
                oracle.step(step.op, **step.arguments)
                assert referee.agrees(oracle.state), f"seed {seed}, line {step.line}"
                steps += 1
            assert referee.heard
    assert steps == 12 * 80


def refereed() -> tuple[Any, Referee]:
    instance = POOL.instance(BOUNDS, generation="1.12")
    referee = Referee(instance.lifecycles)
    return instance.fresh(referee), referee


def test_a_state_that_is_assigned_is_noticed() -> None:
    s, referee = refereed()
    fire(s.pool, 0, Pool.start)
    assert referee.agrees(s)
    list.__setitem__(s.pool, 0, int(Pool.SUSPENDED))  # a rule could not: STP010
    assert not referee.agrees(s)
    with pytest.raises(AssertionError, match="another state"):
        fire(s.pool, 0, Pool.start)


def test_a_table_that_goes_elsewhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    s, referee = refereed()
    wrong = list(Pool.start.targets)
    wrong[Pool.CREATED] = int(Pool.CLOSED)
    monkeypatch.setattr(Pool.start, "targets", tuple(wrong))
    fire(s.pool, 0, Pool.start)
    assert not referee.agrees(s)


def test_a_new_life_is_a_new_machine() -> None:
    s, referee = refereed()
    first = referee.machine("slot", 0)
    recycle(s.slot, 0)
    assert referee.machine("slot", 0) is not first
    assert isinstance(s, SlotPoolState)
