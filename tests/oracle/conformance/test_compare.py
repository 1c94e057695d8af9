"""What counts as a difference, and where it is said to be."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from msgspec import UNSET

from slotspec.oracle.conformance.compare import ABSENT, Difference, Outcome, compare, walk
from slotspec.oracle.traces.trace import Expected, TraceStep

FREE_1 = {"effect": "tm.free_slot", "tm": "tm1", "allocation": "a1"}
FREE_2 = {"effect": "tm.free_slot", "tm": "tm1", "allocation": "a2"}
CANCEL = {"effect": "rm.cancel_slot_request", "allocation": "a1", "rm": "rm1"}
STATE: dict[str, Any] = {
    "started": True,
    "task_managers": ["tm1", "tm2"],
    "allocated": {"a1": {"request": "r1"}, "a2": {"request": "r2"}},
    "available": {"a3": {"since": 5}, "a4": {"since": 6}},
    "pending": [{"request": "r3", "unfulfillable_since": None}],
    "clock": 7,
}


def seen(**parts: Any) -> TraceStep:
    return TraceStep(op="close", arguments={}, **parts)


def expected(**parts: Any) -> Expected:
    return Expected(**{"result": None, "effects": [], "state": STATE} | parts)


def found(mine: Expected, theirs: TraceStep) -> list[str]:
    comparison = compare(mine, theirs)
    outcome = Outcome.DIVERGES if comparison.differences else Outcome.CONFORMS
    assert comparison.outcome is outcome
    return [str(difference) for difference in comparison.differences]


def in_state(change: dict[str, Any]) -> list[str]:
    state = {k: v for k, v in (copy.deepcopy(STATE) | change).items() if v is not ...}
    return found(expected(), seen(result=None, effects=[], state=state))


class TestResult:
    def test_equal(self) -> None:
        assert found(expected(result=["a1"]), seen(result=["a1"], effects=[])) == []

    def test_different(self) -> None:
        assert found(expected(result=["a1", "a2"]), seen(result=["a1"])) == [
            'result[1]: expected "a2", seen absent'
        ]

    def test_null_is_a_result(self) -> None:
        assert found(expected(result=True), seen(result=None)) == [
            "result: expected true, seen null"
        ]

    def test_absent_is_not_compared(self) -> None:
        assert found(expected(result=True), seen(effects=[])) == []

    @pytest.mark.parametrize(("left", "right"), [(True, 1), (False, 0), (0, False), ("1", 1)])
    def test_types_count(self, left: Any, right: Any) -> None:
        assert len(found(expected(result=left), seen(result=right))) == 1

    def test_a_number_is_a_number(self) -> None:
        assert found(expected(result=0), seen(result=0.0)) == []


class TestRaises:
    def test_equal(self) -> None:
        assert found(expected(raises="A"), seen(result=None, raises="A")) == []

    def test_other_class(self) -> None:
        assert found(expected(raises="A"), seen(result=None, raises="B")) == [
            'raises: expected "A", seen "B"'
        ]

    def test_expected_only(self) -> None:
        assert found(expected(raises="A"), seen(result=None, effects=[])) == [
            'raises: expected "A", seen absent'
        ]

    def test_seen_only(self) -> None:
        assert found(expected(), seen(raises="A")) == ['raises: expected absent, seen "A"']

    def test_null_says_that_nothing_was_raised(self) -> None:
        assert found(expected(), seen(raises=None)) == []
        assert len(found(expected(raises="A"), seen(raises=None))) == 1

    def test_state_alone_does_not_say(self) -> None:
        assert found(expected(raises="A"), seen(state=STATE)) == []

    def test_cause(self) -> None:
        mine = expected(raises="A", raises_cause="B")
        assert found(mine, seen(raises="A", raises_cause="B")) == []
        assert found(mine, seen(raises="A")) == ['raises_cause: expected "B", seen absent']


class TestEffects:
    def test_order_counts(self) -> None:
        assert found(expected(effects=[FREE_1, FREE_2]), seen(effects=[FREE_2, FREE_1])) == [
            'effects[0].allocation: expected "a1", seen "a2"',
            'effects[1].allocation: expected "a2", seen "a1"',
        ]

    def test_other_kind_is_shown_whole(self) -> None:
        differences = compare(expected(effects=[FREE_1]), seen(effects=[CANCEL])).differences
        assert differences == (Difference("effects[0]", FREE_1, CANCEL),)

    def test_missing_and_surplus(self) -> None:
        assert compare(expected(effects=[FREE_1]), seen(effects=[])).differences == (
            Difference("effects[0]", FREE_1, ABSENT),
        )
        assert compare(expected(), seen(effects=[FREE_1])).differences == (
            Difference("effects[0]", ABSENT, FREE_1),
        )

    def test_unset_is_not_compared(self) -> None:
        assert found(expected(effects=[FREE_1]), seen(result=None)) == []

    @pytest.mark.parametrize(("mine", "theirs"), [([(0, 2)], ()), ([], ((0, 2),))])
    def test_unordered_of_either_side(self, mine: Any, theirs: Any) -> None:
        left = expected(effects=[FREE_1, FREE_2], unordered=mine)
        assert found(left, seen(effects=[FREE_2, FREE_1], unordered=theirs)) == []

    def test_order_outside_the_range_counts(self) -> None:
        left = expected(effects=[CANCEL, FREE_1, FREE_2], unordered=[(1, 3)])
        assert found(left, seen(effects=[CANCEL, FREE_2, FREE_1])) == []
        assert len(found(left, seen(effects=[FREE_1, CANCEL, FREE_2]))) == 2

    def test_neighbouring_ranges_do_not_mix(self) -> None:
        left = expected(effects=[FREE_1, FREE_2], unordered=[(0, 1), (1, 2)])
        assert len(found(left, seen(effects=[FREE_2, FREE_1]))) == 2

    def test_overlapping_ranges_of_both_sides_join(self) -> None:
        left = expected(effects=[CANCEL, FREE_1, FREE_2], unordered=[(0, 2)])
        right = seen(effects=[FREE_2, CANCEL, FREE_1], unordered=((1, 3),))
        assert found(left, right) == []

    def test_a_range_within_a_range_of_the_other_side(self) -> None:
        left = expected(effects=[CANCEL, FREE_1, FREE_2], unordered=[(0, 3)])
        right = seen(effects=[FREE_2, FREE_1, CANCEL], unordered=((1, 2),))
        assert found(left, right) == []

    def test_a_range_is_a_multiset(self) -> None:
        left = expected(effects=[FREE_1, FREE_1, FREE_2], unordered=[(0, 3)])
        assert len(found(left, seen(effects=[FREE_1, FREE_2, FREE_2]))) == 1

    def test_what_is_left_of_a_range_is_shown_against_each_other(self) -> None:
        left = expected(effects=[FREE_1, CANCEL], unordered=[(0, 2)])
        right = seen(effects=[CANCEL, FREE_2])
        assert found(left, right) == ['effects[1].allocation: expected "a1", seen "a2"']

    def test_types_count_within_a_range(self) -> None:
        left = expected(effects=[{"effect": "x", "a": 1}, {"effect": "x"}], unordered=[(0, 2)])
        right = seen(effects=[{"effect": "x"}, {"effect": "x", "a": True}])
        assert found(left, right) == ["effects[1].a: expected 1, seen true"]


class TestState:
    def test_equal(self) -> None:
        assert in_state({}) == []

    def test_path_of_a_difference(self) -> None:
        available = {"a3": {"since": 6}, "a4": {"since": 6}}
        assert in_state({"available": available}) == [
            "state.available.a3.since: expected 5, seen 6"
        ]

    def test_element_of_a_list(self) -> None:
        assert in_state({"pending": [{"request": "r3", "unfulfillable_since": 4}]}) == [
            "state.pending[0].unfulfillable_since: expected null, seen 4"
        ]
        assert in_state({"pending": []}) == [
            'state.pending[0]: expected {"request":"r3","unfulfillable_since":null}, seen absent'
        ]

    def test_missing_and_surplus_fields(self) -> None:
        assert in_state({"clock": ...}) == ["state.clock: expected 7, seen absent"]
        assert in_state({"leaked": []}) == ["state.leaked: expected absent, seen []"]

    def test_flag_is_no_number(self) -> None:
        assert in_state({"started": 1}) == ["state.started: expected true, seen 1"]

    def test_order_of_keys_means_nothing(self) -> None:
        assert in_state({"available": {"a4": {"since": 6}, "a3": {"since": 5}}}) == []
        state = dict(reversed(STATE.items()))
        assert found(expected(), seen(result=None, effects=[], state=state)) == []

    def test_order_of_allocated_counts(self) -> None:
        allocated = dict(reversed(STATE["allocated"].items()))
        assert in_state({"allocated": allocated}) == [
            'state.allocated (order): expected ["a1","a2"], seen ["a2","a1"]'
        ]

    def test_order_is_not_added_to_missing_entries(self) -> None:
        assert in_state({"allocated": {"a2": {"request": "r2"}}}) == [
            'state.allocated.a1: expected {"request":"r1"}, seen absent'
        ]

    def test_all_differences_in_order_of_the_fields(self) -> None:
        assert [d.split(":")[0] for d in in_state({"clock": 8, "started": False})] == [
            "state.started",
            "state.clock",
        ]


def test_nothing_said_is_undetermined() -> None:
    comparison = compare(expected(result=True, effects=[CANCEL], raises="A"), seen())
    assert comparison.outcome is Outcome.UNDETERMINED
    assert comparison.differences == ()


@pytest.mark.parametrize(
    "part", [{"result": None}, {"effects": []}, {"raises": None}, {"state": STATE}]
)
def test_one_part_is_enough_to_decide(part: dict[str, Any]) -> None:
    assert compare(expected(), seen(**part)).outcome is Outcome.CONFORMS


def test_differences_are_limited() -> None:
    differences = compare(expected(result=[0] * 1000), seen(result=[1] * 1000)).differences
    assert len(differences) == 50


def test_absent_and_unset_survive_the_way_between_processes() -> None:
    difference = Difference("x", ABSENT, 1)
    assert pickle.loads(pickle.dumps(difference)).expected is ABSENT
    assert pickle.loads(pickle.dumps(seen())).effects is UNSET


def test_walk_ends_on_equal_values() -> None:
    assert list(walk("x", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]})) == []
