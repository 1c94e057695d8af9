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


class Deployment(IntEnum):
    """When the tasks of a region are deployed."""

    WITH_THE_JOB = 0
    """When all that is being scheduled has its slots (1.11: eager scheduling)."""
    BY_REGION = 1
    """When the region has its slots (since 1.12)."""


class UnknownDeployments(IntEnum):
    """What becomes of tasks that a heartbeat names and the JobMaster does not take for deployed."""

    KEPT = 0
    """They run on: heartbeats do not name tasks (1.11)."""
    CANCELLED = 1
    """The JobMaster cancels them (since 1.12, FLINK-17075)."""


class SlotReturn(IntEnum):
    """When a region that fails returns its slots."""

    IN_BETWEEN = 0
    """As its tasks come in a hash table: maybe before another task's request is withdrawn, which
    the slot then serves (until 1.13.2)."""
    LAST = 1
    """After all requests are withdrawn (1.13.3, FLINK-22945, FLINK-23806)."""


GENERATIONS: Mapping[str, Mapping[str, Any]] = {
    "1.11": {
        "offer_answers": OfferAnswers.ALL,
        "slot_return": SlotReturn.IN_BETWEEN,
        "can_suspend": 1,
        "deployment": Deployment.WITH_THE_JOB,
        "unknown_deployments": UnknownDeployments.KEPT,
    },
    "1.12": {
        "offer_answers": OfferAnswers.ALL,
        "slot_return": SlotReturn.IN_BETWEEN,
        "can_suspend": 1,
        "deployment": Deployment.BY_REGION,
        "unknown_deployments": UnknownDeployments.CANCELLED,
    },
    "1.13": {
        "offer_answers": OfferAnswers.NEWEST,
        "slot_return": SlotReturn.LAST,
        "can_suspend": 0,
        "deployment": Deployment.BY_REGION,
        "unknown_deployments": UnknownDeployments.CANCELLED,
    },
}
"""The choices of each release; the parts use those of the same release."""
