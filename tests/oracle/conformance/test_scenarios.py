"""The directed runs of the real slot pool, replayed against the oracle."""

from __future__ import annotations

from typing import Any

import pytest

from slotspec.oracle.conformance.compare import compare
from slotspec.oracle.conformance.oracles import oracle_for
from tests.oracle.conformance.scenarios import (
    NOT_REPLAYED,
    UNORDERED_RESULTS,
    VERSIONS,
    Run,
    header,
    read_scenarios,
    reduced,
    why_not,
)

RUNS = [run for version in VERSIONS for run in read_scenarios(version)]


def canonical(op: str, result: Any) -> Any:
    return sorted(result, key=str) if op in UNORDERED_RESULTS else result


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_directed_run(run: Run) -> None:
    reason = why_not(run.version, run.scenario)
    if reason is not None:
        pytest.skip(reason)
    oracle = oracle_for(header(run.version, run.scenario))
    for number, seen in enumerate(run.steps, 1):
        step = seen.step
        expected = oracle.step(step.op, **step.arguments)
        if step.op in UNORDERED_RESULTS and expected.raises is None:
            expected.result = canonical(step.op, expected.result)
            step = type(step)(
                op=step.op, arguments={}, result=canonical(step.op, step.result), effects=[]
            )
        place = f"step {number}, line {step.line}: {step.op}"
        assert [str(d) for d in compare(expected, step).differences] == [], place
        if seen.state is not None:
            assert reduced(expected.state) == seen.state, place


def test_all_scenarios_are_read() -> None:
    counts = dict.fromkeys(VERSIONS, (0, 0))
    for run in RUNS:
        runs, steps = counts[run.version]
        counts[run.version] = runs + 1, steps + len(run.steps)
    assert counts == {"1.11.4": (55, 596), "1.12.5": (56, 608), "1.13.6": (54, 579)}
    assert set(NOT_REPLAYED) <= {run.scenario for run in RUNS}
    assert sum(why_not(run.version, run.scenario) is not None for run in RUNS) == 52


def test_a_step_is_read_in_all_its_parts() -> None:
    run = next(r for r in RUNS if str(r) == "1.12.5-same_id_pending_twice-1")
    seen = next(s for s in run.steps if s.step.arguments.get("offers", [{}])[0] == X9)
    assert seen.step.result == ["x9"]
    assert seen.step.effects == [
        {"effect": "request.fulfilled", "request": "r1", "attempt": 2, "allocation": "x9"},
        {"effect": "rm.cancel_slot_request", "allocation": "a3", "rm": "rm1"},
    ]
    assert seen.state == {
        "started": True,
        "connected": True,
        "task_managers": ["tm1", "tm2"],
        "allocated": ["x9:r1"],
        "available": {"a1@0"},
        "pending": ["r2>a2"],
        "waiting": [],
        "leaked": [],
        "clock": 0,
    }


X9 = {"allocation": "x9", "index": 1, "profile": "large"}
