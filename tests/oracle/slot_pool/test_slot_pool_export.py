"""Exported traces of the slot pool replay and conform."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.cli import main
from slotspec.models.common.resource_profile import CATALOGUE
from slotspec.models.slot_pool.state import Effect
from slotspec.models.slot_pool.timers import is_idle_too_long
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.slot_pool.export import SlotPoolExporter
from slotspec.oracle.traces.export import export
from slotspec.statemachine import (
    DISABLED,
    Finding,
    Instance,
    Kind,
    UsageError,
    Verdict,
    check,
    replay,
)
from slotspec.statemachine.interpreter.stepping import Interpreter
from tests.models.small import POOL, RUNS, checked, instance
from tests.variants import fast_last

TOLD = {
    Effect.REQUEST_SLOT: "rm.request_slot",
    Effect.CANCEL_SLOT_REQUEST: "rm.cancel_slot_request",
    Effect.FREE_SLOT: "tm.free_slot",
    Effect.REQUEST_FULFILLED: "request.fulfilled",
    Effect.REQUEST_FAILED: "request.failed",
    Effect.PAYLOAD_RELEASED: "payload.released",
}

REQUESTS = ("request_new_allocated_slot", "request_new_allocated_batch_slot")

LARGE = {
    "task_managers": 2,
    "slot_indices": 2,
    "requests": 4,
    "request_ids": 3,
    "foreign_allocations": 2,
    "profiles": 4,
    "gateways": 2,
    "batch_requests": 1,
    "payloads": 1,
    "timers": 6,
    "idle_timeout": 3,
    "batch_timeout": 2,
    "reused_ids": 1,
    "leaks": 6,
    "unstarted": 1,
}


def lines_of(instance: Instance, finding: Finding) -> list[dict[str, Any]]:
    return list(export(instance, finding))


def conforms(lines: list[dict[str, Any]], path: Path) -> bool:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = conform(path)
    assert report.error is None
    assert report.fault is None
    assert report.silent == 0
    return report.outcome is Conformance.CONFORMS


def tells_the_same(lines: list[dict[str, Any]], finding: Finding) -> bool:
    """Whether the recording has the effects of the checked model, kind by kind."""
    return all(
        [effect["effect"] for effect in line["effects"]]
        == [TOLD[Effect(e[0])] for e in step.effects if Effect(e[0]) in TOLD]
        for line, step in zip(lines[1:], finding.steps, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("scope", "generation"), RUNS)
def test_every_trace_that_is_found_replays(scope: str, generation: str, tmp_path: Path) -> None:
    found = [p for p in checked(scope, generation).properties if p.finding and p.finding.steps]
    assert len(found) > 5
    for shown in found:
        assert shown.finding is not None
        lines = lines_of(instance(scope, generation), shown.finding)
        assert lines[0]["version"] == generation
        assert tells_the_same(lines, shown.finding), shown.property.name
        assert conforms(lines, tmp_path / f"{shown.property.name}.jsonl"), shown.property.name


@pytest.mark.slow
@pytest.mark.parametrize("generation", list(POOL.generations))
def test_the_small_bounds_show_every_witness(generation: str) -> None:
    wanted = {
        p.name
        for scope in POOL.scopes
        for p in POOL.instance(generation=generation, scope=scope).properties.values()
        if p.kind is Kind.SOMETIMES
    }
    shown = {
        p.property.name
        for scope, of in RUNS
        if of == generation
        for p in checked(scope, of).properties
        if p.verdict is Verdict.HOLDS and p.finding
    }
    assert wanted <= shown


def walk(instance: Instance, seed: int, length: int) -> Finding:
    """A random run of `length` steps."""
    chance = Random(seed)
    there = Interpreter(instance)
    calls = []
    while len(calls) < length:
        call = chance.choice(instance.calls)
        key = there.key
        if there.step(call) == DISABLED:
            there.load(key)
        else:
            calls.append(call)
            there.load(there.key)
    return Finding(replay(instance, calls))


@pytest.mark.parametrize("generation", fast_last(POOL.generations))
def test_long_runs_with_reused_records_replay(generation: str, tmp_path: Path) -> None:
    large = POOL.instance(LARGE, generation=generation)
    most = 0
    names: set[str] = set()
    for seed in range(4):
        run = walk(large, seed, 250)
        lines = lines_of(large, run)
        assert tells_the_same(lines, run)
        assert conforms(lines, tmp_path / "walk.jsonl")
        effects = [effect for line in lines[1:] for effect in line["effects"]]
        asked = [e["allocation"] for e in effects if e["effect"] == "rm.request_slot"]
        assert len(set(asked)) == len(asked), "a record serves many requests, a name only one"
        most = max(most, len(asked))
        names |= {line["request"] for line in lines[1:] if line["op"] in REQUESTS}
    assert most > 2 * LARGE["requests"]
    assert len(names) > 2 * LARGE["request_ids"], "an id that is free gets a new name"


@pytest.mark.slow
def test_a_broken_model_is_recorded_as_broken(tmp_path: Path) -> None:
    def is_idle_for_long(s: Any, allocation: int) -> bool:
        return bool(s.idle_for[allocation] >= s.idle_timeout)

    broken = POOL.instance(
        dict(instance("time", "1.12").setting.bounds),
        generation="1.12",
        replace={is_idle_too_long: is_idle_for_long},
    )
    result = check(broken, "compiled")
    finding = next(
        p.finding for p in result.properties if p.property.name.startswith("only_slots_idle")
    )
    assert finding is not None
    assert not conforms(lines_of(broken, finding), tmp_path / "broken.jsonl")


def test_choices_that_no_generation_makes_cannot_be_recorded() -> None:
    odd = POOL.instance(generation="1.12", choices={"matching": 1})
    with pytest.raises(UsageError, match=r"SET040: matching is not"):
        next(iter(SlotPoolExporter(odd, Finding(()))))


def test_profiles_are_written_with_their_amounts() -> None:
    odd = POOL.instance({"profiles": 4}, generation="1.12")
    header = next(iter(SlotPoolExporter(odd, Finding(()))))
    assert header["profiles"]["any"] == "ANY"
    assert header["profiles"]["unknown"] == "UNKNOWN"
    assert header["profiles"]["small"] == {
        "cpu": 1.0,
        "task_heap_mb": 256,
        "task_off_heap_mb": 0,
        "managed_mb": 64,
        "network_mb": 32,
        "extended": {},
    }
    own = POOL.instance(generation="1.12", choices={"profiles": {"mine": CATALOGUE["large"]}})
    assert list(next(iter(SlotPoolExporter(own, Finding(()))))["profiles"]) == ["mine"]


def test_the_command_line_writes_what_it_replays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "forgotten.jsonl")
    bounds = [f"--set={name}=1" for name in ("requests", "request_ids", "task_managers")]
    with pytest.raises(SystemExit) as left:
        main(["check", "slot_pool", "--generation=1.13", *bounds, f"--trace-out={path}"])
    assert left.value.code == 0
    with pytest.raises(SystemExit) as left:
        main(["conform", path])
    assert left.value.code == 0
    assert "1 of 1 trace conforms" in capsys.readouterr().out
