"""What differs between the releases around pool, manager and table, as named choices."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class OfferAnswers(IntEnum):
    """Which answers to its offers a TaskExecutor obeys."""

    ALL = 0
    """All of them, late ones too (1.11, 1.12)."""
    NEWEST = 1
    """Those to its newest offer (1.13, FLINK-21859)."""


GENERATIONS: Mapping[str, Mapping[str, Any]] = {
    "1.11": {"offer_answers": OfferAnswers.ALL, "can_suspend": 1},
    "1.12": {"offer_answers": OfferAnswers.ALL, "can_suspend": 1},
    "1.13": {"offer_answers": OfferAnswers.NEWEST, "can_suspend": 0},
}
"""The choices of each release; the parts take theirs from the same release."""
