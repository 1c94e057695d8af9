"""The benchmark is complete, and its page says what is known."""

from __future__ import annotations

import pytest

from slotspec.bugs import known_bugs
from slotspec.bugs.benchmark import BENCHMARK, Row
from slotspec.oracle.fuzzing import can_be_fuzzed, finds_bug
from tests.bugs.page import PAGE, generator


def test_every_number_is_there() -> None:
    assert [row.number for row in BENCHMARK] == list(range(1, 43))
    issues = [issue for row in BENCHMARK for issue in row.issues]
    assert len(issues) == len(set(issues))


@pytest.mark.parametrize("row", BENCHMARK, ids=lambda row: str(row.number))
def test_each_is_shown_or_has_a_reason(row: Row) -> None:
    shown = [issue for issue in row.issues if issue in known_bugs()]
    if shown:
        assert not row.reason, f"{shown} is shown now: take the reason out of benchmark.py"
    else:
        assert row.reason, f"{row.issues} is neither shown nor told why not"


def test_the_page_is_up_to_date() -> None:
    module = generator()
    measured = module.read(PAGE)
    assert module.page(measured) == PAGE, "run python docs/known_bugs.py new"
    assert list(measured) == list(known_bugs())
    assert all(m.states and m.seconds and m.fuzz and m.conform for m in measured.values())


@pytest.mark.slow
def test_what_the_page_says_of_the_fuzz_is_so() -> None:
    """The shortest of them, tried anew; the others are as the page was made."""
    measured = generator().read(PAGE)
    quick = known_bugs()["FLINK-6434"]
    assert measured[quick.issue].fuzz == f"yes ({finds_bug(quick)})"
    for issue, bug in known_bugs().items():
        assert (measured[issue].fuzz == "-") != can_be_fuzzed(bug.model)
