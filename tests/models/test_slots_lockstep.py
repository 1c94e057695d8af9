"""Slot tables and logical slots in large bounds: refereed walks, recordings, Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.oracle.fuzzing.stateful import state_machine
from slotspec.oracle.logical_slot.adapter import LogicalSlotOracle
from slotspec.oracle.task_slot_table.adapter import TaskSlotTableOracle
from slotspec.statemachine import DISABLED, Instance
from tests.models.mutation import read, recordings
from tests.models.referee import Referee
from tests.variants import fast_only

BOUNDS = {
    "task_slot_table": {
        "static_slots": 2,
        "dynamic_slots": 4,
        "allocations": 4,
        "jobs": 2,
        "executions": 3,
        "tasks": 5,
        "tickets": 6,
        "profiles": 5,
        "spare": 2,
        "quick_tasks": 1,
        "failing_tasks": 1,
    },
    "logical_slot": {
        "slots": 5,
        "payloads": 4,
        "physical_slots": 2,
        "reactions": 1,
        "faults": 1,
    },
}
ORACLES: dict[str, tuple[str, Callable[..., Any]]] = {
    "task_slot_table": ("table", TaskSlotTableOracle),
    "logical_slot": ("logical", LogicalSlotOracle),
}
RUNS = [(name, generation) for name in BOUNDS for generation in load_model(name).generations]
NEWEST = dict(RUNS).items()


def large(name: str, generation: str) -> Instance:
    return load_model(name).instance(BOUNDS[name], generation=generation)


TestTable111 = pytest.mark.slow(state_machine(large("task_slot_table", "1.11")).TestCase)
TestTable112 = pytest.mark.slow(state_machine(large("task_slot_table", "1.12")).TestCase)
TestTable113 = pytest.mark.slow(state_machine(large("task_slot_table", "1.13")).TestCase)
TestTable23 = state_machine(large("task_slot_table", "2.3")).TestCase
TestLogical111 = pytest.mark.slow(state_machine(large("logical_slot", "1.11")).TestCase)
TestLogical112 = pytest.mark.slow(state_machine(large("logical_slot", "1.12")).TestCase)
TestLogical113 = state_machine(large("logical_slot", "1.13")).TestCase


@pytest.mark.parametrize(("name", "generation"), fast_only(RUNS, *NEWEST))
def test_random_walks_agree(name: str, generation: str) -> None:
    chance = Random(1)
    instance = large(name, generation)
    settle = instance.model.settle
    assert settle is not None
    heard: set[tuple[str, str, str]] = set()
    for _ in range(20):
        referee = Referee(instance.lifecycles)
        s = instance.fresh(referee)
        calls = [c for c in instance.calls if c.action.name != "close"]
        for _ in range(400):
            call = chance.choice(calls)
            s.effects = []
            if call.action.function(s, *call.arguments) != DISABLED:
                settle(s)
                assert referee.agrees(s), str(call)
        heard |= set(referee.heard)
    assert len(heard) >= 7


@pytest.mark.parametrize(("name", "generation"), fast_only(RUNS, *NEWEST))
def test_replayed_recordings_agree(name: str, generation: str) -> None:
    kind, oracle_of = ORACLES[name]
    lifecycles = load_model(name).instance(generation=generation).lifecycles
    heard = 0
    for path in recordings(kind, f"{generation}.*")[:12]:
        header, steps = read(path)
        referee = Referee(lifecycles)
        oracle = oracle_of(generation, header, listener=referee)
        for step in steps:
            oracle.step(step.op, **step.arguments)
            assert referee.agrees(oracle.state), f"{path.name}, line {step.line}"
        heard += sum(referee.heard.values())
    assert heard > 100
