"""Traces as ITF: written, read, replayed, drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from examples.two_phase_commit import model
from slotspec import check, load_model
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.conformance.steps import finding_of
from slotspec.oracle.own.entry import register
from slotspec.oracle.traces.export import steps_of
from slotspec.oracle.traces.itf import itf_of, steps_in
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.replay import explain


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, list[Any]]:
    """An ITF file, its document, and the same trace as lines."""
    instance = model.instance({"managers": 2})
    finding = next(
        p.finding
        for p in check(instance, engine="interpreted").properties
        if p.property.name == "all_commit"
    )
    assert finding is not None
    document = itf_of(instance, finding)
    path = tmp_path_factory.mktemp("itf") / "trace.itf.json"
    path.write_text(json.dumps(document, indent=1))
    return path, document, list(steps_of(instance, finding))


def test_the_form_is_that_of_the_format(written: tuple[Path, Any, list[Any]]) -> None:
    _, document, lines = written
    assert document["#meta"]["format"] == "ITF"
    assert document["vars"][:2] == ["manager", "vote_sent"]
    assert len(document["states"]) == len(lines)
    for number, state in enumerate(document["states"]):
        assert state["#meta"]["index"] == number
        assert set(document["vars"]) == set(state) - {"#meta"}
    assert document["#meta"]["values"]["manager"][0] == "WORKING"


def test_what_is_written_is_read_and_replayed(written: tuple[Path, Any, list[Any]]) -> None:
    path, document, lines = written
    assert list(steps_in(document, "trace")) == lines
    register(model)
    report = conform(path)
    assert report.outcome is Conformance.CONFORMS
    assert report.matched == len(lines) - 1
    instance, finding = finding_of(path)
    assert itf_of(instance, finding) == document


def test_a_step_that_differs_is_found(written: tuple[Path, Any, list[Any]], tmp_path: Path) -> None:
    document = json.loads(written[0].read_text())
    document["states"][2]["manager"][0] = 3
    path = tmp_path / "changed.itf.json"
    path.write_text(json.dumps(document))
    register(model)
    divergence = conform(path).divergence
    assert divergence is not None
    assert divergence.step == 2


def test_large_numbers_and_loops() -> None:
    instance = load_model("slot_pool").instance()
    finding = explain(instance, instance.calls[:1])
    document = itf_of(instance, finding)
    document["loop"] = 1
    document["states"][1]["#meta"]["result"] = {"#bigint": str(2**60)}
    header, step = steps_in(document, "trace")
    assert header["loop"] == 1
    assert step["result"] == 2**60


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["#meta"].pop("slotspec"), "does not name the model"),
        (lambda d: d.pop("#meta"), "does not name the model"),
        (lambda d: d.update(states=[]), "no states or no vars"),
        (lambda d: d["states"][1].pop("#meta"), "state 1 has no #meta"),
        (lambda d: d["states"][1]["#meta"].pop("action"), "state 1 names no action"),
    ],
)
def test_other_traces_are_refused(
    written: tuple[Path, Any, list[Any]], change: Any, told: str
) -> None:
    document = json.loads(written[0].read_text())
    change(document)
    with pytest.raises(InputError, match=f"TRC040: trace: .*{told}.*--trace-out"):
        list(steps_in(document, "trace"))


@pytest.mark.parametrize("text", ["", "[1]", "{", "3"])
def test_what_is_no_trace_is_bad_input(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.itf.json"
    path.write_text(text)
    report = conform(path)
    assert report.error is not None
    assert report.error.code == "TRC040"
