"""Exported traces of the fine-grained slot manager replay and conform.

What the oracle says under its own names and numbers is compared with what the search saw: a
second opinion on the records that a search uses again.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.fine_grained_slot_manager.lifecycles import ManagedSlot
from slotspec.models.fine_grained_slot_manager.state import Effect
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.traces.export import export
from slotspec.statemachine.declaration.model import Call, Instance
from slotspec.statemachine.declaration.rules import DISABLED, NONE
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits
from slotspec.statemachine.search.engine import explore_compiled
from tests.variants import fast_first

model = load_model("fine_grained_slot_manager")
NEWEST = list(model.generations)[-1]
EMITTED = {
    Effect.REQUEST_SLOT: "tm.request_slot",
    Effect.CAN_BE_RELEASED: "tm.can_be_released",
    Effect.FREE_INACTIVE_SLOTS: "tm.free_inactive_slots",
    Effect.NOT_ENOUGH_RESOURCES: "job.not_enough_resources",
    Effect.DECLARE: "resource.declare",
    Effect.ALLOCATE_RESOURCE: "resource.allocate",
    Effect.RELEASE_RESOURCE: "resource.release",
}
SCOPES = [s for s in model.scopes if not model.instance(scope=s).setting["iteration_order"]]


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
    calls: list[Call] = []
    interpreter = Interpreter(instance)
    names = [action.name for action in instance.actions]
    weights = [0.1 if name in ("suspend", "call_occupied") else 1 for name in names]
    by_name = {name: [c for c in instance.calls if c.action.name == name] for name in names}
    tried = 0
    while len(calls) < steps and tried < 50 * steps:
        tried += 1
        call = random.choice(by_name[random.choices(names, weights)[0]])
        key = interpreter.key
        if interpreter.step(call) == DISABLED:
            interpreter.load(key)
        else:
            calls.append(call)
    return explain(instance, calls)


@pytest.mark.parametrize("scope", fast_first(SCOPES, 3))
@pytest.mark.parametrize(
    "generation",
    [pytest.param(g, marks=() if g == NEWEST else pytest.mark.slow) for g in model.generations],
)
def test_random_runs_replay(generation: str, scope: str, tmp_path: Path) -> None:
    instance = model.instance(generation=generation, scope=scope)
    words = formatter_of(instance)
    for seed in range(2):
        finding = walked(instance, seed, 60)
        assert len(finding.steps) > 3
        lines = list(export(instance, finding))
        assert conforms(lines, tmp_path / "t.jsonl")
        if generation == "1.14" and scope in ("queue", "minimum"):
            continue  # one step is several lines, or its effects differ
        more = len(lines) - 1 - len(finding.steps)
        for step, line in zip(finding.steps, lines[1 + more :], strict=True):
            emitted = [EMITTED[Effect(e[0])] for e in step.effects if e[0] in EMITTED]
            assert emitted == [effect["effect"] for effect in line["effects"]]
            after, state = step.after, line["state"]
            assert sorted(slot["state"] for slot in state["slots"].values()) == sorted(
                ManagedSlot.states[v].name for v in after["slot"] if v
            )
            assert sum(n != NONE for n in after["expected"]) == len(state["pending_task_managers"])
            assert sum(n != NONE for n in after["indexed"]) == len(state["indexed"])
            assert sum(n != 0 for n in after["registration"]) == len(state["task_managers"])
            assert sum(after["awaited"]) == len(state["pending_allocations"])
            assert (after["check_waiting"] == 1) == state["check_waiting"]
            for text in (words.format_step(step), *words.effects(step), *words.changes(step)):
                assert text


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
def test_deviations_replay(generation: str, tmp_path: Path) -> None:
    found = 0
    for scope in ("workers", "redundancy", "profiles", "reports", "restarts"):
        instance = model.instance(generation=generation, scope=scope)
        result = explore_compiled(instance, Limits(depth=13))  # no trace is longer
        for answer in result.properties:
            if answer.finding is not None and answer.finding.steps:
                found += 1
                lines = list(export(instance, answer.finding))
                assert conforms(lines, tmp_path / "t.jsonl"), answer.property.name
    assert found > 20


def test_an_order_that_changes_cannot_be_told() -> None:
    instance = model.instance(scope="any_order")
    texts = ["start()", "order_of_refused_changes(order=1)"]
    calls = [next(c for c in instance.calls if str(c) == text) for text in texts]
    with pytest.raises(UsageError, match="set iteration_order=0"):
        list(export(instance, explain(instance, calls)))
