"""Who talks to whom in traces of logical slots."""

from __future__ import annotations

from slotspec.models.common.lifelines import PAYLOADS, SCHEDULER
from slotspec.statemachine.participants import single_lifelines

PARTICIPANTS = single_lifelines(
    "LogicalSlot",
    (SCHEDULER, "LogicalSlot", "owner", "physical slot", PAYLOADS),
    callers={"payload_terminates": PAYLOADS},
    others=SCHEDULER,
    receivers={
        "payload_fail": PAYLOADS,
        "return_slot": "owner",
        "release_done": SCHEDULER,
        "release_failed": SCHEDULER,
        "physical_assign": "physical slot",
    },
    prefixes={
        "payload": PAYLOADS,
        "owner": "owner",
        "release_future": SCHEDULER,
        "physical": "physical slot",
    },
)
