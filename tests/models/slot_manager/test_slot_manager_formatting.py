"""The text of the slot manager's steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slotspec.models import load_model
from slotspec.statemachine.formatting import formatter_of
from slotspec.statemachine.interpreter.exploring import explore_interpreted
from slotspec.statemachine.results import Finding, Limits
from slotspec.statemachine.search.engine import explore_compiled

model = load_model("slot_manager")
LIMITS = Limits(states=100_000, seconds=60)
ONE = {
    "task_managers": 1,
    "instances": 1,
    "slots": 1,
    "report_entries": 1,
    "allocations": 1,
    "requests": 2,
    "calls": 3,
    "pending_slots": 1,
    "max_slots": 1,
    "workers": 1,
}
TIME = {
    **ONE,
    "timers": 2,
    "task_manager_timeout": 1,
    "slot_request_timeout": 1,
    "wait_result_consumed": 1,
    "queries": 2,
}


def rendered(bounds: dict[str, int], name: str) -> list[tuple[str, list[str], list[str]]]:
    """The shortest trace to a property's finding: call, effects and changes of each step."""
    instance = model.instance(bounds, generation="1.12")
    formatter = formatter_of(instance)
    finding = found(bounds, name)
    return [
        (formatter.format_step(s), formatter.effects(s), formatter.changes(s))
        for s in finding.steps
    ]


def found(bounds: dict[str, int], name: str) -> Finding:
    instance = model.instance(bounds, generation="1.12")
    instance.properties = {name: instance.properties[name]}
    result = explore_interpreted(instance, replace(LIMITS, until=name))
    finding = next(p.finding for p in result.properties if p.property.name == name)
    assert finding is not None
    return finding


def test_a_dead_request() -> None:
    steps = rendered(TIME, "slots_are_given_to_living_requests")
    assert steps[0] == (
        "start()",
        [],
        ["manager: STOPPED -> STARTED", "checks: - -> task manager check in 0, request check in 0"],
    )
    assert steps[1] == (
        "register_slot_request(allocation=a1, job=j1, profile=small)",
        ["asks for a new worker (granted)"],
        ["request a1: - -> RESERVED", "p1: - -> reserved for a1"],
    )
    call, effects, changes = steps[2]
    assert (call, effects) == ("advance_time()", ["a1 failed (TimeoutException)"])
    assert changes[:2] == [
        "request a1: RESERVED -> -",
        "p1: reserved for a1 -> reserved for a1 (dead)",
    ]
    assert steps[3] == (
        "register_task_manager(instance=i1, profile=small)",
        ["asks tm1/0 for a1"],
        [
            "tm1/0: - -> PENDING at i1 for a1 (dead)",
            "p1: reserved for a1 (dead) -> -",
            "i1: - -> IN_USE (1 free)",
        ],
    )


def test_a_query() -> None:
    steps = rendered(TIME, "only_registered_connections_are_released")
    assert steps[2][1] == ["asks i1 whether it can be released"]
    assert "questions to i1: - -> ASKED" in steps[2][2]
    assert "i1: IDLE (1 free) -> IDLE for 1 (1 free)" in steps[2][2]
    assert steps[-1][:2] == ("query_answered(instance=i1, answer=YES)", ["releases i1"])


def test_the_main_thread() -> None:
    steps = rendered({**ONE, "auto_run": 0, "workers": 0}, "an_acknowledgement_is_heeded")
    assert steps[-2][2][-1] == "main thread: - -> cancelled (slot=tm1/0, allocation=a1)"
    assert steps[-1] == ("call_acknowledged(slot=tm1/0, allocation=a1)", [], [])


def test_calls_without_a_state() -> None:
    instance = model.instance(
        {**TIME, "instances": 2, "queries": 4, "slots": 2, "calls": 6, "report_entries": 2}
    )
    formatter = formatter_of(instance)
    texts = {formatter.call(call) for call in instance.calls}
    assert "query_answered(instance=i2, answer=YES)" in texts
    assert "call_fails(slot=tm1/1, failure=CANCELLED)" in texts
    assert "report_slot_in_use(instance=i1, slot=tm1/1, allocation=a1, job=j1)" in texts


@pytest.mark.slow
@pytest.mark.parametrize("generation", model.generations)
def test_every_finding_has_text(generation: str) -> None:
    for scope in ("queue", "unknown"):
        instance = model.instance(generation=generation, scope=scope)
        formatter = formatter_of(instance)
        result = explore_compiled(instance, Limits(states=3_000_000, seconds=60))
        findings = [p.finding for p in result.properties if p.finding is not None]
        assert findings
        for finding in findings:
            for step in finding.steps:
                texts = [formatter.format_step(step), formatter.call(step.call)]
                texts += [*formatter.effects(step), *formatter.changes(step)]
                assert all(texts)
                assert "65535" not in " ".join(texts)
                if step.before == step.after:
                    assert formatter.changes(step) == []
