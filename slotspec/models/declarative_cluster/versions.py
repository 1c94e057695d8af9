"""What differs between the releases outside pool, manager and table, as named choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slotspec.models.cluster.versions import (
    Deployment,
    OfferAnswers,
    SlotReturn,
    UnknownDeployments,
)

V1_20: Mapping[str, Any] = {
    "declarative": 1,
    "offer_answers": OfferAnswers.NEWEST,
    "slot_return": SlotReturn.LAST,
    "can_suspend": 0,
    "deployment": Deployment.BY_REGION,
    "unknown_deployments": UnknownDeployments.CANCELLED,
}
"""All of this is older than 1.20.

FLINK-21859, FLINK-23806, FLINK-11719, FLINK-10404, FLINK-17075, pipelined regions.
"""

GENERATIONS: Mapping[str, Mapping[str, Any]] = {"1.20": V1_20, "2.3": V1_20}
"""The choices of each release; pool and manager use those of the same release.

They differ in the delay of declarations (2.3, FLIP-370) and in how slots are adjusted. The slot
table has one generation for both.
"""
