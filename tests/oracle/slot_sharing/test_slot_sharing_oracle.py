"""The oracle of slot sharing: recordings, reuse of numbers, and rejected calls."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.slot_sharing.adapter import SlotSharingOracle
from slotspec.oracle.traces.reading import TraceReader
from slotspec.oracle.traces.trace import TraceHeader
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import header as pool_header
from tests.oracle.trace_files import replayed, step, write

DATA = Path(__file__).parents[2] / "data"
SCENARIOS = DATA / "scenarios" / "sharing" / "1.12.5"
CONTEXT = {"tm": "tm1", "allocation": "a1", "index": 0, "profile": "large"}
ZERO = {
    "cpu": 0.0,
    "task_heap_mb": 0,
    "task_off_heap_mb": 0,
    "managed_mb": 0,
    "network_mb": 0,
    "extended": {},
}


def header(**changes: Any) -> dict[str, Any]:
    own = {
        "implementation": "org.apache.flink SlotSharingManager",
        "config": {"owner_releases": True},
        "causes": ...,
        "task_managers": ...,
    }
    return pool_header(**{**own, **changes})


@pytest.mark.slow
def test_recordings_conform() -> None:
    summaries = [replayed("traces/sharing"), replayed("scenarios/sharing")]
    assert all(summary.outcome is Conformance.CONFORMS for summary in summaries)
    counts = (sum(s.conforming for s in summaries), sum(s.steps for s in summaries))
    assert counts == (254, 19_286)


@pytest.mark.slow
def test_every_operation_is_recorded() -> None:
    summary = replayed("traces/sharing")
    assert [(len(g.operations), g.possible) for g in summary.groups()] == [(16, 16), (16, 16)]


def test_the_cause_of_an_exception_is_compared(tmp_path: Path) -> None:
    lines = gzip.decompress((SCENARIOS / "allocation_used_twice.jsonl.gz").read_bytes())
    steps = [json.loads(line) for line in lines.splitlines()]
    listed = next(s for s in steps if s.get("raises_cause"))
    assert (listed["op"], listed["raises"]) == ("list_resolved_roots", "CompletionException")
    listed["raises_cause"] = "TimeoutException"
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.divergence is not None
    assert [d.path for d in report.divergence.differences] == ["raises_cause"]


@pytest.mark.parametrize(
    ("path", "value"),
    [("children", {}), ("context", "failed"), ("reserved", ZERO), ("parent", "s2")],
)
def test_a_changed_state_diverges(path: str, value: Any, tmp_path: Path) -> None:
    lines = gzip.decompress((SCENARIOS / "colocation_cascade.jsonl.gz").read_bytes())
    steps = [json.loads(line) for line in lines.splitlines()[:6]]
    steps[-1]["state"]["slots"]["s1"][path] = value
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.divergence is not None
    assert report.matched == 4
    assert all(d.path.startswith(f"state.slots.s1.{path}") for d in report.divergence.differences)


def test_without_a_header() -> None:
    oracle = SlotSharingOracle("1.12")
    oracle.step("create_root_slot", slot="s1", allocated_request="r1", context=CONTEXT)
    oracle.step(
        "allocate_single", parent="s1", slot="s2", group="g1", profile="small", locality="LOCAL"
    )
    assert oracle.step("list_resolved_roots", group="g2").result == [
        {"allocation": "a1", "tm": "tm1", "remaining": {**ZERO, "cpu": 2.0}, "utilization": 0.0}
    ]
    returned = oracle.step("release_logical_slot", slot="s2", cause=None)
    assert [effect["effect"] for effect in returned.effects] == [
        "owner.return_slot",
        "pool.release_slot",
    ]
    assert returned.state == {"slots": {}, "unresolved": [], "resolved": {}}


def test_tenths_of_a_core_add_up() -> None:
    profiles = {"slot": {"cpu": 0.3}, "share": {"cpu": 0.1}}
    oracle = SlotSharingOracle("1.12", TraceHeader(1, "x", "1.12.5", {}, profiles))
    oracle.step("create_root_slot", slot="s0", allocated_request="r1")
    for n in range(1, 4):
        oracle.step(
            "allocate_single",
            parent="s0",
            slot=f"s{n}",
            group=f"g{n}",
            profile="share",
            locality="",
        )
    # three tenths are exactly the budget; as binary fractions they would exceed it
    resolved = oracle.step("resolve_context", slot="s0", context={**CONTEXT, "profile": "slot"})
    assert resolved.state["slots"]["s0"]["reserved"]["cpu"] == 0.3
    (listed,) = oracle.step("list_resolved_roots", group="g4").result
    assert listed["remaining"]["cpu"] == 0.0


def test_a_slot_built_below_a_failed_one_throws_its_sibling_out() -> None:
    oracle = SlotSharingOracle("1.12")
    oracle.step("create_root_slot", slot="s1", allocated_request="r1")
    oracle.step("fail_context", slot="s1", cause="other")
    single = {"parent": "s1", "group": "g1", "profile": "small", "locality": "LOCAL"}
    oracle.step("allocate_single", slot="s2", **single)
    built = oracle.step("allocate_multi", parent="s1", slot="s3", group="g1")
    assert list(built.state["slots"]) == ["s3"]
    assert built.state["slots"]["s3"]["context"] == "failed"


def test_what_was_taken_back_with_another_cannot_be_taken_back_again() -> None:
    oracle = SlotSharingOracle("1.12")
    share = {"profile": "small", "locality": "LOCAL"}
    oracle.step("create_root_slot", slot="s1", allocated_request="r1")
    oracle.step("allocate_single", parent="s1", slot="s2", group="g1", **share)
    oracle.step("allocate_multi", parent="s1", slot="s3", group="g1")
    share["profile"] = "large"
    oracle.step("allocate_single", parent="s3", slot="s4", group="g2", **share)
    # s3 has replaced s2, is released with it, and releases what s4 has reserved
    thrown_out = oracle.step("release", slot="s2", cause="other")
    assert list(thrown_out.state["slots"]) == ["s2", "s4"]
    again = oracle.step("release", slot="s4", cause="other")
    assert again.raises == "IllegalArgumentException"
    assert [effect["effect"] for effect in again.effects] == ["logical_slot.failed"]
    assert list(again.state["slots"]) == ["s2"]


# ---------------------------------------------------------------------- reuse of numbers


def arguments(random: Random, op: str, known: list[str], fresh: str) -> dict[str, Any]:
    """Arguments for `op`: slots that are recent or old."""
    slot = random.choice([*known[-6:], *known[-6:], random.choice(known)])
    group = random.choice(["g1", "g2", "g3"])
    profile = random.choice(["small", "small", "large", "unknown"])
    context = {
        "tm": random.choice(["tm1", "tm2"]),
        "allocation": random.choice(["a1", "a2", "a3"]),
        "index": 0,
        "profile": random.choice(["small", "large", "any", "any"]),
    }
    cause = random.choice(["other", "flink", "timeout"])
    match op:
        case "create_root_slot":
            return {"slot": fresh, "allocated_request": f"r{fresh}"}
        case "resolve_context":
            return {"slot": slot, "context": context}
        case "fail_context" | "release" | "release_logical_slot":
            return {"slot": slot, "cause": cause}
        case "allocate_multi":
            return {"parent": slot, "slot": fresh, "group": group}
        case "allocate_single":
            more = {"group": group, "profile": profile, "locality": "LOCAL"}
            return {"parent": slot, "slot": fresh, **more}
        case "assign_payload":
            reaction = random.choice(["nothing", "terminate"])
            return {"slot": slot, "payload": f"y{fresh}", "on_fail": reaction}
        case "get_unresolved_root" | "list_resolved_roots":
            return {"group": group}
        case "get_resolved_root":
            return {"tm": context["tm"], "allocation": context["allocation"]}
        case "may_have_enough_resources":
            return {"slot": slot, "profile": profile}
    return {}


WEIGHTS = {
    "create_root_slot": 2,
    "resolve_context": 3,
    "fail_context": 0.3,
    "allocate_multi": 2,
    "allocate_single": 6,
    "release": 2.5,
    "release_logical_slot": 2,
    "assign_payload": 2,
    "payload_terminates": 1,
    "get_unresolved_root": 0.5,
    "list_resolved_roots": 0.5,
    "get_resolved_root": 0.5,
    "may_have_enough_resources": 0.5,
    "is_empty": 0.5,
}


def walk(seed: int) -> tuple[int, int]:
    """Compare an oracle that reuses numbers with one that does not; returns their records."""
    random = Random(seed)
    thrifty, wasteful = (SlotSharingOracle("1.12", late_calls=late) for late in (False, True))
    known, done = ["s0"], []
    for number in range(1, 400):
        op = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        given = arguments(random, op, known, f"s{number}")
        if op == "payload_terminates":
            names = [name for name, _ in thrifty.names["payload"].items()]
            if not names:
                continue
            given = {"payload": random.choice(names)}
        try:
            expected = thrifty.step(op, **given)
        except InputError:
            continue  # a slot of the other kind or a forgotten one, which nobody calls
        done.append((op, given))
        seen = wasteful.step(op, **given)
        assert expected.state == seen.state, done
        assert (expected.result, expected.raises) == (seen.result, seen.raises), done
        assert sorted(map(str, expected.effects)) == sorted(map(str, seen.effects)), done
        if expected.raises is None and given.get("slot") == f"s{number}":
            known.append(f"s{number}")
    return sum(used(thrifty)), sum(used(wasteful))


def used(oracle: SlotSharingOracle) -> tuple[int, int]:
    """Number of records for multi-task and single-task slots."""
    return len(oracle.state.multi), len(oracle.state.single)


@pytest.mark.slow
def test_reuse_of_numbers_has_no_visible_effect() -> None:
    sizes = [walk(seed) for seed in range(25)]
    # the comparison means something only if numbers really were reused
    assert 4 * sum(small for small, _ in sizes) < 3 * sum(large for _, large in sizes)


# ----------------------------------------------------------------------------- bad traces

ROOT = ("create_root_slot", {"slot": "s1", "allocated_request": "r1"})
SINGLE = (
    "allocate_single",
    {"parent": "s1", "slot": "s2", "group": "g1", "profile": "small", "locality": "LOCAL"},
)


@pytest.mark.parametrize(
    ("steps", "code", "says"),
    [
        ([("release", {"slot": "s1", "cause": "other"})], "TRC032", "no multi-task slot 's1'"),
        ([ROOT, ROOT], "TRC032", "'s1' exists"),
        ([("fly", {})], "TRC030", "no operation 'fly'"),
        (
            [ROOT, SINGLE, ("allocate_multi", {"parent": "s2", "slot": "s3", "group": "g1"})],
            "TRC032",
            "no multi-task slot 's2'",
        ),
        (
            [ROOT, ("release_logical_slot", {"slot": "s1", "cause": None})],
            "TRC032",
            "no single-task slot 's1'",
        ),
        (
            [
                ROOT,
                ("allocate_multi", {"parent": "s1", "slot": "s2", "group": "g1"}),
                ("fail_context", {"slot": "s2", "cause": "other"}),
            ],
            "TRC032",
            "'s2' is not a root",
        ),
        (
            [ROOT, ("may_have_enough_resources", {"slot": "s1", "profile": "huge"})],
            "TRC031",
            "no profile 'huge'",
        ),
        (
            [
                ROOT,
                SINGLE,
                ("allocate_single", {**SINGLE[1], "slot": "s3", "group": "g2"}),
                ("resolve_context", {"slot": "s1", "context": CONTEXT}),
                ("assign_payload", {"slot": "s2", "payload": "y1", "on_fail": "nothing"}),
                ("assign_payload", {"slot": "s3", "payload": "y1", "on_fail": "nothing"}),
            ],
            "TRC032",
            "'y1' is in a slot",
        ),
    ],
)
def test_bad_calls(steps: list[tuple[str, dict[str, Any]]], code: str, says: str) -> None:
    oracle = SlotSharingOracle("1.12")
    *before, (op, given) = steps
    for earlier, with_what in before:
        oracle.step(earlier, **with_what)
    with pytest.raises(InputError, match=says) as raised:
        oracle.step(op, **given)
    assert raised.value.code == code


GIVEN = {"slot": "s1", "allocated_request": "r1"}
BAD_LINES = {
    "config": ("TRC012", [header(config={"owner_releases": 1}), step("is_empty")], "config"),
    "version": ("TRC011", [header(version="1.13.6"), step("is_empty")], "1.13.6"),
    "missing": ("TRC016", [header(), step("release", slot="s1")], "'cause' is missing"),
    "cause": ("TRC018", [header(), step("release", slot="s1", cause="rain")], "cause"),
    "context no object": (
        "TRC018",
        [header(), step("create_root_slot", **GIVEN, context=[CONTEXT])],
        "context",
    ),
    "context without profile": (
        "TRC016",
        [header(), step("create_root_slot", **GIVEN, context={"tm": "tm1"})],
        "create_root_slot: context: the field 'allocation' is missing",
    ),
    "context with more": (
        "TRC017",
        [header(), step("create_root_slot", **GIVEN, context={**CONTEXT, "rack": "k1"})],
        'create_root_slot: context: unknown field "rack"',
    ),
    "context of an unknown profile": (
        "TRC019",
        [header(), step("create_root_slot", **GIVEN, context=CONTEXT)],
        'profile "large" is not among',
    ),
    "unknown slot": ("TRC032", [header(), step("release", slot="s1", cause="flink")], "'s1'"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_lines(name: str, tmp_path: Path) -> None:
    code, lines, says = BAD_LINES[name]
    path = write(tmp_path / "t.jsonl", *lines)
    error = conform(path).error
    assert error is not None
    assert error.code == code
    assert says in error.message
    assert error.message.startswith(f"{path}:{1 if code in ('TRC011', 'TRC012') else 2}: ")


def test_a_context_is_a_plain_object(tmp_path: Path) -> None:
    context = {**CONTEXT, "profile": "small"}
    line = step("create_root_slot", **GIVEN, context=context)
    with TraceReader(write(tmp_path / "t.jsonl", header(), line)) as reader:
        (read,) = reader
    assert read.arguments == {**GIVEN, "context": context}
