"""Recordings of real clusters are explained by runs of the model, and corrupted ones are not."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from slotspec.cli.app import build
from slotspec.models import load_model
from slotspec.oracle.cluster.reading import is_cluster_recording, read
from slotspec.oracle.cluster.uncompared import FINISHED_BEFORE, IN_BETWEEN, IN_VAIN, MISLED
from slotspec.oracle.conformance.cluster_recordings import explaining_run, validate
from slotspec.oracle.conformance.compare import Conformance
from slotspec.oracle.conformance.replay import conform
from slotspec.oracle.conformance.report import Report
from slotspec.oracle.conformance.trace_validation import Bounds, bounds_for
from slotspec.statemachine.declaration.rules import DISABLED
from slotspec.statemachine.errors import InputError
from slotspec.statemachine.interpreter.stepping import Interpreter
from tests.oracle.cluster import corruptions
from tests.variants import fast_only

RECORDINGS = sorted((Path(__file__).parents[2] / "data" / "clusters").glob("*.jsonl.gz"))
QUIET = next(path for path in RECORDINGS if path.name.startswith("1.12.5-seed0026"))
DECLARATIVE = next(path for path in RECORDINGS if path.name.startswith("2.3.0"))


@pytest.mark.parametrize(
    "path",
    fast_only(RECORDINGS, *RECORDINGS[::8]),
    ids=lambda path: path.name.removesuffix(".jsonl.gz"),
)
def test_a_recording_conforms(path: Path) -> None:
    report = conform(path)
    assert report.outcome is Conformance.CONFORMS, report.unexplained or report.error
    assert report.matched == report.steps
    assert report.search is not None
    assert report.search["model_steps"] > report.steps // 3  # it is not explained by nothing
    assert report.search["states"] == report.steps + 1  # the search takes no wrong turn


def test_the_run_found_is_a_run_of_the_model() -> None:
    explainer, found = validate(QUIET, Report(str(QUIET)))
    assert found.complete
    interpreter = Interpreter(explainer.world.instance)
    for _, calls in found.run:
        for call in calls:
            assert interpreter.step(call) != DISABLED
    assert interpreter.key == found.state.key
    assert interpreter.s.job_master[0] == 2  # RETIRED: the job has ended


@pytest.mark.slow
def test_corrupted_recordings_are_noticed(tmp_path: Path) -> None:
    dice = random.Random(20)
    unnoticed = []
    for number in range(18):
        path = RECORDINGS[number % len(RECORDINGS)]
        header, lines = corruptions.read(path)
        one = corruptions.KINDS[number % 3](lines, dice)
        if not corruptions.is_noticed(header, one.lines, tmp_path):
            unnoticed.append(f"{path.name}: {one.kind} {one.what}")
    assert len(unnoticed) <= 1, unnoticed


def altered(tmp_path: Path, change: Any, source: Path = QUIET) -> Path:
    """The recording with a change to its header and lines."""
    header, lines = corruptions.read(source)
    change(header, lines)
    path = tmp_path / "altered.jsonl.gz"
    with gzip.open(path, "wt") as file:
        for line in (header, *lines):
            file.write(json.dumps(line) + "\n")
    return path


def test_a_divergence_says_where_and_what_instead(tmp_path: Path) -> None:
    def other_slot(header: dict[str, Any], lines: corruptions.Lines) -> None:
        offer = next(one for one in lines if one["do"] == "send" and one["call"] == "offer_slots")
        offer["args"][1][0][0] = 1 - offer["args"][1][0][0]

    report = conform(altered(tmp_path, other_slot))
    assert report.outcome is Conformance.DIVERGES
    found = report.unexplained
    assert found is not None
    assert 0 < report.matched < report.steps
    assert any("offer_slot(a1, slot 1)" in waiting.unsent for waiting in found.waiting)
    assert found.possible
    assert found.limit is None
    assert report.to_json()["unexplained"]["line"] == found.line


def test_a_limit_makes_it_undetermined() -> None:
    report = Report(str(QUIET))
    validate(QUIET, report, bounds=Bounds(steps=10))
    assert report.outcome is Conformance.UNDETERMINED
    assert report.unexplained is not None
    assert report.unexplained.limit == "10 explanations tried"


def test_a_report_says_what_was_not_compared() -> None:
    assert conform(QUIET).uncompared == ()
    path = next(path for path in RECORDINGS if path.name.startswith("1.11.4-seed9643"))
    (found,) = conform(path).uncompared
    assert (found.what, found.line, found.count) == (MISLED, 68, 6)
    assert conform(path).to_json()["uncompared"][0]["line"] == 68


def test_a_report_counts_registrations_in_vain() -> None:
    path = next(path for path in RECORDINGS if path.name.startswith("1.20.5-seed9645"))
    assert IN_VAIN in {one.what for one in conform(path).uncompared}
    output = CliRunner().invoke(build(), ["conform", str(path)]).stdout
    assert "not compared in full, --json says which" in " ".join(output.split())


@pytest.mark.parametrize("name", ["1.11.4-seed9511", "2.3.0-seed9524"])
def test_what_was_not_compared_may_be_anything(name: str, tmp_path: Path) -> None:
    path = next(path for path in RECORDINGS if path.name.startswith(name))
    (found,) = conform(path).uncompared
    header, lines = corruptions.read(path)
    told = lines[found.line - 1]["state"]
    if found.what == FINISHED_BEFORE:
        (task,) = (one for one in told["tasks"] if one["state"] == "FINISHED")
        task["state"] = "CANCELED"
    else:
        assert found.what == IN_BETWEEN
        told["known"] = {}
    changed = tmp_path / "changed.jsonl.gz"
    corruptions.write(changed, header, lines)
    assert conform(changed).outcome is Conformance.CONFORMS


def test_longer_recordings_get_more_time() -> None:
    assert bounds_for(100) == Bounds()
    assert bounds_for(30_000) == Bounds(steps=90_000, seconds=300.0)


def test_another_generation_is_compared_if_asked_for() -> None:
    assert conform(QUIET, "1.12").outcome is Conformance.CONFORMS
    assert conform(QUIET, "1.13").generation == "1.13"


def test_a_slot_manager_that_no_model_has_is_refused(tmp_path: Path) -> None:
    def other_manager(header: dict[str, Any], lines: corruptions.Lines) -> None:
        told = next(one for one in lines if "manager" in (one.get("state") or {}))
        told["state"]["manager"]["class"] = "DeclarativeSlotManager"

    report = conform(altered(tmp_path, other_manager, DECLARATIVE))
    assert report.outcome is Conformance.UNDETERMINED
    assert report.error is not None
    assert "DeclarativeSlotManager, which no model has" in str(report.error)
    assert "fine-grained-resource-management.enabled: true" in str(report.error)


@pytest.mark.parametrize(
    ("recording", "generation", "known"),
    [(QUIET, "2.3", "1.11, 1.12, 1.13"), (DECLARATIVE, "1.12", "1.20, 2.3")],
)
def test_a_generation_with_another_pool_is_refused(
    recording: Path, generation: str, known: str
) -> None:
    report = conform(recording, generation)
    assert report.error is not None
    assert report.error.code == "TRC025"
    assert report.error.message.startswith(f"{recording}:1: the pool of the JobMaster is ")
    assert report.error.message.endswith(f"one of these generations: {known}")


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (lambda h, ls: h.update(flink="2.3.0"), "TRC025", "not the declarative one"),
        (lambda h, ls: h.update(flink="1.9.0"), "TRC011", "choose one with --generation"),
        (lambda h, ls: h.update(format_version=7), "TRC009", "number 7"),
        (lambda h, ls: h.update(lines=1), "TRC004", "promises 1 lines"),
        (lambda h, ls: h.pop("plan"), "TRC012", "plan"),
        (lambda h, ls: ls.clear() or h.update(lines=0), "TRC014", "no line"),
        (lambda h, ls: ls[3].update(n="x"), "TRC018", "int"),
        (lambda h, ls: ls[3].update(n=77), "TRC024", "follows 3"),
        (lambda h, ls: ls[3].update(do="explode"), "TRC024", "explode"),
        (lambda h, ls: [one.pop("state", None) for one in ls], "TRC025", "names its tasks"),
    ],
)
def test_bad_recordings_are_refused(tmp_path: Path, change: Any, code: str, text: str) -> None:
    report = conform(altered(tmp_path, change))
    assert report.error is not None
    assert report.error.code == code
    assert text in report.error.message


def test_a_call_is_heard_once_and_after_it_was_sent(tmp_path: Path) -> None:
    def unsent(header: dict[str, Any], lines: corruptions.Lines) -> None:
        hear = next(one for one in lines if one["do"] == "hear")
        hear["m"] = 999

    with pytest.raises(InputError, match="call 999 was never sent"):
        read(altered(tmp_path, unsent))


def test_other_traces_are_no_cluster_recordings(tmp_path: Path) -> None:
    assert is_cluster_recording(QUIET)
    (tmp_path / "t.jsonl").write_text('{"format": 3}\n')
    assert not is_cluster_recording(tmp_path / "t.jsonl")
    assert not is_cluster_recording(tmp_path / "absent.jsonl")
    assert "cluster" in load_model("cluster").name


def test_the_run_found_can_be_written_and_replayed(tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    run.write_text("".join(json.dumps(line) + "\n" for line in explaining_run(QUIET)))
    report = conform(run)
    assert report.outcome is Conformance.CONFORMS
    assert report.implementation == "cluster"
    assert report.steps > 40


def test_a_run_is_written_for_one_cluster_recording_alone(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    both = CliRunner().invoke(build(), ["conform", str(QUIET), str(QUIET), "--run-out", str(out)])
    assert both.exit_code == 2
    assert not out.exists()
    assert (
        CliRunner().invoke(build(), ["conform", str(QUIET), "--run-out", str(out)]).exit_code == 0
    )
    assert out.exists()
