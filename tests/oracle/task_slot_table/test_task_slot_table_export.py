"""Exported traces of the slot table and of logical slots replay and conform."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.models import load_model
from slotspec.models.logical_slot.operations import end_release
from slotspec.models.logical_slot.state import LogicalSlotState
from slotspec.models.task_slot_table import slots as below
from slotspec.models.task_slot_table.state import TaskSlotTableState
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.traces.export import export
from slotspec.statemachine.declaration.model import Instance
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import UsageError
from slotspec.statemachine.interpreter.replay import explain
from slotspec.statemachine.interpreter.stepping import Interpreter
from slotspec.statemachine.results import Finding, Limits
from slotspec.statemachine.search.engine import explore_compiled

TABLE = {
    "static_slots": 2,
    "dynamic_slots": 2,
    "allocations": 3,
    "jobs": 2,
    "executions": 2,
    "tasks": 4,
    "tickets": 6,
    "profiles": 5,
    "spare": 2,
    "quick_tasks": 1,
    "failing_tasks": 1,
}
LOGICAL = {"slots": 6, "payloads": 6, "physical_slots": 2, "reactions": 1, "faults": 1}
RUNS = [
    (name, generation)
    for name in ("task_slot_table", "logical_slot")
    for generation in load_model(name).generations
]


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
    names = [action.name for action in instance.actions if action.name != "close"]
    by_name = {name: [c for c in instance.calls if c.action.name == name] for name in names}
    while len(calls) < steps:
        call = random.choice(by_name[random.choice(names)])
        key = interpreter.key
        if interpreter.step(call) == DISABLED:
            interpreter.load(key)
        else:
            calls.append(call)
    return explain(instance, calls)


@pytest.mark.parametrize(("name", "generation"), RUNS)
def test_random_runs_replay(name: str, generation: str, tmp_path: Path) -> None:
    bounds = TABLE if name == "task_slot_table" else LOGICAL
    instance = load_model(name).instance(bounds, generation=generation)
    for seed in range(8):
        finding = walked(instance, seed, 60)
        lines = list(export(instance, finding))
        assert conforms(lines, tmp_path / "t.jsonl")
        last = lines[-1]["state"]
        if name == "task_slot_table":
            states = ["FREE", "ALLOCATED", "ACTIVE", "RELEASING"]
            seen = sorted(slot["state"] for slot in last["slots"].values())
            mine = finding.steps[-1].after["slot"]
            assert seen == sorted(states[number] for number in mine if number)
            fired = sum(timer["fired"] for timer in last["timers"].values())
            assert fired == sum(number == 2 for number in finding.steps[-1].after["timer"])


LONGEST = 7
"""No shortest trace of a deviation or a witness is longer."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "generation"), RUNS)
def test_deviations_replay(name: str, generation: str, tmp_path: Path) -> None:
    model = load_model(name)
    found = 0
    for scope in model.scopes:
        small = {"slots": 2} if name == "logical_slot" else {"allocations": 2}
        instance = model.instance(small, generation=generation, scope=scope)
        result = explore_compiled(instance, Limits(depth=LONGEST))
        for answer in result.properties:
            if answer.finding is not None and answer.finding.steps:
                found += 1
                lines = list(export(instance, answer.finding))
                assert conforms(lines, tmp_path / "t.jsonl"), answer.property.name
    assert found > 10


def never_fails(s: LogicalSlotState, slot: int, fails: int) -> None:
    end_release(s, slot, 0)


def any_ticket_will_do(s: TaskSlotTableState, allocation: int, ticket: int) -> bool:
    return s.ticket[allocation] < len(s.sent)


@pytest.mark.parametrize(
    ("name", "scope", "rule", "broken", "violated"),
    [
        (
            "task_slot_table",
            "timeouts",
            below.has_ticket,
            any_ticket_will_do,
            "a_stale_timeout_frees_nothing",
        ),
        (
            "logical_slot",
            "faults",
            end_release,
            never_fails,
            "a_failed_termination_is_passed_on",
        ),
    ],
)
def test_a_broken_rule_diverges(
    name: str, scope: str, rule: Any, broken: Any, violated: str, tmp_path: Path
) -> None:
    small = {"slots": 2} if name == "logical_slot" else {"tickets": 3}
    instance = load_model(name).instance(
        small, generation="1.12", scope=scope, replace={rule: broken}
    )
    result = explore_compiled(instance, Limits(states=1_500_000, seconds=60))
    found = next(p.finding for p in result.properties if p.property.name == violated)
    assert found is not None
    lines = list(export(instance, found))
    assert not conforms(lines, tmp_path / "t.jsonl")


def test_choices_that_no_release_has() -> None:
    instance = load_model("task_slot_table").instance(
        generation="1.12", choices={"unnumbered_slot": 1}
    )
    with pytest.raises(UsageError, match="unnumbered_slot is not what generation") as raised:
        list(export(instance, Finding(())))
    assert raised.value.code == "SET040"
