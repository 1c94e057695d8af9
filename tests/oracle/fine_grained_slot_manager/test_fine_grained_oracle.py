"""The oracle of the fine-grained slot manager: recordings, order of maps, and rejected calls."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slotspec.oracle import Oracle
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.fine_grained_slot_manager.adapter import FineGrainedSlotManagerOracle
from slotspec.statemachine.errors import InputError
from tests.oracle.trace_files import replayed, write

DATA = Path(__file__).parents[2] / "data"
NAME = "fine_grained_manager"
SCENARIOS = DATA / "scenarios" / NAME / "2.3.0"
SLOT = {"index": 0, "profile": "small", "job": None, "allocation": None, "tasks": 0}


def lines_of(scenario: str) -> list[dict[str, Any]]:
    source = SCENARIOS / f"{scenario}.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(source.read_bytes()).splitlines()]


def started(generation: str) -> Oracle:
    manager = Oracle("fine_grained_slot_manager", generation)
    manager.step("start")
    return manager


def require(manager: Oracle, *requirements: tuple[str, int], job: str = "j1") -> Any:
    named = {"application": "app1"} if manager.generation == "2.3" else {}
    return manager.step(
        "process_resource_requirements",
        job=job,
        target=f"jm-{job}",
        requirements=[list(r) for r in requirements],
        **named,
    )


def register(manager: Oracle, instance: str, slots: list[dict[str, Any]] | None = None) -> Any:
    return manager.step(
        "register_task_manager",
        instance=instance,
        tm=f"tm{instance[1:]}",
        total="small",
        default_slot="small",
        slots=slots or [],
    )


# ------------------------------------------------------------------------------- recordings


@pytest.mark.slow
def test_recordings_conform() -> None:
    summary = replayed(f"traces/{NAME}", f"scenarios/{NAME}")
    assert summary.outcome is Conformance.CONFORMS
    assert (summary.conforming, summary.steps) == (150, 5_670)


@pytest.mark.slow
def test_every_operation_is_recorded() -> None:
    summary = replayed(f"traces/{NAME}", f"scenarios/{NAME}")
    assert [(len(g.operations), g.possible) for g in summary.groups()] == [
        (17, 17),
        (18, 18),
        (18, 18),
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda s: s["state"]["jobs"].clear(), "state.jobs.j1"),
        (lambda s: s["state"].update(check_waiting=True), "state.check_waiting"),
        (lambda s: s["state"].update(queued=1), "state.queued"),
        (lambda s: s["effects"].clear(), "effects[0]"),
        (lambda s: s["effects"][-1]["declarations"][0].update(needed=7), "effects[1]."),
        (lambda s: s.update(raises="IllegalStateException"), "raises"),
    ],
)
def test_a_changed_recording_diverges(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], path: str
) -> None:
    lines = lines_of("redundant_workers")
    number = next(i for i, x in enumerate(lines) if x.get("op") == "process_resource_requirements")
    change(lines[number])
    report = conform(write(tmp_path / "t.jsonl", *lines))
    assert report.outcome is Conformance.DIVERGES
    assert report.divergence is not None
    assert report.divergence.step == number
    assert report.divergence.differences[0].path.startswith(path)


@pytest.mark.parametrize(
    "place", [("required",), ("excess",), ("fulfilled",), ("serves",), ("fulfilled", "unknown")]
)
def test_the_order_of_maps_counts(tmp_path: Path, place: tuple[str, ...]) -> None:
    """Recordings keep the age order of Java's maps; another order is a divergence."""
    found = 0
    for source in sorted((DATA / "traces" / NAME).glob("*/*.gz")):
        lines = [json.loads(line) for line in gzip.decompress(source.read_bytes()).splitlines()]
        for number, line in enumerate(lines[1:], 1):
            for job in line["state"]["jobs"].values():
                within = job
                for key in place[:-1]:
                    within = within.get(key, {})
                value = within.get(place[-1], {})
                if len(value) > 1 and not found:
                    found = number
                    within[place[-1]] = dict(reversed(value.items()))
        if found:
            report = conform(write(tmp_path / "t.jsonl", *lines))
            assert report.outcome is Conformance.DIVERGES
            assert report.divergence is not None
            assert report.divergence.step == found
            assert "(order)" in report.divergence.differences[0].path
            return
    pytest.fail("no recording has two entries there")


# --------------------------------------------------------------------------- by hand


def test_generations_differ_in_how_they_ask_for_workers() -> None:
    asked = {}
    for generation in ("1.14", "1.20", "2.3"):
        manager = started(generation)
        require(manager, ("small", 1))
        effects = manager.step("advance_time", ms=200).effects
        asked[generation] = [effect["effect"] for effect in effects]
    declared = ["resource.declare"]
    assert asked == {"1.14": ["resource.allocate"], "1.20": declared, "2.3": declared}


def test_the_first_worker_gets_what_was_planned() -> None:
    manager = started("2.3")
    require(manager, ("unknown", 1))
    manager.step("advance_time", ms=50)
    registered = register(manager, "i1")
    assert registered.result == "SUCCESS"
    assert [e["effect"] for e in registered.effects] == ["tm.request_slot"]
    assert registered.effects[0]["call"] == "g1"
    assert manager.step("call_acknowledged", call="g1").state["slots"]["a1"]["state"] == "ALLOCATED"
    assert manager.step("call_acknowledged", call="g1").result is False
    assert manager.step("call_fails", call="g9", kind="other").result is False


def test_jobs_are_served_by_number() -> None:
    """Whoever comes first: the recordings fix ids whose hashes are 0, 1, 2, …."""
    manager = started("2.3")
    require(manager, ("small", 1), job="j2")
    require(manager, ("small", 1), job="j1")
    register(manager, "i1")
    assert manager.step("advance_time", ms=50).effects[0]["job"] == "j1"


@pytest.mark.parametrize(
    ("op", "arguments", "code", "says"),
    [
        ("set_resource_allocation", {"allowed": True}, "TRC030", "has no operation"),
        ("free_slot", {}, "TRC016", "needs the argument 'allocation'"),
        ("free_slot", {"allocation": "a1", "slot": "s"}, "TRC017", "no argument 'slot'"),
    ],
)
def test_bad_calls(op: str, arguments: dict[str, Any], code: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        started("2.3").step(op, **arguments)
    assert raised.value.code == code


def test_an_unlisted_profile_is_refused() -> None:
    with pytest.raises(InputError, match="no profile 'tiny'") as raised:
        require(started("2.3"), ("tiny", 1))
    assert raised.value.code == "TRC031"


@pytest.mark.parametrize(
    ("config", "code", "says"),
    [
        ({"slots_per_worker": 0}, "TRC013", "slots_per_worker is 0"),
        ({"worker": "tiny"}, "TRC031", "no profile 'tiny' for config.worker"),
        ({"slot": "unknown"}, "TRC031", "has no amounts"),
        ({"mode": "ODD"}, "TRC012", "ODD"),
        ({"redundant_task_managers": 1_000_000}, "TRC012", "redundant_task_managers"),
    ],
)
def test_bad_headers(tmp_path: Path, config: dict[str, Any], code: str, says: str) -> None:
    lines = lines_of("redundant_workers")
    lines[0]["config"].update(config)
    report = conform(write(tmp_path / "t.jsonl", *lines))
    assert report.error is not None
    assert report.error.code == code
    assert says in report.error.message


def test_a_fatal_answer_ends_the_process() -> None:
    """A report takes the resources of a PENDING slot; then its answer arrives."""
    manager = FineGrainedSlotManagerOracle("2.3")
    manager.step("start")
    manager.step(
        "process_resource_requirements",
        job="j1",
        target="jm-j1",
        requirements=[["small", 1]],
        application="app1",
    )
    manager.step("advance_time", ms=50)
    arguments = {"instance": "i1", "tm": "tm1", "total": "small", "default_slot": "small"}
    manager.step("register_task_manager", **arguments, slots=[])
    stray = {**SLOT, "job": "j1", "allocation": "b1"}
    manager.step("report_slot_status", instance="i1", slots=[stray])
    manager.step("call_acknowledged", call="g1")
    assert manager.state.manager[0] == 3


@pytest.mark.parametrize(("generation", "raises"), [("1.14", "State"), ("2.3", "Argument")])
def test_more_is_available_than_there_is(generation: str, raises: str) -> None:
    """A slot gives resources back that it never took; live Flink does the same.

    1.14 requests a slot twice and fails then; later releases compare totals before they plan.
    """
    manager = started(generation)
    require(manager, ("small", 1))
    register(manager, "i1")
    manager.step("advance_time", ms=50)
    held = [{**SLOT, "job": "j1", "allocation": name} for name in ("b1", "a1")]
    assert manager.step("report_slot_status", instance="i1", slots=held).raises
    require(manager, ("small", 2))
    manager.step("report_slot_status", instance="i1", slots=[])
    failed = manager.step("advance_time", ms=50)
    assert failed.raises == f"Illegal{raises}Exception"
    requested = [e["allocation"] for e in failed.effects if e["effect"] == "tm.request_slot"]
    assert requested == (["a2"] if generation == "1.14" else [])
    assert [*failed.state["slots"]] == requested
