"""The participants in traces of slot sharing."""

from __future__ import annotations

from slotspec.models.common.lifelines import PAYLOADS, POOL, SCHEDULER
from slotspec.models.logical_slot.participants import PARTICIPANTS as LOGICAL_SLOT
from slotspec.statemachine.participants import single_lifelines

PARTICIPANTS = single_lifelines(
    "SlotSharingManager",
    (SCHEDULER, "SlotSharingManager", POOL, "owner", "physical slot", PAYLOADS),
    callers={"payload_terminates": PAYLOADS, "resolve_context": POOL, "fail_context": POOL},
    others=SCHEDULER,
    receivers={
        **LOGICAL_SLOT.receivers,
        "logical_slot_fulfilled": SCHEDULER,
        "logical_slot_failed": SCHEDULER,
        "release_pool_slot": POOL,
    },
    prefixes={**LOGICAL_SLOT.prefixes, "logical_slot": SCHEDULER, "pool": POOL},
)
