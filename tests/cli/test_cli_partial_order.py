"""``slotspec check --partial-order``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.counter import EXAMPLES, Run

ORDERED = str(Path(__file__).parents[1] / "statemachine" / "search" / "ordered_models.py")


def test_the_report_says_how_far_calls_are_independent(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    ran = run("check", f"{ORDERED}:counters", "--partial-order", "--json", str(target))
    assert ran.code == 0, ran.err
    note = "on average, a call is independent of 100% of the others"
    assert f"counters: partial order: {note}" in ran.out
    document = json.loads(target.read_text())
    assert (document["states"], document["partial_order"]) == (13, note)


def test_without_it_the_report_says_nothing_of_it(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    ran = run("check", f"{ORDERED}:counters", "--json", str(target))
    assert ran.code == 0, ran.err
    assert "partial order" not in ran.out
    document = json.loads(target.read_text())
    assert (document["states"], document["partial_order"]) == (256, None)


@pytest.mark.parametrize(
    "other",
    [
        ["--symmetry"],
        ["--fingerprints"],
        ["--compress"],
        ["--checkpoint", "there"],
        ["--disk", "there"],
        ["--on", "ray"],
    ],
)
def test_it_contradicts_what_keeps_states_elsewhere(run: Run, other: list[str]) -> None:
    ran = run("check", f"{ORDERED}:counters", "--partial-order", *other)
    assert ran.code == 2
    assert f"SET036: --partial-order and {other[0]} contradict each other" in ran.err


def test_it_is_refused_for_infinite_runs(run: Run) -> None:
    ran = run("check", str(EXAMPLES / "turnstile.py"), "--partial-order")
    assert ran.code == 2
    assert "SET035" in ran.err
    assert run("check", str(EXAMPLES / "turnstile.py"), "--partial-order", "--safety").code == 0
