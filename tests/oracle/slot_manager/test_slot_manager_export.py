"""Exported traces of the slot manager replay and conform.

What the oracle says under its own names and numbers is compared with what the search saw:
a second opinion on the records that a search uses again.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.slot_manager.lifecycles import TaskManagerSlot
from slotspec.models.slot_manager.state import Effect
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.traces.export import export
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits
from slotspec.statemachine.search.engine import explore_compiled
from tests.variants import fast_last

model = load_model("slot_manager")
BOUNDS: dict[str, int] = {
    "task_managers": 2,
    "instances": 3,
    "slots": 4,
    "report_entries": 2,
    "allocations": 4,
    "requests": 12,
    "calls": 24,
    "jobs": 2,
    "profiles": 3,
    "pending_slots": 6,
    "max_slots": 6,
    "slots_per_worker": 2,
    "redundant_task_managers": 1,
    "timers": 4,
    "task_manager_timeout": 2,
    "slot_request_timeout": 3,
    "wait_result_consumed": 1,
    "queries": 30,
    "workers": 1,
    "moody_resources": 1,
    "fail_flag": 1,
    "spread": 1,
}
TOLD = (
    (Effect.REQUEST_SLOT, "tm.request_slot"),
    (Effect.CAN_BE_RELEASED, "tm.can_be_released"),
    (Effect.ALLOCATE_RESOURCE, "resource.allocate"),
    (Effect.RELEASE_RESOURCE, "resource.release"),
    (Effect.ALLOCATION_FAILED, "allocation.failed"),
)


def conforms(lines: list[dict[str, Any]], path: Path) -> bool:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = conform(path)
    assert report.error is None
    assert report.fault is None
    assert report.silent == 0
    return report.outcome is Conformance.CONFORMS


def walked(instance: Instance, seed: int, steps: int) -> Finding:
    """A random run of the model."""
    random = Random(seed)
    calls = []
    interpreter = Interpreter(instance)
    names = [action.name for action in instance.actions]
    weights = [0.05 if name == "suspend" else 1 for name in names]
    by_name = {name: [c for c in instance.calls if c.action.name == name] for name in names}
    while len(calls) < steps:
        call = random.choice(by_name[random.choices(names, weights)[0]])
        key = interpreter.key
        if interpreter.step(call) == DISABLED:
            interpreter.load(key)
        else:
            calls.append(call)
    return explain(instance, calls)


@pytest.mark.parametrize("auto_run", [0, 1])
@pytest.mark.parametrize("generation", fast_last(model.generations))
def test_random_runs_replay(generation: str, auto_run: int, tmp_path: Path) -> None:
    instance = model.instance({**BOUNDS, "auto_run": auto_run}, generation=generation)
    words = formatter_of(instance)
    for seed in range(5):
        finding = walked(instance, seed, 80)
        lines = list(export(instance, finding))
        assert conforms(lines, tmp_path / "t.jsonl")
        for step, line in zip(finding.steps, lines[1:], strict=True):
            names = dict(TOLD)
            emitted = [names[Effect(e[0])] for e in step.effects if Effect(e[0]) in names]
            assert emitted == [effect["effect"] for effect in line["effects"]]
            after, state = step.after, line["state"]
            assert {
                words.element(model.record.fields["slot"].over, n): TaskManagerSlot.states[v].name
                for n, v in enumerate(after["slot"])
                if v
            } == {name: slot["state"] for name, slot in state["slots"].items()}
            assert sum(n != NONE for n in after["entered"]) == len(state["requests"])
            assert sum(n != NONE for n in after["expected"]) == len(state["pending_slots"])
            assert sum(n != NONE for n in after["free"]) == len(state["free_slots"])
            assert sum(n != NONE for n in after["fulfilled"]) == len(state["fulfilled"])
            idle = [r["idle_since"] is not None for r in state["registrations"].values()]
            assert sum(idle) == sum(n == 1 for n in after["registration"])


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
def test_deviations_replay(generation: str, tmp_path: Path) -> None:
    found = 0
    for scope in ("connections", "time", "asking", "queue"):
        instance = model.instance(generation=generation, scope=scope)
        result = explore_compiled(instance, Limits(states=1_500_000, seconds=60))
        for answer in result.properties:
            if answer.finding is not None and answer.finding.steps:
                found += 1
                lines = list(export(instance, answer.finding))
                assert conforms(lines, tmp_path / "t.jsonl"), answer.property.name
    assert found > 20


def test_an_order_that_changes_cannot_be_told() -> None:
    instance = model.instance(scope="any_order")
    texts = [
        "start()",
        "register_slot_request(allocation=0, job=0, profile=0)",
        "iteration_order_changes(which=1, place=0)",
    ]
    calls = [next(c for c in instance.calls if str(c) == text) for text in texts]
    with pytest.raises(UsageError, match="set iteration_order=0"):
        list(export(instance, explain(instance, calls)))
