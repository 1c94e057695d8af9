"""``--bug`` and ``list bugs``: known bugs on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slotspec.bugs import known_bugs
from tests.cli.counter import Run

ISSUE = "FLINK-8934"
BUG = known_bugs()[ISSUE]


def test_a_known_bug_is_found_and_told(run: Run) -> None:
    ran = run("check", "--bug", ISSUE)
    assert ran.code == 1
    assert f"{ISSUE}: {BUG.description}" in ran.out
    assert "expected: an_accepted_slot_is_not_cancelled violated after 5 steps" in ran.out
    assert "VIOLATED an_accepted_slot_is_not_cancelled after 5 steps" in ran.out
    assert "5  offer_slot(tm=tm1, index=0, allocation=a1, profile=small)" in ran.out
    assert "rm1.cancel_slot_request(a1)" in ran.out
    assert "1 of 1 found, 1 with the expected length" in ran.out


@pytest.mark.slow
def test_a_bug_is_found_by_its_number(run: Run) -> None:
    assert ISSUE in run("check", "--bug", "8934").out


@pytest.mark.slow
def test_several_bugs_make_a_table(run: Run) -> None:
    ran = run("check", "--bug", "flink-8934", "--bug", "FLINK-8748", "--jobs", "1")
    assert ran.code == 1
    rows = [line.split()[:3] for line in ran.out.splitlines() if line.startswith("FLINK")]
    assert rows == [
        ["FLINK-8748", "slot_pool", known_bugs()["FLINK-8748"].property],
        ["FLINK-8934", "slot_pool", BUG.property],
    ]
    assert "2 of 2 found, 2 with the expected length" in ran.out


def test_all_chooses_among_the_bugs_of_a_property(run: Run) -> None:
    ran = run("check", "slot_pool", "--bug", "all", "--property", BUG.property, "--jobs", "1")
    assert ran.code == 1
    assert ISSUE in ran.out
    assert "FLINK-8748" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--bug", "FLINK-8943"], "SET070: no known bug 'FLINK-8943'; did you mean FLINK-8934"),
        (["--bug", "m1"], "see it with `slotspec check fine_grained_slot_manager --generation 2.3"),
        (["--bug", "cats"], "SET070: no known bug 'cats'; slotspec list bugs shows all"),
        (["slot_manager"], "SET071: FLINK-8934 is of model slot_pool, not slot_manager"),
        (["--generation", "1.13"], "SET071: FLINK-8934 is shown in generation 1.11, not 1.13"),
        (["--scope", "time"], "SET071: FLINK-8934 is shown in scope queue, not time"),
        (["--property", "x"], "SET071: FLINK-8934 is found by property an_accepted_slot"),
        (["--set", "cats=2"], "SET001: model slot_pool has no bound 'cats'"),
        (["--bug", "all", "--scope", "nowhere"], "SET072: no known bug"),
    ],
)
def test_options_that_contradict_a_bug_are_rejected(
    run: Run, arguments: list[str], complaint: str
) -> None:
    given = arguments if "--bug" in arguments else ["--bug", ISSUE, *arguments]
    ran = run("check", *given)
    assert ran.code == 2
    assert complaint in ran.err


def test_bounds_of_a_bug_can_be_changed(run: Run) -> None:
    ran = run("check", "--bug", ISSUE, "--set", "requests=1", "--property", BUG.property)
    assert ran.code == 1
    assert "requests=1," in ran.out


def test_a_bug_that_a_limit_hides_is_not_found(run: Run) -> None:
    ran = run("check", "--bug", ISSUE, "--max-depth", "4")
    assert ran.code == 3
    assert "NOT FOUND before the limit on depth" in ran.out
    assert "0 of 1 found" in ran.out


def test_json_has_the_bug(run: Run) -> None:
    ran = run("check", "--bug", ISSUE, "--json", "-")
    assert ran.code == 1
    document = json.loads(ran.out)
    assert document["verdict"] == "VIOLATED"
    assert document["limit"] == "found"
    assert document["bug"]["issue"] == ISSUE
    assert document["bug"]["found"] is True
    assert len(document["bug"]["trace"]) == document["bug"]["length"] == 5


def test_its_trace_is_written_and_drawn_and_diverges(run: Run, tmp_path: Path) -> None:
    trace, page = tmp_path / "bug.jsonl", tmp_path / "bug.html"
    assert run("check", "--bug", ISSUE, "--trace-out", str(trace), "--html", str(page)).code == 1
    assert BUG.description in page.read_text(encoding="utf-8")
    ran = run("draw", str(trace), "--format", "mermaid")
    assert ran.code == 0
    assert "cancel_slot_request(a1, rm1)" in ran.out
    # the healthy model does not expect what the wrong rule does
    ran = run("conform", str(trace))
    assert ran.code == 1
    assert "step 5 diverges from 1.11 after 4 matching steps" in ran.out


@pytest.mark.slow
def test_a_bug_is_drawn(run: Run) -> None:
    ran = run("draw", "--bug", ISSUE, "--format", "mermaid")
    assert ran.code == 0
    assert "SlotPool-->>ResourceManager: rm1.cancel_slot_request(a1)" in ran.out
    ran = run("draw", "slot_pool", "--bug", ISSUE)
    assert ran.code == 2
    assert "SET054: --WHAT does not apply to a known bug" in ran.err
    ran = run("draw", "--bug", ISSUE, "--max-states", "3")
    assert ran.code == 2
    assert "SET073: no trace of an_accepted_slot_is_not_cancelled" in ran.err


def test_bugs_are_listed(run: Run) -> None:
    ran = run("list", "bugs")
    assert ran.code == 0
    rows = [line for line in ran.out.splitlines() if line.startswith("FLINK")]
    assert len(rows) == len(known_bugs())
    for row, bug in zip(rows, known_bugs().values(), strict=True):
        assert row.split()[:4] == [bug.issue, bug.model, bug.property, str(bug.length)]
        assert row.endswith(bug.description)
    ran = run("list", "bugs", "--model", "slot_sharing")
    assert ISSUE not in ran.out
