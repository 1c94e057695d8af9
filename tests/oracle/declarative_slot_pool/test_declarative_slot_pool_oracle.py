"""The oracle of the declarative slot pool: recordings, both kinds of headers, hooks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle import Oracle
from slotspec.oracle.conformance.batch import conform_all
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.declarative_slot_pool.schema import POOL_SCHEMA, SCHEMA
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import SMALL, header, replayed, step, write

DATA = Path(__file__).parents[2] / "data"
SCENARIOS = DATA / "scenarios" / "declarative_pool"
VERSIONS = ("1.13.6", "1.14.6", "1.20.5", "2.3.0")
REPLAYED = {"1.13.6": 2351, "1.14.6": 2351, "1.20.5": 2425, "2.3.0": 2604}
"""Steps of the sample and of the scenarios that agree."""
REENTRANT = 6
ZERO = {name: 0 for name in SMALL if name != "extended"} | {"extended": {}}
BALANCED_HEADER = {
    "implementation": SCHEMA.implementation,
    "version": "2.3.0",
    "config": {
        "idle_slot_timeout_ms": 50,
        "batch_slot_timeout_ms": 80,
        "strategy": "balanced",
        "slot_request_max_interval_ms": 0,
        "defer": False,
    },
    "driven": "bridge",
    "profiles": {"any": "ANY", "zero": ZERO, "small": SMALL},
    "profile_order": ["any", "zero", "small"],
    "task_managers": ["tm1"],
}
UNSUPPORTED = {"effect": "timer.raised", "error": "UnsupportedOperationException"}
POOL_HEADER = {
    "implementation": POOL_SCHEMA.implementation,
    "version": "2.3.0",
    "config": {"idle_slot_timeout_ms": 50, "slot_request_max_interval_ms": 0},
    "driven": "pool",
    "profile_order": ["any", "small", "unknown"],
    "task_managers": ["tm1"],
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_recordings_conform(version: str) -> None:
    folders = [f"{kind}/declarative_pool/{version}" for kind in ("traces", "scenarios")]
    summary = replayed(*folders)
    assert summary.outcome is Conformance.CONFORMS
    assert summary.steps == REPLAYED[version]
    assert summary.files - summary.conforming == REENTRANT


@pytest.mark.slow
def test_every_operation_is_recorded() -> None:
    summary = replayed("traces/declarative_pool")
    assert {(g.version, g.title): (len(g.operations), g.possible) for g in summary.groups()} == {
        **{(v, "declarative slot pool bridge"): (22, 22) for v in VERSIONS[:2]},
        **{(v, "declarative slot pool bridge"): (24, 24) for v in VERSIONS[2:]},
        ("1.13.6", "declarative slot pool"): (17, 17),
        ("1.14.6", "declarative slot pool"): (17, 17),
        ("1.20.5", "declarative slot pool"): (18, 18),
        ("2.3.0", "declarative slot pool"): (19, 19),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_callback_inside_a_step_ends_the_replay(version: str) -> None:
    found = sorted((SCENARIOS / version).glob("reentry_*"))
    assert len(found) == REENTRANT
    for path in found:
        (report,) = replayed(path).reports
        assert report.outcome is Conformance.UNDETERMINED
        assert report.divergence is report.error is report.fault is None
        assert report.matched == report.steps > 0
        assert report.skipped is not None
        assert "callback" in report.skipped


def test_a_hook_needs_a_header_that_announces_it(tmp_path: Path) -> None:
    steps = lines(SCENARIOS / "2.3.0" / "reentry_ask_again_when_failed.jsonl.gz")
    del steps[0]["reentrant"]
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.error is not None
    assert report.error.code == "TRC015"


def test_a_divergence_before_a_hook_is_reported(tmp_path: Path) -> None:
    steps = lines(SCENARIOS / "2.3.0" / "reentry_ask_again_when_failed.jsonl.gz")
    steps[2]["state"]["connected"] = False
    summary = conform_all([write(tmp_path / "t.jsonl", *steps)])
    assert summary.outcome is Conformance.DIVERGES


def test_skipped_files_alone_decide_nothing(tmp_path: Path) -> None:
    summary = conform_all([SCENARIOS / "2.3.0" / "reentry_ask_again_when_failed.jsonl.gz"])
    assert (summary.outcome, summary.exit_code) == (Conformance.UNDETERMINED, 3)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("required", [["small", 2]]),
        ("acquired", []),
        ("matched", {"a1": "any"}),
        ("free", {"a1": 0}),
        ("stable", False),
        ("fulfilled", {"r1": {"allocation": "a1", "tm": "tm1", "load": 2}}),
    ],
)
def test_a_changed_state_diverges(place: str, value: Any, tmp_path: Path) -> None:
    steps = lines(SCENARIOS / "2.3.0" / "plain_life.jsonl.gz")
    number = next(
        n
        for n, s in enumerate(steps)
        if any(e["effect"] == "request.fulfilled" for e in s.get("effects", []))
    )
    assert steps[number]["state"][place] != value
    steps[number]["state"][place] = value
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.divergence is not None
    assert report.matched == number - 1
    assert all(d.path.startswith(f"state.{place}") for d in report.divergence.differences)


def test_without_a_header() -> None:
    bridge = Oracle("declarative_slot_pool", "2.3")
    bridge.step("start")
    bridge.step("connect_to_resource_manager", rm="rm1")
    bridge.step("register_task_manager", tm="tm1")
    bridge.step("request_new_allocated_slot", request="r1", profile="small")
    # Flink's default delays the declaration by 20 ms
    (declared,) = bridge.step("advance_time", ms=20).effects
    assert declared["requirements"] == [["small", 1]]
    offer = {"allocation": "a1", "index": 0, "profile": "small"}
    offered = bridge.step("offer_slots", tm="tm1", offers=[offer])
    assert offered.result == ["a1"]
    assert offered.effects == [{"effect": "request.fulfilled", "request": "r1", "allocation": "a1"}]


def test_the_pool_alone_has_its_own_operations(tmp_path: Path) -> None:
    steps = [
        header(**POOL_HEADER),
        step("increase_resource_requirements_by", requirements=[["small", 1]], effects=...),
        step("release_slot", allocation="a1", cause="other", result=[]),
    ]
    assert conform(write(tmp_path / "t.jsonl", *steps)).outcome is Conformance.CONFORMS
    steps[2] = step("release_slot", request="r1", cause="other")
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.error is not None
    assert report.error.code == "TRC016"


def test_an_older_generation_has_no_wildcard() -> None:
    with pytest.raises(InputError) as raised:
        Oracle("declarative_slot_pool", "1.14").step("set_is_job_restarting", restarting=True)
    assert raised.value.code == "TRC030"


def test_a_request_that_cannot_be_addressed() -> None:
    bridge = Oracle("declarative_slot_pool", "2.3")
    bridge.step("start")
    assert bridge.step("request_timeout", request="r1").result is None
    bridge.step("request_new_allocated_slot", request="r1", profile="small", timeout=True)
    assert bridge.step("request_timeout", request="r1", attempt=2).result is None
    assert bridge.step("request_timeout", request="r1").result is True
    assert bridge.step("request_timeout", request="r1").result is False


@pytest.mark.parametrize(("wanted", "offered"), [("zero", "any"), ("small", "zero")])
def test_the_balanced_strategy_refuses_profiles_without_resources(
    wanted: str, offered: str, tmp_path: Path
) -> None:
    """No recording has such a profile; the real class of 2.3.0 does the same."""
    offer = {"allocation": "a1", "index": 0, "profile": offered}
    steps = [
        header(**BALANCED_HEADER),
        step("start"),
        step("register_task_manager", tm="tm1", result=True),
        step("set_is_job_restarting", restarting=True),
        step("request_new_allocated_slot", request="r1", profile=wanted),
        step("offer_slots", tm="tm1", offers=[offer], raises="IllegalStateException"),
    ]
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.outcome is Conformance.CONFORMS, report


@pytest.mark.parametrize(
    ("profiles", "taken", "raised"),
    [
        (("any", "unknown"), (), False),
        (("unknown", "any"), (), True),
        (("any", "unknown"), ("a1",), True),
        (("unknown", "any"), ("a1",), False),
        (("any", "unknown"), ("a2", "a1"), False),
        (("unknown", "any"), ("a2", "a1"), True),
    ],
)
def test_the_batch_check_meets_the_first_slot_of_any_and_unknown(
    profiles: tuple[str, str], taken: tuple[str, ...], raised: bool, tmp_path: Path
) -> None:
    """No recording has both; the real class of 2.3.0 does the same."""

    def unseen(op: str, **arguments: Any) -> dict[str, Any]:
        return step(op, result=..., effects=..., **arguments)

    config = {**BALANCED_HEADER["config"], "strategy": "simple", "idle_slot_timeout_ms": 5_000}
    given = {"any": "ANY", "unknown": "UNKNOWN", "small": SMALL}
    offers = [
        {"allocation": f"a{index + 1}", "index": index, "profile": profile}
        for index, profile in enumerate(profiles)
    ]
    steps = [
        header(
            **BALANCED_HEADER | {"config": config, "profiles": given, "profile_order": [*given]}
        ),
        unseen("start"),
        unseen("register_task_manager", tm="tm1"),
        unseen("set_is_job_restarting", restarting=True),
        *(unseen("offer_slots", tm="tm1", offers=[offer]) for offer in offers),
        # an UNKNOWN slot is lost by that
        *(
            unseen("allocate_available_slot", request=f"r{a}", allocation=a, profile="small")
            for a in taken
        ),
        unseen("request_new_allocated_batch_slot", request="r9", profile="small"),
        step("advance_time", ms=80, effects=[UNSUPPORTED] if raised else []),
    ]
    report = conform(write(tmp_path / "t.jsonl", *steps))
    assert report.outcome is Conformance.CONFORMS, report
