"""What differs between the releases outside pool, manager and table, as named choices."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class OfferAnswers(IntEnum):
    """Which answers to its offers a TaskExecutor acts on."""

    ALL = 0
    """All of them, even late ones (1.11, 1.12)."""
    NEWEST = 1
    """Those to its newest offer (1.13, FLINK-21859)."""


GENERATIONS: Mapping[str, Mapping[str, Any]] = {
    "1.11": {"offer_answers": OfferAnswers.ALL, "can_suspend": 1},
    "1.12": {"offer_answers": OfferAnswers.ALL, "can_suspend": 1},
    "1.13": {"offer_answers": OfferAnswers.NEWEST, "can_suspend": 0},
}
"""The choices of each release; the parts use those of the same release."""
