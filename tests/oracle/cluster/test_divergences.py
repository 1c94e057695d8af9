"""Of a recording that no run explains: which conditions are false, and which lines are at fault."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from slotspec.cli.app import build
from slotspec.oracle.cluster.reading import read
from slotspec.oracle.conformance.removals import (
    RemovalBounds,
    find_removal,
    pieces_of,
    smallest,
    without,
)
from slotspec.oracle.conformance.replay import conform
from slotspec.statemachine.interpreter.guards import false_guard
from tests.oracle.cluster import corruptions
from tests.variants import fast_first

DATA = Path(__file__).parents[2] / "data" / "clusters"
SOURCE = DATA / "1.12.5-seed0014.jsonl.gz"
LOSES_ANSWERS = DATA / "1.12.5-seed4015.jsonl.gz"


def corrupted(tmp_path: Path, source: Path = SOURCE) -> tuple[Path, int]:
    """A recording in which one state of a TaskExecutor is another, and the line of that state."""
    header, lines = corruptions.read(source)
    change = '"ACTIVE" is "state": "ALLOCATED"'
    place, line, _ = next(one for one in corruptions.changes(lines) if change in one[2])
    path = tmp_path / "corrupted.jsonl.gz"
    corruptions.write(path, header, [*lines[:place], line, *lines[place + 1 :]])
    return path, place + 1


@pytest.mark.parametrize(("source", "who"), fast_first([(SOURCE, "tm2"), (LOSES_ANSWERS, "tm1")]))
def test_the_line_at_fault_is_found(tmp_path: Path, source: Path, who: str) -> None:
    path, line = corrupted(tmp_path, source)
    report = conform(path)
    assert report.unexplained is not None
    removal = find_removal(path, "1.12", report.unexplained.line)
    assert removal.lines == (line,)
    assert removal.smallest
    assert removal.what == (f"line {line + 1}: what {who} remembers",)


@pytest.mark.slow
def test_the_line_at_fault_is_found_in_the_cluster_of_today(tmp_path: Path) -> None:
    path, line = corrupted(tmp_path, DATA / "2.3.0-seed0002.jsonl.gz")
    report = conform(path)
    assert report.unexplained is not None
    assert find_removal(path, "2.3", report.unexplained.line).lines == (line,)


def test_a_call_is_removed_with_its_repeats() -> None:
    recording = read(DATA / "1.13.6-seed9105.jsonl.gz")
    found = pieces_of(recording, 101, 104)
    first, repeat = (next(one for one in found if min(one.calls, default=0) == n) for n in (14, 15))
    assert (first.calls, repeat.calls) == ({14, 15}, {15})
    assert "#14" in first.text
    rest = without(recording, [first])
    assert recording.calls.keys() - rest.calls.keys() == {14, 15}
    assert all(call.repeats is None or call.repeats in rest.calls for call in rest.calls.values())


@pytest.mark.slow
def test_a_limit_ends_the_search_for_lines(tmp_path: Path) -> None:
    path, _ = corrupted(tmp_path)
    removal = find_removal(path, "1.12", 20, RemovalBounds(tries=2))
    assert removal.lines == ()
    assert not removal.smallest
    assert removal.tried == 2


def test_the_command_prints_the_lines(tmp_path: Path) -> None:
    path, _ = corrupted(tmp_path)
    found = CliRunner().invoke(build(), ["conform", str(path), "--find-lines"])
    assert found.exit_code == 1
    assert "without these lines the rest is explained" in found.output
    text = gzip.decompress(path.read_bytes()).decode().splitlines()
    (fault,) = re.findall(r"line (\d+): what tm2 remembers", found.output)
    assert '"state": "ALLOCATED"' in text[int(fault) - 1]
    begin = re.search(r":(\d+): diverges from", found.output)
    waiting = re.findall(r"  line (\d+): .*not explained", found.output)
    assert begin is not None
    assert begin[1] in waiting


@pytest.mark.parametrize("seed", range(20))
def test_a_smallest_part_needs_each_of_its_members(seed: int) -> None:
    dice = random.Random(seed)
    needed = set(dice.sample(range(30), dice.randint(1, 6)))

    def will_do(part: Sequence[int]) -> bool:
        return needed <= set(part)

    assert set(smallest(range(30), will_do)) == needed


def test_a_divergence_says_which_condition_is_false(tmp_path: Path) -> None:
    header, lines = corruptions.read(SOURCE)
    offer = next(one for one in lines if one["do"] == "send" and one["call"] == "offer_slots")
    offer["args"][1][0][0] += 1
    path = tmp_path / "corrupted.jsonl.gz"
    corruptions.write(path, header, lines)
    found = conform(path).unexplained
    assert found is not None
    refused = [why for waiting in found.waiting for why in waiting.refused]
    assert any("disabled by: " in why for why in refused)
    assert any("it would send OFFER_SLOT" in why for why in refused)


def rule(s: Any, one: int) -> int:
    if s.ready:
        return 1
    if (
        one == 2
        or one == 3
        or s.ready
    ):  # fmt: skip
        return 2
    return 3


class State:
    ready = False


@pytest.mark.parametrize(("one", "part"), [(2, "one == 2"), (3, "one == 3")])
def test_the_part_of_a_condition_that_decides(one: int, part: str) -> None:
    assert false_guard(rule, State(), (one,)) == part
