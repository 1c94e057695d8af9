"""When a slot satisfies a request: the facts, release by release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slotspec.models.common.resource_profile import (
    ANY,
    LARGE,
    SMALL,
    UNKNOWN,
    Answer,
    Matching,
    ResourceProfile,
    matches,
    matching_table,
)
from slotspec.models.slot_pool.versions import V1_11, V1_12, V1_13

NO, YES, THROWS = Answer.NO, Answer.YES, Answer.THROWS
GPU = replace(SMALL, extended={"gpu": 1.0})
GPUS = replace(SMALL, extended={"gpu": 2.0, "fpga": 1.0})
TWO_GPUS = replace(SMALL, extended={"gpu": 2.0})
PROFILES = {
    "small": SMALL,
    "large": LARGE,
    "unknown": UNKNOWN,
    "any": ANY,
    "gpu": GPU,
    "gpus": GPUS,
    "two gpus": TWO_GPUS,
}

FACTS = [
    # slot, wanted, in 1.11 and 1.12, in 1.13
    ("small", "small", YES, YES),
    ("large", "small", YES, NO),
    ("small", "large", NO, NO),
    ("unknown", "unknown", YES, THROWS),
    ("unknown", "small", NO, THROWS),
    ("unknown", "any", NO, THROWS),
    ("any", "small", YES, YES),
    ("any", "unknown", YES, YES),
    ("any", "any", YES, YES),
    ("small", "unknown", YES, YES),
    ("small", "any", NO, NO),
    ("large", "any", NO, NO),
    ("gpu", "gpu", YES, YES),
    ("gpu", "small", YES, NO),
    ("small", "gpu", NO, NO),
    ("large", "gpu", NO, NO),
    ("gpus", "gpu", YES, NO),
    ("gpu", "gpus", NO, NO),
    ("gpu", "two gpus", NO, NO),
    ("two gpus", "gpu", YES, NO),
]


@pytest.mark.parametrize(("slot", "wanted", "up_to_1_12", "from_1_13"), FACTS)
def test_facts(slot: str, wanted: str, up_to_1_12: Answer, from_1_13: Answer) -> None:
    pair = PROFILES[slot], PROFILES[wanted]
    assert matches(*pair, Matching.AT_LEAST) == up_to_1_12
    assert matches(*pair, Matching.EQUAL) == from_1_13


@pytest.mark.parametrize(
    "amount", ["cpu", "task_heap_mb", "task_off_heap_mb", "managed_mb", "network_mb"]
)
def test_every_amount_counts(amount: str) -> None:
    base = ResourceProfile(1.0, 10, 10, 10, 10)
    more = replace(base, **{amount: getattr(base, amount) + 1})
    assert matches(more, base, Matching.AT_LEAST) == YES
    assert matches(base, more, Matching.AT_LEAST) == NO
    assert matches(more, base, Matching.EQUAL) == matches(base, more, Matching.EQUAL) == NO


def test_which_release_matches_how() -> None:
    assert V1_11["matching"] == V1_12["matching"] == Matching.AT_LEAST
    assert V1_13["matching"] == Matching.EQUAL


def test_the_table_has_a_row_for_each_slot() -> None:
    assert matching_table([SMALL, LARGE], Matching.AT_LEAST) == [YES, NO, YES, YES]
    assert matching_table([SMALL, UNKNOWN], Matching.EQUAL) == [YES, YES, THROWS, THROWS]
